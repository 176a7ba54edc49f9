"""The page of a judgement: one HTML file that tells, draws and plays how a run's music stands beside real music.

It needs nothing beside it and runs in a frame that allows nothing but scripts, as MLflow's is.
"""

from __future__ import annotations

from html import escape

from musicexp.metrics.judgement import Judged, Judgement
from musicexp.render.figure_style import CHART_STYLE, DARK, LIGHT, PLOT_STYLE, colours
from musicexp.render.judged_copies import Shown, novelty_section, passage_pieces, shown_passages
from musicexp.render.judged_heat import heat_section
from musicexp.render.judged_sections import ASPECTS, aspect_section, faults_section, set_name, short_table
from musicexp.render.player import page_data, script_json, web_text, whole_page
from musicexp.render.sound import Sound
from musicexp.wording import count

PAGE = "music.html"
SCRIPTS = ("stage.js", "roll.js", "judged.js")
STYLES = ("roll.css", "bands.css", "judged.css")
NO_PIECES = "Nothing was judged: there are no pieces."


def judged_page(title: str, judgement: Judgement, sound: Sound | None = None) -> bytes:
    """The whole page.

    Args:
        title: whose music it is, such as the run's name; any text.
        sound: the instrument that plays copied passages; without one they are heard in plain tones.
    """
    shown = shown_passages(judgement)
    data, remarks = _played(shown, sound)
    script = web_text(SCRIPTS) if data["pieces"] else ""
    parts = {
        "title": escape(title),
        "about": _about(judgement),
        "short": short_table(judgement) if judgement.sets else "",
        "remarks": "".join(f"<p class=note>{escape(remark)}</p>" for remark in remarks),
        "sections": _sections(judgement, shown),
        "music": f'<script type="application/json" id="music">{script_json(data)}</script>' if script else "",
        "script": f"<script>{script}</script>" if script else "",
    }
    return whole_page("judged.html", script, _style(), parts)


def _played(shown: list[Shown], sound: Sound | None) -> tuple[dict[str, list[object]], list[str]]:
    if not shown:
        return {"banks": [], "pieces": [], "remarks": []}, []
    pieces, remarks = passage_pieces(shown)
    data = page_data(pieces, sound)
    return data, [*remarks, *data["remarks"]]


def _about(judgement: Judgement) -> str:
    if not judgement.sets:
        return NO_PIECES
    sets = ", ".join(_counted(judged) for judged in judgement.sets)
    return f"{sets}, beside {count(len(judgement.real_names), 'real piece')}."


def _counted(judged: Judged) -> str:
    pieces = count(len(judged.names), "piece")
    return f"{pieces} of {set_name(judged)}" if judged.temperature is None else f"{pieces} at {judged.title}"


def _sections(judgement: Judgement, shown: list[Shown]) -> str:
    if not judgement.sets:
        return ""
    aspects = "".join(aspect_section(judgement, aspect, heading) for aspect, heading in ASPECTS)
    return (
        faults_section(judgement) + novelty_section(judgement, shown) + aspects + heat_section(judgement.heat)
    )


def _style() -> str:
    # On paper a dark page is a light one; canvases take their colours from here while they are drawn for it.
    light = f":root{{color-scheme:light dark;{colours(LIGHT)}}}"
    dark = f"@media screen and (prefers-color-scheme:dark){{:root:not(.printing){{{colours(DARK)}}}}}"
    return f"{light}{dark}\n{CHART_STYLE}{PLOT_STYLE}\n{web_text(STYLES)}"
