"""Mixture: two models that speak together, and how far the second is trusted is learned within each piece.

At every token the chance is (1 - w) p + w q, averaged over a few shares w, each weighted by how well it has said the piece
so far; a little of the weight is dealt out anew at each token, so that trust can come and go (the fixed-share forecaster of
Herbster and Warmuth, 1998). Nothing is fitted: every piece begins without an opinion, so that no held-out piece tells
anything about another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Of the second model."""
DEALT_ANEW = 0.02
"""Of the weight, at each token."""


def mixed_nats(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Code length of each token of a piece under the mixture, float64 [tokens].

    Args:
        first, second: of each token under either model.
    """
    shares = np.array(SHARES)
    weights = np.full(len(shares), 1 / len(shares))
    found = np.empty(len(first))
    for token, (p, q) in enumerate(zip(np.exp(-first), np.exp(-second), strict=True)):
        chances = (1 - shares) * p + shares * q
        chance = float(weights @ chances)
        found[token] = -np.log(chance)
        weights = (1 - DEALT_ANEW) * weights * chances / chance + DEALT_ANEW / len(shares)
    return found
