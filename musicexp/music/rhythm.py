"""Rhythm that can be written: times moved to thirty-seconds and triplets, durations split into written values.

Times are steps of 1/24 quarter. A written value is counted in sixty-fourths, 1.5 steps each; within a triplet, where
three stand in the time of two, a sixty-fourth is one step.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from musicexp.music.bars import SHORTEST, Metre

VALUES = tuple(sorted({n * 2**k for n in (1, 3) for k in range(8)}))
"""Sixty-fourths that one note or rest can last: plain and dotted, up to a breve."""
EIGHTH = 8
TRIPLET = 3, 2
SEXTUPLET = 6, 4
PENALTY = {6: 0.0, 3: 2.0, 8: 0.5, 4: 1.0, 2: 4.0, 1: 10.0}
"""What a grid costs beside the steps by which it moves notes: a fine one is hard to read."""
END_COST = 0.5
"""When a note ends matters less than when it begins."""


class Span(NamedTuple):
    """A stretch of a bar whose notes lie on one grid, counted from its begin; of a triplet one of 8, 4, 2 or 1."""

    begin: int
    size: int
    grid: int
    triplet: bool

    @property
    def end(self) -> int:
        return self.begin + self.size

    def nearest(self, time: int) -> int:
        """The time on the grid that is nearest, a half up."""
        return self.begin + (2 * (time - self.begin) + self.grid) // (2 * self.grid) * self.grid


class Bar(NamedTuple):
    """A bar's begin and end, and where in a whole bar of its metre it begins."""

    begin: int
    end: int
    place: int


class Value(NamedTuple):
    """A written value: it begins after the bar's begin, lasts so many steps and is written as so many sixty-fourths."""

    begin: int
    length: int
    units: int
    triplet: Span | None


def rounded(
    events: Sequence[tuple[int, int]], bars: Sequence[Bar], metre: Metre
) -> tuple[list[tuple[int, int]], list[Span]]:
    """The (begin, end) of the events of one voice moved to what can be written, and the spans of its bars.

    Every event stays, in order, and keeps a length: where that asks for it the grid is as fine as a step.

    Args:
        events: in order; each ends before or where the next begins.
    """
    voice = _Voice(events, bars[-1].end)
    spans = [span for bar in bars for span in voice.spans(bar, metre)]
    begins = [span.begin for span in spans]

    def span_at(time: int) -> Span:
        return spans[min(bisect_right(begins, time), len(spans)) - 1]

    onsets = [span_at(onset).nearest(onset) for onset, _ in events]
    found = []
    for i, (_, end) in enumerate(events):
        following = onsets[i + 1] if i + 1 < len(events) else spans[-1].end
        if i + 1 < len(events) and end == events[i + 1][0]:
            found.append((onsets[i], following))
        else:
            least = onsets[i] + span_at(onsets[i]).grid
            found.append((onsets[i], min(max(span_at(end).nearest(end), least), following)))
    return found, spans


class _Voice:
    """The onsets and ends of one voice, for finding the spans of its bars."""

    def __init__(self, events: Sequence[tuple[int, int]], end: int) -> None:
        self._end = end
        self._onsets = [onset for onset, _ in events]
        self._points = sorted({time for event in events for time in event})

    def spans(self, bar: Bar, metre: Metre) -> Iterator[Span]:
        """The spans of a bar, in order, without a gap: as long as triplets of halves, else a quarter or less."""
        at, quarters = bar.begin, metre.unit <= 4 and not metre.compound
        while at < bar.end:
            place = bar.place + at - bar.begin
            for size in (96, 48) if quarters else ():
                inner = self._inside(at, size)
                if place % size == 0 and at + size <= bar.end and inner and _only(inner, size // 3):
                    yield Span(at, size, size // 3, True)
                    at += size
                    break
            else:
                sizes = (24, 12, 6, 3) if quarters else (12, 6, 3)
                size = next(s for s in sizes if place % s == 0 and at + s <= bar.end)
                yield from self._exact(at, size) or self._moved(at, size)[1]
                at += size

    def _inside(self, begin: int, size: int) -> list[int]:
        low, high = bisect_right(self._points, begin), bisect_left(self._points, begin + size)
        return [time - begin for time in self._points[low:high]]

    def _exact(self, begin: int, size: int) -> list[Span]:
        """The coarsest spans on which everything lies as it is; none if there are no readable ones."""
        inner = self._inside(begin, size)
        if _only(inner, SHORTEST):
            return [Span(begin, size, SHORTEST, False)]
        for grid in {24: (8, 4), 12: (4,)}.get(size, ()):
            if _only(inner, grid) and size // 2 not in inner:
                return [Span(begin, size, grid, True)]
        if size != 24:
            return []
        halves = [self._exact(at, 12) for at in (begin, begin + 12)]
        return [*halves[0], *halves[1]] if all(halves) else []

    def _moved(self, begin: int, size: int) -> tuple[float, list[Span]]:
        """The spans that move the least, and their cost; two events never come to begin together."""
        grids = {24: (8, 4), 12: (6, 3, 4, 2, 1), 6: (6, 3, 2, 1), 3: (3, 1)}[size]
        found = [
            (self._cost(span), [span])
            for span in (Span(begin, size, grid, grid % SHORTEST > 0) for grid in grids)
        ]
        if size == 24:
            first, second = (
                ((0.0, exact) if (exact := self._exact(at, 12)) else self._moved(at, 12))
                for at in (begin, begin + 12)
            )
            found.append((first[0] + second[0], first[1] + second[1]))
        return min(found, key=lambda each: each[0])

    def _cost(self, span: Span) -> float:
        low, high = bisect_left(self._onsets, span.begin), bisect_left(self._onsets, span.end)
        before = [self._onsets[low - 1]] if low else []
        onsets = self._onsets[low:high]
        following = self._onsets[high] if high < len(self._onsets) else self._end
        moved = [span.nearest(onset) for onset in onsets]
        if len(set(moved)) < len(moved):
            return math.inf
        # At the span's ends a neighbour may be moved too, by at most half of the coarsest grid. Nothing begins at the end.
        if moved and moved[-1] == span.end and following <= span.end + 4:
            return math.inf
        if moved and moved[0] == span.begin != onsets[0] and before and before[0] >= span.begin - 4:
            return math.inf
        ends = [span.begin + time for time in self._inside(span.begin, span.size)]
        return (
            PENALTY[span.grid]
            + sum(abs(a - b) for a, b in zip(onsets, moved, strict=True))
            + END_COST * sum(abs(time - span.nearest(time)) for time in ends)
        )


def _only(times: Sequence[int], grid: int) -> bool:
    return all(time % grid == 0 for time in times)


# ---------------------------------------------------------------------------------------------------
# Values


def values(
    begin: int, end: int, bar: Bar, metre: Metre, triplets: Sequence[Span], *, rest: bool
) -> Iterator[Value]:
    """The written values of an event, or of its share of a bar, in order.

    Args:
        begin, end: within the bar.
        triplets: of the bar, those that something begins or ends within.
    """
    at = begin
    for span in triplets:
        if span.end <= at or span.begin >= end:
            continue
        yield from _plain(at, span.begin, bar, metre, rest=rest)
        at = max(at, span.begin)
        stop = min(end, span.end)
        for units in _greedy(stop - at):
            yield Value(at - bar.begin, units, units, span)
            at += units
    yield from _plain(at, end, bar, metre, rest=rest)


def _greedy(units: int) -> Iterator[int]:
    """A number of sixty-fourths as written values, the longest first."""
    while units:
        longest = max(value for value in VALUES if value <= units)
        yield longest
        units -= longest


def _plain(begin: int, end: int, bar: Bar, metre: Metre, *, rest: bool) -> Iterator[Value]:
    if begin >= end:
        return
    at = begin
    for length in _split(bar.place + begin - bar.begin, end - begin, metre, rest=rest):
        yield Value(at - bar.begin, length, length * 2 // 3, None)
        at += length


def _split(place: int, length: int, metre: Metre, *, rest: bool) -> Iterator[int]:
    """Lengths that show the bar's beats: split at the strongest place within, until each part may be written."""
    levels = metre.levels
    inner = levels[place + 1 : place + length]
    strongest = min(inner)
    if (_rest_fits if rest else _note_fits)(place, length, strongest, metre):
        yield length
        return
    last = levels[place] <= strongest
    cut = length - 1 - inner[::-1].index(strongest) if last else 1 + inner.index(strongest)
    yield from _split(place, cut, metre, rest=rest)
    yield from _split(place + cut, length - cut, metre, rest=rest)


def _note_fits(place: int, length: int, strongest: int, metre: Metre) -> bool:
    levels = metre.levels
    if length * 2 // 3 not in VALUES:
        return False
    begins, ends = levels[place], levels[place + length]
    if strongest == 1 and (metre.compound or metre.unit >= 8):
        return begins <= 1 and ends <= 1
    if begins <= strongest or ends <= strongest:
        return True
    # Syncopes are read well where they are even and as long as what they bind: 8 4 8, but not across the half of 4/4.
    least = {1: metre.groups[1], 2: metre.unit_steps}.get(strongest, 0)
    return levels[place + length // 2] == strongest and length >= least


def _rest_fits(place: int, length: int, strongest: int, metre: Metre) -> bool:
    units = length * 2 // 3
    plain = units & (units - 1) == 0
    return units in VALUES and (plain or metre.compound) and metre.levels[place] < strongest
