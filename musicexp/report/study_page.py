"""The page of a study: one HTML file that needs no network; its script only sorts the table of trials."""

from __future__ import annotations

import html
from collections.abc import Sequence

from musicexp.render.figure_style import PLOT_STYLE, standalone
from musicexp.render.player import SCRIPTS, source_hash, web_text
from musicexp.report import study_sections
from musicexp.report.console import duration
from musicexp.report.html import Html, joined, tag, text, visible
from musicexp.report.page_style import STYLE
from musicexp.report.study import Study
from musicexp.report.study_charts import curves, history, slices
from musicexp.report.study_facts import counts, figure, interval, leading, on_front, saved, value
from musicexp.report.study_marks import Chart
from musicexp.report.study_relations import fronts, importance_chart, parallel_chart
from musicexp.wording import count

MARK = '<meta name="generator" content="musicexp sweep">'
"""By this a file is known for such a page."""

OWN_STYLE = """
iframe.player{display:block;width:100%;height:min(44rem,90vh);border:1px solid var(--line);border-radius:10px;margin-top:.8rem}
.grid.halves{grid-template-columns:repeat(auto-fill,minmax(min(28rem,100%),1fr));gap:2rem 2.5rem}
.half{max-width:34rem;margin-top:1.2rem}
.grid.slices+h3,.note+h3{margin-top:1.8rem}.grid.slices{grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr))}
.wide-chart figure{min-width:52rem}.wide-chart figcaption{max-width:calc(100vw - 2.5rem)}
.command code{display:block;padding:.75rem 1rem;font-size:.95rem;border-left:3px solid var(--two);border-radius:0 8px 8px 0;user-select:all}
td code{white-space:normal}td .run{white-space:nowrap;display:inline-block;max-width:10ch;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom;user-select:all}#trials td{white-space:nowrap}.reason{display:block;white-space:normal;min-width:15rem}.verdict{display:block;min-width:9.5rem}.swept{display:block;min-width:13rem}
.tiles dd{font-size:1.35rem;white-space:nowrap}.tiles dd small{white-space:normal}.tiles{grid-template-columns:repeat(auto-fit,minmax(10rem,1fr))}
th button{all:unset;cursor:pointer;border-bottom:1px dotted var(--soft)}
th button:focus-visible{outline:2px solid var(--one);outline-offset:2px}
th[scope=row]{white-space:nowrap}th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
@media (max-width:34rem){.plot.broad .label{font-size:14px}}
@media (max-height:14rem){header{padding-top:.4rem}h1{font-size:1.05rem}.lead,header .tiles small{display:none}
.tiles{margin-top:.3rem;gap:.3rem;grid-template-columns:repeat(3,minmax(0,1fr))}.tiles div{padding:.2rem .5rem}.tiles dt{font-size:.72rem}.tiles dd{font-size:.95rem;line-height:1.3}
nav ul{margin-top:.4rem;padding:.3rem 0}section{padding-top:1.2rem}}
@media print{#listen{display:none}body{background:none}#trials,#asked{break-inside:auto}tr,figure{break-inside:avoid}.scroll{overflow:visible}.wide-chart figure{min-width:0}table{font-size:.7rem}}
"""

SORTING = """
document.querySelectorAll('#trials thead th').forEach((head, column) => {
  const button = document.createElement('button');
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.onclick = () => {
    const down = head.getAttribute('aria-sort') === 'ascending', sign = down ? -1 : 1;
    const body = head.closest('table').tBodies[0];
    const told = row => row.cells[column].textContent.trim();
    const amount = words => Number(words.replaceAll(',', '').replace('\\u2212', '-'));
    const order = (one, two) => {
      const a = told(one), b = told(two);
      if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
      const difference = amount(a) - amount(b);
      return sign * (Number.isNaN(difference) ? a.localeCompare(b) : difference);
    };
    [...body.rows].sort(order).forEach(row => body.append(row));
    head.parentNode.querySelectorAll('th').forEach(other => other.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  };
});
"""


def study_page(study: Study, player: bytes | None = None, remarks: Sequence[str] = ()) -> str:
    """The whole page.

    Args:
        player: a page that plays what the best few trials made (`musicexp.render.player`), shown within this one.
        remarks: what could not be found for it.
    """
    written = [(anchor, heading, write(study)) for anchor, heading, write in study_sections.SECTIONS]
    written.insert(1, ("listen", "Listen to the best", _listening(player, remarks)))
    sections = [(anchor, heading, content) for anchor, heading, content in written if content]
    links = joined(tag("li", tag("a", heading, href=f"#{anchor}")) for anchor, heading, _ in sections)
    body = joined(
        tag("section", tag("h2", heading, id=f"{anchor}-heading"), content, id=anchor, aria_labelledby=f"{anchor}-heading")
        for anchor, heading, content in sections
    )  # fmt: skip
    # The player within the page inherits this policy, and keeps its own beside it.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {source_hash(SORTING)} {source_hash(web_text(SCRIPTS))}; img-src data: blob:; media-src data: blob:"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"{MARK}\n<title>{text(study.name)} · study of musicexp</title>\n<style>{STYLE}{PLOT_STYLE}{OWN_STYLE}</style></head>\n"
        f"<body><div class=wide>\n{_header(study)}\n{tag('nav', tag('ul', links), aria_label='Sections')}\n"
        f"<main>{body}</main>\n{_footer(study)}</div>\n<script>{SORTING}</script></body></html>\n"
    )


def _listening(player: bytes | None, remarks: Sequence[str]) -> Html:
    """The player in a frame of its own, so that neither's style nor script meets the other's."""
    if player is None and not remarks:
        return Html("")
    notes = joined(tag("p", visible(remark), class_="note") for remark in remarks)
    if player is None:
        return notes
    frame = Html(
        f'<iframe class="player" title="player" sandbox="allow-scripts" srcdoc="{html.escape(player.decode())}"></iframe>'
    )
    intro = "The first samples of each, chosen by nobody: loss does not hear what ears do."
    return joined([tag("p", intro, class_="note"), frame, notes])


def study_figures(study: Study) -> dict[str, bytes]:
    """The page's charts as SVG files by their names; only those that there are."""
    found: dict[str, list[Chart]] = {
        "history.svg": history(study),
        "curves.svg": curves(study),
        "slices.svg": slices(study),
        "parallel.svg": parallel_chart(study),
        "importance.svg": importance_chart(study),
        "pareto.svg": [front.chart for front in fronts(study)],
    }
    columns = {"slices.svg": min(3, max(1, len(study.dimensions)))}
    return {
        name: standalone(f"{visible(study.name)}: {TITLES[name]}", [(c.title, c.svg) for c in charts], columns.get(name, 1))
        for name, charts in found.items()
        if charts
    }  # fmt: skip


TITLES = {
    "history.svg": "history",
    "curves.svg": "learning curves",
    "slices.svg": "each setting",
    "parallel.svg": "all settings at once",
    "importance.svg": "importance",
    "pareto.svg": "what it costs",
}


def _header(study: Study) -> Html:
    aims = ", ".join(f"{o.direction} {visible(o.metric)}" for o in study.objectives)
    swept = ", ".join(visible(d.name) for d in study.dimensions) or "no setting"
    lead = f"A study on {visible(study.dataset)}: {aims} over {swept}; {visible(study.sampler)} sampler, {visible(study.pruner)} pruner."
    tiles = tag("dl", *(tag("div", tag("dt", what), tag("dd", value, tag("small", more))) for what, value, more in _tiles(study)), class_="tiles")  # fmt: skip
    return tag("header", tag("h1", study.name), tag("p", lead, class_="lead"), tiles)


def _tiles(study: Study) -> list[tuple[str, str, str]]:
    states, spared = counts(study), saved(study)
    going = ", ".join(f"{states[state]} {state}" for state in ("running", "interrupted") if states[state])
    infeasible = sum(not t.feasible for t in study.trials)
    whole = study.trained_seconds + spared
    return [
        ("Finished", f"{states['complete']:,}", f"of {study.target:,} trials{'; ' + going if going else ''}"),
        ("Pruned", f"{states['pruned']:,}", f"by {visible(study.pruner)}"),
        ("Failed", f"{states['failed']:,}", count(infeasible, "trial infeasible", "trials infeasible") if infeasible else "none infeasible"),
        _leading_tile(study),
        ("Time", duration(study.seconds), f"{duration(study.trained_seconds)} trained, {count(study.workers, 'worker')}"),
        ("Saved by pruning", duration(spared), f"about {spared / whole:.0%} of all, estimated".replace("%", " %") if spared else "nothing"),
    ]  # fmt: skip


def _leading_tile(study: Study) -> tuple[str, str, str]:
    metric = visible(study.objectives[0].metric)
    if study.confirmed:
        best = study.confirmed[0]
        return "Best", figure(best.mean), f"{metric}, {visible(best.label)}; {interval(best.low, best.high)}"
    trial = leading(study)
    if len(study.objectives) > 1:
        return "On the front", f"{len(on_front(study)):,}", "trials that none beats in all objectives"
    if trial is None or value(trial) is None:
        return "Leading", "none", "no trial has finished"
    return "Leading", figure(value(trial)), f"{metric}, trial {trial.number}; not confirmed"


def _footer(study: Study) -> Html:
    version = f" {visible(study.version)}" if study.version else ""
    return tag("footer", tag("p", f"Made by musicexp{version} from the study {visible(study.name)}, as it stood."))  # fmt: skip
