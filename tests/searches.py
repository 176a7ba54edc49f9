"""Searches for tests, composed once: Hydra takes a tenth of a second, and a table of pairs asks for thousands."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from musicexp.config import (
    GROUPS,
    Config,
    Dimension,
    Search,
    Sweep,
    build,
    build_part,
    compose,
    sweep_defaults,
)


@cache
def default() -> dict[str, Any]:
    """The settings of a run that nobody changed."""
    return compose().as_dict()


@cache
def _default_sweep() -> Sweep:
    values = sweep_defaults()
    flat = {name: value for name, value in values.items() if "." not in name}
    built: Sweep = build_part(Sweep, {**flat, "ray": {"address": values["ray.address"]}}, "")
    return built


def sweep_of(**given: Any) -> Sweep:
    """A sweep's settings as conf/sweep.yaml has them, but for those given."""
    return dataclasses.replace(_default_sweep(), **given)


@cache
def _built(given: tuple[tuple[str, Any], ...]) -> Config:
    values = copy.deepcopy(default())
    for name, value in given:
        *rooms, leaf = name.split(".")
        inner = values
        for room in rooms:
            inner = inner[room]
        inner[leaf] = value
    return build(values)


@dataclasses.dataclass(frozen=True)
class Composed(Search):
    """A search whose runs are built from values; Hydra is asked for chosen groups only."""

    base: tuple[tuple[str, Any], ...] = ()

    def config(self, chosen: Mapping[str, Any] | None = None) -> Config:
        if any(name in GROUPS for name in chosen or {}):
            return super().config(chosen)
        return _built((*self.base, *(chosen or {}).items()))


def search_of(
    dimensions: Sequence[Dimension], base: Mapping[str, Any] | None = None, **sweep: Any
) -> Composed:
    """A search of these dimensions; `base` are settings of its runs, the rest are the sweep's."""
    words = tuple(f"{name}={value}" for name, value in (base or {}).items())
    return Composed(
        sweep_of(**sweep), "none", tuple(dimensions), words, False, base=tuple((base or {}).items())
    )
