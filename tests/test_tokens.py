"""Tokens: what is encoded comes back, whatever a model writes is music, and the vocabulary is one list for ever."""

from __future__ import annotations

import importlib
import inspect
import json
import random
import time
from typing import get_args

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from tunes import HEAD, melodies, polyphony, quickly, scale, slowly, sounding

from musicexp.config import compose
from musicexp.config.settings import Tokens, kind_of
from musicexp.errors import MusicError, StoreError
from musicexp.music import ABC_HEAD, Note, Piece, read_abc, read_file
from musicexp.music.collections import corpus_dir
from musicexp.tokens import (
    BOS,
    EOS,
    PAD,
    TOKENIZERS,
    Tokenizer,
    UnknownRule,
    Vocabulary,
    encode_known,
    tokenizer,
)
from musicexp.tokens.abc import repaired

WITH_RHYTHM = [kind for kind in TOKENIZERS if kind != "pitches"]

# ---------------------------------------------------------------------------------------------------
# Every tokenizer


def tokenizers_by_module() -> dict[str, type[Tokenizer]]:
    """Every class of the room that offers what a tokenizer must, by the name of its module."""
    wanted = {name for name, member in vars(Tokenizer).items() if callable(member) and name[0] != "_"}
    assert {"tokens", "piece", "known", "grammar", "vocabulary", "parted"} == wanted
    found = {}
    for file in (ROOT / "musicexp" / "tokens").glob("*.py"):
        module = importlib.import_module(f"musicexp.tokens.{file.stem}".removesuffix(".__init__"))
        for name, defined in vars(module).items():
            own = inspect.isclass(defined) and defined.__module__ == module.__name__
            if own and defined is not Tokenizer and not name.startswith("_") and wanted <= set(dir(defined)):
                found[file.stem] = defined
    return found


def test_a_tokenizer_is_a_module_a_yaml_a_line_in_the_table_and_a_choice() -> None:
    told = {path.stem: dict(OmegaConf.load(path)) for path in (ROOT / "conf" / "tokens").glob("*.yaml")}
    assert tokenizers_by_module() == TOKENIZERS
    assert set(told) == set(TOKENIZERS) == set(get_args(kind_of("tokens.kind")))
    for kind, found in TOKENIZERS.items():
        assert told[kind]["kind"] == kind == found.kind == tokenizer(kind).kind
        assert compose([f"tokens={kind}"]).tokens == Tokens(kind, "corpus", "nearest")  # type: ignore[arg-type]
    assert get_args(kind_of("tokens.unknown")) == get_args(UnknownRule)


@pytest.mark.parametrize("kind", TOKENIZERS)
@quickly
@given(polyphony())
def test_what_was_decoded_once_is_encoded_without_loss(kind: str, piece: Piece) -> None:
    spelling = tokenizer(kind)
    once = spelling.piece(spelling.tokens(piece))
    assert sounding(spelling.piece(spelling.tokens(once))) == sounding(once)
    if kind in WITH_RHYTHM and kind != "voice":
        assert {(n.onset, n.pitch) for n in once.notes()} == {(n.onset, n.pitch) for n in piece.notes()}


@pytest.mark.parametrize("kind", WITH_RHYTHM)
@quickly
@given(melodies())
def test_one_voice_loses_nothing(kind: str, piece: Piece) -> None:
    spelling = tokenizer(kind)
    assert sounding(spelling.piece(spelling.tokens(piece))) == sounding(piece)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_an_empty_piece_is_empty(kind: str) -> None:
    spelling = tokenizer(kind)
    assert len(spelling.piece(spelling.tokens(Piece.of([])), "none")) == 0
    assert spelling.piece([], "none").name == "none"


@pytest.mark.parametrize("kind", TOKENIZERS)
@slowly
@given(st.integers(0, 10**6))
def test_whatever_is_drawn_under_the_grammar_is_music(kind: str, seed: int) -> None:
    spelling, draw = tokenizer(kind), np.random.default_rng(seed)
    tunes = [
        read_abc(HEAD + "^C_D=E[CE]2 (3ABc d>e|1z3/2 f-f:|"),
        read_abc(HEAD.replace("4/4", "6/8") + "g,C'"),
    ]
    vocabulary = spelling.vocabulary([spelling.tokens(piece) for piece in tunes])
    grammar = spelling.grammar(vocabulary)
    drawn: list[int] = []
    for _ in range(150):
        allowed = grammar.allowed()
        assert allowed.shape == (len(vocabulary),)
        assert allowed.any()
        assert not allowed[[PAD, BOS]].any()
        if allowed[EOS] and grammar.notes == 0:
            assert len(spelling.piece(vocabulary.decode(drawn))), "no end before the first note"
        token = int(draw.choice(np.flatnonzero(allowed)))
        if token == EOS:
            break
        grammar.advance(token)
        drawn.append(token)
    tokens = vocabulary.decode(drawn)
    piece = spelling.piece(tokens)
    if kind != "abc":
        # A chord of several tokens counts when the next one begins.
        assert len(set(piece.onset.tolist())) - grammar.notes in ((0, 1) if kind == "events" else (0,))
    else:
        for line, (name, values) in zip("".join(tokens).split("\n"), ABC_HEAD, strict=False):
            assert line.startswith(name)
            assert line[2:] in values
        assert len(piece) > 0


# ---------------------------------------------------------------------------------------------------
# notes


def test_notes_golden() -> None:
    chord = [Note(12, 24, 64), Note(12, 48, 60), Note(36, 6, 72)]
    tokens = tokenizer("notes").tokens(Piece.of(chord))
    assert tokens == ["r:12", "60.64:24", "72:6"]
    like = Piece.of([], tempo=77.0, metre=(6, 8), key="A minor")
    piece = tokenizer("notes").piece(tokens, "x", like=like)
    assert sounding(piece) == [(12, 24, 60), (12, 24, 64), (36, 6, 72)]
    assert (piece.tempo, piece.metre, piece.key, piece.name) == (77.0, (6, 8), "A minor", "x")


@pytest.mark.parametrize(
    ("token", "nearest"),
    [("60:24", "60:24"), ("60:20", "60:24"), ("60:13", "60:12"), ("r:100", "r:12"), ("48.60:12", "60:12")],
)
def test_an_unknown_token_becomes_its_nearest(token: str, nearest: str) -> None:
    vocabulary = tokenizer("notes").vocabulary([["60:24", "60:12", "r:12", "62:24"]])
    ids, replaced = tokenizer("notes").known([token], vocabulary)
    assert vocabulary.decode(ids.tolist()) == [nearest]
    assert replaced == (token != nearest)


def test_a_pitch_or_a_rest_that_no_piece_has_is_refused() -> None:
    spelling = tokenizer("notes")
    vocabulary = spelling.vocabulary([["60:24"]])
    with pytest.raises(
        MusicError, match=r"has the pitch 61 \(MIDI number\), which the run's own music never has; transp"
    ):
        spelling.known(["61:24"], vocabulary)
    with pytest.raises(MusicError, match="has a rest, which the run's own music never has"):
        spelling.known(["r:24"], vocabulary)


# ---------------------------------------------------------------------------------------------------
# pitches


@quickly
@given(melodies())
def test_pitches_come_back_in_order(piece: Piece) -> None:
    spelling = tokenizer("pitches")
    tokens = spelling.tokens(piece)
    assert tokens == [str(pitch) for pitch in piece.pitch.tolist()]
    assert sounding(spelling.piece(tokens)) == [(24 * i, 24, int(token)) for i, token in enumerate(tokens)]


def test_pitches_golden() -> None:
    """Of chords and of what sounds under other notes nothing is written, nor is a rest."""
    spelling = tokenizer("pitches")
    piece = Piece.of([Note(12, 48, 60), Note(12, 12, 72), Note(24, 12, 64), Note(36, 12, 9), Note(90, 6, 9)])
    assert spelling.tokens(piece) == ["72", "64", "9"]
    like = Piece.of([], tempo=77.0, metre=(6, 8), key="A minor")
    found = spelling.piece(["72", "64"], "x", like=like)
    assert (found.tempo, found.metre, found.key, found.name) == (77.0, (6, 8), "A minor", "x")
    vocabulary = spelling.vocabulary([["72", "64", "9", "100"]])
    assert vocabulary.tokens[3:] == ("9", "64", "72", "100")
    ids, replaced = spelling.known(["68", "9", "127", "0"], vocabulary)
    assert (vocabulary.decode(ids.tolist()), replaced) == (["64", "9", "100", "9"], 3)


# ---------------------------------------------------------------------------------------------------
# abc


def real_tunes() -> list[Piece]:
    """A few tunes of the two bundled collections, spread over them."""
    ryans = sorted((corpus_dir() / "ryansMammoth").glob("*.abc"))[5::105]
    book = (corpus_dir() / "oneills1850" / "0550-0625.abc").read_text(encoding="utf-8", errors="replace")
    oneills = [read_abc("X:" + tune, f"oneills{i}") for i, tune in enumerate(book.split("\nX:")[1:40:7])]
    return [piece for file in ryans for piece in read_file(file).pieces] + oneills


def test_tokens_of_real_tunes_are_the_tunes() -> None:
    """Triplets with ties in them, and triplets of the form (3:2:2, were taken for plain notes."""
    spelling, found = tokenizer("abc"), real_tunes()
    assert len(found) >= 15
    for piece in [*found, read_abc(HEAD + "(3D-E-F|G (3:2:2AB c")]:
        again = spelling.piece(spelling.tokens(piece))
        assert sounding(again) == sounding(piece), piece.name
        assert (again.metre, again.key, again.abc) == (
            piece.metre,
            piece.key,
            repaired(piece.abc).strip("\n"),
        )


GARBAGE = "".join(sorted(set("ABCDEFGabcdefg^_=zx0123456789/,'[]()|:<>- \nKLM#mixdorphlyjn")))


@quickly
@given(st.text(st.sampled_from(GARBAGE), max_size=120) | st.text(max_size=40))
def test_no_text_makes_the_abc_tokenizer_raise(text: str) -> None:
    for body in (text, HEAD.partition("M:")[2] + text, "M:4/4\nL:1/8\nK:C\n" + text):
        piece = tokenizer("abc").piece(list(body))
        assert (piece.duration > 0).all()


@pytest.mark.parametrize("seed", [24, 28, 22, 3])
def test_garbage_is_read_quickly(seed: int) -> None:
    """music21's scores took 114 s for the first of these and 17 s for the second: it bars and beams, and a bar of
    an odd length has a time signature of thousands of parts."""
    draw = random.Random(seed)
    text = "".join(draw.choice(GARBAGE) for _ in range(300))
    tokenizer("abc").piece(list("C"))  # music21 is imported
    began = time.process_time()
    assert len(tokenizer("abc").piece(list(text)))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("M:4/4\nL:1/8\nK:C\nC-D2)", [(0, 12, 60), (12, 24, 62)]),
        ("C>|D", [(0, 12, 60), (12, 12, 62)]),
        ("-C>", [(0, 12, 60)]),
        ("(3CD", [(0, 12, 60), (12, 12, 62)]),
        ("[C[E]", [(0, 12, 60), (0, 12, 64)]),
        ("M:99/4\nL:7\nK:H\nC", [(0, 12, 60)]),
        ("%%C", [(0, 12, 60)]),
        ("M:4/4\nL:1/8\nK:C\nC\nK:A", [(0, 12, 60)]),
    ],
)
def test_what_is_no_abc_is_passed_over(text: str, notes: list[tuple[int, int, int]]) -> None:
    found = [note for note in sounding(tokenizer("abc").piece(list(text))) if note[0] < 1000]
    assert found[-1][2] == notes[-1][2]
    if text[0] not in "[":
        assert found == notes


def test_a_character_that_no_tune_has_is_refused() -> None:
    spelling = tokenizer("abc")
    vocabulary = spelling.vocabulary([list("M:4/4\nL:1/8\nK:C\nCDE")])
    with pytest.raises(
        MusicError, match=r"the melody needs the ABC character '\^', which the run's own tunes never have"
    ):
        spelling.known(list("^C"), vocabulary)


def test_abc_takes_the_tempo_of_a_like_piece() -> None:
    assert tokenizer("abc").piece(list("C"), like=Piece.of([], tempo=77.0)).tempo == 77.0


# ---------------------------------------------------------------------------------------------------
# Vocabulary


def test_a_vocabulary_s_order_does_not_depend_on_the_texts_order() -> None:
    texts = [["72:12", "60:24"], ["60.64:6", "r:48", "60:3"]]
    vocabulary = tokenizer("notes").vocabulary(texts)
    assert vocabulary.tokens == ("<pad>", "<bos>", "<eos>", "r:48", "60:3", "60:24", "60.64:6", "72:12")
    assert tokenizer("notes").vocabulary(texts[::-1]).tokens == vocabulary.tokens
    assert vocabulary.fingerprint == "c32472c600c10434"
    assert Vocabulary("abc", vocabulary.tokens).fingerprint != vocabulary.fingerprint
    assert vocabulary.encode(["72:12", "r:48"]).tolist() == [7, 3]
    assert vocabulary.decode([BOS, 7, 3, EOS, PAD]) == ["72:12", "r:48"]
    with pytest.raises(MusicError, match="token '1:1' is not in the vocabulary of 8 tokens"):
        vocabulary.encode(["1:1"])


def test_a_vocabulary_may_have_a_token_for_what_it_lacks() -> None:
    plain, more = (Vocabulary.of("notes", [["60:3"]], unknown=unknown) for unknown in (False, True))
    assert (plain.unknown, plain.first, more.unknown, more.first) == (None, 3, 3, 4)
    assert more.tokens == ("<pad>", "<bos>", "<eos>", "<unk>", "60:3")
    assert plain.fingerprint != more.fingerprint
    assert more.decode([BOS, 3, 4, 3, EOS]) == ["60:3"]
    again = Vocabulary.from_dict(json.loads(json.dumps(more.as_dict())))
    assert (again.unknown, again.tokens, again.fingerprint) == (3, more.tokens, more.fingerprint)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_what_the_vocabulary_lacks_is_refused_unknown_or_the_nearest(kind: str) -> None:
    spelling = tokenizer(kind)
    # Another duration; where there is none, pitches a little lower and higher.
    known = scale(60, 62, 64)
    other = scale(60, 62, duration=18) if kind in WITH_RHYTHM else scale(59, 60, 65)
    texts = [spelling.tokens(known)]
    plain, more = (spelling.vocabulary(texts, unknown=unknown) for unknown in (False, True))
    assert plain.tokens[3:] == more.tokens[4:]
    strange = spelling.tokens(other)
    missing = [token not in plain for token in strange]
    for rule in get_args(UnknownRule):
        ids, replaced = encode_known(spelling, texts[0], more, rule)
        assert (more.decode(ids.tolist()), replaced) == (texts[0], 0)
    ids, replaced = encode_known(spelling, strange, more, "unknown")
    assert replaced == sum(missing) > 0
    assert ((ids == more.unknown) == missing).all()
    spelling.piece(more.decode(ids.tolist()))
    for vocabulary, rule in ((plain, "error"), (more, "error"), (plain, "unknown")):
        with pytest.raises(MusicError, match=f"the {kind} token '.*' is not one of the .+ that the model"):
            encode_known(spelling, strange, vocabulary, rule)  # type: ignore[arg-type]
    if kind != "abc":
        ids, replaced = encode_known(spelling, strange, more, "nearest")
        assert replaced == sum(missing)
        found = sounding(spelling.piece(more.decode(ids.tolist())))
        assert found == [(0, 12, 60), (12, 12, 62)] or kind == "pitches"
        assert [pitch for _, _, pitch in found] == ([60, 62] if kind in WITH_RHYTHM else [60, 60, 64])


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_what_is_unknown_is_never_drawn(kind: str) -> None:
    spelling = tokenizer(kind)
    text = spelling.tokens(scale(60, 62, 64, 67))
    vocabulary = spelling.vocabulary([text], unknown=True)
    assert vocabulary.unknown is not None
    for start in range(len(text)):  # where it stands in a prime
        grammar = spelling.grammar(vocabulary)
        for i, token in enumerate(vocabulary.encode(text)):
            allowed = grammar.allowed()
            assert allowed.any()
            assert not allowed[[PAD, BOS, vocabulary.unknown]].any()
            grammar.advance(vocabulary.unknown if i == start else int(token))


def test_a_vocabulary_survives_json() -> None:
    vocabulary = tokenizer("abc").vocabulary([list('C"\\é\n♪')])
    again = Vocabulary.from_dict(json.loads(json.dumps(vocabulary.as_dict())))
    assert (again.kind, again.tokens, again.fingerprint) == ("abc", vocabulary.tokens, vocabulary.fingerprint)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "has format 2, and this version of musicexp reads format 1"),
        ({"tokens": ["<pad>", "<bos>", "<eos>", "D", "C"]}, "changed since"),
        ({"kind": "notes"}, "changed since"),
        ({"tokens": ["<pad>", "<bos>", "<eos>", "C", "C"]}, "damaged"),
        ({"tokens": ["C", "D"]}, "damaged"),
        ({"tokens": None}, "damaged"),
        ({"tokens": [1, 2]}, "damaged"),
        ({"kind": None}, "damaged"),
        ({"fingerprint": None}, "changed since"),
    ],
)
def test_a_changed_vocabulary_is_refused(change: dict[str, object], sentence: str) -> None:
    """A damaged list ended in an AssertionError or a KeyError."""
    stored = Vocabulary.of("abc", [["C", "D"]]).as_dict() | change
    with pytest.raises(StoreError, match=sentence):
        Vocabulary.from_dict(stored)
