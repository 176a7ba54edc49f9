"""The page of a comparison: one HTML file that shows, plays and tells runs side by side, and needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import musicexp
from musicexp.render.figure_style import DARK, LIGHT, colours
from musicexp.render.player import script_json, source_hash, web_text
from musicexp.render.sound import Sound
from musicexp.report.comparison import Comparison
from musicexp.report.comparison_curves import curve_data, unit_of
from musicexp.report.comparison_judged import MUSIC_STYLE, music_section
from musicexp.report.comparison_music import MOST_SCORES, Heard, heard
from musicexp.report.comparison_sections import figures_section, settings_section
from musicexp.report.comparison_stands import curves_section, notes_section, samples_section, web_file
from musicexp.report.comparison_tells import TELLS_STYLE, tells_section
from musicexp.report.html import Html, joined, tag, text, visible
from musicexp.report.page_style import STYLE
from musicexp.wording import count

MARK = '<meta name="generator" content="musicexp compare">'
"""By this a file is known for such a page."""
SCRIPTS = ("curves.js", "legend.js", "grid.js", "notes.js", "comparison.js")
SOUND_SCRIPTS = ("stage.js", "roll.js")


def comparison_page(comparison: Comparison, sound: Sound, most_scores: int = MOST_SCORES) -> bytes:
    """The whole page, as a file that stands alone.

    Args:
        sound: the one instrument that plays the samples of all runs.
        most_scores: how many samples have a score beside their roll.
    """
    return Page(comparison, sound, most_scores).written()


@dataclass(frozen=True)
class Page:
    """A comparison's page whose heavy parts are made once, so that a server can write it again with fresh notes."""

    comparison: Comparison
    sound: Sound
    most_scores: int = MOST_SCORES

    def written(self, token: str | None = None, notes: Mapping[str, str] | None = None) -> bytes:
        """The page.

        Args:
            token: of the server behind it; None for a page that stands alone.
            notes: by run id, as they are stored now; needed with a token.
        """
        found = self.comparison
        served = "" if token is None else _data("served", {"token": token, "notes": dict(notes or {})})
        known = None if token is None else dict(notes or {})
        body = joined(
            _section(*one) for one in [*self._parts, ("notes", "Notes", notes_section(found, known))]
        )
        page = (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy(served=token is not None)}">\n'
            f"{MARK}\n<title>{text(found.title)} · a comparison of musicexp</title>\n<style>{_style()}</style></head>\n"
            f'<body><div class="wide">\n{_header(found)}\n{self._links}\n<main>{body}</main>\n{_footer(found)}</div>\n'
            f'<p id="said" role="status" class="unseen"></p>\n{self._carried}{served}\n<script>{_script()}</script></body></html>\n'
        )  # fmt: skip
        return page.encode("utf-8", "backslashreplace")

    @cached_property
    def _heard(self) -> Heard:
        return heard(self.comparison, self.sound, self.most_scores)

    @cached_property
    def _curves(self) -> dict[str, Any]:
        return curve_data(self.comparison, unit_of(self.comparison))

    @cached_property
    def _parts(self) -> list[tuple[str, str, Html]]:
        found = self.comparison
        unit = unit_of(found)
        return [
            ("settings", "What differs", settings_section(found)),
            ("figures", "What came of it", figures_section(found)),
            ("tells", "What the seeds tell", tells_section(found)),
            ("stands", "How the music stands", music_section(found)),
            ("curves", "How they learned", curves_section(found, unit, self._curves["thinned"])),
            ("samples", "What they play", samples_section(found, self._heard)),
        ]

    @property
    def _links(self) -> Html:
        names = [(anchor, heading) for anchor, heading, _ in self._parts] + [("notes", "Notes")]
        links = joined(tag("li", tag("a", heading, href=f"#{anchor}")) for anchor, heading in names)
        return tag("nav", tag("ul", links), aria_label="Sections")

    @cached_property
    def _carried(self) -> str:
        return _data("curve-data", self._curves) + "\n" + _data("music", self._heard.data)


def policy(*, served: bool) -> str:
    """What a browser lets the page do: its own script and style, by their hashes, and nothing from elsewhere."""
    return (
        f"default-src 'none'; script-src {source_hash(_script())}; style-src {source_hash(_style())}; img-src data: blob:; "
        f"media-src data: blob:; connect-src {chr(39)}{'self' if served else 'none'}{chr(39)}; base-uri 'none'; form-action 'none'"
    )


def _data(id_: str, value: object) -> str:
    return f'<script type="application/json" id="{id_}">{script_json(value)}</script>'


def _script() -> str:
    return web_text(SOUND_SCRIPTS) + "\n" + "\n".join(web_file(name) for name in SCRIPTS)


def _style() -> str:
    # On paper a dark page is a light one; canvases take their colours from here while they are drawn for it.
    printed = f":root.printing{{{colours(LIGHT)}}}@media print{{:root{{{colours(LIGHT)}}}}}"
    dark = f"@media screen and (prefers-color-scheme:dark){{:root:not(.printing){{{colours(DARK)}}}}}"
    return f"{STYLE}\n{web_text(['roll.css', 'bands.css'])}\n{web_file('comparison.css')}\n{TELLS_STYLE}\n{MUSIC_STYLE}\n{dark}{printed}"


def _section(anchor: str, heading: str, content: Html) -> Html:
    return tag("section", tag("h2", heading, id=f"{anchor}-heading"), content, id=anchor, aria_labelledby=f"{anchor}-heading")  # fmt: skip


def _header(found: Comparison) -> Html:
    runs, groups = len(found.runs), len(found.groups)
    lead = count(runs, "run") + (f" of {count(groups, 'configuration')}" if groups != runs else "")
    about = f"{lead}, from {visible(found.store)}."
    remarks = joined(tag("li", remark) for remark in found.remarks)
    told = tag("div", tag("ul", remarks), class_="remarks") if found.remarks else ""
    return tag("header", tag("h1", found.title), tag("p", about, class_="lead"), told)


def _footer(found: Comparison) -> Html:
    return tag("footer", tag("p", f"Made by musicexp {musicexp.__version__} with compare; the runs are told as they stood in {visible(found.store)}."))  # fmt: skip
