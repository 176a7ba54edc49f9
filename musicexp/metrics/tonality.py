"""Tonality: how many of the twelve pitch classes are used, and do they make a key?"""

from __future__ import annotations

import math

import numpy as np

from musicexp.metrics.lines import entropy_bits
from musicexp.music import Piece

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)


def scale_consistency(piece: Piece) -> float:
    """Which share of the notes is in the scale that most of them are in, of the twelve major ones.

    Natural minor scales have the same notes. A share from 0 to 1; nan for an empty piece.

    Source: Mogren 2016; muspy's `scale_consistency`.
    """
    if not len(piece):
        return math.nan
    notes = np.bincount(piece.pitch % 12, minlength=12)
    return max(
        int(notes[[(tonic + place) % 12 for place in MAJOR_SCALE]].sum()) for tonic in range(12)
    ) / len(piece)


def pitch_class_entropy(piece: Piece) -> float:
    """Entropy of the pitch classes of all notes, in bits: 0 for a single one, 3.58 for twelve alike.

    Each note counts once, however long. Nan for an empty piece.

    Source: Wu and Yang 2020; muspy's `pitch_class_entropy`.
    """
    return entropy_bits(np.bincount(piece.pitch % 12, minlength=12))
