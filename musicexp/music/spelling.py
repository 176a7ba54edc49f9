"""How pitches are written: which signature a piece has, and which letter and sign a pitch takes in it.

Places count fifths from C, as in `music.signatures`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from musicexp.music.keys import STEPS, analysed_key
from musicexp.music.piece import Piece
from musicexp.music.signatures import MODES, place, tonic

MOST_SIGNS = 7
FARTHEST = 7
"""Fifths from the middle of the key's scale to the farthest spelling that is ever taken."""
USEFUL = 0.05
"""An analysed key gives way where another signature spares accidentals on more than this share of the notes."""


class Spelling(NamedTuple):
    """A written pitch; `alteration` in semitones, `octave` 4 from middle C."""

    letter: str
    alteration: int
    octave: int


def signature_of(piece: Piece) -> int:
    """Sharps, or flats below 0, at most seven: of the key that the source writes, else of the likeliest.

    The likeliest is the analysed one, unless another signature is plainly better: tunes in the old modes are analysed
    as major or minor.
    """
    if piece.key:
        return _signature(piece.key)
    if not len(piece):
        return 0
    lengths = np.bincount(piece.pitch % 12, minlength=12)
    analysed = _signature(analysed_key(piece))
    costs = {signs: _accidentals(signs, lengths) for signs in range(-5, 7)}
    best = min(costs, key=lambda signs: (costs[signs], abs(signs - analysed), abs(signs)))
    if analysed not in costs or costs[analysed] - costs[best] <= USEFUL * len(piece):
        return analysed
    return best


def spelling(pitch: int, signature: int, following: Collection[int]) -> Spelling:
    """The spelling of a pitch: in the key where it can be, else towards the note it leads to.

    What lies outside the key is a sharp where it rises by a semitone, a flat where it falls.

    Args:
        following: the pitches that it goes to.
    """
    middle = signature + 2
    places = [p for p in range(middle - FARTHEST, middle + FARTHEST + 1) if 7 * p % 12 == pitch % 12]
    # The usual twelve reach from a minor third flat of the tonic to the raised fifth: 5 below the middle to 6 above.
    best = next(p for p in places if -5 <= p - middle <= 6)
    rises, falls = pitch + 1 in following, pitch - 1 in following
    if abs(best - middle) > 3 and rises != falls:
        best = max(places) if rises else min(places)
    letter, alteration = tonic(best)
    return Spelling(letter, alteration, (pitch - alteration) // 12 - 1)


def _signature(key: str) -> int:
    """Of a key such as "A minor" or "B- dorian"; beyond seven signs its enharmonic one. 0 if it names none."""
    name, _, mode = key.partition(" ")
    if name[:1] not in STEPS or mode not in MODES:
        return 0
    signs = place(name[0], name.count("#") - name.count("-")) + MODES[mode]
    return signs if abs(signs) <= MOST_SIGNS else (signs + 5) % 12 - 5


def _accidentals(signature: int, lengths: np.ndarray) -> int:
    """How many notes lie outside the signature's scale, where lengths [12] counts the notes of a pitch class."""
    scale = {7 * p % 12 for p in range(signature - 1, signature + 6)}
    return int(sum(int(lengths[c]) for c in range(12) if c not in scale))
