"""How a run's samples stand beside real music, read out of its summary.json. Files may be anything: what is no figure is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from musicexp.metrics.auc import Auc
from musicexp.metrics.distances import Band, Stand
from musicexp.metrics.intervals import Interval
from musicexp.metrics.panel import METRICS


@dataclass(frozen=True)
class MusicSet:
    """The scored samples of one temperature of a run.

    Attributes:
        key: T1.5 for temperature 1.5, as in `music/groove/T1.5`.
        pieces: how many were scored.
        copied: how many of them hold a passage of a training piece.
        broken: what is wrong with some of them, in words.
        stands: by metric, in the panel's order.
    """

    key: str
    pieces: int
    copied: int
    broken: tuple[str, ...]
    stands: Mapping[str, Stand]


def music_sets(summary: Mapping[str, Any]) -> tuple[MusicSet, ...]:
    """The judged sets of a run, in its order; empty for a run that scored none, such as one of an older musicexp."""
    sets = _mapping(_mapping(summary.get("music")).get("sets"))
    found = (_music_set(str(key), _mapping(told)) for key, told in sets.items())
    return tuple(one for one in found if one.stands)


def _music_set(key: str, told: Mapping[str, Any]) -> MusicSet:
    metrics = _mapping(told.get("metrics"))
    stands = {name: _stand(name, _mapping(metrics.get(name))) for name in METRICS if name in metrics}
    faults = told.get("faults")
    words = [_mapping(fault).get("words") for fault in faults] if isinstance(faults, list) else []
    return MusicSet(
        key=key,
        pieces=_whole(told.get("pieces")),
        copied=_whole(told.get("copied")),
        broken=tuple(word for word in words if isinstance(word, str)),
        stands={name: stand for name, stand in stands.items() if stand is not None},
    )


def _stand(name: str, told: Mapping[str, Any]) -> Stand | None:
    """None where it has no values on either side."""
    found = Stand(
        metric=name,
        generated=_whole(told.get("generated")),
        real=_whole(told.get("real")),
        mean=Interval(*_numbers(told.get("mean"), 3)),
        real_mean=Interval(*_numbers(told.get("real_mean"), 3)),
        band=_band(told.get("band")),
        generated_band=_band(told.get("generated_band")),
        auc=Auc(*_numbers(told.get("auc"), 3)),
        oa=_number(told.get("oa")),
        oa_null=_pair(told.get("oa_null")),
        kld=_number(told.get("kld")),
        wasserstein=_number(told.get("wasserstein")),
    )
    known = any(math.isfinite(value) for value in (found.mean.mean, found.real_mean.mean))
    return found if known and (found.generated or found.real) else None


def _band(told: Any) -> Band:
    a, b, c, d, e = _numbers(told, 5)
    return a, b, c, d, e


def _pair(told: Any) -> tuple[float, float]:
    low, high = _numbers(told, 2)
    return low, high


def _numbers(told: Any, several: int) -> tuple[float, ...]:
    """So many numbers; nan for each if it is no list of so many."""
    if not isinstance(told, list) or len(told) != several:
        return (math.nan,) * several
    return tuple(_number(value) for value in told)


def _number(told: Any) -> float:
    plain = isinstance(told, (int, float)) and not isinstance(told, bool)
    return float(told) if plain and math.isfinite(told) else math.nan


def _whole(told: Any) -> int:
    return told if isinstance(told, int) and not isinstance(told, bool) and told >= 0 else 0


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}
