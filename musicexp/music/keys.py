"""Which key a piece is in, by its notes alone: the analysis that music21 calls `analyze("key")`.

How long the twelve pitch classes sound is correlated with 24 profiles, and the best one tells the key: the method
of Krumhansl and Schmuckler, with the weights that Aarden took from the Essen folk songs, which are music21's default.
Everything is summed in music21's order, so that what is a tie there is a tie here.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.music.piece import Piece

MAJOR = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "A-", "A", "B-", "B")
MINOR = ("C", "C#", "D", "E-", "E", "F", "F#", "G", "G#", "A", "B-", "B")
"""music21's names of the tonics, by pitch class."""

AARDEN_ESSEN = {
    "major": (17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494, 0.232998, 4.95122),
    "minor": (18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186, 7.37619, 1.75623),
}  # fmt: skip
"""The weights of the pitch classes from the tonic, as music21 has them: they are written here for runs that do without it."""

KRUMHANSL_KESSLER = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)
"""How well each pitch class from the tonic fitted a major and a minor key for listeners (Krumhansl and Kessler 1982)."""

WITH_MINOR_THIRD = ("minor", "aeolian", "dorian", "phrygian", "locrian")
"""Modes."""

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
TARGETS = {
    "major": 0,
    "ionian": 0,
    "dorian": 2,
    "phrygian": 4,
    "lydian": 5,
    "mixolydian": 7,
    "minor": 9,
    "aeolian": 9,
    "locrian": 11,
}
"""Where each mode has its tonic, as a pitch class, when it is spelt without sharps or flats."""


class _Profiles(NamedTuple):
    """The 24 keys in order of tonic, and of mode: major, minor.

    deviations: float64 [keys, pitch classes], weights less their mean.
    squares: the sum of the squares of each row.
    """

    deviations: NDArray[np.float64]
    squares: list[float]


def analysed_key(piece: Piece) -> str:
    """The key whose profile the piece correlates with best, as "A minor" or "B- major"; "" for an empty piece.

    Of keys that correlate equally well the one with the highest tonic is taken, minor before major.
    A piece that uses all twelve pitch classes equally long is in B minor, as music21 has it.
    """
    if not len(piece):
        return ""
    best = int(np.flatnonzero((found := key_correlations(piece)) == found.max())[-1])
    tonic, minor = divmod(best, 2)
    return f"{MINOR[tonic]} minor" if minor else f"{MAJOR[tonic]} major"


def key_correlations(piece: Piece) -> NDArray[np.float64]:
    """How well the piece correlates with each key: float64 [24] in -1..1, C major, C minor, C# major and so on."""
    profiles = _profiles()
    lengths = pitch_class_lengths(piece)
    deviation = lengths - _sum(lengths) / len(lengths)
    products = np.cumsum(profiles.deviations * deviation, axis=1)[:, -1]
    square = _sum(deviation**2)
    if square == 0:
        return np.zeros(len(products))
    # Python's own power, as there: numpy's square root may differ in the last bit.
    scale = [(row * square) ** 0.5 for row in profiles.squares]
    found: NDArray[np.float64] = products / scale
    return found


def pitch_class_lengths(piece: Piece) -> NDArray[np.float64]:
    """How long each pitch class sounds, all notes added: float64 [12], quarters as written or played."""
    ticks = np.bincount(piece.pitch % 12, weights=piece.exact[1], minlength=12)
    return ticks / piece.ticks_per_quarter


def tonic_shift(key: str) -> int:
    """Semitones, from -6 to 5, that bring a major key to C and a minor key to A; other modes to the white keys too.

    Args:
        key: such as "A minor" or "B- major"; "" is not moved.

    Raises:
        ValueError: it names no key.
    """
    if not key:
        return 0
    name, _, mode = key.partition(" ")
    step, accidentals = STEPS.get(name[:1]), name[1:]
    if step is None or set(accidentals) - {"#", "-"} or mode not in TARGETS:
        raise ValueError(f"{key!r} is no key; one is written as 'A minor' or 'B- major'")
    tonic = step + accidentals.count("#") - accidentals.count("-")
    return (TARGETS[mode] - tonic + 6) % 12 - 6


def tonic_and_mode(key: str) -> tuple[int, str] | None:
    """The pitch class of a key's tonic, and its mode: (9, "minor") of "A minor"; None of what names no key."""
    try:
        shift = tonic_shift(key)
    except ValueError:
        return None
    mode = key.partition(" ")[2]
    return ((TARGETS[mode] - shift) % 12, mode) if mode else None


@cache
def krumhansl_kessler() -> NDArray[np.float64]:
    """The profiles of the 24 keys after Krumhansl and Kessler, the major ones first, each less its mean and of length 1: float64 [keys, pitch classes]."""
    rows = np.array([np.roll(mode, tonic) for mode in KRUMHANSL_KESSLER for tonic in range(12)])
    rows -= rows.mean(axis=1, keepdims=True)
    unit: NDArray[np.float64] = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return unit


@cache
def _profiles() -> _Profiles:
    """The weights, turned to every tonic."""
    rows = []
    for tonic in range(12):
        for mode in ("major", "minor"):
            weights = AARDEN_ESSEN[mode]
            mean = sum(weights) / len(weights)
            rows.append([weights[(place - tonic) % 12] - mean for place in range(12)])
    return _Profiles(np.array(rows), [sum(weight**2 for weight in row) for row in rows])


def _sum(values: NDArray[np.float64]) -> float:
    """From the first to the last, as Python adds; numpy adds in pairs."""
    return float(np.cumsum(values)[-1])
