"""Novelty: what of a piece stands in the music learned from already, in any key.

Everything here is asked of the *line*, the notes that none above them covers (`music.similar.skyline`), and compares runs
of notes by the intervals between them and by their durations. A run of n notes is copied if n durations and the n - 1
intervals between them follow each other like that in a corpus piece; rests in between do not count.

What is called a copy (`called_copies`): a run longer than the longest copied runs of 95 % of the held-out pieces - they
were written by people who had not read the corpus to reproduce it, but who share its scales, rhythms and turns - and
of at least `LEAST` notes. Runs of fewer than `FEWEST_DIFFERENT` different intervals (a repeated note, a trill, one scale) are
never called copies: everybody's music holds them.

Source: Yin, Reuben, Stepney & Collins 2021, 2022 (that copying must be measured, and beside human pieces).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.diversity import distinct, mean_edit_distance
from musicexp.metrics.lines import line_of
from musicexp.metrics.originality import Originality
from musicexp.metrics.shared_runs import SharedRuns
from musicexp.music import Piece
from musicexp.music.similar import FEWEST_DIFFERENT

__all__ = ["Copy", "CopyFinder", "called_copies", "copy_threshold", "distinct", "mean_edit_distance"]

LEAST = 12
"""Notes: about three bars; shorter runs are turns that many tunes share."""
PERCENTILE = 95
GRAM = 8
"""Notes of the runs whose copied share is given."""


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
    """Finds in pieces what was copied from a corpus."""

    def __init__(self, corpus: Sequence[Piece]) -> None:
        self._lines = [line_of(piece) for piece in corpus]
        self._runs = SharedRuns(self._lines)

    @cached_property
    def _original(self) -> Originality:
        return Originality(self._lines)

    def longest(self, piece: Piece, number: int = 0) -> Copy | None:
        """The longest copied run of at least two notes and of enough different intervals, the first of equals.

        Args:
            number: what the piece is called in the answer.
        """
        mine = line_of(piece)
        notes, sources = self._runs.shared(mine)
        pitches, starts = mine.pitch, self._runs.starts
        for begin in np.argsort(-notes, kind="stable").tolist():
            length = int(notes[begin])
            if length < 2:
                break
            if len(np.unique(np.diff(pitches[begin : begin + length]))) < FEWEST_DIFFERENT:
                continue
            place = int(sources[begin])
            source = int(np.searchsorted(starts, place, "right")) - 1
            moved = int(pitches[begin] - self._runs.pitches[place])
            return Copy(number, begin, length, source, place - int(starts[source]), moved)
        return None

    def longest_copy(self, piece: Piece) -> float:
        """The notes of the longest copied run; 0 if there is none of enough different intervals."""
        found = self.longest(piece)
        return float(found.notes) if found else 0.0

    def copied_8grams(self, piece: Piece) -> float:
        """The share of a line's runs of 8 notes that are copied; nan for a line of fewer notes."""
        notes, _ = self._runs.shared(line_of(piece))
        grams = notes[: max(0, len(notes) - GRAM + 1)]
        return float((grams >= GRAM).mean()) if len(grams) else math.nan

    def originality(self, piece: Piece) -> float:
        """The mean of the originality curve; nan for a piece without four notes in any four bars."""
        return self._original.mean(line_of(piece))

    def originality_curve(self, piece: Piece) -> NDArray[np.float64]:
        """The originality of each four bars of the piece: `Originality.curve`."""
        return self._original.curve(line_of(piece))


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
