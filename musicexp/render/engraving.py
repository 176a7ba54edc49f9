"""What Verovio draws, made small: a tenth of its groups, no ids, each glyph drawn once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

SVG = "{http://www.w3.org/2000/svg}"
PLACE = re.compile(r"translate\((-?[\d.]+), (-?[\d.]+)\)(?: scale\((-?[\d.]+), (-?[\d.]+)\))?")
NOTE = re.compile(r"n(\d+)(?:-\d+)?$")


@dataclass(frozen=True)
class Drawing:
    """One page as it was drawn.

    Attributes:
        height: in units of a sheet.
        pieces: SVG text, and in every odd place the shape of a glyph instead of its id.
    """

    height: float
    pieces: tuple[str, ...]

    @classmethod
    def empty(cls) -> Drawing:
        return cls(0, ("",))

    def body(self, identify: Callable[[str], str]) -> str:
        """The drawing as SVG text, in tenths of a sheet's units.

        Args:
            identify: gives the id of a glyph's shape, which is then to be defined.
        """
        return "".join(escape(identify(piece)) if i % 2 else piece for i, piece in enumerate(self.pieces))


def drawing(svg: str) -> Drawing:
    """What is drawn on a page that Verovio rendered."""
    root = ElementTree.fromstring(svg)
    height = float(root.attrib["viewBox"].split()[3])
    shapes = {
        f"#{symbol.attrib['id']}": symbol[0].attrib["d"] for symbol in root.iterfind(f"{SVG}defs/{SVG}g")
    }
    scale = root.find(f"{SVG}svg")
    assert scale is not None, "Verovio's page has no definition-scale"
    text = "".join(_written(scale, shapes))
    return Drawing(height, tuple(text.split("\0")))


def _written(parent: Element, shapes: dict[str, str]) -> Iterator[str]:
    """The children of an element, groups of no use left out, lines of one width joined."""
    lines, width = "", ""
    for element in parent:
        tag = element.tag.removeprefix(SVG)
        if tag == "path" and set(element.attrib) == {"d", "stroke-width"}:
            if element.attrib["stroke-width"] != width:
                yield _line(lines, width)
                lines, width = "", element.attrib["stroke-width"]
            lines += _short(element.attrib["d"])
            continue
        yield _line(lines, width)
        lines = ""
        yield from _element(tag, element, shapes)
    yield _line(lines, width)


def _element(tag: str, element: Element, shapes: dict[str, str]) -> Iterator[str]:
    if tag == "g":
        yield from _group(element, shapes)
    elif tag == "use":
        yield _use(element, shapes)
    elif tag == "text":
        yield _text(element)
    else:
        drawn = "".join(
            f' {name}="{escape(value)}"' for name, value in element.attrib.items() if name != "id"
        )
        yield f'<{tag}{drawn} stroke="currentColor"/>'


def _group(element: Element, shapes: dict[str, str]) -> Iterator[str]:
    kinds, name = element.get("class", "").split(), element.get("id", "")
    if "placeholder" in kinds:
        return
    opened = ""
    if "note" in kinds and (found := NOTE.match(name)):
        opened = f' class="note" data-note="{found[1]}"'
    elif "transform" in element.attrib:
        opened = f' transform="{escape(element.attrib["transform"])}"'
    elif "mNum" in kinds:
        opened = ' font-style="italic"'
    inner = "".join(_written(element, shapes))
    yield f"<g{opened}>{inner}</g>" if opened and inner else inner


def _use(element: Element, shapes: dict[str, str]) -> str:
    """A glyph in its place; its size is part of its shape."""
    found = PLACE.fullmatch(element.attrib["transform"])
    assert found is not None, f"Verovio places a glyph by {element.attrib['transform']}"
    x, y, wide, high = found.groups(default="1")
    shape = f'<path transform="scale({wide} -{high})" d="{shapes[element.attrib["href"]]}"/>'
    return f'<use href="#\0{shape}\0" x="{x}" y="{y}"/>'


def _line(lines: str, width: str) -> str:
    return f'<path d="{lines}" stroke="currentColor" fill="none" stroke-width="{width}"/>' if lines else ""


def _short(path: str) -> str:
    """A path without spaces that nothing needs: M0 540 L1847 540 is M0 540H1847."""
    found = re.fullmatch(r"M(\S+) (\S+) L(\S+) (\S+)", path)
    if not found:
        return path
    x, y, to_x, to_y = found.groups()
    if y == to_y:
        return f"M{x} {y}H{to_x}"
    return f"M{x} {y}V{to_y}" if x == to_x else f"M{x} {y}L{to_x} {to_y}"


def _text(element: Element) -> str:
    """Words, of the size that the innermost of their spans says."""
    words = "".join(element.itertext())
    if not words.strip():
        return ""
    size = [span.get("font-size", "") for span in element.iter() if span.get("font-size")][-1]
    place = "".join(
        f' {name}="{escape(element.attrib[name])}"'
        for name in ("x", "y", "text-anchor")
        if name in element.attrib
    )
    return f'<text{place} font-size="{escape(size.removesuffix("px"))}">{escape(words)}</text>'
