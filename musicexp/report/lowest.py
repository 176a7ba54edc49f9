"""The lowest figure of n trials or of n seeds, as far as those that were made can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from musicexp.metrics.best_of_n import FEWEST_TRIALS, best_of_n
from musicexp.report.comparison import Group
from musicexp.report.figure_names import heading
from musicexp.report.findings import Lowest, Luck
from musicexp.report.html import visible
from musicexp.report.study_facts import figure, interval
from musicexp.wording import count

FIGURE = "bits_per_note/val"
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def lowest(values: Sequence[float]) -> tuple[Lowest, ...]:
    """The lowest of 1, 2, 5, 10, ... as many as there are; nothing below ten values."""
    if len(values) < FEWEST_TRIALS:
        return ()
    steps = dict.fromkeys([*(n for n in STEPS if n < len(values)), len(values)])
    found = [best_of_n(values, n) for n in steps]
    return tuple(Lowest(one.n, one.expected, one.median, one.low, one.high) for one in found)


def bounds(one: Lowest) -> str:
    """The interval of a median in words."""
    return turned_bounds(one, 1.0)


def turned_bounds(one: Lowest, sign: float) -> str:
    """The same where values were turned by `sign` so that lower is what was searched for."""
    low, high = one.low, one.high
    if low is not None and high is not None:
        return interval(*sorted((sign * low, sign * high)))
    if low is None and high is None:
        return "not known"
    found, most = (high, sign > 0) if high is not None else (low, sign < 0)
    assert found is not None
    return f"at {'most' if most else 'least'} {figure(sign * found)}"


def luck(groups: Sequence[Group], figures: Sequence[Mapping[str, float]]) -> tuple[Luck, ...]:
    """What the best of several seeds owes to luck, of configurations with ten or more."""
    found = []
    for number, group in enumerate(groups):
        values = [figures[k][FIGURE] for k in group.runs if FIGURE in figures[k]]
        steps = lowest(values)
        if steps:
            found.append(Luck(number, visible(group.label), steps, _words(group, steps)))
    return tuple(found)


def _words(group: Group, steps: Sequence[Lowest]) -> str:
    one = steps[0]
    five = next(step for step in steps if step.n == 5)
    return (
        f"{visible(group.label)}: one seed ends at {figure(one.expected)} {heading(FIGURE)}, the lowest of five seeds at "
        f"{figure(five.expected)} on average (half of the time below {figure(five.median)}; {bounds(five)}): that much is luck, "
        f"from {count(len(group.runs), 'run')}"
    )
