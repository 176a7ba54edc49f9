"""Novelty: what of a piece stands in the music learned from already, in any key.

Everything here is asked of the *line*, the notes that none above them covers (`music.similar.skyline`), and compares runs
of notes by the intervals between them and by their durations. A run of n notes is copied if n durations and the n - 1
intervals between them follow each other like that in a corpus piece; rests in between do not count.

What is called a copy (`called_copies`): a run longer than the longest copied runs of 95 % of the held-out pieces - they
were written by people who had not read the corpus to reproduce it, but who share its scales, rhythms and turns - and
of at least `LEAST` notes. Runs of fewer than `FEWEST_DIFFERENT` different intervals (a repeated note, a trill, one scale) are
never called copies: everybody's music holds them.

Sources: Yin, Reuben, Stepney & Collins 2021, 2022 (that copying must be measured, and against human pieces); Manber &
Myers 1993 (suffix arrays); Karp, Miller & Rosenberg 1972 (naming runs by doubling).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.music import Piece
from musicexp.music.similar import FEWEST_DIFFERENT, skyline

LEAST = 12
"""Notes: about three bars; shorter runs are turns that many tunes share."""
PERCENTILE = 95
GRAM = 8
"""Notes of the runs whose copied share is given."""
SPAN = 512
"""More than there are intervals between MIDI pitches, -127 to 127."""
LAST = 0
"""Stands for the interval that the last note of a line does not have; real ones are stored as interval + 256."""

Numbers = NDArray[np.int64]


class Line(NamedTuple):
    """The line of a piece: int64 [notes], onsets and durations in steps of 1/24 quarter, pitches as MIDI numbers."""

    onset: Numbers
    duration: Numbers
    pitch: Numbers


@dataclass(frozen=True)
class Copy:
    """A copied run: `notes` line notes of generated piece `piece`, from its line note number `begin` on, stand in corpus
    piece `source` from its line note `source_begin` on, and were moved by `semitones` from there."""

    piece: int
    begin: int
    notes: int
    source: int
    source_begin: int
    semitones: int


class CopyFinder:
    """Finds in pieces what was copied from a corpus.

    The corpus is one text whose letters are (duration, interval to the next note). Runs of 1, 2, 4, ... letters
    get numbers in their order (each from the numbers of its halves), so that a suffix is found by its numbers,
    and how far two places agree by halving. About 100 bytes a note.
    """

    def __init__(self, corpus: Sequence[Piece]) -> None:
        lines = [line(piece) for piece in corpus]
        lengths = np.array([len(found.pitch) for found in lines], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self._durations = _joined([found.duration for found in lines])
        self._pitches = _joined([found.pitch for found in lines])
        self._tables: list[Numbers] = []
        """For each doubling the known runs, in order."""
        self._names: list[Numbers] = []
        """For each doubling the even number of the run that begins at each note, and 0 behind the last one."""
        self._first = np.zeros(0, dtype=np.int64)
        """For each of the longest runs, in order, the note where it first begins."""
        keys = _joined([_letters(found) for found in lines])
        longest = int(lengths.max(initial=0))
        while len(keys):
            table, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
            names = np.append(2 * inverse.reshape(-1) + 2, 0)
            self._tables.append(table)
            self._names.append(names)
            self._first = first
            size = 1 << (len(self._tables) - 1)
            if size >= longest or len(table) == len(keys):
                break
            keys = _pairs(names, size)

    def longest(self, piece: Piece, number: int = 0) -> Copy | None:
        """The longest copied run of at least two notes and of enough different intervals, the first of equals.

        Args:
            number: what the piece is called in the answer.
        """
        notes, sources = self.copied(piece)
        pitches = line(piece).pitch
        for begin in np.argsort(-notes, kind="stable").tolist():
            length = int(notes[begin])
            if length < 2:
                break
            if len(np.unique(np.diff(pitches[begin : begin + length]))) < FEWEST_DIFFERENT:
                continue
            place = int(sources[begin])
            source = int(np.searchsorted(self._starts, place, "right")) - 1
            moved = int(pitches[begin] - self._pitches[place])
            return Copy(number, begin, length, source, place - int(self._starts[source]), moved)
        return None

    def longest_copy(self, piece: Piece) -> float:
        """The notes of the longest copied run; 0 if there is none of enough different intervals."""
        found = self.longest(piece)
        return float(found.notes) if found else 0.0

    def copied_8grams(self, piece: Piece) -> float:
        """The share of a line's runs of 8 notes that are copied; nan for a line of fewer notes."""
        notes, _ = self.copied(piece)
        grams = notes[: max(0, len(notes) - GRAM + 1)]
        return float((grams >= GRAM).mean()) if len(grams) else math.nan

    def copied(self, piece: Piece) -> tuple[Numbers, Numbers]:
        """For each line note: how many notes from it on are copied at most, and from which note of the corpus on.

        Returns:
            int64 [line notes], twice; a note of the corpus is a number among all its line notes, -1 for none.
        """
        mine = line(piece)
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
        keys, found = _letters(mine), []
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
        ends = self._starts[np.searchsorted(self._starts, at, "right")]
        letters = np.minimum(len(at) - here, ends - at) - 1  # the last note of either has no interval
        same = np.zeros(len(at), dtype=np.int64)
        # The longest known runs as often as they agree, since they may be shorter than a line; then halves of them.
        longest = len(names) - 1
        doublings = [longest] * (1 + (len(at) >> longest)) + list(range(longest - 1, -1, -1))
        for doubling in doublings:
            # Runs that reach beyond a line are compared beyond it: agreement there is cut off below.
            one = names[doubling][np.minimum(here + same, len(at))]
            other = self._names[doubling][np.minimum(at + same, len(self._durations))]
            same = np.where((one == other) & (same < letters), same + (1 << doubling), same)
        same = np.minimum(same, letters)
        notes: Numbers = same + (mine.duration[here + same] == self._durations[at + same])
        return notes


def called_copies(copies: Sequence[Copy | None], human: Sequence[float]) -> list[Copy]:
    """Those that are called copies: longer than what 95 % of the held-out pieces share with the corpus, longest first.

    Args:
        copies: the longest copied run of each generated piece.
        human: the notes of the longest copied run of each held-out piece.
    """
    fewest = copy_threshold(human)
    found = [copy for copy in copies if copy is not None and copy.notes >= fewest]
    return sorted(found, key=lambda copy: (-copy.notes, copy.piece))


def copy_threshold(human: Sequence[float]) -> int:
    """From how many notes on a copied run is called a copy."""
    if not len(human):
        return LEAST
    return max(LEAST, math.floor(float(np.percentile(human, PERCENTILE))) + 1)


def line(piece: Piece) -> Line:
    """The piece's line."""
    top = skyline(piece)
    columns = (piece.onset[top], piece.duration[top], piece.pitch[top])
    return Line(*(column.astype(np.int64) for column in columns))


def _letters(mine: Line) -> Numbers:
    """(duration, interval to the next note) as one number each, in that order of weight: int64 [notes]."""
    intervals = np.append(np.diff(mine.pitch) + SPAN // 2, [LAST] * bool(len(mine.pitch)))
    letters: Numbers = mine.duration * SPAN + intervals.astype(np.int64)
    return letters


def _pairs(names: Numbers, size: int) -> Numbers:
    """Runs of twice the size as numbers: that of the first half, then that of the second one."""
    here = np.arange(len(names) - 1)
    pairs: Numbers = (names[:-1] << 32) | names[np.minimum(here + size, len(names) - 1)]
    return pairs


def _joined(columns: Sequence[Numbers]) -> Numbers:
    return np.concatenate(columns) if columns else np.zeros(0, dtype=np.int64)
