"""What people read: the console, and later tables and pages."""

from musicexp.report.console import Terminal, duration, summary_lines

__all__ = ["Terminal", "duration", "summary_lines"]
