"""What an iteration costs: seconds of one processor, measured in turns so that a busy machine troubles all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import cross_entropy

from musicexp.config import Config
from musicexp.data import IGNORED, Windows
from musicexp.generation import new_model
from musicexp.model import Resolved
from musicexp.training import Material
from musicexp.training.module import new_optimizer

ROUNDS, ITERATIONS, WARMING = 5, 6, 2


def seconds_per_iteration(
    configs: Sequence[Config], material: Material, resolved: Sequence[Resolved]
) -> list[float]:
    """Processor seconds of a training iteration of each configuration, with one thread: the median of `ROUNDS`.

    Not the clock's seconds: on a machine with other work those tell how busy it was.
    """
    torch.set_num_threads(1)
    found: list[list[float]] = [[] for _ in configs]
    trainings = [_training(config, material, path) for config, path in zip(configs, resolved, strict=True)]
    for round_ in range(ROUNDS + 1):
        for number, step in enumerate(trainings):
            begun = time.process_time()
            for _ in range(ITERATIONS if round_ else WARMING):
                step()
            if round_:
                found[number].append((time.process_time() - begun) / ITERATIONS)
    return [statistics.median(each) for each in found]


def _training(config: Config, material: Material, path: Resolved) -> Callable[[], None]:
    """A function that trains for one iteration more."""
    torch.manual_seed(config.seed)
    model = new_model(material.vocabulary, config.model, path).train()
    optimizer = new_optimizer(model, config)
    windows = iter(
        Windows(material.ids["train"], config.batch_size, config.seq_length, config.seed, config.windows, 1)
    )

    def step() -> None:
        batch = next(windows)
        optimizer.zero_grad()
        logits_BTV, _ = model(batch.inputs_BT)
        loss = cross_entropy(logits_BTV.flatten(0, 1), batch.targets_BT.flatten(), ignore_index=IGNORED)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
