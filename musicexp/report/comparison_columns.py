"""Runs as columns of a comparison's page, with the numbers and colours that they keep from its top to its end."""

from __future__ import annotations

from dataclasses import dataclass

from musicexp.report.comparison import ComparedRun, Comparison, Group
from musicexp.report.comparison_curves import in_order, look
from musicexp.report.html import Html, name, tag

MANY = 8
"""Columns beyond which paper has room for their numbers only."""


@dataclass(frozen=True)
class Column:
    """A run as a column of the page.

    Attributes:
        number: from 1.
        colour: the class that bears its colour.
        group: its configuration.
    """

    number: int
    colour: str
    run: ComparedRun
    group: Group
    place: int


def columns_of(found: Comparison) -> list[Column]:
    """Runs in the order of the page, with their numbers and colours."""
    groups = {place: (k, group) for k, group in enumerate(found.groups) for place in group.runs}
    return [
        Column(number, f"run{look(groups[place][0])[0]}", found.runs[place], groups[place][1], place)
        for number, place in enumerate(in_order(found), 1)
    ]


def chip(number: object, colour: str) -> Html:
    """A number in a run's colour."""
    return tag("span", str(number), class_=f"chip {colour}")


def column_head(column: Column) -> Html:
    """Its number, name, seed and, if it did not finish, its state."""
    run = column.run
    seed = "" if run.seed is None else f"seed {run.seed}"
    state = "" if run.status == "FINISHED" else run.status.lower()
    more = ", ".join(word for word in (seed, state) if word)
    return tag("th", chip(column.number, column.colour), " ", name(run.name), tag("small", more), scope="col")
