"""The line of a piece, which melodic metrics read, and the bars that the others count in.

Line: the skyline, the notes with none above them that begins with them or still sounds; of one voice, all its notes.
So a melody over an accompaniment is read without it.

Bars: as long as the metre says (4/4 where a file names none or one that cannot be written), the first one where the
bar begins that the first note stands in, counted from the piece's start; the last one that in which the last note
ends. An upbeat is not taken out, though a source may write it: pieces made of tokens mostly know of none, and both
sides of a comparison must be measured alike. So do MusDr and muspy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.music import Piece
from musicexp.music.bars import metre_of
from musicexp.music.piece import Steps
from musicexp.music.similar import skyline


class Line(NamedTuple):
    """A melody: int32 [notes] each, times in steps of 1/24 quarter, pitches as MIDI numbers."""

    onset: Steps
    duration: Steps
    pitch: Steps


class Bars(NamedTuple):
    """The bars of a piece, in steps of 1/24 quarter.

    Attributes:
        begin: where the first one begins.
        steps: the length of each.
        total: how many there are; 0 for an empty piece.
    """

    begin: int
    steps: int
    total: int

    def number(self, onset: Steps) -> Steps:
        """In which bar each onset stands, from 0: int32 [notes]."""
        found: Steps = (onset - self.begin) // self.steps
        return found


def line_of(piece: Piece) -> Line:
    """The piece's melody."""
    top = skyline(piece)
    return Line(piece.onset[top], piece.duration[top], piece.pitch[top])


def bars_of(piece: Piece) -> Bars:
    """The piece's bars."""
    steps = metre_of(piece).steps
    if not len(piece):
        return Bars(0, steps, 0)
    begin = int(piece.onset[0]) // steps * steps
    end = int((piece.onset + piece.duration).max())
    return Bars(begin, steps, -(-(end - begin) // steps))


def entropy_bits(counts: NDArray[np.int64] | NDArray[np.float64]) -> float:
    """Shannon entropy of what was counted, in bits; nan if nothing was.

    Args:
        counts: how often each thing occurs, at least 0; need not sum to one.
    """
    some = counts[counts > 0]
    total = some.sum()
    if not total:
        return float("nan")
    return float(max(0.0, np.log2(total) - some @ np.log2(some) / total))
