"""What statistics find in compared runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from musicexp.report.comparison import ComparedRun, Group
from musicexp.report.curve_smoothness import Curves
from musicexp.report.fairness import Judged
from musicexp.report.findings import Beside, Findings
from musicexp.report.settings_beside import settings_beside

MANY = 20
"""Intervals at once, of which chance alone puts one beside 0."""


def found_of(
    runs: Sequence[ComparedRun],
    groups: Sequence[Group],
    figures: Sequence[Mapping[str, float]],
    curves: Curves,
    fair: Judged,
) -> Findings:
    """Everything.

    Args:
        figures: of every run, by name, those of its music and curves among them.
    """
    hidden = ["nll_nats/"] * bool(fair.nats_reason) + ["bits_per_note/", "music/"] * bool(fair.bits_reason)
    beside = settings_beside(runs, groups, figures, hidden)
    return Findings(
        figures=tuple({**run.music, **more} for run, more in zip(runs, curves.figures, strict=True)),
        beside=beside,
        beside_words=tuple(_of_all(beside)),
        curves=curves.words,
    )


def _of_all(beside: Sequence[Beside]) -> list[str]:
    intervals = sum(one.low is not None for pair in beside for one in pair.figures.values())
    if intervals < MANY:
        return []
    return [
        f"{intervals} intervals are looked at together: about {round(intervals / 20)} of them lie beside 0 by chance alone"
    ]
