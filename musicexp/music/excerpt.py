"""The beginning of a piece, cut at a bar line. Bars are those of its first metre, counted from its start."""

from __future__ import annotations

import math

import numpy as np

from musicexp.music.piece import STEPS_PER_QUARTER, Piece


def bar_steps(piece: Piece) -> float:
    """How long a bar is, in steps; not whole in metres such as 5/64."""
    beats, unit = piece.metre
    return 4 * STEPS_PER_QUARTER * beats / unit


def whole_bars(piece: Piece, notes: int) -> int:
    """How many bars the piece may go on until it has more than so many notes and chords; at least 1."""
    onsets = np.unique(piece.onset)
    if len(onsets) <= notes:
        return max(1, math.ceil(piece.quarters * STEPS_PER_QUARTER / bar_steps(piece)))
    return max(1, int(onsets[notes] / bar_steps(piece)))


def first_bars(piece: Piece, bars: int) -> Piece:
    """So many bars of a piece from its start: what begins later is left out, what sounds longer ends with them."""
    end = math.ceil(bars * bar_steps(piece))
    if not len(piece) or piece.quarters * STEPS_PER_QUARTER <= end:
        return piece
    kept = piece.onset < end
    onset = piece.onset[kept]
    return piece.only(
        kept,
        duration=np.minimum(piece.duration[kept], end - onset).astype(np.int32),
        onset_ticks=None,
        duration_ticks=None,
    )
