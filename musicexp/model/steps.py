"""Token after token: a model's next log-probabilities, one step at a time, for sampling.

Weights are taken and packed when the stepper is made. The first layer's input is a table by token, so that the
embedding costs nothing.

With the native kernels a row's figures do not depend on how many rows there are: to the last bit. With stock
operations they do, within 1e-5, for a matrix product sums in another order for another number of rows; a fixed
number of rows would cost several times as much for one melody.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import linear

from musicexp.model.lstm import MusicLSTM
from musicexp.model.native import Kernels, StackParts, load
from musicexp.model.recurrence.hoisted import HoistedLayer
from musicexp.model.recurrence.stack import layer_weights


class Step(Protocol):
    """Logits [B, V] behind one more token of every row; the state [L, B, H] is changed in place."""

    def __call__(self, tokens_B: Tensor, hidden_LBH: Tensor, cell_LBH: Tensor) -> Tensor: ...


class Stepper:
    """A model as a callable: last ids in, log-probabilities of the next out; it remembers the rest."""

    def __init__(self, model: MusicLSTM, *, bf16: bool = False, kernels: Kernels | None = None) -> None:
        """
        Args:
            model: on the CPU.
            bf16: products of bf16 numbers.
            kernels: None for those that are built; without them, stock operations.
        """
        self._hidden = model.lstm.hidden_size
        self._layers = model.lstm.num_layers
        self._state: tuple[Tensor, Tensor] | None = None
        self._dtype = model.head.weight.dtype
        kernels = kernels or load()
        with torch.inference_mode():
            parts = stack_parts(model)
            self._step: Step = (
                kernels.stack(parts, bf16=bf16).step if kernels else StockStep(parts, bf16=bf16)
            )

    def read(self, ids_BT: NDArray[np.int64]) -> None:
        """Take in the beginning of each sequence, all but its last id."""
        with torch.inference_mode():
            for ids_B in ids_BT.T:
                self._logits(ids_B)

    def __call__(self, last_ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-probabilities [B, V] of what follows the last ids [B]."""
        with torch.inference_mode():
            logprobs: NDArray[np.float64] = self._logits(last_ids).double().log_softmax(-1).numpy()
            return logprobs

    def _logits(self, ids_B: NDArray[np.int64]) -> Tensor:
        if self._state is None:
            shape = self._layers, len(ids_B), self._hidden
            self._state = torch.zeros(shape, dtype=self._dtype), torch.zeros(shape, dtype=self._dtype)
        return self._step(torch.from_numpy(np.ascontiguousarray(ids_B)), *self._state)


class StockStep:
    """A step in stock PyTorch operations, with weights packed for the number of rows that it sees.

    The gates are brought into the order i, f, o, g, so that one operation serves all sigmoids: at one row the
    calls cost as much as what they compute.
    """

    def __init__(self, parts: StackParts, *, bf16: bool) -> None:
        self._layer = HoistedLayer(bf16=bf16)
        self._rows = 0
        self._table_VG = _reordered(parts.table_VG.t()).t().contiguous()
        self._biases_LG = _reordered(parts.biases_LG.t()).t().contiguous()
        joined = [torch.cat(both, 1) for both in zip(parts.inputs, parts.recurrent[1:], strict=True)]
        self._weights = [_reordered(weight) for weight in (parts.recurrent[0], *joined)]
        self._head_VH, self._head_bias_V = parts.head_VH, parts.head_bias_V

    def __call__(self, tokens_B: Tensor, hidden_LBH: Tensor, cell_LBH: Tensor) -> Tensor:
        if self._rows != len(tokens_B):
            self._pack(len(tokens_B))
        size = hidden_LBH.shape[-1]
        for layer, product in enumerate(self._products):
            hidden_BH, cell_BH = hidden_LBH[layer], cell_LBH[layer]
            if layer == 0:
                gates_BG = product(hidden_BH).add_(self._table_VG[tokens_B])
            else:
                read = torch.cat([hidden_LBH[layer - 1], hidden_BH], 1)
                gates_BG = product(read).add_(self._biases_LG[layer])
            gates_BG[:, : 3 * size].sigmoid_()
            i, f, o, g = gates_BG.chunk(4, 1)
            cell_BH.mul_(f).addcmul_(i, g.tanh_())
            torch.mul(o, cell_BH.tanh(), out=hidden_BH)
        return self._head(hidden_LBH[-1]).add_(self._head_bias_V)

    def _pack(self, rows: int) -> None:
        self._products = [self._layer.product(weight, rows) for weight in self._weights]
        self._head = self._layer.product(self._head_VH, rows)
        self._rows = rows


def _reordered(weight_GN: Tensor) -> Tensor:
    """Gates i, f, g, o as i, f, o, g."""
    i, f, g, o = weight_GN.chunk(4)
    return torch.cat([i, f, o, g])


def stack_parts(model: MusicLSTM) -> StackParts:
    """A model's weights as single steps need them."""
    layers = [layer_weights(model.lstm, layer) for layer in range(model.lstm.num_layers)]
    return StackParts(
        table_VG=linear(model.embedding.weight, layers[0].input_GI, layers[0].bias_G),
        inputs=[layer.input_GI for layer in layers[1:]],
        recurrent=[layer.recurrent_GH for layer in layers],
        biases_LG=torch.stack([layer.bias_G for layer in layers]),
        head_VH=model.head.weight,
        head_bias_V=model.head.bias,
    )
