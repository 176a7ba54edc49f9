"""Runs as a comparison has them, made without a store: curves that fall, melodies that wander."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from musicexp.music import Note, Piece
from musicexp.report.chosen_runs import Chosen
from musicexp.report.compare import comparison
from musicexp.report.comparison import ComparedRun, ComparedSample, Comparison, Point, Reference

BATCH, LENGTH = 16, 64


def melody(seed: int, notes: int) -> Piece:
    """A melody of eighths and quarters that is the same for the same seed."""
    steps = np.random.default_rng(seed)
    pitch, onset, found = 67, 0, []
    for _ in range(notes):
        long = int(steps.choice([12, 12, 12, 24]))
        pitch = int(np.clip(pitch + steps.integers(-4, 5), 55, 86))
        found.append(Note(onset, long, pitch, 80, 0))
        onset += long
    return Piece.of(found, f"melody {seed}")


def falling(iterations: int, floor: float, seed: int, every: int = 1) -> tuple[Point, ...]:
    """A loss curve; at iteration i of a run without noise floor + 2.5 / (1 + i / 200)."""
    noise = np.random.default_rng(seed).normal(0, 0.05, iterations + 1)
    return tuple(
        Point(i, i * BATCH * LENGTH, i * 0.05, floor + 2.5 / (1 + i / 200) + (noise[i] if every == 1 else 0.0))
        for i in range(every, iterations + 1, every)
    )  # fmt: skip


def compared(
    number: int, *, iterations: int = 200, samples: int = 2, notes: int = 16, **more: Any
) -> ComparedRun:
    """A run with everything that a page shows; `more` in place of its fields."""
    seed, kind = number % 2, number // 2
    floor = 1.5 + 0.1 * kind
    settings = {
        "name": f"run-{number}", "seed": seed, "model.hidden_size": 128 * (1 + kind), "lr": 1e-3, "iterations": iterations,
        "dataset.name": "ryans", "tokens": "notes", "split.seed": 0, "samples.count": samples, "tracking.uri": "mlruns/mlflow.db",
    }  # fmt: skip
    pieces = tuple(
        ComparedSample(
            number=k, file=f"sample_{k}.mid", temperature=(1.0, 1.5)[(k - 1) % 2], draw=(k - 1) // 2, seed=0, prime="",
            notes=notes, quarters=notes * 0.6, ended_by=("eos", "length")[k % 2], piece=melody(number * 100 + k, notes),
        )
        for k in range(1, samples + 1)
    )  # fmt: skip
    val = floor + 2.5 / (1 + iterations / 200)
    fields: dict[str, Any] = {
        "id": f"{number:032x}", "name": f"run-{number}", "status": "FINISHED", "experiment": "musicexp",
        "started": "2026-01-01T00:00:00+00:00", "seed": seed, "tags": {}, "settings": settings,
        "curves": {"train": falling(iterations, floor - 0.1, number), "val": falling(iterations, floor, number, max(1, iterations // 20))},
        "baselines": {"bigram": 2.9, "ppm": 2.2},
        "figures": {"bits_per_note/val": val * 3, "bits_per_note/test": val * 3.1, "nll_nats/val": val, "nll_nats/train": val - 0.1,
                    "parameters": 1e6 * (1 + kind), "iterations": iterations, "best_iteration": iterations, "seconds": iterations * 0.05,
                    "iterations_per_second": 20.0},
        "samples": pieces,
        "references": (Reference(1, "reference_1.mid", "Ryan's Jig", {"split": "test"}, melody(7, notes)),),
        "missing": (), "fingerprints": {"data": "d" * 16, "vocabulary": "v" * 16},
        "code": {"commit": "a" * 40, "dirty": "false", "fingerprint": "f", "version": "1"},
        "versions": {"torch": "2.9.0"}, "machine": {"python": "3.11"}, "resolved": {"recurrence": "cpu"},
    }  # fmt: skip
    return ComparedRun(**(fields | more))


def side_by_side(runs: Sequence[ComparedRun], title: str = "several runs") -> Comparison:
    """The comparison of runs that are read."""
    return comparison(Chosen(title, (), ()), list(runs), "mlruns/mlflow.db")
