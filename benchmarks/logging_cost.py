"""What logging the loss of every iteration costs: the share of training time spent in the run's own calls.

A ratio within one process: seconds inside `log_metrics` and `flush` against seconds of the whole loop, for the
default model (3 x 256, batch 16) on a real sqlite store. Printed and written to benchmarks/logging_cost.md.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from musicexp.config import compose
from musicexp.tracking import MlflowRun, cache_dir, open_store, store_uri
from musicexp.training import Signals, Silent, train

ITERATIONS = 120
REPEATS = 5


class Clocked:
    """A run whose logging calls are timed; everything else is the run's own."""

    def __init__(self, run: MlflowRun) -> None:
        self._run = run
        self.seconds = 0.0
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._run, name)

    def log_metrics(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Timed."""
        begun = time.perf_counter()
        self._run.log_metrics(metrics, iteration)
        self.seconds += time.perf_counter() - begun
        self.calls += 1

    def flush(self) -> None:
        """Timed."""
        begun = time.perf_counter()
        self._run.flush()
        self.seconds += time.perf_counter() - begun


def main() -> None:
    """Measure, print, write."""
    config = compose([f"iterations={ITERATIONS}", "validation.every=0", "samples.count=0"])
    cache = cache_dir(store_uri(None))
    shares = []
    with tempfile.TemporaryDirectory() as folder, Signals().caught() as signals:
        store = open_store(f"sqlite:///{folder}/mlflow.db", "bench")
        for _ in range(REPEATS):
            clocked = Clocked(store.create_run(None, {}))
            result = train(config, clocked, Silent(), cache=cache, signals=signals)  # type: ignore[arg-type]
            shares.append(100 * clocked.seconds / result.seconds)
            print(
                f"{clocked.calls} calls, {1000 * clocked.seconds:.1f} ms of {result.seconds:.2f} s: {shares[-1]:.2f} %",
                flush=True,
            )
    median = statistics.median(shares)
    row = f"| logging every iteration at 3 x 256, batch 16 | {median:.2f} % of training | {min(shares):.2f} - {max(shares):.2f} % | at most 1 % |"
    table = f"| what | median of {REPEATS} | spread | aim |\n|---|---|---|---|\n{row}\n"
    Path(__file__).with_suffix(".md").write_text(
        f"# Cost of logging\n\n`make bench`, {ITERATIONS} iterations each.\n\n{table}", encoding="utf-8"
    )
    print(table)


if __name__ == "__main__":
    sys.exit(main())
