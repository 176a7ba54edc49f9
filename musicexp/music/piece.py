"""Piece: one piece of music as plain arrays with units."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STEPS_PER_QUARTER = 24
"""The grid: thirty-second notes and triplets of sixteenths are whole steps."""

DEFAULT_TEMPO = 120.0
DEFAULT_VELOCITY = 80

Steps = NDArray[np.int32]


class Note(NamedTuple):
    """One sounding note. Times in steps of 1/24 quarter, pitch as MIDI number 0-127."""

    onset: int
    duration: int
    pitch: int
    velocity: int = DEFAULT_VELOCITY
    part: int = 0


@dataclass(frozen=True, eq=False)
class Piece:
    """Notes in order of (onset, pitch), none of them twice, and what a player must know.

    Attributes:
        onset, duration: int32 [notes], steps of 1/24 quarter; durations are at least 1.
        pitch: int32 [notes], MIDI numbers 0-127.
        velocity: int32 [notes], 1-127.
        part: int32 [notes], from 0.
        tempo: quarters per minute.
        metre: beats and beat unit of the first bar, such as (6, 8).
        key: tonic and mode as the source writes it ("A minor"), or "" if it does not.
        abc: the tune's own ABC, in the one spelling of `music.abc`, if that is what it was read from, else "".
        grace_notes: how many were dropped in reading (they have no duration).
        off_grid: how many onsets or durations were moved to the grid in reading.
    """

    name: str
    onset: Steps
    duration: Steps
    pitch: Steps
    velocity: Steps
    part: Steps
    tempo: float = DEFAULT_TEMPO
    metre: tuple[int, int] = (4, 4)
    key: str = ""
    abc: str = ""
    grace_notes: int = 0
    off_grid: int = 0

    @classmethod
    def of(cls, notes: Iterable[Note], name: str = "", **more: object) -> Piece:
        """A Piece from notes in any order; of two of one (onset, pitch) the longer stays, else the first part's."""
        longest: dict[tuple[int, int], Note] = {}
        for note in notes:
            here = longest.get((note.onset, note.pitch))
            if here is None or _stays(note) > _stays(here):
                longest[note.onset, note.pitch] = note
        ordered = sorted(longest.values(), key=lambda n: (n.onset, n.pitch))
        columns = np.array(ordered, dtype=np.int32).reshape(-1, len(Note._fields)).T
        return cls(name, *(np.ascontiguousarray(column) for column in columns), **more)  # type: ignore[arg-type]

    def notes(self) -> list[Note]:
        rows = np.stack([self.onset, self.duration, self.pitch, self.velocity, self.part], axis=1)
        return [Note(*row) for row in rows.tolist()]

    def __len__(self) -> int:
        """Sounding notes; a chord of three is three."""
        return len(self.onset)

    @property
    def quarters(self) -> float:
        """From the start to the end of the last note."""
        return float((self.onset + self.duration).max()) / STEPS_PER_QUARTER if len(self) else 0.0

    def fingerprint(self) -> str:
        """A hash of what sounds: onsets, durations and pitches. Name, part and velocity do not count."""
        return _hash(self.onset, self.duration, self.pitch)

    def family(self) -> str:
        """A hash that transpositions of one piece share, whatever the silence before it."""
        if not len(self):
            return _hash(self.onset)
        return _hash(self.onset - self.onset[0], self.duration, self.pitch - self.pitch[0])


@dataclass
class Reading:
    """What came of reading one source: its pieces, and why something of it could not be used."""

    source: str
    pieces: list[Piece] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """(what, reason) pairs."""


def steps(quarters: Fraction) -> tuple[int, bool]:
    """Quarters as whole steps of the grid, and whether that moved them."""
    exact = quarters * STEPS_PER_QUARTER
    whole = round(exact)
    return whole, exact != whole


def _stays(note: Note) -> tuple[int, int, int]:
    return note.duration, -note.part, note.velocity


def _hash(*arrays: Steps) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<i4").tobytes() + b"|")
    return digest.hexdigest()[:16]
