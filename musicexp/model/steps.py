"""Token after token: a model's next log-probabilities, one step at a time, for sampling.

Weights are taken and packed when the stepper is made. The first layer's input is a table by token, so that the
embedding costs nothing.

With the native kernels a row's figures do not depend on how many rows there are: to the last bit. With stock
operations they do, within 1e-5, for a matrix product sums in another order for another number of rows; a fixed
number of rows would cost several times as much for one melody.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import linear

from musicexp.model.lstm import MusicLSTM
from musicexp.model.members import Member, MusicModel, members_of, viewpoints_of
from musicexp.model.native import Kernels, StackParts, load
from musicexp.model.recurrence.hoisted import HoistedLayer
from musicexp.model.recurrence.stack import layer_weights
from musicexp.model.transformer import MusicTransformer, Past
from musicexp.model.views import Views
from musicexp.tokens.viewpoints import Follower


class Step(Protocol):
    """Logits [B, V] behind one more token of every row; the state [L, B, H] is changed in place.

    With a table, [V, G], that is what the first layer gets by token, instead of the model's own.
    """

    def __call__(
        self, tokens_B: Tensor, hidden_LBH: Tensor, cell_LBH: Tensor, table_VG: Tensor | None = None
    ) -> Tensor: ...


class Stepper:
    """A model as a callable: last ids in, log-probabilities of the next out; it remembers the rest."""

    def __init__(self, model: MusicModel, *, bf16: bool = False, kernels: Kernels | None = None) -> None:
        """
        Args:
            model: on the CPU.
            bf16: products of bf16 numbers.
            kernels: None for those that are built; without them, stock operations.
        """
        kernels = kernels or load()
        members = members_of(model)
        with torch.inference_mode():
            self._voices = [_voice(member, bf16=bf16, kernels=kernels) for member in members]
        self._viewpoints = viewpoints_of(model)
        self._followers: list[Follower] = []

    def read(self, ids_BT: NDArray[np.int64]) -> None:
        """Take in the beginning of each sequence, all but its last id."""
        with torch.inference_mode():
            for ids_B in ids_BT.T:
                self._logits(ids_B)

    def __call__(self, last_ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-probabilities [B, V] of what follows the last ids [B]."""
        with torch.inference_mode():
            said = [logits.double().log_softmax(-1) for logits in self._logits(last_ids)]
            together = said[0] if len(said) == 1 else torch.stack(said).logsumexp(0) - math.log(len(said))
            logprobs: NDArray[np.float64] = together.numpy()
            return logprobs

    def _logits(self, ids_B: NDArray[np.int64]) -> list[Tensor]:
        """Of every member, [B, V]."""
        tokens_B, seen_BC = torch.from_numpy(np.ascontiguousarray(ids_B)), self._seen(ids_B)
        return [voice.logits(tokens_B, seen_BC) for voice in self._voices]

    def _seen(self, ids_B: NDArray[np.int64]) -> Tensor | None:
        """What is seen behind one more token of every row, int64 [B, C]."""
        if self._viewpoints is None:
            return None
        if not self._followers:
            self._followers = [self._viewpoints.follow() for _ in ids_B]
        rows = zip(self._followers, ids_B.tolist(), strict=True)
        return torch.tensor([follower.advance(token) for follower, token in rows], dtype=torch.int64)


class _Voice(Protocol):
    """One model, and what it remembers of every row."""

    def logits(self, tokens_B: Tensor, seen_BC: Tensor | None) -> Tensor: ...


def _voice(model: Member, *, bf16: bool, kernels: Kernels | None) -> _Voice:
    if isinstance(model, MusicTransformer):
        return _LookingBack(model)
    return _Recurring(model, bf16=bf16, kernels=kernels)


class _LookingBack:
    """A Transformer, and the keys and values of all that it read."""

    def __init__(self, model: MusicTransformer) -> None:
        self._model = model
        self._past = Past()

    def logits(self, tokens_B: Tensor, seen_BC: Tensor | None) -> Tensor:
        """Behind one more token of every row, [B, V]."""
        seen_B1C = None if seen_BC is None else seen_BC[:, None]
        logits_B1V: Tensor
        logits_B1V, _ = self._model(tokens_B[:, None], seen_BTC=seen_B1C, past=self._past)
        return logits_B1V[:, 0]


class _Recurring:
    """An LSTM, and its state of every row."""

    def __init__(self, model: MusicLSTM, *, bf16: bool, kernels: Kernels | None) -> None:
        parts = stack_parts(model)
        self._step: Step = kernels.stack(parts, bf16=bf16).step if kernels else StockStep(parts, bf16=bf16)
        self._shape = model.lstm.num_layers, model.lstm.hidden_size
        self._dtype = model.head.weight.dtype
        self._state: tuple[Tensor, Tensor] | None = None
        self._table_VG = parts.table_VG
        self._views = model.views
        self._shares = partial(_shares, model.views, kernels, bf16) if model.views and kernels else None
        self._tables = (
            [linear(embedding, layer_weights(model.lstm, 0).input_GI) for embedding in model.views.embeddings]
            if model.views
            else []
        )

    def logits(self, tokens_B: Tensor, seen_BC: Tensor | None) -> Tensor:
        """Behind one more token of every row, [B, V]."""
        if self._state is None:
            layers, width = self._shape
            shape = layers, len(tokens_B), width
            self._state = torch.zeros(shape, dtype=self._dtype), torch.zeros(shape, dtype=self._dtype)
        if self._views is None:
            return self._step(tokens_B, *self._state)
        assert seen_BC is not None
        # What is seen differs from row to row: a table of the rows, in which each finds its own.
        rows_BG = self._table_VG[tokens_B]
        for table, column in zip(self._tables, self._views.viewpoints.read, strict=True):
            rows_BG = rows_BG + table[seen_BC[:, column]]
        logits_BV = self._step(torch.arange(len(tokens_B)), *self._state, rows_BG)
        hidden_BH = self._state[0][-1]
        return logits_BV + self._views.logits(hidden_BH[:, None], seen_BC[:, None], self._shares)[:, 0]


def _shares(views: Views, kernels: Kernels, bf16: bool, hidden_B1H: Tensor) -> Tensor:
    """By the kernels, whose sums do not depend on how many rows there are."""
    weight, bias = views.shares.weight, views.shares.bias
    return kernels.product(hidden_B1H[:, 0], weight, bf16=bf16, bias_N=bias)[:, None]


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

    def __call__(
        self, tokens_B: Tensor, hidden_LBH: Tensor, cell_LBH: Tensor, table_VG: Tensor | None = None
    ) -> Tensor:
        own_VG = self._table_VG if table_VG is None else _reordered(table_VG.t()).t()
        if self._rows != len(tokens_B):
            self._pack(len(tokens_B))
        size = hidden_LBH.shape[-1]
        for layer, product in enumerate(self._products):
            hidden_BH, cell_BH = hidden_LBH[layer], cell_LBH[layer]
            if layer == 0:
                gates_BG = product(hidden_BH).add_(own_VG[tokens_B])
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
