"""A comparison as a table for programs: one row a run, in CSV and as a pandas DataFrame, and the whole of it as JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from musicexp.report.comparison import FIGURES, ComparedRun, Comparison, as_dict

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own

ABOUT = ("id", "name", "status", "experiment", "started", "study", "trial")


def comparison_rows(found: Comparison) -> list[dict[str, Any]]:
    """A row a run: what it is, `setting/NAME`, `figure/NAME`, `data` and `vocabulary` (fingerprints).

    What was measured of samples and curves has its own name, such as music/groove/T1 or roughness/val.

    Every row has every column; what is unknown is None, and so is a setting that is null.
    """
    names = dict.fromkeys(name for run in found.runs for name in run.settings)
    measured = dict.fromkeys(name for figures in found.findings.figures for name in figures)
    return [
        _row(run, list(names)) | {name: figures.get(name) for name in measured}
        for run, figures in zip(found.runs, found.findings.figures, strict=True)
    ]


def _row(run: ComparedRun, settings: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(run, name) for name in ABOUT}
    row |= {f"setting/{name}": run.settings.get(name) for name in settings}
    row |= {f"figure/{name}": run.figures.get(name) for name in FIGURES}
    return row | dict(run.fingerprints)


def comparison_frame(found: Comparison) -> pd.DataFrame:
    """The rows as a DataFrame whose index is the runs' ids.

    Such as `comparison_frame(musicexp.compare("study=report"))[["setting/lr", "figure/bits_per_note/val"]]`.
    """
    import pandas as pd

    return pd.DataFrame(comparison_rows(found)).set_index("id")


def comparison_csv(found: Comparison) -> str:
    """The rows as CSV, figures in full; unknown values are empty, a setting that is null is `null`."""
    rows = comparison_rows(found)
    with io.StringIO(newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows[0])
        for row, run in zip(rows, found.runs, strict=True):
            writer.writerow([_cell(value, _is_null(name, run)) for name, value in row.items()])
        return out.getvalue()


def _is_null(column: str, run: ComparedRun) -> bool:
    kind, _, name = column.partition("/")
    return kind == "setting" and name in run.settings


def _cell(value: Any, null: bool) -> str:
    if value is None:
        return "null" if null else ""
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value)


def comparison_json(found: Comparison) -> str:
    """The whole comparison, with curves and notes."""
    return json.dumps(as_dict(found), ensure_ascii=False, allow_nan=False) + "\n"
