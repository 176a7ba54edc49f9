"""Figures of the questions: lines and points as small SVG files that suit a light and a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from musicexp.render.axes import Axis, numeric
from musicexp.render.figure_style import DARK, LIGHT, standalone
from musicexp.render.plots import WIDE, Line, Point, plot

COLOURS = ("one", "two", "three", "four")
DASHES = ("none", "7 3", "2 3")
"""Lines beyond the fourth take the colours once more, dashed: no figure needs more than twelve."""
POINTS_A_LINE = 150


@dataclass(frozen=True)
class Series:
    """A line.

    Attributes:
        label: what the key calls it; several lines of one label are told once.
        points: (x, y), in rising order of x.
        arm: which colour and dash it has.
    """

    label: str
    points: Sequence[tuple[float, float]]
    arm: int


def curves(title: str, series: Sequence[Series], across: str, up: str, *, log: bool = False) -> bytes:
    """One plot of lines as an SVG file."""
    return sheet(title, [("", panel(series, across, up, title, log=log))])


def panel(
    series: Sequence[Series],
    across: str,
    up: str,
    described: str,
    *,
    points: Sequence[Point] = (),
    log: bool = False,
    within: tuple[float, float] | None = None,
) -> str:
    """A plot of lines, and points on top.

    Args:
        log: the axis below is logarithmic.
        within: the ends of the axis upwards; by default what the lines reach.
    """
    every = [point for one in series for point in one.points] + [(p.x, p.y) for p in points]
    x = numeric([at for at, _ in every], across, log=log)
    y = numeric([height for _, height in every], up)
    if within is not None:
        y = _between(y, *within)
    lines = [Line(_thinned(one.points), f"arm{one.arm}", one.label) for one in series]
    key = {one.label: f"line arm{one.arm}" for one in series}
    return plot(x, y, points, lines, described, key=[(kind, label) for label, kind in key.items()], size=WIDE)


def sheet(title: str, panels: Sequence[tuple[str, str]], columns: int = 1) -> bytes:
    """Plots with headings as one SVG file."""
    arms = len(COLOURS) * len(DASHES)
    rules = "".join(
        f".line.arm{k}{{stroke:{{{COLOURS[k % len(COLOURS)]}}};stroke-dasharray:{DASHES[k // len(COLOURS)]}}}"
        for k in range(arms)
    )
    light, dark = (_coloured(rules, palette) for palette in (LIGHT, DARK))
    style = f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>"
    return standalone(title, panels, columns).replace(b"</svg>\n", style.encode() + b"</svg>\n")


def _coloured(rules: str, palette: dict[str, str]) -> str:
    for name in COLOURS:
        rules = rules.replace(f"{{{name}}}", palette[name])
    return rules


def _between(axis: Axis, low: float, high: float) -> Axis:
    fresh = numeric([low, high], axis.title)
    return replace(fresh, low=low, high=high, ticks=tuple(t for t in fresh.ticks if low <= t[0] <= high))


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about `POINTS_A_LINE` of the points, both ends among them."""
    stride = max(1, -(-len(points) // POINTS_A_LINE))
    kept = list(points[::stride])
    return [*kept, points[-1]] if points and kept[-1] != points[-1] else kept
