"""A PPM asked for whole distributions, token after token, while a piece grows: for sampling.

The same models as `PPM` has, each for one context at a time: what it finds equals `token_nats` of the finished piece. The
arithmetic is `ppm_escape`'s, but only what followed a context is looked at: behind a few tokens that is a handful of
symbols, whatever the size of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines.ppm_escape import Floats, Ints, entropy_nats, weight
from musicexp.baselines.ppm_tree import LONGEST, Level, Reading

ROOM = 256
"""Tokens for which there is room at first."""


class Followers(NamedTuple):
    """What followed a context; behind a longer one there are some of the same.

    Attributes:
        symbols: int64 [kinds], ascending.
        counts: int64 [kinds], how often each did.
    """

    symbols: Ints
    counts: Ints


class Memory(Protocol):
    """Something that is asked what followed the context that it has been told."""

    def advance(self, token: int) -> None: ...

    def followers(self) -> Iterator[Followers]:
        """What followed the last 0, 1, 2 ... tokens, as long as PPM asks."""
        ...


class Remembered:
    """The contexts of a tree; nothing is added to them."""

    def __init__(self, tree: Sequence[Level], size: int, order: int | None) -> None:
        self._tree, self._size, self._order = tree, size, order
        self._heard: list[int] = []

    def advance(self, token: int) -> None:
        self._heard.append(token)

    def followers(self) -> Iterator[Followers]:
        node = 0
        for length, level in enumerate(self._tree):
            if length:
                if length > len(self._heard):
                    return
                key = node * self._size + self._heard[-length]
                node = int(level.keys.searchsorted(key))
                if node == len(level.keys) or level.keys[node] != key:
                    return
            start, end = level.starts[node : node + 2]
            yield Followers(level.symbols[start:end], level.counts[start:end])
            if self._order is None and end - start <= 1:
                return


class Learning:
    """All that was heard, each place with the number of tokens before it that equal the last ones.

    A token costs time in proportion to what was heard: some microseconds for a piece.
    """

    def __init__(self, order: int | None, framed: bool, before: Reading) -> None:
        """
        Args:
            before: pieces heard already.
        """
        self._framed = framed
        self._longest = LONGEST if order is None else order
        self._bounded = order is not None
        self._known = len(before.tokens)
        room = self._known + ROOM
        self._tokens = np.zeros(room, dtype=np.int64)
        self._tokens[: self._known] = before.tokens
        self._counted = np.zeros(room, dtype=bool)
        self._counted[before.places] = True
        self._alike = np.zeros(room, dtype=np.int64)
        self._follows = np.ones(room, dtype=bool)  # whether the token before is of the same piece
        self._follows[before.begins] = False
        self._follows[self._known] = False
        self._heard = 0

    def advance(self, token: int) -> None:
        now = self._known + self._heard
        if now + 1 >= len(self._tokens):
            self._grow()
        self._tokens[now] = token
        self._counted[now] = self._heard > 0 or not self._framed
        # A place's context ends as ours does if the token before it is ours, and is alike as far as that one's was, and one more.
        same = (self._tokens[:now] == token) & self._follows[1 : now + 1]
        self._alike[1 : now + 1] = np.where(same, self._alike[:now] + 1, 0)
        self._alike[0] = 0
        self._heard += 1

    def _grow(self) -> None:
        room = len(self._tokens)
        self._tokens = np.concatenate([self._tokens, np.zeros(room, dtype=np.int64)])
        self._alike = np.concatenate([self._alike, np.zeros(room, dtype=np.int64)])
        self._counted = np.concatenate([self._counted, np.zeros(room, dtype=bool)])
        self._follows = np.concatenate([self._follows, np.ones(room, dtype=bool)])

    def followers(self) -> Iterator[Followers]:
        now = self._known + self._heard
        places = np.flatnonzero(self._counted[:now])
        symbols, alike = self._tokens[places], self._alike[places]
        for length in range(self._longest + 1):
            if length:
                kept = alike >= length
                symbols, alike = symbols[kept], alike[kept]
                if not len(symbols):
                    return
            counts = np.bincount(symbols)
            kinds = np.flatnonzero(counts)
            yield Followers(kinds, counts[kinds])
            if not self._bounded and len(kinds) <= 1:
                return


class Context:
    """A piece that grows, and what comes next.

    Example:
        context = ppm.context()
        context.advance(BOS)
        token = random.choice(len(vocabulary), p=context.probabilities())
    """

    def __init__(self, memories: Sequence[Memory], times_V: Floats, bias: float) -> None:
        self._memories, self._times_V, self._bias = memories, times_V, bias
        self._symbols = float(times_V.sum())

    def advance(self, token: int) -> None:
        """The next token of the piece has come; BOS is the first of all, if pieces are framed."""
        for memory in self._memories:
            memory.advance(token)

    def probabilities(self) -> NDArray[np.float64]:
        """Of each token to come next: float64 [size], summing to one; 0 for what is never predicted, and only for that."""
        heard, weights = np.zeros(len(self._times_V)), 0.0
        for memory in self._memories:
            chances_V = self._chances(memory.followers())
            if len(self._memories) == 1:
                return np.asarray(chances_V * self._times_V)
            w = float(weight(entropy_nats(chances_V, self._times_V), self._symbols, self._bias))
            heard += w * chances_V
            weights += w
        return heard * self._times_V / weights

    def _chances(self, followers: Iterator[Followers]) -> Floats:
        """As `ppm_escape` has it (`floor`, `passed_down`, `distribution`), from the shortest context to the longest."""
        now = next(followers)
        found_V = np.full(len(self._times_V), 1 / (self._symbols + 1 - len(now.symbols)))
        for longer in followers:
            known = now.symbols.searchsorted(longer.symbols)
            kept, kinds = int(now.counts.sum() - now.counts[known].sum()), len(now.symbols)
            found_V *= kinds / (kept + kinds)
            if kept:
                found_V[now.symbols] += now.counts * (1 / (kept + kinds))
            now = longer
        seen = int(now.counts.sum()) + len(now.symbols)
        if seen:
            found_V *= len(now.symbols) / seen
            found_V[now.symbols] += now.counts / seen
        return np.asarray(found_V / (found_V @ self._times_V))
