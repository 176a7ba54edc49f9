"""Events: polyphony comes back whole, and what is drawn under the grammar is what would have been written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import melodies, polyphony, quickly, scale, sounding

from musicexp.errors import MusicError
from musicexp.music import Note, Piece
from musicexp.tokens import BOS, EOS, PAD, Vocabulary, tokenizer
from musicexp.tokens.event_grammar import bar_steps

EVENTS = tokenizer("events")
METRES = st.tuples(st.integers(1, 24), st.sampled_from([1, 2, 3, 4, 8, 16, 64, 128]))
TOKENS = st.sampled_from(["bar", "metre:3/4", "metre:1/64", "at:0", "at:1", "at:95", "at:96"]) | st.builds(
    "{}:{}".format, st.sampled_from(["at", "pitch", "duration"]), st.integers(-1, 130)
)


def whole(tokens: list[str]) -> list[str]:
    """Up to the last note that is whole; of a piece without notes the metre."""
    ends = [i for i, token in enumerate(tokens) if token.startswith(("duration", "metre"))]
    return tokens[: ends[-1] + 1] if ends else []


def test_golden() -> None:
    notes = [Note(0, 24, 60), Note(0, 48, 64), Note(24, 12, 72), Note(146, 7, 50)]
    tokens = EVENTS.tokens(Piece.of(notes, metre=(2, 4)))
    assert " ".join(tokens) == (
        "metre:2/4 bar at:0 pitch:60 duration:24 pitch:64 duration:48 at:24 pitch:72 duration:12 "
        "bar bar bar at:2 pitch:50 duration:7"
    )
    like = Piece.of([], tempo=77.0, metre=(6, 8), key="A minor")
    piece = EVENTS.piece(tokens, "x", like=like)
    assert (piece.tempo, piece.metre, piece.key, piece.name) == (77.0, (2, 4), "A minor", "x")
    assert EVENTS.piece(tokens[1:], like=like).metre == (6, 8)
    assert EVENTS.vocabulary([tokens, ["metre:3/4", "metre:6/8", "duration:100"]]).tokens[3:] == (
        *("metre:2/4", "metre:3/4", "metre:6/8", "bar", "at:0", "at:2", "at:24"),
        *("pitch:50", "pitch:60", "pitch:64", "pitch:72"),
        *("duration:7", "duration:12", "duration:24", "duration:48", "duration:100"),
    )


@quickly
@given(polyphony(), METRES)
def test_all_that_sounds_comes_back(piece: Piece, metre: tuple[int, int]) -> None:
    piece = Piece.of(piece.notes(), metre=metre)
    tokens = EVENTS.tokens(piece)
    once = EVENTS.piece(tokens)
    assert (sounding(once), once.metre) == (sounding(piece), metre)
    assert EVENTS.tokens(once) == tokens
    assert (once.fingerprint(), once.family()) == (piece.fingerprint(), piece.family())


@quickly
@given(st.lists(TOKENS | st.text(max_size=9), max_size=40))
def test_whatever_a_model_writes_is_a_piece_that_comes_back(tokens: list[str]) -> None:
    piece = EVENTS.piece(tokens)
    assert (piece.duration > 0).all()
    again = EVENTS.piece(EVENTS.tokens(piece))
    assert (sounding(again), again.metre) == (sounding(piece), piece.metre)


@pytest.mark.parametrize(
    ("tokens", "notes"),
    [
        ("bar at:4 pitch:60 duration:2", [(4, 2, 60)]),
        ("at:4 pitch:60 duration:2 bar at:0 pitch:62 duration:1", [(0, 1, 62)]),
        ("bar at:6 pitch:60 duration:2 at:4 pitch:62 duration:1", [(6, 2, 60), (6, 1, 62)]),
        ("bar at:0 pitch:60 bar at:6 pitch:62 duration:1", [(102, 1, 62)]),
        ("bar at:0 pitch:60 pitch:62 duration:1 duration:2", [(0, 1, 62)]),
        ("bar at:0 pitch:60 duration:1 pitch:60 duration:2 pitch:59 duration:3", [(0, 1, 60)]),
        ("bar at:0 duration:5 bar metre:3/4 bar at:95 pitch:60 duration:2", [(287, 2, 60)]),
        ("bar at:96 pitch:60 duration:2", []),
        ("bar at:0 pitch:128 duration:2 pitch:60 duration:0 pitch:60 duration:9999999999", []),
        ("bar at:٣ pitch:060 duration:1 at:0 pitch:060 duration:1", [(0, 1, 60)]),
    ],
)
def test_what_is_out_of_order_is_passed_over(tokens: str, notes: list[tuple[int, int, int]]) -> None:
    """What is missing loses its note, or moves it within the bar, but moves nothing behind the next bar."""
    assert sounding(EVENTS.piece(tokens.split())) == notes


def test_thousands_of_bars() -> None:
    piece = Piece.of([Note(96 * 5000 + 3, 10**6, 60)])
    assert sounding(EVENTS.piece(EVENTS.tokens(piece))) == sounding(piece)
    assert len(EVENTS.piece(["bar"] * 10**5)) == 0


# ---------------------------------------------------------------------------------------------------
# What the vocabulary lacks


def test_what_is_unknown_becomes_the_nearest() -> None:
    vocabulary = EVENTS.vocabulary([EVENTS.tokens(scale(60, 62, 64, 65, 67, 69, 71, 72, 60, duration=12))])
    notes = [Note(0, 12, 60), Note(5, 100, 62), Note(6, 1, 60), Note(7, 1, 62), Note(100, 13, 64)]
    text = EVENTS.tokens(Piece.of(notes, metre=(2, 2)))
    ids, unknown = EVENTS.known(text, vocabulary)
    piece = EVENTS.piece(vocabulary.decode(ids.tolist()))
    assert unknown == sum(token not in vocabulary for token in text) == 9
    assert sounding(piece) == [(0, 12, 60), (0, 12, 62), (12, 12, 62), (96, 12, 64)]
    assert piece.metre == (4, 4)
    with pytest.raises(
        MusicError, match=r"the pitch 61 \(MIDI number\), which the run's own music never has"
    ):
        EVENTS.known(EVENTS.tokens(scale(61)), vocabulary)
    with pytest.raises(MusicError, match="has no bar in which the melody could stand"):
        EVENTS.known(text, EVENTS.vocabulary([["metre:3/4", "bar"]]))


@quickly
@given(polyphony(), polyphony())
def test_the_nearest_is_known_and_comes_back(piece: Piece, other: Piece) -> None:
    keyboard = [f"pitch:{pitch}" for pitch in range(128)]
    vocabulary = EVENTS.vocabulary([EVENTS.tokens(other), ["at:0", *keyboard]])
    ids, _ = EVENTS.known(EVENTS.tokens(piece), vocabulary)
    tokens = vocabulary.decode(ids.tolist())
    assert EVENTS.tokens(EVENTS.piece(tokens)) == tokens
    assert set(EVENTS.piece(tokens).pitch.tolist()) == set(piece.pitch.tolist())


# ---------------------------------------------------------------------------------------------------
# In sampling


def drawn(vocabulary: Vocabulary, seed: int, most: int = 120) -> tuple[list[str], int, bool]:
    """Tokens drawn evenly under the grammar, how many notes and chords it counted, and whether it came to its end."""
    draw, grammar = np.random.default_rng(seed), EVENTS.grammar(vocabulary)
    found: list[str] = []
    logits = draw.normal(0, 2, len(vocabulary))
    for _ in range(most):
        allowed = grammar.allowed()
        assert allowed.any()
        assert not allowed[[PAD, BOS]].any()
        token = int(np.where(allowed, logits + draw.gumbel(size=len(vocabulary)), -np.inf).argmax())
        if token == EOS:
            return found, grammar.notes, True
        found.append(vocabulary.tokens[token])
        grammar.advance(token)
    return found, grammar.notes, False


@quickly
@given(st.lists(polyphony() | melodies(), min_size=1, max_size=3), st.integers(0, 10**6), st.booleans())
def test_what_is_drawn_is_what_would_be_written(pieces: list[Piece], seed: int, unknown: bool) -> None:
    vocabulary = EVENTS.vocabulary([EVENTS.tokens(piece) for piece in pieces], unknown=unknown)
    tokens, notes, ended = drawn(vocabulary, seed)
    piece = EVENTS.piece(tokens)
    assert EVENTS.tokens(piece) == whole(tokens)
    # A chord counts when its position is left, so that a melody cut at so many keeps the last one whole.
    assert len(np.unique(piece.onset)) - notes in (0, 1)
    assert not ended or (tokens == whole(tokens) and len(piece))


@quickly
@given(polyphony(), METRES)
def test_whatever_is_written_is_allowed(piece: Piece, metre: tuple[int, int]) -> None:
    tokens = EVENTS.tokens(Piece.of(piece.notes(), metre=metre))
    vocabulary = EVENTS.vocabulary([tokens, ["metre:1/128"]])
    grammar = EVENTS.grammar(vocabulary)
    for token in vocabulary.encode(tokens):
        assert grammar.allowed()[token]
        grammar.advance(int(token))
    assert grammar.allowed()[EOS]


@quickly
@given(st.lists(TOKENS, max_size=8), st.integers(0, 10**6))
def test_every_vocabulary_leaves_something_to_say(tokens: list[str], seed: int) -> None:
    """No metre, no bar, no position that fits, no pitch, no duration: the grammar had nothing left to allow."""
    legal = [token for token in tokens if "-" not in token and token != "duration:0"]
    vocabulary = EVENTS.vocabulary([[t for t in legal if not t.startswith("pitch") or int(t[6:]) < 128]])
    found, _, _ = drawn(vocabulary, seed, most=30)
    assert EVENTS.tokens(EVENTS.piece(found))[1:] == [t for t in whole(found) if not t.startswith("metre")]


@pytest.mark.parametrize(
    ("tokens", "first"),
    [
        ("metre:4/4 bar at:0 pitch:60 duration:1", "metre:4/4"),
        ("metre:1/128 metre:4/4 bar at:90 pitch:60 duration:1", "metre:4/4"),
        ("bar at:0 pitch:60 duration:1", "bar"),
        ("pitch:60 duration:1", "<eos>"),
    ],
)
def test_a_melody_begins(tokens: str, first: str) -> None:
    vocabulary = EVENTS.vocabulary([tokens.split()])
    allowed = EVENTS.grammar(vocabulary).allowed()
    assert [vocabulary.tokens[i] for i in np.flatnonzero(allowed)] == [first]


def test_where_no_note_fits_only_the_end_may_come() -> None:
    vocabulary = EVENTS.vocabulary([["metre:1/128", "bar", "at:90", "pitch:60", "duration:1"]])
    assert drawn(vocabulary, 0) == (["metre:1/128"], 0, True)


@pytest.mark.parametrize(("metre", "steps"), [((4, 4), 96), ((6, 8), 72), ((7, 16), 42), ((1, 128), 1)])
def test_bars(metre: tuple[int, int], steps: int) -> None:
    assert bar_steps(metre) == steps
