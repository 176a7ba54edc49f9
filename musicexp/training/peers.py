"""The processes that train one model together, one for each device, as one of them sees the others.

Every process reads its share of the rows of each batch and has the same weights; the gradients of all are
summed. What else they must agree on (losses, signals, whose turn it is to save) goes over gloo on the CPU,
whatever device they train on, so that it is the same code for all of them.

Written for CUDA with nccl too, but run on the CPU alone so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy, Strategy
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")

PATIENCE = timedelta(days=1)
"""How long one waits for the others. They wait while the first one validates; whoever died is found out by
the process that started them, and not by waiting."""


@dataclass(frozen=True)
class Peers:
    """Which of how many processes this is, and what they tell each other; `ALONE` is the only one.

    Every method that takes part in something must be called by all of them, in the same order.
    """

    rank: int = 0
    size: int = 1
    group: dist.ProcessGroup | None = None

    @classmethod
    def join(cls, rank: int, size: int, port: int, device: torch.device) -> Peers:
        """Meet the others at a port of this machine; return when all are there."""
        store = dist.TCPStore("127.0.0.1", port, is_master=False, timeout=PATIENCE)  # type: ignore[attr-defined]  # torch's __all__ forgets it
        if device.type == "cuda":
            torch.cuda.set_device(rank)
        dist.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=rank,
            world_size=size,
            timeout=PATIENCE,
            device_id=torch.device("cuda", rank) if device.type == "cuda" else None,
        )
        group = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(group, dist.ProcessGroup)
        return cls(rank, size, group)

    def rows(self, batch_size: int) -> slice:
        """Which rows of a batch are this process's."""
        share = batch_size // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def begin_own_stream(self, seed: int) -> None:
        """Let dropout differ between the processes, which had one stream so that they began with one model."""
        if self.rank:
            states = np.random.SeedSequence((seed, self.rank)).generate_state(1, np.uint64)
            torch.manual_seed(int(states[0]))

    def sum(self, value: float) -> float:
        """The sum over all; nan and inf come through."""
        return self._summed([value])[0]

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """For each flag, whether anybody raised it."""
        return tuple(raised > 0 for raised in self._summed([float(flag) for flag in flags]))

    def from_first(self, value: Callable[[], float]) -> float:
        """A value that the first process finds, while the others wait for it."""
        if self.size == 1:
            return value()
        return self.sum(value() if self.rank == 0 else 0.0)

    def gathered(self, mine: T) -> list[T]:
        """Everybody's, in order of rank."""
        if self.size == 1:
            return [mine]
        found: list[T] = [mine] * self.size
        dist.all_gather_object(found, mine, group=self.group)
        return found

    def strategy(self) -> Strategy | str:
        """What Lightning needs to know."""
        return "auto" if self.size == 1 else SummingDDP(cluster_environment=LightningEnvironment())

    def _summed(self, values: list[float]) -> list[float]:
        if self.size == 1:
            return values
        together = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(together, group=self.group)
        found: list[float] = together.tolist()
        return found


ALONE = Peers()


class SummingDDP(DDPStrategy):
    """Lightning's DDP, whose gradients are summed instead of averaged, and in order of rank.

    Summed, because the loss is divided by the tokens of the whole batch already, and the shares differ in
    theirs. In order of rank, because a sum of three and more numbers depends on their order: the order
    of a ring depends on where DDP packs a parameter, which is not the same before and after its first
    iteration; so a resumed training would differ in the last bits from one never stopped.
    """

    def configure_ddp(self) -> None:
        """Wrap the module, and take over how gradients are exchanged."""
        super().configure_ddp()
        assert isinstance(self.model, DistributedDataParallel)
        self.model.register_comm_hook(None, lambda _, bucket: _summed_in_order(bucket.buffer()))


def _summed_in_order(mine: Tensor) -> torch.futures.Future[Tensor]:
    parts = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    exchange = dist.all_gather(parts, mine, async_op=True)
    assert exchange is not None

    def summed(done: torch.futures.Future[list[Tensor]]) -> Tensor:
        done.value()  # raises what broke the exchange
        return reduce(torch.add, parts)

    found: torch.futures.Future[Tensor] = exchange.get_future().then(summed)
    return found
