"""What a search would cost here: measured on a few iterations, said before a space without end is begun."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Mapping
from typing import Any

from musicexp.config import Config, Dimension, Search
from musicexp.errors import MusicexpError
from musicexp.wording import count

DRAWN = 400
VOCABULARY = 600
"""Token ids of a typical data set; the estimate hardly depends on it."""


def flops_of(config: Config) -> float:
    """Multiplications and additions of a whole training, forward and backward, products only."""
    model, tokens = config.model, config.batch_size * config.seq_length * config.iterations
    inputs = [model.embedding_dim] + [model.hidden_size] * (model.num_layers - 1)
    products = sum(4 * model.hidden_size * (width + model.hidden_size) for width in inputs)
    return 6.0 * tokens * (products + model.hidden_size * VOCABULARY)


def seconds_a_flop() -> float:
    """How fast this machine multiplies as a training does, on one thread: a short measurement, about a second."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        one, other = torch.randn(64, 512), torch.randn(512, 2048)
        end, done, began = time.perf_counter() + 0.5, 0, time.perf_counter()
        while time.perf_counter() < end:
            torch.sigmoid(one @ other)
            done += 1
        return (time.perf_counter() - began) / (done * 2.0 * 64 * 512 * 2048)
    finally:
        torch.set_num_threads(before)


def cost_lines(search: Search, workers: int) -> list[str]:
    """What the trials of a search would cost on this machine, in words: a rough figure, drawn from random configurations."""
    pace, chance = seconds_a_flop(), random.Random(0)
    drawn = []
    for _ in range(DRAWN):
        try:
            drawn.append(flops_of(search.config(_random(search, chance))) * pace)
        except MusicexpError:
            continue  # settings that do not go together cost nothing
        if len(drawn) >= 60:
            break
    drawn = drawn or [flops_of(search.config()) * pace]
    trainings = max(search.sweep.seeds, 1) * max(search.sweep.folds, 1)
    each = statistics.fmean(drawn) * trainings
    worst = max(drawn) * trainings
    whole = each * search.sweep.trials / workers
    return [
        f"search={search.name}: a trial would take about {_told(each)} of one thread on average here without pruning, and up to {_told(worst)};",
        f"         {count(search.sweep.trials, 'trial')} with {count(workers, 'worker')} about {_told(whole)}",
    ]


def _random(search: Search, chance: random.Random) -> Mapping[str, Any]:
    return {d.name: _random_value(d, chance) for d in search.dimensions}


def _random_value(dimension: Dimension, chance: random.Random) -> Any:
    values = dimension.grid()
    if values is not None and len(values) < 10_000:
        return chance.choice(values)
    assert dimension.low is not None
    assert dimension.high is not None
    low, high = dimension.low, dimension.high
    value = low * (high / low) ** chance.random() if dimension.log else chance.uniform(low, high)
    return round(value) if dimension.whole else value


def _told(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
