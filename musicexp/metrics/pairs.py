"""Two settings trained with the same seeds: the difference of a figure in every seed, and how often it is lower.

A seed decides weights, order of the data and dropout. Seed k of one setting and seed k of another share that chance, so
that their difference has less of it than either figure (Bouthillier et al. 2021, "Accounting for variance in machine
learning benchmarks", MLSys). P(A < B) is the chance that a training of A ends below one of B with the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from musicexp.metrics.intervals import LEVEL, Interval, paired

FEWEST_FOR_CHANCE = 10
"""Pairs: below, the interval of a chance spans nearly everything, and a count says the same without a pretence."""


@dataclass(frozen=True)
class Pairs:
    """One figure of two settings over the seeds that both were trained with.

    Attributes:
        difference: the mean of ours less theirs with its 95 % Student-t interval; ends are nan with one pair.
        pairs: how many seeds.
        lower, equal: in how many of them ours is below theirs, and the same as theirs.
        chance: P(ours < theirs), equal ones counted half, with Wilson's interval; None below ten pairs.
    """

    difference: Interval
    pairs: int
    lower: int
    equal: int
    chance: Interval | None

    @property
    def higher(self) -> int:
        return self.pairs - self.lower - self.equal

    @property
    def within_noise(self) -> bool:
        """Whether the interval does not tell on which side of 0 the difference is."""
        _, low, high = self.difference
        return not math.isfinite(low) or low <= 0 <= high


def pairs(ours: Sequence[float], theirs: Sequence[float]) -> Pairs:
    """Compare two settings seed by seed.

    Args:
        ours, theirs: the figure of each seed, in the same order of seeds.

    Raises:
        ValueError: there are no values, or not equally many.
    """
    both = list(zip(ours, theirs, strict=True))
    lower, equal = sum(one < other for one, other in both), sum(one == other for one, other in both)
    chance = wilson(lower + equal / 2, len(both)) if len(both) >= FEWEST_FOR_CHANCE else None
    return Pairs(paired(ours, theirs), len(both), lower, equal, chance)


def wilson(count: float, of: int, level: float = LEVEL) -> Interval:
    """A share and its score interval (Wilson 1927), which holds near 0 and 1 too, where the usual one does not."""
    from scipy import stats

    z = float(stats.norm.ppf((1 + level) / 2))
    share = count / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))
