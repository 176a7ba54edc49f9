"""Harmony: what the notes that sound together make. All of it is nan for a piece in which no two do.

The piece is cut wherever a note begins or ends; each stretch between has the pitches that sound in it, none twice, and
counts for as long as it lasts. Voices are told by height, the highest pitch is the first, and not by parts: pieces made of
tokens mostly have one part only, and both sides of a comparison must be measured alike.

Dissonant are seconds, sevenths and the tritone, in any octave. The fourth is consonant, also above the bass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.music import Piece

TRIADS = ((0, 4, 7), (0, 3, 7), (0, 3, 6))
"""Major, minor and diminished."""
PERFECT = (0, 7)
"""Octaves and unisons, fifths, as semitones less octaves."""
MOST_VOICES = 8
"""What sounds of more pitches has no voices that could be followed."""
AT_ONCE = 1 << 13
"""Stretches in memory at a time."""
NAMES = ("consonance", "voices", "parallels", "chord_tones")

DISSONANT = (1, 2, 6, 10, 11)

Sounding = NDArray[np.bool_]
Counts = NDArray[np.float64]


class Stretches(NamedTuple):
    """What sounds together.

    Attributes:
        steps: int64 [stretches], how long each lasts.
        sounding: bool [stretches, pitches], which pitches sound in it, from a C up.
    """

    steps: NDArray[np.int64]
    sounding: Sounding


def harmony(piece: Piece) -> dict[str, float]:
    """The metrics between voices, by `NAMES`.

    consonance: the share of the intervals between pitches that sound together, each two of them, that is consonant.
    voices: `voices_sounding`.
    parallels: where two voices stand a fifth or an octave (or unison) apart and both move, the share of such moves by
        which they come, in the same direction, to stand so again. Voices are followed from one stretch to the next if no
        rest is between and as many sound, at most `MOST_VOICES`; nan where no such move is made.
    chord_tones: where several pitches sound, the share of them that belong to one major, minor or diminished triad, the
        one that most of them belong to.
    """
    if one_voice(piece):
        return dict.fromkeys(NAMES, math.nan)
    pairs = consonant = chordal = together = moves = parallel = 0
    for some in _stretches(piece):
        classes = _classes(some.sounding)
        counts = classes.sum(axis=1)
        all_pairs = counts * (counts - 1) / 2
        pairs += int(some.steps @ all_pairs)
        consonant += int(some.steps @ (all_pairs - _dissonant(classes)))
        several = counts > 1
        together += int((some.steps * counts)[several].sum())
        chordal += int(some.steps[several] @ (classes[several] @ _triads()).max(axis=1, initial=0))
        made, kept = _moves(some.sounding, counts)
        moves, parallel = moves + made, parallel + kept
    return {
        "consonance": consonant / pairs,
        "voices": voices_sounding(piece),
        "parallels": parallel / moves if moves else math.nan,
        "chord_tones": chordal / together,
    }


def voices_sounding(piece: Piece) -> float:
    """How many pitches sound at once, where any does: 1 for one voice, though `harmony` then has no answer.

    Nan for an empty piece. Source: muspy's `polyphony`.
    """
    if not len(piece):
        return math.nan
    onset, end = piece.onset.astype(np.int64), piece.onset.astype(np.int64) + piece.duration
    if not (end[:-1] > onset[1:]).any():
        return 1.0
    order = np.argsort(piece.pitch, kind="stable")
    apart = piece.pitch[order] * int(end.max())  # so that no two pitches share a time
    return _covered(onset[order] + apart, end[order] + apart) / _covered(onset, end)


def _covered(onset: NDArray[np.int64], end: NDArray[np.int64]) -> int:
    """How many steps some note covers, of notes in order of onset."""
    reached = np.maximum.accumulate(end)
    begin = onset.copy()
    np.maximum(onset[1:], reached[:-1], out=begin[1:])
    return int(np.maximum(end - begin, 0).sum())


def one_voice(piece: Piece) -> bool:
    """Whether no two pitches ever sound together."""
    onset, end, pitch = piece.onset, piece.onset + piece.duration, piece.pitch
    overlapping = end[:-1] > onset[1:]
    if (overlapping & (pitch[:-1] != pitch[1:])).any():
        return False
    # A pitch that is struck again while it sounds is one voice still.
    return not overlapping.any() or all((some.sounding.sum(axis=1) < 2).all() for some in _stretches(piece))


def _stretches(piece: Piece) -> Iterator[Stretches]:
    """The piece's stretches in time, so many at once as fit; each time but the first begins with the last one before."""
    onset, end = piece.onset.astype(np.int64), piece.onset.astype(np.int64) + piece.duration
    lowest = int(piece.pitch.min()) // 12 * 12
    pitch, width = piece.pitch - lowest, int(piece.pitch.max()) - lowest + 1
    times = np.unique(np.concatenate([onset, end]))
    begins, ends = np.searchsorted(times, onset), np.searchsorted(times, end)
    for first in range(0, len(times) - 1, AT_ONCE):
        last = min(first + AT_ONCE, len(times) - 1)
        before = max(0, first - 1)  # so that the move from share to share is seen
        inside = slice(None) if last - before == len(times) - 1 else (begins < last) & (ends > before)
        cells = (last - before + 1) * width
        change = np.bincount(
            (np.maximum(begins[inside], before) - before) * width + pitch[inside], minlength=cells
        )
        change -= np.bincount(
            (np.minimum(ends[inside], last) - before) * width + pitch[inside], minlength=cells
        )
        steps = np.diff(times[before : last + 1])
        steps[: first - before] = 0  # it was counted before
        yield Stretches(steps, change.reshape(-1, width)[:-1].cumsum(axis=0) > 0)


def _classes(sounding: Sounding) -> Counts:
    """How many of the sounding pitches are of each pitch class: float64 [stretches, 12], whole numbers."""
    found: Counts = sounding @ np.eye(12)[np.arange(sounding.shape[1]) % 12]
    return found


def _dissonant(classes: Counts) -> Counts:
    """How many pairs of pitches are a second, a seventh or a tritone apart, in any octave: float64 [stretches]."""
    found: Counts = (classes @ _discords() * classes).sum(axis=1) / 2
    return found


def _moves(sounding: Sounding, counts: Counts) -> tuple[int, int]:
    """How often two voices a perfect interval apart both move, and how often in parallel to the same interval."""
    moves = parallel = 0
    follows = (counts[1:] == counts[:-1]) & (counts[1:] > 1) & (counts[1:] <= MOST_VOICES)
    for voices in set(counts[1:][follows].astype(int).tolist()):
        here = np.flatnonzero(follows & (counts[1:] == voices))
        pitch, then = (np.nonzero(sounding[at])[1].reshape(-1, voices) for at in (here, here + 1))
        low, high = _pairs(voices)
        apart, apart_then = (at[:, high] - at[:, low] for at in (pitch, then))
        by = then - pitch
        both = _perfect()[apart % 12] & (by[:, low] != 0) & (by[:, high] != 0)
        same = both & (by[:, low] * by[:, high] > 0) & (apart % 12 == apart_then % 12)
        moves, parallel = moves + int(both.sum()), parallel + int(same.sum())
    return moves, parallel


@cache
def _pairs(voices: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each two of so many voices: int64 [pairs] twice."""
    low, high = np.triu_indices(voices, 1)
    return low, high


@cache
def _triads() -> Counts:
    """Which pitch classes each triad has: float64 [12, triads], 1 or 0."""
    rows = [np.roll(np.isin(np.arange(12), triad), root) for triad in TRIADS for root in range(12)]
    return np.stack(rows, axis=1).astype(np.float64)


@cache
def _discords() -> Counts:
    """Which pitch classes are dissonant with which: float64 [12, 12], 1 or 0."""
    classes = np.arange(12)
    return np.isin((classes[:, None] - classes) % 12, DISSONANT).astype(np.float64)


@cache
def _perfect() -> NDArray[np.bool_]:
    """Which intervals, less octaves, are perfect ones: bool [12]."""
    found: NDArray[np.bool_] = np.isin(np.arange(12), PERFECT)
    return found
