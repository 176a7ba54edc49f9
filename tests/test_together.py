"""What goes together: a table written from the issue and from Optuna's documentation, for every pair, against ours.

What we refuse, Optuna refuses, warns of or leaves unused in silence; what we allow, it really does.
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
import pytest
from searches import Composed, search_of, sweep_of

from musicexp.config import Dimension, Sweep
from musicexp.errors import SettingError
from musicexp.sweep.objectives import objectives
from musicexp.sweep.samplers import check_installed, distribution, pruner, sampler, suggested
from musicexp.sweep.study import Study
from musicexp.sweep.terminator import FEWEST_TRIALS, enough
from musicexp.sweep.together import FEATURES, LARGEST_GRID, check_together, pruner_of

optuna.logging.set_verbosity(optuna.logging.ERROR)

LR = Dimension("lr", 1e-4, 1e-1, log=True)
DROPOUT = Dimension("model.dropout", 0.0, 0.4, step=0.1)
SIZE = Dimension("model.hidden_size", 8.0, 64.0, whole=True)
BATCH = Dimension("batch_size", choices=(8, 16, 32))
KEEP = Dimension("keep", choices=("best", "last"))

AXES: dict[str, dict[str, dict[str, Any]]] = {
    "sampler": {
        f"sampler={name}": {"sampler": name}
        for name in ("tpe", "gp", "random", "qmc", "grid", "cmaes", "nsga2")
    },
    "pruner": {
        f"pruner={name}": {"pruner": name} for name in ("none", "median", "hyperband", "patient", "wilcoxon")
    },
    "objective": {
        "a curve": {},
        "known at the end": {"objective": ("seconds",)},
        "several objectives": {"objective": ("bits_per_note/val", "parameters")},
    },
    "constraints": {
        "unconstrained": {},
        "max_parameters": {"max_parameters": 1000},
        "max_seconds": {"max_seconds": 9.0},
    },
    "trainings": {"one training": {}, "seeds": {"seeds": 3}, "folds": {"folds": 3}},
    "space": {
        "intervals": {"dimensions": (LR, SIZE)},
        "steps": {"dimensions": (DROPOUT, SIZE)},
        "choices": {"dimensions": (BATCH, KEEP)},
        "one setting": {"dimensions": (SIZE,)},
        "a swept seed": {"dimensions": (DROPOUT, Dimension("seed", 0.0, 9.0, whole=True))},
    },
    "terminator": {"no terminator": {}, "terminator": {"terminator": True}},
    "warm": {"cold": {}, "warm_start": {"warm_start": "other"}},
    "first": {"no presets": {}, "first": {"first": ("none", "tuned")}},
    "devices": {"one device": {}, "two devices": {"base": {"trainer.devices": 2}}},
    "confirm": {"unconfirmed": {}, "confirm": {"confirm": "3x5"}},
}
"""Everything that a command may ask for, one of each axis."""

CURVES = ("pruner=median", "pruner=hyperband", "pruner=patient")
REFUSED = {
    *itertools.product(("sampler=cmaes", "sampler=grid", "sampler=qmc"), ("max_parameters", "max_seconds")),
    ("sampler=cmaes", "several objectives"),
    ("sampler=cmaes", "choices"),
    ("sampler=cmaes", "one setting"),
    ("sampler=grid", "intervals"),
    ("sampler=grid", "first"),
    *itertools.product(
        ("sampler=grid", "sampler=random", "sampler=qmc", "sampler=cmaes", "sampler=nsga2"), ("warm_start",)
    ),
    *itertools.product((*CURVES, "pruner=wilcoxon"), ("several objectives",)),
    *itertools.product(CURVES, ("known at the end", "seeds", "folds", "two devices")),
    ("pruner=wilcoxon", "one training"),
    ("several objectives", "terminator"),
    ("several objectives", "confirm"),
    ("max_seconds", "two devices"),
    ("a swept seed", "confirm"),
}
"""The pairs that cannot be, by the issue's text and by what Optuna's samplers and pruners are documented to do."""

WORDS = {
    "max_parameters": "max_parameters",
    "max_seconds": "max_seconds",
    "choices": "choices in the space",
    "one setting": "a space of one setting",
    "intervals": "intervals in the space",
    "known at the end": "known at the end",
    "one training": "one training",
    "seeds": "several seeds or folds",
    "folds": "several seeds or folds",
    "two devices": "trainer.devices above 1",
    "a swept seed": "a swept seed",
    "warm_start": "warm_start=",
    "first": "first=",
}
"""How a sentence names what is asked for, where it is not by the very word."""


def asked(options: Sequence[str]) -> Composed:
    """The search that asks for these, one of each axis."""
    given: dict[str, Any] = {}
    for axis, option in zip(AXES, options, strict=True):
        given |= AXES[axis][option]
    return search_of(given.pop("dimensions"), given.pop("base", None), **given)


def broken(options: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of the table that are among the options."""
    return [pair for pair in REFUSED if set(pair) <= set(options)]


def every_pair() -> list[tuple[str, ...]]:
    """For every two options of different axes some commands with both; the rest by chance, but always the same."""
    chance = random.Random(0)
    found = []
    for one, other in itertools.combinations(AXES, 2):
        for pair in itertools.product(AXES[one], AXES[other]):
            mine = dict(zip((one, other), pair, strict=True))
            at_random = {axis: mine.get(axis) or chance.choice(list(AXES[axis])) for axis in AXES}
            found.append(tuple(at_random.values()))
            # And once with neighbours that get in nobody's way, so that it is this pair which decides.
            quiet = {
                "sampler": "sampler=tpe",
                "pruner": "pruner=none",
                "space": "steps",
                **{
                    axis: next(iter(AXES[axis]))
                    for axis in AXES
                    if axis not in ("sampler", "pruner", "space")
                },
            } | mine
            if quiet["pruner"] == "pruner=wilcoxon" and "trainings" not in mine:
                quiet["trainings"] = "seeds"
            found.append(tuple(quiet[axis] for axis in AXES))
    return found


def test_every_pair_is_refused_or_allowed_as_the_table_says() -> None:
    seen: set[tuple[str, str]] = set()
    for options in every_pair():
        pairs = broken(options)
        seen |= set(pairs) if len(pairs) == 1 else set()
        if not pairs:
            check_together(asked(options))
            continue
        with pytest.raises(SettingError) as caught:
            check_together(asked(options))
        sentence = str(caught.value)
        assert "do not go together: " in sentence, options
        assert "\n" not in sentence
        named = [all(WORDS.get(part, part) in sentence for part in pair) for pair in pairs]
        assert any(named), (pairs, sentence)
    assert seen == REFUSED, "each refused pair was also met without any other beside it"


def test_every_refusal_says_what_to_do() -> None:
    for feature in FEATURES.values():
        for why in feature.not_with.values():
            assert any(verb in why for verb in ("take ", "write ", "leave ", "give ", "sweep ")), why


def test_auto_is_a_pruner_that_goes_with_the_rest() -> None:
    chance = random.Random(1)
    for _ in range(500):
        options = [chance.choice(list(choices)) for choices in AXES.values()]
        search = asked(options)
        search = search_of(search.dimensions, dict(search.base), **{**_given(options), "pruner": "auto"})
        chosen = pruner_of(search, objectives(search.sweep.objective))
        options[1] = f"pruner={chosen}"
        assert not [pair for pair in broken(options) if options[1] in pair], options


def _given(options: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for axis, option in zip(AXES, options, strict=True):
        given |= AXES[axis][option]
    return {key: value for key, value in given.items() if key not in ("dimensions", "base")}


def test_folds_of_the_sweep_and_of_the_split_are_not_given_both() -> None:
    with pytest.raises(SettingError, match=r"folds and split\.folds or split\.fold do not go together"):
        check_together(search_of((LR,), {"split.folds": 5}, folds=3))
    check_together(search_of((LR,), {"split.folds": 5}))


def test_a_swept_vocabulary_wants_an_objective_that_is_comparable_across_vocabularies() -> None:
    tokens = Dimension("tokens", choices=("notes", "events"))
    check_together(search_of((tokens, LR)))
    with pytest.raises(SettingError, match="nats per token compare only within one vocabulary"):
        check_together(search_of((tokens, LR), objective=("nll_nats/val",)))


@pytest.mark.parametrize("name", ["dataset", "dataset.limit", "dataset.parts", "split.val", "split.fold"])
def test_what_changes_the_validation_pieces_is_not_swept(name: str) -> None:
    with pytest.raises(SettingError, match="validation pieces of its own"):
        check_together(search_of((Dimension(name, choices=(1, 2)), LR)))


def test_transpositions_may_be_swept_since_training_pieces_alone_are_transposed() -> None:
    """dataset.transpose was refused with the words that it changes the validation pieces."""
    check_together(search_of((Dimension("dataset.transpose", choices=(0, 5)), LR)))


def test_a_grid_too_large_is_refused_before_it_is_made() -> None:
    """Sixty million configurations were listed first, and refused then."""
    wide = [
        Dimension(name, 1.0, 2048.0, whole=True) for name in ("model.hidden_size", "seq_length", "batch_size")
    ]
    with pytest.raises(SettingError, match=f"at most {LARGEST_GRID:,} are enqueued; take coarser ranges"):
        check_together(search_of(wide, sampler="grid"))


def test_a_search_without_end_demands_a_limit() -> None:
    endless = Composed(sweep_of(), "report", (LR,), (), True)
    with pytest.raises(SettingError, match="give a limit, timeout=SECONDS or max_cost=HOURS"):
        check_together(endless)
    check_together(Composed(sweep_of(timeout=60.0), "report", (LR,), (), True))
    check_together(Composed(sweep_of(max_cost=1.0), "report", (LR,), (), True))


def test_a_sampler_whose_package_is_missing_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """sampler=cmaes without its package failed trial by trial, as a bug of ours."""
    monkeypatch.setattr("musicexp.sweep.samplers.find_spec", lambda _: None)
    with pytest.raises(SettingError, match="needs the package cmaes, which is not installed"):
        check_installed(sweep_of(sampler="cmaes"))
    check_installed(sweep_of(sampler="tpe"))


# ---------------------------------------------------------------------------------------------------
# The same with the real Optuna, asked as a worker asks it.

MARKS = (10, 20, 40, 80)
SPACES = {"numbers": (LR, SIZE), "steps": (DROPOUT, SIZE), "choices": (BATCH, KEEP), "mixed": (LR, BATCH)}


@pytest.fixture(autouse=True)
def _as_in_a_sweep() -> None:
    # As musicexp.sweep.storage.quiet_optuna; every other warning of Optuna's is a failure here.
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def needs_package(name: str) -> None:
    if name == "cmaes":
        pytest.importorskip("cmaes")


def loss(params: dict[str, Any]) -> float:
    """A smooth function of any setting."""
    return sum(0.1 * len(v) if isinstance(v, str) else (float(v) % 7.3) ** 2 for v in params.values())


def searched(
    sweep: Sweep,
    dimensions: Sequence[Dimension],
    pruning: str = "none",
    trials: int = 12,
    constrain: Callable[[dict[str, Any]], float] | None = None,
    study: optuna.Study | None = None,
) -> optuna.Study:
    """Some trials of a function, each asked of a new sampler with its own number, as `Study.take_up` does."""
    wanted = objectives(sweep.objective)
    study = study or optuna.create_study(directions=[o.direction for o in wanted])
    study.pruner = pruner(pruning, MARKS)
    for _ in range(trials):
        number = len(study.get_trials(deepcopy=False))
        study.sampler = sampler(sweep, number, {d.name: distribution(d) for d in dimensions})
        trial = study.ask()
        params = suggested(trial, dimensions)
        assert all(d.holds(params[d.name]) for d in dimensions), params
        value = loss(params)
        if constrain is not None:
            trial.set_constraint("limit", constrain(params))
        stopped = False
        if pruning != "none":
            for step in range(4) if pruning == "wilcoxon" else MARKS:
                trial.report(value + 10.0 / (step + 1), step)
                stopped = stopped or trial.should_prune()
        if stopped:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, [value, -value][: len(wanted)])
    return study


def drawn(study: optuna.Study) -> list[dict[str, Any]]:
    return [t.params for t in study.get_trials(deepcopy=False)]


@pytest.mark.parametrize("pruning", ["none", "median", "hyperband", "patient", "wilcoxon"])
@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsga2"])
def test_samplers_and_pruners_work_together(name: str, pruning: str) -> None:
    needs_package(name)
    study = searched(sweep_of(sampler=name), (LR, SIZE), pruning)
    assert len({tuple(params.values()) for params in drawn(study)}) >= 10


def test_gp_works_with_a_pruner_with_choices_and_with_constraints() -> None:
    study = searched(
        sweep_of(sampler="gp"),
        (LR, BATCH),
        "hyperband",
        trials=13,
        constrain=lambda p: p["batch_size"] - 20.0,
    )
    assert len(study.trials) == 13


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "grid", "nsga2", "gp"])
def test_samplers_that_know_several_objectives(name: str) -> None:
    several = sweep_of(sampler=name, objective=("bits_per_note/val", "parameters"))
    study = searched(several, (LR,), trials=11 if name == "gp" else 12)  # gp models from its tenth on
    assert study.best_trials


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "nsga2"])
def test_samplers_take_every_kind_of_setting(name: str, space: str) -> None:
    study = searched(sweep_of(sampler=name), SPACES[space])
    for dimension in SPACES[space]:
        assert len({params[dimension.name] for params in drawn(study)}) > 1, dimension


def test_pruners_cannot_compare_several_objectives() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"])
    trial = study.ask()
    with pytest.raises(NotImplementedError):
        trial.report(1.0, 1)
    with pytest.raises(NotImplementedError):
        trial.should_prune()


@pytest.mark.parametrize(
    ("name", "heeds"), [("tpe", True), ("nsga2", True), ("qmc", False), ("grid", False), ("random", False)]
)
def test_which_samplers_heed_constraints(name: str, heeds: bool) -> None:
    """Random search heeds none either, but promises nothing; the best trial keeps the constraints all the same."""
    sweep = sweep_of(sampler=name, trials=16)
    free = searched(sweep, (LR, SIZE), trials=24)
    bound = searched(sweep, (LR, SIZE), trials=24, constrain=lambda p: p["model.hidden_size"] - 12.0)
    assert (drawn(free) != drawn(bound)) == heeds


def test_cmaes_warns_of_constraints_and_refuses_several_objectives() -> None:
    needs_package("cmaes")
    with pytest.warns(UserWarning, match="will not use them"):
        searched(sweep_of(sampler="cmaes"), (LR, SIZE), trials=1, constrain=lambda _: 1.0)
    several = sweep_of(sampler="cmaes", objective=("bits_per_note/val", "parameters"))
    with pytest.raises(ValueError, match="multi-objective"):
        searched(several, (LR, SIZE), trials=3)


def test_cmaes_moves_along_numbers_only_and_wants_two_of_them() -> None:
    needs_package("cmaes")
    study = searched(sweep_of(sampler="cmaes"), (LR, SIZE, KEEP), trials=4)
    relative = sampler(sweep_of(sampler="cmaes"), 9, {}).infer_relative_search_space(study, study.trials[-1])
    assert set(relative) == {"lr", "model.hidden_size"}


def lent(value: Callable[[dict[str, Any]], float]) -> optuna.Study:
    """A study that begins with twelve trials of another."""
    study, chance = optuna.create_study(), random.Random(3)
    distributions = {d.name: distribution(d) for d in (LR, SIZE)}
    for _ in range(12):
        params = {"lr": 10 ** chance.uniform(-4, -1), "model.hidden_size": chance.randint(8, 64)}
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=value(params)))
    return study


@pytest.mark.parametrize(
    ("name", "learns"),
    [("tpe", True), ("gp", True), ("nsga2", False), ("cmaes", False), ("qmc", False), ("random", False)],
)
def test_which_samplers_learn_from_lent_trials(name: str, learns: bool) -> None:
    """cmaes and nsga2 were lent trials that they leave unused: they go by generations of their own."""
    needs_package(name)
    first, second = (
        searched(sweep_of(sampler=name), (LR, SIZE), trials=1, study=lent(value))
        for value in (loss, lambda params: -loss(params))
    )
    assert (first.trials[-1].params != second.trials[-1].params) == learns


def test_workers_of_qmc_that_begin_at_once_draw_their_own_first_trial() -> None:
    """What is drawn before the sequence is known came from one seed: all workers trained one configuration first."""
    study, nothing = optuna.create_study(), optuna.create_trial(value=0.0)
    first = [
        sampler(sweep_of(sampler="qmc"), number, {}).sample_independent(
            study, nothing, "lr", distribution(LR)
        )
        for number in range(4)
    ]
    assert len(set(first)) == 4


class Searched:
    """As much of a Study as the terminator looks at."""

    def __init__(self, inner: optuna.Study) -> None:
        self.inner = inner

    def finished(self) -> list[optuna.trial.FrozenTrial]:
        return self.inner.trials


def test_the_terminator_judges_any_space_of_one_objective() -> None:
    inner = searched(sweep_of(sampler="random"), (LR, BATCH), trials=FEWEST_TRIALS - 1)
    fake: Any = Searched(inner)
    study: Study = fake
    assert enough(study) is None
    searched(sweep_of(sampler="random"), (LR, BATCH), trials=1, study=inner)
    assert enough(study) is None or "below the noise" in str(enough(study))
    several = sweep_of(sampler="random", objective=("bits_per_note/val", "seconds"))
    fake.inner = searched(several, (LR,), trials=FEWEST_TRIALS)
    with pytest.raises(RuntimeError, match="multi-objective"):
        enough(study)
