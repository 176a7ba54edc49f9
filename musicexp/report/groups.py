"""Runs of one configuration with several seeds, as one: means, intervals, mean curves with a band."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np

from musicexp.config import Config, fields_of
from musicexp.metrics import student_t
from musicexp.report.comparison import (
    CURVES,
    BandPoint,
    ComparedRun,
    Difference,
    Group,
    Point,
    Spread,
)
from musicexp.report.study_facts import setting

LEVEL = 0.95
MATTERING = frozenset(dotted for dotted, f in fields_of(Config) if f.metadata["changes_result"])
"""The settings that can change a loss or a sample."""
LABEL_SETTINGS = 4


def groups(
    runs: Sequence[ComparedRun], differing: Sequence[Difference], figures: Sequence[Mapping[str, float]]
) -> tuple[Group, ...]:
    """Every run in one group, groups in the order of their first runs.

    Args:
        figures: of every run, by name: whatever is to have a mean.

    Two runs of the same configuration and the same seed are one experiment done twice: the second stands alone, since
    counted with the first it would make the interval too narrow.
    """
    members: dict[str, list[int]] = {}
    for place, run in enumerate(runs):
        key = configuration(run)
        if not key or any(runs[other].seed == run.seed for other in members.get(key, [])):
            key = f"alone {place}"
        members.setdefault(key, []).append(place)
    apart = [d for d in differing if d.matters and d.name != "seed"]
    return tuple(_group(runs, places, apart, figures) for places in members.values())


def configuration(run: ComparedRun) -> str:
    """What runs of one configuration share but the seed, as in a run's signature; "" where that is unknown."""
    if not run.settings or not run.fingerprints["data"]:
        return ""
    # What `auto` became counts, not that it was written: `seeds=3` writes precision=fp32 for auto.
    apart = {"seed", *(name for name, chosen in run.resolved.items() if chosen)}
    settings = {
        name: value for name, value in run.settings.items() if name in MATTERING and name not in apart
    }
    return json.dumps(
        [settings, run.fingerprints, run.code.get("fingerprint"), dict(run.resolved)],
        sort_keys=True,
        default=str,
    )


def _group(
    runs: Sequence[ComparedRun],
    places: list[int],
    apart: Sequence[Difference],
    figures: Sequence[Mapping[str, float]],
) -> Group:
    if len(places) > 1:
        places = sorted(places, key=lambda place: runs[place].seed or 0)
    members = [runs[place] for place in places]
    spreads = {}
    for name in dict.fromkeys(name for place in places for name in figures[place]):
        values = [figures[place][name] for place in places if name in figures[place]]
        spreads[name] = _spread(values)
    return Group(
        label=members[0].name if len(members) == 1 else _label(members, places[0], apart),
        runs=tuple(places),
        seeds=tuple(run.seed for run in members),
        figures=spreads,
        curves={side: _band([run.curves[side] for run in members]) for side in CURVES}
        if len(members) > 1
        else {},
    )


def _label(members: Sequence[ComparedRun], place: int, apart: Sequence[Difference]) -> str:
    """What sets a group apart, or else what its runs' names begin with."""
    words = [f"{d.name}={setting(d.values[place])}" for d in apart[:LABEL_SETTINGS] if d.known[place]]
    if words:
        more = ["..."] if len(apart) > LABEL_SETTINGS else []
        return " ".join(words + more) + f" ({len(members)} seeds)"
    return f"{members[0].name} and {len(members) - 1} more seed{'s' * (len(members) > 2)}"


def _spread(values: Sequence[float]) -> Spread:
    mean, low, high = student_t(values)
    return Spread(len(values), mean, *((low, high) if math.isfinite(low) else (None, None)))


def _band(curves: Sequence[Sequence[Point]]) -> tuple[BandPoint, ...]:
    """Mean and interval at every iteration that all curves have a point at."""
    from scipy import stats

    by_iteration = [{point.iteration: point for point in curve} for curve in curves]
    common = sorted(set(by_iteration[0]).intersection(*by_iteration[1:]))
    if not common:
        return ()
    values = np.array([[curve[i].value for i in common] for curve in by_iteration])
    seconds = np.array([[curve[i].seconds for i in common] for curve in by_iteration]).mean(axis=0)
    values[:, ~np.isfinite(values).all(axis=0)] = np.nan  # where one diverged there is no mean
    mean = values.mean(axis=0)
    with np.errstate(over="ignore"):
        deviation = values.std(axis=0, ddof=1)
    half = stats.t.ppf((1 + LEVEL) / 2, len(curves) - 1) * deviation / math.sqrt(len(curves))
    columns = np.stack([seconds, mean, mean - half, mean + half], axis=1).tolist()
    tokens = [by_iteration[0][i].tokens_seen for i in common]
    return tuple(BandPoint(i, t, *row) for i, t, row in zip(common, tokens, columns, strict=True))
