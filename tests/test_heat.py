"""The temperature sweep: diversity against distance, and which temperatures cannot be told from the nearest."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from conftest import melody
from numpy.typing import NDArray

from musicexp.metrics.auc import auc
from musicexp.metrics.heat import ASPECTS, Heat, heat
from musicexp.metrics.panel import METRICS, measured
from musicexp.music import Note, Piece


def wilder(seed: int, share: float) -> Piece:
    """A tune with some of its notes and durations drawn at random, as a high temperature draws them."""
    random = np.random.default_rng(seed)
    now, notes = 0, []
    for note in melody(seed, 30).notes():
        other = random.random() < share
        duration = int(random.choice([6, 18, 30])) if other else note.duration
        notes.append(Note(now, duration, int(random.integers(48, 84)) if other else note.pitch))
        now += duration
    return Piece.of(notes)


@cache
def table(pieces: tuple[Piece, ...]) -> dict[str, NDArray[np.float64]]:
    values = [measured(piece) for piece in pieces]
    return {name: np.array([value[name] for value in values]) for name in values[0]}


@cache
def swept() -> tuple[Heat, dict[float, list[Piece]], tuple[Piece, ...]]:
    real = tuple(wilder(1000 + seed, 0.1) for seed in range(24))
    drawn = {
        temperature: [wilder(2000 + 100 * k + seed, share) for seed in range(12)]
        for k, (temperature, share) in enumerate([(0.8, 0.0), (1.0, 0.1), (1.5, 0.8)])
    }
    return heat(drawn, real, table(real)), drawn, real


def test_the_nearest_temperature_is_the_one_that_draws_what_is_real() -> None:
    found, _, _ = swept()
    assert found.nearest == 1.0
    assert not found.at_an_end
    assert 1.5 not in found.as_near
    assert [point.temperature for point in found.points] == [0.8, 1.0, 1.5]
    near, far = found.points[1], found.points[2]
    assert near.low <= near.distance <= near.high < far.low
    assert found.human.low <= found.human.distance <= found.human.high < far.distance
    assert found.points[0].diversity < far.diversity
    assert found.human.temperature is None


def test_distance_is_the_mean_over_the_metrics_shown() -> None:
    found, drawn, real = swept()
    for point in found.points:
        assert point.temperature is not None
        assert {METRICS[name].aspect for name in point.aucs} == set(ASPECTS)
        ours = table(tuple(drawn[point.temperature]))
        for name, found_auc in point.aucs.items():
            assert found_auc == pytest.approx(auc(ours[name], table(real)[name]))
        assert point.distance == pytest.approx(np.mean([abs(a.value - 0.5) for a in point.aucs.values()]))


def test_real_pieces_lie_as_far_as_the_same_number_of_others_on_average() -> None:
    """The splits by ranks, against pairs counted one by one."""
    found, _, real = swept()
    values = {name: table(real)[name] for name in found.points[0].aucs}
    far = []
    for seed in range(30):
        order = np.random.default_rng(seed).permutation(len(real))
        far.append(np.mean([abs(auc(v[order[:12]], v[order[12:]]).value - 0.5) for v in values.values()]))
    assert found.human.distance == pytest.approx(np.mean(far), abs=0.015)
    assert found.human.low < np.median(far) < found.human.high


def test_pieces_that_say_nothing_are_as_far_as_can_be() -> None:
    _, drawn, real = swept()
    found = heat({1.0: drawn[1.0], 0.1: [Piece.of([])] * 12}, real, table(real))
    assert found.nearest == 1.0
    assert found.at_an_end
    assert found.points[0].distance > 0.4
    assert found.points[0].diversity == 0
    assert all(math.isfinite(each.value) for point in found.points for each in point.aucs.values())
    with pytest.raises(ValueError, match="no metric"):
        heat({1.0: [Piece.of([])]}, real, {name: np.full(24, math.nan) for name in table(real)})
