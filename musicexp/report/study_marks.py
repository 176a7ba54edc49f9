"""How a trial is drawn and what is said of it, in every chart of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musicexp.render.axes import Axis, categories, numeric, usable
from musicexp.report.html import visible
from musicexp.report.study import Dimension, Study, Trial
from musicexp.report.study_facts import cost, cut, figure, last_seen, setting, settings_words, value
from musicexp.wording import count


@dataclass(frozen=True)
class Chart:
    """A drawing with its words.

    Attributes:
        more: what has to be known to read it, in a line.
        svg: as it stands in the page.
    """

    title: str
    more: str
    svg: str


def axis_of(dimension: Dimension, trials: Sequence[Trial]) -> tuple[Axis, dict[int, float]]:
    """The axis of a setting, and where on it each trial stands, by the trial's number."""
    having = [t for t in trials if dimension.name in t.settings]
    name = visible(dimension.name) + (", log scale" if dimension.log else "")
    if dimension.choices:
        labels = list(dict.fromkeys(map(setting, dimension.choices)))
        labels += sorted({setting(t.settings[dimension.name]) for t in having} - set(labels))
        place = {label: float(k) for k, label in enumerate(labels)}
        return categories(labels, name), {t.number: place[setting(t.settings[dimension.name])] for t in having}  # fmt: skip
    places = {t.number: found for t in having if (found := _number(t.settings[dimension.name])) is not None}
    ends = [dimension.low, dimension.high]
    return numeric([*ends, *places.values()], name, log=dimension.log), places


def seen(trial: Trial, number: int) -> float | None:
    """What is known of an objective: of the first also the end of a curve."""
    return last_seen(trial) if number == 0 else value(trial, number)


def kind_of(trial: Trial, best: Trial | None) -> str:
    """The kind of a trial's point."""
    if trial is best:
        return "leading"
    if trial.state == "complete":
        return "done" if trial.feasible else "infeasible"
    return {"pruned": "pruned", "failed": "failed"}.get(trial.state, "open")


def key_of(study: Study, best: Trial | None) -> list[tuple[str, str]]:
    """The kinds that occur and what they mean."""
    words = {"leading": f"trial {best.number}" if best else "", "done": "finished", "infeasible": "infeasible", "pruned": "pruned",
             "failed": "failed", "open": "not ended"}  # fmt: skip
    kinds = {kind_of(t, best) for t in study.trials}
    return [(kind, said) for kind, said in words.items() if kind in kinds]


def tip(study: Study, trial: Trial, found: float | None) -> str:
    """What is said of a trial when it is pointed at."""
    state = "" if trial.state == "complete" else f" ({trial.state})"
    breach = "" if trial.feasible else " (infeasible)"
    told = figure(found) if found is not None else "no value"
    return cut(f"trial {trial.number}{state}{breach}: {told}; {settings_words(trial.settings, 24)}", 240 if len(study.trials) <= 300 else 90)  # fmt: skip


def beyond(values: Sequence[float], spanned: Sequence[float]) -> list[str]:
    """Says how many values lie outside an axis, if any does."""
    out = len(values) - len(spanned)
    return [f"{count(out, 'far worse value is', 'far worse values are')} marked at the edge"] if out else []


def sentence(parts: Sequence[str]) -> str:
    return "; ".join(parts)


def order(study: Study, trial: Trial, best: Trial | None) -> tuple[int, float, int]:
    """Sorts by what is drawn first: what did not finish, then the finished from the worst on, the best on top."""
    if trial is best:
        return (2, 0.0, 0)
    found = value(trial)
    return (
        int(found is not None),
        -cost(study.objectives[0], found) if found is not None else 0.0,
        trial.number,
    )


def _number(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return next(iter(usable([found])), None)
