"""A comparison in a terminal: what differs first, then figures; what is unfair in red."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from musicexp.report.comparison import Comparison, Difference, Group, Surrounding
from musicexp.report.comparison_judged import music_rows
from musicexp.report.console import duration
from musicexp.report.findings_words import finding_lines
from musicexp.report.html import visible
from musicexp.report.study_facts import cut, figure, setting
from musicexp.wording import count

MOST_COLUMNS = 4
"""More configurations than this stand below each other, one a line."""
WIDTH = 120
"""Where no terminal says how wide it is."""
LONGEST = 40
SHORT_SECONDS = 10.0
"""Below these, tenths matter."""
UNFAIR, GAP, FAINT = "red", "yellow", "dim"


@dataclass(frozen=True)
class Figure:
    """How a figure stands in the table.

    Attributes:
        name: as in FIGURES.
        heading: with its unit.
        shown: its value in words.
        less_is_better: None where there is no better.
        by_chance: whether another seed gives another value, so that a mean wants its interval.
    """

    name: str
    heading: str
    shown: Callable[[float], str] = figure
    less_is_better: bool | None = True
    by_chance: bool = True


def _whole(value: float) -> str:
    return f"{round(value):,}"


def _seconds(value: float) -> str:
    return duration(value) if value >= SHORT_SECONDS else f"{value:.2g} s"


def _per_cent(value: float) -> str:
    return f"{100 * value:.2g} %"


BITS = (
    Figure("bits_per_note/val", "bits/note validation"),
    Figure("bits_per_note/test", "bits/note test"),
)
NATS = (
    Figure("nll_nats/val", "nats/token validation"),
    Figure("nll_nats/test", "nats/token test"),
    Figure("nll_nats/train", "nats/token train"),
)
OTHERS = (
    Figure("parameters", "parameters", _whole, None, by_chance=False),
    Figure("iterations", "iterations", _whole, None, by_chance=False),
    Figure("best_iteration", "best iteration", _whole, None, by_chance=False),
    Figure("seconds", "trained", _seconds, None),
    Figure("iterations_per_second", "iterations/s", lambda value: f"{value:.1f}", None),
)
SMOOTH = (
    Figure("roughness/val", "roughness validation", _per_cent, None),
    Figure("spikes/val", "spikes validation", _per_cent, None),
    Figure("roughness/train", "roughness train", _per_cent, None),
    Figure("spikes/train", "spikes train", _per_cent, None),
)
"""How smooth the curves are; a smoother curve is no better model."""


def show_comparison(found: Comparison, stream: TextIO | None = None) -> None:
    """Print the table and what must be known of it.

    Args:
        stream: standard output by default; colours where it is a terminal.
    """
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(Text(f"{len(found.runs)} run{'s' * (len(found.runs) != 1)}: {found.title}", style="bold"))
    console.print()
    console.print(_table(found))
    console.print()
    for line in comparison_words(found):
        console.print(line, soft_wrap=True)


def comparison_words(found: Comparison) -> list[Text]:
    """What stands below the table: unfair things, what is hidden, remarks, differences of the surroundings, gaps."""
    lines = [
        _line("unfair", f"{one.unfair} ({one.name}: {_having(one, found)})", UNFAIR)
        for one in found.environment
        if one.unfair
    ]
    if not found.nats_comparable:
        lines.append(_line("", "so nats per token are left out here", UNFAIR))
    if not found.bits_comparable:
        lines.append(_line("", "and bits per note stand in red: they rank nothing", UNFAIR))
    lines += [_line("note", remark) for remark in found.remarks]
    lines += [_line(head, told) for head, told in finding_lines(found.findings)]
    lines += [
        _line(
            "differs",
            f"{one.name}: {_having(one, found)}" + (f"; {visible(one.remark)}" if one.remark else ""),
            FAINT,
        )
        for one in found.environment
        if not one.unfair
    ]
    lines += [
        _line("gap", f"{visible(run.name)}: {visible(sentence)}", GAP)
        for run in found.runs
        for sentence in run.missing
    ]
    lines += [_line("all", told) for told in _told_once(found)]
    if found.same:
        told = count(len(found.same), "setting is", "settings are")
        where = "the same in all of them" if len(found.runs) > 1 else "not shown here"
        lines.append(_line("same", f"{told} {where}; --json tells them", FAINT))
    return lines


def _line(head: str, sentence: str, style: str = "") -> Text:
    return Text(f"{head:8} {sentence}", style=style)


def _having(one: Surrounding, found: Comparison) -> str:
    """Each value with the runs that have it, or how many these are."""
    having: dict[str, list[str]] = {}
    for run, value in zip(found.runs, one.values, strict=True):
        having.setdefault(value or "unknown", []).append(visible(run.name))
    return "; ".join(
        f"{cut(visible(value), LONGEST)} ({', '.join(names) if len(names) <= 3 else f'{len(names)} runs'})"
        for value, names in having.items()
    )


# ---------------------------------------------------------------------------------------------------
# The table: a line is a setting or a figure, a column a configuration, or the other way round


@dataclass(frozen=True)
class Row:
    """A setting or figure of every group.

    Attributes:
        cells: one a group.
        best: which of them is the best; None where none is.
        style: of the cells.
    """

    heading: str
    cells: tuple[str, ...]
    best: int | None = None
    style: str = ""


def _table(found: Comparison) -> Table:
    parts = [
        [Row("id", tuple(_ids(found, group) for group in found.groups), style=FAINT)],
        _setting_rows(found),
        _figure_rows(found),
        _music_rows(found),
    ]
    names = [visible(group.label) for group in found.groups]
    if len(names) <= MOST_COLUMNS:
        return _upright(names, parts)
    rows = [row for part in parts for row in part]
    return _lying(names, [row for row in rows if not _shared(row)])


def _told_once(found: Comparison) -> list[str]:
    """Figures that are the same in all of many configurations, which get no column."""
    shared = (
        [row for row in (*_figure_rows(found), *_music_rows(found)) if _shared(row)]
        if len(found.groups) > MOST_COLUMNS
        else []
    )
    return [", ".join(f"{row.heading} {row.cells[0]}" for row in shared)] if shared else []


def _upright(names: Sequence[str], parts: Sequence[Sequence[Row]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    table.add_column("")
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    for number, rows in enumerate(part for part in parts if part):
        if number:
            table.add_row(*[""] * (len(names) + 1))
        for row in rows:
            table.add_row(Text(row.heading), *(_cell(row, k) for k in range(len(names))))
    return table


def _lying(names: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("run", overflow="fold")
    for row in rows:
        table.add_column(Text(_broken(row.heading)), justify="right", overflow="fold")
    for k, name in enumerate(names):
        table.add_row(Text(name), *(_cell(row, k) for row in rows))
    return table


def _shared(row: Row) -> bool:
    """Whether a row says the same of every configuration."""
    return len(set(row.cells)) == 1


def _broken(heading: str) -> str:
    """A heading in several lines, over a narrow column."""
    return re.sub(r"(?<=\.)| ", "\n", heading)


def _cell(row: Row, number: int) -> Text:
    return Text(row.cells[number], style="bold" if row.best == number else row.style)


def _ids(found: Comparison, group: Group) -> str:
    return " ".join(found.runs[place].short_id for place in group.runs)


def _setting_rows(found: Comparison) -> list[Row]:
    """Settings that differ, those that matter first."""
    unfair = {one.name for one in found.environment if one.unfair}
    return [
        Row(
            difference.name,
            tuple(_values(difference, group) for group in found.groups),
            style=UNFAIR if difference.name in unfair else "" if difference.matters else FAINT,
        )
        for difference in found.differing
    ]


def _values(difference: Difference, group: Group) -> str:
    """What a setting is in a group; every value, if it differs within."""
    told = [cut(setting(difference.values[k]), LONGEST) if difference.known[k] else "?" for k in group.runs]
    return ", ".join(dict.fromkeys(told))


def _figure_rows(found: Comparison) -> list[Row]:
    rows = [_figure_row(found, one, found.bits_comparable) for one in BITS]
    if found.nats_comparable:
        rows += [_figure_row(found, one, True) for one in NATS]
        rows.append(
            Row(
                "best baseline, nats/token validation",
                tuple(_baseline(found, group) for group in found.groups),
            )
        )
    rows += [_figure_row(found, one, True) for one in (*OTHERS, *SMOOTH)]
    return [row for row in rows if any(row.cells)]


def _music_rows(found: Comparison) -> list[Row]:
    told = music_rows(found, few=len(found.groups) > MOST_COLUMNS)
    return [Row(heading, cells, style=FAINT if heading.startswith(" ") else "") for heading, cells in told]


def _figure_row(found: Comparison, one: Figure, fair: bool) -> Row:
    means = [group.figures[one.name].mean if one.name in group.figures else None for group in found.groups]
    known = [mean for mean in means if mean is not None]
    best = None
    if fair and one.less_is_better is not None and len(known) > 1:
        best = means.index(min(known) if one.less_is_better else max(known))
    cells = tuple(_spread(group, one) for group in found.groups)
    return Row(one.heading, cells, best, style="" if fair else UNFAIR)


def _spread(group: Group, one: Figure) -> str:
    """A figure, with several seeds its mean and half its interval."""
    spread = group.figures.get(one.name)
    if spread is None:
        return ""
    told = one.shown(spread.mean)
    if spread.high is not None and one.by_chance:
        told += f" ± {one.shown(spread.high - spread.mean)}"
    if len(group.runs) > spread.count:
        told += f" ({spread.count} of {len(group.runs)})"
    return told


def _baseline(found: Comparison, group: Group) -> str:
    """The best of counting, in nats per token on the validation pieces."""
    baselines = found.runs[group.runs[0]].baselines
    if not baselines:
        return ""
    name = min(baselines, key=lambda name: baselines[name])
    return f"{visible(name)} {figure(baselines[name])}"
