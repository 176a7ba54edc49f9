"""The sections of a study's page: each takes a study and gives HTML, or nothing where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Callable

from musicexp.report import study_chance
from musicexp.report.console import duration
from musicexp.report.data_lines import share
from musicexp.report.html import Html, joined, table, tag, visible
from musicexp.report.study import Candidate, Dimension, Study, Trial
from musicexp.report.study_charts import curves, history, slices
from musicexp.report.study_facts import (
    NOT_CONFIRMED,
    WORD_OF_STATE,
    command,
    counts,
    cut,
    figure,
    finished,
    interval,
    leading,
    on_front,
    ranked,
    saved,
    setting,
    settings_words,
    value,
    verdict,
)
from musicexp.report.study_marks import Chart
from musicexp.report.study_relations import (
    Front,
    confirmation_chart,
    fronts,
    importance_chart,
    parallel_chart,
)
from musicexp.wording import count

ENOUGH_TRIALS = 30
"""Below this many finished trials an importance says little."""
FRONT_SHOWN = 12
SETTINGS_IN_A_ROW = 4
LONGEST_REASON = 160


def result(study: Study) -> Html:
    """The configuration to take, and how far it can be trusted."""
    if study.best is None:
        return tag("p", "No trial has finished yet." if study.trials else "No trial has begun yet.")
    words = tag("p", tag("code", command(study)), class_="command")
    if study.confirmed:
        best = study.confirmed[0]
        said = verdict(best, study.objectives[0].direction)
        own = "No candidate did better than the default." if best.against_default is None else f"{said[:1].upper()}{said[1:]}."  # fmt: skip
        told = f"The best, {visible(best.label)}: {figure(best.mean)} on average of {count(len(best.by_seed), 'seed')} (95 % interval {interval(best.low, best.high)}). {own}"
        return joined([tag("p", told), words])
    trial = leading(study)
    which = f"Trial {trial.number}, " if trial is not None else ""
    if trial is not None and len(study.objectives) > 1:
        among = count(len(on_front(study)), "trial")
        which += f"one of {among} that no other beats in all objectives, "
    return joined([tag("p", f"{which}{NOT_CONFIRMED}."), words])


def confirmation(study: Study) -> Html:
    """The candidates that were trained again, each beside the default."""
    if not study.confirmed:
        return Html("")
    direction = study.objectives[0].direction
    heads = ["Candidate", ">Mean", ">95 % interval", ">Difference to the default", ">95 % interval of it", "In words", "Swept settings"]  # fmt: skip
    rows = [_candidate_row(c, verdict(c, direction)) for c in study.confirmed]
    seeds = len(study.confirmed[0].by_seed)
    intro = f"Each was trained again with {count(seeds, 'seed')}, the same for all. Differences are paired by seed; intervals are Student's t."
    best = study.confirmed[0]
    test = Html("")
    if best.test is not None:
        mean, low, high = best.test
        test = tag("p", f"Test figure of the best, {visible(best.label)}: ", tag("strong", figure(mean)), f" (95 % interval {interval(low, high)}). The test pieces played no part in choosing it.")  # fmt: skip
    metric = visible(study.objectives[0].metric)
    return joined([tag("p", intro), table(f"{metric}, the best first", heads, rows), test, tag("div", *map(_figure, confirmation_chart(study)), class_="half")])  # fmt: skip


def _candidate_row(found: Candidate, said: str) -> list[object]:
    if found.against_default is None:
        between: list[object] = ["", "", "the default itself" if found.label == "default" else ""]
    else:
        mean, low, high = found.against_default
        between = [figure(mean), interval(low, high), tag("span", said, class_="verdict")]
    settings = tag("code", settings_words(found.settings), class_="swept") if found.settings else ""
    return [visible(found.label), figure(found.mean), interval(found.low, found.high), *between, settings]


def along(study: Study) -> Html:
    """History and learning curves."""
    return _figures([*history(study), *curves(study)])


def settings(study: Study) -> Html:
    """The objective against each setting."""
    charts = slices(study)
    if not charts:
        return Html("")
    per = len(study.dimensions)
    parts: list[object] = []
    for k, objective in enumerate(study.objectives):
        mine = charts[k * per : (k + 1) * per]
        parts += [tag("h3", visible(objective.metric))] if len(study.objectives) > 1 else []
        parts.append(tag("div", *map(_figure, mine), class_="grid slices"))
    intro = "A point is a finished trial. What looks like an effect of one setting may be one of another that was tried with it."
    return joined([tag("p", intro, class_="note"), *parts])


def together(study: Study) -> Html:
    """Parallel coordinates."""
    return joined(tag("div", _figure(chart), class_="scroll wide-chart", tabindex="0", role="region", aria_label=chart.title) for chart in parallel_chart(study))  # fmt: skip


def importance(study: Study) -> Html:
    """Importance bars, or why there are none."""
    if study.importance:
        return tag("div", *map(_figure, importance_chart(study)), class_="half")
    done = len(finished(study))
    if len(study.objectives) > 1:
        return tag("p", "Not given for several objectives: importance is that for one.")
    if done < ENOUGH_TRIALS:
        return tag("p", f"Hidden below {ENOUGH_TRIALS} finished trials ({done} here): before, importance by PED-ANOVA says little.")  # fmt: skip
    return tag("p", "Not computed for this study.")


def costs(study: Study) -> Html:
    """Fronts: what an improvement costs."""
    found = fronts(study)
    if not found:
        return Html("")
    return tag("div", *(part for one in found for part in (_figure(one.chart), _front_table(study, one))), class_="grid halves")  # fmt: skip


def _front_table(study: Study, found: Front) -> Html:
    """The trials on a front; with their settings, if those are few enough to stand in a row."""
    few = len(study.dimensions) <= SETTINGS_IN_A_ROW
    rows = [
        (
            f"trial {t.number}",
            figure(x),
            figure(y),
            *([tag("code", settings_words(t.settings), class_="swept")] if few else []),
        )
        for t, x, y in found.points[:FRONT_SHOWN]
    ]
    heads = ["Trial", *(f">{name}" for name in found.names), *(["Settings"] if few else [])]
    more = len(found.points)
    return table(
        f"On the front{f', the first {FRONT_SHOWN} of {more}' if more > FRONT_SHOWN else ''}", heads, rows
    )


def pruning(study: Study) -> Html:
    """What pruning saved, and how that is known."""
    pruned, spared = counts(study)["pruned"], saved(study)
    if not pruned:
        return tag("p", f"No trial was pruned; {duration(study.trained_seconds)} were trained.")
    whole = study.trained_seconds + spared
    told = f"{count(pruned, 'trial was', 'trials were')} pruned, which saved about {duration(spared)} beside {duration(study.trained_seconds)} trained: {share(spared, whole)} of what all trials would have taken in full."
    how = (
        "Estimated from the seconds per iteration of each pruned trial, for the iterations it was not given."
    )
    return joined([tag("p", told), tag("p", how, class_="note")])


def trials(study: Study) -> Html:
    """All trials, the best first, then by number."""
    if not study.trials:
        return tag("p", "None yet.")
    first = ranked(study)
    numbers = {t.number for t in first}
    order = [*first, *(t for t in study.trials if t.number not in numbers)]
    names = [d.name for d in study.dimensions]
    heads = [">Trial", "State", *(f">{visible(o.metric)}" for o in study.objectives), *(f"{'' if d.choices else '>'}{visible(d.name)}" for d in study.dimensions), ">Seconds"]  # fmt: skip
    resumed = any(t.resume_of is not None for t in order)
    heads += [">Goes on from", "Run", "Reason"] if resumed else ["Run", "Reason"]
    best = leading(study)
    rows = [_trial_row(study, t, names, t is best, resumed) for t in order]
    return table("All trials, the best first", heads, rows)


def _trial_row(study: Study, t: Trial, names: list[str], best: bool, resumed: bool) -> list[object]:
    state: object = WORD_OF_STATE[t.state]
    marks = ["infeasible"] * (not t.feasible) + [("best" if study.confirmed else "leading")] * best
    if marks:
        state = joined([state, *(tag("span", m, class_="tag held") for m in marks)], " ")
    values = [figure(found) if (found := value(t, k)) is not None else "" for k in range(len(study.objectives))]  # fmt: skip
    swept = [cut(setting(t.settings[n]), 40) if n in t.settings else "" for n in names]
    runs = joined((tag("code", run, class_="run", title=run) for run in t.runs), " ")
    last = [
        runs,
        tag("span", cut(visible(t.reason or t.note), LONGEST_REASON), class_="reason")
        if t.reason or t.note
        else "",
    ]
    went_on = [str(t.resume_of) if t.resume_of is not None else ""] if resumed else []
    return [str(t.number), state, *values, *swept, f"{t.seconds:,.0f}", *went_on, *last]


def asked(study: Study) -> Html:
    """What was searched, and how."""
    rows = [(visible(d.name), _range(d)) for d in study.dimensions]
    facts: list[tuple[str, object]] = [
        ("Objectives", joined((f"{visible(o.metric)} ({o.direction})" for o in study.objectives), ", ")),
        ("The same in all trials", tag("code", " ".join(map(visible, study.words))) if study.words else "the defaults"),
        ("Data set", visible(study.dataset)),
        ("Sampler", visible(study.sampler)),
        ("Pruner", f"{visible(study.pruner)}; trials are compared at equal {study.budget}"),
        ("Seeds a trial", str(study.seeds)),
        ("Workers", str(study.workers)),
    ]  # fmt: skip
    told = tag("dl", joined(joined([tag("dt", what), tag("dd", said)]) for what, said in facts), class_="facts")  # fmt: skip
    return joined([table("Swept settings", ["Setting", "Values"], rows), told])


def _range(dimension: Dimension) -> str:
    if dimension.choices:
        return ", ".join(cut(setting(choice)) for choice in dimension.choices)
    ends = [setting(end) if end is not None else "?" for end in (dimension.low, dimension.high)]
    return f"{ends[0]} to {ends[1]}{', log' if dimension.log else ''}"


def _figures(charts: list[Chart]) -> Html:
    return tag("div", *map(_figure, charts), class_="grid halves") if charts else Html("")


def _figure(chart: Chart) -> Html:
    return tag("figure", tag("figcaption", chart.title, tag("small", chart.more) if chart.more else ""), Html(chart.svg))  # fmt: skip


SECTIONS: list[tuple[str, str, Callable[[Study], Html]]] = [
    ("result", "The result", result),
    ("confirmation", "Confirmation", confirmation),
    ("along", "Trial by trial", along),
    ("settings", "Each setting", settings),
    ("together", "All settings at once", together),
    ("importance", "Which settings matter", importance),
    ("luck", "What luck finds", study_chance.luck),
    ("music", "Does lower loss mean better music here?", study_chance.music),
    ("costs", "What it costs", costs),
    ("pruning", "Time saved", pruning),
    ("trials", "All trials", trials),
    ("asked", "What was asked", asked),
]
