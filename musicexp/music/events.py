"""MIDI in: music21's MIDI events as Pieces.

Not its scores: they give the notes of a chord one length, snap onsets to a grid without telling, and may
take a minute for a file of ten notes whose bars are odd.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from musicexp.music.piece import DEFAULT_TEMPO, STEPS_PER_QUARTER, Note, Piece, steps

LONGEST_HOURS = 6
DRUMS = 10
"""The channel of percussion, counted from 1 as music21 does."""

MICROSECONDS_A_MINUTE = 60_000_000


class _Struck(NamedTuple):
    begin: int
    end: int
    pitch: int
    velocity: int


def midi_piece(data: bytes, name: str) -> Piece:
    """The notes of a MIDI file. A part is a channel of a track; percussion is left out.

    Notes that end where they begin have no length: they are counted as grace notes.

    Raises:
        ValueError: the file is damaged or lasts longer than `LONGEST_HOURS`.
        Exception: whatever else music21 raises on bytes that are no MIDI.
    """
    from music21 import midi

    _refuse_endless(data)
    file = midi.MidiFile()
    file.readstr(data)
    quarters_a_tick = Fraction(1, file.ticksPerQuarterNote or 1)
    parts = [part for track in file.tracks for part in _parts(track) if part]
    notes: list[Note] = []
    graces = off_grid = 0
    for number, part in enumerate(parts):
        for struck in part:
            if struck.begin == struck.end:
                graces += 1
                continue
            onset, onset_moved = steps(struck.begin * quarters_a_tick)
            end, end_moved = steps(struck.end * quarters_a_tick)
            off_grid += onset_moved or end_moved
            notes.append(Note(onset, max(end - onset, 1), struck.pitch, struck.velocity, number))
    return Piece.of(notes, name, grace_notes=graces, off_grid=off_grid, **_head(file))


def _refuse_endless(data: bytes) -> None:
    """The last tick, at symusic's speed: a damaged delta time may last for years."""
    from symusic import Score

    try:
        score = Score.from_midi(data)
    except RuntimeError as error:
        raise ValueError("it is no MIDI file, or a damaged one") from error
    quarters = score.end() / max(score.ticks_per_quarter, 1)
    if quarters > LONGEST_HOURS * 60 * DEFAULT_TEMPO:
        raise ValueError(
            f"lasts {quarters:,.0f} quarters, more than {LONGEST_HOURS} hours at {DEFAULT_TEMPO:g} a minute"
        )


def _parts(track: Any) -> list[list[_Struck]]:
    """The notes of each channel: a note-off ends the first open note of its pitch."""
    open_notes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    found: dict[int, list[_Struck]] = {}
    for tick, event in _events(track):
        key = event.channel, event.pitch
        if event.channel == DRUMS:
            continue
        if event.isNoteOn():
            open_notes.setdefault(key, []).append((tick, event.velocity))
        elif event.isNoteOff() and open_notes.get(key):
            begin, velocity = open_notes[key].pop(0)
            found.setdefault(event.channel, []).append(_Struck(begin, tick, event.pitch, velocity))
    return [found[channel] for channel in sorted(found)]


def _events(track: Any) -> Iterator[tuple[int, Any]]:
    """(tick, event) of a music21 MIDI track, in order."""
    tick = 0
    for event in track.events:
        tick += event.time or 0
        if not event.isDeltaTime():
            yield tick, event


def _head(file: Any) -> dict[str, Any]:
    """Tempo, metre and key: of each the first legal one, in time."""
    from music21 import midi

    kinds = {
        midi.MetaEvents.SET_TEMPO: ("tempo", _tempo),
        midi.MetaEvents.TIME_SIGNATURE: ("metre", _metre),
        midi.MetaEvents.KEY_SIGNATURE: ("key", _key),
    }
    said: dict[str, tuple[int, Any]] = {}
    for track in file.tracks:
        for tick, event in _events(track):
            name, meaning = kinds.get(event.type, ("", None))
            value = meaning(event.data) if meaning is not None else None
            if value is not None and (name not in said or tick < said[name][0]):
                said[name] = tick, value
    return {name: value for name, (_, value) in said.items()}


def _tempo(data: bytes) -> float | None:
    """Quarters a minute, rounded, since whole microseconds a quarter cannot say most whole tempos."""
    microseconds_a_quarter = int.from_bytes(data[:3], "big")
    return round(MICROSECONDS_A_MINUTE / microseconds_a_quarter, 2) if microseconds_a_quarter else None


def _metre(data: bytes) -> tuple[int, int] | None:
    """Beats and unit; the unit is written as a power of two."""
    if len(data) < 2 or not data[0] or data[1] > STEPS_PER_QUARTER.bit_length() + 1:
        return None
    return data[0], 2 ** data[1]


def _key(data: bytes) -> str | None:
    """Such as "A minor"; sharps from -7 to 7 and the mode are a byte each."""
    from music21 import key

    sharps = int.from_bytes(data[:1], "big", signed=True)
    if len(data) < 2 or abs(sharps) > 7 or data[1] > 1:
        return None
    found = key.KeySignature(sharps).asKey("minor" if data[1] else "major")
    return f"{found.tonic.name} {found.mode}"
