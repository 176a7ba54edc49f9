"""How rough loss curves are, beside each other: over equal iterations, or over equal tokens (metrics/smoothness.py)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from musicexp.metrics.smoothness import Smoothness, common_stretch, smoothness

Curve = Sequence[tuple[int, float]]
"""(iteration, nats per token) pairs."""
UNKNOWN = Smoothness(math.nan, math.nan, math.nan, math.nan, 0)


def roughness(curves: Sequence[Curve], batches: Sequence[int] | None = None, last: float = math.inf) -> list[Smoothness]:  # fmt: skip
    """Of every curve over the stretch that all of them share; without a number where it has too few points.

    Args:
        batches: windows in an iteration of each, for equal tokens; None for equal iterations.
        last: where the stretch ends at the latest, in the same unit: iterations, or windows seen.
    """
    factors = batches or [1] * len(curves)
    seen = [[k * factor for k, _ in curve if k * factor <= last] for curve, factor in zip(curves, factors, strict=True)]  # fmt: skip
    stretch = common_stretch(seen)
    if stretch is None:
        return [UNKNOWN] * len(curves)
    return [
        smoothness(at, [loss for _, loss in curve[: len(at)]], stretch) or UNKNOWN
        for at, curve in zip(seen, curves, strict=True)
    ]
