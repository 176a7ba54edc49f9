"""Diversity of a set: whether its pieces are many pieces, or one and the same again and again.

Asked of lines as (duration, interval to the next note), so a transposed piece is no other piece.

Sources: Li et al. 2016 (distinct-n); Levenshtein 1966; Myers 1999 and Hyyro 2003 (edit distance in the bits of a number).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from musicexp.metrics.lines import line_of
from musicexp.metrics.shared_runs import letters
from musicexp.music import Piece

PAIRS = 512
"""Pairs whose edit distance is measured at most; of 64 pieces there are 2,016."""
MOST_NOTES = 1000
"""Of longer lines the first so many are compared: the time it takes grows with the square of their length."""


def distinct(pieces: Sequence[Piece], n: int = 4) -> float:
    """How many different runs of n notes there are in all lines, as a share of all their runs; nan without any.

    It falls as a set grows, as there are only so many runs: compare sets of about equal size.
    """
    runs: set[tuple[int, ...]] = set()
    total = 0
    for piece in pieces:
        mine = line_of(piece)
        text, last = letters(mine).tolist(), mine.duration.tolist()
        found = [(*text[k : k + n - 1], last[k + n - 1]) for k in range(len(text) - n + 1)]
        runs.update(found)
        total += len(found)
    return len(runs) / total if total else math.nan


def mean_edit_distance(pieces: Sequence[Piece], pairs: int = PAIRS) -> float:
    """The mean over pairs of pieces of the notes to insert, leave out or change to make one line the other.

    Each distance is a share of the longer line: 0 is the same melody in any key, 1 nothing in common. The size
    of the set does not matter. Of more than `pairs` pairs a sample is measured, the same for sets of one size.

    Returns:
        nan for fewer than two pieces.
    """
    if len(pieces) < 2:
        return math.nan
    texts = [letters(line_of(piece))[:MOST_NOTES].tolist() for piece in pieces]
    one, other = np.triu_indices(len(pieces), 1)
    if len(one) > pairs:
        chosen = np.random.default_rng((len(pieces), pairs)).choice(len(one), pairs, replace=False)
        chosen.sort()
        one, other = one[chosen], other[chosen]
    total, places, held = 0.0, dict[int, int](), -1
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        if a != held:
            places, held = _places(texts[a]), a
        longer = max(len(texts[a]), len(texts[b]))
        total += _edits(places, len(texts[a]), texts[b]) / longer if longer else 0.0
    return total / len(one)


def edit_distance(one: Sequence[int], other: Sequence[int]) -> int:
    """The fewest letters to insert, leave out or change that make one text the other."""
    return _edits(_places(one), len(one), other)


def _places(text: Sequence[int]) -> dict[int, int]:
    """For each letter the places where it stands, as bits."""
    places: dict[int, int] = {}
    for at, letter in enumerate(text):
        places[letter] = places.get(letter, 0) | 1 << at
    return places


def _edits(places: dict[int, int], length: int, other: Sequence[int]) -> int:
    """The edit distance of a text, given by its places, and another one.

    A column of the table of distances is held as two numbers: where it rises downwards, and where it falls.
    """
    if not length:
        return len(other)
    everywhere, bottom = (1 << length) - 1, 1 << (length - 1)
    rises, falls, distance = everywhere, 0, length
    for letter in other:
        equal = places.get(letter, 0)
        down = equal | falls
        across = (((equal & rises) + rises) ^ rises) | equal
        up_right = falls | (everywhere & ~(across | rises))
        down_right = rises & across
        if up_right & bottom:
            distance += 1
        elif down_right & bottom:
            distance -= 1
        up_right = up_right << 1 | 1
        rises = (down_right << 1 | ~(down | up_right)) & everywhere
        falls = up_right & down
    return distance
