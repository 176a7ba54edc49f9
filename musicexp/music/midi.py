"""MIDI out: the only writer of .mid files, through symusic."""

from __future__ import annotations

from pathlib import Path

from musicexp.music.piece import STEPS_PER_QUARTER, Piece

TICKS_PER_QUARTER = 480
TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER
ACOUSTIC_GRAND = 0
SLOWEST, FASTEST = 4.0, 1000.0
"""Quarters per minute: MIDI's three bytes of microseconds a quarter end at 3.58."""


def write_midi(piece: Piece, path: Path) -> None:
    """Write a Piece as a standard MIDI file: one track a part, programme 0, its tempo and metre.

    Equal Pieces give equal bytes.
    """
    path.write_bytes(midi_bytes(piece))


def midi_bytes(piece: Piece) -> bytes:
    """The bytes of the standard MIDI file that `write_midi` writes."""
    from symusic import Note, Score, Tempo, TimeSignature, Track

    score = Score(TICKS_PER_QUARTER)
    score.tempos.append(Tempo(0, min(max(piece.tempo, SLOWEST), FASTEST)))
    score.time_signatures.append(TimeSignature(0, *piece.metre))
    for number in sorted(set(piece.part.tolist())) or [0]:
        track = Track(piece.name.encode("ascii", "replace").decode(), ACOUSTIC_GRAND, False)
        for note in piece.notes():
            if note.part == number:
                track.notes.append(
                    Note(
                        note.onset * TICKS_PER_STEP, note.duration * TICKS_PER_STEP, note.pitch, note.velocity
                    )
                )
        score.tracks.append(track)
    return bytes(score.dumps_midi())
