"""A piece as sound: played from a SoundFont, made as loud as every other, written as Ogg Vorbis.

The synthesizer is midirenderer's (RustySynth): symusic's own holds a piano's note for ever at -22 dB.

Loudness is that of ITU-R BS.1770-4 over the whole piece, -23 LUFS as EBU R 128 asks.
"""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.config import Render
from musicexp.errors import SettingError
from musicexp.music import Note, Piece, midi_bytes

RATE = 48_000
"""Frames per second: what the synthesizer gives, and what a browser plays without another conversion."""
LOUDNESS = -23.0
"""LUFS."""
PEAK = 0.89
"""Largest sample, -1 dB below full scale: a lone short note stays a little quieter than `LOUDNESS` asks."""
TAIL_SECONDS = 4.0
"""How long the last note may ring on behind its end."""
SILENT = 1e-3
"""Below this share of the peak (-60 dB) a tail is over."""
FADE_SECONDS = 0.05
CUT_SECONDS = 0.4
"""How long the fade lasts where a piece is cut."""
LONGEST_SECONDS = 900.0
"""Longer pieces fade out there: their MIDI is whole, and an hour of sound helps nobody."""
QUALITY = 0.6
"""soundfile's compression level of Vorbis: about 60 kbit/s."""
BLOCK_SECONDS = 0.4
"""What BS.1770 measures at a time; anything shorter has no loudness."""
MEASURED_RATE = 24_000
"""Frames per second from which on every other one is enough to measure loudness: within .002 dB, in half the time."""
VOLUME, EXPRESSION, SUSTAIN = 7, 11, 64

Audio = NDArray[np.float32]
"""[frames, channels], within -1 and 1."""


class SoundFontError(ValueError):
    """The file is no SoundFont, or a damaged one."""


@dataclass(frozen=True)
class Sound:
    """What pieces are played with.

    Attributes:
        program: of General MIDI, 0-127; parts that the MIDI file gives other programs are played with it too.
    """

    soundfont: Path
    program: int = 0

    @property
    def name(self) -> str:
        """What a page calls it."""
        return f"program {self.program} of {self.soundfont.name}"


def sound_of(settings: Render) -> Sound:
    """The sound that settings ask for.

    Raises:
        SettingError: the SoundFont is not there or cannot be played.
    """
    if settings.soundfont is None:
        return Sound(carried_soundfont(), settings.program)
    path = Path(settings.soundfont).expanduser().absolute()
    if not path.is_file():
        raise SettingError(
            f"render.soundfont={settings.soundfont}: no such file (looked in {Path.cwd()}); name a SoundFont (.sf2), or leave it out"
        )
    sound = Sound(path, settings.program)
    try:
        played(score_of(Piece.of([Note(0, 6, 60)]), sound, 0.1), sound)
    except SoundFontError as error:
        raise SettingError(
            f"render.soundfont={settings.soundfont} is no SoundFont that can be played ({error}); name another one (.sf2), or leave it out"
        ) from error
    return sound


def carried_soundfont() -> Path:
    """TimGM6mb.sf2, by Tim Brechbill, which the pretty_midi package carries."""
    found = importlib.util.find_spec("pretty_midi")  # found, not imported
    assert found is not None, "pretty_midi is a dependency"
    assert found.submodule_search_locations, "pretty_midi is a package"
    return Path(found.submodule_search_locations[0], "TimGM6mb.sf2")


def synthesize(piece: Piece, sound: Sound, *, seconds: float | None = None) -> Audio:
    """A piece as sound, at `LOUDNESS`, with a tail that rings out and silence at its very end.

    Args:
        seconds: the sound lasts exactly so long: what is longer fades out there, what is shorter is followed by silence.

    Returns:
        float32 [frames, 1] at `RATE`.
    """
    longest = seconds or LONGEST_SECONDS
    if not len(piece):
        return np.zeros((round((seconds or 1.0) * RATE), 1), dtype=np.float32)
    audio = played(score_of(piece, sound, longest), sound)
    cut = len(audio) > round(longest * RATE)
    audio = audio[: round(longest * RATE)] if cut else _rung_out(audio)
    fade = min(len(audio), round((CUT_SECONDS if cut else FADE_SECONDS) * RATE))
    audio[len(audio) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    audio *= gain_to(LOUDNESS, audio, RATE)
    if seconds is not None and len(audio) < round(seconds * RATE):
        silence = np.zeros((round(seconds * RATE) - len(audio), 1), dtype=np.float32)
        audio = np.concatenate([audio, silence])
    return audio


def ogg_bytes(audio: Audio) -> bytes:
    """Sound as an Ogg Vorbis file.

    Args:
        audio: float32 [frames, channels] at `RATE`.
    """
    import soundfile

    written = io.BytesIO()
    with soundfile.SoundFile(
        written, "w", RATE, audio.shape[1], format="OGG", subtype="VORBIS", compression_level=QUALITY
    ) as file:
        for begin in range(0, len(audio), RATE):  # libsndfile overflows its stack where much comes at once
            file.write(audio[begin : begin + RATE])
    return written.getvalue()


def piece_ogg(piece: Piece, sound: Sound) -> bytes:
    """A piece as an Ogg Vorbis file."""
    return ogg_bytes(synthesize(piece, sound))


def gain_to(loudness: float, audio: Audio, rate: int) -> float:
    """The factor that makes sound so many LUFS loud, but no sample larger than `PEAK`; 1 for silence."""
    import pyloudnorm

    peak = float(max(audio.max(initial=0), -audio.min(initial=0)))
    if peak == 0:
        return 1.0
    if rate >= 2 * MEASURED_RATE:  # music has little up there, and its loudness next to nothing
        audio, rate = audio[::2], rate // 2
    short = round(BLOCK_SECONDS * rate) + 1 - len(audio)
    if short > 0:
        audio = np.concatenate([audio, np.zeros((short, audio.shape[1]), dtype=audio.dtype)])
    with np.errstate(divide="ignore"):  # a silent block has no logarithm, and is left out
        found = float(pyloudnorm.Meter(rate).integrated_loudness(audio))
    wanted = 10 ** ((loudness - found) / 20) if np.isfinite(found) else np.inf
    return float(min(wanted, PEAK / peak))


def score_of(piece: Piece, sound: Sound, longest: float) -> Any:
    """The piece as a symusic score, with one program in all parts and time for the last note to ring."""
    from symusic import ControlChange, Score

    score = Score.from_midi(midi_bytes(piece))
    ticks_a_second = score.ticks_per_quarter * piece.tempo / 60
    last = round(min(score.end(), longest * ticks_a_second))
    for track in score.tracks:
        track.program = sound.program
        for number in (VOLUME, EXPRESSION):  # full: what is left of 16 bits is noise
            track.controls.append(ControlChange(0, number, 127))
    if last < score.end():
        score = score.clip(0, last, clip_end=False)
    # The file ends with its last event, and the sound with the file.
    score.tracks[0].controls.append(ControlChange(last + round(TAIL_SECONDS * ticks_a_second), SUSTAIN, 0))
    return score


def played(score: Any, sound: Sound) -> Audio:
    """A symusic score as sound of one channel, as loud as its velocities say.

    Two channels would hold a little reverberation more, and take twice as long to measure and to write.

    Raises:
        SoundFontError: the SoundFont is damaged or none.
    """
    import soundfile

    try:
        import midirenderer
    except ImportError:
        return _played_plainly(score, sound)
    try:
        wave = midirenderer.render_wave_from(_read(sound.soundfont), score.dumps_midi())
    except OSError as error:
        raise SoundFontError(error.strerror or str(error)) from error
    except BaseException as error:  # it is written in Rust, and gives up on some damage by a panic
        if isinstance(error, (ValueError, RuntimeError)) or type(error).__name__ == "PanicException":
            raise SoundFontError(str(error).strip().rstrip(".") or "it is damaged") from error
        raise
    audio, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    assert rate == RATE, "the synthesizer's own rate"
    return _one_channel(audio)


def _played_plainly(score: Any, sound: Sound) -> Audio:
    """The same where midirenderer has no wheel (Linux on ARM): held notes do not die away, and none rings on."""
    from symusic import Synthesizer

    try:
        player = Synthesizer(str(sound.soundfont), RATE)
        return _one_channel(player.render(score, stereo=True).T)
    except (RuntimeError, ValueError, OSError) as error:
        raise SoundFontError(str(error).strip().rstrip(".") or "it is damaged") from error


def _one_channel(audio: NDArray[np.float32]) -> Audio:
    return np.ascontiguousarray(((audio[:, 0] + audio[:, 1]) / 2)[:, None], dtype=np.float32)


@lru_cache(maxsize=2)
def _read(path: Path) -> bytes:
    return path.read_bytes()


def _rung_out(audio: Audio) -> Audio:
    """Without the silence behind the tail."""
    level = np.abs(audio[:, 0])
    behind = max(0, len(level) - round((TAIL_SECONDS + 1) * RATE))
    heard = np.flatnonzero(level[behind:] > level.max(initial=0) * SILENT)
    return audio[: behind + int(heard[-1]) + 1 + round(FADE_SECONDS * RATE)] if len(heard) else audio
