"""Tonality: how many of the twelve pitch classes are used, and do they make a key?

Octaves do not count. For entropies and the scale each note counts once, however long; for keys as long as it sounds.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.lines import bars_of, entropy_bits
from musicexp.music import Piece
from musicexp.music.keys import krumhansl_kessler, pitch_class_lengths

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)


def scale_consistency(piece: Piece) -> float:
    """Which share of the notes is in the scale that most of them are in, of the twelve major ones.

    Natural minor scales have the same notes. A share from 7/12 to 1; nan for an empty piece.

    Source: Mogren 2016; muspy's `scale_consistency`.
    """
    if not len(piece):
        return math.nan
    inside = _scales() @ np.bincount(piece.pitch % 12, minlength=12)
    return float(inside.max() / len(piece))


def pitch_class_entropy(piece: Piece) -> float:
    """Entropy of the pitch classes of all notes, in bits: 0 for a single one, 3.58 for twelve alike.

    Nan for an empty piece.

    Source: Wu and Yang 2020; muspy's `pitch_class_entropy`.
    """
    return entropy_bits(np.bincount(piece.pitch % 12, minlength=12))


def bars_entropy(piece: Piece, bars: int) -> float:
    """Entropy of the pitch classes that begin within so many bars in a row, in bits; the mean over all such bars.

    Bars in which no note begins are passed over. Nan for a piece of fewer bars, of which MusDr takes the whole.

    Source: Wu and Yang 2020, H1 and H4.
    """
    laid = bars_of(piece)
    if laid.total < bars:
        return math.nan
    cells = laid.number(piece.onset).astype(np.int64) * 12 + piece.pitch % 12
    counts = np.zeros((laid.total + 1, 12))
    counts[1:] = np.bincount(cells, minlength=laid.total * 12).reshape(-1, 12).cumsum(axis=0)
    windows = counts[bars:] - counts[:-bars]
    windows = windows[windows.any(axis=1)]
    share = windows / windows.sum(axis=1, keepdims=True)
    bits = -(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1)
    return float(max(0.0, bits.mean()))


def key_clarity(piece: Piece) -> float:
    """The best correlation of the pitch classes with one of 24 keys: 1 fits as listeners expect.

    0 where all twelve sound equally long; nan for an empty piece.

    Source: Krumhansl 1990 with the profiles of Krumhansl and Kessler 1982; music21's `tonalCertainty` is another
    thing, and its `KrumhanslKessler` has this correlation.
    """
    return best_correlation(pitch_class_lengths(piece)) if len(piece) else math.nan


def best_correlation(weights: NDArray[np.float64]) -> float:
    """Pearson's r of twelve weights with the best of the 24 profiles; 0 if the weights are all alike.

    Args:
        weights: float64 [12], by pitch class: how long they sound, or as amads has it how often.
    """
    deviation = weights - weights.mean()
    scale = float(np.sqrt(deviation @ deviation))
    return float((krumhansl_kessler() @ deviation).max() / scale) if scale > 1e-9 * weights.sum() else 0.0


@cache
def _scales() -> NDArray[np.int64]:
    """The twelve major scales: int64 [tonics, pitch classes], 1 or 0."""
    major = np.isin(np.arange(12), MAJOR_SCALE).astype(np.int64)
    return np.stack([np.roll(major, tonic) for tonic in range(12)])
