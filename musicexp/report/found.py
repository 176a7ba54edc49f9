"""What statistics find in compared runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from musicexp.report.comparison import ComparedRun, Group
from musicexp.report.curve_smoothness import Curves
from musicexp.report.fairness import Judged
from musicexp.report.findings import Beside, Findings, LossAndMusic, MissingRuns
from musicexp.report.findings_words import shown_figures
from musicexp.report.loss_and_music import loss_and_music
from musicexp.report.lowest import luck
from musicexp.report.settings_beside import settings_beside

MANY = 20
"""Intervals at once, of which chance alone puts one beside 0."""


def found_of(
    runs: Sequence[ComparedRun],
    groups: Sequence[Group],
    figures: Sequence[Mapping[str, float]],
    curves: Curves,
    fair: Judged,
    missing: MissingRuns,
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
        missing=missing,
        loss_and_music=loss_and_music(figures, _configurations(groups, len(runs)))
        if not fair.bits_reason
        else LossAndMusic(0, 0, (), ()),
        luck=luck(groups, figures),
        beside_words=tuple(_of_all(beside)),
        curves=curves.words,
    )


def _configurations(groups: Sequence[Group], runs: int) -> list[int]:
    """The group of every run."""
    found = [0] * runs
    for number, group in enumerate(groups):
        for place in group.runs:
            found[place] = number
    return found


def _of_all(beside: Sequence[Beside]) -> list[str]:
    names = shown_figures(beside)
    intervals = sum(
        pair.figures[name].low is not None for pair in beside for name in names if name in pair.figures
    )
    if intervals < MANY:
        return []
    return [
        f"{intervals} intervals are looked at together: about {round(intervals / 20)} of them lie beside 0 by chance alone"
    ]
