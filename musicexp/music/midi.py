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

    Equal Pieces give equal bytes. MIDI's note-off names a pitch and not a note, so a note ends where its
    part strikes that pitch again.
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
        again: dict[int, int] = {}  # pitch -> its next onset
        found = []
        for note in reversed([note for note in piece.notes() if note.part == number]):
            duration = min(note.duration, again.get(note.pitch, note.onset + note.duration) - note.onset)
            again[note.pitch] = note.onset
            found.append(
                Note(note.onset * TICKS_PER_STEP, duration * TICKS_PER_STEP, note.pitch, note.velocity)
            )
        for event in reversed(found):
            track.notes.append(event)
        score.tracks.append(track)
    return bytes(score.dumps_midi())
