"""The panel: each metric's values by hand and by the laws it keeps. What its peers say: test_panel_peers.py."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from tunes import melodies, polyphony, quickly, scale, shifted, slowly

from musicexp.metrics.harmony import harmony, voices_sounding
from musicexp.metrics.lines import Line, bars_of, line_of
from musicexp.metrics.melody import interval_entropy, leap_recovery, leap_share, mean_interval
from musicexp.metrics.panel import METRICS, measured
from musicexp.metrics.rhythm import duration_entropy, groove_similarity, npvi, off_eighth, wrong_bars
from musicexp.metrics.structure import ends_on_tonic, repeated_grams, structureness
from musicexp.metrics.tonality import bars_entropy, key_clarity, pitch_class_entropy, scale_consistency
from musicexp.music import Note, Piece
from musicexp.music.tunes import read_abc

OF_OTHERS = {"longest_copy", "copied_8grams", "originality", "information_mean", "information_sd"}
"""They need a corpus."""

ONE_NOTE = {
    "off_eighth": 0.0,
    "duration_entropy": 0.0,
    "scale_consistency": 1.0,
    "pitch_class_entropy": 0.0,
    "pitch_class_entropy_1bar": 0.0,
    "key_clarity": pytest.approx(0.68, abs=0.01),
}

QUARTER = 24
C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72)


def rhythm_of(*onsets: int, metre: tuple[int, int] = (4, 4)) -> Piece:
    """One pitch at these sixteenths."""
    return Piece.of([Note(6 * onset, 6, 60) for onset in onsets], metre=metre)


def durations_of(*steps: int) -> Line:
    """A line of these durations."""
    begin = np.cumsum([0, *steps[:-1]])
    return Line(
        begin.astype(np.int32), np.array(steps, dtype=np.int32), np.full(len(steps), 60, dtype=np.int32)
    )


def chords(*pitches: tuple[int, ...]) -> Piece:
    """A quarter each."""
    return Piece.of([Note(24 * i, 24, pitch) for i, chord in enumerate(pitches) for pitch in chord])


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether all values are equal, nan for nan."""
    return one == pytest.approx(other, abs=1e-9, nan_ok=True)


# ---------------------------------------------------------------------------------------------------
# The panel as a whole


def test_every_metric_says_what_it_asks_and_none_says_what_is_better() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.asks.endswith(".")
        assert metric.source
        assert not {"better", "good", "bad", "best"} & set(metric.asks.lower().replace(",", " ").split())


def test_aspects_are_shown_in_the_panel_s_order() -> None:
    order = ["novelty", "structure", "rhythm", "melody", "tonality", "harmony"]
    assert sorted(METRICS.values(), key=lambda metric: order.index(metric.aspect)) == list(METRICS.values())


def test_what_is_measured_is_all_that_needs_no_corpus_in_the_order_shown() -> None:
    assert list(measured(scale(*C_MAJOR))) == [name for name in METRICS if name not in OF_OTHERS]


def test_an_empty_piece_has_no_answers() -> None:
    assert all(math.isnan(value) for value in measured(Piece.of([])).values())


def test_one_note_has_the_answers_that_one_note_can_give() -> None:
    given_answers = {name: value for name, value in measured(scale(60)).items() if not math.isnan(value)}
    assert given_answers == ONE_NOTE


def test_one_bar_has_no_second_bar_to_be_like() -> None:
    values = measured(scale(*C_MAJOR))
    unanswered = {name for name, value in values.items() if math.isnan(value)}
    assert {"groove", "structure_short", "structure_long", "pitch_class_entropy_4bars"} <= unanswered
    assert values["pitch_class_entropy_1bar"] == pytest.approx(values["pitch_class_entropy"])


@slowly
@given(st.one_of(melodies(16), polyphony(16)), st.integers(-12, 12))
def test_no_metric_knows_the_key(piece: Piece, semitones: int) -> None:
    moved = Piece.of([n._replace(pitch=n.pitch + semitones) for n in piece.notes()], metre=piece.metre)
    if len(piece) and min(piece.pitch.min(), moved.pitch.min()) >= 0 and moved.pitch.max() <= 127:
        # Of keys that fit equally well one is taken by its name: only that may change.
        assert same(measured(moved) | {"ends_on_tonic": 0}, measured(piece) | {"ends_on_tonic": 0})


@slowly
@given(st.one_of(melodies(16), polyphony(16)), st.integers(1, 5))
def test_no_metric_knows_how_many_bars_were_silent_before(piece: Piece, bars: int) -> None:
    steps = bars * bars_of(piece).steps
    later = Piece.of([n._replace(onset=n.onset + steps) for n in piece.notes()], metre=piece.metre)
    assert same(measured(later), measured(piece))


@slowly
@given(polyphony(16), st.randoms(use_true_random=False))
def test_the_order_in_which_notes_are_given_does_not_matter(piece: Piece, random: object) -> None:
    notes = piece.notes()
    random.shuffle(notes)  # type: ignore[attr-defined]
    assert same(
        measured(Piece.of(notes, metre=piece.metre)), measured(Piece.of(piece.notes(), metre=piece.metre))
    )


@quickly
@given(polyphony(16), st.lists(st.sampled_from([-12, 0, 12]), min_size=16, max_size=16))
def test_tonality_does_not_know_octaves(piece: Piece, octaves: list[int]) -> None:
    notes = [
        n._replace(pitch=n.pitch + by, part=i)
        for i, (n, by) in enumerate(zip(piece.notes(), octaves, strict=False))
    ]
    if (
        notes
        and all(0 <= n.pitch <= 127 for n in notes)
        and len(moved := Piece.of(notes, metre=piece.metre)) == len(piece)
    ):
        tonality = [name for name, metric in METRICS.items() if metric.aspect == "tonality"]
        one, other = measured(piece), measured(moved)
        assert same({name: one[name] for name in tonality}, {name: other[name] for name in tonality})


@quickly
@given(melodies(16), st.sampled_from([2, 3]))
def test_what_is_about_proportions_does_not_know_how_fast_notes_are(piece: Piece, factor: int) -> None:
    slower = Piece.of(
        [n._replace(onset=factor * n.onset, duration=factor * n.duration) for n in piece.notes()],
        metre=piece.metre,
    )
    names = (
        "repeated_4grams",
        "ends_on_tonic",
        "duration_entropy",
        "npvi",
        "interval_entropy",
        "leaps",
        "key_clarity",
    )
    one, other = measured(piece), measured(slower)
    assert same({name: one[name] for name in names}, {name: other[name] for name in names})


@slowly
@given(st.one_of(melodies(16), polyphony(16)))
def test_shares_are_shares_and_entropies_are_no_more_than_their_classes(piece: Piece) -> None:
    for name, value in measured(piece).items():
        if math.isnan(value):
            continue
        if METRICS[name].unit == "share":
            assert 0 <= value <= 1, name
        if name.startswith("pitch_class_entropy"):
            assert 0 <= value <= math.log2(12) + 1e-9
        if name.startswith("structure_"):
            assert 0 <= value < 1


def test_a_file_that_names_no_metre_and_begins_late_has_the_bars_of_4_4() -> None:
    late = shifted(scale(*C_MAJOR), steps=10 * 96 + 7)
    assert bars_of(late) == (10 * 96, 96, 2)
    strange = Piece.of(scale(60).notes(), metre=(5, 64))
    assert bars_of(strange).steps == 96


@pytest.mark.slow
def test_an_hour_of_dense_music_takes_seconds() -> None:
    generator = np.random.default_rng(0)
    count = 2000 * 24
    onsets = np.sort(generator.integers(0, 2000 * 96, count))
    rows = zip(
        onsets.tolist(),
        generator.integers(3, 200, count).tolist(),
        generator.integers(30, 90, count).tolist(),
        strict=True,
    )
    piece = Piece.of([Note(*row) for row in rows])
    assert bars_of(piece).total >= 2000
    begun = time.process_time()
    values = measured(piece)
    assert time.process_time() - begun < 15
    assert not math.isnan(values["groove"])


# ---------------------------------------------------------------------------------------------------
# Structure


def test_a_figure_that_comes_again_in_another_key_is_repeated() -> None:
    figure = (60, 62, 64, 65, 67)
    assert repeated_grams(line_of(scale(*figure, *(pitch + 7 for pitch in figure)))) == pytest.approx(2 / 6)
    assert repeated_grams(line_of(scale(*figure))) == 0
    assert math.isnan(repeated_grams(line_of(scale(60, 62, 64, 65))))


def test_a_figure_in_another_rhythm_is_another_one() -> None:
    figure = [Note(12 * i, 12, 60 + 2 * i) for i in range(5)]
    slower = [Note(60 + 24 * i, 24, 60 + 2 * i) for i in range(5)]
    assert repeated_grams(line_of(Piece.of(figure + slower))) == 0


def tune_of(*bars: tuple[int, ...]) -> Piece:
    """Bars of 4/4 in even notes."""
    notes, begin = [], 0
    for bar in bars:
        notes += [Note(begin + i * 96 // len(bar), 96 // len(bar), pitch) for i, pitch in enumerate(bar)]
        begin += 96
    return Piece.of(notes)


A = ((60, 62, 64, 65), (67, 72), (69, 67, 65, 64, 62, 60), (60,))
B = ((61, 63, 66, 68, 70, 73, 75, 78), (66, 70, 73), (61, 61, 68, 68), (63, 66))


def test_a_phrase_of_four_bars_that_returns_is_found_in_its_band() -> None:
    values = structureness(tune_of(*A, *B, *A, *A))
    # Two repeats, a step each without fault: sigma = 8 / 12, gamma = 8 / 16.
    assert values["structure_middle"] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert values["structure_short"] == values["structure_middle"]
    assert values["structure_long"] < values["structure_middle"]


def test_a_section_of_eight_bars_said_twice_is_found_in_the_long_band() -> None:
    values = structureness(tune_of(*A, *B, *A, *B))
    assert values["structure_long"] == pytest.approx(0.5)


def test_short_pieces_are_read_by_the_beat_and_give_the_same() -> None:
    assert structureness(tune_of(*A, *A))["structure_middle"] == pytest.approx(0.5)
    assert math.isnan(structureness(tune_of(*A, *A))["structure_long"])


def test_a_melody_closes_with_its_tonic_and_not_in_a_hurry() -> None:
    tune = scale(60, 64, 67, 72, 67, 64, 62)
    closed = [*tune.notes(), Note(7 * 12, 24, 60)]
    piece = Piece.of(closed)
    assert ends_on_tonic(piece, line_of(piece)) == 1
    hurried = Piece.of([*closed[:-1], Note(7 * 12, 6, 60)])
    assert ends_on_tonic(hurried, line_of(hurried)) == 0
    open_ended = Piece.of([*closed, Note(9 * 12, 24, 62)])
    assert ends_on_tonic(open_ended, line_of(open_ended)) == 0


# ---------------------------------------------------------------------------------------------------
# Rhythm


def test_groove_is_one_less_the_positions_in_which_two_bars_differ() -> None:
    bars = rhythm_of(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 42, 44)
    # The third bar differs from each of the others at one of 16 positions.
    assert groove_similarity(bars) == pytest.approx(1 - (0 + 1 + 1) / 3 / 16)
    assert math.isnan(groove_similarity(rhythm_of(0, 4)))


@quickly
@given(polyphony(16), st.sampled_from([None, 5, 64]))
def test_groove_is_that_of_all_pairs_one_by_one(piece: Piece, positions: int | None) -> None:
    bars = bars_of(piece)
    if bars.total < 2:
        return
    number = positions or bars.steps // 6
    struck = np.zeros((bars.total, number), dtype=bool)
    for onset in piece.onset.tolist():
        place = math.floor((onset - bars.begin) * number / bars.steps + 0.5)
        if place < struck.size:
            struck.flat[place] = True
    pairs = [np.mean(struck[i] != struck[j]) for i in range(bars.total) for j in range(i)]
    assert groove_similarity(piece, positions) == pytest.approx(1 - np.mean(pairs))


def test_a_position_is_a_sixteenth_in_every_metre() -> None:
    for metre, positions in (((4, 4), 16), ((2, 2), 16), ((3, 4), 12), ((6, 8), 12), ((2, 4), 8)):
        two_bars = rhythm_of(0, positions, positions + 1, metre=metre)
        assert groove_similarity(two_bars) == pytest.approx(1 - 1 / positions)


def test_the_eighth_grid_lies_where_most_onsets_are() -> None:
    assert off_eighth(rhythm_of(0, 2, 4, 5)) == 0.25
    assert off_eighth(rhythm_of(1, 3, 5, 6)) == 0.25


@pytest.mark.parametrize(
    ("body", "share"),
    [
        ("CDEF GABc|CDEF GABc|", 0),
        ("c|CDEF GABc|CDEF GAB|", 0),  # an upbeat and what completes it
        ("c|CDEF GABc|CDEF GAB:|\n|:c|CDEF GABc|CDEF GAB:|", 0),
        ("CDEF GABc|CDEF GAB|CDEF GABc|", 1 / 3),
        ("CDEF GABcd|CDEF GABc|", 1 / 2),
        ("(3CDE F2 G>ABc|[CE]4 c2 z2|", 0),
        ("CDEF GABc|\nM:3/4\nCDEFGA|CDEFGA|", 0),
        ("CDEF GABc" * 2, 1),
    ],
)
def test_bars_are_wrong_that_the_metre_and_upbeats_do_not_explain(body: str, share: float) -> None:
    assert wrong_bars(read_abc(f"X:1\nM:4/4\nL:1/8\nK:C\n{body}\n")) == pytest.approx(share)


def test_a_piece_that_writes_no_bars_has_none_wrong() -> None:
    assert math.isnan(wrong_bars(scale(*C_MAJOR)))


def test_durations_by_hand() -> None:
    assert npvi(durations_of(24, 12, 24)) == pytest.approx(100 * (12 / 18))
    assert npvi(durations_of(12, 12, 12)) == 0
    assert duration_entropy(durations_of(12, 12, 24, 24)) == 1


# ---------------------------------------------------------------------------------------------------
# Melody, tonality


def test_intervals_by_hand() -> None:
    line = line_of(scale(60, 69, 67, 76, 79, 79, 71, 72))
    assert leap_share(line) == pytest.approx(3 / 7)
    assert leap_recovery(line) == pytest.approx(2 / 3)
    assert mean_interval(line) == pytest.approx((9 + 2 + 9 + 3 + 0 + 8 + 1) / 7)
    assert interval_entropy(line_of(scale(60, 62, 60, 62, 60))) == 1
    assert math.isnan(leap_recovery(line_of(scale(60, 62, 74))))


def test_keys_by_hand() -> None:
    assert scale_consistency(scale(*C_MAJOR, 61, 63)) == 0.8
    assert pitch_class_entropy(scale(60, 72, 62, 74)) == 1
    assert key_clarity(scale(*range(60, 72))) == 0
    assert bars_entropy(scale(60, 62, 60, 62, 60, 60, duration=48), 1) == pytest.approx(2 / 3)
    assert math.isnan(bars_entropy(scale(60, 62), 4))


# ---------------------------------------------------------------------------------------------------
# Harmony


def test_one_voice_has_no_harmony() -> None:
    assert all(math.isnan(value) for value in harmony(scale(*C_MAJOR)).values())


def test_chords_by_hand() -> None:
    values = harmony(chords((60, 64, 67), (60, 61), (60,)))
    assert values["voices"] == 2
    assert values["consonance"] == pytest.approx(3 / 4)
    assert values["chord_tones"] == pytest.approx((3 + 1) / 5)
    assert math.isnan(values["parallels"])


@quickly
@given(polyphony(16))
def test_voices_are_counted_step_by_step(piece: Piece) -> None:
    """muspy's polyphony by its definition: the mean number of pitches over the steps in which any sounds."""
    roll = np.zeros((128, int((piece.onset + piece.duration).max())), dtype=bool)
    for note in piece.notes():
        roll[note.pitch, note.onset : note.onset + note.duration] = True
    assert voices_sounding(piece) == pytest.approx(roll.sum() / roll.any(axis=0).sum())


def test_parallels_are_fifths_and_octaves_that_move_together() -> None:
    assert harmony(chords((60, 67), (62, 69), (64, 71)))["parallels"] == 1
    assert harmony(chords((48, 60), (50, 62), (52, 59)))["parallels"] == 0.5
    assert harmony(chords((60, 67), (62, 65)))["parallels"] == 0
    assert math.isnan(harmony(chords((60, 67), (60, 69)))["parallels"])


def test_harmony_is_the_same_however_much_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    rows = generator.integers((0, 1, 50), (600, 60, 75), (150, 3)).tolist()
    piece = Piece.of([Note(*row) for row in rows])
    whole = harmony(piece)
    monkeypatch.setattr("musicexp.metrics.harmony.AT_ONCE", 7)
    assert same(harmony(piece), whole)


# ---------------------------------------------------------------------------------------------------
# What is written of them


def test_the_documentation_has_the_panel_s_own_words() -> None:
    written = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [f"| {m.title} | `{m.name}` | {m.asks} | {m.unit} | {m.source} |" for m in METRICS.values()]
    assert "\n".join(["|---|---|---|---|---|", *rows, ""]) in written
