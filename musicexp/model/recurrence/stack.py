"""A stack of layers computed by a fast path, on the weights of a torch.nn.LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from musicexp.model.dropout import dropout
from musicexp.model.recurrence.hoisted import HoistedLayer
from musicexp.model.recurrence.layer import Inputs, Layer
from musicexp.model.recurrence.native import NativeLayer


class LayerWeights(NamedTuple):
    """One layer of a torch.nn.LSTM: weights and the sum of its two biases."""

    input_GI: Tensor
    recurrent_GH: Tensor
    bias_G: Tensor


def layer_weights(lstm: nn.LSTM, layer: int) -> LayerWeights:
    return LayerWeights(
        getattr(lstm, f"weight_ih_l{layer}"),
        getattr(lstm, f"weight_hh_l{layer}"),
        getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}"),
    )


class Recurrence:
    """A fast path for embedding, dropout and LSTM together: equal to torch's within rounding, dropout aside."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __call__(
        self,
        embedding: nn.Embedding,
        lstm: nn.LSTM,
        ids_BT: Tensor,
        state: tuple[Tensor, Tensor] | None,
        p: float,
        *,
        added_BTE: Tensor | None = None,
        recurrent: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Outputs [B, T, H] and the last state, as `lstm(dropout(embedding(ids), p), state)` gives them.

        Args:
            p: of the embedding's dropout, 0 in evaluation. That between layers is the LSTM's own, in training.
            added_BTE: what is added to the embedding of each token, before dropout.
            recurrent: by layer, recurrent weights [G, H] instead of the LSTM's own.
        """
        tokens_TB = ids_BT.t().contiguous()
        if state is None:
            zeros = embedding.weight.new_zeros(lstm.num_layers, len(ids_BT), lstm.hidden_size)
            state = zeros, zeros
        values_TBI: Tensor | None = None
        hiddens, cells = [], []
        for index in range(lstm.num_layers):
            weights = layer_weights(lstm, index)
            inputs = (
                first_inputs(embedding, weights, tokens_TB, p, added_BTE)
                if values_TBI is None
                else Inputs(values_TBI, weights.input_GI, weights.bias_G, None, tokens_TB)
            )
            weight_GH = weights.recurrent_GH if recurrent is None else recurrent[index]
            values_TBI, hidden_BH, cell_BH = self._layer(inputs, weight_GH, state[0][index], state[1][index])
            hiddens.append(hidden_BH)
            cells.append(cell_BH)
            if lstm.training and index < lstm.num_layers - 1:
                values_TBI = dropout(values_TBI, lstm.dropout)
        assert values_TBI is not None
        return values_TBI.transpose(0, 1), (torch.stack(hiddens), torch.stack(cells))


def first_inputs(
    embedding: nn.Embedding,
    weights: LayerWeights,
    tokens_TB: Tensor,
    p: float,
    added_BTE: Tensor | None = None,
) -> Inputs:
    """A table by token, exact and cheaper than the product where a batch has more tokens than the vocabulary.

    Dropout on the embedding is drawn for every place in the batch, and what is added differs there too, so that no table
    can hold either.
    """
    if added_BTE is not None:
        values_TBE = embedding(tokens_TB) + added_BTE.transpose(0, 1)
        return Inputs(dropout(values_TBE, p), weights.input_GI, weights.bias_G, None, tokens_TB)
    if p > 0 or tokens_TB.numel() < embedding.num_embeddings:
        return Inputs(dropout(embedding(tokens_TB), p), weights.input_GI, weights.bias_G, None, tokens_TB)
    return Inputs(None, None, None, linear(embedding.weight, weights.input_GI, weights.bias_G), tokens_TB)


def recurrence(kind: str, precision: str) -> Recurrence | None:
    """The path of this name; None for torch's own."""
    if kind == "native":
        return Recurrence(NativeLayer(bf16=precision == "bf16"))
    return Recurrence(HoistedLayer(bf16=precision == "bf16")) if kind == "hoisted" else None
