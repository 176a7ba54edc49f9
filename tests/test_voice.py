"""One voice: it comes back in its bars and key, and what is drawn under the grammar is what would have been written."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import HEAD, fermatas, melodies, polyphony, quickly, scale, sounding, with_fermatas

from musicexp.errors import MusicError
from musicexp.metrics import RoundTrip, roundtrip
from musicexp.music import Note, Piece, read_abc, read_file
from musicexp.music.bar_lines import written_upbeat
from musicexp.music.collections import collection
from musicexp.music.similar import skyline
from musicexp.music.transposition import transposed
from musicexp.tokens import BOS, EOS, PAD, Viewpoints, Vocabulary, tokenizer
from musicexp.tokens.event_grammar import bar_steps
from musicexp.tokens.voice_grammar import said

VOICE = tokenizer("voice")
KEYS = ("", "C major", "A minor", "F# dorian", "B- major", "G# minor", "E- mixolydian")
UPBEAT = Piece.of(
    [Note(0, 24, 64), Note(24, 48, 69), Note(120, 6, 71)], metre=(3, 4), upbeat=24, key="A minor"
)
"""A quarter, a half note and a long rest, and a short note two bars later."""
METRES = st.tuples(st.integers(1, 24), st.sampled_from([1, 2, 3, 4, 8, 16, 64, 128]))
TOKENS = (
    st.sampled_from(["key:none", "key:9/minor", "key:12/major", "metre:3/4", "metre:1/64", "1:0:24", "0:0:1"])
    | st.just("fermata")
    | st.builds("{}:{}:{}".format, st.integers(0, 3), st.integers(0, 130), st.integers(0, 60))
    | st.builds("pitch:{}".format, st.integers(-1, 130))
)


@st.composite
def in_bars(draw: st.DrawFn) -> Piece:
    """One voice in some key and metre, with or without an upbeat and fermatas; nothing is silent in an upbeat."""
    piece, metre = draw(melodies() | with_fermatas(melodies())), draw(METRES)
    upbeat = None if piece.onset[0] else draw(st.none() | st.integers(0, bar_steps(metre) - 1))
    return dataclasses.replace(piece, metre=metre, upbeat=upbeat, key=draw(st.sampled_from(KEYS)))


def test_golden() -> None:
    tokens = VOICE.tokens(UPBEAT)
    assert " ".join(tokens) == "key:9/minor metre:3/4 0:48:24 pitch:64 1:0:48 pitch:69 1:24:6 pitch:71"
    again = VOICE.piece(tokens, "x", like=Piece.of([], tempo=77.0, metre=(6, 8), key="C major"))
    assert sounding(again) == sounding(UPBEAT)
    assert (again.tempo, again.metre, again.key, again.upbeat, again.name) == (77, (3, 4), "A minor", 24, "x")
    assert VOICE.piece(["1:0:24", "pitch:60"], like=again).metre == (3, 4)
    assert VOICE.piece(["key:none"], like=again).key == "A minor"
    more = ["key:none", "key:2/major", "metre:2/4", "0:48:6", "1:0:12", "pitch:60"]
    assert VOICE.vocabulary([tokens, more]).tokens[3:] == (
        *("key:none", "key:2/major", "key:9/minor", "metre:2/4", "metre:3/4"),
        *("0:48:6", "0:48:24", "1:0:12", "1:0:48", "1:24:6", "pitch:60", "pitch:64", "pitch:69", "pitch:71"),
    )


def test_a_whole_bar_begins_with_a_bar_line_and_a_rest_comes_back_by_position() -> None:
    rest = Piece.of([Note(72, 24, 60), Note(300, 12, 62)], upbeat=0)
    assert VOICE.tokens(rest) == ["key:none", "metre:4/4", "1:72:24", "pitch:60", "3:12:12", "pitch:62"]
    again = VOICE.piece(VOICE.tokens(rest))
    assert (sounding(again), again.upbeat) == (sounding(rest), 0)


def test_the_bar_lines_of_abc_tell_the_upbeat() -> None:
    tune = read_abc(HEAD.replace("K:C", "K:Ador") + "E2|A4 B2c2|d4 e4|")
    assert VOICE.tokens(tune)[:6] == [
        "key:9/dorian",
        "metre:4/4",
        "0:72:24",
        "pitch:64",
        "1:0:48",
        "pitch:69",
    ]
    moved = transposed(tune, 3)
    assert moved is not None
    assert VOICE.tokens(moved)[:4] == ["key:0/dorian", "metre:4/4", "0:72:24", "pitch:67"]
    assert VOICE.tokens(read_abc(HEAD + "A4 B4|d4 e4|"))[2] == "1:0:48"


def test_a_fermata_stands_before_the_rhythm_of_its_note() -> None:
    """Models did not know of phrases, which end where the sources write a fermata."""
    piece = dataclasses.replace(UPBEAT, fermata=np.array([False, True, True]))
    tokens = VOICE.tokens(piece)
    assert " ".join(tokens) == (
        "key:9/minor metre:3/4 0:48:24 pitch:64 fermata 1:0:48 pitch:69 fermata 1:24:6 pitch:71"
    )
    assert fermatas(VOICE.piece(tokens)) == [False, True, True]
    assert [token for token in tokens if token != "fermata"] == VOICE.tokens(UPBEAT)
    assert VOICE.piece(VOICE.tokens(UPBEAT)).fermata is None
    assert VOICE.vocabulary([tokens]).tokens[3:7] == ("key:9/minor", "metre:3/4", "fermata", "0:48:24")


def test_of_several_voices_the_fermatas_of_the_highest_notes_come_back() -> None:
    """Marks of all notes, laid beside the highest ones alone, would stand on others."""
    chords = Piece.of(
        [Note(0, 24, 60), Note(0, 24, 72), Note(24, 24, 62), Note(24, 24, 71)],
        fermata=[True, False, False, True],
    )
    assert fermatas(VOICE.piece(VOICE.tokens(chords))) == [False, True]


@quickly
@given(in_bars())
def test_one_voice_comes_back_in_its_bars_and_key(piece: Piece) -> None:
    tokens = VOICE.tokens(piece)
    again = VOICE.piece(tokens)
    assert (sounding(again), again.metre, again.upbeat) == (sounding(piece), piece.metre, piece.upbeat or 0)
    assert fermatas(again) == fermatas(piece)
    assert VOICE.tokens(again) == tokens
    assert bool(again.key) == bool(piece.key)


@quickly
@given(polyphony())
def test_of_several_voices_the_highest_notes_come_back(piece: Piece) -> None:
    again = VOICE.piece(VOICE.tokens(piece))
    top = skyline(piece)
    assert (again.onset == piece.onset[top]).all()
    assert (again.pitch == piece.pitch[top]).all()
    ends = (again.onset + again.duration)[:-1]
    assert (ends <= again.onset[1:]).all()
    kept = again.duration == piece.duration[top]
    assert (ends == again.onset[1:])[~kept[:-1]].all()
    assert kept[-1]


@quickly
@given(in_bars(), st.integers(-12, 12))
def test_a_piece_and_its_key_look_alike_in_every_key(piece: Piece, semitones: int) -> None:
    other = transposed(piece, semitones)
    assert other is not None
    mine, its = VOICE.tokens(piece), VOICE.tokens(other)
    for one, another in zip(map(VOICE.parted, mine), map(VOICE.parted, its), strict=True):
        assert one.rest == another.rest
        assert (one.pitch is None) == (another.pitch is None)
        if one.pitch is not None and another.pitch is not None:
            assert another.pitch - one.pitch == semitones
        if one.key is not None and another.key is not None:
            assert (another.key - one.key - semitones) % 12 == 0
            assert one.key // 12 == another.key // 12
    vocabulary = VOICE.vocabulary([mine, its])
    views = Viewpoints(vocabulary, VOICE)
    ids = vocabulary.encode(mine).tolist()
    assert [views.moved(token, semitones) for token in ids] == vocabulary.encode(its).tolist()


def test_a_token_is_parted_into_pitch_rest_and_key() -> None:
    found = [tuple(VOICE.parted(token)) for token in ("pitch:60", "1:0:24", "metre:3/4", "key:none")]
    assert found == [
        (60, "pitch", None, False), (None, "1:0:24", None, False),
        (None, "metre:3/4", None, False), (None, "key:none", None, False),
    ]  # fmt: skip
    assert tuple(VOICE.parted("key:9/minor")) == (None, "key minor", 21, False)
    assert tuple(VOICE.parted("key:2/dorian")) == (None, "key dorian", 14, False)
    assert tuple(VOICE.parted("key:7/mixolydian")) == (None, "key mixolydian", 7, False)
    assert tuple(VOICE.parted("fermata")) == (None, "fermata", None, True)


@quickly
@given(st.lists(TOKENS, max_size=25))
def test_whatever_a_model_writes_is_a_piece_that_comes_back(tokens: list[str]) -> None:
    piece = VOICE.piece(tokens)
    assert (piece.duration > 0).all()
    again = VOICE.piece(VOICE.tokens(piece))
    if not piece.upbeat or not piece.onset[:1].any():  # silence in an upbeat is not written
        assert (sounding(again), again.metre, again.key) == (sounding(piece), piece.metre, piece.key)
        assert fermatas(again) == fermatas(piece)


@pytest.mark.parametrize(
    ("tokens", "notes"),
    [
        ("1:4:2 pitch:60", [(4, 2, 60)]),
        ("pitch:62 1:4:2 pitch:60 pitch:61", [(4, 2, 60)]),
        ("1:4:2 0:5:3 pitch:60", [(4, 2, 60)]),
        ("1:4:2 0:6:3 pitch:60 1:0:1 pitch:61", [(6, 3, 60), (96, 1, 61)]),
        ("1:96:2 pitch:60 metre:1/4 1:24:6 pitch:59", []),
        ("0:0:2 pitch:60 0:90:6 pitch:59 1:0:6 pitch:58", [(0, 6, 59), (6, 6, 58)]),
        ("1:0:9 pitch:128 0:9:9 pitch:60 key:1/major 0:18:0 pitch:9", [(9, 9, 60)]),
        ("9999999999:0:9 pitch:60 1:0:9999999999 pitch:7", []),
    ],
)
def test_what_is_out_of_order_is_passed_over(tokens: str, notes: list[tuple[int, int, int]]) -> None:
    assert sounding(VOICE.piece(tokens.split())) == notes


@pytest.mark.parametrize(
    ("tokens", "marks"),
    [
        ("fermata 1:0:6 pitch:60 0:6:6 pitch:61", [True, False]),
        ("fermata fermata 1:0:6 pitch:60 1:6:6 pitch:61 fermata", [True, False]),
        ("1:0:6 fermata pitch:60 0:6:6 pitch:61", [True]),
        ("1:0:6 pitch:60 fermata 0:0:6 0:90:6 pitch:61", [False, True]),
        ("1:0:6 pitch:60 fermata pitch:61 0:90:6 pitch:62", [False, True]),
        ("fermata 1:0:6 0:6:6 pitch:60", [False]),
    ],
)
def test_a_fermata_is_the_next_rhythms(tokens: str, marks: list[bool]) -> None:
    """One that a model wrote out of order went to a note that it did not stand before."""
    assert fermatas(VOICE.piece(tokens.split())) == marks


# ---------------------------------------------------------------------------------------------------
# What the vocabulary lacks


def nearest(piece: Piece, vocabulary: Vocabulary) -> list[str]:
    ids, _ = VOICE.known(VOICE.tokens(piece), vocabulary)
    return vocabulary.decode(ids.tolist())


def test_what_is_unknown_becomes_the_nearest() -> None:
    vocabulary = VOICE.vocabulary(
        [
            [
                "key:0/major",
                "key:9/minor",
                "key:7/major",
                "metre:4/4",
                "0:72:24",
                "1:0:24",
                "0:24:24",
                "0:24:12",
                "1:0:96",
                "pitch:60",
                "pitch:62",
            ]
        ]
    )
    piece = Piece.of([Note(0, 12, 60), Note(13, 15, 62), Note(400, 300, 60)], key="D dorian", metre=(2, 2))
    assert " ".join(nearest(piece, vocabulary)) == (
        "key:0/major metre:4/4 1:0:24 pitch:60 0:24:12 pitch:62 1:0:96 pitch:60"
    )
    assert nearest(dataclasses.replace(piece, key="E minor"), vocabulary)[0] == "key:7/major"
    assert nearest(Piece.of([Note(0, 24, 60)]), VOICE.vocabulary([["key:none", "1:0:24", "pitch:60"]])) == [
        *("key:none", "1:0:24", "pitch:60")
    ]
    upbeat = Piece.of([Note(0, 23, 60), Note(24, 24, 62)], metre=(3, 4), upbeat=24, key="C major")
    assert " ".join(nearest(upbeat, vocabulary)) == "key:0/major metre:4/4 0:72:24 pitch:60 1:0:24 pitch:62"
    with pytest.raises(
        MusicError, match=r"the pitch 61 \(MIDI number\), which the run's own music never has"
    ):
        nearest(scale(61), vocabulary)
    with pytest.raises(MusicError, match="no rhythm with which the melody could go on; take another"):
        nearest(scale(60, 62), VOICE.vocabulary([["metre:4/4", "0:24:12", "pitch:60", "pitch:62"]]))


def test_an_unknown_fermata_is_dropped_and_counted() -> None:
    """What phrases end cannot be told to a model whose music has none; nothing else of the melody may change."""
    piece = dataclasses.replace(UPBEAT, fermata=np.array([False, True, True]))
    plain, marked = VOICE.tokens(UPBEAT), VOICE.tokens(piece)
    vocabulary = VOICE.vocabulary([plain])
    ids, unknown = VOICE.known(marked, vocabulary)
    assert (vocabulary.decode(ids.tolist()), unknown) == (plain, 2)
    known = VOICE.vocabulary([[*plain, "fermata"]])
    other = dataclasses.replace(piece, duration=piece.duration + np.array([0, 0, 5], dtype=np.int32))
    ids, unknown = VOICE.known(VOICE.tokens(other), known)
    assert (known.decode(ids.tolist()), unknown) == (marked, 1)


@quickly
@given(in_bars(), st.lists(in_bars(), min_size=1, max_size=3))
def test_the_nearest_is_known_and_comes_back(piece: Piece, others: list[Piece]) -> None:
    keyboard = [f"pitch:{pitch}" for pitch in range(128)]
    vocabulary = VOICE.vocabulary([*map(VOICE.tokens, others), ["1:0:1", *keyboard]])
    tokens = nearest(piece, vocabulary)
    found = VOICE.piece(tokens)
    assert VOICE.tokens(found) == tokens
    assert found.pitch.tolist() == piece.pitch.tolist()
    assert fermatas(found) == [mark and "fermata" in vocabulary for mark in fermatas(piece)]


# ---------------------------------------------------------------------------------------------------
# In sampling


def drawn(vocabulary: Vocabulary, seed: int, most: int = 120) -> tuple[list[str], int, bool]:
    """Tokens drawn under the grammar, how many notes it counted, and whether it came to its end."""
    draw, grammar = np.random.default_rng(seed), VOICE.grammar(vocabulary)
    found: list[str] = []
    for _ in range(most):
        allowed = grammar.allowed()
        assert allowed.any()
        assert not allowed[[PAD, BOS]].any()
        assert not allowed[EOS] or not found or found[-1].startswith("pitch") or not grammar.notes
        if found and found[-1] == "fermata":
            assert all(vocabulary.tokens[token][0].isdigit() for token in np.flatnonzero(allowed))
        token = int(draw.choice(np.flatnonzero(allowed)))
        if token == EOS:
            return found, grammar.notes, True
        found.append(vocabulary.tokens[token])
        grammar.advance(token)
    return found, grammar.notes, False


@quickly
@given(st.lists(in_bars(), min_size=1, max_size=3), st.integers(0, 10**6), st.booleans())
def test_what_is_drawn_is_what_would_be_written(pieces: list[Piece], seed: int, unknown: bool) -> None:
    vocabulary = VOICE.vocabulary([VOICE.tokens(piece) for piece in pieces], unknown=unknown)
    tokens, notes, ended = drawn(vocabulary, seed)
    piece = VOICE.piece(tokens)
    assert len(piece) == notes
    assert tokens[:-1].count("fermata") - sum(fermatas(piece)) in (0, int(not ended))
    written = VOICE.tokens(piece)
    assert written == tokens or (not ended and written == tokens[: len(written)])
    assert not ended or notes


@quickly
@given(st.lists(TOKENS, max_size=20), st.lists(st.integers(0, 10**6), max_size=20), st.integers(0, 10**6))
def test_no_vocabulary_and_no_prime_is_a_dead_end(tokens: list[str], prime: list[int], seed: int) -> None:
    """Whatever a vocabulary lacks, and whatever came before in whatever order."""
    vocabulary = VOICE.vocabulary([[token for token in tokens if said(token)]], unknown=True)
    grammar = VOICE.grammar(vocabulary)
    draw = np.random.default_rng(seed)
    for number in prime:
        grammar.advance(number % len(vocabulary))
        assert grammar.allowed().any()
    for _ in range(30):
        allowed = np.flatnonzero(grammar.allowed())
        token = int(draw.choice(allowed))
        if token == EOS:
            break
        assert token >= vocabulary.first
        grammar.advance(token)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kinder", "ryansMammoth"])
def test_tunes_of_a_collection_come_back(name: str) -> None:
    """Ryan's tunes have a chord here and there, whose highest note stays."""
    found, pieces, silent = RoundTrip(), 0, []
    for path in collection(name).paths()[:200]:
        for piece in read_file(path).pieces:
            top = piece.only(skyline(piece), abc=piece.abc)
            again = VOICE.piece(VOICE.tokens(piece), like=piece)
            pieces += 1
            if written_upbeat(piece) and piece.onset[0]:  # silence in an upbeat is not written
                assert (again.onset - again.onset[0] == top.onset - top.onset[0]).all()
                silent.append(piece.name)
            else:
                found += roundtrip(top, again)
    assert pieces > 150
    assert silent == ([] if name == "kinder" else ["BlackSheepJig.abc"])
    assert (found.missing, found.added) == (0, 0)
    assert found.exact + found.off_grid == found.notes
