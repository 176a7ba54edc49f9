"""How long it takes to learn more than counting does: training seconds until the validation loss passes the trigram's.

The default data set and model. A default run, with all that is around it, against a plain loop (nn.Embedding, nn.LSTM,
nn.Linear, Adam; random windows from a zero state, as in the MIT lab) with the best of three learning rates. Both are
validated every ten iterations; the time of that does not count. Printed and written to benchmarks/time_to_trigram.md.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from dataclasses import replace

import torch
from tables import Row, median_and_spread, write_table
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from training_speed import Clock, Plain

from musicexp.config import Config, compose
from musicexp.data import IGNORED, Windows
from musicexp.metrics import likelihood, nll_nats
from musicexp.tracking import cache_dir, open_store, store_uri
from musicexp.training import Signals, train
from musicexp.training.material import Material, prepare

EVERY = 10
LONGEST = 400
"""Iterations after which a loop is given up."""
RATES = (1e-3, 3e-3, 5e-3)


class Passed(Exception):  # noqa: N818  it is no error
    """The aim is reached, and the rest of the run is of no interest."""


class Course(Clock):
    """Training seconds at every validation, without those of validating; ends the run that reaches the aim."""

    def __init__(self, aim: float) -> None:
        super().__init__()
        self._aim = aim
        self.trained = 0.0
        self.last: float | None = None
        self.course: list[tuple[int, float, float]] = []

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        now = time.perf_counter()
        self.trained += 0.0 if self.last is None else now - self.last
        self.last = now

    def validation(self, iteration: int, loss: float) -> None:
        self.course.append((iteration, self.trained, loss))
        if loss <= self._aim:
            raise Passed
        self.last = time.perf_counter()


def passed(course: list[tuple[int, float, float]], aim: float) -> tuple[int, float]:
    """Iteration and seconds of the first validation at or below the aim; infinite if there is none."""
    for iteration, seconds, loss in course:
        if loss <= aim:
            return iteration, seconds
    return LONGEST, float("inf")


def a_run(config: Config, material: Material, signals: Signals, aim: float) -> list[tuple[int, float, float]]:
    """The course of a real run until it passes the aim."""
    clock = Course(aim)
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(Passed):
        run = open_store(f"sqlite:///{folder}/mlflow.db", "bench").create_run(None, {})
        train(config, run, clock, cache=cache_dir(store_uri(None)), signals=signals, material=material)
    return clock.course


class AsModel(nn.Module):
    """A plain loop's model as `nll_nats` calls one."""

    def __init__(self, net: Plain) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids_BT: Tensor) -> tuple[Tensor, None]:
        return self.net(ids_BT), None


def a_plain_loop(config: Config, material: Material, lr: float, aim: float) -> list[tuple[int, float, float]]:
    """The course of a plain loop until it passes the aim."""
    torch.manual_seed(config.seed)
    net = Plain(
        config.model.num_layers,
        config.model.hidden_size,
        config.model.embedding_dim,
        vocabulary=len(material.vocabulary),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr)
    windows = Windows(material.ids["train"], config.batch_size, config.seq_length, config.seed, "random", 1)
    pieces, course, trained = material.ids["val"], [], 0.0
    for iteration in range(1, LONGEST + 1):
        begun = time.perf_counter()
        batch = windows.batch(iteration)
        optimizer.zero_grad()
        logits_BTV = net(batch.inputs_BT)
        loss = cross_entropy(logits_BTV.flatten(0, 1), batch.targets_BT.flatten(), ignore_index=IGNORED)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()
        trained += time.perf_counter() - begun
        if iteration % EVERY == 0:
            nats = nll_nats(AsModel(net), pieces)  # type: ignore[arg-type]
            course.append((iteration, trained, likelihood(nats, pieces, 1).nats_per_token))
            if course[-1][2] <= aim:
                break
    return course


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    config = compose([f"validation.every={EVERY}", "samples.count=0", "precision=fp32"])
    ours: list[tuple[int, float]] = []
    plain: dict[float, list[tuple[int, float]]] = {lr: [] for lr in RATES}
    with Signals().caught() as signals:
        material = prepare(config, cache_dir(store_uri(None)), Clock().preparing)
        aim = material.baselines["trigram"]["val"].nats_per_token
        for seed in seeds:
            seeded = replace(config, seed=seed)
            ours.append(passed(a_run(seeded, material, signals, aim), aim))
            for lr in RATES:
                plain[lr].append(passed(a_plain_loop(seeded, material, lr, aim), aim))
    best = min(RATES, key=lambda lr: statistics.median(seconds for _, seconds in plain[lr]))
    rows = [row(f"plain loop, lr {lr:g}", plain[lr]) for lr in RATES] + [row("a default run", ours)]
    ratios = [slow / fast for (_, slow), (_, fast) in zip(plain[best], ours, strict=True)]
    rows.append(
        Row(f"plain loop, lr {best:g} / a default run", *median_and_spread(ratios, "times"), "at least 3")
    )
    how = f"`make bench`; {len(ours)} seeds in turns; the trigram's validation loss is {aim:.3f} nats per token."
    write_table(__file__, "Time until the validation loss passes the trigram's", how, rows)


def row(what: str, found: list[tuple[int, float]]) -> Row:
    """Seconds, and behind how many iterations."""
    figure, spread = median_and_spread([seconds for _, seconds in found], "s")
    return Row(what, f"{figure}, {statistics.median(at for at, _ in found):.0f} iterations", spread)


if __name__ == "__main__":
    sys.exit(main())
