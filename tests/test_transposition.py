"""Transposition: a tune sounds the same, so many semitones higher, and reads as if it had been written there."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tunes import HEAD, fermatas, melodies, polyphony, quickly, scale, sounding

from musicexp.music import ABC_KEYS, Note, Piece, read_abc, read_file
from musicexp.music import signatures as key_numbers
from musicexp.music.abc import normalised
from musicexp.music.abc_transposed import transposed as transposed_abc
from musicexp.music.collections import corpus_dir
from musicexp.music.transposition import transposed, transposed_key
from musicexp.music.tunes import tunes_of
from musicexp.tokens import tokenizer
from musicexp.tokens.abc import abc_of

BOOK = corpus_dir() / "oneills1850" / "0550-0625.abc"
TUNES = [
    normalised(tune)
    for file in (*sorted((corpus_dir() / "ryansMammoth").glob("*.abc"))[3::30], BOOK)
    for tune in list(tunes_of(file.read_text(encoding="utf-8", errors="replace")))[:12]
]
KEYS = [key for key in ABC_KEYS if not key.endswith("loc") and key[:2] not in ("Fb", "B#")]
SEMITONES = st.integers(-12, 12)

NOTES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "", "^", "_", "=", "^^", "__"]),
    st.sampled_from("CDEFGABcdefgab"),
    st.sampled_from(["", "", ",", "'", ",,"]),
    st.sampled_from(["", "2", "/2", "3/4"]),
)
BODIES = st.lists(
    NOTES
    | st.sampled_from(
        [" ", "|", "::", ":|", "|:", "[1", "-", "z", "<", "(3", "\n", "|\nM:3/4\n", "\nL:1/4\n"]
    )
    | st.builds("[{}{}]2".format, NOTES, NOTES)
    | st.builds("\nK:{}\n".format, st.sampled_from(KEYS)),
    max_size=16,
).map("".join)


def check(abc: str, semitones: int) -> None:
    """All laws of a transposed tune in the one spelling."""
    piece = read_abc("X:1\n" + abc)
    moved = transposed_abc(abc, semitones)
    again = read_abc("X:1\n" + moved)
    assert sounding(again) == [(on, lasts, pitch + semitones) for on, lasts, pitch in sounding(piece)]
    assert again.onset.tolist() == piece.onset.tolist()
    assert normalised("X:1\n" + moved) == moved
    assert transposed_key(piece.key, semitones) == again.key or semitones == 0
    assert transposed_abc(abc, 0) == abc
    written = tokenizer("abc").piece(list(abc))
    if sounding(written) == sounding(piece):  # what a model may write
        assert sounding(tokenizer("abc").piece(list(moved))) == sounding(again)


@quickly
@given(st.sampled_from(TUNES), SEMITONES)
@pytest.mark.slow
def test_real_tunes_sound_the_same_elsewhere(abc: str, semitones: int) -> None:
    check(abc, semitones)


@quickly
@given(st.sampled_from(KEYS), BODIES, SEMITONES)
@example("G", "^^F F =F F | F", 2)
@example("F#", "^^F F ^^G G", 1)
@example("C", "^C\nK:Db\nC D =C C", 3)
@example("D", "g c::\nB", -1)
@example("Cb", "__B, B,, C", 11)
@pytest.mark.slow
def test_generated_tunes_sound_the_same_elsewhere(key: str, body: str, semitones: int) -> None:
    check(normalised(f"X:1\nM:4/4\nL:1/8\nK:{key}\n{body}"), semitones)


@quickly
@given(melodies(), SEMITONES)
def test_tunes_written_for_a_piece_sound_the_same_elsewhere(piece: Piece, semitones: int) -> None:
    check(abc_of(piece), semitones)


@pytest.mark.parametrize(
    ("before", "semitones", "after"),
    [
        ("K:C\nC^DE _B=BB|", 2, "K:D\nD^EF =c^cc|"),
        ("K:G\nGABc dfg2|^f=f|", -2, "K:F\nFGAB cef2|=e_e|"),
        ("K:G\nGABc dfg2|^f=f|", 10, "K:F\nfgab c'e'f'2|=e'_e'|"),
        ("K:Bb\nB,[B,D]4z2 (3FGA B>c|", 1, "K:B\nB,[B,D]4z2 (3FGA B>c|"),
        ("K:C\nC,, c''", 1, "K:Db\nD,, d''"),
        ("K:Am\nA\nK:Dmix\nF\nM:3/4\nG", 3, "K:Cm\nc\nK:Fmix\nA\nM:3/4\nB"),
        ("K:C\nF", 6, "K:F#\nB"),
        ("K:Ab\n^^G A|", 1, "K:A\n^A =A|"),
    ],
)
def test_golden(before: str, semitones: int, after: str) -> None:
    """The last: G would have a third sharp, so the note is an A, and the next one must say that it is not."""
    head = "M:4/4\nL:1/8\n"
    assert transposed_abc(head + before, semitones) == head + after


@pytest.mark.parametrize("key", KEYS)
def test_a_key_goes_where_it_has_fewest_accidentals(key: str) -> None:
    found = set()
    for semitones in range(1, 13):
        line = transposed_abc(f"M:4/4\nL:1/8\nK:{key}\n", semitones).split("\n")[2]
        assert line[2:] in ABC_KEYS
        found.add(line)
    assert len(found) == 12, "twelve tonics"
    assert {key_numbers.transposed_signature(0, k) for k in range(12)} == set(range(-5, 7))


@pytest.mark.parametrize(
    ("body", "semitones", "reason"),
    [
        ("K:Bloc\nC", 1, "K:Bloc cannot be transposed"),
        ("K:Fb\nC", 1, "K:Fb cannot be transposed"),
        ("K:C\n^_C", 1, "mixed accidentals"),
        ("K:C\nG [CE", 1, "a chord without its end"),
        ("K:C\ng''''", 1, "the note g'''' cannot be transposed by 1: MIDI has no such pitch"),
        ("K:C\nC,,,,,", -1, "the note C,,,,, cannot be transposed by -1: MIDI has no such pitch"),
    ],
)
def test_what_cannot_be_transposed_is_refused(body: str, semitones: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        transposed_abc("M:4/4\nL:1/8\n" + body, semitones)


# ---------------------------------------------------------------------------------------------------
# Pieces


def test_every_pitch_is_written_on_either_side() -> None:
    abc = abc_of(Piece.of([Note(12 * i, 12, pitch) for i, pitch in enumerate(range(1, 127))]))
    for semitones in (-1, 1):
        moved = tokenizer("abc").piece(list(transposed_abc(abc, semitones)))
        assert moved.pitch.tolist() == list(range(1 + semitones, 127 + semitones))


def test_fermatas_move_with_their_notes() -> None:
    moved = transposed(Piece.of(scale(60, 62).notes(), fermata=[False, True]), 3)
    assert moved is not None
    assert (moved.pitch.tolist(), fermatas(moved)) == ([63, 65], [False, True])


@quickly
@given(polyphony(), SEMITONES)
def test_a_piece_moves_whole_or_not_at_all(piece: Piece, semitones: int) -> None:
    moved = transposed(piece, semitones)
    if not all(0 <= pitch + semitones <= 127 for pitch in piece.pitch):
        assert moved is None
        return
    assert moved is not None
    assert moved.notes() == [note._replace(pitch=note.pitch + semitones) for note in piece.notes()]
    assert (moved.name, moved.tempo, moved.metre) == (piece.name, piece.tempo, piece.metre)
    assert moved.family() == piece.family()


def test_a_tune_keeps_its_abc_and_its_ticks() -> None:
    [piece] = read_file(sorted((corpus_dir() / "ryansMammoth").glob("*.abc"))[3]).pieces
    moved = transposed(piece, 3)
    assert moved is not None
    assert moved.abc == transposed_abc(piece.abc, 3)
    assert sounding(read_abc("X:1\n" + moved.abc)) == sounding(moved)
    assert transposed(piece, 0) is piece
    lost = transposed(read_abc(HEAD.replace("K:C", "K:Bloc") + "CD"), 1)
    assert lost is not None
    assert lost.abc == ""
    odd = transposed(read_abc(HEAD + "A/24B/5"), 1)
    assert odd is not None
    assert odd.onset_ticks is not None


@pytest.mark.parametrize(
    ("key", "semitones", "name"),
    [
        ("A minor", 1, "B- minor"),
        ("A minor", 2, "B minor"),
        ("C major", 6, "F# major"),
        ("C# major", 12, "D- major"),
        ("D dorian", -2, "C dorian"),
        ("B- major", 2, "C major"),
        ("E phrygian", 6, "A# phrygian"),
        ("", 2, ""),
        ("H major", 2, ""),
        ("C odd", 2, ""),
    ],
)
def test_keys_have_names(key: str, semitones: int, name: str) -> None:
    assert transposed_key(key, semitones) == name
