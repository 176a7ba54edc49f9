"""Quality against cost: which of several offers no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence

Offer = tuple[float, float]
"""(cost, loss): of both, less is less."""


def front(offers: Sequence[Offer]) -> list[int]:
    """Numbers of the offers to which no other is at most as dear and better, or cheaper and at most as bad; cheapest first.

    Of equal offers the first one stands for all.
    """
    found: list[int] = []
    for number in sorted(range(len(offers)), key=lambda k: (*offers[k], k)):
        if not found or offers[number][1] < offers[found[-1]][1]:
            found.append(number)
    return found


def reached(curve: Sequence[tuple[int, float]], iterations: float) -> float | None:
    """The last value of a curve up to some iteration; None before its first."""
    known = [value for iteration, value in curve if iteration <= iterations]
    return known[-1] if known else None
