"""What 95 % intervals cover, by simulation: means, paired differences, AUC; at the sizes that they are used at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from musicexp.metrics.auc import auc
from musicexp.metrics.intervals import paired, student_t

Values = NDArray[np.float64]

KINDS = ("normal", "narrow", "wide", "two values", "zeros")
AREAS = (0.1, 0.25, 0.5, 0.75, 0.9)
SIZES = ((64, 100), (64, 200))


def sets(kind: str, area: float, m: int, n: int, random: np.random.Generator) -> tuple[Values, Values]:
    """Generated and real values whose true AUC is `area`; continuous ones, and two sorts with many ties."""
    from scipy import special

    less, more = 1 - area, area
    if kind == "two values":
        return (random.random(m) < more).astype(float), (random.random(n) < less).astype(float)
    if kind == "zeros":  # a positive value as in the other set, or 0: each 0 more costs half a pair
        return (
            random.exponential(1, m) * (random.random(m) < more),
            random.exponential(1, n) * (random.random(n) < less),
        )
    spread = {"normal": 1.0, "narrow": 0.5, "wide": 2.0}[kind]
    shift = float(special.ndtri(area)) * math.hypot(1, spread)
    return random.normal(shift, spread, m), random.normal(0, 1, n)


def auc_covers(kind: str, area: float, m: int, n: int, draws: int) -> float:
    random = np.random.default_rng((m, n, round(1000 * area), KINDS.index(kind)))
    found = [auc(*sets(kind, area, m, n, random)) for _ in range(draws)]
    return float(np.mean([each.low <= area <= each.high for each in found]))


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_of_an_auc_cover_what_they_say_in_a_few_draws(kind: str) -> None:
    """Four hundred draws know a coverage to a hundredth."""
    assert 0.925 <= auc_covers(kind, 0.25, 64, 100, 400) <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("m", "n"), SIZES)
def test_intervals_of_an_auc_cover_what_they_say(kind: str, area: float, m: int, n: int) -> None:
    assert 0.93 <= auc_covers(kind, area, m, n, 3000) <= 0.97


def one(kind: str, size: int, random: np.random.Generator) -> tuple[Values, float]:
    """Values and their true mean."""
    if kind == "normal":
        return random.normal(3, 2, size), 3.0
    if kind == "two values":
        return (random.random(size) < 0.3).astype(float), 0.3
    if kind == "zeros":
        return random.exponential(1, size) * (random.random(size) < 0.5), 0.5
    return random.beta(8, 2, size), 0.8  # shares near their end, as scale consistency is


def mean_covers(kind: str, size: int, draws: int) -> float:
    random = np.random.default_rng(size)
    held = 0
    for _ in range(draws):
        values, mean = one(kind, size, random)
        found = student_t(values.tolist())
        held += found.low <= mean <= found.high
    return held / draws


def test_intervals_of_a_mean_cover_what_they_say_in_a_few_draws() -> None:
    assert 0.9 <= mean_covers("normal", 3, 150) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "size", "least"),
    [
        ("normal", 3, 0.93),
        ("normal", 5, 0.93),
        ("normal", 64, 0.93),
        ("shares", 64, 0.93),
        ("shares", 200, 0.93),
        ("two values", 64, 0.93),
        ("two values", 200, 0.93),
        ("zeros", 64, 0.915),  # a skewness of 2.5; of the panel's metrics only leaps are as lopsided
        ("zeros", 200, 0.93),
    ],
)
def test_intervals_of_a_mean_cover_what_they_say(kind: str, size: int, least: float) -> None:
    assert least <= mean_covers(kind, size, 3000) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_of_paired_differences_cover_what_they_say(seeds: int) -> None:
    """Two settings under the same seeds: what a seed does to both is no part of their difference."""
    random = np.random.default_rng(seeds)
    held = 0
    for _ in range(3000):
        shared = random.normal(0, 5, seeds)
        ours, theirs = shared + random.normal(1, 1, seeds), shared + random.normal(0.4, 0.5, seeds)
        found = paired(ours.tolist(), theirs.tolist())
        held += found.low <= 0.6 <= found.high
    assert 0.93 <= held / 3000 <= 0.97
