"""Which clips stand side by side, in which order and on which side: drawn with a seed before the first is heard.

Every pair of runs comes equally often (once in each block, in an order of its own), each of its runs on the left
in half of them, and no pair of clips twice but for the repeats. Both clips of a pair are draws of one number, so they
came of the same random numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

DISTANCE = 3
"""A pair is heard again at the earliest so many pairs later, where the study is long enough."""


@dataclass(frozen=True)
class Presentation:
    """Two clips that are heard and voted on.

    Attributes:
        number: its place in the study, from 1.
        a, b: the runs on the two sides, from 0.
        draw: which melody of both.
        repeats: the number of the presentation that it repeats with its sides exchanged; None if it counts.
        part: which part of the study it belongs to, from 1.
    """

    number: int
    a: int
    b: int
    draw: int
    repeats: int | None = None
    part: int = 1


def pairs_of(runs: int) -> list[tuple[int, int]]:
    """Every two of the runs, each pair once."""
    return list(itertools.combinations(range(runs), 2))


def draws_wanted(runs: int, votes: int) -> int:
    """How many melodies of each run so many votes take."""
    return -(-votes // len(pairs_of(runs)))


def repeats_of(votes: int, share: float) -> int:
    """How many pairs are heard a second time: at most half of the votes."""
    return min(round(votes * share), votes // 2)


def design(
    runs: int, votes: int, repeats: int, draws: Sequence[int], seed: int, part: int = 1, begin: int = 1
) -> list[Presentation]:
    """The presentations of a part of a study.

    Args:
        runs: how many, two to four.
        votes: presentations that count.
        repeats: how many of them are heard again, at most votes // 2.
        draws: numbers of the melodies that may be heard, at least `draws_wanted(runs, votes)` different ones.
        seed: of the study.
        begin: number of the first one.

    Returns:
        votes + repeats presentations, numbered from `begin`.
    """
    pairs = pairs_of(runs)
    wanted = draws_wanted(runs, votes)
    assert len(set(draws)) >= wanted
    assert 0 <= repeats <= votes // 2
    random = np.random.default_rng((seed, part))
    chosen = random.permutation(np.array(sorted(draws)))[:wanted]
    shift = max(1, wanted // len(pairs))
    sides = {pair: _sides(random, wanted) for pair in range(len(pairs))}
    found: list[Presentation] = []
    for block in range(wanted):
        for pair in random.permutation(len(pairs)):
            if len(found) == votes:
                break
            a, b = pairs[pair]
            if sides[int(pair)][block]:
                a, b = b, a
            found.append(Presentation(0, a, b, int(chosen[(block + int(pair) * shift) % wanted]), part=part))
    return _with_repeats(random, found, repeats, begin)


def _sides(random: np.random.Generator, blocks: int) -> list[bool]:
    """Whether the sides of a pair are exchanged in each block: in half of them, and in one more or not if it is odd."""
    exchanged = [k % 2 == 1 for k in range(blocks)]
    if blocks % 2 and random.random() < 0.5:
        exchanged[-1] = True
    return [exchanged[k] for k in random.permutation(blocks)]


def _with_repeats(
    random: np.random.Generator, first: list[Presentation], repeats: int, begin: int
) -> list[Presentation]:
    """The presentations numbered, some of the first half again somewhere behind it."""
    half = (len(first) + 1) // 2
    again = {int(k) for k in random.permutation(half)[:repeats]}
    places = {
        k: int(random.integers(max(half, min(k + DISTANCE, len(first))), len(first) + 1)) for k in again
    }
    order: list[tuple[int, bool]] = []
    for at in range(len(first) + 1):
        due = sorted(k for k in again if places[k] == at)
        order += [(k, True) for k in random.permutation(due).tolist()] if due else []
        order += [(at, False)] if at < len(first) else []
    numbers = {k: begin + at for at, (k, repeated) in enumerate(order) if not repeated}
    found = []
    for at, (k, repeated) in enumerate(order):
        one = replace(first[k], number=begin + at)
        found.append(replace(one, a=one.b, b=one.a, repeats=numbers[k]) if repeated else one)
    return found
