"""Keys as numbers: places of tonics on the line of fifths, signatures, and where a transposed key goes.

A tonic's place counts fifths from C: F is -1, G 1, F sharp 6. A signature counts sharps, flats below 0. They differ
by the mode: A minor's tonic is at 3, its signature 0.
"""

from __future__ import annotations

FIFTHS = "FCGDAEB"
"""The order in which a signature takes its sharps; flats come from the other end."""

MODES = {
    "lydian": 1,
    "major": 0,
    "ionian": 0,
    "mixolydian": -1,
    "dorian": -2,
    "minor": -3,
    "aeolian": -3,
    "phrygian": -4,
    "locrian": -5,
}
"""What a mode adds to its tonic's place to give the signature."""


def place(letter: str, alteration: int) -> int:
    """A tonic's place on the line of fifths; `alteration` in semitones, 1 for a sharp."""
    return FIFTHS.index(letter) - 1 + 7 * alteration


def tonic(place: int) -> tuple[str, int]:
    """(letter, alteration) of a place on the line of fifths."""
    return FIFTHS[(place + 1) % 7], (place + 1) // 7


def transposed_signature(signature: int, semitones: int) -> int:
    """The signature with the fewest sharps or flats, -5 to 6: of six sharps and six flats the sharps."""
    return (signature + 7 * semitones + 5) % 12 - 5


def alteration(letter: str, signature: int) -> int:
    """What a signature does to a letter: 1, 0 or -1 semitones. Beyond seven accidentals no more is done."""
    if signature > 0:
        return int(FIFTHS.index(letter) < signature)
    return -int(6 - FIFTHS.index(letter) < -signature)
