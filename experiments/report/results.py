"""What a question leaves in its folder: table.md, values.json, figures, and melodies of each side."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from musicexp.api import LoadedRun
from musicexp.metrics import Interval, paired, student_t

TABLE, VALUES = "table.md", "values.json"
NOTHING = "-"
"""A cell without a value."""


def interval(values: Sequence[float], decimals: int = 3, *, signed: bool = False) -> str:
    """Mean and 95 % interval of independent values, as a cell; of one value the value alone, of none a dash."""
    known = [value for value in values if math.isfinite(value)]
    return told(student_t(known), decimals, signed=signed) if known else NOTHING


def difference(ours: Sequence[float], theirs: Sequence[float], decimals: int = 3) -> str:
    """Mean paired difference and its 95 % interval, as a cell."""
    both = [(a, b) for a, b in zip(ours, theirs, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if not both:
        return NOTHING
    return told(paired([a for a, _ in both], [b for _, b in both]), decimals, signed=True)


def told(found: Interval, decimals: int = 3, *, signed: bool = False) -> str:
    """An interval as words, such as "2.41 (2.36 to 2.46)"."""

    def word(value: float) -> str:
        return f"{value:{'+' if signed else ''}.{decimals}f}".replace("-", "\N{MINUS SIGN}")

    if math.isnan(found.low):
        return f"{word(found.mean)} (one value)"
    return f"{word(found.mean)} ({word(found.low)} to {word(found.high)})"


def rows(head: Sequence[str], body: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(map(str, row)) + " |" for row in body),
    ]


def leave(out: Path, lines: Sequence[str], values: Mapping[str, Any], figures: Mapping[str, bytes]) -> None:
    """Write a question's tables, values and figures.

    Args:
        values: everything the tables are made of; dataclasses and tuples become what JSON knows, nan becomes null.
        figures: by file name.
    """
    out.mkdir(parents=True, exist_ok=True)
    made = f"Made on {date.today()} by the script beside this folder; {platform.machine()}, torch {torch.__version__}."
    (out / TABLE).write_text("\n".join([*lines, "", made, ""]), encoding="utf-8")
    text = json.dumps(_plain(values), indent=1, sort_keys=True, ensure_ascii=False)
    (out / VALUES).write_text(text + "\n", encoding="utf-8")
    for name, data in figures.items():
        (out / name).write_bytes(data)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def keep_melodies(run: LoadedRun, side: str, out: Path, numbers: Sequence[int] = (1, 2)) -> list[str]:
    """Copy some of a run's melodies, by number and never by ear, to samples/SIDE-k.mid; their names."""
    folder = out / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for k, number in enumerate(numbers, start=1):
        path = folder / f"{side}-{k}.mid"
        path.write_bytes(run.read(f"sample_{number}.mid"))
        names.append(f"samples/{path.name}")
    return names
