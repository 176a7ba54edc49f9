"""The LSTM: shapes, state, and how it begins."""

from __future__ import annotations

import pytest
import torch

from musicexp.model import MusicLSTM, State


def lstm(seed: int = 0, layers: int = 2, dropout: float = 0.0) -> MusicLSTM:
    torch.manual_seed(seed)
    return MusicLSTM(11, num_layers=layers, hidden_size=7, embedding_dim=5, dropout=dropout)


IDS = torch.arange(24).reshape(3, 8) % 11


@pytest.mark.parametrize("layers", [1, 3])
def test_shapes(layers: int) -> None:
    logits, state = lstm(layers=layers)(IDS)
    assert logits.shape == (3, 8, 11)
    assert state.hidden_LBH.shape == state.cell_LBH.shape == (layers, 3, 7)
    assert not state.detached().cell_LBH.requires_grad
    assert state.cell_LBH.requires_grad


def test_a_carried_state_is_a_whole_pass() -> None:
    model = lstm().double().eval()
    whole, end = model(IDS)
    state: State | None = None
    parts = []
    for ids in (IDS[:, :1], IDS[:, 1:5], IDS[:, 5:]):
        logits, state = model(ids, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-14)
    assert state is not None
    torch.testing.assert_close(state.cell_LBH, end.cell_LBH, rtol=0, atol=1e-14)
    again, _ = model(IDS, state)
    assert (again - whole).abs().max() > 1e-3, "the state counts"


def test_no_token_knows_of_those_behind_it() -> None:
    model = lstm().eval()
    other = IDS.clone()
    other[:, 5:] = 0
    assert torch.equal(model(IDS)[0][:, :5], model(other)[0][:, :5])


def test_forget_gates_begin_open_and_the_others_do_not() -> None:
    """Without it the cell forgets half of what it holds with every token, early in training."""
    model = lstm(layers=3)
    for layer in range(3):
        total = getattr(model.lstm, f"bias_ih_l{layer}") + getattr(model.lstm, f"bias_hh_l{layer}")
        assert torch.equal(total[7:14], torch.ones(7))
        assert (torch.cat([total[:7], total[14:]]).abs() < 1).all()


def test_equal_seeds_begin_equal() -> None:
    one, other, third = lstm(0).state_dict(), lstm(0).state_dict(), lstm(1).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["head.weight"], third["head.weight"])


def test_parameters_are_counted() -> None:
    embedding, head = 11 * 5, 7 * 11 + 11
    first, second = 4 * 7 * (5 + 7) + 2 * 4 * 7, 4 * 7 * (7 + 7) + 2 * 4 * 7
    assert lstm(layers=2).parameters_count == embedding + first + second + head


def test_dropout_acts_in_training_only() -> None:
    model = lstm(dropout=0.5)
    assert not torch.equal(model(IDS)[0], model(IDS)[0])
    model.eval()
    assert torch.equal(model(IDS)[0], model(IDS)[0])
    assert lstm(layers=1, dropout=0.5).lstm.dropout == 0.0  # torch warns where a single layer has it
