"""What a study begins with: presets that are tried first, a grid's configurations, trials lent by another study."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from musicexp.config import compose
from musicexp.errors import SettingError
from musicexp.sweep.study import LARGEST_GRID, WARM, Study, grid_points, load_study
from musicexp.wording import count


def prepare_study(study: Study, say: Callable[[str], None]) -> None:
    """Enqueue what a new study begins with. Safe when several commands begin one study at once."""
    with study.storage.alone(study.name):
        if study.inner.user_attrs.get("prepared"):
            return
        if study.sweep.warm_start is not None:
            say(f"         {_lent(study)} of study {study.sweep.warm_start} to learn from")
        if study.sweep.sampler == "grid":
            _enqueue_grid(study, say)
        for preset in study.sweep.first or ():
            _enqueue_preset(study, preset, say)
        study.inner.set_user_attr("prepared", True)


def _enqueue_grid(study: Study, say: Callable[[str], None]) -> None:
    points = grid_points(study.search.dimensions)
    if len(points) > LARGEST_GRID:
        raise SettingError(
            f"the grid has {len(points):,} configurations, and at most {LARGEST_GRID:,} are enqueued; take coarser ranges or sampler=qmc"
        )
    if len(points) > study.sweep.trials:
        # A part of a grid in order would be one side of it.
        random.Random(study.sweep.sampler_seed).shuffle(points)
        say(
            f"         trials={study.sweep.trials} of the grid's {len(points)} configurations, in random order"
        )
    for point in points:
        study.enqueue(point, {})


def _enqueue_preset(study: Study, preset: str, say: Callable[[str], None]) -> None:
    """The preset's own values of what is swept, if the space holds them."""
    values = (
        dict(study.search.config().flat())
        if preset == "none"
        else dict(compose([f"experiment={preset}"]).flat())
    )
    chosen: dict[str, Any] = {}
    for dimension in study.search.dimensions:
        if dimension.name in values and dimension.holds(values[dimension.name]):
            chosen[dimension.name] = next(
                (c for c in dimension.choices if c == values[dimension.name]), values[dimension.name]
            )
    missing = [d.name for d in study.search.dimensions if d.name not in chosen]
    if missing:
        say(
            f"         first={preset} is left out: the space does not hold its {missing[0]}={values.get(missing[0], '?')}"
        )
        return
    study.enqueue(chosen, {"first": preset})


def _lent(study: Study) -> str:
    """Lend the finished trials of another study, if their figures mean the same."""
    import optuna

    name = study.sweep.warm_start
    assert name is not None
    other = load_study(study.storage, name)
    if other.name == study.name:
        raise SettingError(f"warm_start={name} is this study itself; name another")
    if other.objectives != study.objectives:
        raise SettingError(
            f"warm_start={name} optimised {', '.join(o.name for o in other.objectives)}, this study {', '.join(o.name for o in study.objectives)}; give the same objective"
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
                user_attrs={WARM: f"{name} {trial.number}"},
            )
        )
        lent += 1
    if not lent:
        raise SettingError(f"warm_start={name} has no finished trial within this space; leave it out")
    return count(lent, "trial")
