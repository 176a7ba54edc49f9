"""The tables that benchmarks print and leave beside themselves."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One measurement: what, the figure with its unit, the spread over repeats, what is required."""

    what: str
    figure: str
    spread: str = ""
    aim: str = ""


def median_and_spread(values: Sequence[float], unit: str, form: str = ".3g") -> tuple[str, str]:
    """The median and the smallest and largest value, as text."""
    return (
        f"{statistics.median(values):{form}} {unit}",
        f"{min(values):{form}} - {max(values):{form}}" if len(values) > 1 else "once",
    )


def write_table(script: str, title: str, how: str, rows: Sequence[Row]) -> None:
    """Print a table and write it beside the script.

    Args:
        script: the script's `__file__`.
        how: what was done, in a sentence or two.
    """
    lines = ["| what | median | spread | aim |", "|---|---|---|---|"]
    table = "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
    Path(script).with_suffix(".md").write_text(f"# {title}\n\n{how}\n\n{table}", encoding="utf-8")
    print(f"\n{how}\n\n{table}", flush=True)
