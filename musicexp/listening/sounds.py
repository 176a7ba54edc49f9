"""Clips as sound in memory, sent so that the bytes say nothing about which clip it is.

Each is as long as every other (plain 16-bit sound has one size), as loud (-23 LUFS), and has the last bit dithered anew
whenever it is sent, so that the same clip is never the same bytes twice.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from musicexp.listening.clips import Cut
from musicexp.music.midi import midi_piece
from musicexp.render.sound import Audio, Sound, ogg_bytes, synthesize

Clip = tuple[int, int]
"""(run, draw)."""
LARGEST = 2**15 - 1


class Sounds:
    """The clips of a study, rendered when they are prepared or first asked for, kept as Ogg Vorbis."""

    def __init__(self, midi: Mapping[Clip, bytes], sound: Sound, cut: Cut) -> None:
        self._midi = midi
        self._sound = sound
        self._seconds = cut.seconds
        self._rendered: dict[Clip, bytes] = {}

    def prepare(self, clips: Iterable[Clip], told: Callable[[int, int], None]) -> None:
        """Render these, so that nobody waits for them later.

        Args:
            told: is called with (how many are ready, how many there are).
        """
        wanted = [clip for clip in dict.fromkeys(clips) if clip not in self._rendered]
        for ready, clip in enumerate(wanted, start=1):
            self._render(clip)
            told(ready, len(wanted))

    def wave(self, clip: Clip, random: np.random.Generator) -> bytes:
        """A clip as a 16-bit WAV file; of the same size for all clips of a study, and with new dither each time."""
        import soundfile

        if clip not in self._rendered:
            self._render(clip)
        audio, rate = soundfile.read(io.BytesIO(self._rendered[clip]), dtype="float32", always_2d=True)
        written = io.BytesIO()
        soundfile.write(written, dithered(self._fitted(audio, rate), random), rate, "PCM_16", format="WAV")
        return written.getvalue()

    def _render(self, clip: Clip) -> None:
        piece = midi_piece(self._midi[clip], "clip")
        self._rendered[clip] = ogg_bytes(synthesize(piece, self._sound, seconds=self._seconds))

    def _fitted(self, audio: Audio, rate: int) -> Audio:
        """Exactly as many frames as every other clip, whatever the encoder added."""
        frames = round(self._seconds * rate)
        fitted = np.zeros((frames, audio.shape[1]), dtype=np.float32)
        fitted[: len(audio)] = audio[:frames]
        return fitted


def dithered(audio: Audio, random: np.random.Generator) -> Any:
    """Sound in 16 bits with triangular dither: int16 [frames, channels]."""
    noise = random.random(audio.shape, dtype=np.float32) - random.random(audio.shape, dtype=np.float32)
    return np.clip(np.rint(audio * LARGEST + noise), -LARGEST, LARGEST).astype(np.int16)
