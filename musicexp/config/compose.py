"""Hydra composes the YAML of conf/: the only importer of hydra and omegaconf, and only inside functions."""

from __future__ import annotations

import copy
import difflib
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from musicexp.config.build import build, or_, shown, unknown_setting
from musicexp.config.settings import GROUPS, Config, fields_of
from musicexp.errors import MusicexpError, SettingError, StoreError

SWEPT = r"=\s*(tag|choice|range|interval|glob|shuffle|sort)\("
"""A word that means several values."""

FOLD_TABLES = "fold_tables"
"""Below conf/. Not "folds": Hydra takes a folder for a group, and `folds=10` of a sweep for one of its options."""


def conf_dir() -> Path:
    """The folder of the YAML: inside the installed package, or beside it in a source tree.

    Raises:
        SettingError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for place in (package / "conf", package.parent / "conf"):
        if (place / "config.yaml").is_file():
            return place
    raise SettingError(
        f"the settings' files are missing: no conf/config.yaml in {package} or {package.parent}; install musicexp again"
    )


def options_of(group: str) -> list[str]:
    """The names that a group knows: `options_of('model')` is ['lstm1', 'lstm2', 'lstm3', 'transformer']."""
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


def fold_tables() -> list[str]:
    """The names of the written folds of conf/fold_tables, which `split.table` knows."""
    return sorted(path.stem for path in (conf_dir() / FOLD_TABLES).glob("*.csv"))


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
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    words = parsed(overrides)
    for override in words:
        check_override(override)
    try:
        jobs = BasicSweeper.split_arguments(words, None)[0]
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
                    f"{' '.join(overrides)} cannot be composed: {_first_line(error)}"
                ) from error
            assert isinstance(values, dict)
            configs.append(build(typing.cast(dict[str, Any], values)))
    return configs


def composed_values(name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """What conf/NAME.yaml holds with overrides, as plain values, unchecked.

    Raises:
        SettingError: Hydra cannot compose it.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
            composed = hydra_compose(config_name=name, overrides=list(overrides))
        values = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise SettingError(f"{' '.join(overrides)} cannot be composed: {_first_line(error)}") from error
    assert isinstance(values, dict)
    return typing.cast(dict[str, Any], values)


def spelt(words: Sequence[str]) -> list[str]:
    """The words as Hydra's grammar wants them: a plain value with letters or blanks that it refuses is quoted.

    `name=音乐` and `dataset.path=my music` are plain to a person, and no list, call or quotation is touched.
    """
    return [_spelt(word) for word in words]


def _spelt(word: str) -> str:
    if override_of(word) is not None:
        return word
    key, sign, value = word.partition("=")
    quoted = f"{key}='{value}'"
    plain = sign and value.isprintable() and not set(value) & set("'\"[]{}(),\\$")
    return quoted if plain and override_of(quoted) is not None else word


def override_of(word: str) -> Any | None:
    """What Hydra's grammar makes of a word, or None where it is none of its words."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def quoted(text: str) -> str:
    """A text in single quotes, as Hydra's grammar reads it back."""
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text=text, quote=Quote.single).with_quotes()


def parsed(words: Sequence[str]) -> list[Any]:
    """Every word in Hydra's grammar.

    Raises:
        SettingError: a word is of no form that it knows.
    """
    found = []
    for word in words:
        override = override_of(_spelt(word))
        if override is None and re.search(SWEPT, word):
            raise SettingError(
                f"{word!r} is no list of values that can be read; "
                "write it like lr=tag(log,interval(1e-4,1e-2)), batch_size=choice(8,16) or seq_length=range(50,201,50)"
            )
        if override is None:
            raise SettingError(
                f"{word!r} is not of the form setting=value; "
                """quote a value with brackets, commas or quotation marks twice: 'name="a, b"'"""
            )
        if not override.key_or_group:
            raise SettingError(f"{word!r} is not of the form setting=value: there is no setting before the =")
        found.append(override)
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
    for override in parsed(words):
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


def launch(flags: Sequence[str], overrides: Sequence[str], job: Callable[[Config], None]) -> None:
    """Hand over to Hydra: it runs the job, or each of a multirun, or prints what its flags ask for.

    Args:
        flags: Hydra's own, with the words that they take.
        overrides: already checked by `compose_each`.

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
        mine = [f"hydra.sweep.dir={folder}"]
        before, sys.argv = sys.argv, ["musicexp run", *mine, *overrides, *flags]
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


def check_override(override: Any) -> None:
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
        listed = override.is_discrete_sweep() and type(override.value()).__name__ != "Glob"
        wanted = list(override.sweep_string_iterator()) if listed else []
    else:
        value = override.value()
        wanted = value if isinstance(value, list) else [value]
    for name in wanted:
        if str(name) not in options:
            near = difflib.get_close_matches(str(name), options, n=1, cutoff=0.5)
            raise SettingError(
                f"{group}={shown(name) if name is None or name == '' else name} is not known"
                + (f": did you mean {group}={near[0]}?" if near else ":")
                + f" {group} may be {or_(options)}"
            )
    if override.is_add():
        raise SettingError(
            f"{override.input_line}: {group} is there already, so it needs no +; write {override.input_line.lstrip('+')}"
        )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def to_yaml(values: Mapping[str, Any]) -> str:
    """Plain values as YAML text."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(dict(values)))


def recorded(values: Mapping[str, Any]) -> Config:
    """The Config of values that a run left, perhaps before some settings were made.

    One that changes no loss and no sample is filled in with today's default, another one with the value that means
    what was done before there was a choice: the run is what it was.

    Raises:
        SettingError: as `build`; a setting that changes results is missing too.
    """
    filled = copy.deepcopy(dict(values))
    defaults: dict[str, Any] | None = None
    for dotted, f in fields_of(Config):
        *rooms, leaf = dotted.split(".")
        inner: Any = filled
        for room in rooms:
            inner = inner.setdefault(room, {}) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or leaf in inner:
            continue
        if not f.metadata["changes_result"]:
            defaults = defaults or compose([]).flat()
            inner[leaf] = defaults[dotted]
        elif f.metadata["before"] is not MISSING:
            inner[leaf] = f.metadata["before"]
    return build(filled)


def read_config(data: bytes, where: str) -> Config:
    """The Config of a run's config.yaml.

    Args:
        where: what the file is called in messages.

    Raises:
        StoreError: it is damaged, or has settings that this version does not know.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        values = OmegaConf.to_container(OmegaConf.create(data.decode()))
        if not isinstance(values, dict):
            raise StoreError(f"{where} is damaged: it holds no settings; take another run")
        return recorded(typing.cast(dict[str, Any], values))
    except (OmegaConfBaseException, YAMLError, UnicodeDecodeError, OSError) as error:
        raise StoreError(
            f"{where} is damaged and cannot be read ({type(error).__name__}); take another run"
        ) from error
    except SettingError as error:
        raise StoreError(f"{where} does not suit this version of musicexp: {error}") from error
