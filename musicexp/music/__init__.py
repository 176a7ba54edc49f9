"""Music as plain values: Piece and Note, MIDI and scores in and out, corpora and their splits."""

from musicexp.music.abc import HEAD as ABC_HEAD
from musicexp.music.abc import KEYS as ABC_KEYS
from musicexp.music.abc import METRES as ABC_METRES
from musicexp.music.corpus import SIDES, Corpus, Side, Split, find_files, read_corpus, split_corpus
from musicexp.music.midi import midi_bytes, write_midi
from musicexp.music.piece import STEPS_PER_QUARTER, Note, Piece, Reading
from musicexp.music.scores import read_abc, read_file

__all__ = [
    "ABC_HEAD",
    "ABC_KEYS",
    "ABC_METRES",
    "SIDES",
    "STEPS_PER_QUARTER",
    "Corpus",
    "Note",
    "Piece",
    "Reading",
    "Side",
    "Split",
    "find_files",
    "midi_bytes",
    "read_abc",
    "read_corpus",
    "read_file",
    "split_corpus",
    "write_midi",
]
