"""Scores: what is written sounds as the piece does, every bar is full, and any piece at all can be engraved."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musicexp.music import Note, Piece
from musicexp.music.notation import Item, Notation, notation
from musicexp.music.notation_xml import musicxml
from musicexp.music.rhythm import VALUES

METRES = [
    (4, 4),
    (3, 4),
    (2, 4),
    (6, 8),
    (9, 8),
    (12, 8),
    (5, 4),
    (7, 8),
    (5, 8),
    (2, 2),
    (3, 2),
    (3, 8),
    (6, 4),
]
ODD_METRES = [(1, 4), (11, 16), (7, 32), (1, 64), (5, 64), (255, 1), (17, 4), (4, 1), (13, 8), (1, 32)]
KEYS = ["", "C major", "A minor", "F# dorian", "B- major", "G# major", "C- major", "E mixolydian", "no key"]


@st.composite
def some_pieces(draw: st.DrawFn) -> Piece:
    """Any notes at all: ragged, overlapping, in chords, in several parts, in any metre and key."""
    far = draw(st.sampled_from([30, 200, 1000]))
    notes = draw(
        st.lists(
            st.builds(
                Note,
                st.integers(0, far),
                st.one_of(st.integers(1, 30), st.integers(1, 300)),
                st.one_of(st.integers(55, 80), st.integers(0, 127)),
                st.just(80),
                st.one_of(st.just(0), st.integers(0, 3)),
            ),
            max_size=40,
        )
    )
    metre = draw(st.sampled_from(METRES + ODD_METRES))
    return Piece.of(notes, "x", metre=metre, key=draw(st.sampled_from(KEYS)))


def written_notes(written: Notation) -> dict[int, list[tuple[int, int]]]:
    """Of each of the piece's notes where its heads begin and end, in time."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for staff in written.staves:
        for bar, voices in zip(written.bars, staff.bars, strict=True):
            for item in (item for voice in voices for item in voice):
                for head in item.heads:
                    begin = bar.begin + item.begin
                    found[head.note].append((begin, begin + item.length))
    return found


def steps(item: Item) -> float:
    """How long an item's look says that it lasts."""
    value = item.units * 1.5
    return value * item.ratio[1] / item.ratio[0] if item.ratio else value


def assert_lawful(piece: Piece, written: Notation) -> None:
    for staff in written.staves:
        for number, (bar, voices) in enumerate(zip(written.bars, staff.bars, strict=True)):
            for voice in (voice for voice in voices if voice):
                assert sum(item.length for item in voice) == bar.end - bar.begin, number
                for one, other in pairwise(voice):
                    assert one.begin + one.length == other.begin
                for item in voice:
                    whole_rest = not item.heads and not item.units
                    assert whole_rest or (item.units in VALUES and steps(item) == item.length), item
    heads = written_notes(written)
    assert sorted(heads) == list(range(written.notes))
    exact = 0
    for note, places in heads.items():
        assert all(one[1] == other[0] for one, other in pairwise(places)), "a tie joins what follows"
        begin, end = places[0][0], places[-1][1]
        assert abs(begin - int(piece.onset[note])) <= 12
        exact += (begin, end) == (int(piece.onset[note]), int(piece.onset[note] + piece.duration[note]))
    assert written.rounded == written.notes - exact


@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_pieces())
def test_any_piece_can_be_written_and_every_bar_is_full(piece: Piece) -> None:
    written = notation(piece)
    if len(piece):
        assert_lawful(piece, written)
    ElementTree.fromstring(musicxml(written).partition(">")[2].partition(">")[2])
