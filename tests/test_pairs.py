"""Statistics of a few runs: pairs of seeds, smoothness, the lowest of n, and ranks; by hand, by definition, by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from musicexp.metrics import paired
from musicexp.metrics.best_of_n import best_of_n
from musicexp.metrics.pairs import pairs, wilson
from musicexp.metrics.rank_correlation import rank_correlation
from musicexp.metrics.smoothness import FEWEST_POINTS, Stretch, common_stretch, smoothness

# ---------------------------------------------------------------------------------------------------
# Pairs


def test_pairs_by_hand() -> None:
    """Differences -1, -2, -1: mean -4/3, sd sqrt(1/3), and t with two degrees of freedom 4.302653."""
    found = pairs([1, 2, 4], [2, 4, 5])
    half = 0.95 * math.sqrt(2 / (1 - 0.95**2)) * math.sqrt(1 / 3) / math.sqrt(3)  # t of two degrees, exact
    assert found.difference == pytest.approx((-4 / 3, -4 / 3 - half, -4 / 3 + half), abs=1e-12)
    assert (found.pairs, found.lower, found.equal, found.higher) == (3, 3, 0, 0)
    assert found.within_noise  # lower in every seed, and yet three seeds do not tell
    assert found.chance is None
    assert not pairs([1, 2, 4.0], [2, 3, 5.01]).within_noise


def test_one_pair_tells_nothing_of_chance() -> None:
    found = pairs([1.0], [2.0])
    assert found.within_noise
    assert math.isnan(found.difference.low)


def test_ten_pairs_have_a_chance_and_equal_ones_count_half() -> None:
    ours = [0.0] * 10
    found = pairs(ours, [1.0] * 7 + [-1.0] * 2 + [0.0])
    assert found.chance is not None
    assert found.chance.mean == pytest.approx(0.75)
    assert pairs(ours[:9], [1.0] * 9).chance is None


def test_wilsons_interval() -> None:
    """8 of 10, as in the textbooks; and the ends stay within 0 and 1."""
    assert wilson(8, 10) == pytest.approx((0.8, 0.4901625, 0.9433178), abs=1e-6)
    assert wilson(10, 10).high == pytest.approx(1, abs=1e-12)
    assert wilson(0, 10).low == pytest.approx(0, abs=1e-12)
    assert wilson(10, 10).low == pytest.approx(10 / (10 + 1.959963984540054**2), abs=1e-12)


def test_a_constant_in_both_and_the_order_of_seeds_change_nothing() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=12), rng.normal(size=12)
    found = pairs(ours.tolist(), theirs.tolist())
    order = rng.permutation(12)
    other = pairs((ours[order] + 100).tolist(), (theirs[order] + 100).tolist())
    assert other.difference == pytest.approx(found.difference, abs=1e-10)
    assert (other.lower, other.chance) == (found.lower, found.chance)
    turned = pairs(theirs.tolist(), ours.tolist())
    assert turned.difference == pytest.approx(
        (-found.difference.mean, -found.difference.high, -found.difference.low)
    )
    assert turned.lower == found.higher


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_paired_intervals_cover_what_they_say(seeds: int) -> None:
    """Seeds that move both alike drop out of the difference; 95 % intervals hold the truth in 93 to 97 of 100."""
    rng = np.random.default_rng(seeds)
    times = 4000
    chance = rng.normal(0, 5, (times, seeds))
    ours, theirs = (
        chance + rng.normal(0, 1, (times, seeds)),
        chance + 0.4 + rng.normal(0, 0.5, (times, seeds)),
    )
    inside = 0
    for one, other in zip(ours.tolist(), theirs.tolist(), strict=True):
        _, low, high = paired(one, other)
        inside += low <= -0.4 <= high
    assert 0.93 < inside / times < 0.97


# ---------------------------------------------------------------------------------------------------
# Smoothness


def by_definition(tokens: np.ndarray, losses: np.ndarray, span: float) -> tuple[float, float]:
    """Noise and spikes from a weighted regression for every point, solved anew each time."""
    residuals = []
    for k in range(len(tokens)):
        others = np.arange(len(tokens)) != k
        weight = np.exp(-np.abs(tokens[others] - tokens[k]) / span)
        design = np.stack([np.ones(others.sum()), (tokens[others] - tokens[k]) / span], axis=1)
        by = np.linalg.solve(design.T @ (weight[:, None] * design), design.T * weight)[0]
        residuals.append((losses[k] - by @ losses[others]) / math.sqrt(1 + by @ by))
    deviation = np.abs(residuals - np.median(residuals))
    mad = float(np.median(deviation))
    return 1.4826 * mad, float(np.mean(residuals - np.median(residuals) > 4 * mad))


def curve(iterations: int, noise: float, seed: int = 0, batch: int = 16) -> tuple[list[float], list[float]]:
    """Tokens seen and losses that fall with the tokens, whatever the batch."""
    rng = np.random.default_rng(seed)
    tokens = np.arange(1, iterations + 1) * batch * 100.0
    losses = 1 + 2.5 / (1 + tokens / 320_000) + rng.normal(0, noise, iterations)
    return tokens.tolist(), losses.tolist()


def measured(tokens: list[float], losses: list[float], stretch: Stretch | None = None) -> tuple[float, ...]:
    stretch = stretch or common_stretch([tokens])
    assert stretch is not None
    found = smoothness(tokens, losses, stretch)
    assert found is not None
    return found.roughness, found.spikes, found.noise, found.drop


def test_smoothness_is_what_its_definition_says() -> None:
    rng = np.random.default_rng(1)
    tokens = np.cumsum(rng.integers(1, 5, 60)).astype(float)
    losses = 3 - tokens / 100 + rng.standard_t(2, 60) / 10
    noise, spikes = by_definition(tokens, losses, 4.0)
    found = measured(tokens.tolist(), losses.tolist(), Stretch(tokens[0], tokens[-1], 4.0))
    assert found[1:3] == pytest.approx((spikes, noise), abs=1e-10)
    assert found[0] == pytest.approx(noise / found[3])


def test_the_noise_of_a_curve_is_found_and_a_smooth_curve_is_smooth() -> None:
    _, _, noise, drop = measured(*curve(2000, 0.05))
    assert noise == pytest.approx(0.05, rel=0.06)
    assert drop == pytest.approx(2.5 / 1.005 - 2.5 / 11, abs=0.1)
    assert measured(*curve(2000, 0.0))[0] < 0.002
    straight = [3 - k / 100 for k in range(100)]
    assert measured([float(k) for k in range(100)], straight)[0] < 1e-12


def test_a_spike_is_counted_and_moves_the_roughness_little() -> None:
    tokens, losses = curve(1000, 0.05)
    before = measured(tokens, losses)
    for k in range(100, 1000, 100):
        losses[k] += 2.0
    after = measured(tokens, losses)
    assert after[1] - before[1] == pytest.approx(0.009, abs=0.004)
    assert after[2] == pytest.approx(before[2], rel=0.1)


def test_shift_scale_and_density_do_not_count() -> None:
    """More points of the same curve, another unit and a constant leave it as rough as it is."""
    tokens, losses = curve(3000, 0.05)
    rough = measured(tokens, losses)[0]
    assert measured(tokens, [7 + loss for loss in losses])[0] == pytest.approx(rough)
    assert measured(tokens, [loss / math.log(2) for loss in losses])[0] == pytest.approx(rough)
    assert measured([t * 3 for t in tokens], losses)[0] == pytest.approx(rough)
    assert measured(tokens[::3], losses[::3])[0] == pytest.approx(rough, rel=0.15)


def test_batch_noise_alone_falls_as_one_over_the_root_of_the_batch() -> None:
    """What the warning beside training curves says: at equal tokens, with nothing learnt otherwise."""
    small, large = curve(3000, 0.1 / math.sqrt(8), batch=8), curve(2000, 0.1 / math.sqrt(12), 1, batch=12)
    stretch = common_stretch([small[0], large[0]])
    assert measured(*large, stretch)[0] / measured(*small, stretch)[0] == pytest.approx(
        math.sqrt(8 / 12), rel=0.1
    )


def test_curves_are_judged_over_the_tokens_that_all_have_seen() -> None:
    stretch = common_stretch([[10.0, 20, 30, 400], [15.0, 25, 35]])
    assert stretch == Stretch(15, 35, 370)
    assert common_stretch([[1.0, 2], [3.0, 4]]) is None
    assert common_stretch([[1.0, 2], [3.0]]) is None
    assert common_stretch([]) is None


def test_what_cannot_be_measured_is_none_or_nan() -> None:
    tokens, losses = curve(FEWEST_POINTS - 1, 0.1)
    assert smoothness(tokens, losses, Stretch(tokens[0], tokens[-1], 1000)) is None
    tokens, losses = curve(50, 0.1)
    assert smoothness(tokens, [math.nan, *losses[1:]], Stretch(tokens[0], tokens[-1], 1000)) is None
    rising = measured(tokens, [1 + k / 10 for k in range(50)])
    assert math.isnan(rising[0])
    flat = measured(tokens, [1.0] * 50)
    assert math.isnan(flat[0])
    assert flat[1] == 0


# ---------------------------------------------------------------------------------------------------
# The lowest of n


def test_the_lowest_of_two_by_hand() -> None:
    """Of 1, 2, 3, 4: (7 x 1 + 5 x 2 + 3 x 3 + 1 x 4) / 16."""
    assert best_of_n([3, 1, 4, 2], 2).expected == pytest.approx(1.875, abs=1e-12)
    assert best_of_n([3, 1, 4, 2], 1).expected == pytest.approx(2.5, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_expectation_is_that_of_all_draws(n: int) -> None:
    values = [0.3, 2.0, 2.0, -1.5, 0.9]
    draws = [min(draw) for draw in itertools.product(values, repeat=n)]
    found = best_of_n(values, n)
    assert found.expected == pytest.approx(sum(draws) / len(draws), abs=1e-12)
    # At least half of all draws end at the median or below, and not fewer than half at it or above.
    assert sum(one <= found.median for one in draws) >= len(draws) / 2
    assert sum(one >= found.median for one in draws) >= len(draws) / 2


def test_more_trials_find_no_worse_and_a_constant_shifts_all() -> None:
    values = np.random.default_rng(0).normal(size=40).tolist()
    found = [best_of_n(values, n) for n in range(1, 60)]
    assert all(b.expected <= a.expected and b.median <= a.median for a, b in itertools.pairwise(found))
    assert found[-1].expected >= min(values)
    shifted = best_of_n([value + 5 for value in values], 7)
    assert (shifted.expected, shifted.median, shifted.high) == pytest.approx(
        (found[6].expected + 5, found[6].median + 5, (found[6].high or 0) + 5)
    )
    assert best_of_n(values[::-1], 7) == found[6]


def test_the_median_of_one_draw_has_the_interval_of_every_textbook() -> None:
    """Of 20 values the 6th and the 15th bound the median: P(Binomial(20, 1/2) <= 5) = .0207."""
    found = best_of_n([float(k) for k in range(1, 21)], 1)
    assert (found.low, found.high) == (6.0, 15.0)
    assert best_of_n([1.0, 2.0, 3.0], 1).low is None


@pytest.mark.parametrize(("values", "n"), [([], 1), ([1.0], 0), ([math.nan], 1)])
def test_no_lowest_of_nothing(values: list[float], n: int) -> None:
    with pytest.raises(ValueError, match="no best of"):
        best_of_n(values, n)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3, 10])
def test_the_interval_holds_for_any_distribution(n: int) -> None:
    rng = np.random.default_rng(n)
    truth = math.log(2) / n  # the lowest of n exponential values is exponential with rate n
    inside = 0
    for values in rng.exponential(size=(1000, 60)).tolist():
        found = best_of_n(values, n)
        inside += (found.low is None or found.low <= truth) and (found.high is None or truth <= found.high)
    assert inside / 1000 > 0.94


# ---------------------------------------------------------------------------------------------------
# Ranks


def test_spearman_by_hand() -> None:
    """Neighbours change places: 1 - 6 x 8 / (8 x 63)."""
    r, low, high = rank_correlation(range(8), [2, 1, 4, 3, 6, 5, 8, 7])
    assert r == pytest.approx(1 - 48 / 504, abs=1e-12)
    half = 1.959963984540054 * math.sqrt((1 + r * r / 2) / 5)
    assert (math.atanh(low), math.atanh(high)) == pytest.approx((math.atanh(r) - half, math.atanh(r) + half))


def test_ranks_do_not_care_for_units_and_order() -> None:
    rng = np.random.default_rng(3)
    ones, others = rng.normal(size=20), rng.normal(size=20)
    found = rank_correlation(ones.tolist(), others.tolist())
    order = rng.permutation(20)
    assert rank_correlation(np.exp(ones[order]).tolist(), (others[order] * 3 + 7).tolist()) == pytest.approx(
        found
    )
    turned = rank_correlation(ones.tolist(), (-others).tolist())
    assert turned == pytest.approx((-found.mean, -found.high, -found.low))


def test_ranks_of_few_of_equal_and_of_wholly_agreeing_values() -> None:
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]).mean)
    few = rank_correlation(range(7), [1, 0, 2, 3, 4, 5, 6])
    assert few.mean > 0.9
    assert math.isnan(few.low)
    whole = rank_correlation(range(10), range(10))
    assert whole.mean == pytest.approx(1, abs=1e-12)
    assert math.isnan(whole.high)
    with pytest.raises(ValueError, match="no number"):
        rank_correlation([math.nan, 1], [1, 2])
    with pytest.raises(ValueError, match="no pairs"):
        rank_correlation([1], [1, 2])


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 20])
@pytest.mark.parametrize("normal", [0.0, 0.5, 0.8])
def test_intervals_of_ranks_cover_what_they_say(size: int, normal: float) -> None:
    """Of two normal values with correlation r, Spearman's is 6 / pi asin(r / 2)."""
    rng = np.random.default_rng(size)
    truth = 6 / math.pi * math.asin(normal / 2)
    inside = 0
    for _ in range(1500):
        one = rng.normal(size=size)
        other = normal * one + math.sqrt(1 - normal**2) * rng.normal(size=size)
        _, low, high = rank_correlation(one.tolist(), other.tolist())
        inside += low <= truth <= high
    assert 0.93 < inside / 1500 < 0.98
