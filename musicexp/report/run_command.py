"""The `run` command of a configuration: as few words as today's presets and defaults allow."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from musicexp.config import compose, options_of, recorded
from musicexp.errors import SettingError
from musicexp.report.export_page import assignment

APART = (
    "name",
    "experiment",
    "resume",
    "seed",
    "tracking.uri",
    "tracking.experiment",
    "tracking.system_metrics",
)
"""Settings that a command has elsewhere, or that say only where and under which name a run is kept."""
AUTO_OF_SEEDS = "fp32"
"""What precision=auto becomes with several seeds."""


def run_command(settings: Mapping[str, Any], seed: int, seeds: int) -> str:
    """`python -m musicexp run ...` of these settings with the seeds `seed`, `seed` + 1, ...

    Args:
        settings: dotted name -> value, as a run has them; settings that are unknown today are left out.
    """
    wanted = {name: value for name, value in settings.items() if name not in APART}
    if seeds > 1 and wanted.get("precision") == AUTO_OF_SEEDS:
        del wanted["precision"]
    # The fewest words, and of equally few the shortest; presets and options first, since their names say what they are.
    words = min((_words(base, wanted) for base in _bases(settings)), key=lambda w: (len(w), len(" ".join(w))))
    words += _place(settings)
    words += [f"seed={seed}"] * (seed != 0) + [f"seeds={seeds}"] * (seeds > 1)
    return " ".join(["python -m musicexp run", *map(shlex.quote, words)])


def possible(settings: Mapping[str, Any]) -> bool:
    """Whether these settings go together."""
    nested: dict[str, Any] = {}
    for dotted, value in settings.items():
        *rooms, leaf = dotted.split(".")
        inner = nested
        for room in rooms:
            inner = inner.setdefault(room, {})
        inner[leaf] = value
    try:
        recorded(nested)
    except SettingError:
        return False
    return True


def _bases(settings: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Words that others are told beside: none, the preset, and both with the options of the groups."""
    preset = str(settings.get("experiment", "none"))
    presets = [()] + [(f"experiment={preset}",)] * (preset != "none" and preset in _known("experiment"))
    options = tuple(_options(settings))
    for base in presets:
        usual = _usual(base)
        if usual is None:
            continue
        yield base
        more = tuple(f"{group}={name}" for group, name, told in options if usual[told] != settings[told])
        if more and _usual((*base, *more)) is not None:
            yield (*base, *more)


def _options(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(group, option, the setting that tells it) of a configuration."""
    told = (
        (
            "dataset",
            settings.get("dataset.name") if settings.get("dataset.path") is None else None,
            "dataset.name",
        ),
        ("tokens", settings.get("tokens.kind"), "tokens.kind"),
        ("model", f"lstm{settings.get('model.num_layers')}", "model.num_layers"),
        ("optimizer", settings.get("optimizer.name"), "optimizer.name"),
    )
    yield from ((group, str(name), setting) for group, name, setting in told if name in _known(group))


@cache
def _known(group: str) -> tuple[str, ...]:
    return tuple(options_of(group))


@cache
def _usual(base: tuple[str, ...]) -> dict[str, Any] | None:
    """What these words compose to; None if they do not alone, as dataset=midi, which wants a folder."""
    try:
        return compose(base).flat()
    except SettingError:
        return None


def _words(base: tuple[str, ...], wanted: Mapping[str, Any]) -> list[str]:
    usual = _usual(base)
    assert usual is not None
    told = [
        assignment(name, value) for name, value in wanted.items() if name in usual and value != usual[name]
    ]
    return [*base, *told]


def _place(settings: Mapping[str, Any]) -> list[str]:
    """Where the run is kept, if it is not kept where runs are as a rule: new ones belong beside it."""
    uri, experiment = settings.get("tracking.uri"), settings.get("tracking.experiment")
    words = [assignment("tracking.uri", uri)] * bool(uri and "://" not in str(uri))
    usual = (_usual(()) or {}).get("tracking.experiment")
    return words + [assignment("tracking.experiment", experiment)] * bool(experiment and experiment != usual)
