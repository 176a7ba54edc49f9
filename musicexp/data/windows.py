"""Token streams and windows: batch k is a pure function of (seed, k), so that a run can stop and go on anywhere.

Shape legend: B rows of a batch, T tokens of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from musicexp.data.sequences import Sequences
from musicexp.tokens import BOS, PAD, Ids, Viewpoints
from musicexp.tokens.viewpoints import Seen

IGNORED = -100
"""The target where no loss is taken: at padding, and at a BOS (the next piece's beginning is no prediction)."""

SEQUENCES_SEEN = 1 << 14
"""Sequences of which it is kept what is seen in them: of 100 tokens each, 36 MB."""


class Batch(NamedTuple):
    """One iteration's windows.

    Attributes:
        inputs_BT, targets_BT: int64; a target is the token after its input, or IGNORED.
        fresh: whether the LSTM starts from a zero state instead of going on from the batch before.
        tokens: how many targets count, in the iteration's whole batch.
        seen_BTC: int64, what `tokens.viewpoints` see behind each input; None if nobody looks.
    """

    inputs_BT: Tensor
    targets_BT: Tensor
    fresh: bool
    tokens: int
    seen_BTC: Tensor | None = None

    def share(self, rows: slice) -> Batch:
        """Some of the rows. Their loss, too, is taken by the whole batch's tokens."""
        return self._replace(
            inputs_BT=self.inputs_BT[rows],
            targets_BT=self.targets_BT[rows],
            seen_BTC=None if self.seen_BTC is None else self.seen_BTC[rows],
        )


@dataclass(frozen=True)
class Windows(IterableDataset[Batch]):
    """The training windows from some iteration on, without end.

    `random`: each window begins anywhere in the stream of all sequences, and the LSTM starts from zero.
    `contiguous`: in every epoch the pieces, each in one of its keys, are laid end to end in a new order and
    cut into batch_size stretches; a row reads on in its stretch from batch to batch and carries its state.
    Only what a batch shows is read.

    Attributes:
        pieces: each BOS ... EOS.
        first: the iteration of the first batch, from 1.
        dealt: which rows of every batch; batch_size counts all of them.
        viewpoints: what is seen of each piece besides its tokens; None if nobody looks.
    """

    pieces: Sequences
    batch_size: int
    seq_length: int
    seed: int
    order: Literal["contiguous", "random"]
    first: int = 1
    dealt: slice = field(default_factory=lambda: slice(None))
    viewpoints: Viewpoints | None = None

    @cached_property
    def iterations_per_epoch(self) -> int:
        """Batches until every token was read once (contiguous), or as many as that would be (random)."""
        return max(1, -(-self._tokens // (self.batch_size * self.seq_length)))

    @cached_property
    def _tokens(self) -> int:
        return int(self.pieces.longest().sum()) - 1

    def __iter__(self) -> Iterator[Batch]:
        source = self._contiguous() if self.order == "contiguous" else self._random()
        for batch in source:
            yield batch.share(self.dealt)

    def batch(self, iteration: int) -> Batch:
        """The batch of one iteration, from 1."""
        return next(iter(replace(self, first=iteration)))

    def _random(self) -> Iterator[Batch]:
        stream = _Stream(self.pieces, *_every_sequence(self.pieces))
        length = min(self.seq_length, stream.tokens - 1)
        iteration = self.first
        while True:
            starts = np.random.default_rng((self.seed, iteration)).integers(
                0, stream.tokens - length, self.batch_size
            )
            parts = [stream.read(start, length + 1) for start in starts.tolist()]
            seen = [self._seen(stream, start, length) for start in starts.tolist()]
            yield _batch(np.stack(parts), fresh=True, seen=self._columns(length, seen))
            iteration += 1

    def _contiguous(self) -> Iterator[Batch]:
        epoch, within = divmod(self.first - 1, self.iterations_per_epoch)
        # Rows of equal length, so that only the last few windows of an epoch hold padding.
        share = -(-self._tokens // self.batch_size)
        width = self.seq_length + 1
        while True:
            stream = self._epoch(epoch)
            for k in range(within, self.iterations_per_epoch):
                rows = np.full((self.batch_size, width), PAD, dtype=np.int64)
                seen = []
                for row in range(self.batch_size):
                    begin = row * share + k * self.seq_length
                    part = stream.read(begin, min(width, (row + 1) * share + 1 - begin))
                    rows[row, : len(part)] = part
                    seen.append(self._seen(stream, begin, len(part) - 1))
                yield _batch(rows, fresh=k == 0, seen=self._columns(self.seq_length, seen))
            epoch, within = epoch + 1, 0

    def _seen(self, stream: _Stream, begin: int, count: int) -> Seen | None:
        if self.viewpoints is None or count <= 0:
            return None
        return np.concatenate([self._looks(n)[skip:end] for n, skip, end in stream.places(begin, count)])

    def _columns(self, length: int, seen: Sequence[Seen | None]) -> Tensor | None:
        """What is seen in each row, [B, T, C]; zeros behind its end."""
        if self.viewpoints is None:
            return None
        found = np.zeros((len(seen), length, self.viewpoints.columns), dtype=np.int64)
        for row, part in zip(found, seen, strict=True):
            if part is not None:
                row[: len(part)] = part
        return torch.from_numpy(found)

    @cached_property
    def _looks(self) -> Callable[[int], Seen]:
        """What is seen in a sequence, by its number: found once, as long as there is room."""
        viewpoints = self.viewpoints
        assert viewpoints is not None

        @lru_cache(maxsize=SEQUENCES_SEEN)
        def looks(number: int) -> Seen:
            return viewpoints.of(self.pieces.read(number))

        return looks

    def _epoch(self, epoch: int) -> _Stream:
        """All pieces in the epoch's order, each in the key that it has in this epoch."""
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(len(self.pieces))
        numbers = self.pieces.first[order]
        if self.pieces.variants.max(initial=1) > 1:
            numbers = numbers + random.integers(0, self.pieces.variants[order])
        return _Stream(self.pieces, numbers, self.pieces.starts[numbers + 1] - self.pieces.starts[numbers])


class _Stream:
    """Sequences end to end, of which a stretch is read at a time."""

    def __init__(
        self, pieces: Sequences, numbers: NDArray[np.integer[Any]], lengths: NDArray[np.int64]
    ) -> None:
        self._pieces = pieces
        self._numbers = numbers
        self._ends = np.cumsum(lengths)
        self.tokens = int(self._ends[-1])

    def places(self, begin: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Which stretches of which sequences stand from some place on: (number of the sequence, begin, end)."""
        at = int(np.searchsorted(self._ends, begin, side="right"))
        while count > 0 and at < len(self._numbers):
            number = int(self._numbers[at])
            length = int(self._pieces.starts[number + 1] - self._pieces.starts[number])
            skip = begin - (int(self._ends[at]) - length)
            taken = min(length - skip, count)
            yield number, skip, skip + taken
            begin, count, at = begin + taken, count - taken, at + 1

    def read(self, begin: int, count: int) -> Ids:
        """Tokens from some place on, fewer at the stream's end: int64."""
        parts = [self._pieces.read(*place) for place in self.places(begin, count)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _every_sequence(pieces: Sequences) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of all sequences, every key of every piece, and their lengths."""
    ends = np.cumsum(pieces.variants)
    within = np.arange(int(ends[-1])) - np.repeat(ends - pieces.variants, pieces.variants)
    numbers = np.repeat(pieces.first, pieces.variants).astype(np.int64) + within
    return numbers, pieces.starts[numbers + 1] - pieces.starts[numbers]


def _batch(rows: NDArray[np.int64], *, fresh: bool, seen: Tensor | None = None) -> Batch:
    inputs, targets = rows[:, :-1], rows[:, 1:].copy()
    targets[(targets == PAD) | (targets == BOS)] = IGNORED
    counted = int((targets != IGNORED).sum())
    return Batch(torch.from_numpy(inputs.copy()), torch.from_numpy(targets), fresh, counted, seen)


def padded(pieces: Sequence[Ids]) -> tuple[Tensor, Tensor]:
    """Whole pieces side by side: inputs and targets, int64 [B, longest - 1], IGNORED behind each end."""
    longest = max(len(piece) for piece in pieces)
    rows = np.full((len(pieces), longest), PAD, dtype=np.int64)
    for row, piece in zip(rows, pieces, strict=True):
        row[: len(piece)] = piece
    batch = _batch(rows, fresh=True)
    return batch.inputs_BT, batch.targets_BT
