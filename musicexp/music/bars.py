"""Metre: how strong a place in a bar is, which notes share a beam, and where a piece's bars begin.

Times are steps of 1/24 quarter. A place is counted from where a whole bar would begin, so that the beats of an upbeat
are those of the bar's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from musicexp.music.piece import STEPS_PER_QUARTER, Piece
from musicexp.music.tunes import bar_places

WHOLE = 4 * STEPS_PER_QUARTER
SHORTEST = 3
"""A thirty-second: bars and beats are whole numbers of them."""
UNWRITABLE_AS = (4, 4)
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

    A tune that was read from ABC has the bars that it writes, unless most of them are of another length; any other
    piece has bars of its metre, after an upbeat if one can be told (`_guessed_upbeat`).
    """
    end = int((piece.onset + piece.duration).max(initial=0))
    written = _written_begins(piece, metre, end) if piece.abc else None
    if written:
        upbeat = written[1] - written[0] if len(written) > 2 and written[1] < metre.steps else 0
        return written, upbeat
    upbeat = 0 if piece.abc else guessed_upbeat(piece, metre)
    begins = [0] if upbeat else []
    begins += range(upbeat, max(end, upbeat + 1), metre.steps)
    return [*begins, begins[-1] + metre.steps], upbeat


def _written_begins(piece: Piece, metre: Metre, end: int) -> list[int] | None:
    places = [0, *(place for place in bar_places(piece.abc) if 0 < place < end)]
    places = sorted(set(places))
    if any(place % SHORTEST for place in places):
        return None
    found = []
    for begin, following in pairwise([*places, None]):
        stop = end if following is None else following
        found.append(begin)
        while stop - found[-1] >= 2 * metre.steps:  # a bar line is missing
            found.append(found[-1] + metre.steps)
    last = end if (end - found[-1]) % SHORTEST == 0 else found[-1] + metre.steps
    lengths = [b - a for a, b in pairwise([*found, last])]
    inner = lengths[1:-1]
    if inner and sum(length == metre.steps for length in inner) < REGULAR * len(inner):
        return None
    return [*found, last if len(found) > 1 else found[0] + metre.steps]


def guessed_upbeat(piece: Piece, metre: Metre) -> int:
    """How long the upbeat of a piece without written bars is."""
    return 0
