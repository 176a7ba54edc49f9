"""The bars that ABC writes, counted by us, are those that music21's tokens tell."""

from __future__ import annotations

from itertools import accumulate
from random import Random

import pytest

from musicexp.music import Piece, read_file
from musicexp.music.bar_lines import written_bars
from musicexp.music.collections import collection, corpus_dir
from musicexp.music.tunes import bar_places, read_abc


def assert_equal(piece: Piece) -> None:
    """Our bars end where music21's bar lines stand, but for the last one, which may have none."""
    ends = list(accumulate(length for length, _ in written_bars(piece.abc)))
    lines = sorted({place for place in bar_places(piece.abc) if place})
    assert ends[: len(lines)] == lines, piece.name
    assert len(ends) - len(lines) <= 1, piece.name


@pytest.mark.slow
def test_bars_are_music21_s_on_the_bundled_tunes() -> None:
    paths = Random(0).sample(collection("ryansMammoth").paths(), 60)
    for path in [*paths, corpus_dir() / "essenFolksong" / "kinder0.abc"]:
        for piece in read_file(path).pieces[:60]:
            assert_equal(piece)


@pytest.mark.parametrize(
    "body",
    [
        "C>D E<F G>>A B2|(3cde (3f/g/a/ b2 z2|",
        "[CEG]2 [C/E/]2 [C2E2]/ C/ D// E3/2 F3/|G4-|G4|",
        "(5CDEFG (2AB (3:2:2c2d ^f'_b,,|z8|",
        "C8|\nL:1/16\nC8|\nM:6/8\nC6 D6::C12|",
    ],
)
def test_lengths_are_music21_s(body: str) -> None:
    assert_equal(read_abc(f"X:1\nM:4/4\nL:1/8\nK:C\n{body}\n"))


def test_a_tune_without_notes_writes_no_bars() -> None:
    assert written_bars("M:4/4\nL:1/8\nK:C\n") == []
    assert written_bars("") == []
