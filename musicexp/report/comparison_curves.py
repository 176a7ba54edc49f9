"""Loss curves as a page carries them: in few bytes, and only in units in which they may stand beside each other."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.report.comparison import BandPoint, Comparison, Group, Point, Side
from musicexp.report.html import visible
from musicexp.wording import sentence

COLOURS = 10
DASHES = 3
MOST_POINTS = 500_000
"""Of all curves of a page together: about 6 MB. Longer curves keep the least and greatest value of each stretch."""
NATS, BITS = "nats per token", "bits per note"


@dataclass(frozen=True)
class Unit:
    """What the curves of a page are measured in.

    Attributes:
        factors: by which each run's nats per token are multiplied, in the order of the comparison's runs.
        alone: whether only one configuration is shown at a time, since they have no measure in common.
        val_only: whether the factors hold for validation only.
        reason: why they are not in nats per token side by side; "" if they are.
    """

    name: str
    factors: tuple[float, ...]
    alone: bool = False
    val_only: bool = False
    reason: str = ""


def unit_of(found: Comparison) -> Unit:
    """Nats per token where they compare; else bits per note, if every run says how many tokens its notes take."""
    ones = (1.0,) * len(found.runs)
    if found.nats_comparable:
        return Unit(NATS, ones)
    factors = [_tokens_a_note(run.figures) for run in found.runs]
    if found.bits_comparable and all(factor is not None for factor in factors):
        told = (
            f"{sentence(visible(found.nats_reason))}. So the curves are in bits per note: each run's nats per token times what "
            "it needs for a note of the validation pieces. Training curves have no such measure and are left out."
        )
        return Unit(BITS, tuple(f for f in factors if f is not None), val_only=True, reason=told)
    told = f"{sentence(visible(found.nats_reason))}. So the curves are shown one configuration at a time."
    return Unit(NATS, ones, alone=True, reason=told)


def _tokens_a_note(figures: Mapping[str, float]) -> float | None:
    """Bits per note in one nat per token: both figures are of the same pieces and the same weights."""
    bits, nats = figures.get("bits_per_note/val"), figures.get("nll_nats/val")
    return bits / nats if bits and nats and bits > 0 and nats > 0 else None


def in_order(found: Comparison) -> list[int]:
    """Places of the runs as the page shows them: seeds of a configuration stand together."""
    return [place for group in found.groups for place in group.runs]


def look(number: int) -> tuple[int, int]:
    """Colour and dash of a configuration by its number from 0."""
    return number % COLOURS, number // COLOURS % DASHES


def curve_data(found: Comparison, unit: Unit) -> dict[str, Any]:
    """What curves.js draws: {"runs", "groups", "baselines", "unit", "alone", "val_only", "thinned"}.

    A curve is {"length", "iteration": [[first, step, count], ...], "tokens": a number a token of an iteration or ranges
    or None, "seconds", "value", "low", "high"}; the last four are float32, little endian, in base64.
    """
    order = in_order(found)
    place = {run: k for k, run in enumerate(order)}
    total = sum(len(curve) for run in found.runs for curve in run.curves.values())
    total += sum(len(curve) for group in found.groups for curve in group.curves.values())
    share = min(1.0, MOST_POINTS / max(1, total))
    runs: list[dict[str, Any]] = [{} for _ in order]
    groups = []
    for number, group in enumerate(found.groups):
        colour, dash = look(number)
        for run in group.runs:
            one = found.runs[run]
            runs[place[run]] = {
                "place": place[run],
                "label": visible(one.name),
                "numbers": str(place[run] + 1),
                "colour": colour,
                "dash": dash,
                "curves": _curves(one.curves, unit, unit.factors[run], share),
            }
        groups.append(_group(group, place, colour, dash, unit, share))
    return {
        "runs": runs,
        "groups": groups,
        "baselines": _baselines(found, unit, place),
        "unit": unit.name,
        "alone": unit.alone,
        "val_only": unit.val_only,
        "thinned": share < 1,
    }


def _group(
    group: Group, place: Mapping[int, int], colour: int, dash: int, unit: Unit, share: float
) -> dict[str, Any]:
    places = [place[run] for run in group.runs]
    numbers = f"{min(places) + 1}-{max(places) + 1}" if len(places) > 1 else str(places[0] + 1)
    return {
        "runs": places,
        "label": visible(group.label),
        "numbers": numbers,
        "colour": colour,
        "dash": dash,
        "curves": _curves(group.curves, unit, unit.factors[group.runs[0]], share),
    }


def _curves(
    curves: Mapping[Side, Sequence[Point] | Sequence[BandPoint]], unit: Unit, factor: float, share: float
) -> dict[str, Any]:
    return {
        side: packed(points, factor, share)
        for side, points in curves.items()
        if points and not (unit.val_only and side == "train")
    }


def packed(
    points: Sequence[Point] | Sequence[BandPoint], factor: float = 1.0, share: float = 1.0
) -> dict[str, Any]:
    """A curve in few bytes.

    Args:
        factor: by which its values are multiplied.
        share: how many of its points are kept, at most 1.
    """
    names = points[0]._fields
    table = np.array(points, dtype=np.float64)
    if share < 1:
        table = table[_thinned(table[:, 3], max(4, int(len(table) * share)))]
    column = {name: table[:, k] for k, name in enumerate(names)}
    value = column.get("value", column.get("mean"))
    assert value is not None, "a curve has values or means"
    data: dict[str, Any] = {
        "length": float(column["iteration"][-1]),
        "iteration": _ranges(column["iteration"]),
        "tokens": _tokens(column["iteration"], column["tokens_seen"]),
        "seconds": _floats(column["seconds"]),
        "value": _floats(value * factor),
    }
    if "low" in column:
        data |= {side: _floats(column[side] * factor) for side in ("low", "high")}
    return data


def _thinned(values: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Which points stay: the least and greatest of each of `most` / 2 stretches, and both ends."""
    edges = np.linspace(0, len(values), max(1, most // 2) + 1).astype(np.int64)
    kept = {0, len(values) - 1}
    for a, b in pairwise(edges.tolist()):
        if b > a:
            stretch = np.nan_to_num(values[a:b], nan=0.0)
            kept |= {int(a + stretch.argmin()), int(a + stretch.argmax())}
    return np.array(sorted(kept), dtype=np.int64)


def _ranges(numbers: NDArray[np.float64]) -> list[list[int]]:
    """[[first, step, count], ...] of whole numbers."""
    whole = numbers.astype(np.int64)
    found: list[list[int]] = []
    start = 0
    steps = np.diff(whole)
    while start < len(whole):
        if start == len(whole) - 1:
            found.append([int(whole[start]), 1, 1])
            break
        step = steps[start]
        other = np.nonzero(steps[start:] != step)[0]
        length = (int(other[0]) if len(other) else len(steps) - start) + 1
        found.append([int(whole[start]), int(step), length])
        start += length
    return found


def _tokens(iterations: NDArray[np.float64], tokens: NDArray[np.float64]) -> float | list[list[int]] | None:
    if not tokens[-1]:
        return None
    per = tokens[-1] / iterations[-1]
    return float(per) if np.array_equal(iterations * per, tokens) else _ranges(tokens)


def _floats(numbers: NDArray[np.float64]) -> str:
    with np.errstate(over="ignore"):  # what is beyond 3e38 is infinite to whoever looks
        return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


def _baselines(found: Comparison, unit: Unit, place: Mapping[int, int]) -> list[dict[str, Any]]:
    """Each line once, with the runs whose baseline it is."""
    lines: dict[tuple[str, float], list[int]] = {}
    for k, run in enumerate(found.runs):
        for name, value in run.baselines.items():
            if math.isfinite(value):
                lines.setdefault((visible(name), round(value * unit.factors[k], 4)), []).append(place[k])
    return [{"name": name, "value": value, "runs": runs} for (name, value), runs in lines.items()]
