"""Parallel coordinates as SVG: an upright axis a quantity, a line a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from musicexp.render.axes import Axis
from musicexp.render.plots import LETTER, clipped

WIDTH, HEIGHT = 1080.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 30.0, 34.0, 14.0
FAINT_FROM = 150
"""From so many lines on each is drawn half transparent."""


@dataclass(frozen=True)
class Thread:
    """A line from axis to axis.

    Attributes:
        values: one an axis; None where it has none, and the line is broken.
        kind: a class of `line`: shade0 (palest) to shade5, or best.
    """

    values: tuple[float | None, ...]
    kind: str
    tip: str


def parallel(axes: Sequence[Axis], threads: Sequence[Thread], described: str) -> str:
    """Upright axes beside each other and a line for every thread, the last on top.

    Args:
        axes: at least one; a single one is drawn at the left.
        described: what a person who cannot see the drawing is told.
    """
    apart = (WIDTH - LEFT - RIGHT) / max(len(axes) - 1, 1)
    floor = HEIGHT - BOTTOM
    many = " many" if len(threads) >= FAINT_FROM else ""
    parts = [f'<svg class="chart plot" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(described)}">']  # fmt: skip
    for thread in threads:
        steps, pen = [], "M"
        for k, (axis, value) in enumerate(zip(axes, thread.values, strict=True)):
            if value is None:
                pen = "M"
                continue
            steps.append(f"{pen}{LEFT + k * apart:.1f} {floor - axis.share(value) * (floor - TOP):.1f}")
            pen = "L"
        if steps:
            faint = many if thread.kind != "best" else ""
            parts.append(f'<path class="line {thread.kind}{faint}" d="{"".join(steps)}"><title>{escape(thread.tip)}</title></path>')  # fmt: skip
    parts += [part for k, axis in enumerate(axes) for part in _upright(axis, LEFT + k * apart, apart, k)]
    return "".join(parts) + "</svg>"


def _upright(axis: Axis, x: float, apart: float, number: int) -> list[str]:
    """An axis; titles stand in two rows by turns where axes are close together."""
    floor = HEIGHT - BOTTOM
    letters = max(5, int(apart * 1.5 / LETTER))
    row = 12 if number % 2 == 0 or apart > 170 else 25
    anchor = "start" if number == 0 else "end" if x > WIDTH - LEFT else "middle"
    title_x = x - LEFT if number == 0 else min(x, WIDTH - 2) + (RIGHT - 2 if x > WIDTH - LEFT else 0)
    parts = [
        f'<path class="axis" d="M{x:.1f} {TOP:g}V{floor:g}"/>',
        f'<text class="label strong" x="{title_x:.1f}" y="{row}" text-anchor="{anchor}">{clipped(axis.title, letters)}</text>',
    ]
    room, last = max(4, int(apart * 0.6 / LETTER)), 1e9
    for value, words in axis.ticks:
        y = floor - axis.share(value) * (floor - TOP)
        parts.append(f'<path class="axis" d="M{x - 4:.1f} {y:.1f}h4"/>')
        if last - y >= 12:
            last = y
            parts.append(f'<text class="label halo" x="{x - 7:.1f}" y="{y + 3.7:.1f}" text-anchor="end">{clipped(words, min(room, 14) if number else 9)}</text>')  # fmt: skip
    return parts
