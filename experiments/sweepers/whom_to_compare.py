"""With whom should a pruner compare a trial, and from when on? Answered on trainings that were not pruned.

    python experiments/sweepers/compare.py --environment DIR --keep KEPT
    python experiments/sweepers/whom_to_compare.py KEPT/hydra*/mlflow.db KEPT/random*/mlflow.db

The arms of the comparison that prune nothing leave whole trainings of random and TPE's configurations. They are taken in
many random orders, and the median pruner is applied to their (smoothed) training losses at marks of equal tokens: what
part of the training it would have saved, and how much worse the best of those that it leaves is than the best of all.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from musicexp.tracking import open_store

ORDERS = 200
FEWEST = 5
"""Trials to compare with, as in Optuna's median pruner."""
WINDOW = 100
MARKS = [5000 * 2**k for k in range(9)]


@dataclass(frozen=True)
class Training:
    """A whole training: how it went, and where it ended (nats per token of the validation pieces)."""

    batch_size: int
    iterations: int
    smoothed: tuple[float, ...]
    final: float

    @property
    def whole(self) -> int:
        return self.batch_size * WINDOW * self.iterations

    def at(self, mark: int) -> float:
        """The loss behind the iteration that reaches a mark."""
        return self.smoothed[math.ceil(mark / (self.batch_size * WINDOW)) - 1]


RULES: dict[str, Callable[[Training, Training], bool]] = {
    "all": lambda one, other: True,  # noqa: ARG005
    "whole training at least as long": lambda one, other: other.whole >= one.whole,
    "within a factor of two": lambda one, other: one.whole / 2 <= other.whole <= 2 * one.whole,
    "equal batch size": lambda one, other: other.batch_size == one.batch_size,
}


def trainings(place: str) -> list[Training]:
    """The whole trainings of a store."""
    store = open_store(f"sqlite:///{Path(place).absolute()}", "musicexp", create=False)
    found = []
    for run in store.client.search_runs(
        [store.experiment_id], "attributes.status = 'FINISHED'", max_results=1000
    ):
        params, final = run.data.params, run.data.metrics.get("nll_nats/val")
        if final is None or "pruned" in run.data.tags or "batch_size" not in params:
            continue
        history = store.client.get_metric_history(run.info.run_id, "loss/train")
        losses = [metric.value for metric in sorted(history, key=lambda metric: metric.step)]
        weight, mean, smoothed = 1 / max(1, min(20, len(losses) // 10)), losses[0], []
        for loss in losses:
            mean += weight * (loss - mean)
            smoothed.append(mean)
        found.append(Training(int(params["batch_size"]), int(params["iterations"]), tuple(smoothed), final))
    return found


def simulated(
    order: list[Training], first: int, alike: Callable[[Training, Training], bool]
) -> tuple[float, float]:
    """What part of all tokens is trained, and the best final loss of what is left."""
    done: list[Training] = []
    spent = 0
    for one in order:
        seen: list[float] = []
        for mark in MARKS:
            if not one.whole / first <= mark < one.whole:
                continue
            seen.append(one.at(mark))
            others = [other.at(mark) for other in done if mark < other.whole and alike(one, other)]
            if len(others) >= FEWEST and min(seen) > statistics.median(others):
                spent += mark
                break
        else:
            spent += one.whole
            done.append(one)
    return spent / sum(one.whole for one in order), min(one.final for one in done)


def main() -> None:
    """Read, simulate, print."""
    every = [training for place in sys.argv[1:] for training in trainings(place)]
    best = min(training.final for training in every)
    print(f"{len(every)} whole trainings, the best ends at {best:.4f} nats per token\n")
    print("| compared with | not before | tokens trained | best of the rest is worse by | best one lost |")
    print("|---|---|---|---|---|")
    for name, alike in RULES.items():
        for first in (8, 4, 2):
            found = []
            for seed in range(ORDERS):
                order = list(every)
                random.Random(seed).shuffle(order)
                found.append(simulated(order, first, alike))
            cost, regret = (
                statistics.fmean(column) for column in zip(*((c, f - best) for c, f in found), strict=True)
            )
            lost = statistics.fmean(final > best for _, final in found)
            print(f"| {name} | 1/{first} of its own | {cost:.2f} | {regret:.4f} | {lost:.0%} |")


if __name__ == "__main__":
    main()
