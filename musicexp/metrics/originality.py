"""The originality curve: how much of each stretch of a piece is no part of any corpus piece, wherever it is moved to.

A stretch P of a line and a corpus line Q are sets of points (onset, pitch), and the originality of P is
1 - max over Q and over moves t in time and pitch of |P and (Q + t)| / |P|. Unlike a copied run it sees copies with notes changed,
left out or put in between. It is high for anybody's music of few notes a stretch, so the held-out pieces' curve
belongs beside it.

Moves are found by geometric hashing: three neighbouring notes of P that stand in Q alike vote for the move that
takes one to the other, and the moves with most votes are counted out. A copy of which no three
neighbouring notes are left is not found, and so an originality is what it is at most.

Source: Yin, Reuben, Stepney & Collins 2021, "A good algorithm does not steal - it imitates" (the originality report)
and 2022, "Measuring when a music generation algorithm copies too much" (geometric hashing).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.lines import Line
from musicexp.metrics.shared_runs import Numbers
from musicexp.music import STEPS_PER_QUARTER
from musicexp.music.piece import Steps

STRETCH = 16 * STEPS_PER_QUARTER
"""Four bars of 4/4."""
FEWEST_NOTES = 4
"""Any two notes can be moved to two others so that one of them fits; a stretch of fewer than four says nothing."""
CANDIDATES = 8
"""Moves of a stretch that are counted out: those with most votes."""
PITCHES = 128
OFTEN = 2000
"""A figure of three notes that stands in the corpus more often than this (a scale, a repeated note) votes for nothing."""
LONGEST = 1 << 28
"""No line is as long, in steps; tells points and moves of one piece from those of the next."""


class Originality:
    """Knows where the figures of three notes and the points of a corpus are. About 60 bytes a note."""

    def __init__(self, lines: Sequence[Line]) -> None:
        # In an order of their own, so that of equally likely moves the same ones are tried however the corpus lies.
        lines = sorted(lines, key=lambda mine: (mine.pitch.tobytes(), mine.onset.tobytes()))
        figures = [_figures(mine) for mine in lines]
        found = np.concatenate([np.zeros(0, dtype=np.int64), *figures])
        order = np.argsort(found, kind="stable")
        self._figures = found[order]
        self._onset = _each(figures, [mine.onset for mine in lines])[order]
        self._pitch = _each(figures, [mine.pitch for mine in lines])[order]
        self._piece = np.repeat(np.arange(len(lines)), [len(figure) for figure in figures])[order]
        points = [
            _points(np.full(len(mine.pitch), k), mine.onset.astype(np.int64), mine.pitch.astype(np.int64))
            for k, mine in enumerate(lines)
        ]
        self._points = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *points]))

    def mean(self, mine: Line) -> float:
        """The mean of the curve; nan where it has no point."""
        values = [value for value in self.curve(mine).tolist() if not math.isnan(value)]
        return math.fsum(values) / len(values) if values else math.nan

    def curve(self, mine: Line) -> NDArray[np.float64]:
        """The originality of each four bars of 4/4 (16 quarters) from the first note on, 0 to 1.

        Returns:
            float64 [stretches]; nan where one has fewer than `FEWEST_NOTES` notes.
        """
        if not len(mine.onset):
            return np.zeros(0)
        stretch = (mine.onset - mine.onset[0]) // STRETCH
        notes = np.bincount(stretch)
        common = np.ones(len(notes), dtype=np.int64)  # one note can be moved onto any other
        where, which, move_onset, move_pitch = self._moves(mine, stretch)
        if len(where):
            begin = np.searchsorted(stretch, where)
            counts = notes[where]
            inside = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            note = np.repeat(begin, counts) + inside
            points = _points(
                np.repeat(which, counts),
                mine.onset[note] + np.repeat(move_onset, counts),
                mine.pitch[note] + np.repeat(move_pitch, counts),
            )
            at = np.minimum(np.searchsorted(self._points, points), len(self._points) - 1)
            shared = np.add.reduceat(
                (self._points[at] == points).astype(np.int64), np.cumsum(counts) - counts
            )
            np.maximum.at(common, where, shared)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(notes < FEWEST_NOTES, math.nan, 1 - common / notes)

    def _moves(self, mine: Line, stretch: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """The likeliest moves of each stretch: stretch, corpus piece, steps and semitones, a row for each."""
        figures = _figures(mine)
        inside = stretch[: len(figures)] == stretch[len(stretch) - len(figures) :]
        begin = np.searchsorted(self._figures, figures)
        count = np.searchsorted(self._figures, figures, "right") - begin
        count = np.where(inside & (count <= OFTEN), count, 0)
        note = np.repeat(np.arange(len(figures)), count)
        at = np.repeat(begin, count) + np.arange(len(note)) - np.repeat(np.cumsum(count) - count, count)
        votes = np.stack(
            [
                stretch[note],
                self._piece[at],
                self._onset[at] - mine.onset[note],
                self._pitch[at] - mine.pitch[note],
            ]
        )
        if not len(note):
            return votes[0], votes[1], votes[2], votes[3]
        # One number for stretch, piece and move.
        low = votes.min(axis=1, keepdims=True)
        ranges = [int(r) for r in (votes - low).max(axis=1) + 1]
        number = np.ravel_multi_index(tuple(votes - low), tuple(ranges))
        numbers, times = np.unique(number, return_counts=True)
        found = np.stack(np.unravel_index(numbers, tuple(ranges))) + low
        order = np.lexsort((-times, found[0]))
        place = np.arange(len(order)) - np.searchsorted(found[0][order], found[0][order])
        a, b, c, d = found[:, order[place < CANDIDATES]]
        return a, b, c, d


def _figures(mine: Line) -> Numbers:
    """Three neighbouring notes each as one number, whatever their place and key: int64 [notes - 2] or none."""
    if len(mine.pitch) < 3:
        return np.zeros(0, dtype=np.int64)
    times = np.minimum(np.diff(mine.onset).astype(np.int64), (1 << 20) - 1)
    steps = times * 2 * PITCHES + np.diff(mine.pitch) + PITCHES
    figures: Numbers = (steps[:-1] << 32) | steps[1:]
    return figures


def _points(piece: Numbers, onset: Numbers, pitch: Numbers) -> Numbers:
    """Points as numbers; those moved below onset 0 or out of MIDI's range are none of any piece."""
    inside = (onset >= 0) & (onset < LONGEST) & (pitch >= 0) & (pitch < PITCHES)
    points: Numbers = np.where(inside, (piece * LONGEST + onset) * PITCHES + pitch, -1)
    return points


def _each(figures: Sequence[Numbers], columns: Sequence[Steps]) -> Numbers:
    """For each figure the value of its first note."""
    return np.concatenate(
        [
            np.zeros(0, dtype=np.int64),
            *(column[: len(mine)] for column, mine in zip(columns, figures, strict=True)),
        ]
    )
