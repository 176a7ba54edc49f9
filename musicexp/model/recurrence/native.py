"""The native path: the compiled kernels as a differentiable layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from musicexp.model.native import Kernels, load
from musicexp.model.recurrence.layer import Inputs, states


class NativeLayer:
    """One layer over time by the kernels: sums over the hidden units in one order, whatever the batch.

    Args:
        kernels: None for those that `make setup` built.
        bf16: products of bf16 numbers, summed in fp32; weights and states stay as they are.
    """

    def __init__(self, *, bf16: bool, kernels: Kernels | None = None) -> None:
        found = kernels or load()
        assert found is not None, "resolve() has looked that the kernels are built"
        self.kernels = found
        self.bf16 = bf16

    def __call__(
        self, inputs: Inputs, weight_GH: Tensor, hidden_BH: Tensor, cell_BH: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        found: tuple[Tensor, Tensor, Tensor] = _Layer.apply(  # type: ignore[no-untyped-call]
            self, *inputs, weight_GH, hidden_BH, cell_BH
        )
        return found


class _Layer(torch.autograd.Function):
    """Saves activations, hiddens and cells; the backward pass turns the activations into gradients in place."""

    @staticmethod
    def forward(
        ctx: Any,
        layer: NativeLayer,
        values_TBI: Tensor | None,
        weight_GI: Tensor | None,
        bias_G: Tensor | None,
        table_VG: Tensor | None,
        tokens_TB: Tensor,
        weight_GH: Tensor,
        hidden_BH: Tensor,
        cell_BH: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        kernels, bf16 = layer.kernels, layer.bf16
        (time, rows), gates = tokens_TB.shape, len(weight_GH)
        weight_GH = weight_GH.contiguous()
        hiddens, cells = states(hidden_BH, cell_BH, time)
        if values_TBI is not None:
            assert weight_GI is not None
            values_TBI = values_TBI.contiguous()
            gates_TBG = kernels.product(values_TBI.flatten(0, 1), weight_GI, bf16=bf16, bias_N=bias_G)
            gates_TBG = gates_TBG.view(time, rows, gates)
        else:
            gates_TBG = weight_GH.new_empty(time, rows, gates)
        kernels.forward(
            gates_TBG, weight_GH, hiddens, cells, bf16=bf16, table_VG=table_VG, tokens_TB=tokens_TB
        )
        if any(ctx.needs_input_grad):
            ctx.layer, ctx.gates, ctx.cells, ctx.hiddens = layer, gates_TBG, cells, hiddens
            ctx.save_for_backward(values_TBI, weight_GI, tokens_TB, weight_GH)
            ctx.table_size = None if table_VG is None else len(table_VG)
        return hiddens[1:], hiddens[-1].clone(), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_hiddens_TBH: Tensor, d_hidden_BH: Tensor, d_cell_BH: Tensor
    ) -> tuple[Tensor | None, ...]:
        if ctx.gates is None:
            raise RuntimeError(
                "a second backward pass through the native recurrence: its activations are gone"
            )
        values_TBI, weight_GI, tokens_TB, weight_GH = ctx.saved_tensors
        kernels, bf16 = ctx.layer.kernels, ctx.layer.bf16
        gates_TBG, ctx.gates = ctx.gates, None
        d_hidden_BH, d_cell_BH = d_hidden_BH.clone(), d_cell_BH.clone()
        size = ctx.table_size
        d_table_VG = None if size is None else weight_GH.new_zeros(size, len(weight_GH))
        d_bias_G = None if values_TBI is None else weight_GH.new_zeros(len(weight_GH))
        kernels.backward(
            *(gates_TBG, ctx.cells, weight_GH, d_hiddens_TBH.contiguous(), d_hidden_BH, d_cell_BH),
            bf16=bf16,
            d_bias_G=d_bias_G,
            d_table_VG=d_table_VG,
            tokens_TB=tokens_TB,
        )
        d_gates_NG = gates_TBG.flatten(0, 1)
        d_weight_GH = kernels.product(d_gates_NG.t(), ctx.hiddens[:-1].flatten(0, 1).t(), bf16=bf16)
        d_weight_GI = d_values_TBI = None
        if values_TBI is not None:
            d_weight_GI = kernels.product(d_gates_NG.t(), values_TBI.flatten(0, 1).t(), bf16=bf16)
            if ctx.needs_input_grad[1]:
                d_values_TBI = kernels.product(d_gates_NG, weight_GI.t(), bf16=bf16).view_as(values_TBI)
        return (
            *(None, d_values_TBI, d_weight_GI, d_bias_G, d_table_VG, None),
            *(d_weight_GH, d_hidden_BH, d_cell_BH),
        )
