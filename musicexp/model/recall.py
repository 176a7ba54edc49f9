"""Recall: a sequence goes on as it went on before, where its last tokens stood already.

A short-term model of the kind that IDyOM mixes in (Conklin and Witten 1995; Pearce 2005): it knows nothing but the one
sequence so far. It looks for the longest run of last tokens, `LONGEST` at most, that came before, and recalls what
followed there, each follower as often as it did. How far that is trusted is a weight by the length of the run, which
`metrics.recalling` fits on held-out pieces; the rest of the probability is the model's. Knows ids, and nothing of music.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.tokens import Ids

LONGEST = 16
"""Tokens: beyond that a longer run is not trusted more."""

Trust = tuple[float, ...]
"""The probability that goes to what is recalled, by how many last tokens stood before: 1, 2, ... LONGEST."""

USUAL: Trust = (0.16, 0.31, 0.5, 0.62, 0.76, 0.8, *[0.83] * (LONGEST - 6))
"""Those of fiddle tunes, where none were fitted yet."""


class Recalled(NamedTuple):
    """What followed before.

    Attributes:
        matched: how many last tokens stood before, at least 1.
        ids: int64 [followers], none twice, in the order they first came.
        shares: float64 [followers], how often each followed; their sum is 1.
    """

    matched: int
    ids: Ids
    shares: NDArray[np.float64]


class Memory:
    """One sequence so far. A token costs the same time and memory, however long the sequence is."""

    def __init__(self) -> None:
        self._last: tuple[int, ...] = ()
        self._followers: dict[tuple[int, ...], Counter[int]] = {}

    def take(self, token_id: int) -> None:
        """Take note of the token that came."""
        for length in range(1, len(self._last) + 1):
            self._followers.setdefault(self._last[-length:], Counter())[token_id] += 1
        self._last = (*self._last, token_id)[-LONGEST:]

    def chance(self, token_id: int) -> tuple[int, float]:
        """How many last tokens stood before, and how often this one followed there: a share; (0, 0.0) if none did."""
        for length in range(len(self._last), 0, -1):
            found = self._followers.get(self._last[-length:])
            if found:
                return length, found[token_id] / found.total()
        return 0, 0.0

    def recalled(self) -> Recalled | None:
        """What followed where the most last tokens stood before; None if the last one is new."""
        for length in range(len(self._last), 0, -1):
            found = self._followers.get(self._last[-length:])
            if found:
                counts = np.fromiter(found.values(), dtype=np.float64, count=len(found))
                ids = np.fromiter(found, dtype=np.int64, count=len(found))
                return Recalled(length, ids, counts / counts.sum())
        return None


def mixed(
    chances_V: NDArray[np.float64],
    recalled: Recalled,
    weights: Trust,
    allowed_V: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """A model's distribution with what is recalled in it, float64 [V].

    Args:
        chances_V: the model's; its sum is 1.
        allowed_V: what may come next: of the rest nothing is recalled.
    """
    matched, ids, shares = recalled
    if allowed_V is not None:
        possible = allowed_V[ids]
        ids, shares = ids[possible], shares[possible]
    weight = weights[matched - 1] * float(shares.sum())
    found = chances_V * (1 - weight)
    found[ids] += weights[matched - 1] * shares
    return found
