"""Sound: as loud as all others, without clicks, with a tail; and the bank of notes that pages play from."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from musicexp.config import compose
from musicexp.errors import SettingError
from musicexp.music import Note, Piece
from musicexp.render.bank import SEMITONES_APART, bank
from musicexp.render.sound import (
    LOUDNESS,
    PEAK,
    RATE,
    Audio,
    Sound,
    carried_soundfont,
    ogg_bytes,
    piece_ogg,
    sound_of,
    synthesize,
)

PIANO = Sound(carried_soundfont())
TUNE = Piece.of(
    [Note(k * 12, 12, pitch) for k, pitch in enumerate([62, 66, 69, 74, 73, 71, 69, 67, 66, 64, 62, 62])]
)
CHORDS = Piece.of([Note(k * 24, 24, p, part=v) for k in range(6) for v, p in enumerate((48, 55, 64, 72))])


def loudness(audio: Audio, rate: int = RATE) -> float:
    """LUFS."""
    return float(pyloudnorm.Meter(rate).integrated_loudness(audio))


@pytest.mark.parametrize(
    "piece", [TUNE, CHORDS, Piece.of(TUNE.notes(), tempo=60.0)], ids=["tune", "chords", "slow"]
)
@pytest.mark.parametrize("program", [0, 73])
def test_every_piece_is_as_loud_as_every_other(piece: Piece, program: int) -> None:
    audio = synthesize(piece, Sound(PIANO.soundfont, program))
    assert loudness(audio) == pytest.approx(LOUDNESS, abs=0.1)
    assert np.abs(audio).max() <= PEAK + 1e-6


def test_the_last_note_rings_out_and_ends_in_silence_without_a_click() -> None:
    audio = synthesize(TUNE, PIANO)
    level = np.abs(audio).max(axis=1)
    end = round(12 * 0.25 * RATE)  # where the last note ends
    assert 0.2 < (len(audio) - end) / RATE < 4.5
    assert level[end : end + RATE // 10].max() > level.max() / 100  # it is heard behind its end
    assert level[-1] == 0
    assert level[-RATE // 50 :].max() < level.max() / 500
    assert level[0] < level.max() / 500
    # A click is a jump from one frame to the next; attacks of a piano are none.
    assert np.abs(np.diff(audio, axis=0)).max() < 0.2 * level.max()


def test_a_note_dies_away_while_it_is_held() -> None:
    """symusic's synthesizer holds a piano's note at -22 dB for as long as it lasts."""
    audio = synthesize(Piece.of([Note(0, 24 * 12, 60)]), PIANO)
    loud, late = (np.abs(audio[a * RATE : (a + 1) * RATE]).max() for a in (0, 4))
    assert late < loud * 10 ** (-28 / 20)


@pytest.mark.parametrize("seconds", [1.0, 2.5, 20.0])
def test_a_clip_lasts_as_long_as_was_asked(seconds: float) -> None:
    audio = synthesize(TUNE, PIANO, seconds=seconds)
    assert len(audio) == round(seconds * RATE)
    assert loudness(audio) == pytest.approx(LOUDNESS, abs=0.3)
    assert np.abs(audio[-1]).max() < 1e-6


def test_a_piece_without_a_note_is_silence() -> None:
    assert not synthesize(Piece.of([]), PIANO).any()
    assert bank([Piece.of([])], PIANO).notes == ()
    assert bank([Piece.of([])], PIANO).gain(TUNE) == 1.0


def test_an_ogg_holds_what_was_played() -> None:
    audio = synthesize(TUNE, PIANO)
    read, rate = soundfile.read(io.BytesIO(ogg_bytes(audio)), dtype="float32", always_2d=True)
    assert rate == RATE
    assert read.shape == audio.shape
    assert loudness(read) == pytest.approx(LOUDNESS, abs=0.2)
    assert np.corrcoef(read[:, 0], audio[:, 0])[0, 1] > 0.98


@pytest.mark.slow
def test_sound_of_a_quarter_of_an_hour_is_written_and_longer_pieces_fade_out_there() -> None:
    """libsndfile dies when a very long Ogg is written at once."""
    long = Piece.of([Note(24 * k, 24, 60 + k % 12) for k in range(1900)], tempo=120.0)
    read = soundfile.info(io.BytesIO(piece_ogg(long, PIANO)))
    assert read.duration == pytest.approx(900, abs=0.1)


@settings(max_examples=3, deadline=None)
@given(
    st.lists(
        st.builds(
            Note,
            st.integers(0, 400),
            st.integers(1, 300),
            st.integers(0, 127),
            st.integers(1, 127),
            st.integers(0, 20),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([20.0, 97.0, 400.0]),
)
def test_any_notes_can_be_played(notes: list[Note], tempo: float) -> None:
    piece = Piece.of(notes, tempo=tempo)
    audio = synthesize(piece, PIANO)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= PEAK + 1e-6


# ---------------------------------------------------------------------------------------------------
# The bank


def test_a_bank_holds_a_note_near_every_pitch_and_as_long_as_the_longest() -> None:
    found = bank([TUNE, CHORDS], PIANO)
    pitches = [note.pitch for note in found.notes]
    for pitch in range(48, 75):
        assert min(abs(pitch - near) for near in pitches) <= SEMITONES_APART / 2
    assert pitches == sorted(set(pitches))
    for note, following in zip(found.notes, found.notes[1:], strict=False):
        assert note.seconds >= 1
        assert following.begin_seconds >= note.begin_seconds + note.seconds
    read, _ = soundfile.read(io.BytesIO(found.ogg), dtype="float32")
    assert len(read) == len(found.audio)
    assert len(found.ogg) < 200_000


def test_every_note_of_a_bank_begins_where_it_is_said_to_and_has_its_pitch() -> None:
    found = bank([TUNE], PIANO)
    for note in found.notes:
        begin = round(note.begin_seconds * RATE)
        before, sounding = found.audio[max(0, begin - 4800) : begin], found.audio[begin : begin + 12000]
        assert not before.any()
        assert np.abs(sounding[:2400]).max() > 0.05  # within 50 ms
        spectrum = np.abs(np.fft.rfft(sounding * np.hanning(len(sounding)), 1 << 17))
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        near = slice(round(hertz * 0.9 * (1 << 17) / RATE), round(hertz * 1.1 * (1 << 17) / RATE))
        found_hertz = (near.start + int(spectrum[near].argmax())) * RATE / (1 << 17)
        assert abs(12 * np.log2(found_hertz / hertz)) < 0.2


def test_a_page_plays_a_piece_as_loud_as_its_ogg() -> None:
    found = bank([TUNE, CHORDS], PIANO)
    for piece in (TUNE, CHORDS, Piece.of([n._replace(velocity=40) for n in TUNE.notes()])):
        mixed = found._mixed(piece)[:, None] * found.gain(piece)
        assert loudness(mixed, 12_000) == pytest.approx(LOUDNESS, abs=0.1)


# ---------------------------------------------------------------------------------------------------
# SoundFonts


@pytest.mark.parametrize("begin", [b"", b"no SoundFont at all", b"RIFF\x10\x00\x00\x00sfbkLIST"])
def test_a_file_that_is_no_soundfont_is_refused_in_one_sentence(tmp_path: Path, begin: bytes) -> None:
    (tmp_path / "my font.sf2").write_bytes(begin)
    with pytest.raises(
        SettingError, match=r"render.soundfont=.*my font.sf2 is no SoundFont that can be played"
    ):
        sound_of(compose([f"render.soundfont='{tmp_path}/my font.sf2'"]).render)


def test_a_soundfont_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"gone.sf2: no such file \(looked in"):
        sound_of(compose(["render.soundfont=gone.sf2"]).render)


def test_damaged_soundfonts_are_refused_or_played(tmp_path: Path) -> None:
    whole = carried_soundfont().read_bytes()
    for k, at in enumerate([40, len(whole) - 20_000, len(whole) - 3000]):
        damaged = bytearray(whole)
        damaged[at : at + 400] = bytes(range(200, 240)) * 10
        path = tmp_path / f"{k}.sf2"
        path.write_bytes(damaged)
        try:
            sound = sound_of(compose([f"render.soundfont={path}"]).render)
        except SettingError as error:
            assert "is no SoundFont that can be played" in str(error)  # noqa: PT017
        else:
            assert sound.soundfont == path


def test_another_program_sounds_otherwise() -> None:
    piano, flute = (synthesize(TUNE, sound_of(compose([f"render.program={n}"]).render)) for n in (0, 73))
    frames = min(len(piano), len(flute))
    assert abs(np.corrcoef(piano[:frames, 0], flute[:frames, 0])[0, 1]) < 0.9


def test_where_midirenderer_has_no_wheel_symusic_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "midirenderer", None)
    audio = synthesize(TUNE, PIANO)
    assert loudness(audio) == pytest.approx(LOUDNESS, abs=0.1)
    assert len(audio) / RATE > 3
