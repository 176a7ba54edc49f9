"""What people read: the console, tables and pages."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from musicexp.report.console import Terminal, duration, summary_lines
from musicexp.report.data_folder import check_folder, figures_json, page_folder, write_folder
from musicexp.report.data_lines import collection_lines, data_lines
from musicexp.report.data_page import data_page
from musicexp.report.describe import describe
from musicexp.report.description import Description
from musicexp.report.study import Candidate, Dimension, Importance, Objective, Study, Trial
from musicexp.report.study_lines import study_lines, trials_csv
from musicexp.report.study_page import study_figures, study_page
from musicexp.report.study_table import StudyTable

if TYPE_CHECKING:
    from musicexp.report.compare import compare_runs
    from musicexp.report.comparison import Comparison
    from musicexp.report.comparison_rows import comparison_csv, comparison_frame, comparison_json
    from musicexp.report.comparison_table import show_comparison

__all__ = [
    "Candidate",
    "Comparison",
    "Description",
    "Dimension",
    "Importance",
    "Objective",
    "Study",
    "StudyTable",
    "Terminal",
    "Trial",
    "check_folder",
    "collection_lines",
    "compare_runs",
    "comparison_csv",
    "comparison_frame",
    "comparison_json",
    "data_lines",
    "data_page",
    "describe",
    "duration",
    "figures_json",
    "page_folder",
    "show_comparison",
    "study_figures",
    "study_lines",
    "study_page",
    "summary_lines",
    "trials_csv",
    "write_folder",
]

_LATE = {
    "Comparison": "comparison",
    "compare_runs": "compare",
    "comparison_csv": "comparison_rows",
    "comparison_frame": "comparison_rows",
    "comparison_json": "comparison_rows",
    "show_comparison": "comparison_table",
}


def __getattr__(name: str) -> Any:
    # Late, so that a run's table and a data page do not wait for what compares runs.
    if name in _LATE:
        return getattr(importlib.import_module(f"musicexp.report.{_LATE[name]}"), name)
    raise AttributeError(f"module 'musicexp.report' has no attribute {name!r}")
