"""The compiled kernels, called with torch tensors.

Shape legend: T time, B rows, H hidden size, G = 4 H gates (in torch.nn.LSTM's order i, f, g, o), V vocabulary,
L layers; M, K, N rows, inner and columns of a product.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, POINTER, Structure, c_int, c_long, c_void_p
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from musicexp.model.native.building import INSTRUCTION_SETS, built

FP32, FP64, BF16 = 0, 1, 2


class _Entries(Structure):
    """entries.hpp's table, field for field."""

    _fields_ = (
        ("product_space", CFUNCTYPE(c_long, c_int, c_long, c_long, c_int)),
        (
            "product",
            CFUNCTYPE(
                None,
                *(c_int, *[c_long] * 3),
                *(c_void_p, c_long, c_long) * 2,
                *(c_void_p, c_long, c_void_p, c_void_p, c_int),
            ),
        ),
        ("recurrence_space", CFUNCTYPE(c_long, c_int, c_long, c_long, c_int)),
        ("forward", CFUNCTYPE(None, c_int, *[c_long] * 3, *[c_void_p] * 7, c_int)),
        ("backward", CFUNCTYPE(None, c_int, *[c_long] * 3, *[c_void_p] * 10, c_int)),
        ("stack_bytes", CFUNCTYPE(c_long, c_int, *[c_long] * 3)),
        ("pack_matrix", CFUNCTYPE(None, c_int, *[c_long] * 3, c_void_p, c_long, c_void_p)),
        ("step_space", CFUNCTYPE(c_long, c_int, *[c_long] * 4, c_int)),
        ("step", CFUNCTYPE(None, c_int, *[c_long] * 4, *[c_void_p] * 9, c_int)),
    )


def _at(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


class Kernels:
    """The kernels of one instruction set. Tensors are on the CPU, fp32 or fp64, and contiguous unless said."""

    def __init__(self, entries: Any, instruction_set: str) -> None:
        self._entries = entries
        self.instruction_set = instruction_set
        self._space = torch.empty(0, dtype=torch.uint8)

    def _room(self, size: int) -> Tensor:
        """Working memory, kept from call to call: fresh pages cost more than what is computed in them."""
        if len(self._space) < size:
            self._space = torch.empty(size, dtype=torch.uint8)
        return self._space

    def product(
        self, a_MK: Tensor, b_NK: Tensor, *, bf16: bool = False, bias_N: Tensor | None = None
    ) -> Tensor:
        """a times b transposed, [M, N]; a and b may be strided, so that either may be a transpose."""
        kind, threads = _precision(a_MK, bf16), torch.get_num_threads()
        (m, k), n = a_MK.shape, b_NK.shape[0]
        out_MN = a_MK.new_empty(m, n)
        space = self._room(self._entries.product_space(kind, n, k, threads))
        self._entries.product(
            *(kind, m, n, k),
            *(_at(a_MK), *a_MK.stride(), _at(b_NK), *b_NK.stride()),
            *(_at(out_MN), n, _at(bias_N), _at(space), threads),
        )
        return out_MN

    def forward(
        self,
        gates_TBG: Tensor,
        weight_GH: Tensor,
        hiddens: Tensor,
        cells: Tensor,
        *,
        bf16: bool,
        table_VG: Tensor | None = None,
        tokens_TB: Tensor | None = None,
    ) -> None:
        """A layer over time.

        Args:
            gates_TBG: what comes from inputs and biases; becomes the activations. With a table it is only written.
            hiddens, cells: [T + 1, B, H], the first given, the others written.
            table_VG, tokens_TB: what comes from inputs and biases, by token.
        """
        time, rows, gates = gates_TBG.shape
        kind, hidden, threads = _precision(gates_TBG, bf16), gates // 4, torch.get_num_threads()
        space = self._room(self._entries.recurrence_space(kind, rows, hidden, threads))
        self._entries.forward(
            *(kind, time, rows, hidden, _at(gates_TBG), _at(table_VG), _at(tokens_TB)),
            *(_at(weight_GH), _at(hiddens), _at(cells), _at(space), threads),
        )

    def backward(
        self,
        gates_TBG: Tensor,
        cells: Tensor,
        weight_GH: Tensor,
        d_hiddens_TBH: Tensor,
        d_hidden_BH: Tensor,
        d_cell_BH: Tensor,
        *,
        bf16: bool,
        d_bias_G: Tensor | None = None,
        d_table_VG: Tensor | None = None,
        tokens_TB: Tensor | None = None,
    ) -> None:
        """A layer's backward through time.

        Args:
            gates_TBG: the activations; become the gradients before activation.
            d_hiddens_TBH: gradients of the outputs.
            d_hidden_BH, d_cell_BH: of the last state; become those of the first.
            d_bias_G, d_table_VG: added to.
        """
        time, rows, gates = gates_TBG.shape
        kind, hidden, threads = _precision(gates_TBG, bf16), gates // 4, torch.get_num_threads()
        space = self._room(self._entries.recurrence_space(kind, rows, hidden, threads))
        self._entries.backward(
            *(kind, time, rows, hidden, _at(gates_TBG), _at(cells), _at(weight_GH), _at(d_hiddens_TBH)),
            *(_at(d_hidden_BH), _at(d_cell_BH), _at(d_bias_G), _at(d_table_VG), _at(tokens_TB)),
            *(_at(space), threads),
        )

    def stack(self, parts: StackParts, *, bf16: bool) -> Stack:
        """A whole model's weights, packed for single steps."""
        kind = _precision(parts.table_VG, bf16)
        layers, hidden, size = len(parts.recurrent), parts.recurrent[0].shape[1], len(parts.head_VH)
        packed = torch.empty(self._entries.stack_bytes(kind, layers, hidden, size), dtype=torch.uint8)
        matrices = [parts.recurrent[0]]
        for inputs, recurrent in zip(parts.inputs, parts.recurrent[1:], strict=True):
            matrices += [inputs, recurrent]
        for which, matrix in enumerate([*matrices, parts.head_VH]):
            self._entries.pack_matrix(
                kind, layers, hidden, size, _at(packed), which, _at(matrix.contiguous())
            )
        return Stack(self, kind, packed, parts)

    def step(
        self,
        stack: Stack,
        tokens_B: Tensor,
        hidden_LBH: Tensor,
        cell_LBH: Tensor,
        logits_BV: Tensor,
        table_VG: Tensor | None = None,
    ) -> None:
        """One token for every row: the state becomes the next one, and the logits are written.

        Args:
            table_VG: instead of the stack's own.
        """
        parts, threads = stack.parts, torch.get_num_threads()
        layers, rows, hidden = hidden_LBH.shape
        size = len(parts.head_VH)
        space = self._room(self._entries.step_space(stack.kind, layers, rows, hidden, size, threads))
        self._entries.step(
            *(stack.kind, layers, rows, hidden, size, _at(stack.packed), _at(tokens_B)),
            _at(parts.table_VG if table_VG is None else table_VG),
            *(_at(parts.biases_LG), _at(parts.head_bias_V), _at(hidden_LBH), _at(cell_LBH), _at(logits_BV)),
            *(_at(space), threads),
        )


@dataclass(frozen=True)
class StackParts:
    """A model's weights as single steps need them.

    Attributes:
        table_VG: the first layer's share of its input and its biases, by token.
        inputs: from the second layer on, [G, H] each.
        recurrent: of every layer, [G, H] each.
        biases_LG: the sum of both biases of every layer.
    """

    table_VG: Tensor
    inputs: list[Tensor]
    recurrent: list[Tensor]
    biases_LG: Tensor
    head_VH: Tensor
    head_bias_V: Tensor


@dataclass(frozen=True)
class Stack:
    """Packed weights. Later changes of the model do not reach them."""

    kernels: Kernels
    kind: int
    packed: Tensor
    parts: StackParts

    def step(
        self, tokens_B: Tensor, hidden_LBH: Tensor, cell_LBH: Tensor, table_VG: Tensor | None = None
    ) -> Tensor:
        """Logits [B, V] behind one more token; the state is changed in place.

        Args:
            table_VG: the first layer's share of its input and its biases, by token, instead of the model's own.
        """
        logits_BV = hidden_LBH.new_empty(len(tokens_B), len(self.parts.head_VH))
        self.kernels.step(self, tokens_B, hidden_LBH, cell_LBH, logits_BV, table_VG)
        return logits_BV


def _precision(like: Tensor, bf16: bool) -> int:
    if like.dtype == torch.float64:
        return FP64
    assert like.dtype == torch.float32, like.dtype
    return BF16 if bf16 else FP32


@cache
def _loaded(path: Path) -> ctypes.CDLL:
    """The library, also when the file is gone meanwhile."""
    library = ctypes.CDLL(str(path))
    library.musicexp_entries.restype = POINTER(_Entries)
    return library


def load(path: Path | None = None, instruction_set: str | None = None) -> Kernels | None:
    """The kernels, or None if they are not built.

    Args:
        path: of the library; None for the one that `build` made.
        instruction_set: None for the best that this processor has. One that it lacks kills the process.
    """
    path = path or built()
    if path is None:
        return None
    library = _loaded(path)
    names = list(INSTRUCTION_SETS)
    index = library.musicexp_best() if instruction_set is None else names.index(instruction_set)
    return Kernels(library.musicexp_entries(index).contents, names[index])
