"""PPM's arithmetic: from the counts of contexts, each one token longer than the one before, to distributions.

As Pearce (2005, section 6.2) and his IDyOM have it, escape method C with interpolation: a context seen n times with d
different followers gives each of them count / (n + d) and leaves d / (n + d) to the context without its oldest token.
Behind a longer context, n counts only the followers that the longer one has not seen: state counts are excluded,
followers are not, so that the sum passes one and is normalised at last.

Shapes: R contexts (rows); V columns, one a symbol, but one may stand for several symbols of the same probability:
`times_V` says for how many, and is 0 for ids that are never predicted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_ENTROPY = 1e-9
"""Nats. A model that is all but sure has an entropy of a rounding error, of either sign."""


@dataclass(frozen=True)
class Contexts:
    """The contexts of one length in which some tokens are asked for.

    Attributes:
        asked: int64 [n], the numbers of those tokens, ascending.
        rows: int64 [n], the context of each.
        counts_RV: how often each symbol followed a context.
        parents: int64 [R], the row that each context had without its oldest token, in the `Contexts` before.
    """

    asked: Ints
    rows: Ints
    counts_RV: Floats
    parents: Ints


@dataclass(frozen=True)
class Told:
    """What a model says of tokens in their contexts.

    Attributes:
        chances: float64 [tokens, symbols], of the symbols that are asked about at each.
        entropy_nats: float64 [tokens], of the whole distribution.
    """

    chances: Floats
    entropy_nats: Floats


def told(chain: Iterator[Contexts], columns: Ints, times_V: Floats) -> Told:
    """Chances of symbols at each token, in the longest of its contexts.

    Args:
        chain: contexts of 0, 1, 2 ... tokens; those asked for in one are among those of the one before.
        columns: int64 [tokens, symbols], the columns asked about; all tokens are asked for in the empty context.
    """
    found = Told(np.zeros(columns.shape), np.zeros(len(columns)))

    def settle(contexts: Contexts, below_RV: Floats, staying: NDArray[np.bool_]) -> None:
        used, rows = np.unique(contexts.rows[staying], return_inverse=True)
        chances_RV = distribution(contexts.counts_RV[used], below_RV[used], times_V)
        asked = contexts.asked[staying]
        found.chances[asked] = chances_RV[rows[:, None], columns[asked]]
        found.entropy_nats[asked] = entropy_nats(chances_RV, times_V)[rows]

    before = next(chain)
    below_RV = floor(before.counts_RV, times_V)
    for contexts in chain:
        settle(before, below_RV, ~np.isin(before.asked, contexts.asked, assume_unique=True))
        up = contexts.parents
        below_RV = passed_down(before.counts_RV[up], contexts.counts_RV, below_RV[up])
        before = contexts
    settle(before, below_RV, np.ones(len(before.asked), dtype=bool))
    return found


def floor(counts_RV: Floats, times_V: Floats) -> Floats:
    """What the empty context finds below itself: uniform over what it has not seen, and one more, [R, V]."""
    unseen_R = times_V.sum() + 1 - (counts_RV > 0).sum(axis=1)
    return np.repeat(1 / unseen_R[:, None], len(times_V), axis=1)


def passed_down(counts_RV: Floats, longer_RV: Floats, below_RV: Floats) -> Floats:
    """What a context finds below itself: [R, V], not normalised.

    Args:
        counts_RV: how often each symbol followed the context without its oldest token.
        longer_RV: how often each followed the context itself.
        below_RV: what the shorter one finds below itself.
    """
    kinds_R = (counts_RV > 0).sum(axis=1)
    kept_R = np.where(longer_RV > 0, 0, counts_RV).sum(axis=1)
    # Of a shorter context whose followers are all known nothing is taken, and its escape is sure.
    share_R = (kept_R > 0) / (kept_R + kinds_R)
    escape_R = kinds_R / (kept_R + kinds_R)
    return np.asarray(counts_RV * share_R[:, None] + below_RV * escape_R[:, None])


def distribution(counts_RV: Floats, below_RV: Floats, times_V: Floats) -> Floats:
    """The distribution in each context, as the longest one: [R, V], a row sums to one over `times_V`."""
    kinds_R = (counts_RV > 0).sum(axis=1)
    seen_R = counts_RV.sum(axis=1) + kinds_R
    escape_R = np.where(seen_R > 0, kinds_R, 1) / np.maximum(seen_R, 1)
    found_RV = counts_RV / np.maximum(seen_R, 1)[:, None] + below_RV * escape_R[:, None]
    return np.asarray(found_RV / (found_RV @ times_V)[:, None])


def entropy_nats(chances_RV: Floats, times_V: Floats) -> Floats:
    """Shannon's entropy of each row: [R]."""
    return np.asarray(-(chances_RV * np.log(chances_RV)) @ times_V)


def weight(entropy: Floats, symbols: float, bias: float) -> Floats:
    """How much a model is heard: its entropy, relative to the greatest one, to the power -b (Pearce 2005, section 7.3)."""
    most = max(math.log(symbols), LEAST_ENTROPY)
    return np.asarray((np.maximum(entropy, LEAST_ENTROPY) / most) ** -bias)
