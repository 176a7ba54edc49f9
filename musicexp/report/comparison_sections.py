"""What a comparison's page tells: settings and surroundings that differ, and figures."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.report.comparison import Comparison, Difference, Group, Spread, Surrounding
from musicexp.report.comparison_columns import MANY, Column, chip, column_head, columns_of
from musicexp.report.comparison_table import BITS, NATS, OTHERS, Figure
from musicexp.report.html import Html, joined, name, table, tag, text, visible
from musicexp.report.study_facts import cut, setting
from musicexp.wording import count, sentence

LONGEST = 400
"""Letters of a value: long lists are cut, but two paths that differ at their ends are told apart."""


# ---------------------------------------------------------------------------------------------------
# Settings and surroundings


def settings_section(found: Comparison) -> Html:
    """What differs first; what does not is folded away."""
    columns = columns_of(found)
    differing = [d for d in found.differing if d.matters]
    rest = [d for d in found.differing if not d.matters]
    parts: list[Html] = []
    if found.unfair:
        parts.append(_unfair(found))
    rows = [
        *(_setting_row(found, d, columns) for d in differing),
        *(_surrounding_row(one, columns) for one in found.environment if one.name not in _names(found)),
    ]
    if rows:
        parts.append(_wide("Settings that differ", columns, rows))
    elif len(columns) > 1:
        parts.append(tag("p", "No setting that matters for a loss or a sample differs."))
    remarks = [one for one in found.environment if one.remark]
    if remarks:
        parts.append(tag("ul", *(tag("li", tag("b", one.name), f": {visible(one.remark)}") for one in remarks), class_="small-print"))  # fmt: skip
    if rest:
        rows = [_setting_row(found, d, columns) for d in rest]
        told = f"{count(len(rest), 'setting differs', 'settings differ')} too, without a change of losses or samples"
        parts.append(_folded(told, _wide("Other settings that differ", columns, rows)))
    same = [(tag("code", key), setting(value)) for key, value in found.same.items()]
    if same:
        told = f"{count(len(same), 'setting is', 'settings are')} the same in all"
        parts.append(_folded(told, table("Settings that are the same", ["setting", "value"], same)))
    shared = [(key, visible(value)) for key, value in found.shared_environment.items()]
    if shared:
        parts.append(_folded("Data, code and machine that they share", table("The same in all", ["what", "value"], shared)))  # fmt: skip
    return joined(parts)


def _names(found: Comparison) -> set[str]:
    return {d.name for d in found.differing}


def _unfair(found: Comparison) -> Html:
    """Why figures do not compare, in red."""
    lines = [visible(one) for one in dict.fromkeys(found.unfair)]
    if not found.nats_comparable:
        lines.append("Nats per token and perplexities are not shown side by side.")
    if not found.bits_comparable:
        lines.append("Bits per note stand here in red: they rank nothing.")
    sentences = [sentence(line) for line in lines]
    sentences = [line if line.endswith(".") else f"{line}." for line in sentences]
    return tag("div", tag("h3", "Not all of this compares" if found.bits_comparable else "This comparison is not fair"), *(tag("p", s) for s in sentences), class_="unfair", role="note")  # fmt: skip


def _setting_row(found: Comparison, one: Difference, columns: Sequence[Column]) -> Html:
    unfair = any(s.name == one.name and s.unfair for s in found.environment)
    cells = [
        tag("td", cut(setting(one.values[c.place]), LONGEST) if one.known[c.place] else tag("span", "unknown", class_="gap"))
        for c in columns
    ]  # fmt: skip
    return tag(
        "tr", tag("th", tag("code", one.name), scope="row"), *cells, class_="red" if unfair else "setting"
    )


def _surrounding_row(one: Surrounding, columns: Sequence[Column]) -> Html:
    cells = [
        tag("td", cut(visible(one.values[c.place]), LONGEST) if one.values[c.place] else tag("span", "unknown", class_="gap"))
        for c in columns
    ]  # fmt: skip
    return tag("tr", tag("th", one.name, scope="row"), *cells, class_="red" if one.unfair else "around")


def _wide(caption: str, columns: Sequence[Column], rows: Sequence[Html]) -> Html:
    """A table with a column a run, whose first column stays in view."""
    head = tag("tr", tag("th", "", scope="col"), *(column_head(column) for column in columns))
    body = tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", head),
        tag("tbody", joined(rows, "\n")),
        class_="runs many" if len(columns) > MANY else "runs",
    )
    return tag("div", body, class_="scroll pinned", role="region", tabindex="0", aria_label=caption)


def _folded(told: str, content: Html) -> Html:
    return tag("details", tag("summary", told), content)


# ---------------------------------------------------------------------------------------------------
# Figures


def figures_section(found: Comparison) -> Html:
    """A row a run; configurations with several seeds have one of their own, with mean and interval."""
    columns = columns_of(found)
    shown = [*BITS, *(NATS if found.nats_comparable else ()), *OTHERS]
    shown = [one for one in shown if any(one.name in run.figures for run in found.runs)]
    if not shown:
        return tag("p", "No run has a figure yet.", class_="empty")
    best = {one.name: _best(found, one) for one in shown}
    rows: list[Html] = []
    for group in found.groups:
        members = [column for column in columns if column.group is group]
        if len(members) > 1:
            rows.append(_group_row(group, members, shown, best, fair=found.bits_comparable))
        rows += [_run_row(column, shown, best, len(members) > 1, found.bits_comparable) for column in members]
    head = [tag("th", "run", scope="col"), *(tag("th", one.heading, scope="col", class_="number") for one in shown)]  # fmt: skip
    whole = tag("table", tag("caption", "Figures", class_="unseen"), tag("thead", tag("tr", *head)), tag("tbody", joined(rows, "\n")), class_="figures")  # fmt: skip
    parts = [tag("div", whole, class_="scroll pinned", role="region", tabindex="0", aria_label="Figures")]
    told = ["Less is better for bits and nats."]
    if any(len(group.runs) > 1 for group in found.groups):
        told.append(
            "Of several seeds: the mean, and the range that holds it with 95 % confidence (Student's t)."
        )
    parts.append(tag("p", " ".join(told), class_="note"))
    gaps = [(column, sentence) for column in columns for sentence in column.run.missing]
    if gaps:
        lines = [tag("li", chip(c.number, c.colour), " ", name(c.run.name), f": {visible(sentence)}") for c, sentence in gaps]  # fmt: skip
        parts.append(_folded(f"{count(len(gaps), 'thing is', 'things are')} missing", tag("ul", *lines)))
    return joined(parts)


def _best(found: Comparison, one: Figure) -> Group | None:
    """The configuration with the best mean; None where no order is fair."""
    bits = one.name.startswith("bits")
    if one.less_is_better is None or (bits and not found.bits_comparable):
        return None
    having = [group for group in found.groups if one.name in group.figures]
    if len(having) < 2:
        return None
    means = [group.figures[one.name].mean for group in having]
    return having[means.index(min(means) if one.less_is_better else max(means))]


def _group_row(
    group: Group, members: Sequence[Column], shown: Sequence[Figure], best: dict[str, Group | None], *, fair: bool
) -> Html:  # fmt: skip
    numbers = f"{members[0].number}-{members[-1].number}"
    head = tag(
        "th",
        chip(numbers, members[0].colour),
        " ",
        name(group.label),
        tag("small", "mean of its seeds"),
        scope="row",
    )
    cells = [_figure_cell(_spread(group.figures.get(one.name), one), one, best[one.name] is group, fair) for one in shown]  # fmt: skip
    return tag("tr", head, *cells, class_="mean")


def _spread(found: Spread | None, one: Figure) -> Html:
    if found is None:
        return Html("")
    told = [text(one.shown(found.mean))]
    if found.low is not None and found.high is not None and one.by_chance:
        told.append(tag("small", f"{one.shown(found.low)} to {one.shown(found.high)}"))
    return joined(told)


def _run_row(
    column: Column, shown: Sequence[Figure], best: dict[str, Group | None], within: bool, fair: bool
) -> Html:
    run = column.run
    state = "" if run.status == "FINISHED" else run.status.lower()
    seed = f"seed {run.seed}" if within and run.seed is not None else ""
    more = ", ".join(word for word in (seed, state) if word)
    head = tag("th", chip(column.number, column.colour), " ", name(run.name), tag("small", more), scope="row")
    cells = [
        _figure_cell(
            text(one.shown(run.figures[one.name])) if one.name in run.figures else Html(""),
            one,
            not within and best[one.name] is column.group,
            fair,
        )
        for one in shown
    ]
    return tag("tr", head, *cells, class_="one-seed" if within else "one-run")


def _figure_cell(told: Html, one: Figure, best: bool, fair: bool) -> Html:
    kind = "number" + (" best" if best else "") + ("" if fair or not one.name.startswith("bits") else " red")
    return tag("td", tag("b", told) if best else told, class_=kind)
