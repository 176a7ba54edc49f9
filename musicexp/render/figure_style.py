"""Colours and classes of drawings, for pages and for figures that stand alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

SHADES = 6
"""Steps from the palest (the worst) to the strongest (the best)."""
LIGHT = {
    "paper": "#fbfaf7", "card": "#fff", "ink": "#1c2530", "soft": "#576473", "line": "#dfe2e0", "tint": "#eef2f4",
    "one": "#1b6ca8", "two": "#c2410c", "three": "#3f7d44", "four": "#8a4fa3", "faint": "#9fb8ca", "warn": "#fdf3e3", "edge": "#c77d12",
    "shade0": "#d3dee5", "shade1": "#b3cad9", "shade2": "#86aecb", "shade3": "#5590bb", "shade4": "#266fa6", "shade5": "#0d4675",
}  # fmt: skip
DARK = {
    "paper": "#12161b", "card": "#191f26", "ink": "#e7eaee", "soft": "#a3afbb", "line": "#2d3640", "tint": "#222a33",
    "one": "#6fb5ea", "two": "#f59e6c", "three": "#86c98b", "four": "#cf9be4", "faint": "#44627a", "warn": "#2b2417", "edge": "#d99a3a",
    "shade0": "#2c3742", "shade1": "#34495b", "shade2": "#40637f", "shade3": "#5286ab", "shade4": "#74b0dc", "shade5": "#b9dff8",
}  # fmt: skip

CHART_STYLE = """
svg{display:block;width:100%}
.chart{height:auto;overflow:visible}
.bar{fill:var(--one)}.bar.faint{fill:var(--faint)}.reach{fill:transparent}.column:hover .bar{fill:var(--two)}
.grid-line,path.grid{stroke:var(--line);fill:none}.axis{stroke:var(--soft);fill:none}
.label{fill:var(--soft);font-size:10.5px;font-variant-numeric:tabular-nums}
"""
"""What bar charts, axes and labels look like."""

PLOT_STYLE = """
.plot .label{font-size:11px}.plot .strong{fill:var(--ink)}
.plot path,.plot circle{vector-effect:non-scaling-stroke}
.done{fill:var(--one);stroke:var(--paper);stroke-width:.8}
.leading{fill:var(--two);stroke:var(--paper);stroke-width:1}
.pruned{fill:var(--paper);stroke:var(--faint);stroke-width:1.6}
.infeasible{fill:var(--paper);stroke:var(--four);stroke-width:1.6}
.failed,.open{fill:none;stroke:var(--edge);stroke-width:1.8}.open{stroke:var(--soft)}
.seeds{fill:var(--soft);opacity:.55}
.done:hover,.pruned:hover,.infeasible:hover{stroke:var(--two);stroke-width:2.5}
.dots{fill:none;stroke-linecap:round;stroke-width:5}.dots.done{stroke:var(--one)}.dots.pruned{stroke:var(--faint)}
.line{fill:none;stroke:var(--one);stroke-width:1.3;stroke-linejoin:round}
.line.pale{stroke:var(--faint);stroke-width:1}.line.many{opacity:.5}
.line.best{stroke:var(--two);stroke-width:2.4}
.line.bound{stroke:var(--two);stroke-width:1.8}
.line.shade0{stroke:var(--shade0)}.line.shade1{stroke:var(--shade1)}.line.shade2{stroke:var(--shade2)}
.line.shade3{stroke:var(--shade3)}.line.shade4{stroke:var(--shade4)}.line.shade5{stroke:var(--shade5)}
.line:hover{stroke:var(--two);stroke-width:2.6;opacity:1}
.halo{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
.whisker{fill:none;stroke:var(--ink);stroke-width:1.4}.zero{fill:none;stroke:var(--soft);stroke-dasharray:3 3}
"""
"""What the points and lines of plots look like."""

_FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif'
_EDGE, _HEAD = 16, 30


def colours(palette: dict[str, str]) -> str:
    """A palette as CSS variables."""
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def standalone(title: str, panels: Sequence[tuple[str, str]], columns: int = 1) -> bytes:
    """Drawings of a page as one SVG file with its style in it.

    Colours are written out: programs other than browsers know no CSS variables.

    Args:
        panels: a heading and an <svg> of this package, each.
    """
    sizes = [_size(svg) for _, svg in panels]
    rows = [range(k, min(k + columns, len(panels))) for k in range(0, len(panels), columns)]
    width = max(sum(sizes[k][0] for k in row) + _EDGE * (len(row) + 1) for row in rows)
    parts, top = [], float(_HEAD + _EDGE)
    for row in rows:
        left = float(_EDGE)
        for k in row:
            heading, svg = panels[k]
            w, h = sizes[k]
            parts.append(f'<text class="heading" x="{left:g}" y="{top:g}">{escape(heading)}</text>')
            parts.append(svg.replace("<svg ", f'<svg x="{left:g}" y="{top + 8:g}" width="{w:g}" height="{h:g}" ', 1))  # fmt: skip
            left += w + _EDGE
        top += max(sizes[k][1] for k in row) + _HEAD + 8
    style = CHART_STYLE.replace("svg{display:block;width:100%}", "").replace(";overflow:visible", "")
    style += PLOT_STYLE + f"text{{font-family:{_FONT}}}.ground{{fill:var(--paper)}}"
    style += ".title{fill:var(--ink);font-size:16px;font-weight:600}.heading{fill:var(--ink);font-size:13px;font-weight:600}"
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {top:g}" width="{width:g}" height="{top:g}">'
        f"<title>{escape(title)}</title>"
        f"<style>{_written_out(style, LIGHT)}@media (prefers-color-scheme:dark){{{_written_out(style, DARK)}}}</style>"
        f'<rect class="ground" width="100%" height="100%"/><text class="title" x="{_EDGE}" y="24">{escape(title)}</text>'
    )
    return (whole + "".join(parts) + "</svg>\n").encode()


def _written_out(style: str, palette: dict[str, str]) -> str:
    return re.sub(r"var\(--(\w+)\)", lambda found: palette[found[1]], style)


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found, "a drawing of this package says its size"
    return float(found[1]), float(found[2])
