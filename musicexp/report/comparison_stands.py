"""What a comparison's page is used with: curves, samples and notes, as HTML that its scripts bring to life."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from musicexp.report.comparison import Comparison
from musicexp.report.comparison_columns import MANY, Column, chip, column_head, columns_of
from musicexp.report.comparison_curves import Unit
from musicexp.report.comparison_music import GridRow, Heard
from musicexp.report.html import Html, joined, name, tag, text, visible

THINNED = "Curves that are longer than this page can hold keep the least and greatest value of each stretch."


def web_file(name: str) -> str:
    """A file of `musicexp/report/web`."""
    return (files("musicexp.report") / "web" / name).read_text(encoding="utf-8")


def _template(file: str, **told: str) -> Html:
    """A file of HTML with words in its places."""
    return Html(re.sub(r"\{\{(\w+)\}\}", lambda found: text(told[found[1]]), web_file(file)))


# ---------------------------------------------------------------------------------------------------
# Curves: an empty stand that curves.js and legend.js fill


def curves_section(found: Comparison, unit: Unit, thinned: bool) -> Html:
    """The stand of the curves, with its switches."""
    if not any(run.curves for run in found.runs):
        return tag("p", "No run has logged a curve yet.", class_="empty")
    parts = [tag("p", unit.reason, class_="red-note")] if unit.reason else []
    parts.append(_template("curves.html", label=f"Loss curves, {unit.name}"))
    if thinned:
        parts.append(tag("p", THINNED, class_="note"))
    return joined(parts)


# ---------------------------------------------------------------------------------------------------
# Samples


def samples_section(found: Comparison, heard: Heard) -> Html:
    """The deck with the play head, and the grid below it."""
    if not any(row.cells for row in heard.rows) and not heard.real:
        return tag("p", "These runs left no melodies.", class_="empty")
    columns = columns_of(found)
    told = "One instrument and one loudness for all, so that ears compare music. Another run goes on at the same place."
    parts = [tag("p", told, class_="note")]
    unlike = [row for row in heard.rows if row.differs]
    if unlike:
        parts.append(
            tag(
                "p",
                f"{_of(len(unlike), len(heard.rows))} the samples were not drawn alike: what differs there is chance, too.",
                class_="red-note",
            )
        )
    parts += [tag("p", visible(remark), class_="note") for remark in heard.remarks]
    parts.append(Html('<p id="plain" class="red-note" hidden>This browser cannot read the instrument (Ogg Vorbis): plain tones are played instead.</p>'))  # fmt: skip
    if heard.data["pieces"]:
        parts.append(_template("deck.html"))
    if heard.rows:
        parts.append(_grid(columns, heard.rows))
    if heard.real:
        parts.append(_real(heard))
    return joined(parts)


def _of(some: int, rows: int) -> str:
    """In which rows, as a sentence begins."""
    return (
        "In this row" if rows == 1 else f"In all {rows} rows" if some == rows else f"In {some} of {rows} rows"
    )


def _grid(columns: Sequence[Column], rows: Sequence[GridRow]) -> Html:
    head = tag("tr", tag("th", "", scope="col"), *(column_head(column) for column in columns))
    body = joined((_grid_row(columns, row) for row in rows), "\n")
    whole = tag("table", tag("caption", "Samples", class_="unseen"), tag("thead", head), tag("tbody", body), class_="samples many" if len(columns) > MANY else "samples")  # fmt: skip
    return tag("div", whole, class_="scroll pinned", role="region", aria_label="Samples")


def _grid_row(columns: Sequence[Column], row: GridRow) -> Html:
    turn = ""
    if sum(bool(cell.piece) for cell in row.cells) > 1:
        turn = tag("button", "one after another", class_="turn", type="button", data_row=row.key, aria_pressed="false", aria_label=f"Play {row.title} of all runs one after another")  # fmt: skip
    head = tag("th", tag("b", row.title), tag("small", row.drawn), tag("small", row.differs, class_="red") if row.differs else "", turn, scope="row")  # fmt: skip
    cells = []
    for column, cell in zip(columns, row.cells, strict=True):
        if not cell.piece:
            cells.append(tag("td", tag("span", cell.gap, class_="gap"), class_="hole"))
            continue
        attributes = {
            "class_": f"cell {column.colour}", "type": "button", "data_piece": cell.piece, "data_row": row.key,
            "data_column": str(column.number), "data_number": str(column.number), "data_colour": column.colour,
            "data_name": visible(column.run.name), "data_title": row.title,
            "aria_label": f"{row.title} of run {column.number}, {visible(column.run.name)}: {cell.told}",
        }  # fmt: skip
        cells.append(tag("td", tag("button", _picture(), tag("small", cell.told), **attributes)))
    return tag("tr", head, *cells)


def _picture() -> Html:
    return Html('<span class="picture"><canvas aria-hidden="true"></canvas><i></i></span>')


def _real(heard: Heard) -> Html:
    cells = []
    for number, real in enumerate(heard.real, 1):
        whose = "" if not real.numbers else f"run {', '.join(map(str, real.numbers))}"
        attributes = {
            "class_": "cell real", "type": "button", "data_piece": real.piece, "data_row": "real", "data_column": str(number),
            "data_colour": "real", "data_name": real.title, "data_title": "real music",
            "aria_label": f"real music: {real.title}, {real.told}",
        }  # fmt: skip
        title = tag("bdi", real.title, class_="title")
        cells.append(
            tag("li", tag("button", title, _picture(), tag("small", f"{real.told}; {whose}"), **attributes))
        )
    return joined([tag("h3", "Real music, to compare with"), tag("ul", *cells, class_="real-row")])


# ---------------------------------------------------------------------------------------------------
# Notes


def notes_section(found: Comparison, notes: dict[str, str] | None) -> Html:
    """A field a run; it can be written in where a server stands behind the page.

    Args:
        notes: of each run's id as they are stored now; None on a page without a server.
    """
    if notes is None:
        told = tag("p", "Read only: to write notes into MLflow, open this page with ", tag("code", "compare --serve"), ".", class_="note")  # fmt: skip
    else:
        told = tag("p", "A note is stored with its run as MLflow's description.", class_="note")
    forms = [_note(column, (notes or {}).get(column.run.id, column.run.note), notes is not None) for column in columns_of(found)]  # fmt: skip
    return joined([told, tag("div", *forms, class_="notes")])


def _note(column: Column, stored: str, served: bool) -> Html:
    id_ = f"note-{column.number}"
    # A line's end directly behind <textarea> would be swallowed; text() would show line ends as signs.
    field = Html(
        f'<textarea id="{id_}" rows="3" maxlength="4000" placeholder=" " disabled>\n{_multiline(stored)}</textarea>'
    )
    keep = Html('<p class="keep" hidden><button type="submit">Store</button></p>') if served else Html("")
    state = Html('<p class="theirs" hidden></p><output aria-live="polite"></output>') if served else Html("")
    label = Html(f'<label for="{id_}">{chip(column.number, column.colour)} {name(column.run.name)}</label>')
    return tag("form", label, field, keep, state, class_="note", data_run=column.run.id)


def _multiline(found: str) -> Html:
    lines = found.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Html("\n".join(text(line.replace("\t", "    ")) for line in lines))
