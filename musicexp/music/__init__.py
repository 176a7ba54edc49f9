"""Music as plain values: Piece and Note, MIDI and scores in and out, corpora, duplicates and splits."""

from musicexp.music.abc import HEAD as ABC_HEAD
from musicexp.music.abc import KEYS as ABC_KEYS
from musicexp.music.abc import METRES as ABC_METRES
from musicexp.music.midi import midi_bytes, write_midi
from musicexp.music.piece import DEFAULT_VELOCITY, STEPS_PER_QUARTER, Note, Piece, Reading
from musicexp.music.reading import read_file
from musicexp.music.split import SIDES, Side
from musicexp.music.tunes import read_abc

__all__ = [
    "ABC_HEAD",
    "ABC_KEYS",
    "ABC_METRES",
    "DEFAULT_VELOCITY",
    "SIDES",
    "STEPS_PER_QUARTER",
    "Note",
    "Piece",
    "Reading",
    "Side",
    "midi_bytes",
    "read_abc",
    "read_file",
    "write_midi",
]
