"""How smooth a loss curve is: measured, not seen.

Residual noise is 1.4826 MAD(L_t - EMA_t) / (L_1 - L_end): the scatter about the curve's own running mean, as a share of
what was learned in all; a spike is a point further than four MAD from it. The noise of training batches falls as
1/sqrt(batch size) by itself, so where batch sizes differ only validation losses are told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIGMA = 1.4826
"""MAD of a normal distribution -> its standard deviation."""
SPAN = 0.1
"""The running mean's time constant, as a share of the curve."""
SPIKE = 4.0
FEWEST = 5


class Smoothness(NamedTuple):
    """
    Attributes:
        noise: share of the total drop; nan where the curve is too short or does not fall.
        nats: the same scatter as it is, in the unit of the losses.
        spikes: share of the points.
        rises: share of the steps that go up.
    """

    noise: float
    nats: float
    spikes: float
    rises: float


def smoothness(losses: Sequence[float]) -> Smoothness:
    """Of the losses of a curve in order, equal distances apart."""
    values = np.asarray(losses, dtype=np.float64)
    if len(values) < FEWEST:
        return Smoothness(math.nan, math.nan, math.nan, math.nan)
    residual = values - running_mean(values, max(2.0, SPAN * len(values)))
    mad = float(np.median(np.abs(residual - np.median(residual))))
    drop = float(values[0] - values.min())
    noise = SIGMA * mad / drop if drop > 0 else math.nan
    far = np.abs(residual - np.median(residual)) > SPIKE * mad if mad > 0 else np.zeros(len(values), bool)
    return Smoothness(noise, SIGMA * mad, float(far.mean()), float((np.diff(values) > 0).mean()))


def running_mean(values: NDArray[np.float64], span: float) -> NDArray[np.float64]:
    """Exponential mean with a time constant of `span` points, forth and back, so that it does not lag behind."""
    keep = math.exp(-1 / span)

    def one_way(series: NDArray[np.float64]) -> NDArray[np.float64]:
        found, mean = np.empty_like(series), series[0]
        for k, value in enumerate(series):
            mean = keep * mean + (1 - keep) * value
            found[k] = mean
        return found

    return (one_way(values) + one_way(values[::-1])[::-1]) / 2
