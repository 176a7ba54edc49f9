"""A melody as multiple viewpoints read it: its pitches, and what is known of each before its pitch is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musicexp.baselines.ppm_escape import Ints
from musicexp.music import Piece
from musicexp.music.bar_lines import written_upbeat
from musicexp.music.bars import Metre
from musicexp.music.keys import WITH_MINOR_THIRD, tonic_and_mode
from musicexp.music.similar import skyline

OFF, ON, FIRST = range(3)
"""Of beats: off the beat, on one, on the first of a bar."""
BEGINS, ENDS = 1, 2
"""Of phrases: a note that begins one, that ends one, and, added up, that is one alone."""


@dataclass(frozen=True)
class MelodyLine:
    """The highest notes of a piece.

    Attributes:
        pitch: int64 [notes], MIDI numbers.
        duration: int64 [notes], steps; a note is cut where the next one begins.
        position: int64 [notes], steps behind the last bar line.
        beat: int64 [notes], `OFF`, `ON` or `FIRST`.
        phrase: int64 [notes], `BEGINS`, `ENDS`, their sum, or 0. Phrases end where the source writes fermatas; a piece
            without any is one phrase, of whose end nothing is told.
        begin: int64 [notes], the number of the first note of a note's phrase.
        tonic: pitch class of the tonic that the source names; None where it names none.
        minor: whether that key has a minor third.
    """

    pitch: Ints
    duration: Ints
    position: Ints
    beat: Ints
    phrase: Ints
    begin: Ints
    tonic: int | None
    minor: bool

    @classmethod
    def of(cls, piece: Piece) -> MelodyLine:
        """Read a piece; of several voices the highest notes."""
        top, metre = skyline(piece), Metre(*piece.metre)
        onset, duration = piece.onset[top].astype(np.int64), piece.duration[top].astype(np.int64)
        duration[:-1] = np.minimum(duration[:-1], np.diff(onset))
        position = (onset - (written_upbeat(piece) or 0)) % metre.steps
        on = position % max(metre.unit_steps, 1) == 0
        ends = piece.held[top]
        begins = np.r_[True, ends[:-1]][: len(ends)]
        key = tonic_and_mode(piece.key)
        return cls(
            piece.pitch[top].astype(np.int64),
            duration,
            position,
            np.where(position == 0, FIRST, np.where(on, ON, OFF)),
            BEGINS * begins + ENDS * ends,
            np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0)),
            key[0] if key else None,
            key is not None and key[1] in WITH_MINOR_THIRD,
        )

    def __len__(self) -> int:
        return len(self.pitch)
