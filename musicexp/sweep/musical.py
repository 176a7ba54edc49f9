"""What a trial's melodies give a study: how far each metric is from real music, and whether they are copies.

The objective is |AUC - .5| of one named metric: 0 where generated melodies cannot be told apart from held-out real ones
by it. Copied tunes look perfect on every one of them, so that a study of such an objective has a constraint: melodies
copy no more than held-out people do, who never heard the training pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from musicexp.metrics.panel import METRICS

PREFIX = "music/"
COPIED, HUMAN, SCORED = "copied_8grams", "copied_8grams/human", "scored"
"""Figures of a trial: its share of copied 8-grams, that of held-out people, and how many melodies were judged."""


def objective_names() -> list[str]:
    """Every metric that may be an objective; what novelty measures is a constraint."""
    return [f"{PREFIX}{name}" for name, metric in METRICS.items() if metric.aspect != "novelty"]


def musical_figures(music: Mapping[str, Any] | None) -> dict[str, float]:
    """The figures of one training, from the `music` of its summary: those of the first temperature.

    |AUC - .5| of every metric that has an AUC, with both ends of the AUC's interval, and the figures of the constraint.
    """
    if not music or not music["sets"]:
        return {}
    judged = next(iter(music["sets"].values()))
    found = {SCORED: float(judged["pieces"])}
    for name in objective_names():
        stand = judged["metrics"].get(name.removeprefix(PREFIX))
        if stand and stand["auc"][0] is not None:
            value, low, high = stand["auc"]
            found |= {name: abs(value - 0.5), f"{name}.auc": value}
            found |= {f"{name}.auc/low": low, f"{name}.auc/high": high}
    copied = judged["metrics"].get(COPIED)
    if copied and copied["mean"][0] is not None:
        found[COPIED] = copied["mean"][0]
    if copied and copied["real_mean"][0] is not None:
        found[HUMAN] = copied["real_mean"][0]
    return found


def too_much_copied(figures: Mapping[str, float]) -> float:
    """By how much melodies copy more than held-out people do; above 0 the constraint is broken.

    Melodies too short to be a copy have copied nothing, and where no held-out piece is long enough nothing may be copied.
    """
    return figures.get(COPIED, 0.0) - figures.get(HUMAN, 0.0)
