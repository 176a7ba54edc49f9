"""How smooth loss curves are, measured instead of seen: rough by how much of the whole drop, and how often they spike.

Roughness asks how far points scatter round the curve's own running level: 1.4826 x MAD(L_t - EMA) / total drop, a share
without unit; 0 is a curve without noise. Spikes ask how often a loss jumps up: the share of points more than 4 MAD above
the median of these residuals; of plain Gaussian noise that alone is 0.35 %, so that only more is worth a word. MAD is the
median absolute deviation, which a few spikes do not move, and 1.4826 makes it a standard deviation for Gaussian noise.

Conventions, in which curves of other batch sizes are treated alike:
- Curves are cut to the tokens that all of them have seen, and the span of the EMA (exponential moving average) is a
  number of tokens too, the same for all: a share of what all have seen, but at least the widest gap between
  points. At equal iterations a batch of 12 windows would be judged after 1.5 times as much music as one of 8.
- The EMA looks both ways and has a slope: a line through the points around, each weighing exp(-tokens apart / span). The
  usual one looks back alone and lags behind a falling loss, so that a curve without any noise would have a roughness of
  several per cent.
- A point is compared with the others, not with itself, and divided by what independent noise would give at just this
  spacing. So noise of standard deviation s gives s, whether points are dense or not.

A training curve is measured on other music in every iteration. Its noise falls as 1 / sqrt(batch_size) even if nothing is
learnt more smoothly, so that only validation curves say which settings learn more smoothly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = 20
"""Judged points below which a median of their scatter says nothing."""
SPAN_SHARE = 1 / 40
"""Of the tokens that all curves have seen."""
SPAN_GAPS = 1
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
        drop: from the loss at the beginning of the stretch to the mean round its end, weighted as by the EMA.
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
    """Measure one curve; None with fewer than 20 points to judge, or where a loss is no number.

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
    residuals = _residuals((at / stretch.span).tolist(), values.tolist())
    middle = float(np.median(residuals))
    deviation = float(np.median(np.abs(residuals - middle)))
    near = np.exp(-(at[-1] - at) / stretch.span)
    noise, drop = OF_GAUSS * deviation, first - float((near * values).sum() / near.sum())
    spikes = float(np.mean(residuals - middle > SPIKE_MADS * deviation)) if deviation > 0 else 0.0
    return Smoothness(noise / drop if drop > 0 else math.nan, spikes, noise, drop, len(residuals))


Sums = tuple[float, float, float, float, float, float, float, float]


def _residuals(at: list[float], values: list[float]) -> NDArray[np.float64]:
    """Each value less the line through the others, in standard deviations of independent noise of size 1.

    Args:
        at: in spans of the average.
    """
    before = _sums(at, values)
    after = [_turned(sums) for sums in reversed(_sums([-x for x in reversed(at)], values[::-1]))]
    found = []
    for value, one, other in zip(values, before, after, strict=True):
        w, wu, wuu, y, yu, q, qu, quu = (a + b for a, b in zip(one, other, strict=True))
        spread = w * wuu - wu * wu
        line = (wuu * y - wu * yu) / spread
        variance = (wuu * wuu * q - 2 * wuu * wu * qu + wu * wu * quu) / spread**2
        found.append((value - line) / math.sqrt(1 + variance))
    return np.asarray(found)


def _sums(at: list[float], values: list[float]) -> list[Sums]:
    """At each point, over those before it: sums of w, wu, wu^2, wy, wuy, w^2, w^2 u, w^2 u^2.

    u is how far a point is ahead (below 0), w = exp(u) its weight and y its value; one pass, since all of them fade alike.
    """
    w = wu = wuu = y = yu = q = qu = quu = 0.0
    found: list[Sums] = [(w, wu, wuu, y, yu, q, qu, quu)]
    for k in range(1, len(at)):
        gap, value = at[k] - at[k - 1], values[k - 1]
        fade = math.exp(-gap)
        w, y, q = (
            w + 1,
            y + value,
            q + 1,
        )  # the point before comes in where it stands, and all of them move away
        w, wu, wuu = fade * w, fade * (wu - gap * w), fade * (wuu - 2 * gap * wu + gap * gap * w)
        y, yu = fade * y, fade * (yu - gap * y)
        fade *= fade
        q, qu, quu = fade * q, fade * (qu - gap * q), fade * (quu - 2 * gap * qu + gap * gap * q)
        found.append((w, wu, wuu, y, yu, q, qu, quu))
    return found


def _turned(sums: Sums) -> Sums:
    """Sums over the points behind, of which u is above 0."""
    w, wu, wuu, y, yu, q, qu, quu = sums
    return w, -wu, wuu, y, -yu, q, -qu, quu
