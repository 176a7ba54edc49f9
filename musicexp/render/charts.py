"""Bar charts as SVG that stands in a page: it takes the page's colours, so it suits a light and a dark one.

The page's style sheet says what the classes look like: `bar`, `axis`, `label`, `grid`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 340, 168
LEFT, TOP, BOTTOM = 34, 10, 22
GAP = 0.18
"""Share of a bar's room that stays empty."""
ROUND = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
"""Steps that a scale of shares may have."""


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        value: at least 0.
        tip: what is said of it when it is pointed at.
        label: what stands under it; "" for nothing.
        faint: whether it is drawn as the less important kind.
    """

    value: float
    tip: str
    label: str = ""
    faint: bool = False


def bar_chart(bars: Sequence[Bar], described: str) -> str:
    """Upright bars as shares of their sum, a scale in per cent at the left.

    Args:
        described: what a person who cannot see the chart is told.
    """
    whole = sum(bar.value for bar in bars) or 1
    step = _step(max((bar.value for bar in bars), default=0) / whole)
    top = step * max(1, -int(-(max((bar.value for bar in bars), default=0) / whole) // step))
    room = (WIDTH - LEFT) / max(len(bars), 1)
    floor, tall = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(described)}">'
    ]
    for k in range(round(top / step) + 1):
        y = floor - tall * k * step / top
        parts.append(f'<path class="{"grid" if k else "axis"}" d="M{LEFT} {y:.1f}H{WIDTH}"/>')
        parts.append(
            f'<text class="label" x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{_per_cent(k * step)}</text>'
        )
    for number, bar in enumerate(bars):
        x, height = LEFT + (number + GAP / 2) * room, tall * bar.value / whole / top
        faint = " faint" if bar.faint else ""
        # The whole column can be pointed at, however low its bar is.
        parts.append(
            f'<g class="column"><title>{escape(bar.tip)}</title>'
            f'<rect class="reach" x="{LEFT + number * room:.2f}" y="{TOP}" width="{room:.2f}" height="{tall}"/>'
            f'<rect class="bar{faint}" x="{x:.2f}" y="{floor - height:.2f}" width="{room * (1 - GAP):.2f}" height="{height:.2f}"/></g>'
        )
        if bar.label:
            middle = LEFT + (number + 0.5) * room
            parts.append(
                f'<text class="label" x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(bar.label)}</text>'
            )
    return "".join(parts) + "</svg>"


def _step(most: float) -> float:
    """Between two lines of the scale: the smallest round one that needs at most four."""
    return next((step for step in ROUND if most <= 4 * step), ROUND[-1])


def _per_cent(share: float) -> str:
    return f"{share * 100:g}%"
