"""What may be said of a comparison, and what may not, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from musicexp.metrics import paired
from musicexp.report.comparison import ComparedRun, Group
from musicexp.report.html import visible
from musicexp.report.study_facts import figure

FIGURE = "bits_per_note/val"
WORDS = "bits per note on the validation pieces"
SMALL = 0.05
"""A share of a figure; seeds alone move small models by about so much."""
LARGE = 0.25
"""Beyond this share nobody takes a difference for luck."""


def verdicts(
    runs: Sequence[ComparedRun], groups: Sequence[Group], factors: Sequence[str], *, comparable: bool
) -> tuple[str, ...]:
    """Sentences about several factors, repeated runs, and whether the best is known to be better than the second.

    Args:
        comparable: whether bits per note may be compared at all.
    """
    found = []
    if len(factors) > 1:
        found.append(
            f"the runs differ in {len(factors)} things at once ({', '.join(factors)}): none of these alone can be said to make the difference"
        )
    found += _repeated(runs)
    if comparable:
        found += _best_two(runs, groups)
    return tuple(found)


def _repeated(runs: Sequence[ComparedRun]) -> list[str]:
    by_signature: dict[str, list[str]] = {}
    for run in runs:
        if run.tags.get("signature"):
            by_signature.setdefault(run.tags["signature"], []).append(visible(run.name))
    return [
        f"{', '.join(names[:-1])} and {names[-1]} have one signature: the same settings, seed, data and code, trained more than once"
        for names in by_signature.values()
        if len(names) > 1
    ]


def _best_two(runs: Sequence[ComparedRun], groups: Sequence[Group]) -> list[str]:
    judged = sorted((g for g in groups if FIGURE in g.figures), key=lambda g: g.figures[FIGURE].mean)
    if len(judged) < 2:
        return []
    best, second = judged[:2]
    a, b = best.figures[FIGURE].mean, second.figures[FIGURE].mean
    told = f"{visible(best.label)} and {visible(second.label)} lie {figure(b - a)} {WORDS} apart"
    if len(best.runs) == 1 or len(second.runs) == 1:
        which = "one seed each" if len(best.runs) == len(second.runs) else "one seed of one of them"
        if b - a <= SMALL * abs(b):
            return [
                f"{told}, {which}: a difference this small may be luck; `run ... seeds=5` of both would tell"
            ]
        if b - a <= LARGE * abs(b):
            return [
                f"{told}, {which}: how much of it is luck is not known; `run ... seeds=5` of both would tell"
            ]
        return [f"{told}, {which}"]
    shared = _shared_seeds(runs, best, second)
    if len(shared) < 2:
        return [f"{told}, with different seeds: {_overlap(best, second)}"]
    mean, low, high = paired([one for one, _ in shared], [other for _, other in shared])
    within = low <= 0 <= high or not math.isfinite(low)
    verdict = (
        "within seed noise (the interval includes 0)" if within else "more than seeds alone make of it (the interval excludes 0)"
    )  # fmt: skip
    return [
        f"{visible(best.label)} less {visible(second.label)}: {figure(mean)} {WORDS} over {len(shared)} paired seeds, 95 % interval {figure(low)} to {figure(high)}: {verdict}"
    ]


def _shared_seeds(runs: Sequence[ComparedRun], best: Group, second: Group) -> list[tuple[float, float]]:
    """The figure of both groups for every seed that both were trained with."""

    def by_seed(group: Group) -> dict[int | None, float]:
        members = [runs[place] for place in group.runs]
        return {run.seed: run.figures[FIGURE] for run in members if FIGURE in run.figures}

    ours, theirs = by_seed(best), by_seed(second)
    return [(ours[seed], theirs[seed]) for seed in ours if seed is not None and seed in theirs]


def _overlap(best: Group, second: Group) -> str:
    high, low = best.figures[FIGURE].high, second.figures[FIGURE].low
    if high is None or low is None or high >= low:
        return "their 95 % intervals overlap, so it may be luck"
    return "their 95 % intervals do not overlap"
