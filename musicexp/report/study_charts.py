"""The charts of a study along its trials: history, learning curves, and the objective against each setting."""

from __future__ import annotations

import math
from collections.abc import Sequence

from musicexp.render.axes import numeric, spans_decades, usable
from musicexp.render.plots import NARROW, Line, Point, plot
from musicexp.report.html import visible
from musicexp.report.study import Dimension, Study, Trial
from musicexp.report.study_facts import (
    cost,
    cut,
    figure,
    finished,
    leading,
    reach,
    setting,
    value,
)
from musicexp.report.study_marks import Chart, axis_of, beyond, key_of, kind_of, order, seen, sentence, tip
from musicexp.wording import count

CURVES = 160
"""So many curves are drawn at most; the best of them are always among them."""
ALWAYS = 20
CURVE_POINTS = 6000
"""Points of all curves together, about; each keeps at least its ends."""
GOLDEN = (math.sqrt(5) - 1) / 2


def history(study: Study) -> list[Chart]:
    """For each objective its value trial by trial, with a line for the best so far."""
    return [
        _history(study, k)
        for k in range(len(study.objectives))
        if any(seen(t, k) is not None for t in study.trials)
    ]


def _history(study: Study, number: int) -> Chart:
    objective, best = study.objectives[number], leading(study)
    known = {t.number: v for t in study.trials if (v := seen(t, number)) is not None}
    spanned = _span(study, known, number)
    x = numeric([0, 1, *(t.number for t in study.trials)] if len(study.trials) < 2 else [t.number for t in study.trials], "trial")  # fmt: skip
    y = numeric(spanned, visible(objective.metric))
    worst = y.low if objective.direction == "maximize" else y.high
    points = [
        Point(t.number, known.get(t.number, worst), kind_of(t, best), tip(study, t, known.get(t.number)))
        for t in sorted(study.trials, key=lambda t: order(study, t, best))
    ]
    bound, so_far = [], None
    for t in study.trials:
        found = value(t, number) if t.feasible else None
        if found is not None and (so_far is None or cost(objective, found) < cost(objective, so_far)):
            so_far = found
            bound.append((float(t.number), found))
    if so_far is not None:
        bound.append((float(study.trials[-1].number), so_far))
    key = [*key_of(study, best), *([("line bound", "best so far")] if so_far is not None else [])]
    told = f"{count(len(study.trials), 'trial')} in order. " + (f"The best value is {figure(so_far)}." if so_far is not None else "None has finished.")  # fmt: skip
    parts = ["those without any value stand at the worst edge"] if len(known) < len(study.trials) else []
    if any(t.state == "pruned" for t in study.trials) and number == 0:
        parts.insert(0, "pruned trials stand at the last value seen")
    parts += beyond(list(known.values()), spanned)
    drawn = plot(x, y, points, [Line(bound, "bound", "best so far", stepped=True)], f"Scatter plot of {visible(objective.metric)} by trial: {told}", key=key)  # fmt: skip
    title = "History" if len(study.objectives) == 1 else f"History of {visible(objective.metric)}"
    return Chart(title, sentence(parts) or "each trial's objective, in order", drawn)


def _span(study: Study, known: dict[int, float], number: int) -> list[float]:
    """The values that the axis of a history covers: trials that ended early may be far worse than the finished ones."""
    objective = study.objectives[number]
    done = reach([v for t in study.trials if (v := value(t, number)) is not None], objective.direction)
    if len(set(done)) < 2:
        return reach(list(known.values()), objective.direction)
    costs = [cost(objective, v) for v in done]
    limit = max(costs) + (max(costs) - min(costs)) / 2
    return [v for v in known.values() if cost(objective, v) <= limit]


def curves(study: Study) -> list[Chart]:
    """The first objective of each trial along what it was trained."""
    objective, best = study.objectives[0], leading(study)
    with_curve = [(t, points) for t in study.trials if (points := _numbers(t))]
    if not with_curve:
        return []
    drawn = _some(study, with_curve)
    longest = max(2, CURVE_POINTS // len(drawn))
    along = [x for _, points in drawn for x, _ in points]
    log = spans_decades(along)
    heights = [y for _, points in drawn for _, y in points]
    worst = [max((y for _, y in points), key=lambda y: cost(objective, y)) for _, points in drawn]
    limit = max(cost(objective, y) for y in reach(worst, objective.direction))
    spanned = [y for y in heights if cost(objective, y) <= limit]
    x = numeric(along, f"{study.budget} trained{', log scale' if log else ''}", log=log)
    y = numeric(spanned, visible(objective.metric))
    lines = []
    for trial, points in sorted(drawn, key=lambda pair: order(study, pair[0], best)):
        kind = "best" if trial is best else "" if trial.state == "complete" else "pale"
        many = " many" if len(drawn) > 12 and trial is not best else ""
        lines.append(Line(_thinned(points, longest), kind + many, tip(study, trial, points[-1][1])))
    ends = [
        Point(*points[-1], kind_of(t, best), tip(study, t, points[-1][1]))
        for t, points in sorted(drawn, key=lambda pair: order(study, pair[0], best))
        if len(points) == 1 or t is best
    ]
    told = f"Line chart of {visible(objective.metric)} along {study.budget} trained: {count(len(drawn), 'curve')}"
    if best is not None and (mine := _numbers(best)):
        told += f"; that of trial {best.number} goes from {figure(mine[0][1])} to {figure(mine[-1][1])}"
    key = [("line best", f"trial {best.number}")] if best is not None and _numbers(best) else []
    key += [("line", "finished")] if any(t.state == "complete" and t is not best for t, _ in drawn) else []
    key += [("line pale", "ended early")] if any(t.state != "complete" for t, _ in drawn) else []
    parts = [f"{len(drawn)} of {len(with_curve):,} curves are drawn, the {ALWAYS} best among them"] if len(drawn) < len(with_curve) else []  # fmt: skip
    parts += ["what is far worse than the rest lies outside the axis"] if len(spanned) < len(heights) else []  # fmt: skip
    return [Chart("Learning curves", sentence(parts) or f"the objective along the {study.budget} trained", plot(x, y, ends, lines, told + ".", key=key))]  # fmt: skip


def slices(study: Study) -> list[Chart]:
    """Each objective of the finished trials against each setting."""
    done = finished(study)
    if not done:
        return []
    return [_slice(study, d, k) for k in range(len(study.objectives)) for d in study.dimensions]


def _slice(study: Study, dimension: Dimension, number: int) -> Chart:
    objective, best, done = study.objectives[number], leading(study), finished(study)
    x, places = axis_of(dimension, done)
    spanned = reach([t.values[number] for t in done], objective.direction)
    y = numeric(spanned, visible(objective.metric))
    points = []
    for t in sorted(done, key=lambda t: order(study, t, best)):
        place = places.get(t.number)
        if place is None:
            continue
        # Within a column trials are spread by the golden ratio, which keeps neighbours apart.
        spread = (t.number * GOLDEN % 1 - 0.5) * 0.5 if dimension.choices else 0.0
        points.append(
            Point(place + spread, t.values[number], kind_of(t, best), tip(study, t, t.values[number]))
        )
    told = f"Scatter plot of {visible(objective.metric)} against {visible(dimension.name)}, {count(len(points), 'finished trial')}"
    if best is not None and dimension.name in best.settings:
        told += f"; trial {best.number} has {cut(setting(best.settings[dimension.name]))}"
    more = beyond([t.values[number] for t in done], spanned)
    return Chart(visible(dimension.name), sentence(more), plot(x, y, points, [], told + ".", size=NARROW))


def _numbers(trial: Trial) -> list[tuple[float, float]]:
    """A curve without what is no number, in order of the budget."""
    return sorted((x, y) for x, y in trial.curve if len(usable([x, y])) == 2)


def _some(study: Study, pairs: list[tuple[Trial, list[tuple[float, float]]]]) -> list[tuple[Trial, list[tuple[float, float]]]]:  # fmt: skip
    """As many curves as can be told apart: the best, and others evenly from the rest."""
    if len(pairs) <= CURVES:
        return pairs
    objective, best = study.objectives[0], leading(study)
    ordered = sorted(
        pairs,
        key=lambda pair: (
            pair[0] is not best,
            pair[0].state != "complete",
            cost(objective, pair[1][-1][1]),
        ),
    )
    rest = sorted(ordered[ALWAYS:], key=lambda pair: pair[0].number)
    room = CURVES - ALWAYS
    return ordered[:ALWAYS] + [rest[k * len(rest) // room] for k in range(room)]


def _thinned(points: Sequence[tuple[float, float]], most: int) -> Sequence[tuple[float, float]]:
    """So many of the points at most, evenly, the first and the last among them."""
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]
