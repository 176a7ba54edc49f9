"""What every fast path offers: one layer over time, differentiable.

Shape legend: T time, B rows, I input size, H hidden size, G = 4 H gates, V vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor


class Inputs(NamedTuple):
    """What a layer reads: values of each token, or a table by token of what they come to in the gates.

    Attributes:
        values_TBI: with `weight_GI`, or None.
        weight_GI: the input weights.
        bias_G: the sum of both biases.
        table_VG: inputs and biases as the gates see them, by token; or None.
        tokens_TB: int64, contiguous.
    """

    values_TBI: Tensor | None
    weight_GI: Tensor | None
    bias_G: Tensor | None
    table_VG: Tensor | None
    tokens_TB: Tensor


class Layer(Protocol):
    """Outputs [T, B, H] and the last hidden and cell [B, H]."""

    def __call__(
        self, inputs: Inputs, weight_GH: Tensor, hidden_BH: Tensor, cell_BH: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]: ...


def states(hidden_BH: Tensor, cell_BH: Tensor, time: int) -> tuple[Tensor, Tensor]:
    """Room for hiddens and cells of all time, [T + 1, B, H] each, with the first ones in."""
    hiddens, cells = (first.new_empty(time + 1, *first.shape) for first in (hidden_BH, cell_BH))
    hiddens[0], cells[0] = hidden_BH, cell_BH
    return hiddens, cells
