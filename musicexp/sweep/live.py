"""How a sweep is shown while it goes: a table that is drawn anew in a terminal, lines elsewhere."""

from __future__ import annotations

import time

from musicexp.report import StudyTable, Terminal
from musicexp.sweep.record import leading
from musicexp.sweep.study import CURVE, Study

REFRESH_SECONDS = 2.0


class Live:
    """Shows a study while its workers are busy with it."""

    def __init__(self, study: Study, terminal: Terminal) -> None:
        self._study = study
        self._terminal = terminal
        self._table = StudyTable(terminal, study.name) if terminal.live else None
        self._shown = 0.0

    def __enter__(self) -> Live:
        if self._table:
            self._table.start()
        return self

    def __exit__(self, *caught: object) -> None:
        if self._table:
            self._table.stop()

    def heard(self, line: str) -> None:
        """A worker said something."""
        if self._table is None or not line.startswith(("trial", "this worker")):
            self._terminal.say(line)

    def tick(self) -> None:
        """Draw the table anew, if it is time to."""
        if self._table is None or time.monotonic() - self._shown < REFRESH_SECONDS:
            return
        trials = self._study.trials()
        running = []
        for trial in trials:
            if trial.state.name == "RUNNING":
                curve = trial.user_attrs.get(CURVE, [])
                at = (
                    f"{curve[-1][1]:.4f} at {curve[-1][0]:,} {self._study.sweep.budget}"
                    if curve
                    else "begins"
                )
                running.append((trial.number, dict(trial.params), at))
        best = leading(self._study)
        finished = self._study.finished()
        self._table.show(
            running=running,
            leading=None if best is None else (best.number, dict(best.params), f"{best.values[0]:.4f}"),
            objective=self._study.objectives[0].name,
            finished=len(finished),
            target=self._study.target,
            pruned=sum(t.state.name == "PRUNED" for t in finished),
            failed=len(self._study.failures()),
            seconds_each=_seconds_each(self._study),
        )
        self._shown = time.monotonic()


def _seconds_each(study: Study) -> float | None:
    """Wall-clock seconds between two finished trials so far; None before there are two."""
    ends = sorted(t.datetime_complete for t in study.finished() if t.datetime_complete)
    begins = [t.datetime_start for t in study.trials() if t.datetime_start]
    if len(ends) < 2 or not begins:
        return None
    return (ends[-1] - min(begins)).total_seconds() / len(ends)
