"""The temperature sweep of a checkpoint: at which temperature what it writes lies nearest to its corpus.

At each temperature of a grid a set of melodies is drawn, and stands in a plane: how different its pieces are from each
other (diversity), and how far it lies from the real pieces (distance). Real pieces stand there too.

Distance is the mean over metrics of |AUC - 1/2|: how far, on average over the panel, a generated piece can be told from a
real one by one number. 0 is nowhere, 1/2 by every metric alone. It picks a temperature for one checkpoint, and
is no score: it says nothing of novelty (a copied corpus has distance 0), it depends on which metrics are asked, and two
models' distances are not to be compared. So the metrics are shown one by one beside it, and the temperatures that
cannot be told from the nearest one are named with it.

`human` is the same for real pieces: the mean of their distance over splits into as many pieces as were drawn, and the
rest. No temperature can be expected to lie nearer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.auc import Auc, auc, shares_below
from musicexp.metrics.diversity import mean_edit_distance
from musicexp.metrics.panel import METRICS, measured
from musicexp.music import Piece

TEMPERATURES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5)
DRAWN = 24
"""Melodies drawn at each temperature."""
ASPECTS = ("structure", "rhythm", "melody", "tonality")
"""Whose metrics are asked: those that need nothing but the piece, and that music of one voice has."""
RESAMPLES = 400
SPLITS = 200
"""Splits of the real pieces."""
OFTEN = 0.05

Values = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class HeatPoint:
    """Melodies of one temperature, or real pieces.

    Attributes:
        temperature: None for real pieces.
        pieces: how many.
        diversity: mean edit distance of two of them, 0 (all the same) to 1 (`diversity.mean_edit_distance`).
        distance: mean |AUC - 1/2| over `metrics`, 0 to 1/2.
        low, high: of real pieces between which distances 95 % of the splits lie; else two standard errors to each
            side, by resampling the pieces drawn (not the real ones, which are the same at every temperature).
        aucs: by metric, where both sides have values.
    """

    temperature: float | None
    pieces: int
    diversity: float
    distance: float
    low: float
    high: float
    aucs: Mapping[str, Auc]


@dataclass(frozen=True)
class Heat:
    """A sweep.

    Attributes:
        points: in order of temperature.
        human: the real pieces.
        nearest: the temperature of the least distance.
        as_near: the temperatures, `nearest` among them, that lie nearest in at least one of twenty resamplings.
    """

    points: tuple[HeatPoint, ...]
    human: HeatPoint
    nearest: float
    as_near: tuple[float, ...]

    @property
    def at_an_end(self) -> bool:
        """Whether the nearest temperature is the lowest or the highest tried: one beyond it may lie nearer."""
        return self.nearest in (self.points[0].temperature, self.points[-1].temperature)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def heat(
    drawn: Mapping[float, Sequence[Piece]], real: Sequence[Piece], values: Mapping[str, NDArray[np.float64]]
) -> Heat:
    """The sweep of the pieces drawn at each temperature.

    The metrics asked are those of `ASPECTS` that have a value for some real piece and some drawn one. A set without any
    value of one of them (no piece has a leap that could be recovered from) is by that metric as far as can be.

    Args:
        real: the real pieces, at least two.
        values: by metric their values, [pieces], nan for none.

    Raises:
        ValueError: no metric has values for both.
    """
    ours = {temperature: _measured(pieces) for temperature, pieces in sorted(drawn.items())}
    names = [
        name
        for name, metric in METRICS.items()
        if metric.aspect in ASPECTS
        and _has(values.get(name))
        and any(_has(found.get(name)) for found in ours.values())
    ]
    if not names:
        raise ValueError("no metric has a value both for real pieces and for drawn ones")
    places = {
        temperature: np.stack([_places(found[name], values[name]) for name in names])
        for temperature, found in ours.items()
    }
    far = np.stack([_distances(found) for found in places.values()])
    wins = np.bincount(far[:, 1:].argmin(axis=0), minlength=len(far)) / (far.shape[1] - 1)
    nearest = int(far[:, 0].argmin())
    points = [
        _point(
            temperature,
            drawn[temperature],
            far[k],
            {name: auc(found[name], values[name]) for name in names if _has(found[name])},
        )
        for k, (temperature, found) in enumerate(ours.items())
    ]
    return Heat(
        tuple(points),
        _human(real, {name: values[name] for name in names}, max(len(pieces) for pieces in drawn.values())),
        points[nearest].temperature or math.nan,
        tuple(t for k, t in enumerate(ours) if k == nearest or wins[k] >= OFTEN),
    )


def _measured(pieces: Sequence[Piece]) -> Values:
    found = [measured(piece) for piece in pieces]
    return {name: np.array([value[name] for value in found]) for name in (found[0] if found else ())}


def _has(values: NDArray[np.float64] | None) -> bool:
    return values is not None and bool(np.isfinite(values).any())


def _places(values: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each piece the share of the real ones below it, nan without a value: the AUC is their mean."""
    places = shares_below(values, np.sort(real[np.isfinite(real)]))
    return np.where(np.isfinite(values), places, math.nan)


def _distances(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of a set as it is, and of sets drawn from it with replacement: float64 [1 + RESAMPLES].

    Args:
        places: float64 [metrics, pieces].
    """
    size = places.shape[1]
    chosen = np.random.default_rng(size).integers(0, size, (RESAMPLES, size))
    times = np.concatenate(
        [np.ones((1, size)), np.stack([np.bincount(row, minlength=size) for row in chosen])]
    )
    valued = np.isfinite(places)
    counts = times @ valued.T
    sums = times @ np.where(valued, places, 0).T
    areas = np.where(counts > 0, sums / np.maximum(counts, 1), 0.0)
    found: NDArray[np.float64] = np.abs(areas - 0.5).mean(axis=1)
    return found


def _point(
    temperature: float, pieces: Sequence[Piece], far: NDArray[np.float64], aucs: dict[str, Auc]
) -> HeatPoint:
    distance, error = float(far[0]), float(far[1:].std(ddof=1))
    low, high = max(0.0, distance - 2 * error), min(0.5, distance + 2 * error)
    return HeatPoint(temperature, len(pieces), mean_edit_distance(pieces), distance, low, high, aucs)


def _human(real: Sequence[Piece], values: Values, drawn: int) -> HeatPoint:
    """Splits of the real pieces: as many as were drawn, at most half of them, against the rest."""
    from scipy import stats

    taken = min(drawn, len(real) // 2)
    chosen = np.random.default_rng((len(real), taken)).random((SPLITS, len(real))).argsort(axis=1) < taken
    far = []
    for found in values.values():
        valued = np.isfinite(found)
        inside = chosen[:, valued].astype(np.float64)
        ranks = stats.rankdata(found[valued])
        ours = inside.sum(axis=1)
        pairs = ours * (len(ranks) - ours)
        above = inside @ ranks - ours * (ours + 1) / 2
        far.append(np.abs(np.where(pairs > 0, above / np.maximum(pairs, 1), 0.0) - 0.5))
    distances = np.mean(far, axis=0)
    low, high = np.percentile(distances, (2.5, 97.5)).tolist()
    return HeatPoint(None, len(real), mean_edit_distance(real), float(distances.mean()), low, high, {})
