"""Which path and which precision: a fixed table, nothing is timed.

| device | AVX512-BF16 | kernels built | hidden size | recurrence=auto | precision=auto |
|--------|-------------|---------------|-------------|-----------------|----------------|
| GPU    | -           | -             | any         | torch           | fp32           |
| CPU    | yes         | yes           | any         | native          | bf16           |
| CPU    | no          | yes           | any         | native          | fp32           |
| CPU    | yes         | no            | from 512    | hoisted         | bf16           |
| CPU    | otherwise                   | |             | torch           | fp32           |

On a GPU, nn.LSTM is cuDNN's fused kernel. In fp32 stock operations do not beat the one that nn.LSTM has on the CPU
(benchmarks/training_speed.md), and below 512 the hoisted loop's own cost eats what bf16 saves. torch's path knows
fp32 and fp64 alone: autocast hardly helps it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from musicexp.errors import RunError
from musicexp.model.native import built

HOISTED_FROM = 512
"""Hidden size from which the hoisted path in bf16 is faster than torch's."""


@dataclass(frozen=True)
class Machine:
    """What the choice looks at.

    Attributes:
        device: "cpu" or "cuda".
        bf16: the processor has AVX512-BF16.
        native: the kernels are built.
    """

    device: str
    bf16: bool
    native: bool


@dataclass(frozen=True)
class Resolved:
    """What `auto` became: part of the signature, restored by resume."""

    recurrence: str
    precision: str
    threads: int


def this_machine(device: str) -> Machine:
    """This machine."""
    return Machine(device, bool(torch.cpu.get_capabilities().get("avx512_bf16", False)), built() is not None)


def resolve(recurrence: str, precision: str, hidden_size: int, threads: int, here: Machine) -> Resolved:
    """What the settings come to here.

    Raises:
        RunError: what is asked for cannot be had here.
    """
    if recurrence == "auto":
        recurrence = _path(precision, hidden_size, here)
    if precision == "auto":
        precision = "bf16" if here.bf16 and recurrence != "torch" else "fp32"
    if here.device != "cpu" and recurrence != "torch":
        raise RunError(
            f"recurrence={recurrence} is written for the CPU, and this run trains on a GPU; write recurrence=torch, or trainer.accelerator=cpu"
        )
    if recurrence == "native" and not here.native:
        raise RunError(
            "recurrence=native needs the compiled kernels, and they are not built for this version; build them by `make setup` or `python -m musicexp.model.native` (a C++ compiler is needed), or write recurrence=hoisted"
        )
    if precision == "bf16" and recurrence == "torch":
        raise RunError(
            "precision=bf16 is not for recurrence=torch, which hardly gains by it; write recurrence=native or recurrence=hoisted, or precision=fp32"
        )
    if precision == "bf16" and not here.bf16:
        raise RunError(
            "precision=bf16 needs a processor with AVX512-BF16, which this one lacks; write precision=fp32"
        )
    return Resolved(recurrence, precision, threads)


def _path(precision: str, hidden_size: int, here: Machine) -> str:
    if here.device != "cpu":
        return "torch"
    if here.native:
        return "native"
    gains = precision == "auto" and here.bf16 and hidden_size >= HOISTED_FROM
    return "hoisted" if gains or precision == "bf16" else "torch"
