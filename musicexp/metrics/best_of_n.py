"""The best validation figure that so many trials may be expected to find.

The lowest of n trials falls with n by luck alone, so that the best of 50 trials of one method says nothing beside the best
of 5 of another. Two exact answers from the trials that were made, v(1) <= ... <= v(N), without another training:

- the expectation (Dodge et al. 2019, "Show your work", EMNLP): each value as probable in a draw as any other, the lowest
  of n draws is on average the sum of v(i) [(N - i + 1)^n - (N - i)^n] / N^n;
- the median, below which half of all searches of n trials end: the quantile 1 - (1/2)^(1/n) of a trial's figure, whose
  interval between two of the values holds for any distribution (Lourie, Cho & He 2024, "Show your work with confidence",
  NAACL). A bootstrap of the expectation covers .71 to .95 instead of .95, and the less the larger n; so none is given.

Both hold for trials that do not learn from each other (random search). Of a sampler that learns they say what its early
and late trials, shuffled, would have found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicexp.metrics.intervals import LEVEL

FEWEST_TRIALS = 10


@dataclass(frozen=True)
class BestOf:
    """What the lowest of n trials is.

    Attributes:
        expected: on average.
        median: half of all searches of n trials end below it.
        low, high: the median's interval; None where the trials are too few to bound it on that side.
    """

    n: int
    expected: float
    median: float
    low: float | None
    high: float | None


def best_of_n(values: Sequence[float], n: int, level: float = LEVEL) -> BestOf:
    """The lowest of n trials like these.

    Args:
        values: of trials that were drawn independently; lower is what is searched for.

    Raises:
        ValueError: there are no values, one is no number, or n is not at least 1.
    """
    if not values or n < 1 or not all(map(math.isfinite, values)):
        raise ValueError(f"no best of {n} of {len(values)} values")
    from scipy import stats

    ordered = np.sort(np.asarray(values, float))
    size = len(ordered)
    at_least = (np.arange(size, -1, -1) / size) ** n
    expected = math.fsum(ordered * (at_least[:-1] - at_least[1:]))
    share = 1 - 0.5 ** (1 / n)
    # Of `size` trials as many as this distribution says lie below the true median of the best.
    below = stats.binom(size, share)
    counts = np.arange(size + 1)
    tail = (1 - level) / 2
    lower = int(
        np.searchsorted(below.cdf(counts), tail, side="right")
    )  # value number `lower` is the last that is surely below
    upper = int(np.argmax(below.sf(counts - 1) <= tail)) if below.sf(size - 1) <= tail else size + 1
    place = max(0, math.ceil(share * size - 1e-9) - 1)
    return BestOf(
        n,
        expected,
        float(ordered[place]),
        float(ordered[lower - 1]) if lower else None,
        float(ordered[upper - 1]) if upper <= size else None,
    )
