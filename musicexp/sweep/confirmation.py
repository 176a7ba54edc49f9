"""A winner of many noisy trials is no winner: the best few and the default once more, with paired seeds.

The trials of a confirmation are a study of their own, NAME.confirm-3x5-..., whose grid is candidate by seed; so it is
shared out, survives a kill and goes on like any other. Its seeds are none that the search used: a configuration that was
chosen because it was lucky with seed 0 has no luck left in seed 1.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from musicexp.config import Dimension, Search, confirmation
from musicexp.metrics import paired, student_t
from musicexp.report import study as plain
from musicexp.sweep import study as attributes
from musicexp.sweep.musical import musical_figures
from musicexp.sweep.objectives import Objective
from musicexp.sweep.study import CANDIDATE, Candidates, Study, grid_points, load_study, open_study
from musicexp.training import Tested, test_figures
from musicexp.wording import count

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

DEFAULT = "default"
CONFIRMED = "confirmed"
"""The attribute of a study that names its confirmation and what came of it."""


@dataclass(frozen=True)
class Confirming:
    """A confirmation under way.

    Attributes:
        told: what is confirmed, in words.
        concluded: whether it was concluded before.
    """

    study: Study
    told: str
    concluded: bool


def begin_confirmation(study: Study, text: str) -> Confirming | None:
    """The study of a confirmation, begun now or before; None if nothing was found that could be confirmed."""
    from musicexp.sweep.record import ranked

    parts = confirmation(text)
    assert parts is not None
    best, seeds = parts
    leaders = ranked(study)[:best]
    if not leaders:
        return None
    candidates: Candidates = {DEFAULT: {}} | {f"trial {t.number}": dict(t.params) for t in leaders}
    base = study.search.config()
    default = study.config({}).flat()
    for label in list(candidates)[1:]:
        # The default may itself be among the best; it is trained once.
        if study.config(candidates[label]).flat() == default:
            del candidates[label]
    if len(candidates) < 2:
        return None
    digest = hashlib.sha256(json.dumps(candidates, sort_keys=True).encode()).hexdigest()[:6]
    name = f"{study.name}.confirm-{text}-{digest}"
    seed_values = tuple(base.seed + study.sweep.seeds + k for k in range(seeds))
    search = Search(
        sweep=dataclasses.replace(
            study.sweep,
            study=name,
            trials=len(candidates) * seeds,
            sampler="grid",
            pruner="none",
            seeds=1,
            first=None,
            warm_start=None,
            terminator=False,
            max_cost=None,
            max_seconds=None,
            max_parameters=None,
            confirm=None,
        ),
        name="none",
        dimensions=(
            Dimension(CANDIDATE, choices=tuple(candidates)),
            Dimension("seed", choices=seed_values),
        ),
        words=tuple(w for w in study.search.words if not w.startswith("seed=")),
        needs_limit=False,
    )
    held, before = open_study(study.storage, search, study.place, candidates)
    if not before:
        points = sorted(
            grid_points(search.dimensions),
            key=lambda point: (point["seed"], list(candidates).index(point[CANDIDATE])),
        )
        trained = _trained_before(study, name)
        with held.storage.alone(name):
            for point in points:
                twin = trained.get(_key(candidates[point[CANDIDATE]], point["seed"]))
                if twin is None:
                    held.enqueue(point, {})
                else:
                    held.add(point, twin)
    told = f"{count(len(candidates) - 1, 'configuration')} and the default with {seeds} paired seeds"
    known = study.inner.user_attrs.get(CONFIRMED, {})
    return Confirming(held, told, concluded=known.get("study") == name)


def _trained_before(study: Study, name: str) -> dict[str, FrozenTrial]:
    """What earlier confirmations of a study have trained, by settings and seed."""
    import optuna

    found: dict[str, FrozenTrial] = {}
    for summary in optuna.get_all_study_summaries(study.storage.shared, include_best_trial=False):
        other = summary.study_name
        if other == name or not other.startswith(f"{study.name}.confirm-"):
            continue
        held = load_study(study.storage, other)
        for trial in held.finished():
            if trial.state.name == "COMPLETE" and held.candidates is not None:
                found[_key(held.candidates[trial.params[CANDIDATE]], trial.params["seed"])] = trial
    return found


def _key(settings: Mapping[str, Any], seed: int) -> str:
    return json.dumps([settings, seed], sort_keys=True)


def conclude(study: Study, confirming: Confirming, say: Callable[[str], None]) -> None:
    """Choose the best by its mean over the seeds, and compute the test figure of this one alone."""
    by_label = _values(confirming.study)
    whole = {
        label: values for label, values in by_label.items() if len(values) == max(map(len, by_label.values()))
    }
    if not whole:
        return
    sign = study.objectives[0].sign
    winner = min(whole, key=lambda label: sign * student_t(list(whole[label].values())).mean)
    runs = [
        t.user_attrs[attributes.INSTANCES][0]["run"]
        for t in confirming.study.finished()
        if t.params[CANDIDATE] == winner and t.state.name == "COMPLETE"
    ]
    say(f"best     {winner}; its test figure over {count(len(runs), 'seed')}")
    tested = [test_figures(study.place.tracking_uri, study.place.experiment, run) for run in runs]
    figures = [_test_value(study.objectives[0], found) for found in tested]
    study.inner.set_user_attr(CONFIRMED, {"study": confirming.study.name, "winner": winner, "test": figures})


def _test_value(objective: Objective, tested: Tested) -> float:
    """The objective on the test pieces; where it has no value there (seconds, parameters), bits per note."""
    if objective.musical:
        assert tested.music is not None, "a musical objective is refused without scored samples"
        return musical_figures(tested.music.as_dict()).get(objective.name, math.nan)
    of_tokens = objective.name == "nll_nats/val"
    return tested.likelihood.nats_per_token if of_tokens else tested.likelihood.bits_per_note


def confirmed(study: Study) -> tuple[tuple[plain.Candidate, ...], int | None]:
    """The candidates of a concluded confirmation, the best first, and the number of the best trial (None: the default)."""
    told: dict[str, Any] = study.inner.user_attrs.get(CONFIRMED, {})
    if "winner" not in told:
        return (), None
    held = load_study(study.storage, told["study"])
    assert held.candidates is not None
    by_label = _values(held)
    by_default = by_label.get(DEFAULT, {})  # none, if every one of its trainings failed
    sign = study.objectives[0].sign
    found = []
    for label, values in by_label.items():
        shared = [seed for seed in sorted(values) if seed in by_default]
        mean, low, high = student_t(list(values.values()))
        against = None
        if label != DEFAULT and shared:
            against = tuple(paired([values[s] for s in shared], [by_default[s] for s in shared]))
        test = tuple(student_t(told["test"])) if label == told["winner"] else None
        found.append(
            plain.Candidate(
                label=label,
                settings=held.candidates[label],
                by_seed=tuple(values[seed] for seed in sorted(values)),
                mean=mean,
                low=low,
                high=high,
                against_default=against,  # type: ignore[arg-type]  # a tuple of three
                test=test,  # type: ignore[arg-type]
            )
        )
    found.sort(key=lambda c: (c.label != told["winner"], sign * c.mean))
    winner = told["winner"]
    return tuple(found), None if winner == DEFAULT else int(winner.split()[1])


def _values(held: Study) -> dict[str, dict[int, float]]:
    """label -> seed -> the objective, of the trials that are complete and keep the constraints."""
    assert held.candidates is not None
    found: dict[str, dict[int, float]] = {label: {} for label in held.candidates}
    for trial in held.finished():
        if trial.state.name == "COMPLETE" and attributes.feasible(trial):
            found[trial.params[CANDIDATE]][trial.params["seed"]] = trial.values[0]
    return {label: values for label, values in found.items() if values}
