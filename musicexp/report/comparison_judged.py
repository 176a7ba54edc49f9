"""How the music of several runs stands, each beside the real music that it learned from: tables, bands and short rows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence

from musicexp.metrics.intervals import student_t
from musicexp.metrics.panel import METRICS
from musicexp.render.judged_bands import Mark, band_picture
from musicexp.render.judged_words import (
    ALIKE,
    LESS,
    MORE,
    NO_VALUE,
    TOO_FEW,
    auc_words,
    between,
    standing,
    written,
)
from musicexp.report.compared_music import MusicSet
from musicexp.report.comparison import Comparison, Group
from musicexp.report.comparison_columns import Column, chip, columns_of
from musicexp.report.html import Html, joined, name, tag, visible
from musicexp.wording import count

TELLING = ("copied_8grams", "repeated_4grams", "groove")
"""Novelty gates the rest; structure and rhythm are where such models fail. The page has every metric."""
SHORT = {ALIKE: "alike", LESS: "less", MORE: "more", NO_VALUE: "", TOO_FEW: "few"}
HOW = (
    "Each run stands beside the real music that it learned from: bands, dots and words as in its own music.html. Nothing "
    "is better when it is higher, and there is no total. AUC: of a generated and a real piece drawn at random, how often "
    "the generated one has the higher value; where .5 lies in its interval, the metric cannot tell them apart."
)
APART = "The runs learned from different music, so each metric has a picture for each of these."
NOTHING = "No run has judged its samples: samples.scored is 0, or they were made by an older musicexp."
MUSIC_STYLE = """
.bands{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(24rem,100%),1fr));gap:1.3rem 2.2rem;margin-top:1rem;align-items:start}
.bands figure{min-width:0}.stood td{white-space:nowrap}.stood tbody th{min-width:7.5rem}.stood td small{color:var(--soft)}.stood th small{display:inline}
"""

# ---------------------------------------------------------------------------------------------------
# The page


def music_section(found: Comparison) -> Html:
    """A table of the metrics that tell most, their bands, and those of all others folded away."""
    columns = [column for column in columns_of(found) if column.run.judged]
    if not columns:
        return tag("p", NOTHING, class_="empty")
    parts = [tag("p", HOW, class_="note"), _table(columns)]
    broken = list(_broken(columns))
    if broken:
        parts.append(tag("ul", *broken, class_="small-print"))
    kept = [metric for metric in METRICS if any(metric in one.stands for _, one in _sets(columns))]
    if any(len(_by_content(columns, metric)) > 1 for metric in kept):
        parts.append(tag("p", APART, class_="note"))
    parts.append(_bands(columns, [metric for metric in kept if metric in TELLING]))
    rest = [metric for metric in kept if metric not in TELLING]
    if rest:
        parts.append(
            tag("details", tag("summary", f"{count(len(rest), 'other metric')}"), _bands(columns, rest))
        )
    return joined(parts)


def _sets(columns: Sequence[Column]) -> Iterator[tuple[Column, MusicSet]]:
    """By temperature, then by run: what was drawn alike stands together."""
    keys = dict.fromkeys(one.key for column in columns for one in column.run.judged)
    for key in keys:
        for column in columns:
            for one in column.run.judged:
                if one.key == key:
                    yield column, one


def _table(columns: Sequence[Column]) -> Html:
    told = [metric for metric in TELLING if any(metric in one.stands for _, one in _sets(columns))]
    heads = [
        tag("th", word, scope="col")
        for word in ("run", "with a copy", *(METRICS[metric].title for metric in told))
    ]
    rows = []
    for column, one in _sets(columns):
        head = tag("th", chip(column.number, column.colour), " ", name(column.run.name), tag("small", f" {visible(one.key)}"), scope="row")  # fmt: skip
        cells = [tag("td", _stood(one, metric)) for metric in told]
        rows.append(tag("tr", head, tag("td", f"{one.copied:,} of {one.pieces:,}"), *cells))
    whole = tag("table", tag("caption", "How the music stands", class_="unseen"), tag("thead", tag("tr", *heads)), tag("tbody", joined(rows, "\n")), class_="stood")  # fmt: skip
    return tag(
        "div", whole, class_="scroll pinned", role="region", tabindex="0", aria_label="How the music stands"
    )


def _stood(one: MusicSet, metric: str) -> Html:
    """Such as ".21 less than real music (.38), AUC .18 (.13-.25)"."""
    stand = one.stands.get(metric)
    if stand is None:
        return Html("")
    told = f"real {written(stand.real_mean.mean)}, AUC {auc_words(stand.auc)}"
    return joined([written(stand.mean.mean), " ", standing(stand), tag("small", told)])


def _broken(columns: Sequence[Column]) -> Iterator[Html]:
    for column, one in _sets(columns):
        for words in one.broken:
            yield tag(
                "li",
                chip(column.number, column.colour),
                " ",
                tag("b", f"{visible(one.key)}: "),
                visible(words),
            )


def _bands(columns: Sequence[Column], metrics: Sequence[str]) -> Html:
    figures = []
    for metric in metrics:
        for number, marks in enumerate(_by_content(columns, metric).values()):
            about = tag("small", METRICS[metric].asks) if not number else ""
            caption = tag("figcaption", METRICS[metric].title, about)
            figures.append(tag("figure", caption, Html(band_picture(METRICS[metric].title, marks))))
    return tag("div", *figures, class_="bands")


def _content(column: Column, metric: str) -> tuple[float, ...]:
    """By this the real music of a metric is known: runs with the same stand in one picture."""
    stands = [one.stands[metric] for one in column.run.judged if metric in one.stands]
    return (stands[0].real, *stands[0].band) if stands else ()


def _by_content(columns: Sequence[Column], metric: str) -> dict[tuple[float, ...], list[Mark]]:
    """The sets that stand beside the same real music."""
    found: dict[tuple[float, ...], list[Mark]] = {}
    for column, one in _sets(columns):
        if metric in one.stands:
            mark = Mark(f"{column.number} {one.key}", column.colour, one.stands[metric])
            found.setdefault(_content(column, metric), []).append(mark)
    return found


# ---------------------------------------------------------------------------------------------------
# A terminal


def music_rows(found: Comparison, *, few: bool) -> list[tuple[str, tuple[str, ...]]]:
    """Headings and a cell for each configuration: copies, then each telling metric at each temperature and its real band.

    Args:
        few: for a table with little room: without bands, and of the first temperature alone.
    """
    keys = list(dict.fromkeys(one.key for run in found.runs for one in run.judged))[: 1 if few else None]
    rows = [_row(found, f"pieces with a copy {key}", key, _copied) for key in keys]
    for metric in TELLING[1:] if few else TELLING:
        of_metric = [_row(found, f"{METRICS[metric].title} {key}", key, _standing(metric)) for key in keys]
        rows += of_metric
        if not few and any(any(cells) for _, cells in of_metric):
            rows.append(_real_row(found, metric))
    return [(heading, cells) for heading, cells in rows if any(cells)]


Cell = Callable[[Sequence[MusicSet]], str]


def _row(found: Comparison, heading: str, key: str, cell: Cell) -> tuple[str, tuple[str, ...]]:
    cells = []
    for group in found.groups:
        sets = [one for place in group.runs for one in found.runs[place].judged if one.key == key]
        cells.append(cell(sets) if sets else "")
    return visible(heading), tuple(cells)


def _copied(sets: Sequence[MusicSet]) -> str:
    return f"{sum(one.copied for one in sets):,} of {sum(one.pieces for one in sets):,}"


def _standing(metric: str) -> Cell:
    """Of one run its value and AUC in words; of several seeds their means, and half the interval of the AUC's."""

    def cell(sets: Sequence[MusicSet]) -> str:
        stands = [one.stands[metric] for one in sets if metric in one.stands and one.stands[metric].generated]
        if not stands:
            return ""
        mean = written(statistics.fmean(stand.mean.mean for stand in stands))
        if len(stands) == 1:
            return (
                f"{mean}, AUC {auc_words(stands[0].auc).split(' ')[0]} {SHORT[standing(stands[0])]}".rstrip()
            )
        found = student_t([stand.auc.value for stand in stands])
        return f"{mean}, AUC {written(found.mean)} ± {written(found.high - found.mean)}"

    return cell


def _real_row(found: Comparison, metric: str) -> tuple[str, tuple[str, ...]]:
    return "  real, 9 in 10", tuple(_real(found, group, metric) for group in found.groups)


def _real(found: Comparison, group: Group, metric: str) -> str:
    for place in group.runs:
        for one in found.runs[place].judged:
            if metric in one.stands and one.stands[metric].real:
                band = one.stands[metric].band
                return between(band[0], band[-1])
    return ""
