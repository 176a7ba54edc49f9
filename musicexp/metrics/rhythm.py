"""Rhythm: is there a groove that bars share, and which values is it made of?

A position is a sixteenth: 16 in a bar of 4/4 or 2/2, 12 in 3/4 and in 6/8, 8 in 2/4, so that a position is the same
musical time in every metre. Onsets between two positions, such as those of triplets, go to the nearest one, from the
middle on to the later.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.lines import Bars, Line, bars_of, entropy_bits
from musicexp.music import Piece
from musicexp.music.bar_lines import written_bars

SIXTEENTH, EIGHTH = 6, 12
"""Steps of 1/24 quarter."""


def struck_positions(piece: Piece, bars: Bars, positions: int) -> NDArray[np.bool_]:
    """At which positions of which bars a note begins: bool [bars, positions]."""
    place = piece.onset.astype(np.int64)
    place -= bars.begin
    place *= 2 * positions
    place += bars.steps
    place //= 2 * bars.steps
    struck = np.zeros(bars.total * positions + 1, dtype=bool)
    struck[place] = True
    # What is rounded up behind the last bar belongs to nobody.
    return struck[:-1].reshape(bars.total, positions)


def groove_similarity(piece: Piece, positions: int | None = None) -> float:
    """How alike the onset patterns of the bars are: 1 less the share of positions in which two bars differ.

    The mean over all pairs of bars, empty ones too. 1 where every bar has one rhythm; nan for fewer than two bars.

    Source: Wu and Yang 2020, GS. Their code looks at 64 positions in every metre and at no more than a random thousand
    of the pairs; muspy's `groove_consistency` looks at neighbouring bars only, at every tick, and adds an empty bar.

    Args:
        positions: in a bar; a position is a sixteenth if it is None.
    """
    bars = bars_of(piece)
    if bars.total < 2:
        return math.nan
    positions = positions or max(1, round(bars.steps / SIXTEENTH))
    struck = struck_positions(piece, bars, positions).sum(axis=0)
    # A position differs in as many pairs as one bar has an onset there and the other has none: no pair is looked at.
    differing = int((struck * (bars.total - struck)).sum())
    return 1 - 2 * differing / (positions * bars.total * (bars.total - 1))


def off_eighth(piece: Piece) -> float:
    """Which share of the onsets is off the grid of eighths: sixteenths, triplets, what is shorter or free.

    Notes that begin together are one onset. The grid lies where most onsets are, since a piece may begin with an
    upbeat of a sixteenth. A share from 0 to 1; 0 for one note, nan for an empty piece.
    """
    if not len(piece):
        return math.nan
    place = np.bincount(np.unique(piece.onset) % EIGHTH)
    return float(1 - place.max() / place.sum())


def wrong_bars(piece: Piece) -> float:
    """Which share of the bars that a tune's ABC writes is not as long as its metre says.

    Not wrong are a first bar that is shorter (an upbeat), a last one that is shorter (what completes it), and two short ones
    in a row that make a whole bar, as around a repeat. A share from 0 to 1; nan for a piece that writes no bars, which
    is any that was not made of ABC: there is nothing that could be wrong.
    """
    written = written_bars(piece.abc) if piece.abc else []
    if not written:
        return math.nan
    wrong = [length != whole for length, whole in written]
    for number, (length, whole) in enumerate(written):
        if number in (0, len(written) - 1) and length < whole:
            wrong[number] = False
        elif number and wrong[number - 1] and wrong[number] and written[number - 1][0] + length == whole:
            wrong[number - 1] = wrong[number] = False
    return sum(wrong) / len(wrong)


def duration_entropy(line: Line) -> float:
    """Entropy of the durations of a melody's notes, in bits: 0 for a single one; nan for an empty piece.

    Source: Shannon 1948.
    """
    return entropy_bits(np.unique(line.duration, return_counts=True)[1])


def npvi(line: Line) -> float:
    """Normalised pairwise variability of a melody's durations: 0 for all alike, below 200.

    100 times the mean of the difference of neighbouring durations by their mean; rests are left out. Nan for fewer
    than two notes.

    Source: Grabe and Low 2002; amads' `normalized_pairwise_variability_index`.
    """
    one, other = line.duration[:-1].astype(np.float64), line.duration[1:]
    if not len(one):
        return math.nan
    return float(200 * (np.abs(one - other) / (one + other)).mean())
