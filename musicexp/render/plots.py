"""Points and lines between two axes, as SVG that takes the page's colours (`figure_style` says what classes look like)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from musicexp.render.axes import Axis

WIDE, NARROW = (520.0, 290.0), (340.0, 230.0)
LEFT, RIGHT, BOTTOM = 54.0, 10.0, 36.0
LETTER = 7.0
"""Width of a letter of a label, on a phone too, where labels are larger."""
TOLD = 300
"""So many points can be pointed at; those before them are drawn in one stroke, without a word each."""
KEY_ROW = 17.0


@dataclass(frozen=True)
class Point:
    """A point.

    Attributes:
        kind: done, leading, pruned, failed, open or infeasible: its class and shape.
        tip: what is said of it when it is pointed at.
        label: what is written beside it, if there is room.
    """

    x: float
    y: float
    kind: str
    tip: str
    label: str = ""


@dataclass(frozen=True)
class Line:
    """A line through points.

    Attributes:
        kind: words of the class `line`: pale, best, bound, many.
        stepped: it keeps its height until the next point.
    """

    points: Sequence[tuple[float, float]]
    kind: str = ""
    tip: str = ""
    stepped: bool = False


def plot(
    x: Axis,
    y: Axis,
    points: Sequence[Point],
    lines: Sequence[Line],
    described: str,
    *,
    key: Sequence[tuple[str, str]] = (),
    size: tuple[float, float] = WIDE,
) -> str:
    """A plot; what lies beyond the axes is marked at the edge.

    Args:
        points: the last are drawn on top.
        described: what a person who cannot see the plot is told.
        key: kinds of points (or "line ..." for lines) and what they mean.
    """
    width, height = size
    keys, rows = _key(key, width)
    top = 20.0 + KEY_ROW * rows
    broad = " broad" if width > NARROW[0] else ""
    area = _Area(x, y, LEFT, width - RIGHT, top, height - BOTTOM)
    parts = [f'<svg class="chart plot{broad}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(described)}">']  # fmt: skip
    parts += keys
    parts.append(f'<text class="label" x="0" y="{top - 9:g}">{escape(y.title)}</text>')
    parts += area.scales()
    middle = (area.left + area.right) / 2
    parts.append(f'<text class="label" x="{middle:g}" y="{height - 3:g}" text-anchor="middle">{escape(x.title)}</text>')  # fmt: skip
    parts += [area.line(line) for line in lines]
    parts += area.many(points[:-TOLD])
    small = len(points) > TOLD
    parts += [area.point(point, small) for point in points[-TOLD:]]
    parts += area.labels(points[-TOLD:])
    return "".join(parts) + "</svg>"


@dataclass(frozen=True)
class _Area:
    """The room between the axes, in the units of the drawing."""

    x: Axis
    y: Axis
    left: float
    right: float
    top: float
    floor: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        across, up = self.x.share(x), self.y.share(y)
        return self.left + across * (self.right - self.left), self.floor - up * (self.floor - self.top)

    def scales(self) -> list[str]:
        parts = []
        for value, words in self.y.ticks:
            _, at = self.place(self.x.low, value)
            parts.append(f'<path class="grid" d="M{self.left:g} {at:.1f}H{self.right:g}"/>')
            parts.append(f'<text class="label" x="{self.left - 6:g}" y="{at + 3.7:.1f}" text-anchor="end">{clipped(words, 9)}</text>')  # fmt: skip
        parts.append(f'<path class="axis" d="M{self.left:g} {self.floor:g}H{self.right:g}"/>')
        return [*parts, *self._across()]

    def _across(self) -> list[str]:
        """The ticks of the axis below; a label that would touch the last one is left out."""
        ticks = self.x.ticks
        room = (self.right - self.left) / max(len(ticks), 1)
        short = min(18, max(4, int(room / LETTER)))
        parts, free = [], -1e9
        for value, words in ticks:
            at, _ = self.place(value, self.y.low)
            parts.append(f'<path class="axis" d="M{at:.1f} {self.floor:g}v4"/>')
            half = min(len(words), short) * LETTER / 2
            if at - half < free:
                continue
            free = at + half
            anchor = "end" if at + half > self.right + RIGHT else "middle"
            parts.append(f'<text class="label" x="{at:.1f}" y="{self.floor + 16:g}" text-anchor="{anchor}">{clipped(words, short)}</text>')  # fmt: skip
        return parts

    def line(self, line: Line) -> str:
        steps, pen, last = [], "M", None
        for x, y in line.points:
            if self.x.beyond(x) or self.y.beyond(y):
                pen, last = "M", None
                continue
            across, up = self.place(x, y)
            if line.stepped and last is not None:
                steps.append(f"H{across:.1f}V{up:.1f}")
            else:
                steps.append(f"{pen}{across:.1f} {up:.1f}")
            pen, last = "L", up
        if not steps:
            return ""
        told = f"<title>{escape(line.tip)}</title>" if line.tip else ""
        return f'<path class="line {line.kind}" d="{"".join(steps)}">{told}</path>'

    def point(self, point: Point, small: bool) -> str:
        across, up = self.place(point.x, point.y)
        kind = point.kind
        if self.y.beyond(point.y) and kind != "failed":
            tall = 7 if point.y > self.y.high else -7
            shape = f'<path class="{kind}" d="M{across - 5:.1f} {up + tall:.1f}h10l-5 {-tall}z">'
        else:
            shape = _shape(kind, across, up, small)
        return f"{shape}<title>{escape(point.tip)}</title></{shape[1:].split(' ')[0]}>"

    def many(self, points: Iterable[Point]) -> list[str]:
        """Points in one stroke a kind."""
        strokes: dict[str, list[str]] = {}
        for point in points:
            across, up = self.place(point.x, point.y)
            failed = point.kind == "failed"
            step = f"M{across - 3:.1f} {up - 3:.1f}l6 6m0 -6l-6 6" if failed else f"M{across:.1f} {up:.1f}h0"
            strokes.setdefault("failed" if failed else f"dots {point.kind}", []).append(step)
        return [f'<path class="{kind}" d="{"".join(steps)}"/>' for kind, steps in strokes.items()]

    def labels(self, points: Iterable[Point]) -> list[str]:
        """Labels beside points, as far as they do not cover each other."""
        parts, taken = [], [(0.0, 0.0, 0.0)]
        for point in points:
            across, up = self.place(point.x, point.y)
            wide = len(point.label) * LETTER
            begin = across + 8 if across + 8 + wide < self.right + RIGHT else across - 8 - wide
            clear = all(abs(up - y) > 13 or begin > end or begin + wide < start for start, end, y in taken)
            if point.label and clear:
                taken.append((begin, begin + wide, up))
                anchor, at = ("start", across + 8) if begin > across else ("end", across - 8)
                parts.append(f'<text class="label strong halo" x="{at:.1f}" y="{up - 4:.1f}" text-anchor="{anchor}">{escape(point.label)}</text>')  # fmt: skip
        return parts


def clipped(words: str, most: int) -> str:
    """Words as SVG text of at most so many letters; what was cut is told when pointed at."""
    if len(words) <= most:
        return escape(words)
    return f"{escape(words[: most - 1])}…<title>{escape(words)}</title>"


def _shape(kind: str, x: float, y: float, small: bool = False) -> str:
    if kind == "failed":
        return f'<path class="failed" d="M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7">'
    if kind == "open":
        return f'<path class="open" d="M{x:.1f} {y - 4:.1f}v8">'
    if kind == "infeasible":
        return f'<path class="infeasible" d="M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z">'
    radius = 5.5 if kind == "leading" else 2.8 if small else {"done": 3.8}.get(kind, 3.2)
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">'


def _key(key: Sequence[tuple[str, str]], width: float) -> tuple[list[str], int]:
    """What the kinds mean, in as many rows as they need; the rows are counted."""
    parts, at, row = [], 6.0, 0
    for kind, words in key:
        wide = 26 + len(words) * LETTER
        if at > 6 and at + wide > width:
            at, row = 6.0, row + 1
        y = 7 + KEY_ROW * row
        if kind.startswith("line"):
            parts.append(f'<path class="{kind}" d="M{at - 6:g} {y:g}h13"/>')
        else:
            shape = _shape(kind, at, y)
            parts.append(f"{shape}</{shape[1:].split(' ')[0]}>")
        parts.append(f'<text class="label" x="{at + 10:g}" y="{y + 4:g}">{escape(words)}</text>')
        at += wide
    return parts, row + bool(key)
