"""From plain values to a Config: what is unknown, of a wrong type or out of range is refused in one sentence."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from musicexp.config.settings import GROUPS, Config, Model, alternatives, fields_of, kind_of
from musicexp.errors import SettingError

# What people type who come from other tools.
OTHER_WORDS = {
    "learning_rate": "lr",
    "steps": "iterations",
    "max_steps": "iterations",
    "epochs": "iterations",
    "rnn_units": "hidden_size",
    "layers": "num_layers",
}
LONGEST_NAME = 200
HELP_HINT = "`python -m musicexp run --help` lists every setting"


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
    tuples = [one for one in alternatives(kind) if typing.get_origin(one) is tuple]
    if value is None and types.NoneType in alternatives(kind):
        return None
    if tuples:
        member = typing.get_args(tuples[0])[0]
        several = value if isinstance(value, (list, tuple)) else [value]
        if not several:
            raise SettingError(f"{dotted} is empty: it takes {_told(kind, bounds)}")
        return tuple(_checked_one(dotted, v, (member,), kind, bounds) for v in several)
    return _checked_one(dotted, value, alternatives(kind), kind, bounds)


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
    raise SettingError(f"{dotted} must be {_told(told, bounds)}, not {shown(value)}")


def _within(value: float, bounds: Mapping[str, float]) -> bool:
    tests = {
        "at least": lambda limit: value >= limit,
        "above": lambda limit: value > limit,
        "at most": lambda limit: value <= limit,
        "below": lambda limit: value < limit,
    }
    return all(tests[word](limit) for word, limit in bounds.items())


def _told(kind: Any, bounds: Mapping[str, float]) -> str:
    """What a setting allows, in words: 'a whole number of at least 1'."""
    limits = " and ".join(f"{word} {limit:,.12g}" for word, limit in bounds.items())
    if typing.get_origin(kind) is tuple:
        one, example = {
            int: ("a whole number", "[-5,6]"),
            float: ("a number", "[1.0,1.5]"),
            str: ("a word", "[none,tuned]"),
        }[typing.get_args(kind)[0]]
        return f"{one} or a list such as {example}" + (f", each {limits}" if limits else "")
    words = []
    for one in alternatives(kind):
        if typing.get_origin(one) is Literal:
            words.append(or_([str(choice) for choice in typing.get_args(one)]))
        elif typing.get_origin(one) is tuple:
            words.append(_told(one, bounds))
        else:
            name = {
                int: "a whole number",
                float: "a number",
                str: "text",
                bool: "true or false",
                types.NoneType: "null",
            }[one]
            words.append(f"{name}, {limits}," if one in (int, float) and limits else name)
    return or_(words).rstrip(",")


def or_(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return "empty" if value == "" else repr(value)


def _check_together(config: Config) -> None:
    """Settings that do not go with each other, and what no range can say."""
    name = config.name
    if name is not None and (not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME):
        raise SettingError(
            f"name must be printable text of 1 to {LONGEST_NAME} characters, not {name[:LONGEST_NAME]!r}"
        )
    if name == "last":
        raise SettingError("name=last is taken: `last` always means the latest run; give another name")
    if config.split.val + config.split.test >= 0.9:
        raise SettingError(
            f"split.val={config.split.val:g} and split.test={config.split.test:g} leave too little to train on: their sum must be below 0.9"
        )
    data = config.dataset
    if data.path is None and data.collection is None and data.name == "music21":
        raise SettingError(
            "dataset.collection is missing: dataset=music21 reads one of music21's bundled collections; write dataset.collection=NAME; `python -m musicexp data` lists them"
        )
    if data.path is None and data.collection is None:
        raise SettingError(
            "dataset.path is missing: dataset=midi reads a folder of yours; write dataset.path=DIR, or take a bundled collection such as dataset=ryans"
        )
    if data.path is not None and data.collection is not None:
        raise SettingError(
            f"dataset.path={data.path} goes with dataset=midi, but dataset={data.name} reads music21's collection {data.collection}; write dataset=midi dataset.path={data.path}"
        )
    if len(data.transpose) > 2 or list(data.transpose) != sorted(data.transpose):
        raise SettingError(
            f"dataset.transpose={list(data.transpose)} must be [lowest,highest] in semitones, such as [-5,6], or one number for both ways"
        )
    split = config.split
    if split.folds and not split.folds >= 2:
        raise SettingError("split.folds=1 leaves nothing to train on; take at least 2 folds, or 0 for none")
    if split.table is not None and split.folds:
        raise SettingError(
            f"split.table={split.table} has folds of its own, so split.folds={split.folds} does not go with it; leave split.folds out"
        )
    if split.table is None and split.fold >= max(split.folds, 1):
        raise SettingError(
            f"split.fold={split.fold} is not there: with split.folds={split.folds} it must be 0 to {split.folds - 1}"
            if split.folds
            else f"split.fold={split.fold} wants split.folds or split.table too: write split.folds=10 split.fold={split.fold}"
        )
    if config.early_stopping.patience and not config.validation.every:
        raise SettingError(
            "early_stopping.patience counts validations, but validation.every=0 makes none before the end; set validation.every to 1 or more"
        )
    _check_model(config.model)
    devices = config.trainer.devices
    if config.batch_size % devices:
        raise SettingError(
            f"batch_size={config.batch_size} must be a multiple of trainer.devices={devices}, which share its rows; take batch_size={-(-config.batch_size // devices) * devices}"
        )
    if config.optimizer.schedule == "cosine" and config.optimizer.warmup >= config.iterations:
        raise SettingError(
            f"optimizer.warmup={config.optimizer.warmup} must be below iterations={config.iterations}, since the cosine begins after it"
        )


def _check_model(model: Model) -> None:
    if model.kind != "transformer":
        return
    if model.hidden_size % model.heads:
        raise SettingError(
            f"model.hidden_size={model.hidden_size} must be a multiple of model.heads={model.heads}, which share the width of a Transformer; take model.hidden_size={-(-model.hidden_size // model.heads) * model.heads}"
        )
    if model.recurrent_dropout:
        raise SettingError(
            f"model.recurrent_dropout={model.recurrent_dropout:g} is for an LSTM, and a Transformer has no recurrent weights; write model.recurrent_dropout=0"
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


def range_of(dotted: str, of: type = Config) -> str:
    """What a setting allows, in words: 'a whole number at least 1'."""
    f = dict(fields_of(of))[dotted]
    return _told(kind_of(dotted, of), f.metadata["bounds"])
