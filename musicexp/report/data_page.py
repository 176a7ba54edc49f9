"""The data page: a description as one HTML file that needs no network and no script."""

from __future__ import annotations

from musicexp.report import data_sections
from musicexp.report.data_lines import WORD_OF_SIDE, hours, ratio, remarks
from musicexp.report.description import Description
from musicexp.report.html import Html, joined, tag, text
from musicexp.report.page_style import STYLE

MARK = '<meta name="generator" content="musicexp data">'
"""By this a file is known for such a page."""


def data_page(found: Description) -> str:
    """The whole page."""
    sections = [(anchor, heading, write(found)) for anchor, heading, write in data_sections.SECTIONS]
    links = joined(tag("li", tag("a", heading, href=f"#{anchor}")) for anchor, heading, _ in sections)
    body = joined(
        tag("section", tag("h2", heading, id=f"{anchor}-heading"), content, id=anchor, aria_labelledby=f"{anchor}-heading")
        for anchor, heading, content in sections
    )  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"{MARK}\n<title>{text(found.card.title)} · data of musicexp</title>\n<style>{STYLE}</style></head>\n<body><div class=wide>\n"
        f"{_header(found)}\n{tag('nav', tag('ul', links), aria_label='Sections')}\n<main>{body}</main>\n{_footer(found)}</div></body></html>\n"
    )


def _header(found: Description) -> Html:
    music, tokens = found.music, found.tokens
    sides = " · ".join(f"{side.pieces:,} {WORD_OF_SIDE[side.side]}" for side in found.sides)
    tiles = [
        ("Pieces", f"{found.pieces:,}", sides),
        ("Notes", f"{found.notes:,}", f"{found.notes / found.pieces:,.0f} a piece"),
        (
            "Length",
            hours(music.hours).replace(" hours", " h").replace(" minutes", " min").replace(" seconds", " s"),
            "at the pieces' own tempos",
        ),
        ("Tokens", f"{tokens.total:,}", f"{tokens.vocabulary:,} different, tokens={tokens.kind}"),
        ("Comes back", ratio(found.loss.f1), f"F1 of notes, tokens={tokens.kind}"),
    ]
    told = remarks(found)
    return tag(
        "header",
        tag("h1", found.card.title),
        tag("p", _source_words(found), class_="lead"),
        tag("dl", *(tag("div", tag("dt", what), tag("dd", value, tag("small", more))) for what, value, more in tiles), class_="tiles"),
        tag("div", tag("h3", "Before you train on it"), tag("ul", *(tag("li", line) for line in told)), class_="remarks")
        if told
        else "",
    )  # fmt: skip


def _source_words(found: Description) -> Html:
    if found.card.licence:
        return joined(["Data set ", tag("code", found.card.name), ", collection ", tag("code", found.card.where), " of music21's corpus"])  # fmt: skip
    return joined(["Your folder ", tag("code", found.card.where)])


def _footer(found: Description) -> Html:
    command = "python -m musicexp data " + " ".join(found.words)
    return tag(
        "footer",
        tag("p", "Made by ", tag("code", command.strip()), f" with musicexp {found.version}. Fingerprint of the music: ",
            tag("code", found.fingerprint), "."),
        tag("p", "The same figures: ", tag("a", "data.json", href="data.json"), ". All that was rejected: ",
            tag("a", "rejected.csv", href="rejected.csv"), "."),
    )  # fmt: skip
