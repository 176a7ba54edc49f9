"""Settings: Hydra composes the YAML of conf/, frozen dataclasses decide what is allowed.

`compose(overrides)` is the one way from words on a command line to a `Config`. The YAML is the home of
every default; a field here states the meaning, the unit and the range, and nothing else. Below
`compose` nobody sees a DictConfig. Only this module imports hydra and omegaconf, and it does so inside
functions, because the dataclasses alone must stay cheap to import.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from musicexp.errors import MusicexpError, SettingError

GROUPS = ("dataset", "tokens", "model", "optimizer", "experiment")
# What people type who come from other tools.
OTHER_WORDS = {
    "learning_rate": "lr",
    "steps": "iterations",
    "max_steps": "iterations",
    "epochs": "iterations",
    "rnn_units": "hidden_size",
    "layers": "num_layers",
}
HELP_HINT = "`python -m musicexp run --help` lists every setting"


def setting(
    meaning: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    changes_result: bool = True,
) -> Any:
    """A dataclass field with its meaning and range.

    Args:
        meaning: one line for `--help`, with the unit.
        at_least, above, at_most, below: the range of the number, or of each number of a list.
        changes_result: whether two runs that differ in it may differ in losses or samples; those that
            do not are left out of the signature.
    """
    bounds = {"at least": at_least, "above": above, "at most": at_most, "below": below}
    return field(
        metadata={
            "meaning": meaning,
            "bounds": {word: limit for word, limit in bounds.items() if limit is not None},
            "changes_result": changes_result,
        }
    )


@dataclass(frozen=True)
class Dataset:
    name: str = setting("what the data set is called in tables")
    collection: str | None = setting("a collection of music21's bundled corpus, such as ryansMammoth")
    path: str | None = setting("a folder of .mid and .abc files, read recursively (with dataset=midi)")
    limit: int = setting("use only the first so many files, in order of name; 0 uses all", at_least=0)


@dataclass(frozen=True)
class Split:
    seed: int = setting("which pieces are validation and test pieces; `seed` does not change it", at_least=0)
    val: float = setting("share of the pieces kept for validation", above=0, below=0.5)
    test: float = setting("share of the pieces kept for the test", above=0, below=0.5)


@dataclass(frozen=True)
class Tokens:
    kind: Literal["notes", "abc"] = setting(
        "notes: a note, chord or rest with its duration; abc: a character of ABC notation"
    )


@dataclass(frozen=True)
class Model:
    num_layers: int = setting("LSTM layers", at_least=1, at_most=16)
    hidden_size: int = setting("width of each LSTM layer", at_least=1, at_most=16384)
    embedding_dim: int = setting("width of the embedding in front", at_least=1, at_most=16384)
    dropout: float = setting(
        "dropout after the embedding and after each LSTM layer, in training", at_least=0, below=1
    )


@dataclass(frozen=True)
class Optimizer:
    name: Literal["adam", "adamw"] = setting("Adam, or Adam with decoupled weight decay")
    beta1: float = setting("decay of the mean of the gradient", at_least=0, below=1)
    beta2: float = setting("decay of the mean of its square", at_least=0, below=1)
    eps: float = setting("added to the denominator", above=0)
    weight_decay: float = setting("weight decay", at_least=0)
    clip: float = setting("largest norm of the gradient; 0 does not clip", at_least=0)
    schedule: Literal["constant", "cosine"] = setting("how lr goes on: constant, or along a cosine to 0")
    warmup: int = setting("iterations of linear warm-up", at_least=0)


@dataclass(frozen=True)
class Validation:
    every: int = setting("iterations between two validations; 0 validates at the end only", at_least=0)


@dataclass(frozen=True)
class EarlyStopping:
    patience: int = setting("stop after so many validations without a better one; 0 never stops", at_least=0)


@dataclass(frozen=True)
class Samples:
    temperature: tuple[float, ...] = setting("temperatures to sample at; a number is a list of one", above=0)
    count: int = setting("melodies written, over all temperatures", at_least=0, at_most=10000)
    max_notes: int = setting("longest melody, in notes and chords", at_least=1, at_most=100000)
    top_k: int = setting("sample from the k likeliest tokens; 0 from all", at_least=0)
    top_p: float = setting(
        "sample from the likeliest tokens that make up this probability", above=0, at_most=1
    )
    seed: int = setting("the seed of every melody's own random stream", at_least=0)
    prime: str | None = setting("a MIDI or ABC file whose melody is continued")
    prime_notes: int = setting("how many notes of the prime are used, from its start", at_least=1)


@dataclass(frozen=True)
class Trainer:
    accelerator: Literal["auto", "cpu", "gpu"] = setting(
        "where to train; auto takes a CUDA GPU if there is one"
    )


@dataclass(frozen=True)
class Checkpoint:
    seconds: float = setting("seconds between two checkpoints", above=0, changes_result=False)


@dataclass(frozen=True)
class Tracking:
    uri: str | None = setting(
        "the store: a path, sqlite:/// or http address; else MLFLOW_TRACKING_URI, else ./mlruns/mlflow.db",
        changes_result=False,
    )
    experiment: str = setting("the MLflow experiment", changes_result=False)
    system_metrics: bool = setting("log CPU, memory and disk use too", changes_result=False)


@dataclass(frozen=True)
class Config:
    """One run's settings, whole and checked. Built by `compose` or `build`, never by hand."""

    name: str | None = setting("the run's name; generated if not given", changes_result=False)
    experiment: str = setting("the preset that was chosen", changes_result=False)
    seed: int = setting("seed of weights, order of the data and dropout", at_least=0, at_most=2**32 - 1)
    lr: float = setting("learning rate", above=0, at_most=10)
    batch_size: int = setting("windows in an iteration", at_least=1, at_most=65536)
    iterations: int = setting("optimizer steps", at_least=1)
    seq_length: int = setting("tokens in a window", at_least=1, at_most=65536)
    windows: Literal["contiguous", "random"] = setting(
        "contiguous: each row reads on where it stopped, its LSTM state carried over; "
        "random: windows anywhere, from a zero state"
    )
    resume: str | None = setting(
        "go on with an interrupted run: its id, name or `last`", changes_result=False
    )
    recurrence: Literal["auto", "torch"] = setting("how the LSTM is computed; auto is torch.nn.LSTM")
    precision: Literal["auto", "fp32", "fp64"] = setting("number format of the training; auto is fp32")
    threads: int | Literal["auto"] = setting("CPU threads; auto takes one for each physical core", at_least=1)
    keep: Literal["best", "last"] = setting(
        "the weights that are tested, sampled and kept: best validation, or last"
    )
    dataset: Dataset
    split: Split
    tokens: Tokens
    model: Model
    optimizer: Optimizer
    validation: Validation
    early_stopping: EarlyStopping
    samples: Samples
    trainer: Trainer
    checkpoint: Checkpoint
    tracking: Tracking

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as in config.yaml and in a checkpoint; `build` reads them back."""
        return typing.cast(dict[str, Any], _plain(dataclasses.asdict(self)))

    def flat(self) -> dict[str, Any]:
        """Dotted name -> value, in order of declaration."""
        values = self.as_dict()
        return {dotted: _at(values, dotted) for dotted, _ in fields_of(Config)}

    def signature(self, *more: str) -> str:
        """The hash of the settings that change the result, and of `more` (data, code, resolved paths).

        Two runs with one signature on one machine give the same losses and the same melodies.
        """
        values = self.flat()
        settings = {dotted: values[dotted] for dotted, f in fields_of(Config) if f.metadata["changes_result"]}
        told = json.dumps([settings, *more], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------
# The list of settings: for --help, for completion, for the nearest right name


def fields_of(cls: type, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every leaf setting of a settings class as (dotted name, field), in order of declaration."""
    hints = typing.get_type_hints(cls)
    for f in dataclasses.fields(cls):
        kind = hints[f.name]
        if dataclasses.is_dataclass(kind):
            yield from fields_of(typing.cast(type, kind), f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, f


def kind_of(dotted: str) -> Any:
    """The type of a setting, given its dotted name."""
    cls: Any = Config
    *rooms, leaf = dotted.split(".")
    for room in rooms:
        cls = typing.get_type_hints(cls)[room]
    return typing.get_type_hints(cls)[leaf]


def choices_of(dotted: str) -> tuple[str, ...]:
    """The values that complete a setting: its literals, true and false; empty where any value may stand."""
    found: list[str] = []
    for kind in _alternatives(kind_of(dotted)):
        if kind is bool:
            found += ["true", "false"]
        elif typing.get_origin(kind) is Literal:
            found += [str(choice) for choice in typing.get_args(kind)]
    return tuple(found)


def range_of(dotted: str) -> str:
    """What a setting allows, in words: 'a whole number at least 1'."""
    f = dict(fields_of(Config))[dotted]
    return _told(kind_of(dotted), f.metadata["bounds"])


def conf_dir() -> Path:
    """The folder of the YAML: inside the installed package, or beside it in a source tree.

    Raises:
        SettingError: neither is there.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "conf", package.parent / "conf"):
        if (place / "config.yaml").is_file():
            return place
    raise SettingError(
        f"the settings' files are missing: no conf/config.yaml in {package} or {package.parent}; install musicexp again"
    )


def options_of(group: str) -> list[str]:
    """The names that a group knows: `options_of('model')` is ['lstm1', 'lstm2', 'lstm3']."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


# ---------------------------------------------------------------------------------------------------
# From plain values to a Config


def build(values: Mapping[str, Any]) -> Config:
    """Check nested plain values and build the Config.

    Raises:
        SettingError: a key is unknown or missing, a value has a wrong type or is out of range.
    """
    config = typing.cast(Config, _build(Config, values, ""))
    _check_together(config)
    return config


def build_part(cls: type, values: Mapping[str, Any], prefix: str) -> Any:
    """Check the plain values of one settings class, such as `Samples` for `generate`.

    Args:
        prefix: what stands before its names in messages, such as "samples." or "".
    """
    return _build(cls, values, prefix)


def _build(cls: type, values: Mapping[str, Any], prefix: str) -> Any:
    hints = typing.get_type_hints(cls)
    known = [f.name for f in dataclasses.fields(cls)]
    for key in values:
        if key not in known:
            raise unknown_setting(prefix + str(key))
    built = {}
    for f in dataclasses.fields(cls):
        dotted = prefix + f.name
        if f.name not in values:
            raise SettingError(
                f"setting {dotted} is missing: conf/ holds no value for it; add it there or write {dotted}=VALUE"
            )
        value, kind = values[f.name], hints[f.name]
        if dataclasses.is_dataclass(kind):
            if not isinstance(value, Mapping):
                raise SettingError(
                    f"{dotted} is a group of settings and cannot be {value!r}; set one of them, such as {_first_of(kind, dotted)}=VALUE"
                )
            built[f.name] = _build(typing.cast(type, kind), value, dotted + ".")
        else:
            built[f.name] = _checked(dotted, value, kind, f.metadata["bounds"])
    return cls(**built)


def _first_of(kind: Any, dotted: str) -> str:
    return f"{dotted}.{dataclasses.fields(kind)[0].name}"


def _checked(dotted: str, value: Any, kind: Any, bounds: Mapping[str, float]) -> Any:
    if typing.get_origin(kind) is tuple:
        member = typing.get_args(kind)[0]
        several = value if isinstance(value, (list, tuple)) else [value]
        if not several:
            raise SettingError(f"{dotted} is empty: it takes {_told(kind, bounds)}")
        return tuple(_checked_one(dotted, v, (member,), kind, bounds) for v in several)
    return _checked_one(dotted, value, _alternatives(kind), kind, bounds)


def _checked_one(
    dotted: str, value: Any, kinds: Sequence[Any], told: Any, bounds: Mapping[str, float]
) -> Any:
    for kind in kinds:
        if typing.get_origin(kind) is Literal:
            if value in typing.get_args(kind) and isinstance(value, str):
                return value
        elif kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            if math.isfinite(value) and _within(value, bounds):
                return float(value)
        elif kind is int and isinstance(value, int) and not isinstance(value, bool):
            if _within(value, bounds):
                return value
        elif kind is str and isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)  # name=7 and dataset.path=2024 are words to a person
        elif kind in (str, bool, types.NoneType) and isinstance(value, kind) and value != "":
            return value
    raise SettingError(f"{dotted} must be {_told(told, bounds)}, not {_shown(value)}")


def _within(value: float, bounds: Mapping[str, float]) -> bool:
    tests = {
        "at least": lambda limit: value >= limit,
        "above": lambda limit: value > limit,
        "at most": lambda limit: value <= limit,
        "below": lambda limit: value < limit,
    }
    return all(tests[word](limit) for word, limit in bounds.items())


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return (
        typing.get_args(kind)
        if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
        else (kind,)
    )


def _told(kind: Any, bounds: Mapping[str, float]) -> str:
    """What a setting allows, in words: 'a whole number of at least 1'."""
    limits = " and ".join(f"{word} {limit:,g}" for word, limit in bounds.items())
    if typing.get_origin(kind) is tuple:
        return (
            f"a number or a list such as [1.0,1.5], each {limits}"
            if limits
            else "a number or a list of numbers"
        )
    words = []
    for one in _alternatives(kind):
        if typing.get_origin(one) is Literal:
            words.append(_or([str(choice) for choice in typing.get_args(one)]))
        else:
            name = {
                int: "a whole number",
                float: "a number",
                str: "text",
                bool: "true or false",
                types.NoneType: "null",
            }[one]
            words.append(f"{name} {limits}" if one in (int, float) and limits else name)
    return _or(words)


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value == "" else repr(value)


def _check_together(config: Config) -> None:
    """Settings that do not go with each other."""
    if config.split.val + config.split.test >= 0.9:
        raise SettingError(
            f"split.val={config.split.val:g} and split.test={config.split.test:g} leave too little to train on: their sum must be below 0.9"
        )
    data = config.dataset
    if data.path is None and data.collection is None:
        raise SettingError(
            "dataset.path is missing: dataset=midi reads a folder of yours; write dataset.path=DIR, or take a bundled collection such as dataset=ryans"
        )
    if data.path is not None and data.collection is not None:
        raise SettingError(
            f"dataset.path={data.path} goes with dataset=midi, but dataset={data.name} reads music21's collection {data.collection}; write dataset=midi dataset.path={data.path}"
        )
    if config.keep == "best" and config.early_stopping.patience and not config.validation.every:
        raise SettingError(
            "early_stopping.patience counts validations, but validation.every=0 makes none before the end; set validation.every to 1 or more"
        )
    if config.optimizer.schedule == "cosine" and config.optimizer.warmup >= config.iterations:
        raise SettingError(
            f"optimizer.warmup={config.optimizer.warmup} must be below iterations={config.iterations}, since the cosine begins after it"
        )


def unknown_setting(given: str, names: Sequence[str] | None = None, hint: str = HELP_HINT) -> SettingError:
    """The sentence for a name that no setting bears, with the nearest that one does."""
    pool = list(names) if names is not None else [dotted for dotted, _ in fields_of(Config)] + list(GROUPS)
    near = nearest(given, pool)
    return SettingError(
        f"unknown setting {given}" + (f": did you mean {near}? " if near else "; ") + hint + "."
    )


def nearest(given: str, names: Sequence[str]) -> str | None:
    """The name most like `given`, whole or in its last part (hidden -> model.hidden_size), or None."""
    by_leaf = {name.rpartition(".")[2]: name for name in reversed(names)}
    leaf = given.rpartition(".")[2]
    leaf = OTHER_WORDS.get(leaf, leaf)
    if leaf in by_leaf:
        return by_leaf[leaf]
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.72)
    if close:
        return close[0]
    for end, name in by_leaf.items():
        if len(leaf) > 2 and (end.startswith(leaf) or end.endswith(leaf)):
            return name
    close = difflib.get_close_matches(leaf, list(by_leaf), n=1, cutoff=0.6)
    return by_leaf[close[0]] if close else None


# ---------------------------------------------------------------------------------------------------
# Hydra


def compose(overrides: Sequence[str] = ()) -> Config:
    """Compose conf/ with overrides in Hydra's grammar and build the Config.

    Args:
        overrides: such as ["model=lstm1", "lr=1e-3"]; `hydra.*` ones are let through.

    Raises:
        SettingError: anything that `--cfg job` would print or a run would meet and that is not right.
    """
    configs = compose_each(overrides)
    if len(configs) > 1:
        raise SettingError(
            f"{' '.join(overrides)} names {len(configs)} configurations; a run takes one: add --multirun to train them one after another"
        )
    return configs[0]


def compose_each(overrides: Sequence[str]) -> list[Config]:
    """As `compose`, for each configuration of a multirun (`lr=1e-3,3e-3` names two), in Hydra's order."""
    import logging

    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    logging.getLogger("hydra").setLevel(logging.ERROR)
    parsed = _parsed(overrides)
    for override in parsed:
        _check_override(override)
    try:
        jobs = BasicSweeper.split_arguments(parsed, None)[0]
    except HydraException as error:
        raise SettingError(
            f"{' '.join(overrides)}: {_first_line(error)}; a multirun takes lists and choice(...), the sweep command takes intervals"
        ) from error
    configs = []
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        for job in jobs:
            try:
                composed = hydra_compose(config_name="config", overrides=list(job))
                values = OmegaConf.to_container(composed, resolve=True)
            except (HydraException, OmegaConfBaseException) as error:
                raise SettingError(
                    f"{' '.join(job)} cannot be composed: {' '.join(str(error).split())}"
                ) from error
            assert isinstance(values, dict)
            configs.append(build(typing.cast(dict[str, Any], values)))
    return configs


def _parsed(words: Sequence[str]) -> list[Any]:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser, found = OverridesParser.create(), []
    for word in words:
        try:
            found.append(parser.parse_override(word))
        except HydraException as error:
            raise SettingError(
                f"{word!r} is not of the form setting=value ({_first_line(error)}); "
                """quote a value with blanks or brackets twice: 'setting="a value"'"""
            ) from error
    return found


def assignments(words: Sequence[str], names: Sequence[str], hint: str) -> dict[str, Any]:
    """`key=value` words of a command that is no Hydra application, in the same grammar.

    Args:
        names: the keys it knows.
        hint: what to say behind an unknown one.

    Raises:
        SettingError: a word is no assignment, or its key is unknown.
    """
    found = {}
    for override in _parsed(words):
        key = override.key_or_group
        if key not in names:
            raise unknown_setting(key, names, hint)
        if override.is_sweep_override() or override.is_delete():
            raise SettingError(
                f"{override.input_line}: one value is wanted here; a list is written {key}=[1.0,1.5]"
            )
        value = override.value()
        found[key] = list(value) if isinstance(value, list) else getattr(value, "text", value)
    return found


def launch(words: Sequence[str], overrides: Sequence[str], job: Callable[[Config], None]) -> None:
    """Hand over to Hydra: it runs the job, or each of a multirun, or prints what its flags ask for.

    Args:
        words: the command line behind `run`, checked by `compose_each`.
        overrides: those of the words that are overrides.

    Raises:
        MusicexpError: what the job raises comes out here as it is, without Hydra's traceback.
    """
    import sys
    import tempfile

    import hydra
    from omegaconf import DictConfig, OmegaConf

    def task(composed: DictConfig) -> None:
        values = OmegaConf.to_container(composed, resolve=True)
        assert isinstance(values, dict)
        try:
            job(build(typing.cast(dict[str, Any], values)))
        except MusicexpError as error:
            raise _Refused(error) from error

    with tempfile.TemporaryDirectory() as folder:
        # A multirun writes multirun.yaml somewhere, and a user's folder is not that place.
        mine = (
            [f"hydra.sweep.dir={folder}"]
            if not any(o.startswith("hydra.sweep.dir=") for o in overrides)
            else []
        )
        before, sys.argv = sys.argv, ["musicexp run", *words, *mine]
        try:
            hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(task)()
        except _Refused as refused:
            raise refused.error from refused.error.__cause__
        finally:
            sys.argv = before


class _Refused(BaseException):
    """Carries a MusicexpError through Hydra, which catches every Exception and prints a traceback of its own."""

    def __init__(self, error: MusicexpError) -> None:
        super().__init__(str(error))
        self.error = error


def preset_iterations(experiment: str) -> int:
    """How many iterations the preset has when nobody overrides them."""
    return compose([f"experiment={experiment}"]).iterations


def _check_override(override: Any) -> None:
    """Refuse what Hydra would accept in silence or explain badly: unknown names, `+`, `~`, options."""
    key, given = override.key_or_group, override.input_line
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        return
    if override.is_delete():
        raise SettingError(
            f"{given}: a setting cannot be taken away; every run has all of them, so give it a value: {key}=VALUE"
        )
    if override.package is not None:
        raise SettingError(f"{given}: a group cannot be moved to package {override.package}; write {key}=...")
    leaves = [dotted for dotted, _ in fields_of(Config)]
    if key in GROUPS:
        _check_option(key, override)
        return
    if key not in leaves:
        if any(leaf.startswith(key + ".") for leaf in leaves):
            within = [leaf for leaf in leaves if leaf.startswith(key + ".")]
            raise SettingError(f"{key} is not a setting but a group of them: {', '.join(within)}")
        raise unknown_setting(key)
    if override.is_add() and not override.is_force_add():
        raise SettingError(f"{given}: {key} is there already, so it needs no +; write {given.lstrip('+')}")


def _check_option(group: str, override: Any) -> None:
    options = options_of(group)
    if override.is_sweep_override():
        wanted = list(override.sweep_string_iterator()) if override.is_discrete_sweep() else []
    else:
        value = override.value()
        wanted = value if isinstance(value, list) else [value]
    for name in wanted:
        if str(name) not in options:
            near = difflib.get_close_matches(str(name), options, n=1, cutoff=0.5)
            raise SettingError(
                f"{group}={_shown(name) if name is None or name == '' else name} is not known"
                + (f": did you mean {group}={near[0]}?" if near else ":")
                + f" {group} may be {_or(options)}"
            )
    if override.is_add():
        raise SettingError(
            f"{override.input_line}: {group} is there already, so it needs no +; write {override.input_line.lstrip('+')}"
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _at(values: Mapping[str, Any], dotted: str) -> Any:
    for key in dotted.split("."):
        values = values[key]
    return values


def to_yaml(values: Mapping[str, Any]) -> str:
    """Plain values as YAML text."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(dict(values)))


def from_yaml(text: str) -> dict[str, Any]:
    """YAML text as plain values."""
    from omegaconf import OmegaConf

    values = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(values, dict)
    return typing.cast(dict[str, Any], values)
