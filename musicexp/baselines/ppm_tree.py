"""The long-term model's memory: every context that a set of pieces has, as far back as it tells anything more.

A trie of contexts read backwards, built level by level with sorting alone: a node of level k is a context of k tokens,
named by its number there, and found by (the node of its last k - 1 tokens, the token before those). Without a bound
of order a context with a single follower is a leaf: the shortest of those is where PPM* looks, and no further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from musicexp.baselines.ppm_escape import Contexts, Floats, Ints
from musicexp.tokens import Ids

LONGEST = 256
"""Tokens of context at most. Without it two long runs of one token would cost the square of their length."""


@dataclass(frozen=True)
class Reading:
    """Pieces end to end, and where the tokens stand that are predicted.

    Attributes:
        tokens: int64 [tokens].
        places: int64 [predicted], ascending.
        begins: int64 [predicted], where the token's piece begins: no context goes back beyond that.
        pieces: int64 [predicted], the number of the token's piece.
        ends: int64 [pieces], how many predicted tokens there are up to each piece's end.
    """

    tokens: Ints
    places: Ints
    begins: Ints
    pieces: Ints
    ends: Ints

    @classmethod
    def of(cls, pieces: Iterable[Ids], framed: bool) -> Reading:
        """
        Args:
            framed: whether each piece begins with a token that is not predicted, BOS.
        """
        held = list(pieces)
        lengths = np.array([len(piece) for piece in held], dtype=np.int64)
        tokens = np.concatenate([np.zeros(0, dtype=np.int64), *held])
        begins = np.repeat(np.cumsum(lengths) - lengths, lengths)
        numbers = np.repeat(np.arange(len(held)), lengths)
        places = np.flatnonzero((np.arange(len(tokens)) > begins) | (not framed))
        ends = np.cumsum(np.maximum(lengths - framed, 0))
        return cls(tokens, places, begins[places], numbers[places], ends)

    @property
    def symbols(self) -> Ints:
        """The predicted tokens."""
        return self.tokens[self.places]

    def reach(self, predicted: Ints, length: int) -> Ints:
        """Those of some predicted tokens that have so many tokens of their piece before them."""
        return predicted[self.places[predicted] - length >= self.begins[predicted]]

    def back(self, predicted: Ints, length: int) -> Ints:
        """The token so many before each."""
        return self.tokens[self.places[predicted] - length]


@dataclass(frozen=True)
class Level:
    """The contexts of one length.

    Attributes:
        keys: int64 [nodes], ascending: the shorter context's node * size + the oldest token.
        starts: int64 [nodes + 1], where each one's followers begin.
        symbols, counts: int64 [followers], what followed, and how often.
    """

    keys: Ints
    starts: Ints
    symbols: Ints
    counts: Ints

    @classmethod
    def of(cls, keys: Ints, nodes: Ints, symbols: Ints, size: int) -> Level:
        pairs, counts = np.unique(nodes * size + symbols, return_counts=True)
        starts = np.searchsorted(pairs, np.arange(len(keys) + 1) * size)
        return cls(keys, starts, pairs % size, counts)

    @property
    def kinds(self) -> Ints:
        """How many symbols followed each context."""
        return np.diff(self.starts)

    def find(self, keys: Ints) -> Ints:
        """The nodes of some keys, -1 where there is none."""
        nodes = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[nodes] == keys, nodes, -1)

    def dense(self, nodes: Ints, size: int) -> Floats:
        """How often each symbol followed some of the contexts: [nodes, size]."""
        lengths = self.kinds[nodes]
        rows = np.repeat(np.arange(len(nodes)), lengths)
        entries = np.arange(len(rows)) + np.repeat(self.starts[nodes] - np.cumsum(lengths) + lengths, lengths)
        found = np.zeros((len(nodes), size))
        found[rows, self.symbols[entries]] = self.counts[entries]
        return found


def grown(reading: Reading, size: int, order: int | None) -> list[Level]:
    """The contexts of 0, 1, 2 ... tokens.

    Args:
        size: of the vocabulary.
        order: tokens of the longest context; None for as many as tell anything apart.
    """
    symbols = reading.symbols
    alive, nodes = np.arange(len(symbols)), np.zeros(len(symbols), dtype=np.int64)
    tree = [Level.of(np.zeros(1, dtype=np.int64), nodes, symbols, size)]
    for length in range(1, (LONGEST if order is None else order) + 1):
        node_of = np.zeros(len(symbols), dtype=np.int64)
        node_of[alive] = nodes
        if order is None:
            alive = alive[tree[-1].kinds[nodes] > 1]
        alive = reading.reach(alive, length)
        if not len(alive):
            break
        keys, nodes = np.unique(node_of[alive] * size + reading.back(alive, length), return_inverse=True)
        tree.append(Level.of(keys, nodes, symbols[alive], size))
    return tree


def remembered(
    tree: Sequence[Level], reading: Reading, asked: Ints, size: int, order: int | None
) -> Iterator[Contexts]:
    """The contexts in a tree of some predicted tokens, numbered from 0; a context that several share is one row."""
    numbers, rows = np.arange(len(asked)), np.zeros(len(asked), dtype=np.int64)
    nodes = np.zeros(1, dtype=np.int64)
    yield Contexts(numbers, rows, tree[0].dense(nodes, size), nodes)
    for length in range(1, len(tree)):
        going = reading.places[asked[numbers]] - length >= reading.begins[asked[numbers]]
        if order is None:
            going &= tree[length - 1].kinds[nodes[rows]] > 1
        numbers, rows = numbers[going], rows[going]
        found = tree[length].find(nodes[rows] * size + reading.back(asked[numbers], length))
        numbers, rows, found = numbers[found >= 0], rows[found >= 0], found[found >= 0]
        if not len(numbers):
            break
        nodes, first, into = np.unique(found, return_index=True, return_inverse=True)
        yield Contexts(numbers, into, tree[length].dense(nodes, size), rows[first])
        rows = into
