"""The temperature sweep of a model, drawn: how varied its music is against how far from the corpus, with the human point."""

from __future__ import annotations

from html import escape

from musicexp.metrics.heat import Heat, HeatPoint
from musicexp.metrics.panel import METRICS
from musicexp.render.axes import Axis, numeric, usable
from musicexp.render.judged_words import EVEN, auc_words, verdict, with_interval, written
from musicexp.render.plots import NARROW, Line, Point, plot

AUC_AXIS = Axis(0.0, 1.0, ((0.0, "0"), (EVEN, ".5"), (1.0, "1")), title="AUC")


def heat_section(heat: Heat | None) -> str:
    """The sweep with its nearest temperature named; "" where there is none."""
    if heat is None or not heat.points:
        return ""
    drawn = max(point.pieces for point in heat.points)
    return (
        '<section id="temperature" aria-labelledby="temperature-heading"><h2 id="temperature-heading">Temperature</h2>'
        f"<p>{nearest_words(heat)}</p><p class=note>Each point is the same model, drawn from {drawn:,} times at another temperature. "
        "Distance: how far, on average over the metrics below, a piece can be told from a real one (|AUC &minus; .5|); it says "
        "nothing of copying, and the distances of two models do not compare. Diversity: how much it takes to make one piece of the set "
        "another. Real music stands where as many real pieces stand beside the others.</p>"
        f'<div class="heat">{_map(heat)}</div>{_multiples(heat)}</section>'
    )


def nearest_words(heat: Heat) -> str:
    """Which temperature is the nearest, and which cannot be told from it."""
    others = [f"{t:g}" for t in heat.as_near if t != heat.nearest]
    told = f"Nearest to the corpus: temperature {heat.nearest:g}"
    if not others:
        return f"{told}."
    named = ", ".join(others[:-1]) + f" and {others[-1]}" if len(others) > 1 else others[0]
    return f"{told}; {named} {'are' if len(others) > 1 else 'is'} as near, as far as {heat.points[0].pieces:,} pieces each can tell."


def _map(heat: Heat) -> str:
    points = [point for point in heat.points if usable([point.diversity, point.distance])]
    every = [*points, heat.human]
    x = numeric([end for p in every for end in (p.distance, p.low, p.high)], "distance to the corpus")
    y = numeric([p.diversity for p in every], "diversity of the set")
    marks = [
        Point(p.distance, p.diversity, "leading" if p.temperature == heat.nearest else "done", _tip(p), _name(p.temperature))
        for p in points
    ]  # fmt: skip
    human = Point(heat.human.distance, heat.human.diversity, "infeasible", _tip(heat.human))
    lines = [Line([(p.distance, p.diversity) for p in points], "pale")]
    lines += [Line([(p.low, p.diversity), (p.high, p.diversity)], "sure") for p in every]
    told = f"Diversity against distance to the corpus: {'; '.join(mark.tip for mark in [*marks, human])}. {nearest_words(heat)}"
    first = [mark for mark in marks if mark.kind == "leading"]  # its label finds room before the others
    others = [mark for mark in marks if mark.kind != "leading"]
    key = [("infeasible", "real music"), ("leading", "nearest temperature"), ("done", "other temperatures")]
    return plot(x, y, [*first, *others, human], lines, told, key=key)


def _tip(point: HeatPoint) -> str:
    whose = "real music" if point.temperature is None else f"temperature {point.temperature:g}"
    return f"{whose}: distance {with_interval(point.distance, point.low, point.high)}, diversity {written(point.diversity)}"


def _name(temperature: float | None) -> str:
    return "" if temperature is None else f"{temperature:g}"


def _multiples(heat: Heat) -> str:
    """A small plot for each metric: its AUC at each temperature."""
    names = [name for name in METRICS if any(name in point.aucs for point in heat.points)]
    if not names:
        return ""
    plots = "".join(
        f"<figure><figcaption>{escape(METRICS[name].title)}</figcaption>{_multiple(heat, name)}</figure>"
        for name in names
    )
    return f'<h3>AUC at each temperature</h3><p class="note">The dashed line is .5: there a metric cannot tell the set from real music.</p><div class="multiples">{plots}</div>'


def _multiple(heat: Heat, name: str) -> str:
    found = [
        (p.temperature, p.aucs[name]) for p in heat.points if p.temperature is not None and name in p.aucs
    ]
    found = [(t, auc) for t, auc in found if usable([auc.value])]
    x = numeric([t for t, _ in found], "temperature", about=4)
    points = [
        Point(t, auc.value, "leading" if t == heat.nearest else "done", f"temperature {t:g}: AUC {auc_words(auc)}, {verdict(auc)}")
        for t, auc in found
    ]  # fmt: skip
    lines = [
        Line([(x.low, EVEN), (x.high, EVEN)], "even"),
        Line([(t, auc.value) for t, auc in found], "pale"),
    ]
    lines += [Line([(t, auc.low), (t, auc.high)], "sure") for t, auc in found]
    told = f"{METRICS[name].title}: {'; '.join(point.tip for point in points)}"
    return plot(x, AUC_AXIS, points, lines, told, size=NARROW)
