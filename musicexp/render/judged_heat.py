"""The temperature sweep of a model, drawn: how varied its music is against how far from the corpus, with the human point."""

from __future__ import annotations

from html import escape

from musicexp.metrics.heat import Heat
from musicexp.metrics.panel import METRICS
from musicexp.render.axes import Axis, numeric, usable
from musicexp.render.judged_words import EVEN, auc_words, verdict, written
from musicexp.render.plots import NARROW, Line, Point, plot

AUC_AXIS = Axis(0.0, 1.0, ((0.0, "0"), (EVEN, ".5"), (1.0, "1")), title="AUC")


def heat_section(heat: Heat | None) -> str:
    """The sweep with its nearest temperature named; "" where there is none."""
    if heat is None or not heat.points:
        return ""
    return (
        '<section id="temperature" aria-labelledby="temperature-heading"><h2 id="temperature-heading">Temperature</h2>'
        f"<p>Nearest to the corpus: <b>temperature {heat.nearest:g}</b>. Each point is the same model, drawn from at another "
        "temperature; the point of real music is as varied and as far from the rest of the corpus as unseen pieces are.</p>"
        f'<div class="heat">{_map(heat)}</div>{_multiples(heat)}</section>'
    )


def _map(heat: Heat) -> str:
    points = [point for point in heat.points if usable([point.diversity, point.distance])]
    x = numeric([p.distance for p in points] + [heat.human.distance], "distance to the corpus")
    y = numeric([p.diversity for p in points] + [heat.human.diversity], "diversity of the set")
    marks = [
        Point(p.distance, p.diversity, "leading" if p.temperature == heat.nearest else "done",
              f"temperature {_name(p.temperature)}: diversity {written(p.diversity)}, distance {written(p.distance)}", _name(p.temperature))
        for p in points
    ]  # fmt: skip
    human = Point(heat.human.distance, heat.human.diversity, "infeasible", f"real music: diversity {written(heat.human.diversity)}, distance {written(heat.human.distance)}", "real music")  # fmt: skip
    told = f"Diversity against distance to the corpus: {'; '.join(mark.tip for mark in [*marks, human])}. Nearest to the corpus: temperature {heat.nearest:g}."
    return plot(x, y, [human, *marks], [Line([(p.distance, p.diversity) for p in points], "pale")], told)


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
