"""Scores in, through music21: MusicXML, Humdrum **kern, and MIDI for those who want music21's own reading of it.

Its streams are asked for what is written; what of that sounds is decided here. Not by its `stripTies`, which joins
a slur's two pitches to one note and loses the ties of chords; and without its cache of pickles on disk.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musicexp.music.midi import midi_score, refuse_endless
from musicexp.music.musicxml import musicxml_root
from musicexp.music.piece import DEFAULT_VELOCITY, STEPS_PER_QUARTER, TICKS_PER_QUARTER, Piece
from musicexp.music.reading import content

KERN_SUFFIX = ".krn"
LARGEST_UNIT = 64
GRACE_TICKS = TICKS_PER_QUARTER // STEPS_PER_QUARTER
"""How long a grace note is where it is a note: a step of the grid."""
MUSICXML_SUFFIXES = (".musicxml", ".mxl", ".xml")


class _Written(NamedTuple):
    """A note as it is written, times in ticks; a tie may bind it to the one before or the one behind."""

    begin: int
    end: int
    pitch: int
    velocity: int
    tied_before: bool = False
    tied_behind: bool = False
    fermata: bool = False


def score_piece(path: Path, name: str) -> Piece:
    """The piece of music in a file of MusicXML, **kern or MIDI; a part is a part of the score, from 0.

    Written times become ticks of `TICKS_PER_QUARTER`, then steps. Repeats are played once, ornaments not at all.

    Raises:
        ValueError: see `score_pieces`; or the file holds several pieces.
        Exception: whatever else music21 raises on what it cannot read.
    """
    pieces = score_pieces(path, name)
    if len(pieces) != 1:
        raise ValueError(f"holds {len(pieces)} pieces, where one was asked for")
    return pieces[0]


def score_pieces(path: Path, name: str, *, graces: bool = False) -> list[Piece]:
    """All pieces in a file, in order; a **kern file may hold several, which are then called name#1, name#2 and so on.

    Args:
        graces: grace notes are notes, each a step long, which the note that they adorn begins later; otherwise, and
            where no note of their part begins behind them or it is too short for them, they are dropped and counted.

    Raises:
        ValueError: the file is damaged, is not what its suffix says, unfolds to too much (`music.musicxml`),
            lasts too long, or has a pitch that MIDI has not.
        Exception: whatever else music21 raises on what it cannot read.
    """
    scores = _scores(path)
    names = [name] if len(scores) == 1 else [f"{name}#{number}" for number in range(1, len(scores) + 1)]
    return [_piece(score, called, graces) for score, called in zip(scores, names, strict=True)]


def _scores(path: Path) -> list[Any]:
    """music21's Scores of a file, read by its importers themselves: its `parse` would write pickles."""
    suffix, data = path.suffix.lower(), content(path)
    if suffix in MUSICXML_SUFFIXES:
        return [_from_musicxml(data)]
    if suffix == KERN_SUFFIX:
        return _from_kern(data)
    from music21.midi.translate import midiStringToStream

    midi_score(data)  # at no cost: over a damaged delta time music21 loops for ever
    return [midiStringToStream(data)]


def _from_musicxml(data: bytes) -> Any:
    from music21.musicxml.xmlToM21 import MusicXMLImporter

    root = musicxml_root(data)
    importer = MusicXMLImporter()
    importer.xmlRootToScore(root, importer.stream)
    return importer.stream


def _from_kern(data: bytes) -> list[Any]:
    from music21.humdrum.spineParser import HumdrumDataCollection
    from music21.stream import Opus

    lines = data.decode("latin-1").splitlines()
    if not any(line.startswith("**") and "**kern" in line for line in lines):
        raise ValueError("is no score in Humdrum's **kern: none of its lines begins with **kern")
    found = HumdrumDataCollection(lines).parse()
    return list(found.scores) if isinstance(found, Opus) else [found]


# ---------------------------------------------------------------------------------------------------
# What sounds


def _piece(score: Any, name: str, play_graces: bool) -> Piece:
    parts = list(score.parts)
    notes: list[tuple[int, int, int, int, int, bool]] = []
    graces = 0
    for number, part in enumerate(parts):
        if part.atSoundingPitch is False:
            part.toSoundingPitch(inPlace=True)
        written, adorning = _written(part)
        sounding = _joined(written)
        if play_graces:
            sounding, adorning = _with_graces(sounding, adorning)
        graces += sum(map(len, adorning))
        notes += [(n.begin, n.end - n.begin, n.pitch, n.velocity, number, n.fermata) for n in sounding]
    *columns, fermata = np.array(notes, dtype=np.int64).reshape(-1, 6).T
    refuse_endless(int((columns[0] + columns[1]).max(initial=0)) / TICKS_PER_QUARTER, len(notes))
    names = tuple(str(part.partName or "") for part in parts)
    return Piece.from_ticks(
        name,
        *columns,
        ticks_per_quarter=TICKS_PER_QUARTER,
        fermata=fermata.astype(bool),
        parts=names if any(names) else (),
        grace_notes=graces,
        **_head(score),
    )


def _written(part: Any) -> tuple[list[_Written], list[list[_Written]]]:
    """The notes of a part that have a length, and the grace notes and chords, which have none."""
    from music21 import harmony

    found: list[_Written] = []
    graces: list[list[_Written]] = []
    for offset, element in _elements(part, Fraction(0)):
        # A chord symbol is a chord to music21, but tells what to play and is not played.
        if "NotRest" not in element.classSet or isinstance(element, harmony.Harmony):
            continue
        members = [m for m in (element.notes if hasattr(element, "notes") else [element]) if m.pitches]
        length = Fraction(element.duration.quarterLength)
        begin, end = _ticks(offset), _ticks(offset + length)
        if element.duration.isGrace or length <= 0:
            if members:
                graces.append([_Written(begin, begin, _midi_number(m.pitch), _velocity(m)) for m in members])
            continue
        for member in members:
            tie = member.tie.type if member.tie is not None else ""
            found.append(
                _Written(
                    begin,
                    max(end, begin + 1),
                    _midi_number(member.pitch),
                    _velocity(member),
                    tie in ("stop", "continue"),
                    tie in ("start", "continue"),
                    _has_fermata(element) or _has_fermata(member),
                )
            )
    return found, graces


def _elements(stream: Any, offset: Fraction) -> Iterator[tuple[Fraction, Any]]:
    """Everything in a stream, its bars and their voices, with its place in quarters."""
    for element in stream:
        place = offset + Fraction(stream.elementOffset(element))
        if element.isStream:
            yield from _elements(element, place)
        else:
            yield place, element


def _joined(written: Iterable[_Written]) -> list[_Written]:
    """A tie joins two notes of one pitch, in one or two voices, where the second begins at the first's end.

    What then sounds bears a fermata if any of them does: it may stand above the last one.
    """
    found: list[_Written] = []
    tied: defaultdict[tuple[int, int], list[int]] = defaultdict(list)  # (pitch, end) -> places in `found`
    for note in sorted(written, key=operator.attrgetter("begin")):
        before = tied[note.pitch, note.begin] if note.tied_before else []
        if before:
            place = before.pop()
            found[place] = found[place]._replace(end=note.end, fermata=found[place].fermata or note.fermata)
        else:
            place = len(found)
            found.append(note)
        if note.tied_behind:
            tied[note.pitch, note.end].append(place)
    return found


def _with_graces(
    notes: list[_Written], graces: list[list[_Written]]
) -> tuple[list[_Written], list[list[_Written]]]:
    """Notes with the graces before them, which take their time from them; and the graces that have no room."""
    found = list(notes)
    dropped: list[list[_Written]] = []
    before: defaultdict[int, list[list[_Written]]] = defaultdict(list)  # onset -> graces, in order
    for grace in graces:
        before[grace[0].begin].append(grace)
    for onset, several in before.items():
        adorned = [place for place, note in enumerate(notes) if note.begin == onset]
        shortest = min((notes[place].end - onset for place in adorned), default=0)
        room = min(len(several), max(shortest // GRACE_TICKS - 1, 0))
        dropped += several[: len(several) - room]
        for number, grace in enumerate(several[len(several) - room :]):
            begin = onset + number * GRACE_TICKS
            found += [note._replace(begin=begin, end=begin + GRACE_TICKS) for note in grace]
        for place in adorned:
            found[place] = found[place]._replace(begin=onset + room * GRACE_TICKS)
    return found, dropped


def _has_fermata(element: Any) -> bool:
    """Whether one stands above a note or a chord; one above a rest or a bar line is nobody's."""
    from music21 import expressions

    return any(isinstance(sign, expressions.Fermata) for sign in element.expressions)


def _ticks(quarters: Fraction) -> int:
    return round(quarters * TICKS_PER_QUARTER)


def _midi_number(pitch: Any) -> int:
    """Not music21's own `midi`, which moves what lies outside MIDI by octaves; a quarter tone goes up."""
    number = int(np.floor(pitch.ps + 0.5))
    if not 0 <= number <= 127:
        raise ValueError(f"has the pitch {pitch.nameWithOctave}, {number} in MIDI, which ends at 0 and 127")
    return number


def _velocity(member: Any) -> int:
    said = member.volume.velocity if member.hasVolumeInformation() else None
    return DEFAULT_VELOCITY if said is None else min(max(int(said), 1), 127)


# ---------------------------------------------------------------------------------------------------
# What is said about it


def _head(score: Any) -> dict[str, Any]:
    """Tempo, metre and key: of each the first in time."""
    from music21 import key, meter, tempo

    kinds = (tempo.MetronomeMark, meter.TimeSignature, key.KeySignature)
    said = [(offset, e) for offset, e in _elements(score, Fraction(0)) if isinstance(e, kinds)]
    said.sort(key=operator.itemgetter(0))
    found: dict[str, Any] = {}
    for _, element in said:
        if isinstance(element, tempo.MetronomeMark) and (quarters := element.getQuarterBPM()):
            found.setdefault("tempo", round(float(quarters), 2))
        elif isinstance(element, meter.TimeSignature) and _is_metre(element):
            found.setdefault("metre", (element.numerator, element.denominator))
    signatures = [(offset, e) for offset, e in said if isinstance(e, key.KeySignature)]
    # Kern writes the accidentals first and then the key, in the same place.
    for offset, signature in signatures:
        if offset == signatures[0][0] and isinstance(signature, key.Key):
            found.setdefault("key", f"{signature.tonic.name} {signature.mode}")
    return found | _upbeat(score)


def _upbeat(score: Any) -> dict[str, int]:
    """How long the first bar is if it is no whole one; 0 if it is, and nothing for a score without bars."""
    for part in score.parts:
        bars = list(part.getElementsByClass("Measure"))
        if len(bars) > 1:
            length, whole = Fraction(bars[0].highestTime), Fraction(bars[0].barDuration.quarterLength)
            return {"upbeat": round(length * STEPS_PER_QUARTER) if 0 < length < whole else 0}
    return {}


def _is_metre(signature: Any) -> bool:
    """Whether MIDI can say it, whose units are powers of two."""
    beats, unit = int(signature.numerator), int(signature.denominator)
    return 0 < beats <= 255 and 0 < unit <= LARGEST_UNIT and unit & (unit - 1) == 0
