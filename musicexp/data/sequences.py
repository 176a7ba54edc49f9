"""Sequences: pieces as token ids, read from disk when they are asked for."""

from __future__ import annotations

import collections.abc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from musicexp.tokens import BOS, EOS, Ids


def sequence(ids: Ids) -> Ids:
    """A piece as the model reads it: BOS, its tokens, EOS. int64 [tokens + 2]."""
    return np.concatenate([[BOS], ids, [EOS]]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Sequences(collections.abc.Sequence[Ids]):
    """Pieces, each BOS ... EOS as int64; `sequences[i]` reads piece i.

    A piece may be there in several keys, its variants: number 0 is the piece itself.

    Attributes:
        tokens: all sequences end to end, on disk or in memory.
        starts: int64 [sequences + 1], where each begins and the last ends.
        first: int [pieces], a piece's first sequence.
        variants: int [pieces], how many it has.
    """

    tokens: NDArray[Any]
    starts: NDArray[np.int64]
    first: NDArray[np.integer[Any]]
    variants: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, pieces: Iterable[Ids]) -> Sequences:
        """Pieces in memory, each in its own key alone."""
        held = list(pieces)
        ends = np.cumsum([0, *(len(piece) for piece in held)], dtype=np.int64)
        tokens = np.concatenate(held) if held else np.zeros(0, dtype=np.int64)
        return cls(tokens, ends, np.arange(len(held)), np.ones(len(held), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.first)

    @overload
    def __getitem__(self, index: int) -> Ids: ...
    @overload
    def __getitem__(self, index: slice) -> Sequences: ...
    def __getitem__(self, index: int | slice) -> Ids | Sequences:
        if isinstance(index, slice):
            return Sequences(self.tokens, self.starts, self.first[index], self.variants[index])
        return self.read(int(self.first[index]))

    def read(self, number: int, begin: int = 0, end: int | None = None) -> Ids:
        """Tokens `begin` to `end` of a sequence of whatever piece: int64."""
        start, stop = int(self.starts[number]), int(self.starts[number + 1])
        stop = stop if end is None else min(stop, start + end)
        return np.asarray(self.tokens[start + begin : stop]).astype(np.int64)

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each piece in its own key, BOS and EOS counted: int64 [pieces]."""
        found: NDArray[np.int64] = self.starts[self.first + 1] - self.starts[self.first]
        return found

    def longest(self) -> NDArray[np.int64]:
        """Tokens of each piece in the key that takes most: int64 [pieces]."""
        found = self.lengths().copy()
        for variant in range(1, int(self.variants.max(initial=1))):
            several = self.variants > variant
            numbers = self.first[several] + variant
            found[several] = np.maximum(found[several], self.starts[numbers + 1] - self.starts[numbers])
        return found

    def predicted(self) -> int:
        """Tokens that a model is asked for: EOS is, BOS is not."""
        return int(self.lengths().sum()) - len(self)
