"""Staves: which notes of a piece stand on which staff, under which clef, in which of two voices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musicexp.music.piece import Piece

MOST_STAVES = 24
"""More parts than that are not engraved."""
MIDDLE_C = 60
LOW, HIGH = 55, 67
"""A part of several notes at once that reaches from below to above these stands on two staves."""


class Clef(NamedTuple):
    """A clef as MusicXML writes it, and the MIDI pitches of its lowest and highest line."""

    sign: str
    line: int
    octave: int
    low: int
    high: int


CLEFS = (
    Clef("G", 2, 0, 64, 77),
    Clef("F", 4, 0, 43, 57),
    Clef("G", 2, 1, 76, 89),
    Clef("F", 4, -1, 31, 45),
    Clef("G", 2, 2, 88, 101),
    Clef("F", 4, -2, 19, 33),
)
TREBLE, BASS = CLEFS[:2]
UNUSUAL = 6.0
"""Semitones that a note must lie beyond the staff, in the mean, before a clef of another octave is taken."""


class Chord(NamedTuple):
    """Notes of one staff that begin and end together, as indices of the piece's notes."""

    begin: int
    end: int
    notes: tuple[int, ...]


@dataclass(frozen=True)
class Staff:
    """Notes of a part that stand on one staff.

    Attributes:
        part: the number of the part.
        voices: one or two lists of chords that do not overlap; the first lies higher. Notes for which there was no
            third voice end earlier than they sound.
    """

    part: int
    clef: Clef
    voices: tuple[tuple[Chord, ...], ...]


def staves(piece: Piece) -> list[Staff]:
    """The staves of a piece from the top, one a part; two where one part plays low and high at once.

    Parts beyond `MOST_STAVES` are left out.
    """
    found: list[Staff] = []
    for part in sorted(set(piece.part.tolist()))[:MOST_STAVES]:
        notes = np.flatnonzero(piece.part == part).tolist()
        if _wide(piece, notes):
            high = [i for i in notes if piece.pitch[i] >= MIDDLE_C]
            low = [i for i in notes if piece.pitch[i] < MIDDLE_C]
            found += [_staff(piece, part, high, TREBLE), _staff(piece, part, low, BASS)]
        else:
            found.append(_staff(piece, part, notes, _clef(piece.pitch[notes].tolist())))
    return found


def _wide(piece: Piece, notes: list[int]) -> bool:
    pitches, onsets = piece.pitch[notes], piece.onset[notes]
    ends = np.maximum.accumulate(onsets + piece.duration[notes])
    together = bool((onsets[1:] < ends[:-1]).any())
    return together and int(pitches.min()) < LOW and int(pitches.max()) > HIGH


def _clef(pitches: Sequence[int]) -> Clef:
    """The clef under which the notes lie least beyond the staff; the usual two are preferred."""

    def beyond(clef: Clef) -> float:
        far = sum(max(clef.low - 2 - pitch, pitch - clef.high - 2, 0) for pitch in pitches) / len(pitches)
        return far + (UNUSUAL if clef.octave else 0)

    return min(CLEFS, key=beyond)


def _staff(piece: Piece, part: int, notes: list[int], clef: Clef) -> Staff:
    return Staff(part, clef, _voices(piece, notes))


def _voices(piece: Piece, notes: list[int]) -> tuple[tuple[Chord, ...], ...]:
    """The chords of a staff in one or two voices."""
    chords = _chords(piece, notes)
    pitch = [float(np.mean(piece.pitch[list(chord.notes)])) for chord in chords]
    voices: tuple[list[Chord], list[Chord]] = ([], [])
    for i, chord in enumerate(chords):
        free = [not voice or voice[-1].end <= chord.begin for voice in voices]
        if not any(free):
            _cut(voices, chord.begin)
            free = [not voice or voice[-1].end <= chord.begin for voice in voices]
        lower = all(free) and _lies_below(i, chords, pitch)
        voices[int(lower or not free[0])].append(chord)
    return tuple(tuple(voice) for voice in voices if voice) or ((),)


def _lies_below(i: int, chords: list[Chord], pitch: list[float]) -> bool:
    """Whether a chord lies lower than those that begin while it sounds."""
    beside = []
    for j in range(i + 1, len(chords)):
        if chords[j].begin >= chords[i].end:
            break
        beside.append(pitch[j])
    together = i + 1 < len(chords) and chords[i + 1].begin == chords[i].begin
    return bool(beside) and not together and sum(beside) / len(beside) > pitch[i]


def _cut(voices: tuple[list[Chord], list[Chord]], at: int) -> None:
    """End the chord that has sounded longer of the two that still do, so that another can begin."""
    voice = min(voices, key=lambda each: each[-1].begin)
    voice[-1] = voice[-1]._replace(end=at)


def _chords(piece: Piece, notes: list[int]) -> list[Chord]:
    """Notes that begin and end together, in order; of more than two that begin together the inner ones are shortened."""
    at: dict[int, dict[int, list[int]]] = {}
    for i in notes:
        onset = int(piece.onset[i])
        at.setdefault(onset, {}).setdefault(onset + int(piece.duration[i]), []).append(i)
    found: list[Chord] = []
    for onset in sorted(at):
        ends = at[onset]
        if len(ends) > 2:
            kept = sorted({min(ends), max(ends)})
            for end in [end for end in ends if end not in kept]:
                ends[kept[0]] += ends.pop(end)
        together = sorted(ends.items(), key=lambda each: -float(np.mean(piece.pitch[each[1]])))
        found += [
            Chord(onset, end, tuple(sorted(members, key=lambda i: int(piece.pitch[i]))))
            for end, members in together
        ]
    return found
