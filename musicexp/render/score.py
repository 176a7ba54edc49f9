"""Scores: pieces engraved as SVG by Verovio, on white sheets below each other.

A sheet is black on white on every background; a page that holds one may restyle it: the ink is `currentColor`, the
paper `rect.sheet`, and each note a `g.note` whose `data-note` is the index of the piece's note, on every note head that
is tied to it too. Nothing comes from elsewhere: the glyphs are drawn in the file, its few words in the reader's serif.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from musicexp.errors import SettingError
from musicexp.music import Piece
from musicexp.music.notation import Notation, notation
from musicexp.music.notation_xml import musicxml
from musicexp.render.engraving import Drawing, drawing

if TYPE_CHECKING:
    import verovio

WIDTH = 1800
"""Of a sheet, in its own units; a staff is 72 high, as it is on paper of A4."""
MOST_HEIGHT = 2400
MARGIN = 60
HEAD, FOOT = 130, 90
SHOWN_WIDTH = 1000
"""Of a file of scores, in pixels of a browser."""
GAP = 30
LONGEST_TITLE = 90
OPTIONS = {
    "pageWidth": WIDTH,
    "pageHeight": MOST_HEIGHT,
    "pageMarginLeft": MARGIN,
    "pageMarginRight": MARGIN,
    "pageMarginTop": 0,
    "pageMarginBottom": 0,
    "adjustPageHeight": True,
    "header": "none",
    "footer": "none",
    "svgViewBox": True,
    "svgRemoveXlink": True,
    "svgFormatRaw": True,
    "smuflTextFont": "none",
    "minLastJustification": 0.6,
}
HINT = (
    "scores are engraved by Verovio, which is not installed; install it with: pip install 'musicexp[score]'"
)


@dataclass(frozen=True)
class _Sheet:
    """A page of a piece before it is given a place: what is drawn, and the words around it."""

    drawing: Drawing
    title: str
    remark: str
    number: int
    count: int

    @property
    def height(self) -> float:
        return HEAD + self.drawing.height + FOOT


def score_pages(piece: Piece, title: str, *, prefix: str = "") -> list[str]:
    """The pages of a piece's score, an SVG each, as text that may stand in HTML; at least one.

    Args:
        title: stands above each page, as text.
        prefix: begins the ids, to tell pages apart that have one piece and title in one document.

    Raises:
        SettingError: Verovio is not installed.
    """
    mark = _mark([(title, piece)])
    pages = []
    for sheet in _sheets(_toolkit(), piece, title):
        glyphs = _Glyphs(f"{prefix}g{mark}-{sheet.number}-")
        body = _drawn(sheet, glyphs)
        pages.append(
            _svg(f"score of {title}, page {sheet.number} of {sheet.count}", sheet.height, body, glyphs)
        )
    return pages


def score_svg(pieces: Sequence[tuple[str, Piece]]) -> bytes:
    """One file of SVG with the scores of several pieces, all pages below each other.

    Args:
        pieces: (title, piece) pairs; without any, one page says so.

    Raises:
        SettingError: Verovio is not installed.
    """
    toolkit, glyphs = _toolkit(), _Glyphs(f"g{_mark(pieces)}-")
    found, y = [], 0.0
    sheets = [sheet for title, piece in pieces for sheet in _sheets(toolkit, piece, title)]
    for sheet in sheets or _sheets(toolkit, Piece.of([]), ""):
        found.append(f'<g transform="translate(0 {y:.0f})">{_drawn(sheet, glyphs)}</g>')
        y += sheet.height + GAP
    named = ", ".join(title for title, _ in pieces)
    height = y - GAP
    shown = f'width="{SHOWN_WIDTH}" height="{height * SHOWN_WIDTH / WIDTH:.0f}" '
    return _svg(f"scores of {named}", height, "".join(found), glyphs, shown).encode()


def _mark(pieces: Sequence[tuple[str, Piece]]) -> str:
    """What begins the ids of a drawing, so that several may stand in one document."""
    digest = hashlib.sha256()
    for title, piece in pieces:
        digest.update(f"{title}\n{piece.fingerprint()}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:8]


def _toolkit() -> verovio.toolkit:
    try:
        import verovio
    except ImportError as error:
        raise SettingError(HINT) from error
    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(OPTIONS)
    return toolkit


def _sheets(toolkit: verovio.toolkit, piece: Piece, title: str) -> list[_Sheet]:
    if not len(piece):
        return [_Sheet(Drawing.empty(), title, "no note", 1, 1)]
    written = notation(piece)
    loaded = toolkit.loadData(musicxml(written))
    assert loaded, "Verovio cannot read what we write"
    count = toolkit.getPageCount()
    drawings = [drawing(toolkit.renderToSVG(page)) for page in range(1, count + 1)]
    remarks = [""] * (count - 1) + [_remark(written)]
    return [
        _Sheet(drawn, title, remark, number, count)
        for number, (drawn, remark) in enumerate(zip(drawings, remarks, strict=True), 1)
    ]


def _remark(written: Notation) -> str:
    """What the reader must know of what is not written as it sounds."""
    said = []
    if written.left_out_bars:
        bars = len(written.bars)
        said.append(f"the first {bars:,} of {bars + written.left_out_bars:,} bars")
    if written.left_out_parts:
        parts = len({staff.number for staff in written.staves})
        said.append(f"{parts} of {parts + written.left_out_parts:,} parts")
    if written.rounded:
        said.append(
            f"{written.rounded:,} of {written.notes:,} notes rounded to what can be written; the MIDI file is exact"
        )
    return " · ".join(said)


# ---------------------------------------------------------------------------------------------------
# SVG


class _Glyphs:
    """The glyphs that a document has used, each once, under ids of its own."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ids: dict[str, str] = {}

    def id(self, shape: str) -> str:
        return self._ids.setdefault(shape, f"{self._prefix}{len(self._ids)}")

    def defs(self) -> str:
        shapes = "".join(f'<g id="{escape(name)}">{shape}</g>' for shape, name in self._ids.items())
        return f"<defs>{shapes}</defs>" if shapes else ""


def _drawn(sheet: _Sheet, glyphs: _Glyphs) -> str:
    """A sheet with its title, its page number and its remark."""
    title = sheet.title if len(sheet.title) <= LONGEST_TITLE else sheet.title[: LONGEST_TITLE - 1] + "…"
    page = f"{sheet.number} / {sheet.count}" if sheet.count > 1 else ""
    foot = sheet.height - FOOT / 2 + 10
    return (
        f'<rect class="sheet" width="{WIDTH}" height="{sheet.height:.0f}" fill="#fff" stroke="none"/>'
        + _text(MARGIN, 70, 40, title)
        + _text(MARGIN, foot, 26, sheet.remark, ' font-style="italic"')
        + _text(WIDTH - MARGIN, foot, 26, page, ' text-anchor="end"')
        + f'<g transform="translate(0 {HEAD})scale(.1)">{sheet.drawing.body(glyphs.id)}</g>'
    )


def _text(x: float, y: float, size: int, words: str, more: str = "") -> str:
    if not words:
        return ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{more}>{_escaped(words)}</text>'


def _escaped(words: str) -> str:
    """Text in XML, which has no place for what cannot be printed."""
    return escape("".join(c if c.isprintable() else "�" for c in words))


def _svg(label: str, height: float, body: str, glyphs: _Glyphs, shown: str = "") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="score" {shown}viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{_escaped(label)}" color="#000" fill="currentColor" stroke="none" '
        f'font-family="Georgia, Times, serif">{glyphs.defs()}{body}</svg>'
    )
