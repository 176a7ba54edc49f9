"""What a study owes to the number of its trials, and whether its lower losses come with better music."""

from __future__ import annotations

from musicexp.metrics.best_of_n import FEWEST_TRIALS
from musicexp.report.findings_words import answer
from musicexp.report.html import Html, joined, table, tag, visible
from musicexp.report.loss_and_music import distances, loss_and_music
from musicexp.report.lowest import lowest, turned_bounds
from musicexp.report.study import Study
from musicexp.report.study_facts import cost, figure, finished
from musicexp.wording import count, sentence

INDEPENDENT = ("random", "qmc", "grid")
"""Samplers whose trials do not learn from each other."""


def luck(study: Study) -> Html:
    """The best value that 1, 2, 5, ... trials like these find."""
    if len(study.objectives) > 1:
        return Html("")
    objective = study.objectives[0]
    values = [cost(objective, t.values[0]) for t in finished(study) if t.feasible]
    steps = lowest(values)
    if not steps:
        told = f"Not told below {FEWEST_TRIALS} finished trials ({len(values)} here)."
        return tag("p", told) if values else Html("")
    sign = -1.0 if objective.direction == "maximize" else 1.0
    rows = [
        [f"{one.n:,}", figure(sign * one.expected), figure(sign * one.median), turned_bounds(one, sign)]
        for one in steps
    ]
    way = "above" if sign < 0 else "below"
    heads = ["Trials", ">Best, on average", f">Half of all searches end {way}", ">95 % interval of that"]
    intro = (
        "The best of many trials is better than the best of few by luck alone. So a search is compared with another one "
        f"at the same number of trials, not by its best. From {count(len(values), 'finished trial')}; exact, nothing is trained for it."
    )
    parts: list[object] = [tag("p", intro, class_="note")]
    if study.sampler not in INDEPENDENT:
        parts.append(tag("p", f"{visible(study.sampler)} learns from trial to trial: this is what its trials would have found in any order.", class_="note"))  # fmt: skip
    parts.append(table(f"{visible(objective.metric)} of the best of so many trials", heads, rows))
    return joined(parts)


def music(study: Study) -> Html:
    """Whether trials with lower loss made music that is nearer to real pieces."""
    done = [t for t in finished(study) if distances(t.figures)]
    if not done:
        return Html("")
    found = loss_and_music([t.figures for t in done], list(range(len(done))), "trial")
    lines = tag("ul", *(tag("li", f"{sentence(words)}.") for words in answer(found)))
    note = "Metrics stand at the first temperature of each trial; its distance from real pieces is how surely the two are told apart."
    return joined([lines, tag("p", note, class_="note")])
