"""Pooling: a model draws together with a partner, and a share says how far the partner is heard.

The pool of two distributions p and q is their geometric mean, p^(1 - w) q^w made a distribution again (Genest and Zidek
1986): what either holds for impossible stays so, and what both hold for likely becomes likelier. Temperature and masks may
come before or behind it, the result is the same: a power of a product is the product of the powers. Knows ids, and
nothing of music.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Partner(Protocol):
    """Who follows one sequence token by token, and says what may come next."""

    def advance(self, token: int) -> None: ...

    def probabilities(self) -> NDArray[np.float64]:
        """Of each id to come next: float64 [V], summing to one."""
        ...


def pooled(
    logprobs_BV: NDArray[np.float64], partners_BV: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Log-probabilities of the pools, float64 [B, V]; a row does not depend on the others.

    Args:
        logprobs_BV: the model's.
        partners_BV: probabilities, not their logarithms.
        share: w, the partners'; with 1 they are heard alone.
    """
    with np.errstate(divide="ignore"):  # of what is never predicted
        said_BV = np.log(partners_BV)
    if share < 1:  # nothing times minus infinity is no number
        said_BV = (1 - share) * logprobs_BV + share * said_BV
    said_BV -= said_BV.max(axis=1, keepdims=True)
    return np.asarray(said_BV - np.log(np.exp(said_BV).sum(axis=1, keepdims=True)))
