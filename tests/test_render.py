"""Pictures: valid, of the size they should have, the same every time, whatever they are of."""

from __future__ import annotations

import io
import math
import time

import numpy as np
import pytest
from PIL import Image
from tunes import scale

from musicexp.music import Note, Piece
from musicexp.render import loss_picture, roll_picture
from musicexp.render.pictures import MOST_ROLLS, running_mean


def size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        picture.verify()
        assert picture.format == "PNG"
        return picture.size


CURVE = [(i, 3.0 / i) for i in range(1, 60)]


@pytest.mark.parametrize("train", [[], [(1, 2.0)], CURVE, [(1, 2.0), (2, math.inf), (3, math.nan)]])
@pytest.mark.parametrize("val", [[], [(7, 2.5)]])
def test_loss_curves_of_any_length(train: list[tuple[int, float]], val: list[tuple[int, float]]) -> None:
    assert size(loss_picture(train, val, {"unigram": 3.0}, "a run")) == (990, 550)


def test_equal_curves_give_equal_bytes_and_others_do_not() -> None:
    one = loss_picture(CURVE, [(50, 1.0)], {"bigram": 2.0}, "a run")
    assert loss_picture(CURVE, [(50, 1.0)], {"bigram": 2.0}, "a run") == one
    assert loss_picture(CURVE, [(50, 1.5)], {"bigram": 2.0}, "a run") != one
    assert loss_picture(CURVE, [(50, 1.0)], {}, "a run") != one


@pytest.mark.parametrize("name", [r"$\frac{$", "a_b^c", "$x$", "日本 ♪"])
def test_any_name_may_be_written(name: str) -> None:
    """A run's name between two dollars was taken for mathematics, and an illegal formula lost the picture."""
    assert size(loss_picture(CURVE, [], {}, name)) == (990, 550)
    assert size(roll_picture([(name, scale(60))])) == (1200, 230)


@pytest.mark.parametrize(
    "piece",
    [
        Piece.of([]),
        scale(60),
        Piece.of([Note(0, 1, 0), Note(0, 1, 127)], metre=(1, 16)),
        scale(*range(40, 90)),
    ],
    ids=["empty", "one", "widest", "long"],
)
def test_rolls_of_any_piece(piece: Piece) -> None:
    data = roll_picture([("one", piece), ("two", piece)])
    assert size(data) == (1200, 420)
    assert roll_picture([("one", piece), ("two", piece)]) == data


@pytest.mark.slow
def test_no_piece_and_very_many_pieces() -> None:
    """A picture of 400 rolls took three minutes to lay out."""
    assert size(roll_picture([]))[0] == 1200
    many = [("", Piece.of([]))] * 400
    assert size(roll_picture(many)) == (1200, 190 * MOST_ROLLS + 40)


def test_a_very_long_piece_is_drawn_quickly() -> None:
    """Each of 100,000 bars had a line."""
    long = Piece.of([Note(24 * 25_000 * i, 24, 60) for i in range(2)], metre=(1, 16))
    began = time.process_time()
    assert size(roll_picture([("long", long)])) == (1200, 230)
    assert time.process_time() - began < 5


def test_notes_are_where_they_sound() -> None:
    """A note in the first half is drawn in the left half, and a high one in the upper half."""

    def ink(piece: Piece) -> tuple[float, float]:
        with Image.open(io.BytesIO(roll_picture([("", piece)]))) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        rows, columns = np.nonzero(np.abs(pixels - (0x1B, 0x6C, 0xA8)).sum(axis=2) < 12)
        return float(rows.mean()), float(columns.mean())

    late = ink(Piece.of([Note(0, 24, 60), Note(240, 960, 72)]))
    early = ink(Piece.of([Note(0, 960, 72), Note(1176, 24, 60)]))
    assert late[1] > early[1] + 100
    low = ink(Piece.of([Note(0, 960, 60), Note(960, 24, 72)]))
    assert low[0] > early[0] + 20


def test_a_running_mean_is_not_drawn_towards_its_start() -> None:
    assert running_mean([]) == []
    assert running_mean([5.0]) == [5.0]
    assert running_mean([2.0] * 500) == pytest.approx([2.0] * 500, rel=1e-12)
    falling = running_mean([1000.0 - i for i in range(1000)])
    assert falling[0] == 1000.0
    assert 10 < falling[-1] < 30
