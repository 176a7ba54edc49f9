"""The table of a sweep while it goes: what runs, what leads, how many are pruned and failed, how long it will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from musicexp.report.console import Terminal, duration

REFRESHES = 2
"""A second."""


class StudyTable:
    """A table in a terminal that is drawn anew while a study goes on."""

    def __init__(self, terminal: Terminal, name: str) -> None:
        self._live = Live(console=terminal.console, refresh_per_second=REFRESHES, transient=True)
        self._name = name

    def start(self) -> None:
        self._live.start()

    def stop(self) -> None:
        self._live.stop()

    def show(
        self,
        *,
        running: Sequence[tuple[int, Mapping[str, Any], str]],
        leading: tuple[int, Mapping[str, Any], str] | None,
        objective: str,
        finished: int,
        target: int,
        pruned: int,
        failed: int,
        seconds_each: float | None,
    ) -> None:
        """Draw it.

        Args:
            running, leading: number, settings and state of trials.
            seconds_each: between two finished trials; None if unknown.
        """
        left = "" if seconds_each is None else f", about {duration((target - finished) * seconds_each)} left"
        table = Table(
            title=Text(
                f"{self._name}: {finished} of {target} trials, {pruned} pruned, {failed} failed{left}"
            ),
            title_justify="left",
        )
        for heading in ("trial", objective, "settings"):
            table.add_column(heading)
        for number, settings, state in running:
            table.add_row(f"{number} running", Text(state), Text(told(settings)))
        if leading is not None:
            number, settings, state = leading
            table.add_row(f"{number} leading", Text(state), Text(told(settings)), style="bold")
        self._live.update(table)


def told(settings: Mapping[str, Any]) -> str:
    """Settings in a line, numbers to four digits."""
    return " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in settings.items()
    )
