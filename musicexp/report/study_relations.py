"""The charts of a study across its trials: parallel coordinates, importance, what is paid for what, and the confirmation."""

from __future__ import annotations

from dataclasses import dataclass

from musicexp.render.axes import Axis, numeric, spans_decades
from musicexp.render.figure_style import SHADES
from musicexp.render.intervals import Row, interval_rows
from musicexp.render.parallel import Thread, parallel
from musicexp.render.plots import Line, Point, plot
from musicexp.report.html import visible
from musicexp.report.study import Candidate, Direction, Importance, Study, Trial
from musicexp.report.study_facts import (
    BITS,
    figure,
    finished,
    front,
    interval,
    leading,
    measured,
    ranked,
    reach,
    settings_words,
    verdict,
)
from musicexp.report.study_marks import Chart, axis_of, beyond, key_of, kind_of, sentence, tip
from musicexp.wording import count

ALWAYS, OTHERS = 60, 120
"""Lines across all settings: so many of the best are always drawn, and so many of the others if there are more."""


@dataclass(frozen=True)
class Front:
    """What is paid in one figure for another.

    Attributes:
        names: of the figures across and up.
        points: trials that no other beats in both, with the two figures, in order of the first.
    """

    chart: Chart
    names: tuple[str, str]
    points: tuple[tuple[Trial, float, float], ...]


def parallel_chart(study: Study) -> list[Chart]:
    """A line for every finished trial across all settings and objectives."""
    done, best = finished(study), leading(study)
    if not done or not study.dimensions:
        return []
    found = [axis_of(dimension, done) for dimension in study.dimensions]
    axes = [axis for axis, _ in found]
    for k, objective in enumerate(study.objectives):
        spanned = reach([t.values[k] for t in done], objective.direction)
        axes.append(numeric(spanned, visible(objective.metric)))
    order = ranked(study) + [t for t in done if not t.feasible]
    threads = []
    for place, t in reversed(_some(list(enumerate(order)))):
        shade = SHADES - 1 - place * SHADES // len(order) if t.feasible else 0
        across = [places.get(t.number) for _, places in found]
        threads.append(Thread((*across, *t.values), f"shade{shade}", tip(study, t, t.values[0])))
    if best is not None and best in order:
        across = [places.get(best.number) for _, places in found]
        threads.append(Thread((*across, *best.values), "best", tip(study, best, best.values[0])))
    parts = [f"the stronger the colour, the better the rank{' in the first objective' if len(study.objectives) > 1 else ''}"]  # fmt: skip
    parts += [f"orange: trial {best.number}"] if best is not None and best in order else []
    parts += [f"{ALWAYS + OTHERS} of {len(order):,} lines are drawn, those of the {ALWAYS} best among them"] if len(order) > ALWAYS + OTHERS else []  # fmt: skip
    told = f"Parallel coordinates of {count(len(done), 'finished trial')} over {', '.join(axis.title for axis in axes)}"  # fmt: skip
    if best is not None:
        told += f". Trial {best.number}: {settings_words(best.settings)}"
    return [Chart("Parallel coordinates", sentence(parts), parallel(axes, threads, told + "."))]


def _some(ranks: list[tuple[int, Trial]]) -> list[tuple[int, Trial]]:
    """As many as can be told apart: the best, and others evenly."""
    rest = ranks[ALWAYS:]
    if len(rest) <= OTHERS:
        return ranks
    return ranks[:ALWAYS] + [rest[k * len(rest) // OTHERS] for k in range(OTHERS)]


def importance_chart(study: Study) -> list[Chart]:
    """A bar a setting, the most important first."""
    if not study.importance:
        return []
    order = sorted(study.importance, key=lambda found: -found.share)
    rows = [Row(visible(i.setting), i.share, i.low, i.high, _importance(i)) for i in order]
    most = max(1e-3, *(max(i.share, i.high) for i in order))
    axis = numeric([0, 100 * most], "% of the variation explained, with 95 % intervals")
    per_cent = Axis(0, axis.high / 100, tuple((v / 100, words) for v, words in axis.ticks), title=axis.title)
    told = "Bar chart of importance: " + "; ".join(_importance(i) for i in order)
    more = "how much of the objective's variation a setting explains (PED-ANOVA); intervals by bootstrap over trials"  # fmt: skip
    return [Chart("Importance", more, interval_rows(rows, per_cent, told + ".", bars=True))]


def _importance(found: Importance) -> str:
    return f"{visible(found.setting)} {found.share:.0%} ({found.low:.0%} to {found.high:.0%})".replace(
        "%", " %"
    )


def fronts(study: Study) -> list[Front]:
    """What bits per note cost in seconds, and with several objectives the first two against each other."""
    pairs: list[tuple[tuple[str, Direction], tuple[str, Direction]]] = [
        (("seconds", "minimize"), (BITS, "minimize"))
    ]
    if len(study.objectives) > 1:
        one, two = study.objectives[:2]
        pair = ((two.metric, two.direction), (one.metric, one.direction))
        if {one.metric, two.metric} != {"seconds", BITS}:
            pairs.append(pair)
    return [found for x, y in pairs if (found := _front(study, x, y))]


def _front(study: Study, across: tuple[str, Direction], up: tuple[str, Direction]) -> Front | None:  # fmt: skip
    best = leading(study)
    known = [
        (t, x, y)
        for t in study.trials
        if (x := measured(study, t, across[0])) is not None and (y := measured(study, t, up[0])) is not None
    ]
    able = [(t, x, y) for t, x, y in known if t.feasible]
    if not able:
        return None
    kept = [able[k] for k in front([(x, y) for _, x, y in able], (across[1], up[1]))]
    numbers = {t.number for t, _, _ in kept}
    names = visible(across[0]), visible(up[0])
    widths = [x for _, x, _ in known]
    log = spans_decades(widths, 1.0)
    heights = [y for _, _, y in known]
    spanned = reach(heights, up[1])
    x_axis = numeric(widths, f"{names[0]}{', log scale' if log else ''}", log=log)
    y_axis = numeric(spanned, names[1])
    points = [
        Point(x, y, kind_of(t, best), f"{names[1]} {figure(y)}, {names[0]} {figure(x)}; {tip(study, t, y)}",
              f"trial {t.number}" if t.number in numbers else "")
        for t, x, y in sorted(known, key=lambda item: (item[0] is best, item[0].number in numbers, item[0].number))
    ]  # fmt: skip
    line = Line([(x, y) for _, x, y in kept], "bound", "no trial is better in one without being worse in the other")  # fmt: skip
    told = f"Scatter plot of {names[1]} against {names[0]}, {count(len(known), 'trial')}. Not beaten in both: " + "; ".join(
        f"trial {t.number} with {figure(y)} at {figure(x)}" for t, x, y in kept[:12]
    )  # fmt: skip
    shown = {kind_of(t, best) for t, _, _ in known}
    key = [*(pair for pair in key_of(study, best) if pair[0] in shown), ("line bound", "front")]
    more = [f"{count(len(kept), 'trial stands', 'trials stand')} on the front: none is better in one without being worse in the other"]  # fmt: skip
    more += beyond(heights, spanned)
    drawn = plot(x_axis, y_axis, points, [line], told + ".", key=key)
    return Front(Chart(f"{names[1]} against {names[0]}", sentence(more), drawn), names, tuple(kept))


def confirmation_chart(study: Study) -> list[Chart]:
    """The mean of each confirmed candidate with its interval and its seeds."""
    if not study.confirmed:
        return []
    direction, metric = study.objectives[0].direction, visible(study.objectives[0].metric)
    axis = numeric([v for c in study.confirmed for v in (c.low, c.mean, c.high, *c.by_seed)], metric)
    rows = [Row(visible(c.label), c.mean, c.low, c.high, _candidate(c, direction), c.by_seed, first=not k) for k, c in enumerate(study.confirmed)]  # fmt: skip
    told = f"Means of {metric} with 95 % intervals: " + "; ".join(_candidate(c, direction) for c in study.confirmed)  # fmt: skip
    more = "pale points: single seeds; the same seeds for every candidate"
    return [Chart("Means with 95 % intervals", more, interval_rows(rows, axis, told + ".", bars=False))]


def _candidate(found: Candidate, direction: Direction) -> str:
    said = verdict(found, direction)
    return f"{visible(found.label)} {figure(found.mean)} ({interval(found.low, found.high)}){', ' + said if said else ''}"  # fmt: skip
