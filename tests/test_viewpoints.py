"""Viewpoints: what is seen of a piece so far, and what a model makes of it."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from tunes import melodies, quickly, scale, slowly, with_fermatas

from musicexp.config import compose
from musicexp.data import Batch, Sequences, Windows
from musicexp.data.windows import IGNORED
from musicexp.model import Members, MusicLSTM, Stepper, members_of, recurrence
from musicexp.model.native import built, load
from musicexp.music import Piece
from musicexp.music.transposition import transposed
from musicexp.tokens import BOS, EOS, PAD, TOKENIZERS, Ids, Viewpoints, Vocabulary, tokenizer
from musicexp.tokens.viewpoints import (
    ALWAYS,
    FIRST,
    FROM_FIRST,
    FROM_PHRASE,
    INTERVAL,
    KEY,
    LAST,
    LONGEST,
    MATCHED,
    NO_INTERVAL,
    NO_PITCH,
    OF_A_PAST,
    PHRASE,
    PHRASE_FIRST,
    RECALLED,
    RESEMBLED,
    RESEMBLING,
    TO_RECALLED,
    TO_RESEMBLING,
    WIDER,
    WIDEST,
)
from musicexp.training.module import LSTMModule, new_optimizer

PITCHES = Vocabulary("pitches", ("<pad>", "<bos>", "<eos>", *(str(pitch) for pitch in range(55, 80))))
IN_ANY_KEY = [INTERVAL, WIDER, FROM_FIRST, MATCHED, TO_RECALLED, RESEMBLED, TO_RESEMBLING]
KINDS = sorted(TOKENIZERS)
SPEAKS_PITCHES = [kind for kind in KINDS if kind != "abc"]
needs_kernels = pytest.mark.skipif(built() is None, reason="the kernels are not built")


def of_pitches(*pitches: int) -> Ids:
    """A piece of the vocabulary PITCHES."""
    return np.array([BOS, *(pitch - 52 for pitch in pitches), EOS])


def viewpoints(kind: str, *pieces: Piece) -> tuple[Viewpoints, Vocabulary]:
    spelling = tokenizer(kind)
    vocabulary = spelling.vocabulary([spelling.tokens(piece) for piece in pieces])
    return Viewpoints(vocabulary, spelling), vocabulary


def ids_of(kind: str, piece: Piece, vocabulary: Vocabulary) -> Ids:
    return np.array([BOS, *vocabulary.encode(tokenizer(kind).tokens(piece)), EOS])


def test_a_tune_by_hand() -> None:
    """C D E, D E F, C D: E followed C D before; and in any key what rose by a tone, then by a tone, before."""
    seen = Viewpoints(PITCHES, tokenizer("pitches")).of(of_pitches(60, 62, 64, 62, 64, 65, 60, 62))
    assert seen.shape == (10, 13)
    assert (seen[0, [INTERVAL, WIDER, FROM_FIRST, TO_RECALLED, TO_RESEMBLING]] == NO_INTERVAL).all()
    assert (seen[0, [MATCHED, RESEMBLED, RECALLED, RESEMBLING]] == 0).all()
    assert (seen[0, [LAST, FIRST]] == NO_PITCH).all()
    behind = seen[8]  # C D E D E F C D
    assert (behind[LAST], behind[FIRST]) == (62, 60)
    assert (behind[INTERVAL], behind[WIDER], behind[FROM_FIRST]) == (WIDEST + 2, WIDEST - 3, WIDEST + 2)
    assert (behind[MATCHED], PITCHES.tokens[behind[RECALLED]], behind[TO_RECALLED]) == (2, "64", WIDEST + 2)
    # The last step, a tone up, came three times before; what followed the latest time was a semitone up.
    assert (behind[RESEMBLED], PITCHES.tokens[behind[RESEMBLING]]) == (1, "63")
    assert (seen[9] == seen[8]).all(), "EOS changes nothing"


@quickly
@given(st.lists(st.integers(60, 63), min_size=1, max_size=24))
def test_matches_are_the_longest_and_the_latest(pitches: list[int]) -> None:
    """Against a search of every earlier place, note by note."""
    seen = Viewpoints(PITCHES, tokenizer("pitches")).of(of_pitches(*pitches))
    steps: list[int | None] = [None, *(b - a for a, b in itertools.pairwise(pitches))]
    for now in range(1, len(pitches) + 1):
        for said, length_column, token_column in (
            (pitches, MATCHED, RECALLED),
            (steps, RESEMBLED, RESEMBLING),
        ):
            best, place = 0, None
            for at in range(1, now):
                length = 0
                while (
                    length < at
                    and said[at - 1 - length] == said[now - 1 - length]
                    and said[at - 1 - length] is not None
                ):
                    length += 1
                if length >= max(best, 1):
                    best, place = length, at
            told = int(seen[now, token_column])
            assert seen[now, length_column] == min(best, LONGEST)
            if place is None:
                assert told == PAD
            elif said is pitches:
                assert int(PITCHES.tokens[told]) == pitches[place]
            else:
                assert int(PITCHES.tokens[told]) == pitches[now - 1] + pitches[place] - pitches[place - 1]


@pytest.mark.parametrize("kind", KINDS)
@slowly
@given(piece=melodies())
def test_nothing_is_seen_before_it_comes(kind: str, piece: Piece) -> None:
    """No leakage: what is seen behind a token is the same, whatever follows."""
    views, vocabulary = viewpoints(kind, piece)
    ids = ids_of(kind, piece, vocabulary)
    whole = views.of(ids)
    for end in range(1, len(ids)):
        assert (views.of(ids[:end]) == whole[:end]).all()


@pytest.mark.parametrize("kind", SPEAKS_PITCHES)
@slowly
@given(piece=melodies(), semitones=st.integers(-12, 12))
def test_a_piece_looks_alike_in_every_key(kind: str, piece: Piece, semitones: int) -> None:
    other = transposed(piece, semitones)
    assert other is not None
    views, vocabulary = viewpoints(kind, piece, other)
    mine, its = (views.of(ids_of(kind, one, vocabulary)) for one in (piece, other))
    known = (mine[:, RESEMBLING] != PAD) & (its[:, RESEMBLING] != PAD)  # a vocabulary ends somewhere
    columns = [c for c in IN_ANY_KEY if c not in (RESEMBLED, TO_RESEMBLING)]
    assert (mine[:, columns] == its[:, columns]).all()
    assert (mine[known][:, [RESEMBLED, TO_RESEMBLING]] == its[known][:, [RESEMBLED, TO_RESEMBLING]]).all()
    assert (its[:, LAST] - mine[:, LAST])[mine[:, LAST] != NO_PITCH] == pytest.approx(semitones)


@pytest.mark.parametrize("kind", SPEAKS_PITCHES)
@slowly
@given(piece=melodies(), semitones=st.integers(-12, 12))
def test_tokens_move_as_pieces_do(kind: str, piece: Piece, semitones: int) -> None:
    """A token's pitch and rest are the token: one token for each, and the moved one is that of the moved piece."""
    other = transposed(piece, semitones)
    assert other is not None
    views, vocabulary = viewpoints(kind, piece, other)
    parted = [tokenizer(kind).parted(token) for token in vocabulary.tokens[vocabulary.first :]]
    assert len(set(parted)) == len(parted)
    mine, its = (ids_of(kind, one, vocabulary)[1:-1].tolist() for one in (piece, other))
    assert [views.moved(token, semitones) for token in mine] == its


# ---------------------------------------------------------------------------------------------------
# Phrases


def phrases(*lengths: int, duration: int = 24) -> Piece:
    """A rising scale from C whose phrases are so many notes long."""
    marks = [i == length - 1 for length in lengths for i in range(length)]
    piece = scale(*range(60, 60 + len(marks)), duration=duration)
    return Piece.of(piece.notes(), fermata=marks)


def test_phrases_by_hand() -> None:
    """Three notes and one: where a phrase begins, what ends it, and how far its first pitch is."""
    views, vocabulary = viewpoints("voice", piece := phrases(3, 1, 1))
    ids = ids_of("voice", piece, vocabulary)
    words = ["<bos>", *tokenizer("voice").tokens(piece), "<eos>"]
    short = ["rhythm" if word[0].isdigit() else word.partition(":")[0] for word in words]
    seen = views.of(ids)[:, [PHRASE, FROM_PHRASE, PHRASE_FIRST]].tolist()
    none, same, rise = NO_INTERVAL, WIDEST, WIDEST + 2
    assert list(zip(short, seen, strict=True)) == [
        ("<bos>", [2, none, NO_PITCH]),
        ("key", [2, none, NO_PITCH]),
        ("metre", [2, none, NO_PITCH]),
        ("rhythm", [2, none, NO_PITCH]),
        ("pitch", [0, same, 60]),
        ("rhythm", [0, same, 60]),
        ("pitch", [0, same + 1, 60]),
        ("fermata", [1, same + 1, 60]),
        ("rhythm", [1, same + 1, 60]),
        ("pitch", [2, rise, 60]),
        ("fermata", [3, rise, 60]),
        ("rhythm", [3, rise, 60]),
        ("pitch", [2, same, 63]),
        ("fermata", [3, same, 63]),
        ("rhythm", [3, same, 63]),
        ("pitch", [2, same, 64]),
        ("<eos>", [2, same, 64]),
    ]
    assert list(views.read)[-2:] == [PHRASE, FROM_PHRASE]
    assert views.references[-1].column == PHRASE_FIRST
    assert views.columns == PHRASE_FIRST + 1


@pytest.mark.parametrize("kind", KINDS)
@slowly
@given(piece=melodies())
def test_who_knows_no_phrases_sees_no_more_than_before(kind: str, piece: Piece) -> None:
    """A column more would have been another model, and no checkpoint of before could be read."""
    views, _ = viewpoints(kind, piece)
    assert not views.tells_phrases
    assert views.columns == ALWAYS + views.pasts * OF_A_PAST
    assert max(views.read) < views.columns
    assert [reference.column for reference in views.references] == [LAST, FIRST, KEY][: 2 + views.tells_keys]


@slowly
@given(piece=melodies(), marked=with_fermatas(melodies()))
def test_what_else_is_seen_does_not_depend_on_fermatas(piece: Piece, marked: Piece) -> None:
    """Of a piece without any, under a vocabulary with and one without the token."""
    (views, vocabulary), (plain, fewer) = viewpoints("voice", piece, marked), viewpoints("voice", piece)
    found = views.of(ids_of("voice", piece, vocabulary))
    wanted = plain.of(ids_of("voice", piece, fewer))
    matched = [column + past * OF_A_PAST for past in range(2) for column in (MATCHED, TO_RECALLED)]
    columns = [*range(ALWAYS), *matched]  # others depend on what else the vocabulary has
    assert (found[:, columns] == wanted[:, columns]).all()
    assert set(found[:-1, PHRASE].tolist()) == {0, 2}


@slowly
@given(piece=with_fermatas(melodies()))
def test_nothing_is_seen_of_a_phrase_before_it_comes(piece: Piece) -> None:
    """No leakage: a phrase that ends later is not seen to end."""
    views, vocabulary = viewpoints("voice", piece)
    ids = ids_of("voice", piece, vocabulary)
    whole = views.of(ids)
    assert whole.shape == (len(ids), views.columns)
    for end in range(1, len(ids)):
        assert (views.of(ids[:end]) == whole[:end]).all()


@slowly
@given(piece=with_fermatas(melodies()), semitones=st.integers(-12, 12))
def test_phrases_look_alike_in_every_key(piece: Piece, semitones: int) -> None:
    other = transposed(piece, semitones)
    assert other is not None
    views, vocabulary = viewpoints("voice", piece, other)
    mine, its = (ids_of("voice", one, vocabulary) for one in (piece, other))
    assert [views.moved(token, semitones) for token in mine[1:-1].tolist()] == its[1:-1].tolist()
    found, wanted = views.of(mine), views.of(its)
    columns = [*(c for c in IN_ANY_KEY if c not in (RESEMBLED, TO_RESEMBLING)), PHRASE, FROM_PHRASE]
    assert (found[:, columns] == wanted[:, columns]).all()
    moved = (wanted[:, PHRASE_FIRST] - found[:, PHRASE_FIRST])[found[:, PHRASE_FIRST] != NO_PITCH]
    assert moved == pytest.approx(semitones)


@pytest.mark.parametrize("kernels", [False, pytest.param(True, marks=needs_kernels)])
def test_steps_see_phrases_as_the_whole_piece_does(kernels: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Token after token as all at once, with weights in all of the columns; and what ends a phrase counts."""
    if not kernels:
        monkeypatch.setattr("musicexp.model.steps.load", lambda: None)
    views, vocabulary = viewpoints("voice", piece := phrases(3, 2, 4))
    torch.manual_seed(0)
    model = MusicLSTM(
        len(vocabulary), num_layers=2, hidden_size=9, embedding_dim=5, dropout=0.0, viewpoints=views
    )
    model = model.double().eval()
    assert model.views is not None
    torch.nn.init.normal_(model.views.shares.weight)
    ids = torch.from_numpy(ids_of("voice", piece, vocabulary)[None])
    stepper = Stepper(model)
    with torch.no_grad():
        seen = model.views.seen(ids)
        wanted = model(ids)[0].log_softmax(-1)
        for column in (PHRASE, FROM_PHRASE, PHRASE_FIRST):
            other = seen.clone()
            other[..., column] = 0
            assert (model(ids, seen_BTC=other)[0].log_softmax(-1) - wanted).abs().max() > 1e-3
    for time in range(ids.shape[1]):
        assert np.abs(stepper(ids[:, time].numpy()) - wanted[:, time].numpy()).max() < 1e-9


# ---------------------------------------------------------------------------------------------------
# In a model


def a_model(kind: str = "torch", *, members: int = 1, double: bool = True) -> MusicLSTM | Members:
    """With viewpoints of PITCHES; its shares are not zero, as those of a fresh model are."""
    torch.manual_seed(0)
    seen = Viewpoints(PITCHES, tokenizer("pitches"))
    made = [
        MusicLSTM(
            len(PITCHES),
            num_layers=2,
            hidden_size=9,
            embedding_dim=5,
            dropout=0.0,
            viewpoints=seen,
            recurrence=recurrence(kind, "fp64"),
        )
        for _ in range(members)
    ]
    for one in made:
        assert one.views is not None
        torch.nn.init.normal_(one.views.shares.weight)
        torch.nn.init.normal_(one.views.worth)
    model = made[0] if members == 1 else Members(made)
    return (model.double() if double else model).eval()


def tunes(rows: int, notes: int, seed: int = 0) -> Tensor:
    """Random pieces, BOS first."""
    random = np.random.default_rng(seed)
    return torch.from_numpy(np.stack([of_pitches(*random.integers(60, 66, notes))[:-1] for _ in range(rows)]))


def test_a_fresh_model_knows_tokens_alone() -> None:
    """What is seen adds nothing to the logits of a fresh model but by way of the LSTM."""
    model = MusicLSTM(
        len(PITCHES),
        num_layers=1,
        hidden_size=4,
        embedding_dim=3,
        dropout=0.0,
        viewpoints=Viewpoints(PITCHES, tokenizer("pitches")),
    )
    assert model.views is not None
    seen = model.views.seen(tunes(2, 12))
    assert (model.views.logits(torch.randn(2, 13, 4), seen) == 0).all()


def test_no_logit_knows_the_future() -> None:
    model, ids = a_model(), tunes(3, 20)
    other = ids.clone()
    other[:, 12:] = tunes(3, 20, seed=1)[:, 12:]
    with torch.no_grad():
        assert (model(ids)[0][:, :12] == model(other)[0][:, :12]).all()
        assert (model(ids)[0][:, 12:] != model(other)[0][:, 12:]).any()


@pytest.mark.parametrize("kind", ["hoisted", pytest.param("native", marks=needs_kernels)])
def test_every_path_sees_the_same(kind: str) -> None:
    """Logits and gradients of all weights, against torch's own path."""
    ids = tunes(4, 15)
    found = []
    for way in ("torch", kind):
        model = a_model(way)
        logits, _ = model(ids)
        logits.square().sum().backward()
        found.append([logits, *(parameter.grad for parameter in model.parameters())])
    for mine, its in zip(*found, strict=True):
        assert mine is not None
        assert its is not None
        assert (mine - its).abs().max() <= 1e-9 * (1 + mine.abs().max())


@pytest.mark.parametrize("kind", ["hoisted", pytest.param("native", marks=needs_kernels)])
def test_recurrent_weights_are_dropped_alike(kind: str) -> None:
    """The same weights fall, whatever computes them, for a whole iteration; none in evaluation."""
    ids, found = tunes(4, 15), []
    for way in ("torch", kind):
        model = a_model(way)
        assert isinstance(model, MusicLSTM)
        model.recurrent_dropout = 0.5
        torch.manual_seed(1)
        found.append((model.train()(ids)[0], model.eval()(ids)[0]))
    (dropped, whole), (its_dropped, its_whole) = found
    assert (dropped - its_dropped).abs().max() < 1e-9
    assert (whole - its_whole).abs().max() < 1e-9
    assert (dropped - whole).abs().max() > 1e-3


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("kernels", [False, pytest.param(True, marks=needs_kernels)])
def test_steps_say_what_the_whole_piece_says(
    members: int, kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token after token as all at once; the beginning read, and two steps more."""
    if not kernels:
        monkeypatch.setattr("musicexp.model.steps.load", lambda: None)
    model, ids = a_model(members=members), tunes(5, 14)
    stepper = Stepper(model)
    stepper.read(ids[:, :13].numpy())
    with torch.no_grad():
        wanted = model(ids)[0].log_softmax(-1)
    for time in (13, 14):
        assert np.abs(stepper(ids[:, time].numpy()) - wanted[:, time].numpy()).max() < 1e-9


@needs_kernels
def test_a_row_does_not_depend_on_the_others() -> None:
    """To the last bit, in fp32."""
    assert load() is not None
    model, ids = a_model(members=2, double=False), tunes(6, 10).numpy()
    together, alone = Stepper(model), Stepper(model)
    together.read(ids)
    alone.read(ids[2:3])
    last = np.full(6, 10)
    assert (together(last)[2] == alone(last[:1])[0]).all()


def test_members_speak_as_one() -> None:
    """The mean of their probabilities; each goes on with its own state, and each learns by itself."""
    model, ids = a_model(members=3), tunes(4, 12)
    assert isinstance(model, Members)
    with torch.no_grad():
        whole, after = model(ids)
        members = members_of(model)
        singly = torch.stack([member(ids)[0].softmax(-1) for member in members])
        assert (whole.exp() - singly.mean(0)).abs().max() < 1e-12
        assert after.hidden_LBH.shape == (6, 4, 9)
        views = members[0].views
        assert views is not None
        seen = views.seen(ids)
        _, state = model(ids[:, :7])
        assert (model(ids[:, 7:], state, seen[:, 7:])[0] - whole[:, 7:]).abs().max() < 1e-12
        targets = ids.clone()
        targets[:, 0] = IGNORED
        nats = torch.stack([member.nats(ids, targets, None)[0] for member in members])
        assert model.nats(ids, targets, None)[0].item() == pytest.approx(nats.mean().item())
        assert -whole.gather(2, targets.clamp(min=0)[..., None])[:, 1:].sum() < nats.mean(), "Jensen"
    assert math.isclose(model.parameters_count, 3 * members[0].parameters_count)


@pytest.mark.parametrize("order", ["contiguous", "random"])
def test_windows_show_what_is_seen_of_the_whole_piece(order: str) -> None:
    """Wherever a window begins, in whatever key the piece is, and where training goes on behind some iteration."""
    random = np.random.default_rng(0)
    pieces = [of_pitches(*random.integers(58, 70, random.integers(3, 30))) for _ in range(8)]
    moved = [np.where(piece > EOS, piece + 2, piece) for piece in pieces]
    every = [ids for both in zip(pieces, moved, strict=True) for ids in both]
    flat = Sequences.of(every)
    keys = Sequences(flat.tokens, flat.starts, np.arange(8) * 2, np.full(8, 2))
    views = Viewpoints(PITCHES, tokenizer("pitches"))
    windows = Windows(keys, 3, 7, 0, order, viewpoints=views)  # type: ignore[arg-type]
    known = {tuple(ids[:end]): views.of(ids[:end])[-1] for ids in every for end in range(1, len(ids) + 1)}
    batches = [batch for _, batch in zip(range(12), windows, strict=False)]
    shown = 0
    for batch in batches:
        assert batch.seen_BTC is not None
        for inputs, seen in zip(batch.inputs_BT.tolist(), batch.seen_BTC.numpy(), strict=True):
            for time, token in enumerate(inputs):
                if token == BOS:  # from here on the piece's beginning is in the window
                    for end in range(time, len(inputs)):
                        if BOS in inputs[time + 1 : end + 1] or PAD in inputs[time : end + 1]:
                            break
                        assert (seen[end] == known[tuple(inputs[time : end + 1])]).all()
                        shown += 1
    assert shown > 50
    later = windows.batch(9)
    assert later.seen_BTC is not None
    assert batches[8].seen_BTC is not None
    assert (later.seen_BTC == batches[8].seen_BTC).all()
    assert (later.inputs_BT == batches[8].inputs_BT).all()


def test_a_member_learns_what_it_would_learn_alone() -> None:
    """Its gradients are clipped by its own norm: clipped by everybody's, members learned more slowly than one alone."""
    config = compose(
        ["model=lstm1", "model.members=3", "optimizer.clip=0.01", "optimizer.eps=1e-14", "precision=fp32"]
    )
    torch.manual_seed(0)
    members = Members(
        [MusicLSTM(28, num_layers=1, hidden_size=6, embedding_dim=4, dropout=0.0) for _ in range(3)]
    )
    alone = copy.deepcopy(members_of(members)[1])
    batch = Batch(tunes(4, 9)[:, :-1], tunes(4, 9)[:, 1:], fresh=True, tokens=36)
    for model in (members, alone):
        module = LSTMModule(model, config)
        optimizer = new_optimizer(model, config)
        for _ in range(3):
            optimizer.zero_grad()
            module.training_step(batch, 0).backward()  # type: ignore[no-untyped-call]
            module.configure_gradient_clipping(optimizer, config.optimizer.clip)
            optimizer.step()
    for name, weight in alone.state_dict().items():
        assert members_of(members)[1].state_dict()[name] == pytest.approx(weight, abs=1e-5), name
