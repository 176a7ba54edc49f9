"""A study in its database: begun once, joined by any number of workers, gone on with by the same command."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from musicexp.config import Config, Dimension, Search, Sweep, build_part
from musicexp.config.build import shown
from musicexp.errors import RunError, SettingError
from musicexp.sweep.marks import marks
from musicexp.sweep.objectives import Objective, objectives
from musicexp.sweep.samplers import distribution, pruner, sampler
from musicexp.sweep.storage import Storage
from musicexp.sweep.together import LARGEST_GRID, pruner_of
from musicexp.wording import count

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

FORMAT = 1
DEFINITION = "musicexp"
"""The attribute of a study that holds its definition."""
LIMITS = ("trials", "workers", "timeout", "max_cost", "max_failures", "terminator", "pruned_samples")
"""What a continuation may set anew; workers on other machines read it from the study."""
NOT_OF_THE_STUDY = ("study", "storage", "confirm", "launcher", "ray", *LIMITS)
"""Settings that do not make a study another one."""
OF_A_PLACE = ("tracking.", "checkpoint.")
"""Settings of its runs that do not either."""
MOST_LOSSES = 3
"""How often a configuration whose worker died is tried again."""

RESUME_OF, SAME_AS, WARM = "resume_of", "same_as", "warm_start_of"
ENDED, REASON, LOSSES = "ended", "reason", "losses"
INSTANCES, OPEN_RUN, FIGURES, SAVED = "instances", "open_run", "figures", "saved_seconds"
CURVE = "curve"
COPIED = (INSTANCES, OPEN_RUN, LOSSES, CURVE)
"""What a trial that goes on has from the one it goes on from."""

TERMINATED = "terminated"
"""The attribute of a study that says why its terminator ended it."""

Claimed = Literal["wait", "over"]
Candidates = dict[str, dict[str, Any]]
CANDIDATE = "candidate"
"""What a confirmation sweeps beside the seed: which configuration."""


@dataclass(frozen=True)
class Place:
    """Where a study's runs go."""

    tracking_uri: str
    experiment: str


def feasible(trial: FrozenTrial) -> bool:
    """Whether a trial keeps the study's constraints."""
    return all(value <= 0 for value in trial.constraints.values())


class Study:
    """A study that is open here.

    Attributes:
        search: its definition.
        place: where its runs go.
        candidates: of a confirmation: label -> the settings that are trained again.
        objectives: in order.
        marks: at which its pruner compares.
    """

    def __init__(
        self,
        storage: Storage,
        inner: optuna.Study,
        search: Search,
        place: Place,
        candidates: Candidates | None = None,
    ) -> None:
        self.storage = storage
        self.candidates = candidates
        self.inner = inner
        self.search = search
        self.place = place
        self.objectives: tuple[Objective, ...] = objectives(search.sweep.objective)
        self.marks = marks(search, search.sweep.budget)
        self.pruner = pruner_of(search, self.objectives)
        inner.pruner = pruner(self.pruner, self.marks)

    @property
    def name(self) -> str:
        return str(self.inner.study_name)

    @property
    def sweep(self) -> Sweep:
        return self.search.sweep

    def config(self, chosen: Mapping[str, Any], threads: int | None = None) -> Config:
        """The settings of a trial's runs.

        Args:
            threads: where the settings leave it open.
        """
        values = dict(chosen)
        if self.candidates is not None:
            values |= self.candidates[values.pop(CANDIDATE)]
        config = self.search.config(values)
        tracking = dataclasses.replace(
            config.tracking, uri=self.place.tracking_uri, experiment=self.place.experiment
        )
        config = dataclasses.replace(config, tracking=tracking)
        if config.threads == "auto" and threads is not None:
            config = dataclasses.replace(config, threads=threads)
        if config.precision == "auto" and (self.sweep.seeds > 1 or self.candidates is not None):
            # Seeds are compared in differences smaller than those that rounding makes.
            config = dataclasses.replace(config, precision="fp32")
        return config

    def trials(self) -> list[FrozenTrial]:
        """Every trial of its own, in order; those lent by another study are left out."""
        return [t for t in self.inner.get_trials(deepcopy=False) if WARM not in t.user_attrs]

    def finished(self, of: Sequence[FrozenTrial] | None = None) -> list[FrozenTrial]:
        """Trials that count toward the target: complete or pruned, and no repetition of another.

        Args:
            of: the study's trials, if they were read just now; so everywhere here.
        """
        trials = self.trials() if of is None else of
        return [t for t in trials if t.state.name in ("COMPLETE", "PRUNED") and SAME_AS not in t.user_attrs]

    def failures(self, of: Sequence[FrozenTrial] | None = None) -> list[FrozenTrial]:
        """Trials that failed for a reason of their own."""
        trials = self.trials() if of is None else of
        return [t for t in trials if t.state.name == "FAIL" and t.user_attrs.get(ENDED) == "failed"]

    @property
    def size(self) -> int | None:
        """How many configurations there are at all; None where there is no end of them."""
        whole = 1
        for dimension in self.search.dimensions:
            values = dimension.grid()
            if values is None:
                return None
            whole *= len(values)
        return whole

    @property
    def target(self) -> int:
        """How many trials are asked for, or how many configurations there are, if fewer."""
        return min(self.limits.trials, self.size or self.limits.trials)

    @property
    def limits(self) -> Sweep:
        """The sweep's settings with the limits as they were last given, by whatever command."""
        told = json.loads(self.inner.user_attrs.get("limits", "{}"))
        return dataclasses.replace(self.sweep, **told)

    def limit(self, sweep: Sweep) -> None:
        """Set the limits anew, for every worker that is or will be there."""
        self.inner.set_user_attr("limits", json.dumps({name: getattr(sweep, name) for name in LIMITS}))

    # -----------------------------------------------------------------------------------------------

    def claim(self) -> int | Claimed:
        """Claim the next trial: Optuna's id of it; or whether there may be one later, or none ever.

        No more trials run and finish than are asked for, however many workers ask at once.
        """
        with self.storage.alone(self.name):
            for trial in self.storage.lost(self.inner):
                self.give_up(trial)
            trials = self.trials()
            if self.stopped(trials) is not None:
                return "over"
            running = [t for t in trials if t.state.name == "RUNNING"]
            if len(self.finished(trials)) + len(running) >= self.target or not self._any_left(trials):
                return "wait" if running else "over"
            return self.storage.claim(self.inner)

    def _any_left(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether there is a configuration to try; the next one of a grid is made ready."""
        if any(t.state.name == "WAITING" for t in trials) or self.size is None:
            return True
        if self.sweep.sampler != "grid":
            running = sum(t.state.name == "RUNNING" for t in trials)
            return running + len(distinct(self.finished(trials))) < self.size
        # One at a time: Optuna reads every waiting trial again whenever it reads any.
        tried = distinct(trials)
        for point in self.grid:
            if as_key(point) not in tried:
                self.enqueue(point, {})
                return True
        return False

    def over(self) -> bool:
        """Whether no trial runs, waits or will begin."""
        trials = self.trials()
        if self.stopped(trials) is not None:
            return True
        if any(t.state.name == "RUNNING" for t in trials):
            return False
        if len(self.finished(trials)) >= self.target:
            return True
        if any(t.state.name == "WAITING" for t in trials):
            return False
        return self.sweep.sampler == "grid" and len(distinct(trials)) >= len(self.grid)

    def stopped(self, of: Sequence[FrozenTrial] | None = None) -> str | None:
        """Why no further trial begins, or None."""
        trials = self.trials() if of is None else of
        limits, failures = self.limits, self.failures(trials)
        if len(failures) >= limits.max_failures:
            last = failures[-1].user_attrs.get(REASON, "")
            return f"{count(len(failures), 'trial')} failed, the last one because: {last}; mend the cause, then go on with a higher max_failures"
        if limits.max_cost is not None and self.trained_seconds(trials) >= limits.max_cost * 3600:
            return f"max_cost={limits.max_cost:g} hours of training are used up; go on with a higher max_cost"
        if limits.terminator and (told := self.inner.user_attrs.get(TERMINATED)):
            return f"{told}; go on without the terminator"
        return None

    @cached_property
    def grid(self) -> list[dict[str, Any]]:
        """Every configuration, in order; in random order where not all are asked for: a part would be one side of it."""
        points = grid_points(self.search.dimensions)
        if len(points) > self.sweep.trials:
            random.Random(self.sweep.sampler_seed).shuffle(points)
        return points

    def untried(self, chance: random.Random) -> dict[str, Any] | None:
        """A configuration that nobody has tried, at random; None where all are tried, or there is no end of them."""
        if self.size is None or self.size > LARGEST_GRID:
            return None
        tried = distinct([t for t in self.trials() if t.state.name != "FAIL"])
        left = [point for point in grid_points(self.search.dimensions) if as_key(point) not in tried]
        return chance.choice(left) if left else None

    def trained_seconds(self, of: Sequence[FrozenTrial] | None = None) -> float:
        """Seconds of training, over all trials and workers."""
        trials = self.trials() if of is None else of
        return sum(float(t.user_attrs.get(FIGURES, {}).get("seconds", 0.0)) for t in trials)

    def take_up(self, trial_id: int) -> optuna.Trial:
        """The claimed trial, ready to be asked for its settings."""
        number = self.storage.shared.get_trial(trial_id).number
        self.inner.sampler = sampler(self.sweep, number, self.distributions())
        return self.storage.taken_up(self.inner, trial_id)

    def distributions(self) -> dict[str, BaseDistribution]:
        """The space as Optuna sees it."""
        return {d.name: distribution(d) for d in self.search.dimensions}

    def enqueue(self, params: Mapping[str, Any], attributes: Mapping[str, Any]) -> None:
        """Let a configuration be tried next."""
        import optuna

        self.inner.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.WAITING,
                params=dict(params),
                distributions=self.distributions(),
                user_attrs=dict(attributes),
            )
        )

    def add(self, params: Mapping[str, Any], twin: FrozenTrial) -> None:
        """Take over a complete trial of another study that trained the very same."""
        import optuna

        kept = (INSTANCES, FIGURES, CURVE)
        self.inner.add_trial(
            optuna.create_trial(
                params=dict(params),
                distributions=self.distributions(),
                values=twin.values,
                user_attrs={name: twin.user_attrs[name] for name in kept if name in twin.user_attrs},
            )
        )

    def delete(self) -> None:
        """Take the study out of its database, trials and all."""
        self.storage.shared.delete_study(self.inner._study_id)

    def give_up(self, trial: FrozenTrial) -> None:
        """End a trial whose worker is gone, and let another go on with it; under the study's lock."""
        losses = int(trial.user_attrs.get(LOSSES, 0)) + 1
        often = losses > MOST_LOSSES
        reason = f"its worker died{f' {losses} times; often memory runs out' if often else ''}"
        ended = "failed" if often else "lost"
        if self.storage.fail(trial._trial_id, {ENDED: ended, REASON: reason, LOSSES: losses}) and not often:
            self.let_go_on(trial, losses)

    def let_go_on(self, trial: FrozenTrial, losses: int) -> None:
        """Enqueue a trial again, as one that goes on from this one's checkpoint."""
        if not {d.name for d in self.search.dimensions} <= set(trial.params):
            return  # it had not chosen yet; another is chosen in its place
        kept = {name: trial.user_attrs[name] for name in COPIED if name in trial.user_attrs}
        self.enqueue(trial.params, {**kept, LOSSES: losses, RESUME_OF: trial.number})


def distinct(trials: Sequence[FrozenTrial]) -> set[tuple[tuple[str, Any], ...]]:
    """The configurations of some trials."""
    return {as_key(t.params) for t in trials}


def as_key(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A configuration as something that can be looked up."""
    return tuple(sorted(params.items()))


def open_study(
    storage: Storage, search: Search, place: Place, candidates: Candidates | None = None
) -> tuple[Study, bool]:
    """The study of this definition, begun now or before; whether it was begun before.

    Raises:
        SettingError: the name is borne by a study of another definition.
    """
    import optuna

    name = search.sweep.study or generated_name(search)
    definition = _definition(search, candidates)
    with storage.alone(name):
        known = name in {
            s.study_name for s in optuna.get_all_study_summaries(storage.shared, include_best_trial=False)
        }
        if known:
            study = load_study(storage, name)
            _check_same(study, definition)
            if study.place != place:
                raise SettingError(
                    f"the runs of study {name} go to experiment {study.place.experiment} of {study.place.tracking_uri}, not to {place.experiment} of {place.tracking_uri}; name that store, or begin another study with study=NAME"
                )
            return study, True
        inner = optuna.create_study(
            storage=storage.shared,
            study_name=name,
            directions=[objective.direction for objective in objectives(search.sweep.objective)],
        )
        inner.set_user_attr(DEFINITION, json.dumps(definition))
        inner.set_user_attr("place", dataclasses.asdict(place))
        inner.set_user_attr("began", time.time())
        study = Study(storage, inner, search, place, candidates)
        study.limit(search.sweep)
        return study, False


def load_study(storage: Storage, name: str) -> Study:
    """A study by its name.

    Raises:
        RunError: there is none, or it is none of ours.
    """
    import optuna

    names = [s.study_name for s in optuna.get_all_study_summaries(storage.shared, include_best_trial=False)]
    if name not in names:
        raise RunError(
            f"there is no study {name!r} here; "
            + (
                f"the studies are {', '.join(sorted(names)[:10])}"
                if names
                else "there is none at all: `python -m musicexp sweep` begins one"
            )
        )
    inner = optuna.load_study(study_name=name, storage=storage.shared)
    told = inner.user_attrs.get(DEFINITION)
    if told is None:
        raise RunError(
            f"the study {name!r} was not made by musicexp, so nobody knows what its trials are; name another"
        )
    definition = json.loads(told)
    if definition["format"] != FORMAT:
        raise RunError(
            f"the study {name!r} has format {definition['format']}, and this version of musicexp reads format {FORMAT}; use the version that began it"
        )
    search = Search(
        sweep=build_part(Sweep, definition["sweep"], ""),
        name=definition["search"],
        dimensions=tuple(Dimension.from_dict(values) for values in definition["dimensions"]),
        words=tuple(definition["words"]),
        needs_limit=False,
    )
    return Study(storage, inner, search, Place(**inner.user_attrs["place"]), definition["candidates"])


def generated_name(search: Search) -> str:
    """A name that the same command always gives: the data set, what is swept, and a hash of all the rest."""
    told = json.dumps(_identity(_definition(search)), sort_keys=True)
    leaves = "-".join(d.name.rpartition(".")[2] for d in search.dimensions)
    dataset = re.sub(r"[^\w.+]+", "_", search.config().dataset.name)[:30].lstrip("-")
    return f"{dataset}-{leaves[:60]}-{hashlib.sha256(told.encode()).hexdigest()[:6]}"


def _definition(search: Search, candidates: Candidates | None = None) -> dict[str, Any]:
    sweep = json.loads(json.dumps(dataclasses.asdict(search.sweep)))
    return {
        "format": FORMAT,
        "search": search.name,
        "candidates": candidates,
        "sweep": sweep,
        "dimensions": [json.loads(json.dumps(d.as_dict())) for d in search.dimensions],
        "words": list(search.words),
    }


def _identity(definition: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a study this one: neither its limits nor where it is run."""
    sweep = {key: value for key, value in definition["sweep"].items() if key not in NOT_OF_THE_STUDY}
    words = [text for text in definition["words"] if not text.lstrip("+").startswith(OF_A_PLACE)]
    return {**definition, "sweep": sweep, "words": words, "search": None}


def _check_same(study: Study, definition: Mapping[str, Any]) -> None:
    before, now = (_identity(d) for d in (json.loads(study.inner.user_attrs[DEFINITION]), definition))
    if before == now:
        return
    told = _difference(before, now)
    raise SettingError(
        f"the study {study.name} was begun with other settings ({told}); give the same ones to go on with it, or another name with study=NAME"
    )


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    for key in now["sweep"]:
        old, new = (shown(d["sweep"].get(key)) for d in (before, now))
        if old != new:
            return f"{key} was {old}, now {new}"
    for key in ("words", "dimensions"):
        gone = [json.dumps(item) for item in before[key] if item not in now[key]]
        come = [json.dumps(item) for item in now[key] if item not in before[key]]
        if gone or come:
            return f"then {' '.join(_short(i) for i in gone) or 'without'}, now {' '.join(_short(i) for i in come) or 'without'}"
    return "the same in another order"


def _short(item: str) -> str:
    value = json.loads(item)
    if isinstance(value, str):
        return value
    if value["choices"]:
        return f"{value['name']} in {value['choices']}"
    steps = f" in steps of {value['step']:g}" if value["step"] else ""
    ratios = " by ratios" if value["log"] else ""
    return f"{value['name']} from {value['low']:g} to {value['high']:g}{steps}{ratios}"


def grid_points(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Every configuration of a grid, in order."""
    values = [d.grid() or () for d in dimensions]
    return [
        dict(zip((d.name for d in dimensions), point, strict=True)) for point in itertools.product(*values)
    ]
