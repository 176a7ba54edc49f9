"""The model: an embedding, a stack of LSTM layers, a linear layer. The softmax is in the loss and in the sampler.

Shape legend: B rows, T tokens, C columns of what is seen, V vocabulary, L layers, H hidden size, E embedding.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from musicexp.data import IGNORED
from musicexp.model.dropout import dropout
from musicexp.model.recurrence import Recurrence
from musicexp.model.views import SPREAD, Views
from musicexp.tokens.viewpoints import Viewpoints


class State(NamedTuple):
    """What an LSTM remembers: outputs and cells, each [L, B, H]."""

    hidden_LBH: Tensor
    cell_LBH: Tensor

    def detached(self) -> State:
        return State(self.hidden_LBH.detach(), self.cell_LBH.detach())


def code_length(logits_BTV: Tensor, targets_BT: Tensor) -> Tensor:
    """Nats of the targets, summed; those that are `IGNORED` count nothing."""
    return cross_entropy(
        logits_BTV.flatten(0, 1), targets_BT.flatten(), ignore_index=IGNORED, reduction="sum"
    )


class MusicLSTM(nn.Module):
    """Next-token logits of token sequences. Cells are the standard LSTM's, with tanh.

    The state_dict is that of nn.Embedding, nn.LSTM and nn.Linear, whatever computes the recurrence; with viewpoints that
    of `Views` is added.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        num_layers: int,
        hidden_size: int,
        embedding_dim: int,
        dropout: float,
        embedding_dropout: float | None = None,
        recurrent_dropout: float = 0.0,
        viewpoints: Viewpoints | None = None,
        recurrence: Recurrence | None = None,
    ) -> None:
        """
        Args:
            embedding_dropout: None for `dropout`.
            recurrent_dropout: the share of the recurrent weights that is dropped in each iteration.
            viewpoints: of the vocabulary, if the model is to see them.
            recurrence: how embedding and LSTM are computed; None for torch's own way.
        """
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_dim)
        self.lstm = nn.LSTM(
            embedding_dim,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)
        self.embedding_dropout = dropout if embedding_dropout is None else embedding_dropout
        self.recurrent_dropout = recurrent_dropout
        self.head = nn.Linear(hidden_size, vocabulary_size)
        self.recurrence = recurrence
        self.views: Views | None = None
        if viewpoints:
            self.views = Views(viewpoints, embedding_dim=embedding_dim, hidden_size=hidden_size)
            with torch.no_grad():
                self.embedding.weight *= SPREAD
        self._begin_remembering()

    def _begin_remembering(self) -> None:
        """Forget gates start at bias 1, so that early in training the cell keeps what it holds (Jozefowicz 2015)."""
        width = self.lstm.hidden_size
        with torch.no_grad():
            for layer in range(self.lstm.num_layers):
                getattr(self.lstm, f"bias_ih_l{layer}")[width : 2 * width] = 1.0
                getattr(self.lstm, f"bias_hh_l{layer}")[width : 2 * width] = 0.0

    def forward(
        self, ids_BT: Tensor, state: State | None = None, seen_BTC: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Logits [B, T, V] for the token after each input, and the state behind the last input.

        Args:
            seen_BTC: what is seen behind each token; None where every row begins with its piece.
        """
        added_BTE = None
        if self.views:
            seen_BTC = self.views.seen(ids_BT) if seen_BTC is None else seen_BTC
            added_BTE = self.views.read(seen_BTC)
        hidden_BTH, carried = self._hidden(ids_BT, state, added_BTE)
        logits_BTV: Tensor = self.head(hidden_BTH)
        if self.views:
            assert seen_BTC is not None
            logits_BTV = logits_BTV + self.views.logits(hidden_BTH, seen_BTC)
        return logits_BTV, carried

    def nats(
        self, inputs_BT: Tensor, targets_BT: Tensor, state: State | None, seen_BTC: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The code length of targets, summed: what training makes small. Where a target is `IGNORED` nothing counts."""
        logits_BTV, after = self(inputs_BT, state, seen_BTC)
        return code_length(logits_BTV, targets_BT), after

    def _hidden(self, ids_BT: Tensor, state: State | None, added_BTE: Tensor | None) -> tuple[Tensor, State]:
        """What the head reads, dropout done, and the last state."""
        p = self.dropout.p if self.training else 0.0
        weights = self._recurrent_weights()
        if self.recurrence is not None:
            first = self.embedding_dropout if self.training else 0.0
            hidden_BTH, carried = self.recurrence(
                self.embedding, self.lstm, ids_BT, state, first, added_BTE=added_BTE, recurrent=weights
            )
            return dropout(hidden_BTH, p), State(*carried)
        values_BTE = self.embedding(ids_BT)
        values_BTE = values_BTE if added_BTE is None else values_BTE + added_BTE
        values_BTE = nn.functional.dropout(values_BTE, self.embedding_dropout, self.training)
        if weights is None:
            hidden_BTH, carried = self.lstm(values_BTE, state)
        else:
            hidden_BTH, carried = self._by_torch(values_BTE, state, weights)
        return self.dropout(hidden_BTH), State(*carried)

    def _recurrent_weights(self) -> list[Tensor] | None:
        """By layer, the recurrent weights with some of them dropped (Merity et al. 2018); None where none are."""
        if not (self.training and self.recurrent_dropout):
            return None
        layers = range(self.lstm.num_layers)
        return [dropout(getattr(self.lstm, f"weight_hh_l{k}"), self.recurrent_dropout) for k in layers]

    def _by_torch(
        self, values_BTE: Tensor, state: State | None, recurrent: list[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """nn.LSTM with other recurrent weights than its own."""
        if state is None:
            zeros = values_BTE.new_zeros(self.lstm.num_layers, len(values_BTE), self.lstm.hidden_size)
            state = State(zeros, zeros)
        weights = [
            weight
            for layer, dropped in enumerate(recurrent)
            for weight in (
                getattr(self.lstm, f"weight_ih_l{layer}"),
                dropped,
                getattr(self.lstm, f"bias_ih_l{layer}"),
                getattr(self.lstm, f"bias_hh_l{layer}"),
            )
        ]
        hidden_BTH, *carried = torch.lstm(
            values_BTE,
            state,
            weights,
            True,
            self.lstm.num_layers,
            self.lstm.dropout,
            self.training,
            False,
            True,
        )
        return hidden_BTH, (carried[0], carried[1])

    @property
    def parameters_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
