"""Pieces and MIDI: what is written is what sounds, for three readers; and nothing in a file makes us fall."""

from __future__ import annotations

import dataclasses
import io
import struct
from collections import defaultdict
from pathlib import Path
from random import Random

import mido
import pytest
from conftest import SHARED
from hypothesis import given
from hypothesis import strategies as st
from symusic import Score
from tunes import Sounding, fermatas, melodies, polyphony, quickly, scale, shifted, sounding, with_fermatas

from musicexp.music import Note, Piece, midi_bytes, read_file, write_midi

STEP = 20  # ticks, of 480 a quarter


def by_symusic(data: bytes) -> list[tuple[int, int, int, int]]:
    """(ticks, ticks, pitch, velocity) of every note, drums left out."""
    score = Score.from_midi(data)
    tracks = [track for track in score.tracks if not track.is_drum]
    return sorted((n.time, n.duration, n.pitch, n.velocity) for track in tracks for n in track.notes)


def by_mido(data: bytes) -> list[tuple[int, int, int, int]]:
    """The same, read from the events: a note-off ends the first open note of its pitch and channel."""
    found = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        now, sounding_now = 0, defaultdict(list)
        for event in track:
            now += event.time
            if event.type == "note_on" and event.velocity:
                sounding_now[event.channel, event.note].append((now, event.velocity))
            elif event.type in ("note_on", "note_off"):
                begun, velocity = sounding_now[event.channel, event.note].pop(0)
                found.append((begun, now - begun, event.note, velocity))
        assert not any(sounding_now.values()), "a note without end"
    return sorted(found)


def in_ticks(piece: Piece) -> list[tuple[int, int, int, int]]:
    return sorted((n.onset * STEP, n.duration * STEP, n.pitch, n.velocity) for n in piece.notes())


# ---------------------------------------------------------------------------------------------------
# Pieces


@quickly
@given(st.randoms(use_true_random=False), polyphony())
def test_the_order_in_which_notes_are_given_does_not_count(random: Random, piece: Piece) -> None:
    notes = piece.notes()
    random.shuffle(notes)
    assert Piece.of(notes).notes() == piece.notes()
    assert [(n.onset, n.pitch) for n in piece.notes()] == sorted((n.onset, n.pitch) for n in piece.notes())


@pytest.mark.parametrize("order", [1, -1])
def test_a_double_keeps_the_longer_note_else_the_first_part(order: int) -> None:
    """Of two equally long notes the one given first stayed, so that a Piece depended on the order of reading."""
    longer, shorter = Note(0, 24, 60, 80, 1), Note(0, 12, 60, 90, 0)
    assert Piece.of([longer, shorter][::order]).notes() == [longer]
    first, second = Note(0, 24, 60, 70, 0), Note(0, 24, 60, 90, 1)
    assert Piece.of([first, second][::order]).notes() == [first]


@quickly
@given(st.randoms(use_true_random=False), with_fermatas(polyphony()))
def test_fermatas_stay_with_their_notes(random: Random, piece: Piece) -> None:
    """Notes were put in order and their fermatas were not."""
    both = list(zip(piece.notes(), fermatas(piece), strict=True))
    random.shuffle(both)
    again = Piece.of([note for note, _ in both], fermata=[mark for _, mark in both])
    assert (again.notes(), fermatas(again)) == (piece.notes(), fermatas(piece))
    kept = piece.pitch % 2 == 0
    assert fermatas(piece.only(kept)) == [
        mark for note, mark in zip(piece.notes(), fermatas(piece), strict=True) if note.pitch % 2 == 0
    ]
    bare = dataclasses.replace(piece, fermata=None)
    assert (piece.fingerprint(), piece.family()) == (bare.fingerprint(), bare.family())


def test_of_doubled_notes_the_one_that_stays_has_its_own_fermata() -> None:
    """Marks of the notes before they were merged stood beside those after it."""
    notes = [Note(0, 12, 60, part=0), Note(0, 24, 60, part=1), Note(24, 24, 62, part=0)]
    assert fermatas(Piece.of(notes, fermata=[False, False, True])) == [False, True]
    assert fermatas(Piece.of(notes, fermata=[False, True, False])) == [True, False]
    same = [note._replace(part=0) for note in notes]
    assert fermatas(Piece.of(same, fermata=[False, True, False])) == [True, False]
    assert Piece.of(same, fermata=[True, False, False]).fermata is None, "None where nothing bears one"


def test_an_empty_piece_has_no_length() -> None:
    empty = Piece.of([])
    assert (len(empty), empty.quarters, empty.notes()) == (0, 0.0, [])
    assert empty.fingerprint() != scale(60).fingerprint()


@quickly
@given(melodies(), st.integers(-36, 32), st.integers(1, 500))
def test_a_family_is_one_whatever_the_key_and_the_silence_before_it(
    piece: Piece, semitones: int, steps: int
) -> None:
    moved = shifted(piece, steps=steps, semitones=semitones)
    assert moved.family() == piece.family()
    assert moved.fingerprint() != piece.fingerprint()


def test_fingerprints_tell_what_sounds_and_nothing_else() -> None:
    piece = scale(60, 62, 64)
    louder = Piece.of([n._replace(velocity=100, part=3) for n in piece.notes()], "other", tempo=77.0)
    assert louder.fingerprint() == piece.fingerprint()
    for other in (scale(60, 62, 65), scale(60, 62), scale(60, 62, 64, duration=24)):
        assert other.fingerprint() != piece.fingerprint()
        assert other.family() != piece.family()
    assert piece.fingerprint() == "bd7cb57422619fd8"
    assert piece.quarters == 1.5


# ---------------------------------------------------------------------------------------------------
# MIDI that we write


@quickly
@given(polyphony())
def test_three_readers_hear_the_midi_that_we_write_alike(
    tmp_path_factory: pytest.TempPathFactory, piece: Piece
) -> None:
    """music21's scores gave the notes of a chord one length, and took minutes for some files of ten notes."""
    data = midi_bytes(piece)
    assert by_symusic(data) == in_ticks(piece)
    assert by_mido(data) == in_ticks(piece)
    file = tmp_path_factory.mktemp("midi") / "piece.mid"
    file.write_bytes(data)
    [again] = read_file(file).pieces
    assert again.notes() == piece.notes()
    assert (again.tempo, again.metre) == (piece.tempo, piece.metre)
    assert not again.off_grid.any()
    assert again.grace_notes == 0


@quickly
@given(polyphony())
def test_equal_pieces_give_equal_bytes_with_a_legal_tempo_and_programme_0(piece: Piece) -> None:
    data = midi_bytes(piece)
    assert midi_bytes(Piece.of(piece.notes(), tempo=piece.tempo, metre=piece.metre)) == data
    file = mido.MidiFile(file=io.BytesIO(data))
    events = [event for track in file.tracks for event in track]
    assert file.ticks_per_beat == 480
    assert {e.program for e in events if e.type == "program_change"} == {0}
    assert {e.channel for e in events if e.type == "note_on"} <= set(range(16)) - {9}
    assert [round(mido.tempo2bpm(e.tempo)) for e in events if e.type == "set_tempo"] == [piece.tempo]


@pytest.mark.parametrize(("tempo", "written"), [(0.0, 4.0), (3.0, 4.0), (5000.0, 1000.0), (90.0, 90.0)])
def test_a_tempo_out_of_midi_s_range_is_kept_in_it(tempo: float, written: float) -> None:
    data = midi_bytes(Piece.of([Note(0, 24, 60)], tempo=tempo))
    [event] = [e for e in mido.MidiFile(file=io.BytesIO(data)).tracks[0] if e.type == "set_tempo"]
    assert mido.tempo2bpm(event.tempo) == pytest.approx(written, rel=1e-4)


def test_a_note_ends_where_its_part_strikes_it_again(tmp_path: Path) -> None:
    """A note struck while it sounded was read back with three different lengths by three readers."""
    write_midi(
        Piece.of([Note(0, 48, 60), Note(24, 48, 60), Note(30, 99, 60, part=1)]), tmp_path / "struck.mid"
    )
    data = (tmp_path / "struck.mid").read_bytes()
    heard = [(0, 24, 60), (24, 48, 60), (30, 99, 60)]
    assert [(on // STEP, length // STEP, pitch) for on, length, pitch, _ in by_symusic(data)] == heard
    assert by_mido(data) == by_symusic(data)
    assert sounding(read_file(tmp_path / "struck.mid").pieces[0]) == heard


def test_more_parts_than_channels_are_all_read(tmp_path: Path) -> None:
    """A tenth part on MIDI's channel 10 would be read as drums, and left out."""
    piece = Piece.of([Note(24 * i, 24, 50 + i, 80, i) for i in range(18)])
    write_midi(piece, tmp_path / "many.mid")
    [again] = read_file(tmp_path / "many.mid").pieces
    assert again.notes() == piece.notes()


def test_a_piece_without_notes_is_a_legal_file_that_is_rejected_with_a_reason(tmp_path: Path) -> None:
    write_midi(Piece.of([], "π"), tmp_path / "empty.mid")
    assert mido.MidiFile(tmp_path / "empty.mid").length == pytest.approx(0, abs=0.01)
    assert read_file(tmp_path / "empty.mid").rejected == [("empty.mid", "holds no note")]


# ---------------------------------------------------------------------------------------------------
# MIDI of others


def track(*events: bytes) -> bytes:
    body = b"".join(events) + b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi_file(*tracks: bytes, division: int = 480, kind: int = 1) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division) + b"".join(tracks)


ON, OFF = b"\x00\x90\x3c\x40", b"\x83\x60\x80\x3c\x40"  # off after a quarter of 480 ticks


def test_a_missing_file_is_rejected_with_a_reason(tmp_path: Path) -> None:
    for name in ("none.mid", "none.abc"):
        assert read_file(tmp_path / name).rejected[0][0] == name


def test_any_name_and_drums_left_out(tmp_path: Path) -> None:
    """A MIDI file with another ending, such as a karaoke file's, is told by its content."""
    drums = track(ON.replace(b"\x90", b"\x99"), OFF.replace(b"\x80", b"\x89"))
    for name in ("a.MID", "b.kar", "c.midi", "ünïcode ♪.mid"):
        (tmp_path / name).write_bytes(midi_file(drums, track(ON, OFF)))
        [piece] = read_file(tmp_path / name).pieces
        assert sounding(piece) == [(0, 24, 60)]
        assert piece.name == name


def test_what_the_grid_moves_and_what_has_no_length_is_counted(tmp_path: Path) -> None:
    """music21 snapped MIDI to the grid by itself, so that off_grid was 0 for every performance."""
    later, nothing = b"\x07\x90\x40\x40" + OFF.replace(b"\x3c", b"\x40"), b"\x00\x90\x45\x40\x00\x80\x45\x40"
    (tmp_path / "played.mid").write_bytes(midi_file(track(ON, OFF, later, nothing)))
    [piece] = read_file(tmp_path / "played.mid").pieces
    assert sounding(piece) == [(0, 24, 60), (24, 24, 64)]
    assert (piece.off_grid.tolist(), piece.grace_notes) == ([False, True], 1)


@pytest.mark.parametrize(
    ("event", "tempo", "metre", "key"),
    [
        (b"\xff\x51\x03\x07\xa1\x20", 120.0, (4, 4), ""),
        (b"\xff\x51\x03\x0a\x2c\x2b", 90.0, (4, 4), ""),
        (b"\xff\x51\x03\x00\x00\x00", 120.0, (4, 4), ""),
        (b"\xff\x58\x04\x06\x03\x18\x08", 120.0, (6, 8), ""),
        (b"\xff\x58\x04\x06\xff\x18\x08", 120.0, (4, 4), ""),
        (b"\xff\x58\x04\x00\x02\x18\x08", 120.0, (4, 4), ""),
        (b"\xff\x59\x02\xfe\x01", 120.0, (4, 4), "G minor"),
        (b"\xff\x59\x02\x03\x00", 120.0, (4, 4), "A major"),
        (b"\xff\x59\x02\x60\x07", 120.0, (4, 4), ""),
    ],
)
def test_tempo_metre_and_key_are_read_where_they_are_legal(
    tmp_path: Path, event: bytes, tempo: float, metre: tuple[int, int], key: str
) -> None:
    (tmp_path / "head.mid").write_bytes(midi_file(track(b"\x00" + event), track(ON, OFF)))
    [piece] = read_file(tmp_path / "head.mid").pieces
    assert (piece.tempo, piece.metre, piece.key) == (tempo, metre, key)
    midi_bytes(piece)


@quickly
@given(st.binary(max_size=60), st.integers(0, 60))
def test_nothing_in_a_file_makes_the_reader_raise(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    file = tmp_path_factory.mktemp("noise") / "noise.mid"
    whole = midi_file(track(ON, OFF, ON, OFF))
    file.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    reading = read_file(file)
    assert bool(reading.pieces) != bool(reading.rejected)


def shared_midi(folder: str) -> list[Path]:
    found = sorted((SHARED / "data" / folder).glob("*.mid"))
    if not found:
        pytest.skip(f"no {folder} beside the project")
    return found


def by_symusic_on_the_grid(file: Path) -> tuple[list[tuple[int, int]], Sounding]:
    """Onsets and pitches, each once; and every (onset, duration, pitch), doubles too."""
    score = Score(str(file))
    unit = 24 / score.ticks_per_quarter
    notes = [note for part in score.tracks if not part.is_drum for note in part.notes]
    rows = [(round(n.time * unit), round(n.end * unit), n.pitch) for n in notes]
    return sorted({(on, pitch) for on, _, pitch in rows}), [(on, max(off - on, 1), p) for on, off, p in rows]


@pytest.mark.parametrize("folder", ["js-fakes", "nottingham/full"])
def test_files_of_others_are_read_as_symusic_reads_them(folder: str) -> None:
    """Once through music21, whose default parse snaps to its own grid and splits notes at bar lines."""
    for file in Random(0).sample(shared_midi(folder), 20):
        [piece] = read_file(file).pieces
        onsets, notes = by_symusic_on_the_grid(file)
        merged = piece.merged()
        assert [(n.onset, n.pitch) for n in merged.notes()] == onsets, file.name
        assert set(sounding(merged)) <= set(notes), file.name
