"""A study in plain lines, for the end of a sweep in a terminal, and its trials as CSV."""

from __future__ import annotations

import csv
import io

from rich.console import Console
from rich.table import Table

from musicexp.report.console import duration
from musicexp.report.html import visible
from musicexp.report.study import Study
from musicexp.report.study_facts import (
    NOT_CONFIRMED,
    WORD_OF_STATE,
    command,
    counts,
    cut,
    figure,
    interval,
    ranked,
    saved,
    setting,
    verdict,
)
from musicexp.wording import count

BEST_SHOWN = 5
WIDTH = 120


def study_lines(study: Study) -> list[str]:
    """The end of a sweep: its best trials, counts, what pruning saved, the confirmation, and the command to go on with."""
    best = ranked(study)[:BEST_SHOWN]
    states = counts(study)
    told = ", ".join(f"{states[s]:,} {word}" for s, word in WORD_OF_STATE.items() if states[s] or s == "complete")  # fmt: skip
    lines = [""]
    if best:
        names = [d.name for d in study.dimensions]
        heads = ["trial", *(o.metric for o in study.objectives), *_short(names), "seconds"]
        rows = [
            [str(t.number), *map(figure, t.values), *(cut(setting(t.settings[n]), 24) if n in t.settings else "" for n in names), f"{t.seconds:,.0f}"]
            for t in best
        ]  # fmt: skip
        lines += [*_table(heads, rows), ""]
    lines.append(f"study    {visible(study.name)}: {told}, of {count(study.target, 'trial')}")
    lines.append(f"time     {duration(study.seconds)}; {duration(study.trained_seconds)} trained")
    if states["pruned"]:
        lines.append(f"         pruning saved about {duration(saved(study))}, estimated from the seconds per iteration of each pruned trial")  # fmt: skip
    if study.confirmed:
        lines += ["", *_confirmed(study)]
    if study.best is None:
        return [*lines, "result   none: no trial has finished"]
    lines += ["", f"best     {visible(study.confirmed[0].label)}, confirmed"] if study.confirmed else ["", f"result   {NOT_CONFIRMED}"]  # fmt: skip
    return [*lines, f"         {command(study)}"]


def trials_csv(study: Study) -> bytes:
    """One row a trial, in order; figures in full."""
    names = [d.name for d in study.dimensions]
    names += sorted({name for t in study.trials for name in t.settings} - set(names))
    measures = sorted({name for t in study.trials for name in t.figures})
    fixed = ["seconds", "saved_seconds", "feasible", "resume_of", "runs", "reason"]
    with io.StringIO(newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["number", "state", *(f"value/{o.metric}" for o in study.objectives), *(f"setting/{n}" for n in names), *(f"figure/{n}" for n in measures), *fixed])  # fmt: skip
        for t in study.trials:
            values = [t.values[k] if k < len(t.values) else "" for k in range(len(study.objectives))]
            swept = [_cell(t.settings[n]) if n in t.settings else "" for n in names]
            figures = [t.figures.get(n, "") for n in measures]
            last = [t.seconds, t.saved_seconds, _cell(t.feasible), "" if t.resume_of is None else t.resume_of, " ".join(t.runs), visible(t.reason)]  # fmt: skip
            rows.writerow([t.number, t.state, *values, *swept, *figures, *last])
        return out.getvalue().encode()


def _short(names: list[str]) -> list[str]:
    """Settings without their group, as far as that leaves them different."""
    ends = [name.rpartition(".")[2] for name in names]
    return [end if ends.count(end) == 1 else name for end, name in zip(ends, names, strict=True)]


def _cell(found: object) -> str:
    """A setting in full: rounded it would not give the trial again."""
    return repr(found) if isinstance(found, float) else setting(found)


def _confirmed(study: Study) -> list[str]:
    direction = study.objectives[0].direction
    rows = []
    for c in study.confirmed:
        against = "" if c.against_default is None else f"{figure(c.against_default[0])} ({interval(*c.against_default[1:])})"  # fmt: skip
        rows.append([visible(c.label), f"{figure(c.mean)} ({interval(c.low, c.high)})", against, verdict(c, direction)])  # fmt: skip
    lines = _table(["confirmed", f"{study.objectives[0].metric} (95 %)", "against the default", ""], rows)
    best = study.confirmed[0]
    if best.test is not None:
        lines.append(
            f"test figure of {visible(best.label)}: {figure(best.test[0])} ({interval(*best.test[1:])})"
        )
    return lines


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        grid.add_column(visible(head), justify="left" if head in ("", "confirmed") else "right", overflow="fold")  # fmt: skip
    for row in rows:
        grid.add_row(*map(visible, row))
    console = Console(width=WIDTH, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(grid)
    return [line.rstrip() for line in captured.get().splitlines()]
