"""Whether two figures of the same runs rise together, whatever their units: Spearman's rank correlation with its interval.

Ranks, since a loss and a distance need not follow a line, and one run that diverged should not decide. The interval is
Fisher's with the standard error of Bonett & Wright (2000, Psychometrika 65), sqrt((1 + r^2 / 2) / (n - 3)): it holds for
correlations up to about .9 (see the simulation in the tests); with fewer than 8 runs it would span nearly everything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from musicexp.metrics.intervals import LEVEL, Interval

FEWEST = 8


def rank_correlation(ones: Sequence[float], others: Sequence[float], level: float = LEVEL) -> Interval:
    """Spearman's correlation of paired values, -1 to 1, and its interval; equal values share their mean rank.

    All nan where one side never changes; the ends are nan with fewer than 8 pairs, and where the ranks agree or
    disagree wholly, of which Fisher's interval knows no width.

    Raises:
        ValueError: not equally many, or a value is no number.
    """
    if len(ones) != len(others):
        raise ValueError(f"{len(ones)} values and {len(others)} are no pairs")
    if not all(map(math.isfinite, [*ones, *others])):
        raise ValueError("a rank of what is no number")
    if len(set(ones)) < 2 or len(set(others)) < 2:
        return Interval(math.nan, math.nan, math.nan)
    from scipy import stats

    n = len(ones)
    r = float(np.corrcoef(stats.rankdata(ones), stats.rankdata(others))[0, 1])
    r = max(-1.0, min(1.0, r))
    if n < FEWEST or abs(r) > 1 - 1e-12:
        return Interval(r, math.nan, math.nan)
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt((1 + r * r / 2) / (n - 3))
    z = math.atanh(r)
    return Interval(r, math.tanh(z - half), math.tanh(z + half))
