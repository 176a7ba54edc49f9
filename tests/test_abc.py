"""ABC: what of a tune sounds is read as it sounds, also where music21's own reading goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import HEAD, melodies, quickly, sounding

from musicexp.music import Piece, read_abc, read_file
from musicexp.music.abc import normalised
from musicexp.tokens import tokenizer
from musicexp.tokens.abc import abc_of


def pitches(body: str, head: str = HEAD) -> list[int]:
    return [note.pitch for note in read_abc(head + body).notes()]


def lengths(body: str, head: str = HEAD) -> list[tuple[int, int, int]]:
    return sounding(read_abc(head + body))


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("C2-C2 D2", [(0, 48, 60), (48, 24, 62)]),
        ("C2-|C2 D2", [(0, 48, 60), (48, 24, 62)]),
        ("C2-|\nC2 D2", [(0, 48, 60), (48, 24, 62)]),
        ("C-C-C D", [(0, 36, 60), (36, 12, 62)]),
        ("[CE]-[CE] D", [(0, 24, 60), (0, 24, 64), (24, 12, 62)]),
        ("[CE]-|[C2E2] D", [(0, 36, 60), (0, 36, 64), (36, 12, 62)]),
        ("[C-E-]2[CE] D", [(0, 36, 60), (0, 36, 64), (36, 12, 62)]),
        ("C-[CE] D", [(0, 24, 60), (12, 12, 64), (24, 12, 62)]),
        ("[CE]-C D", [(0, 24, 60), (0, 12, 64), (24, 12, 62)]),
        ("C-z C", [(0, 12, 60), (24, 12, 60)]),
        ("C C", [(0, 12, 60), (12, 12, 60)]),
    ],
)
def test_ties_join(body: str, notes: list[tuple[int, int, int]]) -> None:
    """music21 10.5 loses every tie that begins at a chord."""
    assert lengths(body) == notes


def test_a_tie_between_two_pitches_joins_nothing() -> None:
    """music21's stripTies makes one note of `G-A`."""
    assert lengths("G-A B") == [(0, 12, 67), (12, 12, 69), (24, 12, 71)]


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("HG3 A", [(0, 36, 67), (36, 12, 69)]),
        ('">"A B', [(0, 12, 69), (12, 12, 71)]),
        ("A>.B c", [(0, 18, 69), (18, 6, 71), (24, 12, 72)]),
        ("A < B c", [(0, 6, 69), (6, 18, 71), (24, 12, 72)]),
        ("B>-A c", [(0, 18, 71), (18, 6, 69), (24, 12, 72)]),
        ('"Am"A "D7/F#"B', [(0, 12, 69), (12, 12, 71)]),
        ("!trill!A +fermata+B (.c~d)", [(0, 12, 69), (12, 12, 71), (24, 12, 72), (36, 12, 74)]),
        ("A!B c!B", [(0, 12, 69), (12, 12, 71), (24, 12, 72), (36, 12, 71)]),
        ("AxB", [(0, 12, 69), (24, 12, 71)]),
        ("Ay2B", [(0, 12, 69), (12, 12, 71)]),
        ("A3//B", [(0, 9, 69), (9, 12, 71)]),
        ("(3ABc (3:2:2AB d", [(0, 8, 69), (8, 8, 71), (16, 8, 72), (24, 8, 69), (32, 8, 71), (40, 12, 74)]),
        ("A % B\nc\nw: b-b\nP:A\n%%text b", [(0, 12, 69), (12, 12, 72)]),
        ("[1A:|[2B|]|:c:|", [(0, 12, 69), (12, 12, 71), (24, 12, 72)]),
    ],
)
def test_decoration_is_not_music(body: str, notes: list[tuple[int, int, int]]) -> None:
    """music21 loses `HG3`, makes a broken rhythm of `">"` and misses the one in `A>.B` and `B>-A`; it passes over
    `x` rests and takes `3//` for a quarter; what stood between two line-breaking `!` was taken for a decoration."""
    assert lengths(body) == notes


@pytest.mark.parametrize(
    ("body", "pitches"),
    [("c e:|\nE:|\nA", [72, 76, 64, 69]), ("e:", [76]), ("G:|:B", [67, 71]), ("w:la la\nA", [69])],
)
def test_a_note_before_a_repeat_is_no_field(body: str, pitches: list[int]) -> None:
    """`e:|` and `E:|` at the beginning of a line were taken for fields, and the note was lost."""
    assert [note.pitch for note in read_abc(HEAD + body + "\n").notes()] == pitches


@pytest.mark.parametrize("body", ["cA::GF|", "cA:\nGF|", "cA:G[K:C]F"])
def test_a_capital_before_a_repeat_sign_is_a_note(body: str) -> None:
    """music21 takes `A::` for a field: 8 tunes of ryans and 13 of airds lost what stood behind it in its line."""
    assert pitches(body) == [72, 69, 67, 65]


def test_rests_of_whole_bars_last() -> None:
    """`Z2` was left out with its bars, and its digit could fall to the note before."""
    assert lengths("A8|Z2|B8") == [(0, 96, 69), (288, 96, 71)]
    assert lengths("A|Z|B", HEAD.replace("4/4", "3/4")) == [(0, 12, 69), (84, 12, 71)]


def test_fields_within_a_line_count() -> None:
    """[K:D], [L:1/16] and [M:3/4] in the midst of a line were dropped, and what followed was misread."""
    assert pitches("F[K:D]F\nK:C\nF") == [65, 66, 65]
    assert lengths("A[L:1/16]A[L:1/8]A") == [(0, 12, 69), (12, 6, 69), (18, 12, 69)]
    assert read_abc(HEAD + "A[M:3/4]Z A").abc == "M:4/4\nL:1/8\nK:C\nA\nM:3/4\nz6 A"


def test_an_accidental_holds_to_the_end_of_its_bar() -> None:
    """music21 lets an accidental of ABC before 2.0 count for one note, which no tune in its corpus means."""
    assert pitches("^CC|C _BB=B") == [61, 61, 60, 70, 70, 71]
    assert pitches("A =20\nA") == [69, 69]


def test_only_the_first_voice_of_a_tune_is_read() -> None:
    """The voices of a round were read as one after the other."""
    assert pitches("[V:1] CD|\n[V:2] EF|\n[V:1] GA|\n") == [60, 62, 67, 69]
    assert pitches("V:T1 clef=treble\nCD|\nV:B1\nEF|\nV:T1\nGA|\n") == [60, 62, 67, 69]


@pytest.mark.parametrize("pitch", range(128))
def test_every_pitch_has_a_name(pitch: int) -> None:
    """music21 reads its own name of C in octave -1 as a C flat of octave 1."""
    from musicexp.music import Note

    piece = Piece.of([Note(0, 12, pitch)])
    assert sounding(read_abc("X:1\n" + abc_of(piece))) == [(0, 12, pitch)]
    assert sounding(tokenizer("abc").piece(list(abc_of(piece)))) == [(0, 12, pitch)]


def test_grace_notes_are_dropped_and_counted() -> None:
    piece = read_abc(HEAD.replace("A tune", "{abc} of braces") + "{g}A {/gef}B %{c}\n")
    assert sounding(piece) == [(0, 12, 69), (12, 12, 71)]
    assert piece.grace_notes == 4


@pytest.mark.parametrize(
    ("head", "metre", "unit", "key", "sharp"),
    [
        ("M:6/8\nL:1/8\nK:G", (6, 8), 12, "G major", True),
        ("M:2/4\nK:Em", (2, 4), 6, "E minor", True),
        ("M:3/4\nK:D dorian", (3, 4), 12, "D dorian", False),
        ("M:C\nK:Amix", (4, 4), 12, "A mixolydian", True),
        ("M:C|\nL: 1/4\nK:Bb", (2, 2), 24, "B- major", False),
        ("M:none\nK:none", (4, 4), 12, "C major", False),
        ("M: 9/8\nL:1/16\nK: A major", (9, 8), 6, "A major", True),
        ("L:1/8\nK:Hp", (4, 4), 12, "D major", True),
    ],
)
def test_heads(head: str, metre: tuple[int, int], unit: int, key: str, sharp: bool) -> None:
    """A highland pipes' tune was read without its two sharps."""
    piece = read_abc(f"X:1\n{head}\nF")
    assert (piece.metre, piece.key) == (metre, key)
    assert sounding(piece) == [(0, unit, 66 if sharp else 65)]


BODY = st.text(st.sampled_from("ABCdefgz^_=,'0123/|:[]()<>- \n\"!+{}KLMVZxy%&.~H"), max_size=60)


@quickly
@given(BODY)
def test_the_one_spelling_is_its_own(body: str) -> None:
    spelt = normalised(HEAD + body)
    assert normalised("X:1\n" + spelt) == spelt


@quickly
@given(melodies())
def test_a_melody_written_as_abc_is_read_back(piece: Piece) -> None:
    """Lengths of three digits were cut: 101/12 became 10 eighths."""
    again = read_abc("X:1\n" + abc_of(piece))
    assert sounding(again) == sounding(piece)
    assert again.metre == piece.metre
    assert normalised("X:1\n" + abc_of(piece)) == again.abc == abc_of(piece)


def test_a_metre_that_abc_does_not_know_is_no_obstacle() -> None:
    """A bar shorter than a step of the grid divided by zero."""
    from musicexp.music import Note

    piece = Piece.of([Note(0, 12, 60)], metre=(1, 128))
    assert abc_of(piece) == "M:4/4\nL:1/8\nK:C\nC"


# ---------------------------------------------------------------------------------------------------
# Tune books


BOOK = """%abc-2.1
This book has a preface, and a bag of cabbage.
X:1
T:One
K:C
CDEF|

A few words between tunes: face, egg, bad.

X:2
T:Two, without notes
K:G

X:3
T:Three, whose length is no length
K:C
A/0 B
X:4
T:Four
K:D
F
X:5
T:Five, without a key line
CDE
"""


def test_a_bad_tune_does_not_lose_the_book(tmp_path: Path) -> None:
    """Prose between tunes was read as notes; a last tune without K: was passed over without a word."""
    (tmp_path / "book.ABC").write_text(BOOK, encoding="utf-8")
    reading = read_file(tmp_path / "book.ABC", "book")
    assert [(piece.name, [n.pitch for n in piece.notes()]) for piece in reading.pieces] == [
        ("book#1", [60, 62, 64, 65]),
        ("book#4", [66]),
    ]
    assert [what for what, _ in reading.rejected] == ["book#2", "book#3", "book#5"]
    reasons = [why for _, why in reading.rejected]
    assert reasons[0] == "holds no note"
    assert "ZeroDivisionError" in reasons[1]
    assert "no line K:" in reasons[2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    """A byte order mark hid the first tune."""
    text = HEAD.replace("A tune", "Für Élise") + "CD\n"
    (tmp_path / "tune.abc").write_bytes(text.replace("\n", end).encode(encoding))
    [piece] = read_file(tmp_path / "tune.abc").pieces
    assert (piece.name, sounding(piece)) == ("tune.abc", [(0, 12, 60), (12, 12, 62)])


@pytest.mark.parametrize("content", [b"", b"no tune", b"\x00\xff\xfe" * 9, b"K:C\nCDE"])
def test_a_file_without_a_tune_is_rejected_with_a_reason(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.abc").write_bytes(content)
    assert read_file(tmp_path / "bad.abc").rejected == [
        ("bad.abc", "holds no tune: an ABC tune begins with a line X:1 and has a line K:")
    ]
