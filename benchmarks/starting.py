"""How long `run` takes to reach its first iteration, beside the bare import of the libraries that it stands on.

    python benchmarks/starting.py

Both are processes of their own that take turns, so that a busy machine is as slow for one as for the other. The clock
runs from before the process is started until `import torch, pytorch_lightning, mlflow` is done (its end, which takes
another second, does not count), or until the first iteration of the default run begins, on a store and prepared data
that are there. `first_iteration` is that run. Of words that train nothing, completion among them, for which every press
of the tab key waits, the CPU seconds are counted. Printed and written to benchmarks/starting.md.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tables import Row, median_and_spread, write_table

from musicexp.config import compose
from musicexp.data import prepare_store
from musicexp.tracking import cache_dir, open_store

REPEATS = 5
MOST = 1.5
BARE = "import torch, pytorch_lightning, mlflow, json, time; print(json.dumps([time.monotonic()]))"
RUN = str(Path(__file__).with_name("first_iteration.py"))
LIGHT = {
    ("complete", "run", "model.hi"): 0.25,
    ("--help",): 0.5,
    ("run", "--help"): 1.0,
    ("run", "--cfg", "job"): 1.0,
}
"""Words behind `python -m musicexp`, with the CPU seconds that they may take."""


def seconds(*words: str) -> list[float]:
    """Start Python with these words; how long after that were the moments that its last line tells."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, text=True, check=True)
    return [moment - begun for moment in json.loads(done.stdout.splitlines()[-1])]


def measured() -> tuple[list[float], list[float], list[float]]:
    """Seconds of the bare import, until the first iteration begins, and until it has ended, in each repeat."""
    bare, begins, ended = [], [], []
    for repeat in range(-1, REPEATS):
        [imported] = seconds("-c", BARE)
        first, its_end = seconds(RUN, "run")
        if repeat < 0:  # the first time may have files to read from disk, and bytecode to write
            continue
        bare.append(imported)
        begins.append(first)
        ended.append(its_end)
        print(f"import {imported:.2f} s, first iteration {first:.2f} s, its end {its_end:.2f} s", flush=True)
    return bare, begins, ended


def cpu_seconds(*words: str) -> float:
    """What `python -m musicexp WORDS` takes of a processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "musicexp", *words], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def light() -> list[Row]:
    """Words that train nothing, in turns."""
    found: dict[tuple[str, ...], list[float]] = {words: [] for words in LIGHT}
    for _ in range(REPEATS):
        for words, taken in found.items():
            taken.append(cpu_seconds(*words))
    return [
        Row(f"`{' '.join(words)}`, CPU", *median_and_spread(taken, "s"), f"at most {LIGHT[words]} s")
        for words, taken in found.items()
    ]


def main() -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        os.environ["MLFLOW_TRACKING_URI"] = uri
        os.environ.pop("MUSICEXP_CACHE", None)
        config = compose([])
        open_store(uri, config.tracking.experiment)
        prepare_store(config.dataset, config.split, config.tokens, cache_dir(uri))
        bare, begins, ended = measured()

    def row(what: str, values: Sequence[float], aim: str = "") -> list[Row]:
        ratios = [value / other for value, other in zip(values, bare, strict=True)]
        return [
            Row(f"`run` until {what}", *median_and_spread(values, "s")),
            Row(f"`run` until {what} / bare import", *median_and_spread(ratios, "times"), aim),
        ]

    write_table(
        __file__,
        "Time to the first iteration",
        f"`make bench`, {REPEATS} repeats in turns, default settings on an existing store and prepared data. `run` has "
        "reached its first iteration when the training step of iteration 1 begins. Where other programs keep the "
        "cores busy, the threads of that iteration wait for one another, so its end says more of them than of the start.",
        [
            Row("`import torch, pytorch_lightning, mlflow`", *median_and_spread(bare, "s")),
            *row("its first iteration begins", begins, f"at most {MOST} times"),
            *row("that has ended, its loss logged", ended),
            *light(),
        ],
    )


if __name__ == "__main__":
    main()
