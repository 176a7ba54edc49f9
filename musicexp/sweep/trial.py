"""One trial: its configuration trained, once or with several seeds or folds, each as a run of its own."""

from __future__ import annotations

import dataclasses
import gc
import json
import math
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from musicexp.config import Config
from musicexp.errors import Interruption, MusicexpError, RunError
from musicexp.metrics import Likelihood, student_t
from musicexp.sweep import study as attributes
from musicexp.sweep.marks import FIRST_SHARE, Milestones, tokens_of
from musicexp.sweep.musical import COPIED, HUMAN, SCORED, musical_figures, too_much_copied
from musicexp.sweep.samplers import WHOLE, suggested
from musicexp.sweep.study import Study
from musicexp.tracking import cache_dir, open_store, store_uri
from musicexp.training import Material, Role, RunResult, Signals, Silent, conduct, parameters, prepare
from musicexp.wording import count

if TYPE_CHECKING:
    import optuna

Ending = Literal["complete", "pruned", "failed", "interrupted", "repeated", "lost"]
FOR_MEMORY = ("can't allocate memory", "out of memory", "not enough memory", "bad_alloc")
Materials = dict[str, Material]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended, what it gave (empty if nothing), and why it ended so."""

    ending: Ending
    values: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Instance:
    """One training of a trial: which seed, and which fold of how many (0 of 0 without, or where a table has them)."""

    seed: int
    fold: int
    folds: int


@dataclass
class Watcher:
    """Reports a training at the study's marks, and ends it if the pruner or a limit says so.

    Attributes:
        tokens: that an iteration sees.
        iterations: of the whole training; no trial is judged before an eighth of its own.
        every: how many iterations lie between two validations that the run makes anyway; 0 for none.
        reports: whether the pruner compares its curve.
        curve: (mark, objective) so far.
        seconds_before: of the trial's other trainings.
    """

    trial: optuna.Trial
    study: Study
    tokens: int
    iterations: int
    every: int
    milestones: Milestones
    reports: bool
    curve: list[tuple[int, float]]
    seconds_before: float

    def due(self, iteration: int, seconds: float) -> bool:
        if iteration * FIRST_SHARE < self.iterations:
            # Too early to say: a large batch has had hardly an update where a small one has had many.
            self.milestones.skip(self._spent(iteration, seconds))
        # Where nothing is pruned, a mark is not worth a validation that `run` would not make anyway.
        worth = self.study.pruner != "none" or (self.every > 0 and iteration % self.every == 0)
        return (worth and self.milestones.passed(self._spent(iteration, seconds))) or self._too_long(seconds)

    def look(self, iteration: int, seconds: float, found: Likelihood) -> str | None:
        first, sweep = self.study.objectives[0], self.study.sweep
        value = found.nats_per_token if first.name == "nll_nats/val" else found.bits_per_note
        spent = self._spent(iteration, seconds)
        if self.milestones.passed(spent):
            mark = self.milestones.take(spent)
            self.curve.append((mark, value))
            self.trial.set_user_attr(attributes.CURVE, self.curve)
            if self.reports:
                self.trial.report(value, mark)
                if self.trial.should_prune():
                    return f"{self.study.pruner}: {first.name} {value:.4f} at {mark:,} {sweep.budget}"
        if self._too_long(seconds):
            return f"max_seconds: {self.seconds_before + seconds:.0f} s of training are more than {sweep.max_seconds:g}"
        return None

    def _spent(self, iteration: int, seconds: float) -> float:
        return iteration * self.tokens if self.study.sweep.budget == "tokens" else seconds

    def _too_long(self, seconds: float) -> bool:
        most = self.study.sweep.max_seconds
        return most is not None and self.seconds_before + seconds > most


class Training:
    """Trains the trials of one worker, one after another."""

    def __init__(self, study: Study, threads: int, signals: Signals, say: Callable[[str], None]) -> None:
        """
        Args:
            threads: for each training, where the settings leave it open.
        """
        self.study = study
        self._threads = threads
        self._signals = signals
        self._say = say
        self._materials: Materials = {}
        self._set_aside = False

    def train(self, trial_id: int) -> Outcome:
        """Choose, train and tell one claimed trial. Whatever goes wrong in it is its own outcome."""
        from optuna.exceptions import UpdateFinishedTrialError

        with self.study.storage.heard(trial_id):
            trial = self.study.take_up(trial_id)
            try:
                outcome = self._trained(trial)
            except Interruption:
                outcome = Outcome("interrupted", reason="interrupted")
            except MusicexpError as error:
                outcome = Outcome("failed", reason=str(error))
            except UpdateFinishedTrialError:
                outcome = Outcome(
                    "lost", reason="it was given up as lost meanwhile, and another goes on with it"
                )
            except (MemoryError, RuntimeError) as error:
                outcome = self._out_of_memory(error)
            except Exception as error:  # noqa: BLE001  one trial's bug is not the others'
                outcome = self._bug(error)
        outcome = self._tell(trial, outcome)
        if outcome.ending != "repeated":
            self._let_go()
        return outcome

    def _let_go(self) -> None:
        """Free the memory of the trial that is over, at once.

        The half million objects that the libraries are made of are set aside the first time: a collection looks through
        all that are not, .2 to .4 s of each trial.
        """
        gc.collect()
        if not self._set_aside:  # asking gc.get_freeze_count() would count them, which takes as long
            self._set_aside = True
            gc.freeze()

    def _trained(self, trial: optuna.Trial) -> Outcome:
        chosen = suggested(trial, self.study.search.dimensions)
        twin = self._twin(trial)
        if twin is not None:
            trial.set_user_attr(attributes.SAME_AS, twin.number)
            for name, value in twin.constraints.items():  # gp wants every trial to have the same ones
                trial.set_constraint(name, value)
            values = tuple(twin.values) if twin.state.name == "COMPLETE" else ()
            return Outcome("repeated", values, f"the configuration of trial {twin.number}")
        config = self.study.config(chosen, self._threads)
        trial.set_user_attr(WHOLE, tokens_of(config))
        told = " ".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in chosen.items()
        )
        resume_of = trial.user_attrs.get(attributes.RESUME_OF)
        self._say(
            f"trial {trial.number} {'begins' if resume_of is None else f'goes on from trial {resume_of}'}: {told}"
        )
        if refused := self._too_large(trial, config):
            return refused
        done: list[dict[str, Any]] = list(trial.user_attrs.get(attributes.INSTANCES, []))
        instances = self._instances(config)
        for number, instance in enumerate(instances):
            if number >= len(done):
                figures = self._instance(trial, config, instance, number, done)
                done.append(figures)
                trial.set_user_attr(attributes.INSTANCES, done)
                trial.set_user_attr(attributes.OPEN_RUN, None)
                trial.set_user_attr(attributes.FIGURES, _together(done))
                if figures["pruned"]:
                    trial.set_user_attr(attributes.SAVED, figures["saved_seconds"])
                    return Outcome("pruned", reason=figures["pruned"])
            if self.study.pruner == "wilcoxon":
                trial.report(done[number][self.study.objectives[0].name], number)
                if number + 1 < len(instances) and trial.should_prune():
                    rest = (len(instances) - number - 1) * _together(done)["seconds"] / (number + 1)
                    trial.set_user_attr(attributes.SAVED, rest)
                    return Outcome(
                        "pruned",
                        reason=f"wilcoxon: behind the best after {count(number + 1, 'training')} of {len(instances)}",
                    )
        figures = _together(done)
        told = ""
        if len(done) > 1:
            name = self.study.objectives[0].name
            _, low, high = student_t([one[name] for one in done])
            trial.set_user_attr(attributes.FIGURES, figures | {f"{name}/low": low, f"{name}/high": high})
            told = f"95 % interval {low:.4f} to {high:.4f} over {count(len(done), 'training')}"
        missing = [o.name for o in self.study.objectives if o.name not in figures]
        if missing:
            return Outcome("failed", reason=f"{missing[0]} has no value: its melodies are too short for it")
        values = tuple(float(figures[objective.name]) for objective in self.study.objectives)
        if not all(math.isfinite(value) for value in values):
            return Outcome("failed", reason=f"{self.study.objectives[0].name} is {values[0]}")
        if any(objective.musical for objective in self.study.objectives):
            trial.set_constraint(COPIED, too_much_copied(figures))
            told = "; ".join(part for part in (told, self._musical_words(figures)) if part)
        self._constrain(trial, "seconds", figures["seconds"], self.study.sweep.max_seconds)
        if len(done) == 1 and self.study.objectives[0].metric.grows:
            # A curve ends where its trial does, not at the last mark.
            spent = tokens_of(config) if self.study.sweep.budget == "tokens" else figures["seconds"]
            curve = list(trial.storage.get_trial(trial._trial_id).user_attrs.get(attributes.CURVE, []))
            trial.set_user_attr(attributes.CURVE, [*curve, (spent, values[0])])
        return Outcome("complete", values, told)

    def _musical_words(self, figures: dict[str, float]) -> str:
        """How far the melodies are from real ones, of how many, and whether they are copies."""
        parts = [
            f"{o.name}: AUC {figures[f'{o.name}.auc']:.2f} ({figures[f'{o.name}.auc/low']:.2f} to {figures[f'{o.name}.auc/high']:.2f})"
            for o in self.study.objectives
            if o.musical
        ]
        if too_much_copied(figures) > 0:
            parts.append(
                f"copies {figures[COPIED]:.1%} of its 8-grams, people {figures.get(HUMAN, 0.0):.1%}: cannot be the best"
            )
        return f"{', '.join(parts)}, {figures[SCORED]:.0f} melodies"

    def _instance(
        self, trial: optuna.Trial, config: Config, instance: Instance, number: int, done: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Train one seed and fold; its figures, with why it was pruned or an empty string."""
        several = instance.folds > 1 or len(self._instances(config)) > 1
        ending = f"-{number}" if several else ""
        config = dataclasses.replace(
            config,
            name=f"{self.study.name}-{trial.number}{ending}",
            seed=instance.seed,
            split=dataclasses.replace(config.split, folds=instance.folds, fold=instance.fold),
        )
        material = self._material(config)
        first = self.study.objectives[0]
        milestones = Milestones(self.study.marks)
        curve = [tuple(pair) for pair in trial.user_attrs.get(attributes.CURVE, [])] if number == 0 else []
        open_run = trial.user_attrs.get(attributes.OPEN_RUN)
        resume_of = trial.user_attrs.get(attributes.RESUME_OF)
        if curve and open_run:
            milestones.skip(curve[-1][0])
            self._report_again(trial, curve)
        watcher = Watcher(
            trial=trial,
            study=self.study,
            tokens=config.batch_size * config.seq_length,
            iterations=config.iterations,
            every=config.validation.every,
            milestones=milestones if number == 0 else Milestones([]),
            reports=not several and len(self.study.objectives) == 1 and first.metric.grows,
            curve=[(int(mark), float(value)) for mark, value in curve],
            seconds_before=_together(done)["seconds"] if done else 0.0,
        )
        role = Role(
            tags={
                "musicexp": "trial",
                "study": self.study.name,
                "trial": str(trial.number),
                **({"resume_of": str(resume_of)} if resume_of is not None else {}),
                **{f"swept.{name}": str(value) for name, value in trial.params.items()},
            },
            watch=watcher if config.trainer.devices == 1 else None,
            sides=("train", "val"),
            pruned_samples=self.study.limits.pruned_samples,
            opened=lambda run: trial.set_user_attr(attributes.OPEN_RUN, run),
            material=material,
        )
        if open_run:
            found = _left_by(config, open_run)
            if isinstance(found, dict):
                return found
            if found:
                config = dataclasses.replace(config, resume=open_run)
        result = conduct(config, Silent(), role, self._signals)
        return _figures(result)

    def _report_again(self, trial: optuna.Trial, curve: list[tuple[Any, ...]]) -> None:
        """What the trial that this one goes on from had reported is this one's curve too."""
        if len(self.study.objectives) == 1 and self.study.objectives[0].metric.grows:
            for mark, value in curve:
                trial.report(value, int(mark))

    def _instances(self, config: Config) -> list[Instance]:
        """In order: fold by fold, and seed by seed within a fold. The same for every configuration: they are paired."""
        sweep = self.study.sweep
        of_split = sweep.folds if config.split.table is None else 0
        folds = [(fold, of_split) for fold in range(sweep.folds)] or [(config.split.fold, config.split.folds)]
        return [Instance(config.seed + k, fold, of) for fold, of in folds for k in range(sweep.seeds)]

    def _material(self, config: Config) -> Material:
        """Prepared once for all trials that have the same data."""
        key = json.dumps(
            [dataclasses.asdict(part) for part in (config.dataset, config.split, config.tokens)]
            + [config.samples.prime]
        )
        if key not in self._materials:
            self._materials.clear()  # a worker holds one at a time
            self._materials[key] = prepare(config, cache_dir(store_uri(config.tracking.uri)))
        return self._materials[key]

    def _twin(self, trial: optuna.Trial) -> Any:
        """Another trial of the very same configuration: training it again would give the very same figures."""
        if attributes.RESUME_OF in trial.user_attrs:
            return None
        for other in self.study.trials():
            unlike = other.number == trial.number or attributes.SAME_AS in other.user_attrs
            if (
                not unlike
                and other.state.name in ("COMPLETE", "PRUNED", "RUNNING")
                and other.params == trial.params
            ):
                return other
        return None

    def _too_large(self, trial: optuna.Trial, config: Config) -> Outcome | None:
        most = self.study.sweep.max_parameters
        if most is None:
            return None
        number = parameters(config, self._material(config))
        self._constrain(trial, "parameters", number, most)
        trial.set_user_attr(attributes.FIGURES, {"parameters": float(number), "seconds": 0.0})
        if number <= most:
            return None
        return Outcome("pruned", reason=f"max_parameters: {number:,} parameters are more than {most:,}")

    def _constrain(self, trial: optuna.Trial, name: str, value: float, most: float | None) -> None:
        if most is not None:
            trial.set_constraint(name, value - most)

    def _out_of_memory(self, error: Exception) -> Outcome:
        said = " ".join(str(error).split())
        if isinstance(error, MemoryError) or any(words in said.lower() for words in FOR_MEMORY):
            return Outcome(
                "failed",
                reason="memory ran out; search smaller models, batches or windows, or take fewer workers",
            )
        return self._bug(error)

    def _bug(self, error: Exception) -> Outcome:
        traceback.print_exception(error, file=sys.stderr)
        return Outcome("failed", reason=f"a bug: {type(error).__name__}: {error}")

    def _tell(self, trial: optuna.Trial, outcome: Outcome) -> Outcome:
        """Tell the study how a trial ended; if it was given up meanwhile, nobody wants to know."""
        from optuna.trial import TrialState

        study = self.study
        with study.storage.alone(study.name):
            frozen = study.storage.shared.get_trial(trial._trial_id)
            if frozen.state != TrialState.RUNNING or outcome.ending == "lost":
                return Outcome(
                    "lost", reason="it was given up as lost meanwhile, and another goes on with it"
                )
            trial.set_user_attr(attributes.REASON, outcome.reason)
            if outcome.values:
                study.inner.tell(trial, list(outcome.values))
            elif outcome.ending == "pruned":
                if study.sweep.max_seconds is not None and outcome.reason.startswith("max_seconds"):
                    self._constrain(trial, "seconds", 2 * study.sweep.max_seconds, study.sweep.max_seconds)
                study.inner.tell(trial, state=TrialState.PRUNED)
            else:
                trial.set_user_attr(attributes.ENDED, outcome.ending)
                study.inner.tell(trial, state=TrialState.FAIL)
                if outcome.ending == "interrupted":
                    study.let_go_on(frozen, int(frozen.user_attrs.get(attributes.LOSSES, 0)))
        return outcome


def _figures(result: RunResult) -> dict[str, Any]:
    """What one training gave."""
    rate = result.iterations / result.seconds if result.seconds else 0.0
    val, train = result.likelihoods["val"], result.likelihoods.get("train")
    return {
        "run": result.id,
        "bits_per_note/val": val.bits_per_note,
        "nll_nats/val": val.nats_per_token,
        **({"nll_nats/train": train.nats_per_token} if train else {}),
        "seconds": result.seconds,
        "parameters": float(result.parameters),
        "iterations_per_second": rate,
        **(musical_figures(result.judgement.as_dict()) if result.judgement else {}),
        "pruned": result.pruned or "",
        "saved_seconds": (result.config.iterations - result.iterations) / rate
        if result.pruned and rate
        else 0.0,
    }


def _left_by(config: Config, run_id: str) -> dict[str, Any] | bool:
    """What a run of a lost worker holds: its figures if it was finished, else whether one can go on with it."""
    store = open_store(store_uri(config.tracking.uri), config.tracking.experiment)
    try:
        run = store.find(run_id)
    except RunError:
        return False  # deleted meanwhile
    if run.status == "FINISHED" and run.has("summary.json"):
        told = json.loads(run.read("summary.json"))
        rate = told["iterations"] / told["seconds"] if told["seconds"] else 0.0
        return {
            "run": run.id,
            "bits_per_note/val": told["bits_per_note"]["val"],
            **{f"nll_nats/{side}": value for side, value in told["nll_nats"].items()},
            "seconds": told["seconds"],
            "parameters": float(told["parameters"]),
            "iterations_per_second": rate,
            **musical_figures(told.get("music")),
            "pruned": run.tags.get("pruned", ""),
            "saved_seconds": 0.0,
        }
    return run.has("config.yaml")


def _together(done: list[dict[str, Any]]) -> dict[str, float]:
    """The figures of a trial: means over its trainings, and the sum of their seconds."""
    numbers = [
        name for name, value in done[0].items() if isinstance(value, float) and all(name in d for d in done)
    ]
    means = {name: math.fsum(d[name] for d in done) / len(done) for name in numbers}
    return {**means, "seconds": math.fsum(d["seconds"] for d in done)}
