"""What follows from the trials of a study: which leads, which no other beats, what pruning saved; and its words."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Any

from musicexp.render.axes import MINUS, short, usable
from musicexp.report.html import visible
from musicexp.report.study import Candidate, Direction, Objective, Study, Trial

BITS = "bits_per_note/val"
WORD_OF_STATE = {
    "complete": "finished", "pruned": "pruned", "failed": "failed", "interrupted": "interrupted", "running": "running",
}  # fmt: skip
NOT_CONFIRMED = (
    "leading so far, not confirmed: a winner of many noisy trials is no winner; "
    "confirm=3x5 trains the best three and the default again with five paired seeds"
)
LONGEST = 60
FAR = 3.0
"""An axis leaves out values that are worse than the third quartile by more than so many interquartile ranges."""


def value(trial: Trial, number: int = 0) -> float | None:
    """An objective of a finished trial; None if it has none, or none that is a number."""
    if trial.state != "complete" or number >= len(trial.values):
        return None
    return next(iter(usable([trial.values[number]])), None)


def finished(study: Study) -> list[Trial]:
    """Trials with a number for every objective, in order."""
    return [t for t in study.trials if all(value(t, k) is not None for k in range(len(study.objectives)))]


def last_seen(trial: Trial) -> float | None:
    """The first objective as far as it was measured: the value, or else the end of the curve."""
    found = value(trial)
    return found if found is not None else next(iter(usable(y for _, y in reversed(trial.curve))), None)


def cost(objective: Objective, found: float) -> float:
    """A value turned so that less is better."""
    return -found if objective.direction == "maximize" else found


def ranked(study: Study) -> list[Trial]:
    """Finished trials that keep the constraints, the best in the first objective first."""
    first = study.objectives[0]
    return sorted(
        (t for t in finished(study) if t.feasible), key=lambda t: (cost(first, t.values[0]), t.number)
    )


def leading(study: Study) -> Trial | None:
    """The trial that the study names as its best, or else the first in rank; None if the default won."""
    named = [t for t in study.trials if t.number == study.best_number]
    if named:
        return named[0]
    if study.confirmed:
        return None
    return next(iter(ranked(study)), None)


def front(points: Sequence[Sequence[float]], directions: Sequence[Direction]) -> list[int]:
    """Which points no other one beats, that is, is as good in everything and better in something; in order of the first."""
    turned = [
        tuple(-v if way == "maximize" else v for v, way in zip(p, directions, strict=True)) for p in points
    ]
    kept: list[int] = []
    for k in sorted(range(len(turned)), key=lambda k: (turned[k], k)):
        # A point can only be beaten by one before it in this order, and then also by one that was kept.
        beaten = any(
            turned[j] != turned[k] and all(a <= b for a, b in zip(turned[j], turned[k], strict=True))
            for j in kept
        )
        if not beaten:
            kept.append(k)
    return kept


def on_front(study: Study) -> list[Trial]:
    """Trials that no other beats in all objectives at once."""
    trials = ranked(study)
    return [trials[k] for k in front([t.values for t in trials], [o.direction for o in study.objectives])]


def measured(study: Study, trial: Trial, name: str) -> float | None:
    """A figure of a finished trial by its name, wherever it stands: among objectives, figures, or its seconds."""
    if trial.state != "complete":
        return None
    metrics = [objective.metric for objective in study.objectives]
    found = value(trial, metrics.index(name)) if name in metrics else trial.figures.get(name)
    if found is None and name == "seconds":
        found = trial.seconds or None
    return next(iter(usable([found])), None)


def reach(values: Sequence[float], direction: Direction) -> list[float]:
    """The values that an axis should span: a few far worse than the others would flatten the rest."""
    if len(values) < 8:
        return list(values)
    sign = -1.0 if direction == "maximize" else 1.0
    turned = sorted(sign * v for v in values)
    first, third = turned[len(turned) // 4], turned[3 * len(turned) // 4]
    limit = third + FAR * (third - first) if third > first else math.inf
    return [v for v in values if sign * v <= limit]


def counts(study: Study) -> Counter[str]:
    """How many trials are in which state."""
    return Counter(trial.state for trial in study.trials)


def saved(study: Study) -> float:
    """Seconds that pruning saved, as estimated."""
    return sum(usable(trial.saved_seconds for trial in study.trials))


# ---------------------------------------------------------------------------------------------------
# In words


def figure(found: float | None) -> str:
    """A figure with about four digits."""
    if found is None or not math.isfinite(found):
        return "none"
    size = abs(found)
    if 0 < size < 1e-3 or size >= 1e9:
        return short(found)
    told = f"{found:,.{0 if size >= 1000 else 1 if size >= 100 else 3 if size >= 10 else 4}f}"
    return told.replace("-", MINUS)


def setting(found: Any) -> str:
    """A setting's value as it is written on the command line, in one line."""
    if found is None or isinstance(found, bool):
        return {None: "null", True: "true", False: "false"}[found]
    if isinstance(found, float):
        return f"{found:.4g}"
    return visible(found)


def cut(words: str, most: int = LONGEST) -> str:
    """Words of at most so many letters."""
    return words if len(words) <= most else words[: most - 1] + "…"


def settings_words(settings: dict[str, Any], most: int = LONGEST) -> str:
    """Such as "lr=0.002 model.dropout=0.3"."""
    return " ".join(f"{visible(name)}={cut(setting(found), most)}" for name, found in settings.items())


def interval(low: float, high: float) -> str:
    return f"{figure(low)} to {figure(high)}"


def command(study: Study) -> str:
    """The `run` command of the best trial as one types it; "" if there is none."""
    if study.best is None:
        return ""
    return visible(" ".join(["python -m musicexp run", *map(shlex.quote, study.best)]))


def verdict(candidate: Candidate, direction: Direction) -> str:
    """What the paired difference to the default says."""
    if candidate.against_default is None:
        return ""
    _, low, high = candidate.against_default
    if low <= 0 <= high or not all(map(math.isfinite, (low, high))):
        return "within seed noise (the interval includes 0)"
    better = high < 0 if direction == "minimize" else low > 0
    return f"{'better' if better else 'worse'} than the default (the interval excludes 0)"
