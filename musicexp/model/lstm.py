"""The model: an embedding, a stack of LSTM layers, a linear layer. The softmax is in the loss and in the sampler.

Shape legend: B rows, T tokens, V vocabulary, L layers, H hidden size, E embedding.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from musicexp.model.dropout import dropout
from musicexp.model.recurrence import Recurrence


class State(NamedTuple):
    """What an LSTM remembers: outputs and cells, each [L, B, H]."""

    hidden_LBH: Tensor
    cell_LBH: Tensor

    def detached(self) -> State:
        return State(self.hidden_LBH.detach(), self.cell_LBH.detach())


class MusicLSTM(nn.Module):
    """Next-token logits of token sequences. Cells are the standard LSTM's, with tanh.

    The state_dict is that of nn.Embedding, nn.LSTM and nn.Linear, whatever computes the recurrence.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        num_layers: int,
        hidden_size: int,
        embedding_dim: int,
        dropout: float,
        recurrence: Recurrence | None = None,
    ) -> None:
        """
        Args:
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
        self.head = nn.Linear(hidden_size, vocabulary_size)
        self.recurrence = recurrence
        self._begin_remembering()

    def _begin_remembering(self) -> None:
        """Forget gates start at bias 1, so that early in training the cell keeps what it holds (Jozefowicz 2015)."""
        width = self.lstm.hidden_size
        with torch.no_grad():
            for layer in range(self.lstm.num_layers):
                getattr(self.lstm, f"bias_ih_l{layer}")[width : 2 * width] = 1.0
                getattr(self.lstm, f"bias_hh_l{layer}")[width : 2 * width] = 0.0

    def forward(self, ids_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits [B, T, V] for the token after each input, and the state behind the last input."""
        if self.recurrence is None:
            hidden_BTH, carried = self.lstm(self.dropout(self.embedding(ids_BT)), state)
            return self.head(self.dropout(hidden_BTH)), State(*carried)
        p = self.dropout.p if self.training else 0.0
        hidden_BTH, carried = self.recurrence(self.embedding, self.lstm, ids_BT, state, p)
        return self.head(dropout(hidden_BTH, p)), State(*carried)

    @property
    def parameters_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
