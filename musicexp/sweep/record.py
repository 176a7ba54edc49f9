"""A study out of its database, as the plain values that tables and pages are made of."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import musicexp
from musicexp.config import word
from musicexp.report import study as plain
from musicexp.sweep import study as attributes
from musicexp.sweep.confirmation import confirmed
from musicexp.sweep.importance import importance
from musicexp.sweep.study import Study, feasible

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def record(study: Study) -> plain.Study:
    """The study as it stands now."""
    trials = [
        _trial(t)
        for t in study.trials()
        if t.state.name != "WAITING" and attributes.SAME_AS not in t.user_attrs
    ]
    candidates, best = confirmed(study)
    if not candidates:
        leader = leading(study)
        best = None if leader is None else leader.number
    chosen = _settings_of(study, best) if best is not None else ({} if candidates else None)
    ended = [t.datetime_complete for t in study.trials() if t.datetime_complete]
    began = [t.datetime_start for t in study.trials() if t.datetime_start]
    return plain.Study(
        name=study.name,
        objectives=tuple(plain.Objective(o.name, o.direction) for o in study.objectives),
        dimensions=tuple(
            plain.Dimension(d.name, d.low, d.high, d.log, d.choices) for d in study.search.dimensions
        ),
        trials=tuple(trials),
        target=study.target,
        words=study.search.words,
        dataset=study.search.config().dataset.name,
        sampler=study.sweep.sampler,
        pruner=study.pruner,
        budget=study.sweep.budget,
        workers=len({t.user_attrs.get("worker") for t in study.trials()}),
        seeds=study.sweep.seeds,
        importance=importance(study),
        confirmed=candidates,
        best=None
        if chosen is None
        else (
            *study.search.words,
            *(word(name, value) for name, value in chosen.items()),
            *([f"seeds={study.sweep.seeds}"] if study.sweep.seeds > 1 else []),
        ),
        best_number=best,
        seconds=(max(ended) - min(began)).total_seconds() if ended and began else 0.0,
        trained_seconds=study.trained_seconds(),
        version=musicexp.__version__,
    )


def ranked(study: Study) -> list[FrozenTrial]:
    """Complete, feasible trials, the best of the first objective first."""
    through = [t for t in study.finished() if t.state.name == "COMPLETE" and feasible(t)]
    sign = study.objectives[0].sign
    return sorted(through, key=lambda t: (sign * t.values[0], t.number))


def leading(study: Study) -> FrozenTrial | None:
    """The trial whose first objective is the best so far."""
    found = ranked(study)
    return found[0] if found else None


def _settings_of(study: Study, number: int) -> dict[str, Any]:
    return dict(next(t.params for t in study.trials() if t.number == number))


def _trial(trial: FrozenTrial) -> plain.Trial:
    told = trial.user_attrs
    figures = {
        name: float(value)
        for name, value in told.get(attributes.FIGURES, {}).items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
    state: plain.State = "running"
    if trial.state.name == "COMPLETE":
        state = "complete"
    elif trial.state.name == "PRUNED":
        state = "pruned"
    elif trial.state.name == "FAIL":
        state = "failed" if told.get(attributes.ENDED, "failed") == "failed" else "interrupted"
    runs = [done["run"] for done in told.get(attributes.INSTANCES, [])]
    if told.get(attributes.OPEN_RUN):
        runs.append(told[attributes.OPEN_RUN])
    return plain.Trial(
        number=trial.number,
        state=state,
        settings=dict(trial.params),
        values=tuple(trial.values or ()) if state == "complete" else (),
        curve=tuple((float(mark), float(value)) for mark, value in told.get(attributes.CURVE, [])),
        figures=figures,
        seconds=figures.get("seconds", 0.0),
        saved_seconds=float(told.get(attributes.SAVED, 0.0)),
        runs=tuple(runs),
        **{"note" if state == "complete" else "reason": str(told.get(attributes.REASON, ""))},
        feasible=feasible(trial),
        resume_of=told.get(attributes.RESUME_OF),
    )


def best_yaml(found: plain.Study, config: dict[str, Any]) -> str:
    """best.yaml: where it comes from, then the whole configuration, as `run` composes it."""
    from musicexp.config import to_yaml

    confirmed_words = "confirmed with paired seeds" if found.confirmed else "leading, not confirmed"
    number = "the default" if found.best_number is None else f"trial {found.best_number}"
    command = "python -m musicexp run " + " ".join(json.dumps(w) if " " in w else w for w in found.best or ())
    return f"# {number} of study {found.name}: {confirmed_words}\n# {command}\n{to_yaml(config)}"
