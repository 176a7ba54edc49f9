"""HTML in small: whatever is no `Html` yet is escaped, so a file's name can hold anything."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Characters that show nothing, turn the line round, or are none: written as their numbers."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def visible(value: object) -> str:
    """Text in one line, safe for a terminal: controls and signs that turn the direction are written as \\x1b, \\u202e."""
    return UNSEEN.sub(
        lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04x}", str(value)
    )


def text(value: object) -> Html:
    """Any value as HTML."""
    return value if isinstance(value, Html) else Html(html.escape(visible(value)))


def name(value: str) -> Html:
    """A file's or piece's name: it may be long, and be written from right to left."""
    return Html(f"<bdi class=name>{text(value)}</bdi>")


def tag(kind: str, *content: object, **attributes: str) -> Html:
    """An element; `class_` is written for the attribute class."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items()
    )
    return Html(f"<{kind}{told}>{''.join(text(part) for part in content)}</{kind}>")


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Several pieces of HTML or text, one behind the other."""
    return Html(between.join(text(part) for part in parts))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table that scrolls by itself where it is too wide; the first cell of a row is its heading.

    Args:
        head: a heading that begins with ">" stands over numbers.
    """
    kinds = ["number" if word.startswith(">") else "word" for word in head]
    heads = joined(
        tag("th", word.removeprefix(">"), scope="col", class_=kind)
        for word, kind in zip(head, kinds, strict=True)
    )
    body = Html("")
    for row in rows:
        cells = [
            tag("td", cell, class_=kind) if k else tag("th", cell, scope="row", class_=kind)
            for k, (cell, kind) in enumerate(zip(row, kinds, strict=True))
        ]
        body = Html(body + tag("tr", *cells) + "\n")
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", body)),
        class_="scroll",
        role="region",
        tabindex="0",
        aria_label=caption,
    )
