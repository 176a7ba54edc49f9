"""What people read: the console, and later tables and pages."""

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

__all__ = [
    "Candidate",
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
    "data_lines",
    "data_page",
    "describe",
    "duration",
    "figures_json",
    "page_folder",
    "study_figures",
    "study_lines",
    "study_page",
    "summary_lines",
    "trials_csv",
    "write_folder",
]
