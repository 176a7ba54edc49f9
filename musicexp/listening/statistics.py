"""Preferences as figures: shares with exact intervals, exact tests, power, and Bradley-Terry strengths.

Ties ('no difference') are left out of shares, tests and strengths, as the sign test does, and reported beside them.

Sources: Clopper & Pearson 1934; Holm 1979; Bradley & Terry 1952; Ford 1957 (when strengths exist); Hunter 2004.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
ALPHA = 0.05
POWER = 0.8
MOST_VOTES = 2000
"""Whoever needs more than so many votes to hear a difference has none that matters."""
ITERATIONS = 100
CONVERGED = 1e-10

Wins = NDArray[np.float64]
"""[runs, runs], how often the row was preferred to the column."""


class Share(NamedTuple):
    """A share and the ends of its interval."""

    share: float
    low: float
    high: float


def clopper_pearson(successes: int, trials: int, level: float = LEVEL) -> Share:
    """A share with its exact interval, which covers the true one at least as often as `level` says.

    Without trials the share is nan and the interval is everything.
    """
    from scipy import stats

    if not trials:
        return Share(math.nan, 0.0, 1.0)
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, successes, trials - successes + 1)) if successes else 0.0
    high = float(stats.beta.ppf(1 - tail, successes + 1, trials - successes)) if successes < trials else 1.0
    return Share(successes / trials, low, high)


def binomial_p(successes: int, trials: int) -> float:
    """The exact two-sided p of a share against one half; 1 without trials."""
    from scipy import stats

    return float(stats.binomtest(successes, trials, 0.5).pvalue) if trials else 1.0


def power(trials: int, share: float, alpha: float = ALPHA) -> float:
    """How likely the exact two-sided test finds a true share within so many trials."""
    from scipy import stats

    critical = int(stats.binom.ppf(alpha / 2, trials, 0.5))
    while critical >= 0 and stats.binom.cdf(critical, trials, 0.5) > alpha / 2:
        critical -= 1
    if critical < 0:
        return 0.0
    return float(
        stats.binom.cdf(critical, trials, share) + stats.binom.sf(trials - critical - 1, trials, share)
    )


def votes_needed(share: float, alpha: float = ALPHA, most: int = MOST_VOTES) -> int | None:
    """The smallest number of votes without ties within which the test finds a share with `POWER`; None beyond `most`."""
    from scipy import stats

    far = abs(share - 0.5)
    if far <= 0:
        return None
    # The normal approximation lies within a few votes of it, and below by less than a quarter.
    spread = math.sqrt(max(share * (1 - share), 1e-9))
    rough = ((stats.norm.isf(alpha / 2) * 0.5 + stats.norm.ppf(POWER) * spread) / far) ** 2
    if rough > most * 1.2:
        return None
    begin = max(1, int(rough * 0.7) - 10)
    return next((n for n in range(begin, most + 1) if power(n, share, alpha) >= POWER), None)


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for being several, by Holm's step-down method."""
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    adjusted, worst = [1.0] * len(p_values), 0.0
    for place, k in enumerate(order):
        worst = max(worst, min(1.0, p_values[k] * (len(p_values) - place)))
        adjusted[k] = worst
    return adjusted


class Strengths(NamedTuple):
    """Bradley-Terry strengths: run i is preferred to run j with probability 1 / (1 + exp(s_j - s_i)).

    Attributes:
        values: log odds, mean 0.
        errors: their standard errors, from the curvature of the likelihood.
        separated: no finite strengths fit best, because some runs never lost to any of the others; a weak prior
            (half a win each way for every pair of runs) made them finite.
        converged: whether the search came to its end.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]
    separated: bool
    converged: bool

    def chances(self) -> list[Share]:
        """Each run's chance to be preferred to a middling one of these, with its 95 % interval."""
        return [
            Share(*(_logistic(v + side * 1.959964 * e) for side in (0, -1, 1)))
            for v, e in zip(self.values, self.errors, strict=True)
        ]


def bradley_terry(wins: Sequence[Sequence[float]] | Wins) -> Strengths:
    """The strengths that fit the wins best (maximum likelihood), by Newton's method.

    Args:
        wins: [runs, runs], how often the row was preferred to the column; the diagonal does not count.
    """
    table: Wins = np.array(wins, dtype=float)
    np.fill_diagonal(table, 0)
    separated = not _strongly_connected(table)
    if separated:
        table = table + 0.5
        np.fill_diagonal(table, 0)
    games = table + table.T
    n = len(table)
    values = np.zeros(n)
    converged = False
    for _ in range(ITERATIONS):
        expected = games * _chances(values)
        slope = table.sum(axis=1) - expected.sum(axis=1)
        step = np.linalg.pinv(_information(games, values)) @ slope
        step *= min(
            1.0, 2.0 / max(float(np.abs(step).max()), 1e-300)
        )  # far from the top it would leap over it
        values = values + step
        values -= values.mean()
        if float(np.abs(step).max()) < CONVERGED:
            converged = True
            break
    errors = np.sqrt(np.clip(np.diag(np.linalg.pinv(_information(games, values))), 0, None))
    return Strengths(tuple(map(float, values)), tuple(map(float, errors)), separated, converged)


def _chances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = 1 / (1 + np.exp(values[None, :] - values[:, None]))
    return chances


def _information(games: Wins, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curvature of the log likelihood, [runs, runs]; its rows sum to 0, since only differences count."""
    chances = _chances(values)
    weight = games * chances * (1 - chances)
    information: NDArray[np.float64] = np.diag(weight.sum(axis=1)) - weight
    return information


def _strongly_connected(table: Wins) -> bool:
    """Whether every run beat every other, itself or by way of others: Ford's condition for finite strengths."""
    reach = table > 0
    for middle in range(len(table)):
        reach |= np.outer(reach[:, middle], reach[middle])
    return bool((reach | np.eye(len(table), dtype=bool)).all())


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
