"""A study as plain values, for tables and pages: what was asked, what every trial gave, what was confirmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["complete", "pruned", "failed", "interrupted", "running"]
Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Objective:
    """A metric that the study optimises, such as bits_per_note/val."""

    metric: str
    direction: Direction = "minimize"


@dataclass(frozen=True)
class Dimension:
    """A swept setting.

    Attributes:
        name: dotted, such as lr or model.hidden_size.
        low, high: of a range, both included; None for choices.
        choices: of a categorical setting, in the order given.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Attributes:
        settings: the swept ones, dotted name -> value.
        values: of the objectives, in their order; empty unless complete.
        curve: (budget spent, objective) at the marks where pruners compare; budget in tokens or seconds.
        figures: whatever else was measured, such as seconds, parameters, bits_per_note/val.
        seconds: of training; of all its runs, if it has several seeds.
        saved_seconds: an estimate of what pruning saved; 0 where nothing was pruned.
        runs: ids of its runs in MLflow.
        reason: why it failed, was pruned or stopped; empty if complete.
        note: what more is known of a complete one's objective: its interval, and on how many melodies it was measured.
        feasible: whether it keeps the constraints.
        resume_of: the trial whose checkpoint it went on from.
    """

    number: int
    state: State
    settings: dict[str, Any]
    values: tuple[float, ...] = ()
    curve: tuple[tuple[float, float], ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    saved_seconds: float = 0.0
    runs: tuple[str, ...] = ()
    reason: str = ""
    note: str = ""
    feasible: bool = True
    resume_of: int | None = None


@dataclass(frozen=True)
class Importance:
    """How much of the objective's variation a setting explains, as a share, with a bootstrap interval."""

    setting: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Candidate:
    """A configuration that was trained again with paired seeds.

    Attributes:
        label: "trial 17" or "default".
        by_seed: the objective of each seed; the same seeds, in the same order, for every candidate.
        mean, low, high: with a 95 % Student-t interval.
        against_default: mean paired difference to the default with its interval, None for the default itself.
        test: mean test figure with its interval; only of the best.
    """

    label: str
    settings: dict[str, Any]
    by_seed: tuple[float, ...]
    mean: float
    low: float
    high: float
    against_default: tuple[float, float, float] | None = None
    test: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Study:
    """A study as it stands.

    Attributes:
        target: how many trials were asked for.
        words: the settings that are the same in every trial, as on the command line.
        budget: what pruners compare at equal amounts of, and what curves run along.
        importance: None below 30 finished trials or with several objectives.
        confirmed: candidates in order, the best first; empty if nothing was confirmed.
        best: ready words of the `run` command for the best (confirmed) or leading (not confirmed) trial; None if no trial finished.
        best_number: that trial; None if the default won.
        seconds: wall-clock time since the study began to its last trial.
        trained_seconds: summed over trials.
    """

    name: str
    objectives: tuple[Objective, ...]
    dimensions: tuple[Dimension, ...]
    trials: tuple[Trial, ...]
    target: int
    words: tuple[str, ...]
    dataset: str
    sampler: str
    pruner: str
    budget: Literal["tokens", "seconds"]
    workers: int
    seeds: int = 1
    importance: tuple[Importance, ...] | None = None
    confirmed: tuple[Candidate, ...] = ()
    best: tuple[str, ...] | None = None
    best_number: int | None = None
    seconds: float = 0.0
    trained_seconds: float = 0.0
    version: str = ""
