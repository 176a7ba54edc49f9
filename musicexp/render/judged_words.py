"""How the figures of a judgement are written, and what they say in words: never that higher is better."""

from __future__ import annotations

import math
from collections.abc import Sequence

from musicexp.metrics.auc import Auc
from musicexp.metrics.distances import Stand
from musicexp.render.axes import MINUS

NOTHING = "\N{EN DASH}"
"""Where there is no value."""
EVEN = 0.5
"""The AUC of sets that a metric cannot tell apart."""
ALIKE, LESS, MORE = "cannot be told apart", "less than real music", "more than real music"
NO_VALUE = "no value"
TOO_FEW = "too few to tell"
FEWEST = 8
"""Pieces of either side; with fewer nearly everything would be called alike."""


def written(value: float) -> str:
    """A figure with two or three digits, as statistics are written: .21, .034, 2.31, 67.2, 1,204."""
    size = abs(value)
    if not math.isfinite(value):
        return NOTHING
    if size >= 99.95:
        told = f"{value:,.0f}"
    elif size >= 9.995:
        told = f"{value:.1f}"
    elif size >= 0.095 or size < 0.0005:
        told = f"{value:.2f}"
    else:
        told = f"{value:.3f}"
    told = told.replace("0.", ".", 1) if size < 0.995 else told
    return "0" if size < 0.0005 else told.replace("-", MINUS)


def between(low: float, high: float) -> str:
    """Two ends: .18-.24; with a sign in it, so that no stroke is taken for another, ".02 below to" is `-.02 to .05`."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOTHING
    return f"{written(low)} to {written(high)}" if low < 0 else f"{written(low)}-{written(high)}"


def with_interval(value: float, low: float, high: float) -> str:
    """Such as .21 (.18-.24); of a value without an interval the value alone."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return written(value)
    return f"{written(value)} ({between(low, high)})"


def auc_words(found: Auc) -> str:
    """An AUC with its interval, two digits each: .18 (.13-.25)."""
    if not math.isfinite(found.value):
        return NOTHING
    value, low, high = (f"{end:.2f}".removeprefix("0") for end in found)
    return f"{value} ({low}-{high})"


def verdict(found: Auc) -> str:
    """What an AUC says of the generated set, as far as its interval lets it."""
    if not math.isfinite(found.value):
        return NO_VALUE
    if found.low <= EVEN <= found.high:
        return ALIKE
    return LESS if found.value < EVEN else MORE


def standing(stand: Stand) -> str:
    """What a stand says in a word: nothing where it is of too few pieces."""
    if stand.generated and stand.real and min(stand.generated, stand.real) < FEWEST:
        return TOO_FEW
    return verdict(stand.auc)


def described(label: str, stand: Stand) -> str:
    """All of a stand in a sentence, for whoever cannot see its picture."""
    if not stand.generated:
        return f"{label}: no piece has a value."
    low, _, middle, _, high = stand.generated_band
    return (
        f"{label}: mean {with_interval(*stand.mean)}, median {written(middle)}, nine in ten pieces {between(low, high)}; "
        f"AUC {auc_words(stand.auc)}: {standing(stand)}."
    )


def listed(names: Sequence[str], most: int) -> str:
    """Names in a row, the first `most` of them."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
