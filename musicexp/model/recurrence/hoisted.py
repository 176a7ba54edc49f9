"""The hoisted path: the recurrence in stock PyTorch operations, with its backward pass written out.

In the loop over time stands only what depends on the step before: one product with weights packed once a pass,
and the gates. The gradient of the weights is one product behind the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from musicexp.model.recurrence.layer import Inputs, states

Product = Callable[[Tensor], Tensor]


class HoistedLayer:
    """One layer over time.

    Args:
        bf16: products of bf16 numbers; weights, states and gates stay as they are.
    """

    def __init__(self, *, bf16: bool) -> None:
        self.bf16 = bf16

    def __call__(
        self, inputs: Inputs, weight_GH: Tensor, hidden_BH: Tensor, cell_BH: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        if inputs.values_TBI is not None:
            assert inputs.weight_GI is not None
            assert inputs.bias_G is not None
            values_TBI, weight_GI = self.rounded(inputs.values_TBI), self.rounded(inputs.weight_GI)
            gates_TBG = linear(values_TBI, weight_GI).to(weight_GH.dtype) + inputs.bias_G
        else:
            assert inputs.table_VG is not None
            gates_TBG = torch.nn.functional.embedding(inputs.tokens_TB, inputs.table_VG)
        found: tuple[Tensor, Tensor, Tensor] = _Layer.apply(  # type: ignore[no-untyped-call]
            self, gates_TBG, weight_GH, hidden_BH, cell_BH
        )
        return found

    def rounded(self, tensor: Tensor) -> Tensor:
        return tensor.bfloat16() if self.bf16 else tensor

    def product(self, weight_NK: Tensor, rows: int) -> Product:
        """x -> x times the transpose of the weight, for many x of so many rows."""
        return packed_product(self.rounded(weight_NK), rows, weight_NK.dtype)


def packed_product(weight_NK: Tensor, rows: int, dtype: torch.dtype) -> Product:
    """x -> x times the transpose of the weight, for many x of `rows` rows; the weight is packed once.

    oneDNN's product of few rows is about twice as fast as the one behind torch.mm, on AMD's processors even more.
    """
    if onednn_packs(weight_NK.dtype):
        packed = torch.ops.mkldnn._reorder_linear_weight(weight_NK.contiguous(), rows)
        product = torch.ops.mkldnn._linear_pointwise

        def by_onednn(x_MK: Tensor) -> Tensor:
            y_MN: Tensor = product(x_MK.to(weight_NK.dtype), packed, None, "none", [], "")
            return y_MN.to(dtype)

        return by_onednn
    turned_KN = weight_NK.t().contiguous()
    return lambda x_MK: torch.mm(x_MK.to(weight_NK.dtype), turned_KN).to(dtype)


def onednn_packs(dtype: torch.dtype) -> bool:
    """Whether oneDNN multiplies by packed weights of this type here."""
    if dtype == torch.float64 or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class _Layer(torch.autograd.Function):
    """The loop over time. Saves activations, hiddens and cells."""

    @staticmethod
    def forward(
        ctx: Any,
        layer: HoistedLayer,
        gates_TBG: Tensor,
        weight_GH: Tensor,
        hidden_BH: Tensor,
        cell_BH: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        (time, rows, _), hidden = gates_TBG.shape, weight_GH.shape[1]
        hiddens, cells = states(hidden_BH, cell_BH, time)
        activations_TBG = torch.empty_like(gates_TBG)
        product = layer.product(weight_GH, rows)
        for t in range(time):
            activated_BG = torch.add(gates_TBG[t], product(hiddens[t]), out=activations_TBG[t])
            activated_BG[:, : 2 * hidden].sigmoid_()
            activated_BG[:, 2 * hidden : 3 * hidden].tanh_()
            activated_BG[:, 3 * hidden :].sigmoid_()
            i, f, g, o = activated_BG.chunk(4, 1)
            cell = torch.mul(f, cells[t], out=cells[t + 1]).addcmul_(i, g)
            torch.mul(o, cell.tanh(), out=hiddens[t + 1])
        if any(ctx.needs_input_grad):
            ctx.layer = layer
            ctx.save_for_backward(activations_TBG, hiddens, cells, weight_GH)
        return hiddens[1:], hiddens[-1].clone(), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_hiddens_TBH: Tensor, d_hidden_BH: Tensor, d_cell_BH: Tensor
    ) -> tuple[Tensor | None, ...]:
        activations_TBG, hiddens, cells, weight_GH = ctx.saved_tensors
        (time, rows, _), hidden = activations_TBG.shape, weight_GH.shape[1]
        d_gates_TBG = torch.empty_like(activations_TBG)
        # Over all time at once: what the loop multiplies by.
        i, f, g, o = activations_TBG.chunk(4, 2)
        tanh_cells = cells[1:].tanh()
        into_cell = o * (1 - tanh_cells * tanh_cells)
        torch.stack(
            [g * i * (1 - i), cells[:-1] * f * (1 - f), i * (1 - g * g), tanh_cells * o * (1 - o)],
            dim=2,
            out=d_gates_TBG.view(time, rows, 4, hidden),
        )
        product = ctx.layer.product(weight_GH.t(), rows)
        for t in range(time - 1, -1, -1):
            d_hidden_BH = d_hidden_BH + d_hiddens_TBH[t]
            d_cell_BH = torch.addcmul(d_cell_BH, d_hidden_BH, into_cell[t])
            d_gates_B4H = d_gates_TBG[t].view(rows, 4, hidden)
            d_gates_B4H[:, :3] *= d_cell_BH[:, None]
            d_gates_B4H[:, 3] *= d_hidden_BH
            d_cell_BH = d_cell_BH * f[t]
            d_hidden_BH = product(d_gates_TBG[t])
        rounded = ctx.layer.rounded
        d_weight_GH = torch.mm(
            rounded(d_gates_TBG.flatten(0, 1)).t(), rounded(hiddens[:-1].flatten(0, 1))
        ).to(weight_GH.dtype)
        return None, d_gates_TBG, d_weight_GH, d_hidden_BH, d_cell_BH
