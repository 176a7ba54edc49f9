"""Metre: how strong a place in a bar is, which notes share a beam, and where a piece's bars begin.

Times are steps of 1/24 quarter. A place is counted from where a whole bar would begin, so that the beats of an upbeat
are those of the bar's end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from musicexp.music.piece import STEPS_PER_QUARTER, Piece
from musicexp.music.tunes import bar_places

WHOLE = 4 * STEPS_PER_QUARTER
SHORTEST = 3
"""A thirty-second: bars and beats are whole numbers of them."""
UNWRITABLE_AS = (4, 4)
EIGHTH = 12
FEWEST_BARS = 4
"""In fewer an upbeat cannot be told."""
REGULAR = 0.6
"""A tune's own bar lines are kept if at least this share of its bars is as long as its metre says."""


@dataclass(frozen=True)
class Metre:
    """Beats and beat unit of a bar that can be written, such as (6, 8)."""

    beats: int
    unit: int

    @property
    def steps(self) -> int:
        """Length of a bar."""
        return self.beats * WHOLE // self.unit

    @property
    def unit_steps(self) -> int:
        """Length of the beat unit."""
        return WHOLE // self.unit

    @property
    def compound(self) -> bool:
        """Whether a beat is three units."""
        return self.beats % 3 == 0 and (self.beats > 3 or self.unit > 4) and self.unit >= 4

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """Where the bar's groups of beats begin, and its end: halves of 4/4, dotted quarters of 6/8, 2 + 2 + 3 of 7/8."""
        unit = self.unit_steps
        if self.compound:
            sizes = [3] * (self.beats // 3)
        elif self.unit >= 8 or self.beats in (5, 7):
            sizes = [3, 2] if self.beats == 5 else _twos_and_a_three(self.beats)
        elif self.beats % 2 == 0 and self.beats > 2:
            sizes = [2] * (self.beats // 2)
        else:
            sizes = [1] * self.beats
        ends = [0]
        for size in sizes:
            ends.append(ends[-1] + size * unit)
        return tuple(ends)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """How weak each place of a bar is: 0 its begin, 1 a group's, 2 a beat's, and so on to finer halves.

        Twice, since a tune's own bar may be too long, by less than another one.
        """
        found = []
        unit = self.unit_steps
        for begin, end in pairwise(self.groups):
            for place in range(end - begin):
                found.append(self._level(begin, place, unit))
        return (*found, *found, 0)

    def _level(self, begin: int, place: int, unit: int) -> int:
        if begin == 0 and place == 0:
            return 0
        if place == 0:
            return 1
        if place % unit == 0:
            return 2
        level, size = 3, unit // 2 if unit % 2 == 0 else 1
        while place % size and size > 1:
            size, level = max(size // 2, 1), level + 1
        return level


def _twos_and_a_three(beats: int) -> list[int]:
    if beats < 4:
        return [beats]
    return [2] * (beats // 2 - beats % 2) + [3] * (beats % 2)


def metre_of(piece: Piece) -> Metre:
    """The piece's metre, or 4/4 where notation has no bar so long or short: whole thirty-seconds are asked for."""
    beats, unit = piece.metre
    fits = beats > 0 and unit in (1, 2, 4, 8, 16, 32) and beats * WHOLE // unit <= 4 * WHOLE
    return Metre(beats, unit) if fits else Metre(*UNWRITABLE_AS)


def bar_begins(piece: Piece, metre: Metre) -> tuple[list[int], int]:
    """Where the bars of a piece begin, with the end of the last one; and how long its upbeat is, 0 for none.

    A tune that was read from ABC has the bars that it writes, unless too many of them are of another length; any other
    piece has bars of its metre, behind the upbeat that its source writes, or else one that can be told (`guessed_upbeat`).
    """
    end = int((piece.onset + piece.duration).max(initial=0))
    written = _written_begins(piece, metre, end) if piece.abc and end else None
    if written:
        upbeat = written[1] - written[0] if len(written) > 2 and written[1] < metre.steps else 0
        return written, upbeat
    upbeat = 0 if piece.abc else guessed_upbeat(piece, metre) if piece.upbeat is None else piece.upbeat
    if upbeat % SHORTEST or not 0 <= upbeat < metre.steps:
        upbeat = 0
    begins = [0] if upbeat else []
    begins += range(upbeat, max(end, upbeat + 1), metre.steps)
    last = begins[-1] + metre.steps
    if upbeat and end <= last - upbeat:  # together with the upbeat the last bar is a whole one
        last -= upbeat
    return [*begins, last], upbeat


def _written_begins(piece: Piece, metre: Metre, end: int) -> list[int] | None:
    """Where the bars of a tune begin as its ABC writes them, and the last one's end; None if they are of no use."""
    places = sorted({0, end, *(place for place in bar_places(piece.abc) if place < end)})
    if any(place % SHORTEST for place in places[:-1]):
        return None
    found: list[int] = []
    for begin, following in pairwise(places):
        found.append(begin)
        while following - found[-1] >= 2 * metre.steps:  # a bar line is missing
            found.append(found[-1] + metre.steps)
    if len(found) < 2 or end % SHORTEST:  # the last bar is filled with a rest
        while found[-1] + metre.steps < end:
            found.append(found[-1] + metre.steps)
        end = found[-1] + metre.steps
    inner = [b - a for a, b in pairwise(found)][1:]
    if sum(length == metre.steps for length in inner) < REGULAR * len(inner):
        return None
    return [*found, end]


def guessed_upbeat(piece: Piece, metre: Metre) -> int:
    """How long the upbeat of a piece is whose bars nobody has written; 0 if there seems to be none.

    Bars are laid where long notes and many notes begin on the first beat, and the last ones on a strong beat. Of music21's
    chorales that this was not fitted to it finds the upbeat of 35 in 42, and none in all 17 that have none; of Ryan's
    tunes without their bar lines it places two in three, where to assume no upbeat places three in ten.
    """
    bar = metre.steps
    end = int((piece.onset + piece.duration).max(initial=0))
    if end < FEWEST_BARS * bar or bar % EIGHTH:
        return 0
    length = np.minimum(piece.duration, bar)
    last = int(piece.onset.max())

    def fitness(upbeat: int) -> float:
        first_beats = (piece.onset - upbeat) % bar == 0
        if not first_beats.any():
            return -math.inf
        return (
            1.3 * float(np.log2(length[first_beats] / length.mean()).mean())
            + 0.5 * int(first_beats.sum()) * bar / (end - upbeat)
            + 1.1 * ((last - upbeat) % bar in metre.groups)
            - 0.9 * (upbeat > 0)
            - 2.2 * (2 * upbeat > bar)
        )

    return max(range(0, bar, EIGHTH), key=fitness)
