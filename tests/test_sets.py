"""Sets of pieces beside each other: AUC, overlapping area, and what their intervals are worth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from musicexp.metrics.auc import Auc, auc
from musicexp.metrics.distances import null_band, overlap, stand, wasserstein
from musicexp.metrics.intervals import student_t

Values = NDArray[np.float64]

values = arrays(np.float64, st.integers(2, 30), elements=st.integers(-4, 4).map(float))


def by_pairs(generated: Values, real: Values) -> float:
    """AUC as it is defined."""
    above = (generated[:, None] > real[None]).mean()
    return float(above + (generated[:, None] == real[None]).mean() / 2)


@settings(max_examples=25)
@given(values, values)
def test_auc_counts_pairs_and_its_interval_holds_it(generated: Values, real: Values) -> None:
    found = auc(generated, real)
    assert found.value == pytest.approx(by_pairs(generated, real))
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert found.low < found.high
    other = auc(real, generated)
    assert other == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low))


@settings(max_examples=25)
@given(values, values)
def test_auc_knows_no_order_no_unit_and_no_missing_values(generated: Values, real: Values) -> None:
    found = auc(generated, real)
    assert auc(generated[::-1], np.append(real, math.nan)) == pytest.approx(found)
    assert auc(np.exp(generated) * 3, np.exp(real) * 3) == pytest.approx(found)


def test_auc_of_sets_that_are_wholly_apart_is_not_certain() -> None:
    """DeLong's variance is 0 there, but sixty-four pieces do not make certain."""
    real = np.arange(100.0)
    apart = auc(real[:64] + 1000, real)
    assert apart.value == apart.high == 1
    assert 0.94 < apart.low < 0.99
    assert auc(real[:8] + 1000, real).low < apart.low
    assert auc(real[:1] + 1000, real).low < 0.5
    assert auc(np.zeros(64), np.zeros(100)).value == 0.5
    nothing = auc(np.zeros(0), real)
    assert math.isnan(nothing.value)
    assert nothing[1:] == (0, 1)


def test_delongs_variance_is_that_of_the_paper() -> None:
    """By the definition, pair by pair; the interval on the log-odds scale with Welch's degrees of freedom."""
    from scipy import stats

    random = np.random.default_rng(3)
    x, y = random.normal(0.5, 1, 40).round(1), random.normal(0, 2, 70).round(1)
    psi = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])
    parts = psi.mean(axis=1).var(ddof=1) / 40, psi.mean(axis=0).var(ddof=1) / 70
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 39 + parts[1] ** 2 / 69)
    area = psi.mean()
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts)) / (area * (1 - area))
    odds = math.log(area / (1 - area))
    assert auc(x, y) == pytest.approx(
        Auc(area, 1 / (1 + math.exp(half - odds)), 1 / (1 + math.exp(-half - odds)))
    )


@settings(max_examples=25)
@given(values, values)
def test_overlap_is_symmetric_and_knows_no_order_place_or_unit(generated: Values, real: Values) -> None:
    found = overlap(generated, real)
    assert 0 <= found.oa <= 1
    assert found.kld >= 0
    assert overlap(real, generated) == pytest.approx(found)
    assert overlap(generated[::-1], real) == pytest.approx(found)
    assert overlap(generated * 8 + 3, real * 8 + 3) == pytest.approx(found)


def test_overlap_is_that_of_gaussian_densities_of_the_distances() -> None:
    """Against a density made distance by distance, with what lies below 0 reflected."""
    from scipy import stats

    random = np.random.default_rng(4)
    x, y = random.normal(0.5, 1, 50), random.normal(0, 1.6, 60)
    grid = np.linspace(0, 12, 1001)
    step = grid[1] - grid[0]

    def density(distances: Values) -> Values:
        kernel = stats.gaussian_kde(distances)
        return np.asarray(kernel(grid) + kernel(-grid))

    between = density(np.abs(x[:, None] - y[None]).ravel())
    within = [density(np.abs(z[:, None] - z[None])[np.triu_indices(len(z), 1)]) for z in (x, y)]
    found = overlap(x, y)
    assert found.oa == pytest.approx(np.mean([np.minimum(w, between).sum() * step for w in within]), abs=0.01)
    divergences = [float(np.sum(w * np.log((w + 1e-12) / (between + 1e-12))) * step) for w in within]
    assert found.kld == pytest.approx(np.mean(divergences), abs=0.02)


def test_sets_that_lie_apart_have_no_overlap_however_alike_they_are_within() -> None:
    """X against X + 5: a grid for each density, as in the authors' package, makes of that a divergence of 8e-18."""
    x = np.random.default_rng(5).random(100)
    assert overlap(x, x + 5).oa < 1e-3
    assert overlap(x, x + 5).kld > 10
    assert overlap(x, x).oa > 0.98


def test_sets_of_equal_values_have_an_overlap_too() -> None:
    assert overlap(np.ones(5), np.ones(7)) == (1, 0)
    assert overlap(np.ones(5), np.zeros(7)).oa < 1e-3
    assert overlap(np.zeros(64), np.random.default_rng(0).normal(size=100)).oa < 0.6
    assert math.isnan(overlap(np.ones(1), np.ones(7)).oa)


def test_real_pieces_lie_in_the_null_band_of_real_pieces() -> None:
    random = np.random.default_rng(6)
    real = random.normal(size=200)
    low, high = null_band(real, 64)
    assert 0.8 < low < high <= 1
    alike = [low <= overlap(random.normal(size=64), real).oa for _ in range(40)]
    assert sum(alike) >= 34
    assert overlap(random.normal(2, 1, 64), real).oa < low
    assert null_band(real, 64) == (low, high)
    assert all(math.isnan(end) for end in null_band(real[:3], 64))


def test_a_stand_leaves_out_and_counts_what_has_no_value() -> None:
    generated, real = np.array([1.0, 2.0, 4.0, math.nan]), np.array([0.0, 3.0, math.nan, 5.0, 7.0, 9.0])
    found = stand("groove", generated, real)
    assert (found.generated, found.real) == (3, 5)
    assert found.mean == pytest.approx(student_t([1.0, 2.0, 4.0]))
    assert found.band[2] == 5
    assert found.generated_band[2] == 2
    assert found.auc.value == pytest.approx(by_pairs(generated[:3], np.array([0.0, 3, 5, 7, 9])))
    assert found.wasserstein == pytest.approx(wasserstein(np.array([1.0, 2, 4]), np.array([0.0, 3, 5, 7, 9])))
    empty = stand("npvi", np.full(3, math.nan), real)
    assert empty.generated == 0
    assert math.isnan(empty.mean.mean)
    assert math.isnan(empty.oa)
    assert math.isnan(empty.wasserstein)
