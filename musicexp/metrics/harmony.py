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
"""Stretches of which all 128 pitches are in memory at a time."""
NAMES = ("consonance", "voices", "parallels", "chord_tones")

Sounding = NDArray[np.bool_]


class Stretches(NamedTuple):
    """What sounds together.

    Attributes:
        steps: int64 [stretches], how long each lasts.
        sounding: bool [stretches, 128], which pitches sound in it.
    """

    steps: NDArray[np.int64]
    sounding: Sounding


def harmony(piece: Piece) -> dict[str, float]:
    """The metrics between voices, by `NAMES`.

    consonance: the share of the intervals between pitches that sound together, each two of them, that is consonant.
    voices: how many pitches sound at once, where any does: muspy's `polyphony`.
    parallels: where two voices stand a fifth or an octave (or unison) apart and both move, the share of such moves by
        which they come, in the same direction, to stand so again. Voices are followed from one stretch to the next if no
        rest is between and as many sound, at most `MOST_VOICES`; nan where no such move is made.
    chord_tones: where several pitches sound, the share of them that belong to one major, minor or diminished triad, the
        one that most of them belong to.
    """
    if one_voice(piece):
        return dict.fromkeys(NAMES, math.nan)
    pairs = consonant = notes = steps = chordal = together = moves = parallel = 0
    for some in _stretches(piece):
        classes = _classes(some.sounding)
        counts = classes.sum(axis=1)
        all_pairs = counts * (counts - 1) // 2
        pairs += int(some.steps @ all_pairs)
        consonant += int(some.steps @ (all_pairs - _dissonant(classes)))
        notes += int(some.steps @ counts)
        steps += int(some.steps @ (counts > 0))
        several = counts > 1
        together += int((some.steps * counts)[several].sum())
        chordal += int(some.steps[several] @ (classes[several] @ _triads()).max(axis=1, initial=0))
        made, kept = _moves(some.sounding, counts)
        moves, parallel = moves + made, parallel + kept
    return {
        "consonance": consonant / pairs,
        "voices": notes / steps,
        "parallels": parallel / moves if moves else math.nan,
        "chord_tones": chordal / together,
    }


def one_voice(piece: Piece) -> bool:
    """Whether no two pitches ever sound together."""
    order = np.argsort(piece.onset, kind="stable")
    onset, end = piece.onset[order], np.maximum.accumulate((piece.onset + piece.duration)[order])
    overlapping = np.flatnonzero(end[:-1] > onset[1:])
    if not len(overlapping):
        return True
    # A pitch that is struck again while it sounds is one voice still.
    return all(some.sounding.sum(axis=1).max(initial=0) < 2 for some in _stretches(piece))


def _stretches(piece: Piece) -> Iterator[Stretches]:
    """The piece's stretches in time, so many at once as fit; each time but the first begins with the last one before."""
    onset, end = piece.onset.astype(np.int64), piece.onset.astype(np.int64) + piece.duration
    times = np.unique(np.concatenate([onset, end]))
    begins, ends = np.searchsorted(times, onset), np.searchsorted(times, end)
    for first in range(0, max(1, len(times) - 1), AT_ONCE):
        last = min(first + AT_ONCE, len(times) - 1)
        before = max(0, first - 1)  # so that the move from share to share is seen
        inside = (begins < last) & (ends > before)
        change = np.zeros((last - before + 1, 128), dtype=np.int32)
        np.add.at(change, (np.maximum(begins[inside], before) - before, piece.pitch[inside]), 1)
        np.add.at(change, (np.minimum(ends[inside], last) - before, piece.pitch[inside]), -1)
        steps = np.diff(times[before : last + 1])
        steps[: first - before] = 0  # it was counted before
        yield Stretches(steps, change[:-1].cumsum(axis=0) > 0)


def _classes(sounding: Sounding) -> NDArray[np.int64]:
    """How many of the sounding pitches are of each pitch class: int64 [stretches, 12]."""
    octaves = np.zeros((len(sounding), 132), dtype=np.int64)
    octaves[:, :128] = sounding
    found: NDArray[np.int64] = octaves.reshape(-1, 11, 12).sum(axis=1)
    return found


def _dissonant(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pairs of pitches are a second, a seventh or a tritone apart, in any octave: int64 [stretches]."""
    pairs = sum((classes * np.roll(classes, apart, axis=1)).sum(axis=1) for apart in (1, 2))
    tritones = (classes[:, :6] * classes[:, 6:]).sum(axis=1)
    found: NDArray[np.int64] = pairs + tritones
    return found


def _moves(sounding: Sounding, counts: NDArray[np.int64]) -> tuple[int, int]:
    """How often two voices a perfect interval apart both move, and how often in parallel to the same interval."""
    moves = parallel = 0
    follows = (counts[1:] == counts[:-1]) & (counts[1:] > 1) & (counts[1:] <= MOST_VOICES)
    for voices in np.unique(counts[1:][follows]).tolist():
        here = np.flatnonzero(follows & (counts[1:] == voices))
        pitch, then = (np.nonzero(sounding[at])[1].reshape(-1, voices) for at in (here, here + 1))
        low, high = np.triu_indices(voices, 1)
        apart, apart_then = (at[:, high] - at[:, low] for at in (pitch, then))
        by = then - pitch
        both = np.isin(apart % 12, PERFECT) & (by[:, low] != 0) & (by[:, high] != 0)
        same = both & (by[:, low] * by[:, high] > 0) & (apart % 12 == apart_then % 12)
        moves, parallel = moves + int(both.sum()), parallel + int(same.sum())
    return moves, parallel


@cache
def _triads() -> NDArray[np.int64]:
    """Which pitch classes each triad has: int64 [12, triads]."""
    rows = [np.roll(np.isin(np.arange(12), triad), root) for triad in TRIADS for root in range(12)]
    return np.stack(rows, axis=1).astype(np.int64)
