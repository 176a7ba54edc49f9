"""The sound of a page: single notes of an instrument, from which a browser plays any piece.

A page with an Ogg file for each of its samples would weigh megabytes; one note in three semitones weighs a quarter
of one, plays as many samples as there are, and knows no seams: not in a loop, not between two runs, not at another
tempo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from musicexp.music import DEFAULT_VELOCITY, STEPS_PER_QUARTER, Note, Piece
from musicexp.render.sound import (
    LONGEST_SECONDS as LONGEST_PIECE,
)
from musicexp.render.sound import (
    LOUDNESS,
    PEAK,
    RATE,
    Audio,
    Sound,
    gain_to,
    ogg_bytes,
    played,
    score_of,
)

SEMITONES_APART = 3
"""A note is played from its neighbour at most one and a half semitones away: nobody hears it."""
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 6.0
"""How long the notes of a bank are; one that is longer in a piece has died away, or ends there."""
GAP_SECONDS = 0.7
"""Between two notes of the bank, so that one has rung out before the next."""
RELEASE_SECONDS = 0.15
"""In which a note fades behind its end."""
EASE_SECONDS = 0.06
"""In which a note of the bank ends, for a piece's note that would last longer."""
REVERBERATION = 91
"""The controller."""
MEASURED_RATE = 12_000
"""Frames per second at which loudness is measured: the weighting curve is flat above, and music has little there."""


@dataclass(frozen=True)
class BankNote:
    """Where in the bank's sound a note is, and how long it sounds."""

    pitch: int
    begin_seconds: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Bank:
    """Notes of one instrument, played with velocity 80, one behind the other.

    A note of velocity v sounds (v / 80) ** 2 as strong, as SoundFonts have it; a pitch between two notes is the
    nearer one played faster or slower; at its end a note fades within `RELEASE_SECONDS`.

    Attributes:
        name: what the sound is called.
        notes: in rising order of pitch.
        audio: float32 [frames] at `RATE`.
    """

    name: str
    notes: tuple[BankNote, ...]
    audio: Audio

    @cached_property
    def ogg(self) -> bytes:
        """The sound as an Ogg Vorbis file of one channel."""
        return ogg_bytes(self.audio[:, None])

    def gain(self, piece: Piece) -> float:
        """The factor by which a page plays a piece's notes, so that it is as loud as its Ogg file: -23 LUFS."""
        if not len(piece) or not self.notes:
            return 1.0
        return gain_to(LOUDNESS, self._mixed(piece)[:, None], MEASURED_RATE)

    def _mixed(self, piece: Piece) -> Audio:
        """A piece as a page plays it: [frames] at `MEASURED_RATE`, as far as its Ogg file goes."""
        seconds_a_step = 60 / piece.tempo / STEPS_PER_QUARTER
        onsets = np.round(piece.onset * seconds_a_step * MEASURED_RATE).astype(np.int64)
        lengths = np.round((piece.duration * seconds_a_step + RELEASE_SECONDS) * MEASURED_RATE).astype(
            np.int64
        )
        lengths = np.minimum(lengths, round((LONGEST_SECONDS + RELEASE_SECONDS) * MEASURED_RATE))
        kept = onsets < LONGEST_PIECE * MEASURED_RATE
        mixed = np.zeros(int((onsets + lengths)[kept].max(initial=0)) + 1, dtype=np.float32)
        columns = zip(onsets[kept], lengths[kept], piece.pitch[kept], piece.velocity[kept], strict=True)
        known: dict[tuple[int, int], Audio] = {}
        for onset, length, pitch, velocity in columns:
            key = int(pitch), int(length)
            if key not in known:
                known[key] = self._note(*key)
            note = known[key]
            mixed[onset : onset + len(note)] += note * np.float32((velocity / DEFAULT_VELOCITY) ** 2)
        return mixed

    def _note(self, pitch: int, frames: int) -> Audio:
        """One note with its release, at `MEASURED_RATE`."""
        near = min(self.notes, key=lambda note: abs(note.pitch - pitch))
        faster = 2 ** ((pitch - near.pitch) / 12) * RATE / MEASURED_RATE
        frames = min(frames, int(near.seconds * RATE / faster))
        begin = near.begin_seconds * RATE
        at = (begin + np.arange(frames) * faster).astype(np.int64)
        note = self.audio[np.minimum(at, len(self.audio) - 1)]
        release = min(frames, round(RELEASE_SECONDS * MEASURED_RATE))
        note[frames - release :] *= np.linspace(1, 0, release, dtype=np.float32)
        return note


def bank(pieces: Sequence[Piece], sound: Sound) -> Bank:
    """A bank for the range and the longest note of some pieces; one without notes if they have none."""
    sounding = [piece for piece in pieces if len(piece)]
    if not sounding:
        return Bank(sound.name, (), np.zeros(RATE // 10, dtype=np.float32))
    low = min(int(piece.pitch.min()) for piece in sounding)
    high = max(int(piece.pitch.max()) for piece in sounding)
    longest = max(float(piece.duration.max()) / STEPS_PER_QUARTER * 60 / piece.tempo for piece in sounding)
    held = math.ceil(
        min(max(longest + RELEASE_SECONDS, SHORTEST_SECONDS), LONGEST_SECONDS) * STEPS_PER_QUARTER
    )
    apart = held + math.ceil(GAP_SECONDS * STEPS_PER_QUARTER)
    scale = [
        Note(k * apart, held, pitch) for k, pitch in enumerate([*range(low, high, SEMITONES_APART), high])
    ]
    score = score_of(Piece.of(scale, tempo=60.0), sound, math.inf)  # a quarter a second
    for track in score.tracks:
        track.controls.append(_dry())
    audio = played(score, sound)[:, 0]
    notes = tuple(
        BankNote(n.pitch, n.onset / STEPS_PER_QUARTER, n.duration / STEPS_PER_QUARTER) for n in scale
    )
    return Bank(sound.name, notes, _apart(audio, notes))


def _dry() -> Any:
    """No reverberation: it would be cut off at every note's end."""
    from symusic import ControlChange

    return ControlChange(0, REVERBERATION, 0)


def _apart(audio: Audio, notes: Sequence[BankNote]) -> Audio:
    """The notes as loud as they may be, each with a soft end, and nothing between them."""
    heard = np.zeros_like(audio)
    ease = round(EASE_SECONDS * RATE)
    for note in notes:
        begin, end = round(note.begin_seconds * RATE), round((note.begin_seconds + note.seconds) * RATE)
        heard[begin:end] = audio[begin:end]
        heard[end - ease : end] *= np.linspace(1, 0, ease, dtype=np.float32)
    return heard * np.float32(PEAK / max(float(np.abs(heard).max()), 1e-9))
