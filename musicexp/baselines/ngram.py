"""N-gram baselines: what counting alone reaches on the same split.

Interpolated with escape probabilities after Witten & Bell (1991), which is PPM's escape method C: in a
context seen n times with d different followers, p(x) = (count(x) + d p'(x)) / (n + d), where p' is the
same in the context shortened by its oldest token, and uniform below the empty context. Nothing is tuned.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicexp.tokens import BOS, PAD, Ids

NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}


class NGram:
    """An n-gram model with the LSTM's likelihood interface: nats of whole pieces.

    The uniform floor is over every id that can be predicted: the vocabulary without PAD and BOS. It is all there is
    of an order of 0.
    """

    def __init__(self, order: int, vocabulary_size: int) -> None:
        self.order = order
        self._size = vocabulary_size
        self._counts: list[dict[int, int]] = []
        self._totals: list[dict[int, tuple[int, int]]] = []

    def fit(self, pieces: Sequence[Ids]) -> NGram:
        """Count pieces, each BOS ... EOS as `data.sequence` gives them."""
        assert self._size ** (self.order + 1) < 2**62, "contexts are packed into one int64"
        for length in range(self.order):
            contexts, targets = self._packed(pieces, length)
            keys, counts = np.unique(contexts * self._size + targets, return_counts=True)
            self._counts.append(dict(zip(keys.tolist(), counts.tolist(), strict=True)))
            owners = keys // self._size
            starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
            totals = np.add.reduceat(counts, starts)
            kinds = np.diff(np.r_[starts, len(owners)])
            self._totals.append(
                dict(
                    zip(
                        owners[starts].tolist(),
                        zip(totals.tolist(), kinds.tolist(), strict=True),
                        strict=True,
                    )
                )
            )
        return self

    def nll_nats(self, pieces: Sequence[Ids]) -> NDArray[np.float64]:
        """Code length of each piece in nats, all its tokens and EOS counted, BOS not: float64 [pieces]."""
        chance = np.full(sum(len(piece) - 1 for piece in pieces), 1.0 / (self._size - len({PAD, BOS})))
        for length in range(self.order):
            contexts, targets = self._packed(pieces, length)
            keys = (contexts * self._size + targets).tolist()
            seen = np.array([self._counts[length].get(key, 0) for key in keys], dtype=np.float64)
            totals = np.array(
                [self._totals[length].get(c, (0, 0)) for c in contexts.tolist()], dtype=np.float64
            )
            total, kinds = totals[:, 0], totals[:, 1]
            chance = np.where(total > 0, (seen + kinds * chance) / np.maximum(total + kinds, 1), chance)
        ends = np.cumsum([len(piece) - 1 for piece in pieces])
        return np.add.reduceat(-np.log(chance), np.r_[0, ends[:-1]])

    def _packed(self, pieces: Sequence[Ids], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For every predicted token: the `length` tokens before it as one number (BOS repeated before the start)."""
        contexts, targets = [], []
        for piece in pieces:
            led = np.concatenate([np.full(max(length - 1, 0), BOS, dtype=np.int64), piece])
            packed = np.zeros(len(piece) - 1, dtype=np.int64)
            for back in range(length, 0, -1):
                start = len(led) - len(piece) + 1 - back
                packed = packed * self._size + led[start : start + len(piece) - 1]
            contexts.append(packed)
            targets.append(piece[1:])
        return np.concatenate(contexts), np.concatenate(targets)
