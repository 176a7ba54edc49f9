"""What makes a study this one: its objectives, its name, its settings, and what it begins with."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from searches import search_of, sweep_of

from musicexp.config import Dimension, Search, compose_search, confirmation
from musicexp.errors import RunError, SettingError
from musicexp.sweep.cost import cost_lines
from musicexp.sweep.first import prepare_study
from musicexp.sweep.objectives import METRICS, Objective, objectives
from musicexp.sweep.storage import Storage
from musicexp.sweep.study import (
    FIGURES,
    LIMITS,
    NOT_OF_THE_STUDY,
    WARM,
    Place,
    Study,
    generated_name,
    load_study,
    open_study,
)

LR = Dimension("lr", 1e-4, 1e-1, log=True)
BATCH = Dimension("batch_size", choices=(8, 12, 16))
PLACE = Place("sqlite:///runs.db", "musicexp")


# Objectives and confirmation -----------------------------------------------------------------------


def test_objectives_have_their_usual_direction_or_the_one_given() -> None:
    assert objectives(["bits_per_note/val"]) == (Objective("bits_per_note/val", "minimize"),)
    several = objectives(["iterations_per_second", "parameters:maximize", "seconds:minimize"])
    assert [o.direction for o in several] == ["maximize", "maximize", "minimize"]
    assert [o.better(1.0, 2.0) for o in several] == [False, False, True]
    assert {o.name for o in objectives(list(METRICS))} == set(METRICS)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("bits_per_note/test", "never for choosing; take bits_per_note/val"),
        (
            "music/test",
            "objective=music/test is no metric that can be optimised: take some of bits_per_note/val,",
        ),
        ("music/grove", "did you mean music/groove? There are bits_per_note/val,"),
        (
            "music/groove:maximize",
            "it is how far melodies are from real ones, |AUC - .5|, so leave :maximize out",
        ),
        ("music/copied_8grams", "objective=music/copied_8grams is no metric that can be optimised"),
        ("loss", "objective=loss is no metric that can be optimised"),
        ("seconds:min", "behind the colon stands minimize or maximize, not 'min'"),
        ("seconds:", "not ''"),
    ],
)
def test_objectives_that_are_refused(word: str, sentence: str) -> None:
    """music/test was answered with the advice to take music/val, which is none either."""
    with pytest.raises(SettingError, match=re.escape(sentence)):
        objectives([word])
    with pytest.raises(SettingError, match="objective=seconds stands twice; leave one out"):
        objectives(["seconds", "seconds:maximize"])


def test_a_confirmation_is_so_many_configurations_with_so_many_seeds() -> None:
    assert confirmation("3x5") == (3, 5)
    assert confirmation("1x2") == (1, 2)
    assert confirmation("12x100") == (12, 100)
    for wrong in ("3x1", "0x5", "3x", "x5", "3*5", "3 x 5", "-3x5", "3x5x2", "", "1000x2", "3X5"):
        assert confirmation(wrong) is None, wrong


# Names ---------------------------------------------------------------------------------------------


def test_the_same_command_gives_the_same_name() -> None:
    search = search_of((LR, BATCH))
    assert generated_name(search) == generated_name(search_of((LR, BATCH)))
    assert re.fullmatch(r"ryans-lr-batch_size-[0-9a-f]{6}", generated_name(search))


NOT_IDENTITY: dict[str, Any] = {
    "trials": 99,
    "workers": 2,
    "timeout": 60.0,
    "max_cost": 1.0,
    "max_failures": 3,
    "terminator": True,
    "pruned_samples": True,
    "confirm": "3x5",
    "launcher": "ray",
    "storage": "elsewhere.db",
}
IDENTITY: dict[str, Any] = {
    "sampler": "random",
    "sampler_seed": 1,
    "pruner": "none",
    "budget": "seconds",
    "objective": ("nll_nats/val",),
    "seeds": 2,
    "folds": 3,
    "max_parameters": 1000,
    "max_seconds": 5.0,
    "first": ("none",),
    "warm_start": "other",
}


def test_limits_do_not_change_a_name_and_every_other_setting_does() -> None:
    name = generated_name(search_of((LR, BATCH)))
    for key, value in NOT_IDENTITY.items():
        assert generated_name(search_of((LR, BATCH), **{key: value})) == name, key
    others = {generated_name(search_of((LR, BATCH), **{key: value})) for key, value in IDENTITY.items()}
    assert len(others | {name}) == len(IDENTITY) + 1
    fields = {f.name for f in dataclasses.fields(sweep_of())}
    assert set(NOT_IDENTITY) | set(IDENTITY) | {"study", "ray"} == fields, "a new setting is one or the other"
    assert set(LIMITS) < set(NOT_OF_THE_STUDY)


def test_the_space_and_the_settings_of_its_runs_change_a_name_and_their_place_does_not() -> None:
    names = [
        generated_name(search_of((LR, BATCH), base))
        for base in (
            {},
            {"seed": 1},
            {"iterations": 7},
            {"tracking.experiment": "x", "checkpoint.seconds": 5.0},
        )
    ]
    assert len(set(names[:3])) == 3
    assert names[3] == names[0]
    assert generated_name(search_of((LR,))) != generated_name(
        search_of((dataclasses.replace(LR, log=False),))
    )


def test_a_generated_name_is_one_that_a_command_line_takes() -> None:
    """dataset.name='my tunes/1=2' made a study that `worker` took for a setting."""
    name = generated_name(search_of((LR,), {"dataset.name": "my tunes/1=2"}))
    assert re.fullmatch(r"[\w.+-]{1,100}", name)


@pytest.fixture(autouse=True)
def _as_in_a_sweep() -> None:
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


# Opening -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    return Storage(f"sqlite:///{tmp_path_factory.mktemp('studies') / 'optuna.db'}")


Opened = Callable[[Search], Study]


@pytest.fixture
def opened(_empty: Storage, request: pytest.FixtureRequest) -> Opened:
    """Opens a study under the name of the test, in a database that all tests share, since it takes long to make."""

    def open_it(search: Search) -> Study:
        named = search.sweep.study or re.sub(r"\W", "_", request.node.name)
        return open_study(
            _empty, dataclasses.replace(search, sweep=dataclasses.replace(search.sweep, study=named)), PLACE
        )[0]

    return open_it


def prepared(study: Study) -> list[str]:
    """Prepare a study; what was said."""
    said: list[str] = []
    prepare_study(study, said.append)
    return said


def waiting(study: Study) -> list[dict[str, Any]]:
    return [t.params for t in study.trials() if t.state.name == "WAITING"]


def test_a_study_goes_on_with_the_same_definition(opened: Opened) -> None:
    """checkpoint.seconds and tracking.system_metrics were forgotten by the study, so that no worker heard of them."""
    base = {"seq_length": 50, "checkpoint.seconds": 5.0, "tracking.system_metrics": True}
    first = opened(search_of((LR, BATCH), base, trials=7))
    again = opened(search_of((LR, BATCH), {**base, "checkpoint.seconds": 9.0}, trials=9, workers=2))
    assert again.search.sweep == first.search.sweep
    assert again.search.dimensions == first.search.dimensions == (LR, BATCH)
    assert again.marks == first.marks
    config = load_study(first.storage, first.name).config({"lr": 0.01, "batch_size": 8})
    assert (config.seq_length, config.checkpoint.seconds, config.tracking.system_metrics) == (50, 5.0, True)
    assert config.tracking.uri == PLACE.tracking_uri


@pytest.mark.parametrize(
    ("dimensions", "base", "sweep", "told"),
    [
        ((LR, BATCH), {}, {"sampler": "random"}, "sampler was 'tpe', now 'random'"),
        ((LR, BATCH), {}, {"max_seconds": 5.0}, "max_seconds was null, now 5.0"),
        ((LR, BATCH), {"seed": 1}, {}, "then without, now seed=1"),
        ((LR,), {}, {}, "then batch_size in [8, 12, 16], now without"),
        (
            (dataclasses.replace(LR, high=0.2), BATCH),
            {},
            {},
            "then lr from 0.0001 to 0.1 by ratios, now lr from 0.0001 to 0.2 by ratios",
        ),
        (
            (dataclasses.replace(LR, log=False), BATCH),
            {},
            {},
            "then lr from 0.0001 to 0.1 by ratios, now lr from",
        ),
        ((BATCH, LR), {}, {}, "the same in another order"),
    ],
)
def test_a_study_of_another_definition_is_refused(
    opened: Opened, dimensions: Any, base: Any, sweep: Any, told: str
) -> None:
    """lr with and without log was told as 'then lr from 1e-4 to 0.1, now lr from 1e-4 to 0.1'."""
    opened(search_of((LR, BATCH)))
    with pytest.raises(SettingError) as caught:
        opened(search_of(dimensions, base, **sweep))
    sentence = str(caught.value)
    assert told in sentence
    assert "was begun with other settings" in sentence
    assert "give the same ones to go on with it, or another name with study=NAME" in sentence
    assert "\n" not in sentence


def test_a_study_whose_runs_go_elsewhere_is_refused(opened: Opened) -> None:
    study = opened(search_of((LR,)))
    search = search_of((LR,), study=study.name)
    with pytest.raises(SettingError, match=r"go to experiment musicexp of sqlite:///runs\.db, not to x of y"):
        open_study(study.storage, search, Place("y", "x"))


def test_a_study_that_is_not_there_or_not_ours_is_refused(opened: Opened) -> None:
    storage = opened(search_of((LR,))).storage
    with pytest.raises(RunError, match="there is no study 'nothing' here; the studies are "):
        load_study(storage, "nothing")
    optuna.create_study(storage=storage.shared, study_name="foreign")
    with pytest.raises(RunError, match="was not made by musicexp"):
        load_study(storage, "foreign")


# Beginnings ----------------------------------------------------------------------------------------


def test_presets_within_the_space_are_tried_first_and_others_left_out(opened: Opened) -> None:
    study = opened(search_of((LR, BATCH), first=("none", "original", "tuned")))
    assert prepared(study) == []
    assert waiting(study) == [
        {"lr": 5e-3, "batch_size": 16},
        {"lr": 5e-3, "batch_size": 8},
        {"lr": 1e-3, "batch_size": 12},
    ]
    assert prepared(study) == [], "a second command enqueues nothing again"
    assert len(waiting(study)) == 3


def test_a_preset_outside_the_space_is_told(opened: Opened) -> None:
    study = opened(search_of((LR, Dimension("batch_size", choices=(8, 16))), first=("original", "tuned")))
    assert prepared(study) == ["         first=tuned is left out: the space does not hold its batch_size=12"]
    assert waiting(study) == [{"lr": 5e-3, "batch_size": 8}]


def test_a_presets_own_groups_are_known(opened: Opened) -> None:
    """With model or experiment swept, every preset was left out, as `its model=?`."""
    study = opened(
        compose_search(["model=choice(lstm1,lstm3)", "experiment=choice(none,tuned)", "first=[none,tuned]"])
    )
    assert prepared(study) == []
    assert waiting(study) == [
        {"model": "lstm3", "experiment": "none"},
        {"model": "lstm3", "experiment": "tuned"},
    ]


GRID = (Dimension("lr", 0.1, 0.3, step=0.1), Dimension("batch_size", choices=(8, 16)))


def all_claimed(study: Study) -> list[dict[str, Any]]:
    """What a single worker is given, one after another, until the study is over."""
    given: list[dict[str, Any]] = []
    while isinstance(claimed := study.claim(), int):
        trial = study.storage.shared.get_trial(claimed)
        given.append(dict(trial.params))
        study.storage.shared.set_trial_state_values(claimed, optuna.trial.TrialState.COMPLETE, [1.0])
    assert claimed == "over"
    return given


def test_a_grid_is_tried_whole_and_in_order_and_one_waits_at_a_time(opened: Opened) -> None:
    """Optuna reads every waiting trial again whenever it reads any: with 500 of them a claim took a second."""
    study = opened(search_of(GRID, sampler="grid", trials=50))
    assert prepared(study) == []
    assert waiting(study) == []
    assert [tuple(p.values()) for p in all_claimed(study)] == [
        (lr, size) for lr in (0.1, 0.2, 0.3) for size in (8, 16)
    ]
    assert (study.size, study.target) == (6, 6)
    assert study.over()


def test_a_part_of_a_grid_is_a_random_part(opened: Opened) -> None:
    study = opened(search_of(GRID, sampler="grid", trials=4))
    assert prepared(study) == ["         trials=4 of the grid's 6 configurations, in random order"]
    assert study.target == 4
    points = all_claimed(study)
    assert len({tuple(p.values()) for p in points}) == 4
    assert {p["lr"] for p in points} == {0.1, 0.2, 0.3}


def finished(study: Study, *lrs: float, seconds: float = 3.0) -> Study:
    """A study with complete trials at these learning rates."""
    for lr in lrs:
        trial = optuna.create_trial(
            params={"lr": lr, "batch_size": 8},
            distributions=study.distributions(),
            values=[lr] * len(study.objectives),
            user_attrs={FIGURES: {"seconds": seconds, "parameters": 500.0}},
            intermediate_values=dict.fromkeys(study.marks, lr),
        )
        study.inner.add_trial(trial)
    return study


def test_finished_trials_within_the_space_are_lent_and_do_not_count(opened: Opened) -> None:
    """Lent trials had no constraints, and gp refuses trials of which some have constraints and some have none."""
    finished(opened(search_of((LR, BATCH), study="lender")), 0.001, 0.01, 0.09)
    narrow = (dataclasses.replace(LR, high=0.05), BATCH)
    study = opened(search_of(narrow, warm_start="lender", sampler="gp", max_parameters=400, max_seconds=4.0))
    assert prepared(study) == ["         2 trials of study lender to learn from"]
    lent = study.inner.get_trials()
    assert [t.user_attrs[WARM] for t in lent] == ["lender 0", "lender 1"]
    assert [t.constraints for t in lent] == [{"parameters": 100.0, "seconds": -1.0}] * 2
    assert (study.trials(), study.finished()) == ([], [])


def test_curves_are_lent_where_they_compare(opened: Opened) -> None:
    """The best trial of all had no curve, so that wilcoxon stopped pruning."""
    finished(opened(search_of((LR, BATCH), study="curves")), 0.001)
    for budget in ("tokens", "seconds"):
        study = opened(search_of((LR, BATCH), study=f"by-{budget}", warm_start="curves", budget=budget))
        prepared(study)
        assert bool(study.inner.trials[0].intermediate_values) == (budget == "tokens")


def warm_refusals() -> dict[str, tuple[Search, str]]:
    both = (LR, BATCH)
    return {
        "missing": (search_of(both, warm_start="gone"), "warm_start=gone: there is no study 'gone' here"),
        "itself": (
            search_of(both, study="itself", warm_start="itself"),
            "is this study itself; name another",
        ),
        "direction": (
            search_of(both, warm_start="source", objective=("bits_per_note/val:maximize",)),
            "optimised bits_per_note/val:minimize, this study bits_per_note/val:maximize; give the same objective",
        ),
        "pieces": (
            search_of(both, {"split.seed": 3}, warm_start="source"),
            "trained on another split, so its figures mean something else; leave it out",
        ),
        "space": (
            search_of((dataclasses.replace(LR, low=0.05), BATCH), warm_start="source"),
            "has no finished trial within this space; leave it out",
        ),
        "seeds": (
            search_of(both, warm_start="source", seeds=3),
            "other seeds or folds, which wilcoxon cannot compare with this study's; give the same ones, or",
        ),
    }


@pytest.mark.parametrize("case", ["missing", "itself", "direction", "pieces", "space", "seeds"])
def test_a_warm_start_that_means_something_else_is_refused_and_leaves_no_study(
    opened: Opened, case: str
) -> None:
    """A mistyped warm_start left an empty study behind, which then refused the mended command under its name.

    And two studies that differ in direction only were told apart by the same name.
    """
    finished(opened(search_of((LR, BATCH), study="source")), *([] if case == "itself" else [0.001]))
    search, sentence = warm_refusals()[case]
    study = opened(search)
    with pytest.raises(SettingError) as caught:
        prepared(study)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(RunError, match="there is no study"):
        load_study(study.storage, study.name)


# Costs ---------------------------------------------------------------------------------------------


def test_a_cost_is_told_for_a_trial_and_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musicexp.sweep.cost.seconds_a_flop", lambda: 1e-9)
    one, other = (
        cost_lines(search_of((LR, BATCH), trials=10), 2),
        cost_lines(search_of((LR, BATCH), trials=20), 1),
    )
    assert "a trial would take about" in one[0]
    assert "10 trials with 2 workers about" in one[1]
    assert "20 trials with 1 worker about" in other[1]


def test_a_space_most_of_which_cannot_be_has_a_cost_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no configuration drawn that goes together, the mean of nothing was a traceback."""
    monkeypatch.setattr("musicexp.sweep.cost.seconds_a_flop", lambda: 1e-9)
    odd = search_of((Dimension("batch_size", choices=(3, 5)),), {"trainer.devices": 2})
    monkeypatch.setattr("musicexp.sweep.cost.DRAWN", 5)
    assert "20 trials" in cost_lines(odd, 1)[1]
