"""What goes together and what does not: one table, asked before anything starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from musicexp.config import Dimension, Search
from musicexp.errors import SettingError
from musicexp.music.fold_table import read_table
from musicexp.sweep.objectives import Objective, objectives

VOCABULARY_SETTINGS = ("tokens", "dataset", "tokens.", "dataset.", "split.")
"""What changes the tokens, or the pieces that are validated: losses per token are then of different things."""


@dataclass(frozen=True)
class Feature:
    """Something that is asked of samplers and pruners, and the ones that cannot.

    Attributes:
        told: the feature in words, with what asks for it in braces.
        not_with: sampler or pruner -> why not and what to do.
    """

    told: str
    not_with: dict[str, str]


TAKE_TPE = "take sampler=tpe, gp, random or nsga2"
LARGEST_GRID = 20_000
FEWEST_SCORED = 16
"""With fewer melodies the interval of an AUC is as wide as the scale."""

FEATURES = {
    "constraints": Feature(
        "constraints (max_parameters, max_seconds, or an objective of music/, whose melodies must be no copies)",
        {
            **{
                f"sampler={name}": f"{name} knows no constraints; {TAKE_TPE}"
                for name in ("cmaes", "grid", "qmc")
            },
        },
    ),
    "several objectives": Feature(
        "several objectives",
        {
            "sampler=cmaes": f"cmaes knows one objective; {TAKE_TPE}",
            **{
                f"pruner={name}": "with several objectives no trial can be called worse half-way; write pruner=none"
                for name in ("median", "hyperband", "patient", "wilcoxon")
            },
            "terminator": "the terminator knows one objective; leave it out",
            "confirm": "several objectives have no single best to confirm; give one, or leave confirm out",
        },
    ),
    "an objective without a curve": Feature(
        "an objective that is known at the end only",
        {
            f"pruner={name}": "it cannot be compared half-way; write pruner=none"
            for name in ("median", "hyperband", "patient")
        },
    ),
    "one training": Feature(
        "one training for each configuration",
        {
            "pruner=wilcoxon": "wilcoxon compares seeds or folds; write seeds=5 or folds=5, or take pruner=median"
        },
    ),
    "several trainings": Feature(
        "several seeds or folds",
        {
            f"pruner={name}": "it compares the curve of one training, and each configuration has several; take pruner=wilcoxon"
            for name in ("median", "hyperband", "patient")
        },
    ),
    "several devices": Feature(
        "trainer.devices above 1",
        {
            **{
                f"pruner={name}": "a training on several devices is not ended half-way; write pruner=none or trainer.devices=1"
                for name in ("median", "hyperband", "patient")
            },
            "max_seconds": "a training on several devices is not ended half-way; leave max_seconds out",
        },
    ),
    "choices": Feature(
        "choices in the space",
        {"sampler=cmaes": "cmaes moves along numbers; write intervals or ranges, or take sampler=tpe"},
    ),
    "one swept setting": Feature(
        "a space of one setting",
        {"sampler=cmaes": "cmaes needs at least two; sweep another setting, or take sampler=tpe"},
    ),
    "intervals": Feature(
        "intervals in the space",
        {"sampler=grid": "an interval has no grid; write choice(...) or range(...), or take sampler=qmc"},
    ),
    "first": Feature("first=", {"sampler=grid": "a grid holds every configuration already; leave first out"}),
    "warm_start": Feature(
        "warm_start=",
        {
            "sampler=grid": "a grid learns nothing from other studies; leave warm_start out",
            "sampler=random": "random search learns nothing from other studies; leave warm_start out",
            "sampler=qmc": "qmc learns nothing from other studies; leave warm_start out",
            "sampler=cmaes": "cmaes learns from its own generations only; take sampler=tpe or gp",
            "sampler=nsga2": "nsga2 learns from its own generations only; take sampler=tpe or gp",
        },
    ),
    "a swept seed": Feature(
        "a swept seed",
        {
            "confirm": "a confirmation trains each of the best with seeds of its own; sweep no seed, or leave it out"
        },
    ),
    "folds of the split": Feature(
        "split.folds or split.fold", {"folds": "the sweep sets them for each of its folds; leave them out"}
    ),
}
"""Everything that some sampler, pruner or setting cannot do. What is not named here goes together."""


def features(search: Search, wanted: Sequence[Objective]) -> list[str]:
    """Which features a sweep asks for."""
    sweep, dimensions = search.sweep, search.dimensions
    trainings = max(sweep.seeds, 1) * max(sweep.folds, 1)
    default = search.config()
    asked = {
        "constraints": sweep.max_parameters is not None
        or sweep.max_seconds is not None
        or any(objective.musical for objective in wanted),
        "several objectives": len(wanted) > 1,
        "an objective without a curve": len(wanted) == 1 and not wanted[0].metric.grows,
        "one training": trainings == 1,
        "several trainings": trainings > 1,
        "several devices": default.trainer.devices > 1
        or any(d.name == "trainer.devices" for d in dimensions),
        "choices": any(d.choices for d in dimensions),
        "one swept setting": len(dimensions) == 1,
        "intervals": any(d.grid() is None for d in dimensions),
        "first": bool(sweep.first),
        "warm_start": sweep.warm_start is not None,
        "a swept seed": any(d.name == "seed" for d in dimensions),
        "folds of the split": bool(default.split.folds or default.split.fold)
        or any(d.name.startswith("split.fold") for d in dimensions),
    }
    return [name for name, there in asked.items() if there]


def pruner_of(search: Search, wanted: Sequence[Objective]) -> str:
    """The pruner in use: what `auto` stands for is fixed by the sweep's settings."""
    if search.sweep.pruner != "auto":
        return search.sweep.pruner
    asked = features(search, wanted)
    if "several objectives" in asked or "several devices" in asked:
        return "none"
    if "several trainings" in asked:
        return "wilcoxon"
    return "none" if "an objective without a curve" in asked else "median"


def check_together(search: Search) -> None:
    """Refuse what cannot go together.

    Raises:
        SettingError: the first pair that cannot, why, and what to do.
    """
    sweep = search.sweep
    wanted = objectives(sweep.objective)
    parts = [f"sampler={sweep.sampler}", f"pruner={pruner_of(search, wanted)}"]
    parts += ["terminator"] if sweep.terminator else []
    parts += ["confirm"] if sweep.confirm else []
    parts += ["folds"] if sweep.folds else []
    parts += ["max_seconds"] if sweep.max_seconds is not None else []
    for name in features(search, wanted):
        for part in parts:
            why = FEATURES[name].not_with.get(part)
            if why:
                raise SettingError(f"{part} and {FEATURES[name].told} do not go together: {why}")
    _check_folds(search)
    _check_vocabulary(search.dimensions, wanted)
    _check_scored(search, wanted)
    size = math.prod(len(d.grid() or ()) for d in search.dimensions)
    if sweep.sampler == "grid" and size > LARGEST_GRID:
        raise SettingError(
            f"the grid has {size:,} configurations, and at most {LARGEST_GRID:,} are enqueued; take coarser ranges or sampler=qmc"
        )
    if search.needs_limit and sweep.timeout is None and sweep.max_cost is None:
        raise SettingError(
            f"search={search.name} has no natural end on one machine: give a limit, timeout=SECONDS or max_cost=HOURS, such as timeout=28800 for a night; the estimate above says what it would cost"
        )


def _check_scored(search: Search, wanted: Sequence[Objective]) -> None:
    scored = search.config().samples.scored
    for objective in wanted:
        if objective.musical and scored < FEWEST_SCORED:
            raise SettingError(
                f"objective={objective.name} is measured on scored melodies, and samples.scored={scored} are too few to tell anything; "
                f"take at least {FEWEST_SCORED}, or leave samples.scored out"
            )


def _check_folds(search: Search) -> None:
    """A table of folds has as many as it has."""
    table, folds = search.config().split.table, search.sweep.folds
    if table is not None and folds and folds != (there := read_table(table).folds):
        raise SettingError(
            f"folds={folds} and split.table={table} do not go together: the table has {there}; write folds={there}, or leave split.table out"
        )


def _check_vocabulary(dimensions: Sequence[Dimension], wanted: Sequence[Objective]) -> None:
    swept = [d.name for d in dimensions if d.name.startswith(VOCABULARY_SETTINGS)]
    for objective in wanted:
        if swept and not objective.metric.across_vocabularies:
            raise SettingError(
                f"objective={objective.name} and a swept {swept[0]} do not go together: nats per token compare only within one vocabulary; take objective=bits_per_note/val"
            )
    of_other_pieces = [
        name
        for name in swept
        # Training pieces alone are transposed.
        if name.startswith(("dataset", "split.")) and name != "dataset.transpose"
    ]
    if of_other_pieces:
        raise SettingError(
            f"{of_other_pieces[0]} cannot be swept: every value has validation pieces of its own, so that figures do not compare; make a study of each"
        )
