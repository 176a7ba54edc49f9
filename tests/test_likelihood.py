"""Likelihood: padding and grouping change nothing, and the ratios are what they are called."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from tunes import random_ids

from musicexp.metrics import Likelihood, likelihood, nats_among, nll_nats
from musicexp.model import MusicLSTM

SIZE = 9


def model(dropout: float = 0.0) -> MusicLSTM:
    torch.manual_seed(0)
    return MusicLSTM(SIZE, num_layers=2, hidden_size=8, embedding_dim=4, dropout=dropout).double()


def one_by_one(lstm: MusicLSTM, pieces: list[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> list[float]:
    """The definition: each piece alone, token by token."""
    lstm.eval()
    found = []
    with torch.no_grad():
        for piece in pieces:
            nats, state = 0.0, None
            for before, after in pairwise(piece.tolist()):
                logits, state = lstm(torch.tensor([[before]]), state)
                nats -= float(logits[0, 0].log_softmax(-1)[after])
            found.append(nats)
    return found


def test_it_is_each_piece_alone() -> None:
    pieces = random_ids(0, 12, SIZE)
    assert nll_nats(model(), pieces) == pytest.approx(one_by_one(model(), pieces), rel=1e-10)


def test_grouping_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    pieces = random_ids(1, 12, SIZE)
    whole = nll_nats(model(), pieces)
    module = sys.modules["musicexp.metrics.likelihood"]
    for at_once in (1, 13, 40):
        monkeypatch.setattr(module, "TOKENS_AT_ONCE", at_once)
        assert nll_nats(model(), pieces) == pytest.approx(whole, rel=1e-10)
    assert nll_nats(model(), pieces[::-1])[::-1] == pytest.approx(whole, rel=1e-10)


def test_it_leaves_the_model_as_it_was() -> None:
    pieces = random_ids(2, 3, SIZE)
    lstm = model(dropout=0.5)
    assert (nll_nats(lstm, pieces) == nll_nats(lstm, pieces)).all(), "no dropout in it"
    assert lstm.training
    assert nll_nats(lstm.eval(), pieces).shape == (3,)
    assert not lstm.training


def test_no_piece_no_nats() -> None:
    assert nll_nats(model(), []).shape == (0,)


def test_ratios() -> None:
    """Nats by predicted tokens (EOS counts, BOS does not), bits by sounding notes."""
    pieces = [np.array([1, 5, 6, 2]), np.array([1, 5, 2])]
    found = likelihood(np.array([3.0, 2.0]), pieces, notes=4)
    assert found == Likelihood(nats=5.0, tokens=5, notes=4)
    assert found.nats_per_token == 1.0
    assert found.bits_per_note == pytest.approx(5 / math.log(2) / 4, rel=1e-15)
    empty = likelihood(np.zeros(0), [], notes=0)
    assert math.isnan(empty.nats_per_token)
    assert math.isnan(empty.bits_per_note)


def test_a_model_that_knows_nothing_needs_the_logarithm_of_its_vocabulary() -> None:
    lstm = model()
    with torch.no_grad():
        lstm.head.weight.zero_()
        lstm.head.bias.zero_()
    pieces = random_ids(3, 4, SIZE)
    expected = [(len(piece) - 1) * math.log(SIZE) for piece in pieces]
    assert nll_nats(lstm, pieces) == pytest.approx(expected, rel=1e-12)


def test_among_some_tokens_the_others_do_not_exist() -> None:
    """Chances are renormalised over what may come, and what may not come is not asked for."""
    pieces, among = random_ids(3, 6, SIZE), [5, 4, 7]
    found = nats_among(model(), pieces, among)
    lstm = model().eval()
    for piece, nats in zip(pieces, found, strict=True):
        with torch.no_grad():
            chances = lstm(torch.tensor(piece[None, :-1]))[0][0].softmax(-1).numpy()
        by_hand = [
            [-math.log(chance[i] / chance[among].sum()) for i in among]
            for chance, after in zip(chances, piece[1:], strict=True)
            if after in among
        ]
        assert nats == pytest.approx(np.array(by_hand).reshape(-1, 3), rel=1e-10)
