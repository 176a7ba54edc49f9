"""MIDI in and out, through symusic: a quarter of a millisecond a file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from musicexp.music.piece import DEFAULT_TEMPO, STEPS_PER_QUARTER, Piece

TICKS_PER_WRITTEN_QUARTER = 480
TICKS_PER_STEP = TICKS_PER_WRITTEN_QUARTER // STEPS_PER_QUARTER
ACOUSTIC_GRAND = 0
SLOWEST, FASTEST = 4.0, 1000.0
"""Quarters per minute: MIDI's three bytes of microseconds a quarter end at 3.58."""

COLUMNS = {"time": np.int64, "duration": np.int64, "pitch": np.int32, "velocity": np.int32}
"""What symusic calls what we take of a note, and what it becomes."""
LONGEST_HOURS = 6
MOST_NOTES = 1_000_000
MOST_PARTS = 4096
LONGEST_NAME = 200
HEAD = struct.Struct(">8xHHH")
CHUNK = struct.Struct(">4sI")
DAMAGED = "it is no MIDI file, or a damaged one"
SHARPS_TO_MAJOR = ("C-", "G-", "D-", "A-", "E-", "B-", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
SHARPS_TO_MINOR = ("A-", "E-", "B-", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")


# ---------------------------------------------------------------------------------------------------
# In


def midi_piece(data: bytes, name: str) -> Piece:
    """The notes of a MIDI file. A part is what one channel of a track plays with one program; drums are left out.

    Notes that end where they begin have no length: they are counted as grace notes.

    Raises:
        ValueError: the file is damaged, lasts longer than `LONGEST_HOURS` or has more than `MOST_NOTES`.
    """
    score = midi_score(data)
    tracks = [track for track in score.tracks if not track.is_drum and track.note_num()]
    if len(tracks) > MOST_PARTS:
        raise ValueError(f"holds {len(tracks):,} parts, more than {MOST_PARTS:,}")
    columns = _columns(tracks)
    onset, duration, *_ = columns
    refuse_endless(int((onset + duration).max(initial=0)) / score.ticks_per_quarter, len(onset))
    graces = len(duration) - int(np.count_nonzero(duration))
    if graces:
        columns = [column[duration > 0] for column in columns]
    names = tuple(track.name[:LONGEST_NAME] for track in tracks)
    return Piece.from_ticks(
        name,
        *columns,
        ticks_per_quarter=score.ticks_per_quarter,
        parts=names if any(names) else (),
        grace_notes=graces,
        **_head(score),
    )


def midi_score(data: bytes) -> Any:
    """What symusic makes of a MIDI file.

    Raises:
        ValueError: it is damaged, has no unit of time, or lasts longer than music does.
    """
    from symusic import Score

    _refuse_what_symusic_misreads(data)
    try:
        score = Score.from_midi(data)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(DAMAGED) from error
    if score.ticks_per_quarter <= 0:
        raise ValueError("says that a quarter has no ticks, so that its notes have no place in time")
    if min(score.start(), score.end()) < 0:  # it counts ticks in 32 bits
        raise ValueError("lasts more than 2,147,483,647 ticks")
    refuse_endless(score.end() / score.ticks_per_quarter, score.note_num())
    return score


def _refuse_what_symusic_misreads(data: bytes) -> None:
    """
    Raises:
        ValueError: it is no MIDI; time is counted in frames; the tracks follow each other; or symusic 0.5.9 would
            write where it must not, and die now or later: a chunk ends behind the file, or see below.
    """
    if len(data) < HEAD.size or not data.startswith(b"MThd"):
        raise ValueError(DAMAGED)
    kind, tracks, division = HEAD.unpack_from(data)
    at = 0
    while tracks and at + CHUNK.size <= len(data):  # what stands behind the last track is nobody's business
        what, size = CHUNK.unpack_from(data, at)
        begin, at = at + CHUNK.size, at + CHUNK.size + size
        if at > len(data):
            raise ValueError(DAMAGED)
        if what == b"MTrk":
            tracks -= 1
            body = data[begin:at]
            if (b"\x8f" in body or b"\x9f" in body) and _leaves_the_channels(body):
                raise ValueError(DAMAGED)
    if division & 0x8000:
        raise ValueError("counts time in frames of film (SMPTE) and not in quarters")
    if kind == 2:
        raise ValueError("is MIDI of format 2, whose tracks are pieces of their own; save each as a file")


def _leaves_the_channels(body: bytes) -> bool:
    """Whether a track's last channel has a note beyond 127: in symusic's table that lies behind the last one.

    What is damaged in another way is left to symusic.
    """
    at = status = 0
    try:
        while at < len(body):
            _, at = _length(body, at)
            now = body[at]
            at += now >> 7
            if now in (0xF0, 0xF7, 0xFF):
                skipped, at = _length(body, at + (now == 0xFF))
                at += skipped
                continue
            if now > 0xF0:
                at += {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(now, 0)
                continue
            status = now if now & 0x80 else status
            if status & 0xEF == 0x8F and body[at] & 0x80:
                return True
            at += 1 if status & 0xE0 == 0xC0 else 2
    except IndexError:
        return False
    return False


def _length(body: bytes, at: int) -> tuple[int, int]:
    """A number of one to four bytes, and where it ends."""
    value = 0
    for end in range(at + 1, at + 5):
        value = value << 7 | body[end - 1] & 0x7F
        if body[end - 1] < 0x80:
            break
    return value, end


def _columns(tracks: list[Any]) -> list[Any]:
    """Of all notes onset and duration, int64 [notes], and pitch, velocity and part, int32 [notes]."""
    if not tracks:
        return [np.zeros(0, dtype=kind) for kind in (*COLUMNS.values(), np.int32)]
    found = [track.notes.numpy() for track in tracks]
    if len(found) == 1:  # quicker, and most files are so
        columns = [found[0][name].astype(kind) for name, kind in COLUMNS.items()]
        return [*columns, np.zeros(len(columns[0]), dtype=np.int32)]
    columns = [np.concatenate([each[name] for each in found], dtype=kind) for name, kind in COLUMNS.items()]
    numbers = np.arange(len(found), dtype=np.int32)
    return [*columns, np.repeat(numbers, [len(each["time"]) for each in found])]


def refuse_endless(quarters: float, notes: int) -> None:
    """
    Raises:
        ValueError: so long, or so many notes, as no music has but a damaged delta time.
    """
    if quarters > LONGEST_HOURS * 60 * DEFAULT_TEMPO:
        raise ValueError(
            f"lasts {quarters:,.0f} quarters, more than {LONGEST_HOURS} hours at {DEFAULT_TEMPO:g} a minute"
        )
    if notes > MOST_NOTES:
        raise ValueError(f"holds {notes:,} notes, more than {MOST_NOTES:,}")


def _head(score: Any) -> dict[str, Any]:
    """Tempo, metre and key: of each the first legal one, in time."""
    found: dict[str, Any] = {}
    for tempo in score.tempos:
        if tempo.mspq > 0:  # rounded, since whole microseconds a quarter cannot say most whole tempos
            found["tempo"] = round(tempo.qpm, 2)
            break
    for metre in score.time_signatures:
        if metre.numerator > 0 and 0 < metre.denominator <= 4 * STEPS_PER_QUARTER:
            found["metre"] = (metre.numerator, metre.denominator)
            break
    for key in score.key_signatures:
        if abs(key.key) <= 7 and key.tonality in (0, 1):
            tonics, mode = (SHARPS_TO_MINOR, "minor") if key.tonality else (SHARPS_TO_MAJOR, "major")
            found["key"] = f"{tonics[key.key + 7]} {mode}"
            break
    return found


# ---------------------------------------------------------------------------------------------------
# Out


def write_midi(piece: Piece, path: Path) -> None:
    """Write a Piece as a standard MIDI file: one track a part, programme 0, its tempo and metre.

    Equal Pieces give equal bytes. MIDI's note-off names a pitch and not a note, so a note ends where its
    part strikes that pitch again.
    """
    path.write_bytes(midi_bytes(piece))


def midi_bytes(piece: Piece) -> bytes:
    """The bytes of the standard MIDI file that `write_midi` writes."""
    from symusic import Note, Score, Tempo, TimeSignature, Track

    score = Score(TICKS_PER_WRITTEN_QUARTER)
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
