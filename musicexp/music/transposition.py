"""Pieces higher and lower: pitch, key and ABC move together."""

from __future__ import annotations

import dataclasses
import re

from musicexp.music import signatures
from musicexp.music.abc_transposed import transposed as transposed_abc
from musicexp.music.piece import Piece


def transposed(piece: Piece, semitones: int) -> Piece | None:
    """The piece so many semitones higher; None if a pitch would leave 0-127.

    Its key is spelt with the fewest sharps or flats, and is "" if it cannot be told. ABC that cannot be
    transposed is left out, so that it is written anew from the notes.
    """
    if semitones == 0:
        return piece
    pitch = piece.pitch + semitones
    if len(pitch) and not (pitch.min() >= 0 and pitch.max() <= 127):
        return None
    abc = ""
    if piece.abc:
        try:
            abc = transposed_abc(piece.abc, semitones)
        except ValueError:
            abc = ""
    return dataclasses.replace(piece, pitch=pitch, abc=abc, key=transposed_key(piece.key, semitones))


def transposed_key(key: str, semitones: int) -> str:
    """The name of a key such as "B- major" or "F# minor", so many semitones higher; "" of what is no such name."""
    found = re.fullmatch(r"([A-G])(#*|-*) (\w+)", key)
    if found is None or found[3] not in signatures.MODES:
        return ""
    letter, signs, mode = found.groups()
    signature = signatures.place(letter, signs.count("#") - signs.count("-")) + signatures.MODES[mode]
    letter, sharps = signatures.tonic(
        signatures.transposed_signature(signature, semitones) - signatures.MODES[mode]
    )
    return f"{letter}{'#' * sharps}{'-' * -sharps} {mode}"
