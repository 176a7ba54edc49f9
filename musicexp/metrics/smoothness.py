"""How smooth loss curves are, measured instead of seen: rough by how much of the whole drop, and how often they spike.

Roughness asks how far points scatter round the curve's own running level: 1.4826 x MAD(L_t - EMA) / total drop, a share
without unit; 0 is a curve without noise. Spikes ask how often a loss jumps up: the share of points more than 4 MAD above
the median of these residuals; of plain Gaussian noise that alone is 0.35 %, so that only more is worth a word. MAD is the
median absolute deviation, which a few spikes do not move, and 1.4826 makes it a standard deviation for Gaussian noise.

Conventions, in which curves of other batch sizes are treated alike:
- Curves are cut to the tokens that all of them have seen, and the span of the EMA (exponential moving average) is a
  number of tokens too, the same for all: a share of what all have seen, but at least three of the widest gaps between
  points. At equal iterations a batch of 12 windows would be judged after 1.5 times as much music as one of 8.
- A point is compared with the EMA of those before it, in which a point weighs exp(-tokens since / span), and divided by
  what independent noise would give at just this spacing, sqrt(1 + sum of squared weights). So noise of standard
  deviation s gives s whether points are dense or not. The first span is not judged: the average has nothing to go by.
- The median is taken out, and with it the lag of an average behind a steadily falling curve.

A training curve is measured on other music in every iteration. Its noise falls as 1 / sqrt(batch_size) even if nothing is
learnt more smoothly, so that only validation curves say which settings learn more smoothly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = 12
"""Judged points below which a median of their scatter says nothing."""
SPAN_SHARE = 1 / 20
"""Of the tokens that all curves have seen."""
SPAN_GAPS = 3
OF_GAUSS = 1.4826
SPIKE_MADS = 4
SPIKES_OF_NOISE = 0.0035
"""The share of Gaussian noise that is more than 4 MAD above its median: 1 - Phi(4 / 1.4826)."""


@dataclass(frozen=True)
class Smoothness:
    """How smooth one loss curve is over a stretch of tokens.

    Attributes:
        roughness: noise / drop; nan if the loss did not fall.
        spikes: a share of the judged points.
        noise: 1.4826 MAD of the residuals, in the loss's unit.
        drop: from the loss at the beginning of the stretch to the last EMA.
        points: how many were judged.
    """

    roughness: float
    spikes: float
    noise: float
    drop: float
    points: int


@dataclass(frozen=True)
class Stretch:
    """What curves are judged on: from `begin` to `end` tokens seen, with an EMA of `span` tokens."""

    begin: float
    end: float
    span: float


def common_stretch(tokens: Sequence[Sequence[float]]) -> Stretch | None:
    """The tokens that all curves have seen, and one span for all; None where there is no such stretch.

    Args:
        tokens: of every curve, the tokens seen at its points, rising.
    """
    if not tokens or any(len(one) < 2 for one in tokens):
        return None
    begin, end = max(one[0] for one in tokens), min(one[-1] for one in tokens)
    if end <= begin:
        return None
    widest = max(float(np.diff(np.asarray(one, float)).max()) for one in tokens)
    return Stretch(begin, end, max(SPAN_SHARE * (end - begin), SPAN_GAPS * widest))


def smoothness(tokens: Sequence[float], losses: Sequence[float], stretch: Stretch) -> Smoothness | None:
    """Measure one curve; None with fewer than 12 points to judge, or where a loss is no number.

    Args:
        tokens: seen at each point, rising.
        losses: at each point, in any unit that is the same all along.
    """
    at, values = np.asarray(tokens, float), np.asarray(losses, float)
    within = (at >= stretch.begin) & (at <= stretch.end)
    first = float(np.interp(stretch.begin, at, values)) if len(at) else math.nan
    at, values = at[within], values[within]
    if len(at) < FEWEST_POINTS or not np.isfinite(values).all() or not math.isfinite(first):
        return None
    before, scale, last = _running(at, values, stretch.span)
    residuals = ((values - before) / scale)[at >= at[0] + stretch.span]
    if len(residuals) < FEWEST_POINTS:
        return None
    middle = float(np.median(residuals))
    deviation = float(np.median(np.abs(residuals - middle)))
    noise, drop = OF_GAUSS * deviation, first - last
    spikes = float(np.mean(residuals - middle > SPIKE_MADS * deviation)) if deviation > 0 else 0.0
    return Smoothness(noise / drop if drop > 0 else math.nan, spikes, noise, drop, len(residuals))


def _running(
    at: NDArray[np.float64], values: NDArray[np.float64], span: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """The EMA before each point, by how much a point scatters round it more than round the truth, and the last EMA."""
    before, scale = np.empty_like(values), np.empty_like(values)
    keep = np.exp(-np.diff(at, prepend=at[0]) / span)
    level, spread = float(values[0]), 1.0
    for k, value in enumerate(values):
        before[k], scale[k] = level, math.sqrt(1 + spread)
        # The first point is the level; each later one takes what the time since the one before has let fade.
        level = float(keep[k] * level + (1 - keep[k]) * value)
        spread = float(keep[k] ** 2 * spread + (1 - keep[k]) ** 2)
    return before, scale, level
