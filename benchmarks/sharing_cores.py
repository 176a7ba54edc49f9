"""How runs share a machine: workers x threads for the default model, as iterations a second of all together.

Every worker is a process that trains the default model's loop; all begin together and are counted over the same seconds.
Printed and written to benchmarks/sharing_cores.md: the table behind how many workers a sweep takes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import torch
from tables import Row, median_and_spread, write_table
from training_speed import bare_loop

from musicexp.config import compose
from musicexp.training.devices import cpu_threads

VOCABULARY, SECONDS, WARMING = 600, 12.0, 4.0
"""The default data set has about so many tokens."""


def worker(threads: int, begin: float) -> None:
    """Train, and print how many iterations ended within the counted seconds."""
    torch.set_num_threads(threads)
    step, counted = bare_loop(compose([]), VOCABULARY), 0
    while time.time() < begin + SECONDS:
        step()
        counted += begin <= time.time() < begin + SECONDS
    print(counted)


def together(workers: int, threads: int) -> float:
    """Iterations a second of so many workers at once."""
    begin = time.time() + 8 + WARMING * workers
    command = [sys.executable, __file__, "--threads", str(threads), "--begin", str(begin)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    return sum(int(process.communicate()[0]) for process in processes) / SECONDS


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--begin", type=float)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.threads:
        worker(given.threads, given.begin)
        return
    cores = cpu_threads()
    shares = sorted({(1, 1), (1, cores), (cores, 1), (cores, 2), (2 * cores, 1)})
    found: dict[tuple[int, int], list[float]] = {share: [] for share in shares}
    for _ in range(given.repeats):
        for share in shares:
            found[share].append(together(*share))
    alone = statistics.median(found[1, cores])
    rows = [
        Row(
            f"{workers} x {threads}",
            *median_and_spread(values, "iterations/s"),
            f"{statistics.median(values) / alone:.2f}",
        )
        for (workers, threads), values in found.items()
    ]
    how = (
        f"`make bench` on {cores} cores; workers x threads of each, default model (3 x 256, batch 16), all workers' iterations "
        "together. The last column is the share of what one worker with all cores does."
    )
    write_table(__file__, "Workers and threads", how, rows)


if __name__ == "__main__":
    sys.exit(main())
