"""The picture of one metric: the band of real pieces, and each generated set before it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from musicexp.metrics.distances import Stand
from musicexp.render.axes import Axis, numeric, usable
from musicexp.render.judged_words import between, described, written
from musicexp.render.plots import LETTER, clipped

WIDTH, LEFT, RIGHT = 420.0, 62.0, 12.0
TOP, TALL, FOOT = 4.0, 19.0, 20.0
ABOUT = 4
COLOURS = 4
"""Sets beyond these begin again with the first colour; each has its label."""


class Mark(NamedTuple):
    """A generated set in a picture; `colour` is the class that bears its colour as --own."""

    label: str
    colour: str
    stand: Stand


def colour(number: int) -> str:
    """The class that bears the colour of a set."""
    return f"set{number % COLOURS}"


def band_picture(title: str, marks: Sequence[Mark]) -> str:
    """A row for the real pieces, one for each generated set below it, and the values' scale.

    Real pieces are a band through all rows: 5th to 95th percentile pale, the middle half darker, the median a stroke.
    A set is a dot for its mean with its interval, on a bar for its middle half and a line for its 5th to 95th percentile.
    """
    real = marks[0].stand
    axis = numeric(_ends(marks), about=ABOUT)
    floor = TOP + TALL * (len(marks) + 1)
    told = f"{title}. Real music: median {written(real.band[2])}, nine in ten pieces {between(real.band[0], real.band[4])}. "
    told += " ".join(described(mark.label, mark.stand) for mark in marks)
    parts = [
        f'<svg class="chart band" viewBox="0 0 {WIDTH:g} {floor + FOOT:g}" role="img" aria-label="{escape(told)}">'
    ]
    parts += _band(real, axis, floor)
    parts += _scale(axis, floor)
    parts.append(
        f'<text class="label" x="{LEFT - 8:g}" y="{TOP + TALL / 2 + 3.7:g}" text-anchor="end">real</text>'
    )
    parts += [_row(mark, axis, TOP + TALL * (place + 1.5)) for place, mark in enumerate(marks)]
    return "".join(parts) + "</svg>"


def _ends(marks: Sequence[Mark]) -> list[float]:
    """What the scale must hold: not the ends of an interval, which may lie where no value can."""
    values = [*marks[0].stand.band]
    for mark in marks:
        values += [*mark.stand.generated_band, mark.stand.mean.mean]
    return usable(values)


def _at(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _band(real: Stand, axis: Axis, floor: float) -> list[str]:
    if not real.real:
        return []
    low, first, middle, third, high = (_at(axis, value) for value in real.band)
    tall = floor - TOP
    told = f"real music: 5 % of {real.real:,} pieces below {written(real.band[0])}, a quarter below {written(real.band[1])}, half below {written(real.band[2])}, three quarters below {written(real.band[3])}, 95 % below {written(real.band[4])}"
    return [
        f"<g><title>{escape(told)}</title>"
        f'<rect class="real-wide" x="{low:.1f}" y="{TOP:g}" width="{max(high - low, 1.5):.1f}" height="{tall:g}"/>'
        f'<rect class="real-half" x="{first:.1f}" y="{TOP:g}" width="{max(third - first, 1.5):.1f}" height="{tall:g}"/>'
        f'<path class="real-middle" d="M{middle:.1f} {TOP:g}v{tall:g}"/></g>'
    ]


def _scale(axis: Axis, floor: float) -> list[str]:
    parts = [f'<path class="axis" d="M{LEFT:g} {floor:g}H{WIDTH - RIGHT:g}"/>']
    for value, words in axis.ticks:
        x = _at(axis, value)
        parts.append(f'<path class="axis" d="M{x:.1f} {floor:g}v4"/>')
        parts.append(
            f'<text class="label" x="{x:.1f}" y="{floor + 15:g}" text-anchor="middle">{escape(words)}</text>'
        )
    return parts


def _row(mark: Mark, axis: Axis, y: float) -> str:
    label = f'<text class="label mark-label" x="{LEFT - 8:g}" y="{y + 3.7:.1f}" text-anchor="end">{clipped(mark.label, int((LEFT - 10) / LETTER))}</text>'
    stand = mark.stand
    drawn = ""
    if stand.generated:
        low, first, _, third, high = (_at(axis, value) for value in stand.generated_band)
        drawn = f'<path class="reach-line" d="M{low:.1f} {y:.1f}H{high:.1f}"/><rect class="half" x="{first:.1f}" y="{y - 4.5:.1f}" width="{max(third - first, 1):.1f}" height="9"/>'
        ends = usable([stand.mean.low, stand.mean.high])
        if len(ends) == 2:
            a, b = (_at(axis, value) for value in ends)
            drawn += f'<path class="sure" d="M{a:.1f} {y - 4:.1f}v8M{a:.1f} {y:.1f}H{b:.1f}M{b:.1f} {y - 4:.1f}v8"/>'
        drawn += f'<circle class="dot" cx="{_at(axis, stand.mean.mean):.1f}" cy="{y:.1f}" r="4"/>'
    told = escape(described(mark.label, stand))
    reach = f'<rect class="reach" x="0" y="{y - TALL / 2:.1f}" width="{WIDTH:g}" height="{TALL:g}"/>'
    return f'<g class="{mark.colour}"><title>{told}</title>{reach}{label}{drawn}</g>'
