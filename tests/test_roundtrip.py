"""The round trip of a representation: counts worked out by hand, laws, and mir_eval's matching."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musicexp.metrics import RoundTrip, roundtrip
from musicexp.music import Note, Piece
from musicexp.tokens import TOKENIZERS, tokenizer

TICKS = 480


def played(*notes: tuple[int, int, int], tempo: float = 120.0) -> Piece:
    """A piece of (onset, duration, pitch) in ticks of 1/480 quarter."""
    onset, duration, pitch = (np.array(column, dtype=np.int64) for column in zip(*notes, strict=True))
    same = np.full(len(notes), 80), np.zeros(len(notes), dtype=np.int64)
    return Piece.from_ticks("played", onset, duration, pitch, *same, ticks_per_quarter=TICKS, tempo=tempo)


def through(kind: str, piece: Piece) -> RoundTrip:
    """Encoded and decoded by a tokenizer."""
    spelling = tokenizer(kind)
    return roundtrip(piece, spelling.piece(spelling.tokens(piece), like=piece))


def test_notes_cut_and_lengthen_what_sounds_under_other_notes() -> None:
    # C4 for a half note; E4 begins a quarter later, for a quarter; G4 with it, for an eighth.
    # `notes` says 60:24 60... so: C4 is cut to a quarter, and the chord E4.G4 takes its longest duration.
    piece = Piece.of([Note(0, 48, 60), Note(24, 24, 64), Note(24, 12, 67)])
    found = through("notes", piece)
    assert found == RoundTrip(notes=3, decoded=3, exact=1, cut=1, lengthened=1, near=1)
    assert found.f1 == pytest.approx(2 * 1 / 6, abs=1e-12)
    assert through("events", piece).f1 == 1


def test_what_is_missing_and_added_counts_on_both_sides() -> None:
    piece = Piece.of([Note(0, 12, 60), Note(12, 12, 62), Note(24, 12, 64)])
    decoded = Piece.of([Note(0, 12, 60), Note(12, 12, 63), Note(24, 12, 64), Note(36, 12, 65)])
    found = roundtrip(piece, decoded)
    assert (found.exact, found.missing, found.added) == (2, 1, 2)
    assert found.f1 == pytest.approx(2 * 2 / (3 + 4), abs=1e-12)  # precision 1/2, recall 2/3


def test_a_note_beside_the_grid_comes_back_only_within_the_tolerance() -> None:
    # A step is 20 ticks. 487 is 7 ticks (7.3 ms at 120) behind 480; 490 + 5 is half way.
    piece = played((0, 480, 60), (487, 480, 62), (960, 480, 64), (1440, 480, 65))
    found = through("events", piece)
    assert (found.exact, found.off_grid, found.near) == (3, 1, 4)
    assert found.f1 == pytest.approx(6 / 8, abs=1e-12)
    assert found.tolerant_f1 == 1
    slow = played((0, 480, 60), (487, 480, 62), (960, 480, 64), (1440, 480, 65), tempo=15)
    assert through("events", slow).near == 3  # now it is 58 ms behind
    assert through("abc", piece).off_grid == 1


def test_what_writing_in_ticks_costs_a_triplet_is_no_loss() -> None:
    # With 100 ticks a quarter a third is 33.3 of them.
    onset = np.array([0, 33, 67, 100], dtype=np.int64)
    length = np.array([33, 34, 33, 100], dtype=np.int64)
    same = np.full(4, 80), np.zeros(4, dtype=np.int64)
    piece = Piece.from_ticks(
        "thirds", onset, length, np.array([60, 62, 64, 65]), *same, ticks_per_quarter=100
    )
    assert through("events", piece).f1 == 1


def test_a_recording_that_begins_late_loses_nothing() -> None:
    piece = played(*((9 + 240 * k, 240, 60 + k) for k in range(8)))
    assert piece.lag
    assert through("events", piece) == RoundTrip(notes=8, decoded=8, exact=8, near=8)


def test_sums_accumulate_and_the_ratio_comes_last() -> None:
    one = Piece.of([Note(0, 48, 60), Note(24, 24, 64), Note(24, 12, 67)], grace_notes=2)
    other = Piece.of([Note(0, 24, 60)])
    found = through("notes", one) + through("notes", other)
    assert (found.notes, found.exact, found.grace_notes) == (4, 2, 2)
    assert found.f1 == pytest.approx(4 / 8, abs=1e-12)


@pytest.mark.parametrize("kind", sorted(TOKENIZERS))
def test_an_empty_piece_adds_nothing(kind: str) -> None:
    found = through(kind, Piece.of([]))
    assert found == RoundTrip()
    assert math.isnan(found.f1)
    assert math.isnan(found.tolerant_f1)


def test_notes_within_the_tolerance_are_matched_in_the_largest_number() -> None:
    """Matched one after the other in order of place, the first pair would leave the other two alone."""
    # At 120 a step is 20.8 ms: within 50 ms are two steps. The pieces share the place of step 2 alone.
    piece = Piece.of([Note(0, 12, 60), Note(2, 12, 60)])
    decoded = Piece.of([Note(2, 12, 60), Note(4, 12, 60)])
    assert roundtrip(piece, decoded).near == 2


tunes = st.lists(
    st.tuples(st.integers(0, 96), st.integers(1, 60), st.integers(40, 90)), min_size=1, max_size=30
)


@given(tunes)
@settings(max_examples=30, deadline=None)
def test_events_bring_back_everything_on_the_grid(rows: list[tuple[int, int, int]]) -> None:
    assert through("events", Piece.of(Note(*row) for row in rows)).f1 == 1


@given(tunes)
@settings(max_examples=30, deadline=None)
def test_notes_bring_back_one_voice(rows: list[tuple[int, int, int]]) -> None:
    found, now = [], 0
    for rest, duration, pitch in rows:
        found.append(Note(now + rest, duration, pitch))
        now += rest + duration
    assert through("notes", Piece.of(found)).f1 == 1


@given(tunes, tunes)
@settings(max_examples=30, deadline=None)
def test_every_note_has_one_fate(
    mine: list[tuple[int, int, int]], theirs: list[tuple[int, int, int]]
) -> None:
    piece, decoded = (Piece.of(Note(*row) for row in rows) for rows in (mine, theirs))
    found = roundtrip(piece, decoded)
    there = found.exact + found.off_grid + found.cut + found.lengthened
    assert found.notes == len(piece) == there + found.missing
    assert found.decoded == len(decoded) == there + found.added
    assert found.exact <= found.near <= min(found.notes, found.decoded)
    assert found.off_grid == 0
