"""Rows with a value and its interval, as SVG: bars from zero, or points with whiskers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from musicexp.render.axes import Axis
from musicexp.render.plots import LETTER, clipped

WIDTH, LEFT, RIGHT, TALL = 520.0, 170.0, 14.0, 26.0


@dataclass(frozen=True)
class Row:
    """A value with its interval.

    Attributes:
        dots: single values behind it, such as one a seed.
        first: whether it is drawn as the one that matters most.
    """

    label: str
    value: float
    low: float
    high: float
    tip: str
    dots: tuple[float, ...] = ()
    first: bool = False


def interval_rows(rows: Sequence[Row], axis: Axis, described: str, *, bars: bool) -> str:
    """A row each, in the order given, above one axis.

    Args:
        bars: whether a bar is drawn from the axis's low end to the value; else a point.
    """
    floor = 6 + TALL * len(rows)
    height = floor + 36
    room = WIDTH - LEFT - RIGHT
    parts = [f'<svg class="chart plot broad" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(described)}">']  # fmt: skip
    for value, words in axis.ticks:
        x = LEFT + axis.share(value) * room
        parts.append(f'<path class="grid" d="M{x:.1f} 2V{floor:g}"/>')
        parts.append(f'<text class="label" x="{x:.1f}" y="{floor + 15:g}" text-anchor="middle">{clipped(words, 9)}</text>')  # fmt: skip
    for number, row in enumerate(rows):
        parts.append(_row(row, axis, 6 + TALL * (number + 0.5), room, bars))
    parts.append(f'<text class="label" x="{LEFT + room / 2:g}" y="{height - 3:g}" text-anchor="middle">{escape(axis.title)}</text>')  # fmt: skip
    return "".join(parts) + "</svg>"


def _row(row: Row, axis: Axis, y: float, room: float, bars: bool) -> str:
    low, at, high = (LEFT + axis.share(v) * room for v in (row.low, row.value, row.high))
    kind = "leading" if row.first else "done"
    if bars:
        drawn = (
            f'<rect class="bar" x="{LEFT:g}" y="{y - 7:.1f}" width="{max(at - LEFT, 0):.1f}" height="14"/>'
        )
    else:
        dots = (LEFT + axis.share(dot) * room for dot in row.dots)
        drawn = "".join(f'<circle class="seeds" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x in dots)
    whisker = f'<path class="whisker" d="M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8"/>'  # fmt: skip
    point = "" if bars else f'<circle class="{kind}" cx="{at:.1f}" cy="{y:.1f}" r="5"/>'
    letters = int((LEFT - 12) / LETTER)
    return (
        f'<g class="column"><title>{escape(row.tip)}</title>'
        f'<rect class="reach" x="0" y="{y - TALL / 2:.1f}" width="{WIDTH:g}" height="{TALL:g}"/>'
        f'<text class="label strong" x="{LEFT - 8:g}" y="{y + 3.7:.1f}" text-anchor="end">{clipped(row.label, letters)}</text>'
        f"{drawn}{whisker}{point}</g>"
    )
