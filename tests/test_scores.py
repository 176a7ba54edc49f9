"""Scores: what of a written score sounds, and that no file does harm. MIDI by music21 against MIDI by symusic."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from random import Random

import numpy as np
import pytest
from conftest import ROOT, SHARED, melody
from tunes import fermatas, scale, sounding

from musicexp.music import Note, Piece, read_file, write_midi
from musicexp.music.collections import corpus_dir
from musicexp.music.musicxml import LARGEST_MEGABYTES
from musicexp.music.scores import score_piece, score_pieces
from musicexp.music.voices import selected

DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.0 Partwise//EN" '
    '"http://localhost:1/dtds/partwise.dtd">\n'
)
QUARTER, HALF = 24, 48


def note(pitch: str, quarters: float = 1, more: str = "") -> str:
    """Such as F#4; `more` may hold a chord sign before, ties, a voice."""
    step, alter, octave = pitch[0], pitch.count("#") - pitch.count("b"), pitch[-1]
    altered = f"<alter>{alter}</alter>" if alter else ""
    chord = "<chord/>" if "<chord/>" in more else ""
    return (
        f"<note>{chord}<pitch><step>{step}</step>{altered}<octave>{octave}</octave></pitch>"
        f"<duration>{round(quarters * 12)}</duration>{more.replace('<chord/>', '')}</note>"
    )


START, STOP = '<tie type="start"/>', '<tie type="stop"/>'
CHORD = "<chord/>"


def musicxml(*parts: list[str], first: str = "", names: tuple[str, ...] = ()) -> str:
    """A score of parts of bars; `first` stands in the attributes of every first bar."""
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{names[i] if names else ""}</part-name></score-part>'
        for i in range(len(parts))
    )
    attributes = f"<attributes><divisions>12</divisions>{first}</attributes>"
    played = "".join(
        f'<part id="P{i}">'
        + "".join(
            f'<measure number="{k + 1}">{attributes * (k == 0)}{bar}</measure>' for k, bar in enumerate(bars)
        )
        + "</part>"
        for i, bars in enumerate(parts)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        + DOCTYPE
        + f"<score-partwise><part-list>{listed}</part-list>{played}</score-partwise>"
    )


def read(folder: Path, content: str | bytes, name: str = "score.musicxml") -> Piece:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return score_piece(file, name)


def refused(folder: Path, content: bytes, name: str = "score.xml") -> str:
    """The one reason why nothing of it is read."""
    file = folder / name
    file.write_bytes(content)
    reading = read_file(file)
    assert reading.pieces == []
    [(what, why)] = reading.rejected
    assert what == name
    assert "\n" not in why
    return why


# ---------------------------------------------------------------------------------------------------
# What sounds


def test_parts_tempo_metre_and_key_are_read(tmp_path: Path) -> None:
    first = "<key><fifths>-3</fifths><mode>minor</mode></key><time><beats>6</beats><beat-type>8</beat-type></time>"
    tempo = "<direction><direction-type><metronome><beat-unit>half</beat-unit><per-minute>45</per-minute></metronome></direction-type></direction>"
    piece = read(
        tmp_path, musicxml([tempo + note("C5", 3)], [note("C4", 3)], first=first, names=("Violin", "Cello"))
    )
    assert (piece.tempo, piece.metre, piece.key, piece.parts) == (
        90.0,
        (6, 8),
        "C minor",
        ("Violin", "Cello"),
    )
    assert [(n.pitch, n.part) for n in piece.notes()] == [(60, 1), (72, 0)]


def test_a_source_that_says_nothing_gets_the_defaults(tmp_path: Path) -> None:
    """A key signature without a mode names no key."""
    piece = read(tmp_path, musicxml([note("C4")], first="<key><fifths>2</fifths></key>"))
    assert (piece.tempo, piece.metre, piece.key, piece.parts) == (120.0, (4, 4), "", ())


def test_ties_join_across_bar_lines_and_in_chords(tmp_path: Path) -> None:
    bars = [
        note("C4", 2) + note("G4", 2, START),
        note("G4", 2, STOP + START) + note("C4", 1, START) + note("E4", 1, CHORD + START),
        note("G4", 1, STOP) + note("G4", 1) + note("C4", 1, START) + note("E4", 1, CHORD),
        note("C4", 1, STOP) + note("E4", 1, CHORD),
    ]
    piece = read(tmp_path, musicxml(bars))
    assert sounding(piece) == [
        (0, 48, 60),
        (48, 96, 67),  # over two bar lines; the stop in the third bar does not begin where it ends
        (144, 24, 60),
        (144, 24, 64),
        (168, 24, 67),
        (192, 24, 67),
        (216, 48, 60),
        (216, 24, 64),
        (240, 24, 64),
    ]


def test_a_chord_s_ties_are_its_notes(tmp_path: Path) -> None:
    bars = [
        note("C4", 4, START) + note("E4", 4, CHORD + START),
        note("C4", 4, STOP) + note("E4", 4, CHORD + STOP),
    ]
    assert sounding(read(tmp_path, musicxml(bars))) == [(0, 192, 60), (0, 192, 64)]


def test_a_tie_between_two_pitches_or_over_a_gap_joins_nothing(tmp_path: Path) -> None:
    """music21's stripTies makes one note of a slur written as a tie."""
    rest = "<note><rest/><duration>12</duration></note>"
    bars = [note("G4", 1, START) + note("A4", 1, STOP + START) + rest + note("A4", 1, STOP)]
    assert sounding(read(tmp_path, musicxml(bars))) == [(0, 24, 67), (24, 24, 69), (72, 24, 69)]


def test_a_tie_may_lead_into_another_voice(tmp_path: Path) -> None:
    first, second = "<voice>1</voice>", "<voice>2</voice>"
    back = "<backup><duration>48</duration></backup>"
    bars = [
        note("G4", 4, START + first) + back + note("C4", 4, second),
        note("B4", 4, first) + back + note("G4", 4, STOP + second),
    ]
    assert sounding(read(tmp_path, musicxml(bars))) == [(0, 96, 60), (0, 192, 67), (96, 96, 71)]


def test_voices_with_backup_and_forward(tmp_path: Path) -> None:
    back, on = "<backup><duration>48</duration></backup>", "<forward><duration>24</duration></forward>"
    second = "<voice>2</voice>"
    bar = note("C5", 2) + note("D5", 2) + back + on + note("E4", 1, second) + note("F4", 1, second)
    assert sounding(read(tmp_path, musicxml([bar, note("G4", 4)]))) == [
        (0, 48, 72),
        (48, 24, 64),
        (48, 48, 74),
        (72, 24, 65),
        (96, 96, 67),
    ]


def test_grace_notes_take_a_step_each_where_they_are_asked_for(tmp_path: Path) -> None:
    """Two before a quarter; one before the second half of a tie; one with nothing behind it."""
    file = tmp_path / "graces.krn"
    bars = ["=1", "8eeq", "8ffq", "4cc", "4dd", "8ggq", "[4ee", "=2", "8aaq", "4ee]", "2.cc", "8bbq"]
    file.write_text("\n".join(["**kern", "*M4/4", *bars, "*-", ""]))
    [dropped], [kept] = read_file(file).pieces, read_file(file, reader="graces").pieces
    assert dropped.grace_notes == 5
    assert sounding(dropped) == [(0, 24, 72), (24, 24, 74), (48, 48, 76), (96, 72, 72)]
    assert kept.grace_notes == 2
    assert sounding(kept) == [
        (0, 1, 76), (1, 1, 77), (2, 22, 72), (24, 24, 74), (48, 1, 79), (49, 47, 76), (96, 72, 72),
    ]  # fmt: skip


FERMATA = "<notations><fermata/></notations>"


def test_fermatas_of_musicxml_are_read(tmp_path: Path) -> None:
    """On a note, on all of a chord, and on the second of tied notes, which was lost with it; none above a rest."""
    rest = f"<note><rest/><duration>12</duration>{FERMATA}</note>"
    bars = [
        note("C4", 1, FERMATA) + note("D4") + note("E4", 1, FERMATA) + note("G4", 1, CHORD),
        note("D4") + rest + note("A4", 2, START),
        note("A4", 3, STOP + FERMATA) + note("B4"),
    ]
    piece = read(tmp_path, musicxml(bars))
    assert [n.pitch for n in piece.notes()] == [60, 62, 64, 67, 62, 69, 71]
    assert fermatas(piece) == [True, False, True, True, False, True, False]
    assert read(tmp_path, musicxml([note("C4", 4)])).fermata is None


def test_fermatas_of_kern_are_read_and_stay_behind_grace_notes(tmp_path: Path) -> None:
    """The grace note took the place of the note that it adorns, and its fermata with it."""
    bars = ["=1", "4cc;", "4dd", "8ffq", "[2ee", "=2", "2ee];", "2cc", "=="]
    content = "\n".join(["**kern", "*M4/4", *bars, "*-", ""])
    piece = read(tmp_path, content, "score.krn")
    assert sounding(piece) == [(0, 24, 72), (24, 24, 74), (48, 96, 76), (144, 48, 72)]
    assert fermatas(piece) == [True, False, True, False]
    [graced] = read_file(tmp_path / "score.krn", reader="graces").pieces
    assert sounding(graced)[2:4] == [(48, 1, 77), (49, 95, 76)]
    assert fermatas(graced) == [True, False, False, True, False]


def test_the_fermatas_of_a_chorale() -> None:
    """The soprano of a real score ends six phrases, the last of them with the piece."""
    piece = score_piece(corpus_dir() / "bach" / "bwv66.6.mxl", "bwv66.6")
    marks = fermatas(selected(piece, 1))
    assert (sum(marks), marks[-1]) == (6, True)


def test_grace_notes_leave_the_note_a_step(tmp_path: Path) -> None:
    """Of three before a thirty-second the first has no room."""
    file = tmp_path / "short.krn"
    file.write_text("\n".join(["**kern", "*M4/4", "=1", "8eeq", "8ffq", "8ggq", "32cc", "4dd", "*-", ""]))
    [piece] = read_file(file, reader="graces").pieces
    assert (sounding(piece), piece.grace_notes) == ([(0, 1, 77), (1, 1, 79), (2, 1, 72), (3, 24, 74)], 1)


def test_grace_notes_are_dropped_and_counted(tmp_path: Path) -> None:
    grace = "<note><grace/>{}<pitch><step>D</step><octave>4</octave></pitch><type>eighth</type></note>"
    bar = grace.format("") + grace.format(CHORD) + note("C4", 4)
    piece = read(tmp_path, musicxml([bar]))
    assert (sounding(piece), piece.grace_notes) == ([(0, 96, 60)], 2)


def test_chord_symbols_and_cue_notes_do_not_sound(tmp_path: Path) -> None:
    symbol = "<harmony><root><root-step>G</root-step></root><kind>dominant</kind></harmony>"
    cue = note("A4", 1, "").replace("<note>", "<note><cue/>")
    piece = read(
        tmp_path,
        musicxml([symbol + note("C4", 2) + cue + cue.replace("<cue/>", "<cue/><chord/>") + note("D4", 1)]),
    )
    assert sounding(piece) == [(0, 48, 60), (72, 24, 62)]
    assert piece.grace_notes == 0


def test_a_transposing_instrument_sounds_as_it_sounds(tmp_path: Path) -> None:
    """A B flat clarinet's written C is a B flat, and its D major is C major."""
    clarinet = (
        "<key><fifths>2</fifths><mode>major</mode></key>"
        "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    )
    to_a = "<attributes><transpose><diatonic>-2</diatonic><chromatic>-3</chromatic></transpose></attributes>"
    piece = read(
        tmp_path, musicxml([note("C5", 4), to_a + note("C5", 2) + note("E5", 2, CHORD)], first=clarinet)
    )
    assert sounding(piece) == [(0, 96, 70), (96, 48, 69), (96, 48, 73)]
    assert piece.key == "C major"


def test_an_octave_sign_moves_nothing(tmp_path: Path) -> None:
    """MusicXML writes what sounds under it."""
    sign = '<direction><direction-type><octave-shift type="{}" size="8"/></direction-type></direction>'
    bar = sign.format("down") + note("C6", 2) + note("D6", 2) + sign.format("stop")
    assert sounding(read(tmp_path, musicxml([bar]))) == [(0, 48, 84), (48, 48, 86)]


def test_staves_are_parts_and_a_part_without_staves_is_one(tmp_path: Path) -> None:
    """music21 loses every note of a part that has two staves and does not say which note stands on which."""
    octave = "<transpose><diatonic>0</diatonic><chromatic>0</chromatic><octave-change>1</octave-change></transpose>"
    back = "<backup><duration>48</duration></backup>"
    bar = note("C5", 4, "<staff>1</staff>") + back + note("C4", 4, "<staff>2</staff>")
    content = musicxml(
        [bar], [note("E4", 4)], first="<staves>2</staves>" + octave, names=("Celesta", "Other")
    )
    piece = read(tmp_path, content)
    assert [(n.pitch, n.part) for n in piece.notes()] == [(72, 1), (76, 2), (84, 0)]
    assert piece.parts == ("Celesta", "Celesta", "Other")


def test_unpitched_percussion_is_left_out_and_keeps_its_number(tmp_path: Path) -> None:
    drum = "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched><duration>48</duration></note>"
    piece = read(tmp_path, musicxml([drum], [note("C4", 4)], names=("Drum", "Flute")))
    assert [(n.pitch, n.part) for n in piece.notes()] == [(60, 1)]
    assert piece.parts == ("Drum", "Flute")


def test_tuplets_are_exact(tmp_path: Path) -> None:
    """A sextuplet is on the grid; a septuplet is not, but its ticks are kept."""
    modification = (
        "<time-modification><actual-notes>6</actual-notes><normal-notes>4</normal-notes></time-modification>"
    )
    piece = read(tmp_path, musicxml([note("C4", 1 / 6, modification) * 6 + note("D4", 3)]))
    assert [n.onset for n in piece.notes()] == [0, 4, 8, 12, 16, 20, 24]
    assert not piece.off_grid.any()
    septuplet = musicxml([note("C4", 1 / 12) * 7 + note("D4", 7 / 12)]).replace(
        "<divisions>12", "<divisions>7"
    )
    piece = read(tmp_path, septuplet)
    assert piece.exact[0].tolist() == [2880 * i for i in range(8)]
    assert int(piece.off_grid.sum()) == 7


def test_a_pitch_that_midi_has_not_is_an_error(tmp_path: Path) -> None:
    why = refused(tmp_path, musicxml([note("C4") + note("A9")]).encode(), "high.musicxml")
    assert why == "has the pitch A9, 129 in MIDI, which ends at 0 and 127"


def test_a_part_that_another_doubles_is_whole(tmp_path: Path) -> None:
    """Of two parts' notes of one onset and pitch the longer stayed, and the melody had a hole."""
    file = tmp_path / "two.musicxml"
    file.write_text(musicxml([note("C4", 1) + note("D4", 1)], [note("C4", 2)]))
    piece = score_piece(file, "")
    assert [(n.duration, n.pitch) for n in selected(piece, 1).notes()] == [(24, 60), (24, 62)]
    assert [(n.duration, n.pitch) for n in selected(piece, 2).notes()] == [(48, 60)]
    merged = piece.merged()
    assert [(n.duration, n.pitch) for n in merged.notes()] == [(48, 60), (24, 62)]
    assert (piece.doubled, merged.doubled) == (0, 1)


KERN = """**kern\t**kern
*M3/4\t*M3/4
*k[f#]\t*k[f#]
*e:\t*e:
*MM90\t*MM90
=1\t=1
[2.E\t4e 4g
.\t8qb
.\t[4a
.\t4a]
=2\t=2
*\t*^
2.E]\t2b\t4g
.\t.\t2e
.\t4cc\t.
*\t*v\t*v
==\t==
*-\t*-
"""


def test_kern_with_a_spine_split(tmp_path: Path) -> None:
    piece = read(tmp_path, KERN, "two.krn")
    assert (piece.metre, piece.key, piece.tempo) == ((3, 4), "E minor", 90.0)
    assert piece.grace_notes == 1
    assert sounding(piece) == [
        (0, 144, 52),
        (0, 24, 64),
        (0, 24, 67),
        (24, 48, 69),
        (72, 24, 67),
        (72, 48, 71),
        (96, 48, 64),
        (120, 24, 72),
    ]


def test_several_scores_in_one_kern_file_are_several_pieces(tmp_path: Path) -> None:
    one = "**kern\n*M4/4\n=1\n1{}\n==\n*-\n"
    file = tmp_path / "mass.krn"
    file.write_text(one.format("c") + one.format("d"))
    pieces = score_pieces(file, "mass.krn")
    assert [(p.name, sounding(p)) for p in pieces] == [
        ("mass.krn#1", [(0, 96, 60)]),
        ("mass.krn#2", [(0, 96, 62)]),
    ]
    assert [p.name for p in read_file(file).pieces] == ["mass.krn#1", "mass.krn#2"]
    with pytest.raises(ValueError, match="holds 2 pieces"):
        score_piece(file, "")


def test_a_chorale() -> None:
    piece = score_piece(corpus_dir() / "bach" / "bwv66.6.mxl", "bwv66.6")
    assert (piece.parts, piece.key, piece.metre) == (("Soprano", "Alto", "Tenor", "Bass"), "F# minor", (4, 4))
    assert (len(piece), len(piece.merged()), int(piece.off_grid.sum()), piece.quarters) == (163, 154, 0, 36.0)
    assert [n.pitch for n in piece.notes() if n.part == 0][:9] == [73, 71, 69, 71, 73, 76, 73, 71, 69]


# ---------------------------------------------------------------------------------------------------
# What does harm


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return packed.getvalue()


SCORE = musicxml([note("C4")]).encode()
CONTAINER = b'<container><rootfiles><rootfile full-path="b.xml"/></rootfiles></container>'


def encrypted(archive: bytes) -> bytes:
    """The flag of a password set in both headers of the only member."""
    changed = bytearray(archive)
    changed[6] |= 1
    changed[archive.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    "content",
    [
        zipped(a_xml=SCORE),
        zipped(a_xml=b"<nothing/>", b_xml=SCORE, **{"META-INF__container_xml": CONTAINER}),
        zipped(a_musicxml=SCORE, **{"META-INF__container_xml": CONTAINER}),
        SCORE,
    ],
    ids=["without container", "container", "container that errs", "not packed"],
)
def test_packed_scores(tmp_path: Path, content: bytes) -> None:
    for name in ("a.mxl", "misnamed.musicxml"):
        assert sounding(read(tmp_path, content, name)) == [(0, 24, 60)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """UTF-16 that calls itself UTF-8 is written by programs too."""
    text = musicxml([note("C4")], names=("Flöte",))
    said = text.replace("UTF-8", {"latin-1": "ISO-8859-1", "utf-16": "UTF-16"}.get(encoding, "UTF-8"))
    for document in (said, text) if encoding == "utf-16" else (said,):
        assert read(tmp_path, document.encode(encoding)).parts == ("Flöte",)


BOMB = (
    '<?xml version="1.0" encoding="{}"?><!DOCTYPE score-partwise [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><score-partwise>&i;</score-partwise>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
def test_entities_are_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    name = {"latin-1": "ISO-8859-1", "utf-16-le": "UTF-16"}.get(encoding, encoding)
    bomb = BOMB.format(name).encode(encoding)
    assert "declares entities" in refused(tmp_path, bomb)
    assert "declares entities" in refused(tmp_path, zipped(a_xml=bomb), "a.mxl")
    assert "declares entities" in refused(tmp_path, zipped(**{"META-INF__container_xml": bomb}), "a.mxl")


def test_external_entities_are_refused(tmp_path: Path) -> None:
    for declared in (
        '<!ENTITY x SYSTEM "file:///etc/hostname">',
        '<!ENTITY % x SYSTEM "http://localhost:1/x"> %x;',
    ):
        document = f"<!DOCTYPE score-partwise [{declared}]><score-partwise>&x;</score-partwise>"
        assert "declares entities" in refused(tmp_path, document.encode())


def test_an_archive_that_unfolds_to_too_much_is_refused(tmp_path: Path) -> None:
    zeros = bytes((LARGEST_MEGABYTES // 2 + 1) * 2**20)
    bomb = zipped(a_xml=zeros, b_xml=zeros)
    assert len(bomb) < 2**18
    assert "unfolds to 66 MB, and at most 64" in refused(tmp_path, bomb, "bomb.mxl")


def test_an_archive_that_declares_too_little_gives_no_more(tmp_path: Path) -> None:
    bomb = bytearray(zipped(a_xml=bytes(2**20)))
    central = bomb.index(b"PK\x01\x02")
    for at in (22, central + 24):
        bomb[at : at + 4] = struct.pack("<I", 1000)
    assert "is a damaged archive" in refused(tmp_path, bytes(bomb), "bomb.mxl")


PACKED = zipped(a_xml=SCORE)
MANY = zipped(**{f"a{i}_txt": b"" for i in range(1001)})


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mxl", b"", "is empty"),
        ("empty.xml", b" \n", "is empty"),
        ("html.xml", b"<html><body/></html>", "is no MusicXML: its root is <html>"),
        ("text.xml", b"X:1\nK:C\n", "is no XML, or damaged: syntax error: line 1, column 0"),
        ("text.mxl", b"X:1\nK:C\n", "is no XML, or damaged: syntax error"),
        ("cut.xml", SCORE[:-30], "is damaged XML: "),
        (
            "odd.xml",
            b'<?xml version="1.0" encoding="klingon"?><score-partwise/>',
            "is XML in an encoding that cannot be read: unknown encoding: klingon",
        ),
        ("bars.xml", b"<score-timewise/>", "is MusicXML by measures (<score-timewise>); save it by parts"),
        ("comment.xml", b"<!-- nothing -->", "is no XML, or damaged: no element found"),
        ("none.musicxml", b"<score-partwise/>", "holds no note"),
        ("cut.mxl", PACKED[:-30], "is a damaged archive: "),
        ("spoilt.mxl", PACKED[:60] + bytes(20) + PACKED[80:], "is a damaged archive: "),
        ("secret.mxl", encrypted(PACKED), "is an archive with a password"),
        ("many.mxl", MANY, "is an archive of 1,001 files, and at most 1,000 are read"),
        ("other.mxl", zipped(a_txt=SCORE), "is an archive without a score"),
        ("text.krn", b"no kern\n", "is no score in Humdrum's **kern"),
        ("empty.krn", b"", "is no score in Humdrum's **kern"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[-9:] else "",
)
def test_bad_files_are_rejected_with_a_sentence(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    assert reason in refused(tmp_path, content, name)


def test_reading_writes_nothing_and_fetches_nothing(tmp_path: Path) -> None:
    """music21's converter puts a pickle of every score into the folder of temporary files."""
    (tmp_path / "a.musicxml").write_text(musicxml([note("C4")]))
    (tmp_path / "a.mxl").write_bytes(PACKED)
    (tmp_path / "a.krn").write_text(KERN)
    write_midi(scale(60, 62), tmp_path / "a.mid")
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "import sys; from pathlib import Path; from musicexp.music.reading import read_file\n"
        "assert all(read_file(Path(a), reader='music21').pieces for a in sys.argv[1:])"
    )
    files = [str(path) for path in sorted(tmp_path.glob("a.*"))]
    places = {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", program, *files], check=True, env=os.environ | places, cwd=home)
    assert list(home.rglob("*")) == []


# ---------------------------------------------------------------------------------------------------
# MIDI by music21


def by_both(file: Path) -> tuple[Piece, Piece]:
    [ours], [theirs] = read_file(file).pieces, read_file(file, reader="music21").pieces
    return ours, theirs


def assert_equal(file: Path) -> None:
    """Every note, its part and its velocity, the metre and the tempo."""
    ours, theirs = by_both(file)
    assert theirs.notes() == ours.notes(), file.name
    assert (theirs.metre, theirs.tempo, theirs.key) == (ours.metre, ours.tempo, ours.key), file.name


def shared_midi(folder: str) -> list[Path]:
    found = sorted((SHARED / "data" / folder).glob("*.mid"))
    if not found:
        pytest.skip(f"no {folder} beside the project")
    return found


@pytest.mark.parametrize("name", ["a.mid", "b.kar", "c.MIDI"])
def test_music21_reads_our_midi_as_symusic_does(tmp_path: Path, name: str) -> None:
    write_midi(melody(1), tmp_path / name)
    assert_equal(tmp_path / name)


@pytest.mark.parametrize("folder", ["js-fakes", "nottingham/melody"])
def test_music21_reads_written_music_as_symusic_does(folder: str) -> None:
    for file in Random(0).sample(shared_midi(folder), 5):
        assert_equal(file)


def on_fourths_or_thirds(piece: Piece) -> bool:
    """Whether each note begins and ends on a fourth or third of a quarter, to which music21 snaps MIDI."""
    times = np.concatenate([piece.onset, piece.onset + piece.duration])
    return bool(((times % 6 == 0) | (times % 8 == 0)).all())


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["js-fakes", "nottingham/melody", "nottingham/full"])
def test_music21_reads_much_written_music_as_symusic_does(folder: str) -> None:
    """Exactly those files alike whose times music21 does not move; three of 100 in Nottingham it does."""
    alike = 0
    for file in Random(1).sample(shared_midi(folder), 100):
        ours, theirs = by_both(file)
        assert (theirs.notes() == ours.notes()) == on_fourths_or_thirds(ours), file.name
        alike += theirs.notes() == ours.notes()
    assert alike >= 97


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ([(0, 24, 60), (0, 30, 64)], [(0, 30, 60), (0, 30, 64)]),
        ([(0, 24, 60), (2, 24, 64)], [(0, 24, 60), (0, 24, 64)]),
        ([(0, 3, 60), (3, 3, 62), (6, 3, 64), (9, 3, 65)], [(0, 6, 60), (0, 6, 62), (6, 6, 64), (6, 6, 65)]),
        ([(0, 5, 60), (5, 5, 62), (10, 5, 64)], [(0, 6, 60), (0, 6, 62), (12, 6, 64)]),
    ],
    ids=["a chord of unequal lengths", "a chord not struck at once", "thirty-seconds", "quintuplets"],
)
def test_where_music21_is_not_exact(
    tmp_path: Path, written: list[tuple[int, int, int]], heard: list[tuple[int, int, int]]
) -> None:
    """So tutorials read MIDI: what begins and ends within a quarter of a quarter of each other becomes a chord
    with one onset and one length, and all times snap to fourths and thirds of a quarter."""
    write_midi(Piece.of([Note(*n) for n in written]), tmp_path / "a.mid")
    ours, theirs = by_both(tmp_path / "a.mid")
    assert sounding(ours) == written
    assert sounding(theirs) == heard


def track(*events: bytes) -> bytes:
    body = b"".join(events) + b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def test_damaged_midi_is_refused_before_music21_sees_it(tmp_path: Path) -> None:
    """It loops for ever over a last note 2^28 ticks away."""
    head = b"MThd" + struct.pack(">IHHH", 6, 1, 1, 24)
    late = head + track(b"\x00\x90\x3c\x40", b"\xff\xff\xff\x7f\x80\x3c\x40")
    far_metre = head + track(
        b"\x00\x90\x3c\x40\x18\x80\x3c\x40", b"\xff\xff\xff\x7f\xff\x58\x04\x06\x03\x18\x08"
    )
    (tmp_path / "a.mid").write_bytes(late)
    (tmp_path / "b.mid").write_bytes(far_metre)
    (tmp_path / "c.mid").write_bytes(b"no MIDI")
    reasons = [read_file(tmp_path / f"{name}.mid", reader="music21").rejected for name in "abc"]
    assert "more than 6 hours" in reasons[0][0][1]
    assert "more than 6 hours" in reasons[1][0][1]
    assert "no MIDI file" in reasons[2][0][1]
