"""Models that learn while they read: what of a context is known at each token, for many tokens at once.

Tokens are sorted by context, those of one context in the order in which they were read; how often each symbol had come
before is then a running sum. The work is that of the contexts that are looked at, whatever the length of the pieces.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from musicexp.baselines.ppm_escape import Contexts, Floats, Ints
from musicexp.baselines.ppm_tree import LONGEST, Reading


def running(
    reading: Reading, first: int, groups: Ints, columns: Ints, width: int, size: int, order: int | None
) -> Iterator[Contexts]:
    """The contexts of predicted tokens as they are known when each is asked for; each token's context is its own row.

    Args:
        first: the number of the first token that is asked for, which gets the number 0; those before are learned.
        groups: int64 [predicted]; what is learned in one group tells nothing in another.
        columns: int64 [predicted], the column of each token, below `width`.
        size: of the vocabulary, for contexts.
    """
    alive, nodes = np.arange(len(columns)), groups  # of those whose context somebody may still ask for
    asked = np.arange(first, len(columns))
    rows = asked - first
    counts_RV = _before(alive, nodes, columns, asked, first, width)
    yield Contexts(asked - first, rows, counts_RV, rows)
    for length in range(1, (LONGEST if order is None else order) + 1):
        going = np.ones(len(asked), dtype=bool)
        if order is None:
            going = (counts_RV > 0).sum(axis=1) > 1
        going &= reading.places[asked] - length >= reading.begins[asked]
        rows = np.flatnonzero(going)
        asked = asked[going]
        alive, nodes = _longer(reading, alive, nodes, asked, length, size)
        counts_RV = _before(alive, nodes, columns, asked, first, width)
        known = counts_RV.any(axis=1)
        asked, rows, counts_RV = asked[known], rows[known], counts_RV[known]
        if not len(asked):
            break
        yield Contexts(asked - first, np.arange(len(asked)), counts_RV, rows)


def _longer(
    reading: Reading, alive: Ints, nodes: Ints, asked: Ints, length: int, size: int
) -> tuple[Ints, Ints]:
    """The tokens whose context of this length is that of one asked for, and the contexts' numbers."""
    there = reading.places[alive] - length >= reading.begins[alive]
    alive = alive[there]
    keys = nodes[there] * size + reading.back(alive, length)
    wanted = np.unique(keys[np.searchsorted(alive, asked)])
    found = np.minimum(np.searchsorted(wanted, keys), max(len(wanted) - 1, 0))
    same = wanted[found] == keys if len(wanted) else np.zeros(len(keys), dtype=bool)
    return alive[same], found[same]


def _before(alive: Ints, nodes: Ints, columns: Ints, asked: Ints, first: int, width: int) -> Floats:
    """How often each symbol had followed the context of each token asked for: [asked, width]."""
    old = int(np.searchsorted(alive, first))
    at = np.searchsorted(alive, asked)
    found = _sums(nodes[old:], columns[alive[old:]], width)[at - old]
    if old:
        used, rows = np.unique(nodes[at], return_inverse=True)
        place = np.minimum(np.searchsorted(used, nodes[:old]), max(len(used) - 1, 0))
        heard = used[place] == nodes[:old] if len(used) else np.zeros(old, dtype=bool)
        cells = place[heard] * width + columns[alive[:old][heard]]
        known = np.bincount(cells, minlength=len(used) * width).reshape(len(used), width)
        found += known[rows]
    return found


def _sums(nodes: Ints, columns: Ints, width: int) -> Floats:
    """How often each column came with a token's node before the token: [tokens, width]."""
    order = np.argsort(nodes, kind="stable")
    ones = np.zeros((len(nodes) + 1, width))
    ones[np.arange(1, len(nodes) + 1), columns[order]] = 1
    sums = ones.cumsum(axis=0)[:-1]
    begins = np.searchsorted(nodes[order], nodes[order])
    found = np.empty_like(sums)
    found[order] = sums - sums[begins]
    return found
