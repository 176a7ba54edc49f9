"""Novelty and degeneration: what was copied, how different the pieces of a set are, and what is wrong with them."""

from __future__ import annotations

import math
import time
from functools import cache

import numpy as np
import pytest
from conftest import melody
from hypothesis import given, settings
from hypothesis import strategies as st

from musicexp.metrics.degeneration import faults
from musicexp.metrics.diversity import distinct, edit_distance, mean_edit_distance
from musicexp.metrics.lines import line_of
from musicexp.metrics.novelty import Copy, CopyFinder, called_copies, copy_threshold
from musicexp.metrics.shared_runs import SharedRuns
from musicexp.music import Note, Piece


def moved(piece: Piece, steps: int = 0, semitones: int = 0) -> Piece:
    return Piece.of(
        [note._replace(onset=note.onset + steps, pitch=note.pitch + semitones) for note in piece.notes()]
    )


def cut(piece: Piece, begin: int, notes: int) -> Piece:
    """Notes of a piece of one voice, from onset 0 on."""
    chosen = piece.notes()[begin : begin + notes]
    return Piece.of([note._replace(onset=note.onset - chosen[0].onset) for note in chosen])


def after(first: Piece, second: Piece) -> Piece:
    end = int((first.onset + first.duration).max())
    return Piece.of(first.notes() + moved(second, end).notes())


def tune(seed: int, notes: int = 60) -> Piece:
    """A random walk over a scale, one voice."""
    piece = melody(seed, notes)
    return piece.only(np.r_[True, np.diff(piece.onset) > 0])


@cache
def corpus() -> tuple[Piece, ...]:
    return tuple(tune(seed) for seed in range(12))


@cache
def finder() -> CopyFinder:
    return CopyFinder(corpus())


@settings(max_examples=25)
@given(st.integers(0, 11), st.integers(0, 25), st.integers(16, 30), st.integers(-12, 12))
def test_a_planted_copy_is_found_in_its_place(source: int, begin: int, notes: int, semitones: int) -> None:
    """Transposed, and cut out of a training tune: longer by what follows in both by chance."""
    planted = after(tune(100, 20), moved(cut(corpus()[source], begin, notes), 0, semitones))
    found = finder().longest(planted, 7)
    assert found is not None
    assert found.piece == 7
    before = len(tune(100, 20)) - found.begin  # by chance the notes before it agree too
    assert (found.source, found.semitones) == (source, semitones)
    assert found.source_begin == begin - before
    assert found.notes == notes + before
    assert before in (0, 1, 2)


def same_notes(one: Piece, a: int, other: Piece, b: int) -> int:
    """How many notes two lines have in common from two of their notes on, note by note."""
    mine, theirs, notes = line_of(one), line_of(other), 0
    while a + notes < len(mine.pitch) and b + notes < len(theirs.pitch):
        if mine.duration[a + notes] != theirs.duration[b + notes]:
            break
        if mine.pitch[a + notes] - mine.pitch[a] != theirs.pitch[b + notes] - theirs.pitch[b]:
            break
        notes += 1
    return notes


lines = st.lists(st.tuples(st.sampled_from([12, 24]), st.sampled_from([60, 62, 64])), min_size=0, max_size=14)


def of(rows: list[tuple[int, int]]) -> Piece:
    ends = np.cumsum([0, *(duration for duration, _ in rows)])
    return Piece.of([Note(int(at), *row) for at, row in zip(ends, rows, strict=False)])


@settings(max_examples=30)
@given(st.lists(lines, max_size=5), lines)
def test_shared_runs_are_those_found_note_by_note(
    learned: list[list[tuple[int, int]]], rows: list[tuple[int, int]]
) -> None:
    pieces, piece = [of(each) for each in learned], of(rows)
    index = SharedRuns([line_of(each) for each in pieces])
    notes, where = index.shared(line_of(piece))
    for begin in range(len(piece)):
        best = max((same_notes(piece, begin, p, at) for p in pieces for at in range(len(p))), default=0)
        assert notes[begin] == best
        if best:
            source = int(np.searchsorted(index.starts, where[begin], "right")) - 1
            at = int(where[begin] - index.starts[source])
            assert same_notes(piece, begin, pieces[source], at) == best


@settings(max_examples=25)
@given(st.integers(200, 300), st.integers(-20, 20), st.integers(0, 500))
def test_novelty_knows_no_key_and_no_place(seed: int, semitones: int, steps: int) -> None:
    piece = tune(seed, 30)
    other = moved(piece, steps, semitones)
    assert finder().longest_copy(piece) == finder().longest_copy(other)
    assert finder().copied_8grams(piece) == finder().copied_8grams(other)
    assert finder().originality(piece) == pytest.approx(finder().originality(other))


def test_novelty_does_not_depend_on_the_order_of_the_corpus() -> None:
    other = CopyFinder(corpus()[::-1])
    for seed in range(20, 30):
        piece = after(tune(seed, 20), cut(corpus()[seed % 12], 10, 20))
        assert other.longest_copy(piece) == finder().longest_copy(piece)
        assert other.copied_8grams(piece) == finder().copied_8grams(piece)
        assert other.originality(piece) == pytest.approx(finder().originality(piece))


def test_a_shuffled_tune_is_not_called_a_copy_and_a_planted_one_is() -> None:
    human = [finder().longest_copy(tune(seed)) for seed in range(300, 340)]
    random = np.random.default_rng(0)
    shuffled = []
    for piece in corpus():
        order = random.permutation(len(piece))
        shuffled.append(
            of(list(zip(piece.duration[order].tolist(), piece.pitch[order].tolist(), strict=True)))
        )
    longest = [finder().longest(piece, number) for number, piece in enumerate(shuffled)]
    assert called_copies(longest, human) == []
    planted = finder().longest(after(tune(400, 20), moved(cut(corpus()[3], 5, 30), 0, 4)), 12)
    assert [copy.piece for copy in called_copies([*longest, planted], human)] == [12]


def test_scales_and_repeated_notes_are_no_copies_however_long() -> None:
    scale = of([(12, 40 + k) for k in range(40)])
    repeated = of([(12, 60)] * 40)
    own = CopyFinder([scale, repeated])
    assert own.longest(scale) is None
    assert own.longest_copy(repeated) == 0
    assert own.copied_8grams(scale) == 1


def test_what_is_called_a_copy_is_longer_than_what_people_share() -> None:
    assert copy_threshold([]) == 12
    assert copy_threshold([3.0] * 50) == 12
    assert copy_threshold([*[10.0] * 90, *[20.0] * 10]) == 21
    copies = [Copy(0, 0, 11, 0, 0, 0), None, Copy(2, 0, 12, 0, 0, 0), Copy(3, 0, 30, 0, 0, 0)]
    assert [copy.notes for copy in called_copies(copies, [3.0])] == [30, 12]


def test_small_pieces_and_corpora_have_defined_values() -> None:
    nothing, note = Piece.of([]), of([(12, 60)])
    for own in (CopyFinder([]), CopyFinder([nothing]), CopyFinder([note]), finder()):
        for piece in (nothing, note):
            assert own.longest(piece) is None
            assert own.longest_copy(piece) == 0
            assert math.isnan(own.copied_8grams(piece))
            assert math.isnan(own.originality(piece))
    assert CopyFinder([]).copied_8grams(tune(1)) == 0
    assert math.isnan(distinct([nothing, note]))
    assert math.isnan(mean_edit_distance([note]))
    assert mean_edit_distance([nothing, note]) == 1
    assert mean_edit_distance([nothing, nothing]) == 0


def test_a_copy_has_no_originality_and_loses_none_by_a_changed_note() -> None:
    piece = corpus()[4]
    assert np.nanmax(finder().originality_curve(moved(piece, 48, 3))) == 0
    notes = piece.notes()
    notes[10] = notes[10]._replace(pitch=notes[10].pitch + 1)
    changed = finder().originality_curve(Piece.of(notes))
    assert 0 < np.nanmax(changed) < 0.1
    assert finder().longest_copy(Piece.of(notes)) < len(piece)
    assert finder().originality(tune(500)) > 0.3


def test_originality_is_one_less_the_largest_common_share() -> None:
    """Against all moves of one stretch to every note of the corpus, each counted."""
    piece = cut(tune(501), 0, 12)
    points = {(int(o), int(p)) for o, p in zip(piece.onset, piece.pitch, strict=True)}
    assert max(piece.onset) < 384
    best = 0
    for other in corpus():
        line = line_of(other)
        theirs = {(int(o), int(p)) for o, p in zip(line.onset, line.pitch, strict=True)}
        for onset, pitch in points:
            for o, p in theirs:
                best = max(best, len({(x + o - onset, y + p - pitch) for x, y in points} & theirs))
    [found] = finder().originality_curve(piece)
    assert found >= 1 - best / len(points) - 1e-9
    assert found <= 1 - (best - 2) / len(points)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_the_edit_distance_is_that_of_the_table(one: list[int], other: list[int]) -> None:
    table = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, their in enumerate(other, 1):
            row.append(min(table[j] + 1, row[-1] + 1, table[j - 1] + (letter != their)))
        table = row
    assert edit_distance(one, other) == table[-1]


def test_diversity_is_that_of_a_set_and_not_of_its_order_or_keys() -> None:
    pieces = list(corpus())
    keys = [moved(piece, 24, k) for k, piece in enumerate(pieces)]
    assert mean_edit_distance(keys) == pytest.approx(mean_edit_distance(pieces))
    assert mean_edit_distance(pieces[::-1]) == pytest.approx(mean_edit_distance(pieces))
    assert distinct(keys) == distinct(pieces[::-1]) == distinct(pieces)
    same = [moved(pieces[0], 0, k) for k in range(10)]
    assert mean_edit_distance(same) == 0
    assert distinct(same) == pytest.approx(distinct(same[:1]) / 10)
    many = [tune(seed, 12) for seed in range(40)]
    assert mean_edit_distance(many) == pytest.approx(mean_edit_distance(many, 10_000), abs=0.03)


def test_degenerate_pieces_are_named_with_their_number() -> None:
    good = corpus()[0]
    one = of([(12, 60)] * 20 + [(12, 62), (24, 64)] * 4)
    loop = of([(12, 60), (12, 64), (24, 67), (12, 64)] * 6)
    quiet = after(good, moved(good, 24 * 16))
    found = faults([good, one, loop, quiet, Piece.of([]), one], ["eos"] * 6)
    assert [(fault.kind, fault.pieces) for fault in found] == [
        ("one note", (1, 5)),
        ("loop", (2,)),
        ("silence", (3, 4)),
    ]
    assert found[0].words.startswith("2 of 6 samples are one note over and over")
    assert all("samples." in fault.advice or "iterations" in fault.advice for fault in found)


def test_a_set_never_ends_if_most_of_its_pieces_are_cut() -> None:
    pieces = corpus()[:5]
    assert faults(pieces) == faults(pieces, ["length", "length", "eos", "eos", "eos"]) == []
    [fault] = faults(pieces, ["length", "eos", "length", "eos", "length"])
    assert (fault.kind, fault.pieces) == ("no end", (0, 2, 4))


def test_music_has_no_faults() -> None:
    """A repeated note, an ostinato of less than half, a bar of rest are music; and so is what is too short to say."""
    for rows in (
        [(12, 60)] * 9 + [(12, 60 + k) for k in range(12)],
        [(12, 60), (12, 64)] * 5 + [(12, 50 + k * k % 17) for k in range(14)],
        [(12, 60), (12, 60), (24, 62)],
    ):
        assert faults([of(rows)]) == []
    assert [fault.kind for fault in faults([of([(12, 60)])])] == ["one note"]


def test_an_hour_of_music_is_measured_like_any() -> None:
    hour = of([(12, 60 + k * k % 23) for k in range(14_000)])
    assert finder().longest_copy(hour) < 20
    assert 0 <= finder().copied_8grams(hour) < 1
    assert 0 < finder().originality(hour) < 1
    assert CopyFinder([hour]).longest_copy(cut(hour, 7000, 300)) == 300
    assert 0 < mean_edit_distance([hour, corpus()[0]]) <= 1
    assert faults([hour]) == []


@pytest.mark.slow
def test_novelty_of_64_samples_beside_1000_tunes_takes_less_than_a_second() -> None:
    """Of the processor's time: others may be at work."""
    learned = [tune(seed, 110) for seed in range(1000)]
    samples = [tune(seed, 110) for seed in range(2000, 2064)]
    begun = time.process_time()
    own = CopyFinder(learned)
    built = time.process_time()
    for sample in samples:
        own.longest_copy(sample)
        own.copied_8grams(sample)
    found = time.process_time()
    mean_edit_distance(samples)
    compared = time.process_time()
    for sample in samples:
        own.originality(sample)
    assert built - begun < 1
    assert found - built < 1
    assert compared - found < 1
    assert time.process_time() - compared < 2
