"""Token streams and windows: batch k is a pure function of (seed, k), so that a run can stop and go on anywhere.

Shape legend: B rows of a batch, T tokens of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from musicexp.tokens import BOS, EOS, PAD, Ids

IGNORED = -100
"""The target where no loss is taken: at padding, and at a BOS (the next piece's beginning is no prediction)."""


def sequence(ids: Ids) -> Ids:
    """A piece as the model reads it: BOS, its tokens, EOS. int64 [tokens + 2]."""
    return np.concatenate([[BOS], ids, [EOS]]).astype(np.int64)


class Batch(NamedTuple):
    """One iteration's windows.

    Attributes:
        inputs_BT, targets_BT: int64; a target is the token after its input, or IGNORED.
        fresh: whether the LSTM starts from a zero state instead of going on from the batch before.
        tokens: how many targets count.
    """

    inputs_BT: Tensor
    targets_BT: Tensor
    fresh: bool
    tokens: int


@dataclass(frozen=True)
class Windows(IterableDataset[Batch]):
    """The training windows from some iteration on, without end.

    `random`: each window begins anywhere in the stream of all pieces, and the LSTM starts from zero.
    `contiguous`: in every epoch the pieces are laid end to end in a new order and cut into batch_size
    stretches; a row reads on in its stretch from batch to batch and carries its state.

    Attributes:
        pieces: each BOS ... EOS, as `sequence` gives them.
        first: the iteration of the first batch, from 1.
    """

    pieces: tuple[Ids, ...]
    batch_size: int
    seq_length: int
    seed: int
    order: Literal["contiguous", "random"]
    first: int = 1

    @property
    def iterations_per_epoch(self) -> int:
        """Batches until every token was read once (contiguous), or as many as that would be (random)."""
        return max(1, -(-self._tokens // (self.batch_size * self.seq_length)))

    @property
    def _tokens(self) -> int:
        return sum(len(piece) for piece in self.pieces) - 1

    def __iter__(self) -> Iterator[Batch]:
        source = self._contiguous() if self.order == "contiguous" else self._random()
        yield from source

    def batch(self, iteration: int) -> Batch:
        """The batch of one iteration, from 1."""
        return next(
            iter(Windows(self.pieces, self.batch_size, self.seq_length, self.seed, self.order, iteration))
        )

    def _random(self) -> Iterator[Batch]:
        stream = np.concatenate(self.pieces)
        length = min(self.seq_length, len(stream) - 1)
        iteration = self.first
        while True:
            starts = np.random.default_rng((self.seed, iteration)).integers(
                0, len(stream) - length, self.batch_size
            )
            yield _batch(stream[starts[:, None] + np.arange(length + 1)], fresh=True)
            iteration += 1

    def _contiguous(self) -> Iterator[Batch]:
        epoch, within = divmod(self.first - 1, self.iterations_per_epoch)
        while True:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.pieces))
            stream = np.concatenate([self.pieces[i] for i in order])
            stretch = self.iterations_per_epoch * self.seq_length
            rows = np.full((self.batch_size, stretch + 1), PAD, dtype=np.int64)
            # Rows of equal length, so that only the last few windows of an epoch hold padding.
            share = -(-self._tokens // self.batch_size)
            for row in range(self.batch_size):
                part = stream[row * share : (row + 1) * share + 1]
                rows[row, : len(part)] = part
            for k in range(within, self.iterations_per_epoch):
                yield _batch(rows[:, k * self.seq_length : (k + 1) * self.seq_length + 1], fresh=k == 0)
            epoch, within = epoch + 1, 0


def _batch(rows: NDArray[np.int64], *, fresh: bool) -> Batch:
    inputs, targets = rows[:, :-1], rows[:, 1:].copy()
    targets[(targets == PAD) | (targets == BOS)] = IGNORED
    counted = int((targets != IGNORED).sum())
    return Batch(torch.from_numpy(inputs.copy()), torch.from_numpy(targets), fresh, counted)


def padded(pieces: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """Whole pieces side by side: inputs and targets, int64 [B, longest - 1], IGNORED behind each end."""
    longest = max(len(piece) for piece in pieces)
    rows = np.full((len(pieces), longest), PAD, dtype=np.int64)
    for row, piece in zip(rows, pieces, strict=True):
        row[: len(piece)] = piece
    batch = _batch(rows, fresh=True)
    return batch.inputs_BT, batch.targets_BT
