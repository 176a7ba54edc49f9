"""Runs of notes that lines share with a corpus: for each note of a line, how many notes from it on stand in the corpus.

Runs are compared by the intervals between their notes and by the notes' durations, so the key does not matter. A run of n
notes is n durations and the n - 1 intervals between them; rests in between do not count.

The corpus is one text whose letters are (duration, interval to the next note). Its runs of 1, 2, 4, ... letters get
numbers in their order, each from the numbers of its halves; so a line's notes find their places between the
corpus's in a few searches, and how far two places agree is found by halving.

Sources: Karp, Miller & Rosenberg 1972 (naming runs by doubling); Manber & Myers 1993 (suffix arrays).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.lines import Line

SPAN = 512
"""More than there are intervals between MIDI pitches, -127 to 127."""

Numbers = NDArray[np.int64]


class SharedRuns:
    """Where runs of the lines of a corpus are. About 100 bytes a note.

    Attributes:
        starts: the number of each line's first note among all of them, and how many there are: int64 [lines + 1].
        pitches: of all notes of all lines.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        lengths = np.array([len(found.pitch) for found in lines], dtype=np.int64)
        self.starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._durations = _joined([found.duration for found in lines])
        self.pitches = _joined([found.pitch for found in lines])
        self._tables: list[Numbers] = []
        """For each doubling the known runs, in order."""
        self._names: list[Numbers] = []
        """For each doubling the even number of the run that begins at each note, and 0 behind the last one."""
        self._first = np.zeros(0, dtype=np.int64)
        """For each of the longest runs, in order, the note where it first begins."""
        keys = _joined([letters(found) for found in lines])
        self._longest = int(lengths.max(initial=0))
        while len(keys):
            table, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
            names = np.append(2 * inverse.reshape(-1) + 2, 0)
            self._tables.append(table)
            self._names.append(names)
            self._first = first
            size = 1 << (len(self._tables) - 1)
            if size >= self._longest or len(table) == len(keys):
                break
            keys = _pairs(names, size)

    def shared(self, mine: Line) -> tuple[Numbers, Numbers]:
        """For each line note: how many notes from it on the corpus has too, at most, and from which of its notes on.

        Returns:
            int64 [notes], twice; the corpus's notes are numbered over all lines, -1 is none.
        """
        length = len(mine.pitch)
        best, where = np.zeros(length, dtype=np.int64), np.full(length, -1, dtype=np.int64)
        if not length or not len(self._durations):
            return best, where
        names = self._named(mine)
        rank = (names[-1][:-1] + 1) // 2 - 1  # of the first run of the corpus that is not before this one
        for shift in (-1, 0):  # the runs that agree longest are neighbours in the order
            at = self._first[np.clip(rank + shift, 0, len(self._first) - 1)]
            notes = self._agreeing(mine, names, at)
            better = notes > best
            best[better], where[better] = notes[better], at[better]
        return best, where

    def _named(self, mine: Line) -> list[Numbers]:
        """For each doubling the numbers of a line's runs: even ones are the corpus's, odd ones lie between them."""
        keys, found = letters(mine), []
        for doubling, table in enumerate(self._tables):
            at = np.searchsorted(table, keys)
            known = table[np.minimum(at, len(table) - 1)] == keys
            names = np.append(np.where(known, 2 * at + 2, 2 * at + 1), 0)
            found.append(names)
            keys = _pairs(names, 1 << doubling)
        return found

    def _agreeing(self, mine: Line, names: list[Numbers], at: Numbers) -> Numbers:
        """How many notes each note of a line and a note of the corpus have in common from there on."""
        here = np.arange(len(at))
        ends = self.starts[np.searchsorted(self.starts, at, "right")]
        most = np.minimum(len(at) - here, ends - at) - 1  # the last note of either has no interval
        same = np.zeros(len(at), dtype=np.int64)
        # The longest known runs as often as they agree, since they may be shorter than a line; then halves of them.
        last = len(names) - 1
        often = 1 + (min(len(at), self._longest) >> last)
        doublings = [last] * often + list(range(last - 1, -1, -1))
        for doubling in doublings:
            # Runs that reach beyond a line are compared beyond it: agreement there is cut off below.
            one = names[doubling][np.minimum(here + same, len(at))]
            other = self._names[doubling][np.minimum(at + same, len(self._durations))]
            same = np.where((one == other) & (same < most), same + (1 << doubling), same)
        same = np.minimum(same, most)
        notes: Numbers = same + (mine.duration[here + same] == self._durations[at + same])
        return notes


def letters(mine: Line) -> Numbers:
    """(duration, interval to the next note) as one number each, in that order of weight: int64 [notes].

    The last note has no interval, which no other letter has either.
    """
    found: Numbers = mine.duration.astype(np.int64) * SPAN
    found[:-1] += np.diff(mine.pitch) + SPAN // 2
    return found


def _pairs(names: Numbers, size: int) -> Numbers:
    """Runs of twice the size as numbers: that of the first half, then that of the second one."""
    here = np.arange(len(names) - 1)
    pairs: Numbers = (names[:-1] << 32) | names[np.minimum(here + size, len(names) - 1)]
    return pairs


def _joined(columns: Sequence[NDArray[np.int64] | NDArray[np.int32]]) -> Numbers:
    return np.concatenate([np.zeros(0, dtype=np.int64), *columns])
