"""Two data sets of a published table, read from the installed music21: pitches alone, as Pearce (2005) counts them.

M. T. Pearce, The construction and evaluation of statistical models of melodic structure in music perception and
composition, PhD thesis, City University London, 2005: bits per pitch, the mean over ten folds, a melody's first pitch
counted and its end not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicexp.errors import MusicError
from musicexp.music.collections import Collection, collection
from musicexp.music.reading import Manner, read_file
from musicexp.music.similar import skyline

FOLDS = 10


@dataclass(frozen=True)
class Melodies:
    """A data set and the counts by which it is known to be Pearce's."""

    number: int
    collection: str
    melodies: int
    events: int
    pitches: int


DATA_SETS = {
    2: Melodies(2, "pearce_chorales", 185, 9227, 21),
    7: Melodies(7, "kinder", 213, 8393, 27),
}
"""By Pearce's numbers. That data set 2 is these 185 of the chorales is inferred from the three counts."""


def melodies(number: int) -> list[NDArray[np.int64]]:
    """The melodies of a data set as MIDI pitches, grace notes among them; in order of their files.

    Raises:
        MusicError: the installed music21 does not hold what Pearce counted.
    """
    known = DATA_SETS[number]
    found = _melodies(collection(known.collection))
    counts = len(found), sum(map(len, found)), len(np.unique(np.concatenate(found))) if found else 0
    if counts != (known.melodies, known.events, known.pitches):
        raise MusicError(
            f"data set {number} of Pearce (2005) has {known.melodies} melodies, {known.events:,} events and {known.pitches} pitches; "
            f"the installed music21 gives {counts[0]}, {counts[1]:,} and {counts[2]}: take version 10.5"
        )
    return found


def folds(melodies: int, seed: int = 0) -> list[NDArray[np.int64]]:
    """The numbers of the melodies that are held out in each of ten folds, shuffled by a seed."""
    order = np.random.default_rng(seed).permutation(melodies)
    return [order[fold::FOLDS] for fold in range(FOLDS)]


def _melodies(card: Collection) -> list[NDArray[np.int64]]:
    manner: Manner = "graces" if card.graces else "symusic"
    pieces = [piece for path in card.paths() for piece in read_file(path, reader=manner).pieces]
    kept = [there.merged() for piece in pieces if (there := card.kept(piece)) is not None]
    return [piece.pitch[skyline(piece)].astype(np.int64) for piece in kept]
