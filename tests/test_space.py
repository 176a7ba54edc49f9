"""The space of a sweep: Hydra's grammar as plain dimensions, and back again as words that compose to the same."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from searches import search_of, sweep_of

from musicexp.config import Dimension, compose, compose_each, compose_search, options_of, word
from musicexp.config.compose import override_of, parsed
from musicexp.config.space import sorted_space
from musicexp.errors import SettingError
from musicexp.sweep.samplers import distribution, sampler, suggested

FORMS = {
    "lr=interval(1e-4,1e-2)": Dimension("lr", 1e-4, 1e-2),
    "lr=interval(start=1e-4,end=1e-2)": Dimension("lr", 1e-4, 1e-2),
    "lr=tag(log,interval(1e-4,1e-2))": Dimension("lr", 1e-4, 1e-2, log=True),
    "batch_size=interval(1,64)": Dimension("batch_size", 1, 64, whole=True),
    "batch_size=interval(1.5,8.5)": Dimension("batch_size", 2, 8, whole=True),
    "batch_size=tag(log,interval(1,64))": Dimension("batch_size", 1, 64, log=True, whole=True),
    "threads=interval(1,4)": Dimension("threads", 1, 4, whole=True),
    "model.num_layers=range(1,4)": Dimension("model.num_layers", 1, 3, step=1, whole=True),
    "model.hidden_size=range(128,513,128)": Dimension("model.hidden_size", 128, 512, step=128, whole=True),
    "batch_size=range(8,2,-2)": Dimension("batch_size", 4, 8, step=2, whole=True),
    "batch_size=int(range(2.0,5.0))": Dimension("batch_size", 2, 4, step=1, whole=True),
    "lr=range(1,4)": Dimension("lr", 1, 3, step=1),
    "model.dropout=range(0.1,0.5,0.1)": Dimension("model.dropout", 0.1, 0.4, step=0.1),
    "batch_size=choice(8,16,32)": Dimension("batch_size", choices=(8, 16, 32)),
    "batch_size=8,16,32": Dimension("batch_size", choices=(8, 16, 32)),
    "batch_size=sort(32,8,16)": Dimension("batch_size", choices=(8, 16, 32)),
    "batch_size=shuffle(choice(8,16))": Dimension("batch_size", choices=(8, 16)),
    "lr=float(choice(1,2))": Dimension("lr", choices=(1.0, 2.0)),
    "model=choice(lstm1,lstm2)": Dimension("model", choices=("lstm1", "lstm2")),
    "split.grouped=choice(true,false)": Dimension("split.grouped", choices=(True, False)),
    "threads=choice(auto,2)": Dimension("threads", choices=("auto", 2)),
    "dataset.path=choice('a, b',\"it's\")": Dimension("dataset.path", choices=("a, b", "it's")),
    "++lr=interval(1,2)": Dimension("lr", 1, 2),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_hydras_grammar(text: str) -> None:
    """A falling range had its ends the wrong way round; range(0.1,0.5,0.1) had a step that no end was a multiple of."""
    dimensions, fixed = sorted_space([text, "seed=3"])
    assert dimensions == [FORMS[text]]
    assert fixed == ["seed=3"]
    assert Dimension.from_dict(dimensions[0].as_dict()) == dimensions[0]


REFUSED = {
    "lr=interval(1e-2,1e-3)": "from a lower to a higher number, both included, not from 0.01 to 0.001",
    "lr=interval(1,1)": "not from 1 to 1",
    "lr=interval(1)": "write it like lr=tag(log,interval(1e-4,1e-2))",
    "batch_size=interval(1,inf)": "not from 1 to inf",
    "batch_size=interval(nan,3)": "not from nan to 3",
    "batch_size=interval(1.2,1.8)": "takes whole numbers, and there are no two of them from 1.2 to 1.8",
    "lr=tag(log,interval(0,1))": "a search by ratios needs a beginning above 0, not 0",
    "lr=tag(log,range(1,3))": "a range with steps cannot be searched by ratios; write tag(log,interval(...))",
    "lr=tag(log,choice(1,3))": "log goes with an interval",
    "lr=tag(log,1e-3,1e-2)": "write it like lr=tag(log,interval(1e-4,1e-2))",
    "lr=tag(slow,interval(1,2))": "the tag 'slow' is not known; the one tag is log",
    "keep=interval(1,4)": "keep is not a single number; write keep=choice(...)",
    "keep=range(1,4)": "keep is not a single number; write keep=choice(...)",
    "dataset.transpose=range(0,6)": "dataset.transpose is not a single number; write dataset.transpose=choice(...)",
    "model=interval(1,3)": "model is a group, and its options have no order; write model=choice(...)",
    "model=choice(lstm1,lstm9)": "model=lstm9 is not known",
    "model=glob(*)": "this cannot be swept; write it like lr=tag",
    "batch_size=range(8,9)": "this range holds 8 only, since its end does not belong to it; give a later end",
    "batch_size=range(9,8)": "this range holds no value",
    "batch_size=range(1,9,0)": "goes by finite steps other than 0",
    "lr=range(1,inf)": "goes by finite steps other than 0",
    "lr=range(0,1,1e-9)": "this range holds more than 100,000 values; take larger steps, or lr=interval(0,1)",
    "batch_size=range(1.5,4)": "takes whole numbers, so start and step must be whole",
    "lr=choice()": "write it like lr=tag(log,interval(1e-4,1e-2))",
    "lr=choice(null,1)": "write it like lr=tag(log,interval(1e-4,1e-2))",
    "lr=choice(1e-3)": "there is one choice only, so nothing to search; write lr=0.001",
    "lr=choice(1,1.0)": "a choice stands twice; leave one out",
    "lr=choice([1],2)": "[1] cannot be a choice; choices are numbers, words, true and false",
    "name=choice(a,b)": "name does not change what is learnt, so it cannot be swept; give it one value",
    "tracking.experiment=choice(a,b)": "does not change what is learnt",
    "strict=choice(true,false)": "does not change what is learnt",
    "hydra.run.dir=x": "Hydra's own settings have no place in a sweep; leave it out",
    "+lr=interval(1,2)": "lr is there already, so it needs no +",
    "~lr": "a setting cannot be taken away",
    "hidden_size=choice(1,2)": "did you mean model.hidden_size?",
}


def one_sentence(error: pytest.ExceptionInfo[SettingError], words: str) -> None:
    sentence = str(error.value)
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_swept_is_refused_in_one_sentence(text: str) -> None:
    """Infinite ends, a step of 0 and glob(*) were tracebacks; range(1,inf) never ended."""
    with pytest.raises(SettingError) as caught:
        sorted_space([text])
    one_sentence(caught, REFUSED[text])


OF_A_SWEEP = {
    "lr=1 lr=interval(1,2)": "lr stands twice, as lr=1 and as lr=interval(1,2); leave one out",
    "trials=5 sweep.trials=6": "trials stands twice, as trials=5 and as sweep.trials=6; leave one out",
    "trials=choice(1,2)": "trials is a setting of the sweep itself and takes one value",
    "trial=5": "unknown setting trial: did you mean trials? `python -m musicexp sweep --help`",
    "sweep.trial=5": "did you mean sweep.trials?",
    "+trials=3": "trials is there already; write trials=VALUE",
    "trials=0": "trials must be a whole number, at least 1 and at most 1,000,000, not 0",
    "sampler=tpo": "sampler must be tpe, gp, random, qmc, grid, cmaes or nsga2, not 'tpo'",
    "pruner=best": "pruner must be auto, none, median, hyperband, patient or wilcoxon, not 'best'",
    "timeout=0": "timeout must be a number, above 0, or null, not 0",
    "search=all": "search=all is not known: search may be none, pearce, report, report_small",
    "study=a/b": "study must be 1 to 100 letters, digits and the signs . _ + -, not 'a/b'",
    "study=-x": "not '-x'",
    "folds=1": "folds=1 leaves nothing to train on; take at least 2 folds, or 0 for none",
    "first=[none,best]": "first=best is no preset: take some of mit_original, mit_tuned, none, original, pearce, pearce_full, pearce_pretrained, pearce_pretrained_quick, pearce_pretraining, pearce_pretraining_quick, pearce_quick, tuned",
    "confirm=3x1": "confirm=3x1 must be BESTxSEEDS",
    "objective=[]": "objective is empty",
    "lr=1e-3": "there is nothing to search: give a setting several values",
    "lr=interval(0,1) seed=1": "the space holds what cannot be: lr must be a number, above 0 and at most 10, not 0",
    "batch_size=choice(8,0)": "the space holds what cannot be: batch_size must be a whole number",
    "resume=last lr=1,2": "resume goes with `run`",
}


@pytest.mark.parametrize("text", OF_A_SWEEP)
def test_wrong_settings_of_a_sweep_are_refused_in_one_sentence(text: str) -> None:
    """A misspelt setting of the sweep was looked for among those of `run` only."""
    with pytest.raises(SettingError) as caught:
        compose_search(text.split(" "))
    one_sentence(caught, OF_A_SWEEP[text])


def test_settings_of_the_sweep_of_the_runs_and_of_the_space_are_told_apart() -> None:
    search = compose_search(
        [
            "sweep.trials=7",
            "++sweep.seeds=3",
            "objective=[bits_per_note/val,seconds:minimize]",
            "model=lstm1",
            "lr=1,2",
        ]
    )
    assert (search.sweep.trials, search.sweep.seeds) == (7, 3)
    assert search.sweep.objective == ("bits_per_note/val", "seconds:minimize")
    assert search.words == ("model=lstm1",)
    assert search.config({"lr": 2}) == compose(["model=lstm1", "lr=2"])


# Words ---------------------------------------------------------------------------------------------

AWKWARD = ["null", "true", "1e-3", "007", "1_000", "inf", "it's", 'a "b"', "a, b", "[a]", "{a: 1}", "a=b", "\\", "a\\'b", "音乐",
           " a ", "choice(1,2)", "$", "#a", "a:b", "-", "a\\\\'", "C:\\tunes\\"]  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: "${" not in text
)
"""Anything on one line; `${` is OmegaConf's way to name another setting, and stays so."""


@settings(deadline=None, max_examples=50)
@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT, st.sampled_from(AWKWARD)))
@example(5e-324)
@example(-0.0)
@example(1e16)
@example("ends with a backslash \\")
def test_a_word_reads_back_to_the_same_value(value: Any) -> None:
    """Backslashes were doubled, which Hydra undoes only before a quotation mark; '1' and 'true' lost their type."""
    override = override_of(word("name", value))
    assert override is not None
    assert not override.is_sweep_override()
    read = override.value()
    read = getattr(read, "text", read)
    assert (read, type(read)) == (value, type(value))


def test_words_compose_to_the_same_settings() -> None:
    chosen: dict[str, Any] = {
        "lr": 1e-05,
        "batch_size": 3,
        "split.grouped": False,
        "dataset.path": "it's [my], 'music'\\",
        "keep": "best",
    }
    config = compose(["dataset=midi", *(word(name, value) for name, value in chosen.items())])
    assert {name: config.flat()[name] for name in chosen} == chosen


def test_numpys_numbers_are_written_as_numbers() -> None:
    """np.float64(0.1) was written as it prints itself."""
    numpy = pytest.importorskip("numpy")
    assert word("lr", numpy.float64(0.1)) == "lr=0.1"


# Values --------------------------------------------------------------------------------------------

RANGES = ["batch_size=range(1,9)", "batch_size=range(8,65,8)", "batch_size=range(9,1,-3)", "model.dropout=range(0,0.9,0.1)",
          "model.dropout=range(0.1,0.7,0.2)", "lr=range(0.5,0.1,-0.1)", "model.dropout=range(0,0.9,0.3)"]  # fmt: skip


@pytest.mark.parametrize("text", RANGES)
def test_a_grid_is_hydras_own_expansion_of_the_range(text: str) -> None:
    values = sorted_space([text])[0][0].grid()
    hydras = sorted(float(number) for number in parsed([text])[0].sweep_string_iterator())
    assert values == pytest.approx(hydras, rel=1e-12, abs=1e-12)
    assert all(len(repr(value)) < 6 for value in values or ()), (
        "as a person writes it: 0.3, not 0.30000000000000004"
    )


def test_a_grid_trains_what_a_multirun_would() -> None:
    text = "model.dropout=range(0.1,0.5,0.1)"
    values = sorted_space([text])[0][0].grid()
    assert values == pytest.approx([config.model.dropout for config in compose_each([text])])


@st.composite
def dimensions(draw: st.DrawFn) -> Dimension:
    kind = draw(
        st.sampled_from(["choices", "floats", "log floats", "float steps", "ints", "log ints", "int steps"])
    )
    if kind == "choices":
        return Dimension(
            "keep", choices=tuple(draw(st.lists(st.integers(1, 99) | st.text("ab"), min_size=2, unique=True)))
        )
    if kind == "float steps":
        low, step = draw(st.integers(0, 99)), draw(st.integers(1, 30))
        text = f"lr=range({low / 100},{(low + step * draw(st.integers(2, 40))) / 100},{step / 100})"
        return sorted_space([text])[0][0]
    low, wide = draw(st.integers(1, 1000)), draw(st.integers(1, 5000))
    if kind.endswith("floats"):
        return Dimension("lr", low / 1e4, (low + wide) / 1e4, log=kind == "log floats")
    every = draw(st.integers(1, 9)) if kind == "int steps" else None
    high = low + wide * (every or 1)
    return Dimension("batch_size", float(low), float(high), step=every, log=kind == "log ints", whole=True)


@settings(deadline=None, max_examples=50)
@given(dimensions(), st.integers(0, 2**31))
def test_every_corner_and_every_suggestion_lies_in_the_dimension(dimension: Dimension, seed: int) -> None:
    """0.7 was not held by range(0.1,0.8,0.2): 2.9999999999999996 steps counted as none."""
    known = distribution(dimension)  # warnings are errors here: Optuna says so if it had to mend a range
    for value in dimension.corners():
        assert dimension.holds(value)
        assert known._contains(known.to_internal_repr(value))
    study = optuna.create_study(sampler=sampler(sweep_of(sampler="random"), seed, {}))
    value = suggested(study.ask(), [dimension])[dimension.name]
    assert dimension.holds(value)
    assert override_of(word(dimension.name, value)) is not None
    values = dimension.grid()
    if values is not None:
        assert all(dimension.holds(value) for value in values)
        assert any(
            value == other or (dimension.step and math.isclose(float(value), float(other)))
            for other in values
        )
        assert (values[0], values[-1]) == (dimension.corners()[0], dimension.corners()[-1])


def test_what_a_dimension_does_not_hold() -> None:
    """A whole setting held 8.5, and a choice of 1 held true."""
    batch = Dimension("batch_size", 1.0, 64.0, whole=True)
    assert [batch.holds(v) for v in (1, 64, 8.0, 8.5, 0, 65, True, "8", None)] == [True] * 3 + [False] * 6
    steps = Dimension("model.dropout", 0.1, 0.7, step=0.2)
    assert [steps.holds(v) for v in (0.1, 0.3, 0.5, 0.7, 0.2, 0.7000001)] == [True] * 4 + [False] * 2
    assert [Dimension("x", choices=(1, "a")).holds(v) for v in (1, "a", True, 2, "b")] == [
        True,
        True,
        False,
        False,
        False,
    ]


# Ready-made spaces ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", options_of("search"))
def test_every_ready_made_space_composes(name: str) -> None:
    more = [] if name != "none" else ["lr=1,2"]
    search = compose_search([f"search={name}", *more])
    assert search.name == name
    assert search.config({d.name: d.corners()[0] for d in search.dimensions}).iterations


def test_report_is_exactly_the_ranges_that_the_source_report_prints() -> None:
    search = compose_search(["search=report"])
    assert search.needs_limit
    assert {d.name: d for d in search.dimensions} == {
        "batch_size": Dimension("batch_size", 1, 64, whole=True),
        "seq_length": Dimension("seq_length", 50, 500, whole=True),
        "lr": Dimension("lr", 1e-5, 1e-1, log=True),
        "model.hidden_size": Dimension("model.hidden_size", 1, 2048, whole=True),
        "iterations": Dimension("iterations", choices=(6000, 6600)),
    }


def test_what_stands_beside_a_ready_made_space_wins() -> None:
    search = compose_search(
        [
            "search=report_small",
            "lr=1e-3",
            "batch_size=choice(2,4)",
            "trials=3",
            "model.hidden_size=range(8,33,8)",
        ]
    )
    by_name = {d.name: d for d in search.dimensions}
    assert set(by_name) == {"batch_size", "seq_length", "model.hidden_size", "iterations"}
    assert by_name["batch_size"].choices == (2, 4)
    assert by_name["model.hidden_size"].grid() == (8, 16, 24, 32)
    assert (search.sweep.trials, search.words, search.needs_limit) == (3, ("lr=1e-3",), False)


def test_a_chosen_configuration_is_what_run_composes() -> None:
    """Values are set on what Hydra made; they must come out as if Hydra had read them."""
    search = compose_search(
        ["model=choice(lstm1,lstm3)", "lr=interval(1e-4,1e-2)", "experiment=tuned", "seed=4"]
    )
    chosen = {"model": "lstm1", "lr": 0.002}
    assert search.config(chosen) == compose(["experiment=tuned", "seed=4", "model=lstm1", "lr=0.002"])
    assert search.config() == compose(["experiment=tuned", "seed=4"])
    assert search_of(search.dimensions[1:]).config({"lr": 0.002}) == compose(["lr=0.002"])
