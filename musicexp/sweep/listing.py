"""The studies of a database, as rows for a table."""

from __future__ import annotations

from dataclasses import dataclass

from musicexp.errors import RunError
from musicexp.sweep.record import leading
from musicexp.sweep.storage import Storage
from musicexp.sweep.study import load_study


@dataclass(frozen=True)
class Row:
    """A study in a line; `remark` says what is not as usual."""

    name: str
    finished: int
    target: int
    pruned: int
    failed: int
    running: int
    objective: str
    leading: float | None
    remark: str = ""


def study_rows(storage: Storage) -> list[Row]:
    """Every study of a database, in order of name."""
    import optuna

    rows = []
    for name in sorted(
        summary.study_name
        for summary in optuna.get_all_study_summaries(storage.shared, include_best_trial=False)
    ):
        try:
            study = load_study(storage, name)
        except RunError as error:
            rows.append(Row(name, 0, 0, 0, 0, 0, "", None, str(error)))
            continue
        finished, best = study.finished(), leading(study)
        rows.append(
            Row(
                name,
                len(finished),
                study.target,
                sum(t.state.name == "PRUNED" for t in finished),
                len(study.failures()),
                sum(t.state.name == "RUNNING" for t in study.trials()),
                study.objectives[0].name,
                None if best is None else float(best.values[0]),
                study.stopped() or "",
            )
        )
    return rows
