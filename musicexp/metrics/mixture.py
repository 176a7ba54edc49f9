"""Mixture: two models that speak together, and how far the second is trusted is learned within each piece.

A pool of two distributions p and q is their geometric mean, p^(1 - w) q^w made a distribution again (Genest and Zidek
1986): what either holds for impossible stays so, and what both hold for likely becomes likelier. It needs .01 to .02 bits
a pitch less than the mean of the two (experiments/pearce). There are pools of several shares w, some of them sharpened,
for two that agree and know different things are surer than each; what they say is averaged, each weighted by how well
it has said the piece so far. A little of the weight is dealt out anew at each token, so that trust can come and go (the
fixed-share forecaster of Herbster and Warmuth, 1998). Nothing is fitted: every piece begins without an opinion, so that no
held-out piece tells anything about another.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the second model."""
SHARPNESS = (1.0, 1.15)
"""Powers to which a pool is taken."""
DEALT_ANEW = 0.02
"""Of the weight, at each token."""


def mixed_nats(
    first: NDArray[np.float64], second: NDArray[np.float64], came: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Code length of each token of a piece under the mixture, float64 [tokens].

    Args:
        first, second: what each symbol would cost either model at each token, [tokens, symbols].
        came: int64 [tokens], the symbol that came.
    """
    at = np.arange(len(came))
    chances = np.stack(
        [_pool(first, second, w, power)[at, came] for w, power in itertools.product(SHARES, SHARPNESS)],
        axis=1,
    )
    pools = chances.shape[1]
    weights = np.full(pools, 1 / pools)
    found = np.empty(len(came))
    for token, said in enumerate(chances):
        chance = float(weights @ said)
        found[token] = -np.log(chance)
        weights = (1 - DEALT_ANEW) * weights * said / chance + DEALT_ANEW / pools
    return found


def _pool(
    first: NDArray[np.float64], second: NDArray[np.float64], share: float, power: float
) -> NDArray[np.float64]:
    nats = power * ((1 - share) * first + share * second)
    chances: NDArray[np.float64] = np.exp(nats.min(axis=1, keepdims=True) - nats)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))
