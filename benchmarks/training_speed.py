"""How fast an iteration is, against the loops that people write: ratios, side by side in one process.

The plain loop is the MIT lab's: nn.Embedding, nn.LSTM, nn.Linear, cross-entropy, Adam, fp32. What is compared takes
turns with it, iteration by iteration. Printed and written to benchmarks/training_speed.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from tables import Row, write_table
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from musicexp.config import Config, compose
from musicexp.generation import new_model
from musicexp.model import MusicLSTM, Resolved, State, recurrence, this_machine
from musicexp.model.native import Kernels, load
from musicexp.tokens import Vocabulary
from musicexp.tracking import cache_dir, open_store, store_uri
from musicexp.training import Signals, Silent, train
from musicexp.training.material import prepare
from musicexp.training.module import LSTMModule, new_optimizer

VOCABULARY, SEQ_LENGTH, EMBEDDING = 120, 100, 256
SHAPES = {"1x1024x12": (1, 1024, 12), "3x1024x12": (3, 1024, 12), "3x512x64": (3, 512, 64)}
"""Layers, hidden size, batch."""
AIMS = {
    ("1x1024x12", "hoisted"): "at least 1.5 (bf16)",
    ("3x1024x12", "hoisted"): "at least 2.0 (bf16)",
    ("1x1024x12", "native bf16"): "at least 2.8",
    ("3x1024x12", "native bf16"): "at least 3.0",
    ("3x512x64", "native bf16"): "at least 2.2",
    ("1x1024x12", "native fp32"): "at least 1.4",
}


class Plain(nn.Module):
    """What the lab has."""

    def __init__(
        self,
        layers: int,
        hidden: int,
        embedding: int = EMBEDDING,
        dropout: float = 0.0,
        vocabulary: int = VOCABULARY,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, ids_BT: Tensor) -> Tensor:
        logits_BTV: Tensor = self.head(self.lstm(self.embedding(ids_BT))[0])
        return logits_BTV


def stepping(
    forward: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer, ids: Tensor
) -> Callable[[], None]:
    """One iteration of a loop."""

    def step() -> None:
        optimizer.zero_grad()
        logits_BTV = forward(ids[:, :-1])
        cross_entropy(logits_BTV.flatten(0, 1), ids[:, 1:].flatten()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def ours(kind: str, precision: str, layers: int, hidden: int) -> MusicLSTM:
    return MusicLSTM(
        VOCABULARY,
        num_layers=layers,
        hidden_size=hidden,
        embedding_dim=EMBEDDING,
        dropout=0.0,
        recurrence=recurrence(kind, precision),
    )


def contenders(layers: int, hidden: int, ids: Tensor) -> dict[str, Callable[[], None]]:
    """The plain loop and every path that this machine has."""
    plain = Plain(layers, hidden)
    found = {"plain": stepping(plain, torch.optim.Adam(plain.parameters(), 1e-3), ids)}
    here = this_machine("cpu")
    kinds = ["hoisted", *(["native"] if here.native else [])]
    for precision in ["fp32", *(["bf16"] if here.bf16 else [])]:
        for kind in kinds:
            model = ours(kind, precision, layers, hidden)
            optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
            found[f"{kind} {precision}"] = stepping(lambda x, m=model: m(x)[0], optimizer, ids)  # type: ignore[misc]
    return found


def in_turns(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each repeat, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            begun = time.perf_counter()
            step()
            if repeat:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> tuple[str, str]:
    """The median of the ratios of turns that were neighbours, and the middle half of them."""
    ratios = sorted(a / b for a, b in zip(slow, fast, strict=True))
    quarter = len(ratios) // 4
    return f"{statistics.median(ratios):.2f} times", f"{ratios[quarter]:.2f} - {ratios[-1 - quarter]:.2f}"


def kernels_alone(
    kernels: Kernels, layers: int, hidden: int, batch: int, *, bf16: bool
) -> Callable[[], None]:
    """The products that an iteration cannot do without, one after the other, with nothing between them."""
    tokens, gates = batch * SEQ_LENGTH, 4 * hidden
    weight, inputs, d_gates = (
        torch.randn(shape) for shape in ((gates, hidden), (tokens, hidden), (tokens, gates))
    )

    def run() -> None:
        for layer in range(layers):
            # Recurrence forward, recurrence backward, its weights' gradient: each tokens x hidden x gates.
            kernels.product(inputs, weight, bf16=bf16)
            kernels.product(d_gates, weight.t(), bf16=bf16)
            kernels.product(d_gates.t(), inputs.t(), bf16=bf16)
            if layer:  # and the same for the layer's input; the first layer has its table
                kernels.product(inputs, weight, bf16=bf16)
                kernels.product(d_gates, weight.t(), bf16=bf16)
                kernels.product(d_gates.t(), inputs.t(), bf16=bf16)

    return run


def training_rows(repeats: int) -> Iterator[Row]:
    """The bare iterations of each shape."""
    kernels = load()
    bf16 = this_machine("cpu").bf16
    for name, (layers, hidden, batch) in SHAPES.items():
        ids = torch.randint(0, VOCABULARY, (batch, SEQ_LENGTH + 1))
        steps = contenders(layers, hidden, ids)
        if kernels:
            steps["products alone"] = kernels_alone(kernels, layers, hidden, batch, bf16=bf16)
        seconds = in_turns(steps, repeats)
        plain = seconds["plain"]
        yield Row(f"{name}: the plain loop", f"{1000 * statistics.median(plain):.0f} ms")
        for path in steps:
            if path not in ("plain", "products alone"):
                yield Row(f"{name}: plain / {path}", *ratio(plain, seconds[path]), AIMS.get((name, path), ""))
        if kernels:
            native = seconds["native bf16" if bf16 else "native fp32"]
            share = ratio(native, seconds["products alone"])
            yield Row(
                f"{name}: native {'bf16' if bf16 else 'fp32'} / its products alone",
                *share,
                "at most 1.5 (bf16)",
            )


class Clock(Silent):
    """Hears of every iteration, and keeps when."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        self.times.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        """Of each iteration, without the first five."""
        return [after - before for before, after in zip(self.times[5:], self.times[6:], strict=False)]


def run_of_ours(config: Config, signals: Signals) -> list[float]:
    """Seconds of the iterations of a real run with a real store."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/mlflow.db", "bench")
        clock = Clock()
        cache = cache_dir(store_uri(None))
        train(config, store.create_run(None, {}), clock, cache=cache, signals=signals)
        return clock.seconds


class AsPeopleWrite(pl.LightningModule):
    """The loop of the tutorials: self.log in every step, to an MLFlowLogger."""

    def __init__(self, config: Config, vocabulary: int) -> None:
        super().__init__()
        model = config.model
        self.net = Plain(model.num_layers, model.hidden_size, model.embedding_dim, model.dropout, vocabulary)
        self.times: list[float] = []

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        inputs_BT, targets_BT = batch
        loss = cross_entropy(self.net(inputs_BT).flatten(0, 1), targets_BT.flatten())
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True)
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.times.append(time.perf_counter())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=5e-3)


class Windows(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, ids: Tensor) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids) - SEQ_LENGTH - 1

    def __getitem__(self, at: int) -> tuple[Tensor, Tensor]:
        return self._ids[at : at + SEQ_LENGTH], self._ids[at + 1 : at + SEQ_LENGTH + 1]


def run_as_people_write(config: Config, vocabulary: int, iterations: int) -> list[float]:
    """Seconds of the iterations of Lightning with MLFlowLogger on sqlite."""
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        warnings.simplefilter("ignore")
        logger = pl.loggers.MLFlowLogger("bench", tracking_uri=f"sqlite:///{folder}/mlflow.db")
        data = Windows(torch.randint(0, vocabulary, (100_000,)))
        module = AsPeopleWrite(config, vocabulary)
        trainer = pl.Trainer(
            max_steps=iterations,
            logger=logger,
            log_every_n_steps=1,
            accelerator="cpu",
            default_root_dir=folder,
        )
        trainer.fit(module, DataLoader(data, batch_size=config.batch_size, shuffle=True))
        return [after - before for before, after in zip(module.times[5:], module.times[6:], strict=False)]


def bare_loop(config: Config, vocabulary: Vocabulary) -> Callable[[], None]:
    """An iteration of ours with nothing around it: the same model, loss, clipping and optimizer."""
    path = Resolved("native" if this_machine("cpu").native else "torch", "fp32", torch.get_num_threads())
    model = new_model(vocabulary, config.model, path)
    module, optimizer = LSTMModule(model, config), new_optimizer(model, config)
    ids = torch.randint(3, len(vocabulary), (config.batch_size, SEQ_LENGTH + 1))
    state: State | None = None

    def step() -> None:
        nonlocal state
        optimizer.zero_grad()
        logits_BTV, after = model(ids[:, :-1], state)
        state = after.detached()
        cross_entropy(logits_BTV.flatten(0, 1), ids[:, 1:].flatten()).backward()  # type: ignore[no-untyped-call]
        module.configure_gradient_clipping(optimizer, config.optimizer.clip)
        optimizer.step()

    return step


def bare(config: Config, vocabulary: Vocabulary, iterations: int) -> list[float]:
    """Seconds of such iterations, without the first six."""
    return in_turns({"bare": bare_loop(config, vocabulary)}, iterations)["bare"][5:]


QUIETLY = ["validation.every=0", "samples.count=0", "precision=fp32"]


def run_rows(rounds: int) -> Iterator[Row]:
    """Real runs: the default one against what people write, and the cost of what stands around the kernels."""
    with Signals().caught() as signals:
        config = compose(["iterations=46", *QUIETLY])
        vocabulary = prepare(config, cache_dir(store_uri(None)), Silent().preparing).vocabulary
        people: list[float] = []
        default: list[float] = []
        for _ in range(rounds):
            people.append(statistics.median(run_as_people_write(config, len(vocabulary), 46)))
            default.append(statistics.median(run_of_ours(config, signals)))
        yield Row(
            "3x256x16, Lightning with MLFlowLogger as people write it",
            f"{1000 * statistics.median(people):.0f} ms",
        )
        yield Row("3x256x16, the same / a default run", *ratio(people, default), "at least 3.0")
        large = compose(
            [
                "model.hidden_size=512",
                "model.embedding_dim=256",
                "batch_size=64",
                "iterations=14",
                "lr=1e-3",
                *QUIETLY,
            ]
        )
        whole: list[float] = []
        alone: list[float] = []
        for _ in range(rounds):
            alone.append(statistics.median(bare(large, vocabulary, 14)))
            whole.append(statistics.median(run_of_ours(large, signals)))
        yield Row(
            "3x512x64: a run / its bare loop with the same kernels", *ratio(whole, alone), "at most 1.03"
        )


def peak_mb() -> float:
    """The most memory that this process had so far. (ru_maxrss would begin with the parent's.)"""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def memory(kind: str) -> float:
    """Peak of this process's memory in MB above what it has after the imports, training 3 x 1024."""
    layers, hidden, batch = SHAPES["3x1024x12"]
    ids = torch.randint(0, VOCABULARY, (batch, SEQ_LENGTH + 1))
    before = peak_mb()
    if kind == "plain":
        plain = Plain(layers, hidden)
        step = stepping(plain, torch.optim.Adam(plain.parameters(), 1e-3), ids)
    else:
        name, precision = kind.split()
        model = ours(name, precision, layers, hidden)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        step = stepping(lambda x: model(x)[0], optimizer, ids)
    for _ in range(3):
        step()
    return peak_mb() - before


def memory_rows() -> Iterator[Row]:
    found: dict[str, float] = {}
    for kind in ("plain", "hoisted fp32", *(["native fp32"] if load() else [])):
        done = subprocess.run(
            [sys.executable, __file__, "--memory", kind], capture_output=True, text=True, check=True
        )
        found[kind] = json.loads(done.stdout)
    for kind in list(found)[1:]:
        yield Row(
            f"3x1024x12: peak memory, {kind} / plain",
            f"{found[kind] / found['plain']:.2f}",
            "once",
            "at most 1.0",
        )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", help="measure the memory of one path and print it")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.memory:
        print(json.dumps(memory(given.memory)))
        return
    here = this_machine("cpu")
    kernels = load()
    sets = kernels.instruction_set if kernels else "not built"
    capabilities = torch.cpu.get_capabilities()
    how = (
        f"`make bench` on {capabilities.get('cpu_name', 'a CPU')}, {torch.get_num_threads()} threads; native kernels: {sets}; "
        f"bf16: {'yes' if here.bf16 else 'no AVX512-BF16 here, so no row in bf16 could be measured'}. "
        f"Vocabulary {VOCABULARY}, windows of {SEQ_LENGTH}; layers x hidden size x batch. Ratios of neighbouring turns; "
        "the spread is their middle half."
    )
    rows = [*training_rows(given.repeats), *run_rows(given.rounds), *memory_rows()]
    write_table(__file__, "Speed of training", how, rows)


if __name__ == "__main__":
    sys.exit(main())
