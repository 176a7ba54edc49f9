"""The settings of a sweep: what is searched, by whom, and until when. Defaults stand in conf/sweep.yaml."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from musicexp.config.build import build, build_part, range_of, unknown_setting
from musicexp.config.compose import compose, composed_values, options_of, parsed
from musicexp.config.settings import GROUPS, Config, at, fields_of, setting, settings
from musicexp.config.space import Dimension, sorted_space, word
from musicexp.errors import SettingError

HINT = "`python -m musicexp sweep --help` lists every setting"
PREFIX = "sweep."
OF_A_SEARCH = ("space", "fixed", "needs_limit")
"""Keys of conf/search/ that are no settings of their own."""


@settings
class Ray:
    address: str = setting("the Ray cluster that launcher=ray asks for workers: auto, or HOST:PORT")


@settings
class Sweep:
    """A sweep's own settings, whole and checked."""

    study: str | None = setting("the study's name; made from the space and the settings if not given")
    trials: int = setting(
        "how many configurations are tried, pruned ones included", at_least=1, at_most=1_000_000
    )
    workers: int | Literal["auto"] = setting(
        "processes that train side by side and share out the threads; auto takes one for each physical core",
        at_least=1,
    )
    timeout: float | None = setting(
        "seconds of this command; what runs then is saved, and goes on with the next", above=0
    )
    max_cost: float | None = setting(
        "hours of training, all workers together, behind which no trial begins", above=0
    )
    storage: str | None = setting(
        "the studies' database: a path, sqlite:/// or postgresql+psycopg:// address; else $MUSICEXP_STORAGE, else optuna.db beside the store"
    )
    sampler: Literal["tpe", "gp", "random", "qmc", "grid", "cmaes", "nsga2"] = setting(
        "who chooses configurations"
    )
    sampler_seed: int = setting("the seed of its choices", at_least=0, at_most=2**32 - 1)
    pruner: Literal["auto", "none", "median", "hyperband", "patient", "wilcoxon"] = setting(
        "who ends trials that will not be good; auto is median, with several seeds or folds wilcoxon, with several objectives none"
    )
    budget: Literal["tokens", "seconds"] = setting(
        "pruners compare trials that have seen equally many tokens, or seconds"
    )
    objective: tuple[str, ...] = setting(
        "metrics that are optimised, one or a list, each with :minimize or :maximize if it is not as usual"
    )
    seeds: int = setting(
        "train every configuration with so many seeds: seed, seed+1, ...", at_least=1, at_most=1000
    )
    folds: int = setting(
        "train every configuration on so many folds of a cross-validation; 0 is none",
        at_least=0,
        at_most=1000,
    )
    confirm: str | None = setting(
        "BESTxSEEDS, such as 3x5: train the best three and the default again with five paired seeds"
    )
    max_parameters: int | None = setting("larger models are not trained", at_least=1)
    max_seconds: float | None = setting(
        "a trial whose training takes longer is ended, and cannot be the best", above=0
    )
    max_failures: int = setting("failed trials at which the study stops", at_least=1)
    terminator: bool = setting("stop when what may still be gained is below the noise")
    first: tuple[str, ...] | None = setting(
        "presets that are tried first, such as [none,tuned]; none is the default"
    )
    warm_start: str | None = setting("learn from the finished trials of this study too")
    pruned_samples: bool = setting("write melodies of pruned trials too")
    launcher: Literal["local", "ray"] = setting("where workers run: on this machine, or in a Ray cluster")
    ray: Ray


@dataclass(frozen=True)
class Search:
    """A sweep as composed: its settings, its space, and the settings that every trial shares.

    Attributes:
        name: the ready-made space of conf/search/ that it began from.
        words: `setting=value`, the same in every trial.
        needs_limit: whether timeout or max_cost must be given.
    """

    sweep: Sweep
    name: str
    dimensions: tuple[Dimension, ...]
    words: tuple[str, ...]
    needs_limit: bool

    def config(self, chosen: Mapping[str, Any] | None = None) -> Config:
        """The settings of a run with the chosen values; of the default without."""
        values = dict(chosen or {})
        groups = [word(name, values.pop(name)) for name in list(values) if name in GROUPS]
        composed = copy.deepcopy(_composed((*self.words, *groups)))
        for name, value in values.items():  # what the command line says last is what counts, in Hydra too
            *rooms, leaf = name.split(".")
            at(composed, ".".join(rooms))[leaf] = value
        return build(composed)


@lru_cache(maxsize=64)
def _composed(words: tuple[str, ...]) -> dict[str, Any]:
    """What Hydra makes of the words; it takes a tenth of a second, and a search asks for the same again and again."""
    return compose(words).as_dict()


def compose_search(words: Sequence[str]) -> Search:
    """Compose conf/sweep.yaml and check everything: the sweep's settings, the space, and each end of it.

    Args:
        words: settings of the sweep (bare or as sweep.NAME), of the runs, and swept ones, in Hydra's grammar.

    Raises:
        SettingError: in one sentence, whatever is wrong.
    """
    names = [dotted for dotted, _ in fields_of(Sweep)]
    of_runs = [*(dotted for dotted, _ in fields_of(Config)), *GROUPS]
    mine: list[str] = []
    others: list[str] = []
    seen: dict[str, str] = {}
    for override in parsed(words):
        key = override.key_or_group
        bare = key.removeprefix(PREFIX)
        if bare in names or key == "search":
            if override.is_sweep_override() and key != "search":
                raise SettingError(
                    f"{override.input_line}: {key} is a setting of the sweep itself and takes one value; a list is written {key}=[a,b]"
                )
            if override.is_add() or override.is_delete():
                raise SettingError(f"{override.input_line}: {key} is there already; write {key}=VALUE")
            if bare in seen:
                raise SettingError(
                    f"{bare} stands twice, as {seen[bare]} and as {override.input_line}; leave one out"
                )
            seen[bare] = override.input_line
            mine.append(override.input_line.lstrip("+").removeprefix(PREFIX))
        elif key.startswith(PREFIX):
            raise unknown_setting(key, [PREFIX + name for name in names], HINT)
        elif key not in of_runs and difflib.get_close_matches(key, names, n=1, cutoff=0.8):
            raise unknown_setting(key, names, HINT)
        else:
            others.append(override.input_line)
    name = _search_name(mine)
    values = composed_values("sweep", mine)
    brought = {key: values.pop(key) for key in OF_A_SEARCH}
    sweep = build_part(Sweep, values, "")
    _check_alone(sweep)
    dimensions, fixed = sorted_space(others)
    given = {dimension.name for dimension in dimensions} | {parsed([text])[0].key_or_group for text in fixed}
    ready = [f"{key}={text}" for key, text in brought["space"].items() if key not in given]
    more, none = sorted_space(ready)
    assert not none, f"conf/search/{name}.yaml holds settings that are not swept"
    kept = [f"{key}={text}" for key, text in brought["fixed"].items() if key not in given]
    found = Search(sweep, name, (*more, *dimensions), (*kept, *fixed), bool(brought["needs_limit"]))
    _check_space(found)
    return found


def _search_name(words: Sequence[str]) -> str:
    """The ready-made space that is asked for; refused here, since Hydra's own words are long."""
    name = "none"
    for text in words:
        key, _, value = text.partition("=")
        if key == "search":
            name = value
            if name not in options_of("search"):
                raise SettingError(
                    f"search={name} is not known: search may be {', '.join(options_of('search'))}"
                )
    return name


def _check_alone(sweep: Sweep) -> None:
    if sweep.confirm is not None and confirmation(sweep.confirm) is None:
        raise SettingError(
            f"confirm={sweep.confirm} must be BESTxSEEDS with at least 1 configuration and 2 seeds, such as 3x5"
        )
    if sweep.folds == 1:
        raise SettingError("folds=1 leaves nothing to train on; take at least 2 folds, or 0 for none")
    if sweep.study is not None and (
        not re.fullmatch(r"[\w.+-]{1,100}", sweep.study) or sweep.study.startswith("-")
    ):
        raise SettingError(
            f"study must be 1 to 100 letters, digits and the signs . _ + -, not {sweep.study!r}"
        )
    for preset in sweep.first or ():
        if preset not in options_of("experiment"):
            raise SettingError(
                f"first={preset} is no preset: take some of {', '.join(options_of('experiment'))}"
            )


def confirmation(text: str) -> tuple[int, int] | None:
    """How many configurations, with how many seeds: (3, 5) of "3x5"."""
    match = re.fullmatch(r"([1-9]\d{0,2})x([1-9]\d{0,2})", text)
    if not match or int(match[2]) < 2:
        return None
    return int(match[1]), int(match[2])


def _check_space(search: Search) -> None:
    if not search.dimensions:
        raise SettingError(
            "there is nothing to search: give a setting several values, such as 'lr=tag(log,interval(1e-4,1e-2))', or take search=report_small"
        )
    if search.config().resume:
        raise SettingError("resume goes with `run`; a sweep goes on when the same command is given again")
    for dimension in search.dimensions:
        for value in dimension.corners():
            try:
                search.config({dimension.name: value})
            except SettingError as error:
                # Two settings may go together elsewhere in the space; what no place allows is found by a trial.
                if str(error).startswith(dimension.name + " "):
                    raise SettingError(f"the space holds what cannot be: {error}") from error


def sweep_settings() -> list[tuple[str, dataclasses.Field[Any]]]:
    """Dotted name and field of every setting of a sweep, in order."""
    return list(fields_of(Sweep))


def sweep_defaults() -> dict[str, Any]:
    """Dotted name -> default of every setting of a sweep."""
    values = composed_values("sweep", [])
    return {dotted: at(values, dotted) for dotted, _ in fields_of(Sweep)}


def told_range(dotted: str) -> str:
    """What a setting of a sweep allows, in words."""
    return range_of(dotted, Sweep)
