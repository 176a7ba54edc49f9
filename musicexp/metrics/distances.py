"""Where a generated set stands beside a real one, metric by metric: means, bands, AUC and distances, without a verdict.

The overlapping area (OA) and the Kullback-Leibler divergence (KLD) are those of Yang & Lerch 2018 ("On the evaluation
of generative models in music"): not the values of the pieces are compared but their distances, those between two
pieces of one set with those between a piece of each. Three things are done otherwise than in the authors' package:

- All densities are read off ONE grid. The package gives each density a grid of its own, so that X and X + 5 have a
  divergence of 8e-18.
- Distances begin at 0, and so do their densities: what a Gaussian would put below 0 is reflected. That leaves no
  overlap that no distance has, and makes a density a product of Fourier transforms (below).
- Of the two comparisons, within the one set with between, and within the other with between, the mean is given: a set
  that is one piece sixty-four times over is far from nothing real, but its own distances are not those of music.

Speed. The distances of two sets are distributed as the cross-correlation of their values: with values on a grid it
costs a few transforms of a thousand numbers instead of a Gaussian for each of twenty thousand pairs. So a null band
of 200 splits of the real set (how far apart two sets of real pieces are) costs milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.auc import Auc, auc
from musicexp.metrics.intervals import Interval, student_t

PERCENTILES = (5, 25, 50, 75, 95)
SPLITS = 200
CELLS = 512
"""Cells of the grid from the smallest to the largest value of both sets."""
NARROWEST = 2.0
"""The least bandwidth, in cells: equal values make a narrow hill of one cell's sides, not a needle that falls between."""
FLOOR = 1e-9
"""What a density is at least, as a share of an even one: keeps the KLD of sets that have nothing in common finite."""

Values = NDArray[np.float64]
Band = tuple[float, float, float, float, float]


class Overlap(NamedTuple):
    """How alike the distances within sets are to those between them.

    Attributes:
        oa: overlapping area, 0 (no distance within a set is like any between them) to 1.
        kld: Kullback-Leibler divergence of the distances within from those between, nats, from 0.
    """

    oa: float
    kld: float


@dataclass(frozen=True)
class Stand:
    """One metric of a generated set beside a real set; pieces without a value are left out, and so counted.

    Attributes:
        generated, real: how many pieces have a value.
        mean, real_mean: with Student's t intervals; nan without values.
        band, generated_band: the 5th, 25th, 50th, 75th and 95th percentile; nan without values.
        oa_null: between which overlapping areas 95 % of the splits of the real set into two lie (`null_band`).
        wasserstein: how far values must be moved on average to make one set the other, in the metric's unit.
    """

    metric: str
    generated: int
    real: int
    mean: Interval
    real_mean: Interval
    band: Band
    generated_band: Band
    auc: Auc
    oa: float
    oa_null: tuple[float, float]
    kld: float
    wasserstein: float


def stand(metric: str, generated: Values, real: Values, null: tuple[float, float] | None = None) -> Stand:
    """Where the generated values stand beside the real ones.

    Args:
        generated, real: float64 [pieces]; nan where a piece has no value.
        null: what `null_band(real, len(generated))` gave, if it is known already; it is the slow part.
    """
    ours, theirs = _valued(generated), _valued(real)
    oa, kld = overlap(ours, theirs)
    return Stand(
        metric,
        len(ours),
        len(theirs),
        _mean(ours),
        _mean(theirs),
        _band(theirs),
        _band(ours),
        auc(ours, theirs),
        oa,
        null if null is not None else null_band(real, len(generated)),
        kld,
        wasserstein(ours, theirs),
    )


def overlap(generated: Values, real: Values) -> Overlap:
    """Overlapping area and divergence of two sets; nan where one of them has fewer than two values."""
    ours, theirs = _valued(generated), _valued(real)
    chosen = np.zeros((1, len(ours) + len(theirs)), dtype=bool)
    chosen[:, : len(ours)] = True
    oa, kld = _overlaps(np.concatenate([ours, theirs]), chosen)
    return Overlap(float(oa[0]), float(kld[0]))


def null_band(real: Values, generated: int, splits: int = SPLITS) -> tuple[float, float]:
    """Between which values 95 % of the overlapping areas of two sets of real pieces lie.

    The real set is split at random, always alike for sets of one size: as many pieces as were generated, but at most
    half of them, against the rest. A generated set whose area lies in this band is no farther from the real
    pieces than these are from each other. A band of what was seen, and no promise of coverage.

    Args:
        real: float64 [pieces]; nan where a piece has no value.
        generated: how many pieces were generated.

    Returns:
        nan twice where the parts would have fewer than two values.
    """
    taken = min(generated, len(real) // 2)
    valued = np.isfinite(real)
    chosen = _splits(len(real), taken, splits)[:, valued]
    oa, _ = _overlaps(np.asarray(real, dtype=np.float64)[valued], chosen)
    oa = oa[np.isfinite(oa)]
    if not len(oa):
        return math.nan, math.nan
    low, high = np.percentile(oa, (2.5, 97.5))
    return float(low), float(high)


def wasserstein(generated: Values, real: Values) -> float:
    """The Wasserstein distance (of order 1) of two sets of values, in their unit; nan if one is empty."""
    from scipy import stats

    if not len(generated) or not len(real):
        return math.nan
    return float(stats.wasserstein_distance(generated, real))


def _valued(values: Values) -> Values:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def _mean(values: Values) -> Interval:
    return student_t(values.tolist()) if len(values) else Interval(math.nan, math.nan, math.nan)


def _band(values: Values) -> Band:
    if not len(values):
        return (math.nan,) * 5
    a, b, c, d, e = np.percentile(values, PERCENTILES).tolist()
    return a, b, c, d, e


def _splits(pieces: int, taken: int, splits: int) -> NDArray[np.bool_]:
    """Which pieces are taken, in each split: bool [splits, pieces]."""
    order = np.random.default_rng((pieces, taken)).random((splits, pieces)).argsort(axis=1)
    chosen: NDArray[np.bool_] = order < taken
    return chosen


def _overlaps(values: Values, chosen: NDArray[np.bool_]) -> tuple[Values, Values]:
    """OA and KLD of the chosen values against the others, for several choices: float64 [choices], twice.

    Args:
        values: float64 [pieces], all finite.
        chosen: bool [choices, pieces].
    """
    several = len(chosen)
    counts = chosen.sum(axis=1)
    others = len(values) - counts
    oa, kld = np.full(several, math.nan), np.full(several, math.nan)
    usable = (counts > 1) & (others > 1)
    if not usable.any():
        return oa, kld
    chosen, ours, theirs = chosen[usable], counts[usable], others[usable]
    order = np.argsort(values, kind="stable")
    ordered, chosen = values[order], chosen[:, order]
    reach = float(ordered[-1] - ordered[0])
    if not reach > 0:  # all values are one: all distances are 0, within and between
        oa[usable], kld[usable] = 1.0, 0.0
        return oa, kld
    ordered = (ordered - ordered[0]) / reach * (CELLS - 1)
    one, other = _spectra(ordered, chosen)
    widths = _bandwidths(ordered, chosen)
    within_one = _density(np.abs(one) ** 2 - ours[:, None], widths[0])
    within_other = _density(np.abs(other) ** 2 - theirs[:, None], widths[1])
    between = _density((one * other.conj()).real, widths[2])
    sides = (within_one, within_other)
    oa[usable] = sum(np.minimum(side, between).sum(axis=1) for side in sides) / 2
    kld[usable] = sum((side * np.log(side / between)).sum(axis=1) for side in sides) / 2
    return np.clip(oa, 0, 1), np.maximum(kld, 0)


def _spectra(ordered: Values, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.complex128], ...]:
    """Fourier transforms of the histograms of the chosen values and of the others: [choices, CELLS + 1]."""
    cells = np.rint(ordered).astype(np.int64)
    which, piece = np.nonzero(chosen)
    histograms = np.bincount(which * CELLS + cells[piece], minlength=len(chosen) * CELLS)
    one = np.fft.rfft(histograms.reshape(len(chosen), CELLS), 2 * CELLS)
    return one, np.fft.rfft(np.bincount(cells, minlength=CELLS), 2 * CELLS)[None] - one


def _bandwidths(ordered: Values, chosen: NDArray[np.bool_]) -> list[Values]:
    """Scott's bandwidth of the distances within the chosen, within the others and between them: [choices] each.

    It needs the distances' standard deviation, and that needs no distances: over sorted values the sum of all
    distances is a weighted sum of the values, and that of their squares comes from the first two moments.
    """
    numbers = ordered - ordered.mean()
    inside = chosen.astype(np.float64)
    sums = []
    for part in (inside, 1 - inside, np.ones((1, len(numbers)))):
        rank, count = np.cumsum(part, axis=1), part.sum(axis=1)
        distances = (part * numbers * (2 * rank - count[:, None] - 1)).sum(axis=1)
        squares = count * (part @ numbers**2) - (part @ numbers) ** 2
        sums.append((count * (count - 1) / 2, distances, squares))
    one, other, both = sums
    between = tuple(b - o - r for b, o, r in zip(both, one, other, strict=True))
    widths = []
    for pairs, distances, squares in (one, other, between):
        spread = np.sqrt(np.maximum(squares / pairs - (distances / pairs) ** 2, 0))
        widths.append(np.maximum(spread * pairs**-0.2, NARROWEST))
    return widths


def _density(spectrum: NDArray[np.float64], width: Values) -> Values:
    """The density of distances on cells 0 to CELLS - 1, summing to 1: float64 [choices, CELLS].

    Args:
        spectrum: of the histogram of signed differences, [choices, CELLS + 1].
        width: of the Gaussian, in cells.
    """
    frequency = np.arange(CELLS + 1) * (np.pi / CELLS)
    smooth = np.exp(-0.5 * (frequency * width[:, None]) ** 2)
    density: Values = np.fft.irfft(spectrum * smooth, 2 * CELLS)[:, :CELLS]
    density[:, 0] /= 2  # the other half of it is that of the differences below 0
    density = np.maximum(density, 0)
    density /= density.sum(axis=1, keepdims=True)
    floored = np.maximum(density, FLOOR / CELLS)
    floored /= floored.sum(axis=1, keepdims=True)
    return floored
