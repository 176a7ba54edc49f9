"""The model: an embedding, a stack of LSTM layers, a linear layer. The softmax is in the loss and in the sampler.

Shape legend: B rows, T tokens, V vocabulary, L layers, H hidden size, E embedding.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class State(NamedTuple):
    """What an LSTM remembers: outputs and cells, each [L, B, H]."""

    hidden_LBH: Tensor
    cell_LBH: Tensor

    def detached(self) -> State:
        return State(self.hidden_LBH.detach(), self.cell_LBH.detach())


class MusicLSTM(nn.Module):
    """Next-token logits of token sequences. Cells are the standard LSTM's, with tanh."""

    def __init__(
        self, vocabulary_size: int, *, num_layers: int, hidden_size: int, embedding_dim: int, dropout: float
    ) -> None:
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
        hidden_BTE = self.dropout(self.embedding(ids_BT))
        hidden_BTH, carried = self.lstm(hidden_BTE, state)
        return self.head(self.dropout(hidden_BTH)), State(*carried)

    @property
    def parameters_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
