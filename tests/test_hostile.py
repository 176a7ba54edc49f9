"""Hostile files: whatever their bytes, each is answered, in time and in little memory, with legal notes or a reason."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from conftest import SHARED, melody
from tunes import HEAD

from musicexp.music import Piece, midi_bytes
from musicexp.music.collections import corpus_dir
from musicexp.music.reader import Reader, Request
from musicexp.music.reading import Answer

LIMIT_SECONDS = 20.0
LIMIT_MEGABYTES = 1024

SCORE = b"""<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1"><part-name>A</part-name>
</score-part></part-list><part id="P1"><measure number="1"><attributes><divisions>4</divisions><key><fifths>-2</fifths>
</key><time><beats>3</beats><beat-type>4</beat-type></time></attributes><sound tempo="90"/><note><pitch><step>C</step>
<octave>5</octave></pitch><duration>4</duration><type>quarter</type></note><note><chord/><pitch><step>E</step><alter>-1
</alter><octave>5</octave></pitch><duration>4</duration></note><backup><duration>4</duration></backup><note><rest/>
<duration>8</duration></note><note><pitch><step>G</step><octave>4</octave></pitch><duration>3</duration>
<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification></note></measure>
</part></score-partwise>"""


def track(*events: bytes) -> bytes:
    body = b"".join(events) + b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi_file(*tracks: bytes, division: int = 480, kind: int = 1, count: int | None = None) -> bytes:
    head = struct.pack(">IHHH", 6, kind, len(tracks) if count is None else count, division)
    return b"MThd" + head + b"".join(tracks)


def packed(score: bytes, **more: bytes) -> bytes:
    """An .mxl file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", score)
        for name, content in more.items():
            archive.writestr(name, content)
    return file.getvalue()


ON, OFF = b"\x00\x90\x3c\x40", b"\x83\x60\x80\x3c\x40"  # off after a quarter of 480 ticks
LATE = b"\xff\xff\xff\x7f\x90\x3d\x00"  # the longest delta time, and an end of a note that never began


def legal(piece: Piece) -> bool:
    """What every tokenizer and metric takes for granted."""
    order = list(zip(piece.onset.tolist(), piece.pitch.tolist(), piece.part.tolist(), strict=True))
    return bool(
        len(piece)
        and piece.onset[0] >= 0
        and order == sorted(set(order))
        and piece.duration.min() >= 1
        and 0 <= piece.pitch.min() <= piece.pitch.max() <= 127
        and 1 <= piece.velocity.min() <= piece.velocity.max() <= 127
        and 0 < piece.tempo < 1e9
        and midi_bytes(piece)
    )


def check(answer: Answer) -> None:
    found = answer.reading
    assert found.pieces or found.rejected, found.source
    assert all(legal(piece) for piece in found.pieces), found.source
    for what, why in found.rejected:
        assert what
        assert why
        assert why.isprintable()
        assert len(why) < 300


def peak_megabytes(reader: Reader) -> float:
    assert reader._child
    status = Path(f"/proc/{reader._child.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# ---------------------------------------------------------------------------------------------------
# Seeded mutations


def flip(data: bytearray, random: Random) -> None:
    for _ in range(random.choice([1, 2, 8])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def cut(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data)) :]


def drop(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.randrange(1, 40)]


def insert(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at:at] = random.randbytes(random.randrange(1, 40))


def repeat(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at:at] = data[at : at + random.randrange(1, 200)] * random.choice([1, 2, 100])


def lengthen_chunk(data: bytearray, random: Random) -> None:
    """Or shorten it; the length that a chunk of MIDI or of an archive says."""
    heads = [
        at
        for at in range(len(data) - 8)
        if bytes(data[at : at + 4]) in (b"MThd", b"MTrk", b"PK\3\4", b"PK\1\2")
    ]
    at = random.choice(heads) + 4 if heads else 0
    data[at : at + 4] = struct.pack(">I", random.choice([0, 1, 7, 2**16, 2**31 - 1, 2**31, 2**32 - 1]))


def blow_up_a_number(data: bytearray, random: Random) -> None:
    """A delta time, in text a length."""
    digits = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if data[:4] == b"MThd" or not digits:
        at, huge = random.randrange(len(data)), random.choice([b"\xff\xff\xff\x7f", LATE * 9])
        data[at : at + random.choice([0, 1])] = huge
    else:
        at = random.choice(digits)
        data[at : at + 1] = random.choice([b"0", b"-1", b"99999999", b"9" * 400])


def change_the_head(data: bytearray, random: Random) -> None:
    data[random.randrange(min(len(data), 24))] = random.randrange(256)


MUTATIONS: list[Callable[[bytearray, Random], None]] = [
    flip, cut, drop, insert, repeat, lengthen_chunk, blow_up_a_number, change_the_head,
]  # fmt: skip


def healthy() -> dict[str, list[bytes]]:
    """What is spoilt, by suffix: made by ourselves, or carried by music21."""
    corpus = corpus_dir()
    played = midi_file(
        track(b"\x00\xff\x51\x03\x07\xa1\x20", b"\x00\xff\x59\x02\xfe\x01", b"\x00\xff\x58\x04\x06\x03\x18\x08"),
        track(b"\x00\xff\x03\x04Lead", b"\x00\xc0\x05", *[ON, b"\x13\x3c\x00", b"\x05\x40\x50", b"\x60\x40\x00"] * 9),
        track(b"\x00\xc9\x00", ON.replace(b"\x90", b"\x99"), b"\x00\xf0\x03\x01\x02\xf7", b"\x00\xe1\x00\x40"),
    )  # fmt: skip
    chorale = (corpus / "bach" / "bwv281.krn").read_bytes()
    return {
        ".mid": [*(midi_bytes(melody(seed)) for seed in range(4)), played],
        ".abc": [
            (corpus / "ryansMammoth" / name).read_bytes()
            for name in ("HighlandSkipReel.abc", "HillsOfGlenurchieJig.abc")
        ],
        ".krn": [b"\n".join(chorale.splitlines()[:60])],
        ".xml": [SCORE],
        ".mxl": [packed(SCORE)],
    }


def spoilt(folder: Path, cases: int, seed: int) -> Iterator[Request]:
    """Files, each with one or two mutations; most of them MIDI, since scores take long."""
    random, whole = Random(seed), healthy()
    suffixes = [*[".mid"] * 85, *[".abc"] * 6, *[".krn"] * 3, *[".xml"] * 3, *[".mxl"] * 3]
    for number in range(cases):
        suffix = random.choice(suffixes)
        data = bytearray(random.choice(whole[suffix]))
        changes = random.choices(MUTATIONS, k=random.choice([1, 1, 2]))
        for change in changes:
            if data:
                change(data, random)
        name = f"{number}-{'-'.join(change.__name__ for change in changes)}{suffix}"
        (folder / name).write_bytes(data)
        yield Request(folder / name, name)


def read_all(requests: list[Request]) -> list[Answer]:
    with Reader(LIMIT_SECONDS, LIMIT_MEGABYTES) as reader:
        answers = list(reader.read(requests))
        assert [answer.reading.source for answer in answers] == [request.source for request in requests]
        assert peak_megabytes(reader) < LIMIT_MEGABYTES / 2
    for answer in answers:
        check(answer)
    return answers


@pytest.mark.parametrize(
    ("cases", "seed"), [(40, 0), *(pytest.param(500, seed, marks=pytest.mark.slow) for seed in (1, 2, 3, 4))]
)
def test_spoilt_files_are_read_or_rejected(tmp_path: Path, cases: int, seed: int) -> None:
    """Notes of pitch -68, onsets before 0 and a segmentation fault came of such files."""
    answers = read_all(list(spoilt(tmp_path, cases, seed)))
    killed = [answer.reading.rejected[-1] for answer in answers if not answer.lasting]
    assert not killed


# ---------------------------------------------------------------------------------------------------
# Files of known malice


DAMAGED = "it is no MIDI file, or a damaged one"
TOO_LATE = "lasts more than 2,147,483,647 ticks"
LONG = b"MTrk" + struct.pack(">I", 2**31 - 1) + ON + OFF
BOMB = packed(SCORE, **{"more.xml": bytes(65 * 2**20)})
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><score-partwise>&b;</score-partwise>'

NAMED = {
    "empty.mid": (b"", DAMAGED),
    "text.mid": (b"this is a text and no MIDI file at all", DAMAGED),
    "head.mid": (b"MThd", DAMAGED),
    "cut.mid": (midi_file(track(ON, OFF))[:-6], DAMAGED),
    "silent.mid": (midi_file(track()), "holds no note"),
    "endless-running-status.mid": (midi_file(track(ON, b"\x01\x3c\x40" * 100_000)), "holds no note"),
    "no-status.mid": (midi_file(track(b"\x00\x3c\x40" * 9)), DAMAGED),
    "endless-number.mid": (midi_file(track(b"\xff" * 1000)), DAMAGED),
    "zero-ticks.mid": (midi_file(track(ON, OFF), division=0), "says that a quarter has no ticks"),
    "smpte.mid": (midi_file(track(ON, OFF), division=0xE728), "counts time in frames of film (SMPTE)"),
    "format-2.mid": (midi_file(track(ON, OFF), kind=2), "is MIDI of format 2"),
    "chunk-beyond-memory.mid": (midi_file(LONG), DAMAGED),
    "head-beyond-the-file.mid": (b"MThd\x01\0\0\6" + midi_file(track(ON, OFF))[8:], DAMAGED),
    "late.mid": (midi_file(track(ON, LATE, OFF), division=24), "lasts 11,184,831 quarters, more than 6 hours"),
    "too-late.mid": (midi_file(track(LATE * 8, ON, OFF), division=32767), TOO_LATE),
    "before-the-beginning.mid": (midi_file(track(LATE * 9, ON, OFF), division=32767), TOO_LATE),
    "pitch-200.mid": (midi_file(track(b"\0\x90\xc8\x40\x60\x80\xc8\x40")), "has a note of pitch -56"),
    "velocity-192.mid": (midi_file(track(b"\0\x90\x3c\xc0\x60\x80\x3c\x40")), "has a note of velocity -64"),
    "behind-the-channels.mid": (midi_file(track(ON, OFF, b"\0\x9f\xd9\x12\0\xd9\0")), DAMAGED),
    "tracks.mid": (midi_file(*[track(ON, OFF)] * 65_535), "holds 65,535 parts, more than 4,096"),
    "bomb.mxl": (BOMB, "unfolds to 65 MB, and at most 64 are read"),
    "laughs.xml": (LAUGHS, "declares entities"),
    "long-note.abc": (HEAD.encode() + b"C999999999 D", "lasts 500,000,000 quarters, more than 6 hours"),
    "tunes.abc": (b"X:1\n" * 100_001, "holds more than 100,000 tunes"),
}  # fmt: skip


def test_hostile_files_are_rejected_with_a_reason(tmp_path: Path) -> None:
    """symusic dies of the chunk beyond memory and writes behind its channels; its ticks have 32 bits."""
    for name, (content, _) in NAMED.items():
        (tmp_path / name).write_bytes(content)
    answers = read_all([Request(tmp_path / name, name) for name in NAMED])
    for (name, (_, why)), answer in zip(NAMED.items(), answers, strict=True):
        [(what, told)] = answer.reading.rejected
        assert what == name
        assert why in told, name
        assert answer.lasting


def test_harmless_oddities_are_read(tmp_path: Path) -> None:
    """Fewer tracks than the head says, noise behind the last one, a track's name in no known alphabet."""
    odd = {
        "fewer.mid": midi_file(track(ON, OFF), count=65_535),
        "noise.mid": midi_file(track(ON, OFF)) + b"MTrk\xff\xff\xff\xffnoise",
        "name.mid": midi_file(track(b"\0\xff\x03\x05caf\xe9\xff", ON, OFF)),
        "names.mid": midi_file(track(b"\0\xff\x03\xe0\x00" + b"x" * 12288, ON, OFF)),
        "last-channel.mid": midi_file(track(b"\x8f\0\x9f\x3c\x40\x83\x60\x8f\x3c\x40")),
    }
    for name, content in odd.items():
        (tmp_path / name).write_bytes(content)
    for answer in read_all([Request(tmp_path / name, name) for name in odd]):
        assert [len(piece) for piece in answer.reading.pieces] == [1], answer


@pytest.mark.slow
def test_all_odd_files_of_others_are_read_or_rejected() -> None:
    files = sorted((SHARED / "data" / "edge").glob("*.mid"))
    if not files:
        pytest.skip("no edge files beside the project")
    answers = read_all([Request(file, file.name) for file in files])
    assert sum(bool(answer.reading.pieces) for answer in answers) >= len(files) / 3
    assert all(answer.lasting for answer in answers)
