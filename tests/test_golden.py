"""Golden figures: a seeded training whose losses no refactoring may change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from musicexp.config import compose
from musicexp.tracking import MemoryRun
from musicexp.training import Signals, Silent, train

# 3 x 24, float64, one thread, 20 iterations on sixteen tunes of this test's own making.
GOLDEN: dict[str, dict[int, float]] = {
    "contiguous": {
        1: 4.429875605357111,
        2: 4.39204143705898,
        5: 4.443709295234432,
        10: 4.391721762432407,
        15: 4.334953613063723,
        20: 4.329296876927921,
    },
    "random": {
        1: 4.40347470528966,
        2: 4.381505696358778,
        5: 4.360757305939468,
        10: 4.24142742529683,
        15: 4.383577831456357,
        20: 4.330233897211318,
    },
}


@pytest.mark.parametrize("order", GOLDEN)
def test_twenty_iterations_in_float64(small: Callable[..., list[str]], cache: Path, order: str) -> None:
    more = (
        "model=lstm3",
        "model.hidden_size=24",
        "precision=fp64",
        "recurrence=torch",
        "iterations=20",
        "samples.count=0",
    )
    run = MemoryRun()
    with Signals().caught() as signals:
        train(compose(small(*more, f"windows={order}")), run, Silent(), cache=cache, signals=signals)
    losses = run.metrics["loss/train"]
    assert {i: losses[i] for i in GOLDEN[order]} == pytest.approx(GOLDEN[order], rel=1e-9)
