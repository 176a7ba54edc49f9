"""What people read: the console, and later tables and pages."""

from musicexp.report.console import Terminal, duration, summary_lines
from musicexp.report.data_folder import check_folder, figures_json, page_folder, write_folder
from musicexp.report.data_lines import collection_lines, data_lines
from musicexp.report.data_page import data_page
from musicexp.report.describe import describe
from musicexp.report.description import Description

__all__ = [
    "Description",
    "Terminal",
    "check_folder",
    "collection_lines",
    "data_lines",
    "data_page",
    "describe",
    "duration",
    "figures_json",
    "page_folder",
    "summary_lines",
    "write_folder",
]
