"""Which runs are missing before a comparison can say what made the difference, and the commands that train them.

Two settings that differ at once can be told apart only if each value of one was tried with each value of the other: the
cells of a full factorial. Each cell wants the same seeds, so that its runs can be compared in pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from musicexp.report.comparison import ComparedRun, Difference, Group
from musicexp.report.findings import MissingRuns
from musicexp.report.groups import configuration
from musicexp.report.run_command import possible, run_command
from musicexp.report.study_facts import setting
from musicexp.wording import count

FEWEST_SEEDS = 3
MOST_CELLS = 4096
ONE_CHOICE = {"dataset.name": "dataset", "dataset.collection": "dataset", "dataset.path": "dataset"}
"""Settings that one choice sets together."""


@dataclass(frozen=True)
class _Factor:
    """Settings that change together.

    Attributes:
        levels: their values in the order in which they were met; level k of group g is levels[of_group[g]].
    """

    name: str
    levels: tuple[dict[str, Any], ...]
    of_group: tuple[int, ...]


def missing_runs(
    runs: Sequence[ComparedRun],
    groups: Sequence[Group],
    differing: Sequence[Difference],
    factors: Sequence[str],
    unfair: str,
) -> MissingRuns:
    """What to train next.

    Args:
        factors: what the groups differ in.
        unfair: why figures do not compare at all; "" if they do.
    """
    beyond = [name for name in factors if name in ("seed", "code", "data")]
    if len(groups) < 2 or unfair or any(not runs[g.runs[0]].settings for g in groups):
        return MissingRuns(tuple(factors), 0, 0, (), (), ())
    study = {runs[k].study for g in groups for k in g.runs}
    if len(study) == 1 and study != {""} and len(groups) > 2:
        told = "trials of a study lie where a sampler put them, and fill no factorial: its page tells how much each setting matters"
        return MissingRuns(tuple(factors), 0, 0, (), (), (told,) * (len(factors) > 1))
    found = _factors(groups, differing)
    seeds = _seeds(groups)
    more = _more_seeds(runs, groups, seeds)
    cells = prod(len(factor.levels) for factor in found)
    if len(found) < 2 or cells > MOST_CELLS:
        words = [f"the full factorial of {len(found)} settings has {cells:,} cells, too many to name"] * (
            cells > MOST_CELLS
        )
        return MissingRuns(tuple(factors), cells if len(found) > 1 else 0, 0, (), more, tuple(words))
    absent = _absent(runs, groups, found)
    cells = len(set(zip(*(factor.of_group for factor in found), strict=True))) + len(
        absent
    )  # without those that cannot be
    commands = tuple(command for cell in absent for command in _commands(cell, seeds))
    words = [_told(found, cells, len(absent))] + [_beyond(beyond)] * bool(beyond)
    return MissingRuns(tuple(factors), cells, len(absent), commands, more, tuple(words))


def _factors(groups: Sequence[Group], differing: Sequence[Difference]) -> list[_Factor]:
    together: dict[str, list[Difference]] = {}
    for one in differing:
        if one.matters and one.name != "seed" and not one.name.startswith("split."):
            together.setdefault(ONE_CHOICE.get(one.name, one.name), []).append(one)
    found = []
    for name, several in together.items():
        levels: list[dict[str, Any]] = []
        of_group = []
        for group in groups:
            level = {one.name: one.values[group.runs[0]] for one in several}
            if level not in levels:
                levels.append(level)
            of_group.append(levels.index(level))
        if len(levels) > 1:
            found.append(_Factor(name, tuple(levels), tuple(of_group)))
    return found


def _seeds(groups: Sequence[Group]) -> list[int]:
    """The seeds that every cell should have: all that any has, and at least three."""
    seeds = sorted({seed for group in groups for seed in group.seeds if seed is not None})
    begin = seeds[0] if seeds else 0
    return sorted({*seeds, *range(begin, begin + FEWEST_SEEDS)}) if len(seeds) < FEWEST_SEEDS else seeds


def _absent(
    runs: Sequence[ComparedRun], groups: Sequence[Group], factors: Sequence[_Factor]
) -> list[dict[str, Any]]:
    """Settings of the cells that nobody trained; those first that change least against a configuration that is there."""
    there = [tuple(factor.of_group[k] for factor in factors) for k in range(len(groups))]
    found = []
    for cell in product(*(range(len(factor.levels)) for factor in factors)):
        if cell in there:
            continue
        changes = [sum(a != b for a, b in zip(cell, one, strict=True)) for one in there]
        like = changes.index(min(changes))
        settings = dict(runs[groups[like].runs[0]].settings)
        for factor, level in zip(factors, cell, strict=True):
            settings |= factor.levels[level]
        found.append((min(changes), like, cell, settings))
    return [settings for *_, settings in sorted(found, key=lambda one: one[:3]) if possible(settings)]


def _commands(settings: Mapping[str, Any], seeds: Sequence[int]) -> list[str]:
    """A command for every stretch of seeds without a gap."""
    stretches: list[list[int]] = []
    for seed in seeds:
        if stretches and seed == stretches[-1][-1] + 1:
            stretches[-1].append(seed)
        else:
            stretches.append([seed])
    return [run_command(settings, stretch[0], len(stretch)) for stretch in stretches]


def _more_seeds(
    runs: Sequence[ComparedRun], groups: Sequence[Group], seeds: Sequence[int]
) -> tuple[str, ...]:
    """Commands that give every configuration the same seeds; one that was trained twice with a seed is one still."""
    having: dict[str, set[int | None]] = {}
    first: dict[str, ComparedRun] = {}
    for group in groups:
        run = runs[group.runs[0]]
        key = configuration(run) or run.id
        having.setdefault(key, set()).update(group.seeds)
        first.setdefault(key, run)
    found = []
    for key, known in having.items():
        if None not in known:
            found += _commands(first[key].settings, [seed for seed in seeds if seed not in known])
    return tuple(found)


def _told(factors: Sequence[_Factor], cells: int, absent: int) -> str:
    levels = "; ".join(
        f"{factor.name}: {', '.join(_level(level) for level in factor.levels)}" for factor in factors
    )
    if not absent:
        return f"every cell of the factorial is there ({levels}): runs that differ in one of these alone can be compared in pairs"
    missing = "is" if absent == 1 else "are"
    return f"to tell them apart, each value of one has to be tried with each of the others ({levels}): of {count(cells, 'cell')} {absent} {missing} missing"


def _level(level: Mapping[str, Any]) -> str:
    return "/".join(setting(value) for value in level.values())


def _beyond(names: Sequence[str]) -> str:
    return f"no setting changes {' and '.join(names)} back: all runs that are to be compared need the same"
