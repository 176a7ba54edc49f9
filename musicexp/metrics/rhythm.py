"""Rhythm: is there a groove that bars share, and which values is it made of?

A position is a sixteenth: 16 in a bar of 4/4 or 2/2, 12 in 3/4 and in 6/8, 8 in 2/4, so that a position is the same
musical time in every metre. Onsets between two positions, such as those of triplets, go to the nearest one, from the
middle on to the later.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.lines import Bars, bars_of
from musicexp.music import Piece

SIXTEENTH, EIGHTH = 6, 12
"""Steps of 1/24 quarter."""


def onset_cells(piece: Piece, bars: Bars, positions: int) -> NDArray[np.int64]:
    """Which positions of which bars a note begins at, none twice: int64, bar * positions + position, ascending."""
    place = (piece.onset - bars.begin).astype(np.int64)
    return np.unique((2 * place * positions + bars.steps) // (2 * bars.steps))


def groove_similarity(piece: Piece, positions: int | None = None) -> float:
    """How alike the onset patterns of the bars are: 1 less the share of positions in which two bars differ.

    The mean over all pairs of bars, empty ones too. 1 where every bar has one rhythm; nan for fewer than two bars.

    Source: Wu and Yang 2020, GS. Their code looks at 64 positions in every metre and at no more than a random thousand
    of the pairs; muspy's `groove_consistency` looks at neighbouring bars only, at every tick, and adds an empty bar.

    Args:
        positions: in a bar; a position is a sixteenth if it is None.
    """
    bars = bars_of(piece)
    if bars.count < 2:
        return math.nan
    positions = positions or max(1, round(bars.steps / SIXTEENTH))
    cells = onset_cells(piece, bars, positions)
    # What is rounded up behind the last bar belongs to nobody.
    struck = np.bincount(cells[cells < bars.count * positions] % positions, minlength=positions)
    # A position differs in as many pairs as one bar has an onset there and the other has none: no pair is looked at.
    differing = int((struck * (bars.count - struck)).sum())
    return 1 - 2 * differing / (positions * bars.count * (bars.count - 1))


def off_eighth(piece: Piece) -> float:
    """Which share of the onsets is off the grid of eighths: sixteenths, triplets, what is shorter or free.

    Notes that begin together are one onset. The grid lies where most onsets are, since a piece may begin with an
    upbeat of a sixteenth. A share from 0 to 1; 0 for one note, nan for an empty piece.
    """
    if not len(piece):
        return math.nan
    place = np.bincount(np.unique(piece.onset) % EIGHTH)
    return float(1 - place.max() / place.sum())
