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
        1: 4.385469933936295,
        2: 4.3906387566501595,
        5: 4.436294283351811,
        10: 4.415138366291039,
        15: 4.264575183579249,
        20: 4.314218994688845,
    },
    "random": {
        1: 4.395860001961194,
        2: 4.444890148149206,
        5: 4.398920955754928,
        10: 4.30014920627734,
        15: 4.341118989234688,
        20: 4.361577835010341,
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
