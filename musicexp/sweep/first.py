"""What a study begins with: presets that are tried first, trials lent by another study."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from musicexp.config import GROUPS
from musicexp.errors import MusicexpError, RunError, SettingError
from musicexp.sweep.musical import COPIED, too_much_copied
from musicexp.sweep.study import FIGURES, WARM, Study, load_study
from musicexp.wording import count

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def prepare_study(study: Study, say: Callable[[str], None]) -> None:
    """Enqueue what a new study begins with. Safe when several commands begin one study at once."""
    with study.storage.alone(study.name):
        if study.inner.user_attrs.get("prepared"):
            return
        if study.sweep.warm_start is not None:
            try:
                told = _lent(study)
            except MusicexpError:
                study.delete()  # else the name would be taken by a study that never was, with the wrong setting
                raise
            say(f"         {told} of study {study.sweep.warm_start} to learn from")
        if study.sweep.sampler == "grid" and len(study.grid) > study.sweep.trials:
            say(
                f"         trials={study.sweep.trials} of the grid's {len(study.grid)} configurations, in random order"
            )
        for preset in study.sweep.first or ():
            _enqueue_preset(study, preset, say)
        study.inner.set_user_attr("prepared", True)


def _enqueue_preset(study: Study, preset: str, say: Callable[[str], None]) -> None:
    """The preset's own values of what is swept, if the space holds them."""
    search = study.search if preset == "none" else dataclasses.replace(study.search, words=())
    asked = {} if preset == "none" else {"experiment": preset}
    config = search.config(asked)
    values: dict[str, Any] = {**config.flat(), "experiment": preset}
    for dimension in study.search.dimensions:
        if dimension.name in GROUPS and dimension.name != "experiment":
            # A preset says what a group holds, not what it is called.
            for option in dimension.choices:
                if search.config({**asked, dimension.name: option}) == config:
                    values[dimension.name] = option
    chosen: dict[str, Any] = {}
    for dimension in study.search.dimensions:
        if dimension.name in values and dimension.holds(values[dimension.name]):
            chosen[dimension.name] = next(
                (c for c in dimension.choices if c == values[dimension.name]), values[dimension.name]
            )
    missing = [d.name for d in study.search.dimensions if d.name not in chosen]
    if missing:
        say(
            f"         first={preset} is left out: the space does not hold its {missing[0]}"
            + (f"={values[missing[0]]}" if missing[0] in values else "")
        )
        return
    study.enqueue(chosen, {"first": preset})


def _lent(study: Study) -> str:
    """Lend the finished trials of another study, if their figures mean the same."""
    import optuna

    name = study.sweep.warm_start
    assert name is not None
    if name == study.name:
        raise SettingError(f"warm_start={name} is this study itself; name another, or leave it out")
    try:
        other = load_study(study.storage, name)
    except RunError as error:
        raise SettingError(f"warm_start={name}: {error}") from error
    if other.objectives != study.objectives:
        theirs_told, ours_told = (
            ", ".join(f"{o.name}:{o.direction}" for o in s.objectives) for s in (other, study)
        )
        raise SettingError(
            f"warm_start={name} optimised {theirs_told}, this study {ours_told}; give the same objective"
        )
    alike = _compared(other) == _compared(study)
    if study.pruner == "wilcoxon" and not alike:
        raise SettingError(
            f"warm_start={name} trained with other seeds or folds, which wilcoxon cannot compare with this study's; give the same ones, or take pruner=none"
        )
    ours, theirs = (s.search.config() for s in (study, other))
    for part in ("dataset", "split", "tokens"):
        if getattr(ours, part) != getattr(theirs, part):
            raise SettingError(
                f"warm_start={name} trained on another {part}, so its figures mean something else; leave it out"
            )
    lent = 0
    for trial in other.finished():
        fits = all(d.name in trial.params and d.holds(trial.params[d.name]) for d in study.search.dimensions)
        if trial.state.name != "COMPLETE" or not fits:
            continue
        study.inner.add_trial(
            optuna.create_trial(
                params={d.name: trial.params[d.name] for d in study.search.dimensions},
                distributions=study.distributions(),
                values=trial.values,
                intermediate_values=trial.intermediate_values if alike else None,
                constraints=_constraints(study, trial),
                user_attrs={WARM: f"{name} {trial.number}"},
            )
        )
        lent += 1
    if not lent:
        raise SettingError(f"warm_start={name} has no finished trial within this space; leave it out")
    return count(lent, "trial")


def _compared(study: Study) -> tuple[object, ...]:
    """What two studies must share for a pruner to compare a trial of one with a trial of the other."""
    sweep = study.sweep
    return (study.pruner, study.marks, sweep.budget, sweep.seeds, sweep.folds, study.search.config().seed)


def _constraints(study: Study, trial: FrozenTrial) -> dict[str, float]:
    """What this study's limits make of a lent trial; gp wants every trial to have the same constraints."""
    limits = {"parameters": study.sweep.max_parameters, "seconds": study.sweep.max_seconds}
    figures = trial.user_attrs.get(FIGURES, {})
    found = {name: figures.get(name, 0.0) - most for name, most in limits.items() if most is not None}
    if any(objective.musical for objective in study.objectives):
        found[COPIED] = too_much_copied(figures)
    return found
