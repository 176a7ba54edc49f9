"""Settings: every YAML composes, every field has one home, and what is wrong is refused in one sentence."""

from __future__ import annotations

import itertools

import pytest
from conftest import ROOT

from musicexp.config import (
    GROUPS,
    Config,
    build,
    compose,
    compose_each,
    conf_dir,
    fields_of,
    options_of,
    range_of,
)
from musicexp.errors import SettingError

OPTIONS = [(group, option) for group in GROUPS for option in options_of(group)]


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_yaml_composes(group: str, option: str) -> None:
    needed = {"midi": ["dataset.path=music"], "music21": ["dataset.collection=bach"]}
    more = needed.get(option, []) if group == "dataset" else []
    config = compose([f"{group}={option}", *more])
    assert build(config.as_dict()) == config


@pytest.mark.slow
def test_every_pair_of_model_and_preset_composes_and_the_command_line_wins() -> None:
    """A preset that drops recurrent weights goes with a Transformer, which has none, if it is told not to."""
    for model, experiment in itertools.product(options_of("model"), options_of("experiment")):
        words = [f"model={model}", *(["model.recurrent_dropout=0"] if model == "transformer" else [])]
        config = compose([*words, f"experiment={experiment}", "lr=0.123", "model.hidden_size=12"])
        assert config.model.num_layers == compose(words).model.num_layers, (model, experiment)
        assert (config.lr, config.model.hidden_size) == (0.123, 12)


def test_the_yaml_is_the_home_of_every_default_and_the_dataclasses_know_every_key() -> None:
    composed = compose()
    assert {dotted for dotted, _ in fields_of(Config)} == set(composed.flat())
    assert conf_dir() == ROOT / "conf"


def test_every_setting_has_a_meaning_and_a_range() -> None:
    for dotted, field in fields_of(Config):
        assert field.metadata["meaning"], dotted
        assert range_of(dotted), dotted


@pytest.mark.parametrize(
    ("preset", "layers", "tokens", "iterations", "batch_size", "lr"),
    [
        ("original", 3, "notes", 6000, 8, 5e-3),
        ("tuned", 3, "notes", 6600, 12, 1e-3),
        ("mit_original", 1, "abc", 6000, 8, 5e-3),
        ("mit_tuned", 1, "abc", 6600, 12, 1e-3),
    ],
)
def test_the_presets_are_the_source_reports(
    preset: str, layers: int, tokens: str, iterations: int, batch_size: int, lr: float
) -> None:
    config = compose([f"experiment={preset}"])
    assert (config.model.num_layers, config.tokens.kind, config.experiment) == (layers, tokens, preset)
    assert (config.iterations, config.batch_size, config.seq_length, config.lr) == (
        iterations,
        batch_size,
        100,
        lr,
    )
    assert (config.model.embedding_dim, config.model.hidden_size) == (256, 1024)
    assert config.precision == "fp32", "comparisons pin what they were computed with"


REFUSED = {
    "model.num_layer=3": "unknown setting model.num_layer: did you mean model.num_layers?",
    "+model.num_layer=3": "unknown setting model.num_layer: did you mean model.num_layers?",
    "++model.num_layer=3": "unknown setting model.num_layer: did you mean model.num_layers?",
    "optimizer.lr=1": "did you mean lr?",
    "learning_rate=1": "did you mean lr?",
    "hidden_size=3": "did you mean model.hidden_size?",
    "epochs=3": "did you mean iterations?",
    "+lr=1": "lr is there already, so it needs no +; write lr=1",
    "model=lstm4": "model=lstm4 is not known: did you mean model=lstm",
    "model=gru": "model may be lstm1, lstm2, lstm3 or transformer",
    "dataset=": "dataset=empty is not known",
    "lr=fast": "lr must be a number, above 0 and at most 10, not 'fast'",
    "lr=0": "lr must be a number, above 0 and at most 10, not 0",
    "lr=-1e-3": "not -0.001",
    "lr=nan": "not nan",
    "lr=inf": "not inf",
    "lr=": "not empty",
    "lr=null": "not null",
    "lr=[1]": "not [1]",
    "lr={a:1}": "not {'a': 1}",
    "seed=1.0": "seed must be a whole number, at least 0 and at most 4,294,967,295, not 1.0",
    "batch_size=true": "batch_size must be a whole number, at least 1 and at most 65,536, not true",
    "batch_size=0": "not 0",
    "threads=many": "threads must be a whole number, at least 1, or auto, not 'many'",
    "keep=first": "keep must be best or last, not 'first'",
    "samples.temperature=0": "samples.temperature must be a number or a list such as [1.0,1.5], each above 0, not 0",
    "samples.temperature=[]": "samples.temperature is empty",
    "samples.temperature=[1,hot]": "not 'hot'",
    "samples.top_p=1.5": "at most 1, not 1.5",
    "samples.ppm=1.5": "samples.ppm must be a number, at least 0 and at most 1, not 1.5",
    "samples.recall=2": "at least 0 and at most 1, not 2",
    "split.val=0.5": "below 0.5, not 0.5",
    "tracking.system_metrics=1": "tracking.system_metrics must be true or false, not 1",
    "model=[lstm1,lstm9]": "model=lstm9 is not known",
    "name=last": "name=last is taken",
    "name=' '": "name must be printable text",
    "name='a\nb'": "name must be printable text",
    f"name={'x' * 300}": "name must be printable text of 1 to 200 characters",
    "=": "there is no setting before the =",
    "lr=a=b": "not 'a=b'",
    "model": "not of the form setting=value",
    "a b": "not of the form setting=value",
    "model.num_layers": "not of the form setting=value",
    "~lr": "~lr: a setting cannot be taken away",
    "dataset@x=ryans": "a group cannot be moved to package x",
    "samples=3": "samples is not a setting but a group of them: samples.temperature",
    "lr=${nothing}": "cannot be composed",
    "lr=1e-3,3e-3": "add --multirun",
    "lr=interval(1,2)": "the sweep command takes intervals",
    "dataset=midi": "dataset.path is missing",
    "dataset=music21": "write dataset.collection=NAME",
    "dataset.parts=top": "dataset.parts must be a whole number, at least 1, or all, melody or skyline, not 'top'",
    "dataset.parts=0": "dataset.parts must be a whole number",
    "dataset.transpose=[1,2,3]": "must be [lowest,highest] in semitones",
    "dataset.transpose=[5,-5]": "must be [lowest,highest] in semitones",
    "dataset.transpose=1.5": "dataset.transpose must be a whole number or a list such as [-5,6]",
    "split.folds=1": "take at least 2 folds",
    "split.fold=1": "wants split.folds or split.table too: write split.folds=10 split.fold=1",
    "dataset.path=here": "write dataset=midi dataset.path=here",
    "optimizer.warmup=1000": "optimizer.warmup=1000 must be below iterations=1000",
}


@pytest.mark.parametrize("word", REFUSED)
def test_wrong_settings_are_refused_in_one_sentence(word: str) -> None:
    with pytest.raises(SettingError) as caught:
        compose([word])
    sentence = str(caught.value)
    assert REFUSED[word] in sentence
    assert "\n" not in sentence


def test_words_that_are_right() -> None:
    config = compose(["lr=1", "samples.temperature=2", "name=7", "++seed=3", "model.dropout=0", "threads=2"])
    assert (config.lr, config.samples.temperature, config.name, config.seed) == (1.0, (2.0,), "7", 3)
    assert isinstance(config.lr, float)
    assert (config.model.dropout, config.threads) == (0.0, 2)


@pytest.mark.parametrize("name", ["音乐", "it is mine", "naïve", "a~b", "100%", "ünïcode run #3", "<script>"])
def test_plain_text_needs_no_quotes_of_hydras(name: str) -> None:
    """`name=音乐` was refused with the advice to quote blanks or brackets."""
    assert compose([f"name={name}"]).name == name
    assert compose([f"name='{name}'"]).name == name


def test_a_multirun_is_every_combination_in_order() -> None:
    configs = compose_each(["lr=1e-3,3e-3", "model=choice(lstm1,lstm2)"])
    assert [(c.lr, c.model.num_layers) for c in configs] == [(1e-3, 1), (1e-3, 2), (3e-3, 1), (3e-3, 2)]
    with pytest.raises(SettingError, match="lr must be"):
        compose_each(["lr=1e-3,0"])


def test_the_signature_tells_what_changes_the_result() -> None:
    plain = compose()
    assert plain.signature("data") == compose(
        ["name=other", "tracking.experiment=x", "checkpoint.seconds=1"]
    ).signature("data")
    assert plain.signature("data") != plain.signature("other data")
    for word in ("lr=1e-3", "seed=1", "samples.seed=1", "model=lstm1", "windows=random", "precision=fp64"):
        assert plain.signature("data") != compose([word]).signature("data"), word
