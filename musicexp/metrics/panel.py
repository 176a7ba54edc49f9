"""The panel: what each metric of one piece asks, and its values.

None is better when it is higher, and there is no total: a value is read beside those of the corpus that the model
learnt from. Repetition, for one, falls short of real music at temperature 1 and overshoots it at .5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from musicexp.metrics.harmony import harmony
from musicexp.metrics.lines import line_of
from musicexp.metrics.melody import interval_entropy, leap_recovery, leap_share, mean_interval
from musicexp.metrics.rhythm import duration_entropy, groove_similarity, npvi, off_eighth, wrong_bars
from musicexp.metrics.structure import ends_on_tonic, repeated_grams, structureness
from musicexp.metrics.tonality import bars_entropy, key_clarity, pitch_class_entropy, scale_consistency
from musicexp.music import Piece

Aspect = Literal["novelty", "structure", "rhythm", "melody", "tonality", "harmony"]


@dataclass(frozen=True)
class Metric:
    """One question asked of a piece.

    Attributes:
        name: as in `music/<name>/T1`.
        title: in tables and pages.
        aspect: which part of the panel it stands in.
        asks: what it asks, in plain words, and what low and high mean.
        unit: "share" (0 to 1), "bits", "semitones", "notes", or "" for a plain number.
        source: who defined it.
    """

    name: str
    title: str
    aspect: Aspect
    asks: str
    unit: str
    source: str


_ALL = (
    Metric(
        "longest_copy",
        "longest copy",
        "novelty",
        "How many notes in a row stand in the training music as they are here, in any key? A few do in any music; a "
        "long run means that the model recites. A repeated note or a trill is no copy here.",
        "notes",
        "after Yin et al. 2021",
    ),
    Metric(
        "copied_8grams",
        "copied 8-grams",
        "novelty",
        "Which share of the runs of eight notes stands in the training music, in any key? Real pieces share some with "
        "each other; much more than they do means that the model recites.",
        "share",
        "after Yin et al. 2021",
    ),
    Metric(
        "originality",
        "originality",
        "novelty",
        "How much of four bars is left when the training piece most like them, moved to fit, is taken away? 0 is a copy, "
        "1 has no note in common; the mean over the piece.",
        "share",
        "Yin et al. 2021, 2022",
    ),
    Metric(
        "repeated_4grams",
        "repeated 4-grams",
        "structure",
        "Does the melody come back to its figures? The share of figures of four steps (interval and duration) that come "
        "more than once: low wanders, high goes round in circles.",
        "share",
        "music-evaluation panel; n-gram repetition",
    ),
    Metric(
        "structure_short",
        "structure, 2-4 bars",
        "structure",
        "Does some passage of two to four bars explain much of the piece by its repeats? Low: nothing of that length "
        "returns; high: the piece is made of one such phrase.",
        "",
        "Wu and Yang 2020; Mueller et al. 2012",
    ),
    Metric(
        "structure_middle",
        "structure, 4-8 bars",
        "structure",
        "Does some passage of four to eight bars explain much of the piece by its repeats? Low: nothing of that length "
        "returns; high: the piece is made of one such phrase.",
        "",
        "Wu and Yang 2020; Mueller et al. 2012",
    ),
    Metric(
        "structure_long",
        "structure, 8+ bars",
        "structure",
        "Does some section of eight bars or more explain much of the piece by its repeats? Low: no section returns; "
        "high: the piece is one section said again.",
        "",
        "Wu and Yang 2020; Mueller et al. 2012",
    ),
    Metric(
        "ends_on_tonic",
        "ends on the tonic",
        "structure",
        "Does the melody close with a long note on its tonic? 1 if it does, 0 if not; over many pieces, the share that "
        "does.",
        "share",
        "music-evaluation panel",
    ),
    Metric(
        "groove",
        "groove similarity",
        "rhythm",
        "Do the bars begin their notes at the same places? Low: each bar has a rhythm of its own; 1: all have the same.",
        "share",
        "Wu and Yang 2020",
    ),
    Metric(
        "off_eighth",
        "onsets off the eighths",
        "rhythm",
        "How much happens between the eighths? The share of onsets off their grid: low is plain, high is busy or has "
        "lost the beat.",
        "share",
        "music-evaluation panel",
    ),
    Metric(
        "wrong_bars",
        "wrong bars",
        "rhythm",
        "Which share of the bars that the tune itself writes is longer or shorter than its metre says, upbeats and what "
        "completes them aside? High: the model does not count.",
        "share",
        "music-evaluation panel",
    ),
    Metric(
        "duration_entropy",
        "duration entropy",
        "rhythm",
        "How many note values are used, and how evenly? 0 bits is one value throughout; each bit doubles the choice.",
        "bits",
        "Shannon 1948",
    ),
    Metric(
        "npvi",
        "nPVI",
        "rhythm",
        "How much do neighbouring notes differ in duration? 0: all alike; a steady long-short is about 67 (2:1) or 100 "
        "(3:1).",
        "",
        "Grabe and Low 2002",
    ),
    Metric(
        "interval_entropy",
        "interval entropy",
        "melody",
        "How many different intervals does the melody use, up and down apart, and how evenly? Low is monotonous, high "
        "is erratic.",
        "bits",
        "Shannon 1948",
    ),
    Metric(
        "leaps",
        "leaps",
        "melody",
        "Which share of the intervals is wider than a fifth? Low moves by step, high jumps about.",
        "share",
        "Narmour 1990; Huron 2006",
    ),
    Metric(
        "leap_recovery",
        "leap recovery",
        "melody",
        "After a leap, does the melody turn back by a smaller interval? Low leaps on, high always turns.",
        "share",
        "Narmour 1990; Huron 2006",
    ),
    Metric(
        "mean_interval",
        "mean interval",
        "melody",
        "How far does the melody go from note to note, on the average? Low repeats and steps, high leaps.",
        "semitones",
        "jSymbolic M-2 (McKay 2004)",
    ),
    Metric(
        "information_mean",
        "information content",
        "melody",
        "How surprising is a note to somebody who knows the corpus? Low is what was to be expected, high is foreign.",
        "bits",
        "Pearce 2005",
    ),
    Metric(
        "information_sd",
        "spread of information",
        "melody",
        "Does surprise come and go? Low: every note surprises alike; high: the expected and the unexpected alternate.",
        "bits",
        "Pearce 2005",
    ),
    Metric(
        "scale_consistency",
        "scale consistency",
        "tonality",
        "Which share of the notes is in one scale? 1: none is outside it; about .6 is what random notes reach.",
        "share",
        "Mogren 2016",
    ),
    Metric(
        "pitch_class_entropy",
        "pitch-class entropy",
        "tonality",
        "How many of the twelve pitch classes are used, and how evenly? 0 bits is one, 2.8 a whole scale alike, 3.6 all "
        "twelve alike.",
        "bits",
        "Wu and Yang 2020",
    ),
    Metric(
        "pitch_class_entropy_1bar",
        "pitch classes in 1 bar",
        "tonality",
        "How many pitch classes does one bar use, and how evenly? Low stands still, high changes with every note.",
        "bits",
        "Wu and Yang 2020, H1",
    ),
    Metric(
        "pitch_class_entropy_4bars",
        "pitch classes in 4 bars",
        "tonality",
        "How many pitch classes do four bars in a row use, and how evenly? Low stands still; near to 3.6 no key is left.",
        "bits",
        "Wu and Yang 2020, H4",
    ),
    Metric(
        "key_clarity",
        "key clarity",
        "tonality",
        "How well do the pitch classes fit the key they fit best? Near 1: one key is plainly heard; low: none is.",
        "",
        "Krumhansl 1990",
    ),
    Metric(
        "consonance",
        "consonance",
        "harmony",
        "Which share of the intervals that sound together is consonant? Low is harsh, 1 knows no tension.",
        "share",
        "music-evaluation panel",
    ),
    Metric(
        "voices",
        "voices sounding",
        "harmony",
        "How many notes sound at once, where any does? Low is thin, high is thick.",
        "notes",
        "muspy's polyphony",
    ),
    Metric(
        "parallels",
        "parallel fifths and octaves",
        "harmony",
        "Where two voices a fifth or an octave apart both move, how often do they go on in parallel, as far apart? "
        "Low: the voices are independent; high: they are doubled.",
        "share",
        "strict counterpoint (Fux 1725)",
    ),
    Metric(
        "chord_tones",
        "chord tones",
        "harmony",
        "Which share of the notes that sound together belongs to one triad? Low is clusters and passing notes, 1 is block "
        "chords.",
        "share",
        "music-evaluation panel",
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
"""All metrics of a piece by name, in the order they are shown."""


def measured(piece: Piece) -> dict[str, float]:
    """The values that need nothing but the piece, in the panel's order; nan where a question has no answer."""
    line = line_of(piece)
    return {
        "repeated_4grams": repeated_grams(line),
        **structureness(piece),
        "ends_on_tonic": ends_on_tonic(piece, line),
        "groove": groove_similarity(piece),
        "off_eighth": off_eighth(piece),
        "wrong_bars": wrong_bars(piece),
        "duration_entropy": duration_entropy(line),
        "npvi": npvi(line),
        "interval_entropy": interval_entropy(line),
        "leaps": leap_share(line),
        "leap_recovery": leap_recovery(line),
        "mean_interval": mean_interval(line),
        "scale_consistency": scale_consistency(piece),
        "pitch_class_entropy": pitch_class_entropy(piece),
        "pitch_class_entropy_1bar": bars_entropy(piece, 1),
        "pitch_class_entropy_4bars": bars_entropy(piece, 4),
        "key_clarity": key_clarity(piece),
        **harmony(piece),
    }
