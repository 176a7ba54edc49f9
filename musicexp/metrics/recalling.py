"""Recalling: how far to trust what a piece said before, and what that is worth.

A model that recalls gives a token the probability (1 - w) p + w r: p is the model's, r the share of it among what
followed in the piece so far where its last m tokens stood before, and w a weight that depends on m alone
(`model.recall`). The weights are those under which held-out pieces are likeliest, found by expectation maximisation:
how often real music of this kind goes on as it went on before. They are fitted on the validation pieces, so that the
figure of these flatters a little (16 numbers from thousands of tokens), and that of the test pieces does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicexp.model import LONGEST, USUAL, Memory, Trust
from musicexp.tokens import Ids

TOKENS_OF_USUAL = 10.0
"""The usual weights count as so many observations of each length: a length that hardly occurs keeps them."""
ROUNDS = 50


@dataclass(frozen=True)
class Followed:
    """What of some pieces could be recalled, for all their tokens behind BOS, end to end.

    Attributes:
        matched: int64 [tokens], how many tokens before it stood in the piece already; 0 if none did.
        shares: float64 [tokens], how often it was it that followed there.
        ends: int64 [pieces], where each piece ends among the tokens.
    """

    matched: NDArray[np.int64]
    shares: NDArray[np.float64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, pieces: Sequence[Ids]) -> Followed:
        """
        Args:
            pieces: each BOS ... EOS.
        """
        found: list[tuple[int, float]] = []
        ends = []
        for piece in pieces:
            memory = Memory()
            for token in piece[1:].tolist():
                found.append(memory.chance(token))
                memory.take(token)
            ends.append(len(found))
        columns = np.array(found, dtype=np.float64).reshape(-1, 2)
        return cls(columns[:, 0].astype(np.int64), columns[:, 1], np.array(ends, dtype=np.int64))


def fit_recall(nats: NDArray[np.float64], followed: Followed) -> Trust:
    """The weights by which the tokens are likeliest.

    Args:
        nats: float64 [tokens], what each costs the model alone.
    """
    recalls = followed.matched > 0
    length = followed.matched[recalls] - 1
    own, recalled = np.exp(-nats[recalls]), followed.shares[recalls]
    usual = np.array(USUAL)
    weights, times = usual, np.bincount(length, minlength=LONGEST)
    for _ in range(ROUNDS):
        both = weights[length] * recalled
        whose = both / np.maximum(both + (1 - weights[length]) * own, np.finfo(float).tiny)
        taken = np.bincount(length, whose, minlength=LONGEST)
        weights = (taken + TOKENS_OF_USUAL * usual) / (times + TOKENS_OF_USUAL)
    return tuple(weights.tolist())


def recalling_nats(nats: NDArray[np.float64], followed: Followed, weights: Trust) -> NDArray[np.float64]:
    """Code length of each piece in nats with recall, float64 [pieces].

    Args:
        nats: float64 [tokens], what each costs the model alone.
    """
    weight = np.array([0.0, *weights])[followed.matched]
    chances = (1 - weight) * np.exp(-nats) + weight * followed.shares
    sums = np.r_[0.0, np.cumsum(-np.log(chances))]
    found: NDArray[np.float64] = np.diff(sums[np.r_[0, followed.ends]])
    return found
