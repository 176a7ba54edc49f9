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
        1: 4.454588560745328,
        2: 4.449379478441919,
        5: 4.422383196732316,
        10: 4.371923025208344,
        15: 4.296933477393103,
        20: 4.299148850601633,
    },
    "random": {
        1: 4.427229488220117,
        2: 4.3748568502344245,
        5: 4.327339774797199,
        10: 4.332152604368734,
        15: 4.343821683948667,
        20: 4.342041506934261,
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
