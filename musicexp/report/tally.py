"""MusicTally: what sounds in a data set, counted piece by piece; small however many pieces go by."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.music import STEPS_PER_QUARTER, Piece
from musicexp.music.keys import analysed_key, tonic_shift

FURTHEST = 13
"""Intervals of so many semitones and more are counted together."""
LONGEST_STEPS = 16 * STEPS_PER_QUARTER
MOST_SOUNDING = 12
"""So many notes at once and more are counted together."""
MOST_DIFFERENT = 10_000
"""Different tempos, metres or keys that are told apart."""

Counts = NDArray[np.int64]


class MusicTally:
    """Add pieces, then read the counts.

    Attributes:
        seconds: float32 [pieces], how long each lasts at its first tempo.
        ambitus: uint8 [pieces], semitones between its lowest and highest note.
    """

    def __init__(self, pieces: int) -> None:
        """
        Args:
            pieces: how many there will be.
        """
        self.seconds = np.zeros(pieces, dtype=np.float32)
        self.ambitus = np.zeros(pieces, dtype=np.uint8)
        self.quarters = 0.0
        self.written: Counter[str] = Counter()
        self.analysed: Counter[str] = Counter()
        self.agreeing = 0
        self.compared = 0
        self.metres: Counter[tuple[int, int]] = Counter()
        self.tempos: Counter[float] = Counter()
        self.parts: Counter[int] = Counter()
        self.pitches: Counts = np.zeros(128, dtype=np.int64)
        self.intervals: Counts = np.zeros(2 * FURTHEST + 1, dtype=np.int64)
        self.durations: Counts = np.zeros(LONGEST_STEPS + 2, dtype=np.int64)
        self.sounding: Counts = np.zeros(MOST_SOUNDING + 1, dtype=np.int64)
        """Steps with so many notes sounding."""
        self._number = 0

    def add(self, piece: Piece) -> None:
        """Count one piece; it has a note."""
        self.seconds[self._number] = piece.seconds
        self.ambitus[self._number] = int(piece.pitch.max()) - int(piece.pitch.min())
        self._number += 1
        self.quarters += piece.quarters
        self._add_key(piece)
        _count(self.metres, piece.metre)
        _count(self.tempos, round(piece.tempo, 2))
        _count(self.parts, len(np.unique(piece.part)))
        self.pitches += np.bincount(piece.pitch, minlength=128)
        steps = melodic_intervals(piece)
        self.intervals += np.bincount(
            np.clip(steps, -FURTHEST, FURTHEST) + FURTHEST, minlength=2 * FURTHEST + 1
        )
        self.durations += np.bincount(
            np.minimum(piece.duration, LONGEST_STEPS + 1), minlength=LONGEST_STEPS + 2
        )
        self.sounding += sounding_steps(piece)

    def _add_key(self, piece: Piece) -> None:
        found = analysed_key(piece)
        if not piece.key:
            _count(self.analysed, found)
            return
        _count(self.written, piece.key)
        if piece.key.endswith((" major", " minor")):
            self.compared += 1
            self.agreeing += _same_key(piece.key, found)


def melodic_intervals(piece: Piece) -> NDArray[np.int64]:
    """Semitones from one onset's highest note to the next one's, within each part: int64 [intervals]."""
    order = np.lexsort((piece.pitch, piece.onset, piece.part))
    part, onset = piece.part[order], piece.onset[order]
    last = np.append((np.diff(part) != 0) | (np.diff(onset) != 0), True)
    part, pitch = part[last], piece.pitch[order][last].astype(np.int64)
    found: NDArray[np.int64] = np.diff(pitch)[np.diff(part) == 0]
    return found


def sounding_steps(piece: Piece) -> Counts:
    """How long 0, 1, 2, ... notes sound at once, from the start of the piece to its end: int64 [13], steps."""
    begin, end = piece.onset.astype(np.int64), piece.onset.astype(np.int64) + piece.duration
    times = np.concatenate([[0], begin, end])
    change = np.concatenate([[0], np.ones(len(begin), np.int64), -np.ones(len(end), np.int64)])
    order = np.argsort(times, kind="stable")
    sounding = np.minimum(np.cumsum(change[order])[:-1], MOST_SOUNDING)
    lengths = np.diff(times[order])
    held = lengths > 0  # within one moment the count passes through numbers that never sound
    found = np.bincount(sounding[held], weights=lengths[held], minlength=MOST_SOUNDING + 1)
    return found.astype(np.int64)


def _same_key(one: str, other: str) -> bool:
    """Whether two keys sound alike, however they are spelt."""
    return one.split()[-1] == other.split()[-1] and tonic_shift(one) == tonic_shift(other)


def _count(counts: Counter[Any], what: Any) -> None:
    if what in counts or len(counts) < MOST_DIFFERENT:
        counts[what] += 1
