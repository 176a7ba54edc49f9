"""What a large corpus costs: time, memory, disk; whether duplicates are found, and whether a kill does harm.

    python benchmarks/store_size.py [--files 10000]

`corpus_maker` makes corpora of N and of N/10 files. Each is prepared by a child process with an empty cache, whose
memory (anonymous, that of the processes that read for it apart) is looked at every 10 ms. Two more
preparations are killed half-way, one in reading and one in writing tokens, and go on. Then batches are read
from the store, beside training iterations. Printed and written to benchmarks/store_size.md.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Literal

import numpy as np
import torch
from corpus_maker import KINDS, make_corpus
from preparing import config_of
from tables import Row, median_and_spread, write_table

from musicexp.data import Batch, TokenStore, Windows
from musicexp.data.store import LISTING
from musicexp.generation import new_model
from musicexp.music.files import Listing
from musicexp.tracking import cache_dir, store_uri
from musicexp.training.module import LSTMModule, new_optimizer

CHILD = str(Path(__file__).with_name("preparing.py"))
LOOK_SECONDS = 0.01
"""Duplicates of a small corpus are found in 40 ms."""
LOOKS_A_CHILD = 5
MOST_BYTES_A_FILE = 64
BATCHES, BATCH_REPEATS = 20, 5
MOST_PERCENT = 2.0
MOST_KILLED = 20_000
"""Of larger corpora the smaller one is prepared again and again."""


# ---------------------------------------------------------------------------------------------------
# Watching the child that prepares


@dataclass
class Watched:
    """A preparation that was watched.

    Attributes:
        seconds: without what is imported.
        peak, peak_of_readers: anonymous memory, and the most that any child had in memory, in bytes.
        phases: the peak of anonymous memory by what was being done.
    """

    folder: Path | None = None
    seconds: float = 0.0
    peak: int = 0
    peak_of_readers: int = 0
    phases: dict[str, int] = field(default_factory=dict)


def watched(corpus: Path, cache: Path, kill: tuple[str, float] | None = None) -> Watched:
    """Prepare in a child.

    Args:
        kill: what the child is killed in, and at what share of it.
    """
    child = subprocess.Popen(
        [sys.executable, CHILD, str(corpus), str(cache)], stdout=subprocess.PIPE, text=True
    )
    found, done, doing = Watched(), Event(), ["beginning"]

    def look() -> None:
        looks = 0
        while not done.wait(LOOK_SECONDS):
            looks += 1
            own = _memory(child.pid, "RssAnon")
            found.peak = max(found.peak, own)
            found.phases[doing[0]] = max(found.phases.get(doing[0], 0), own)
            for reader in () if looks % LOOKS_A_CHILD else _children(child.pid):
                found.peak_of_readers = max(found.peak_of_readers, _memory(reader, "VmHWM"))

    looking = Thread(target=look)
    looking.start()
    assert child.stdout
    for line in child.stdout:
        told = json.loads(line)
        if len(told) == 2:
            found.folder, found.seconds = Path(told[0]), told[1]
        else:
            doing[0] = told[0]
            if kill and told[0] == kill[0] and told[1] >= kill[1] * told[2]:
                child.send_signal(signal.SIGKILL)
                break
    child.stdout.close()
    code = child.wait()
    done.set()
    looking.join()
    assert code == (-signal.SIGKILL if kill else 0), f"the preparation ended with {code}"
    return found


def _memory(pid: int, what: str) -> int:
    """A line of /proc/PID/status in bytes; 0 when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(what + ":")), 0)


def _children(pid: int) -> Iterator[int]:
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, told.read_text().split())
        except OSError:  # that thread has ended
            continue


# ---------------------------------------------------------------------------------------------------
# What is measured


def sizes(corpora: dict[int, Path], caches: dict[int, Path]) -> tuple[list[Row], TokenStore]:
    """Time, memory and disk at two sizes; the store of the larger one."""
    rows, peaks = [], {}
    for files, corpus in corpora.items():
        found = watched(corpus, caches[files])
        peak = {what: f"{size / 2**20:.1f} MB" for what, size in found.phases.items()}
        print(f"{files:,} files prepared in {found.seconds:.1f} s; anonymous memory: {peak}", flush=True)
        peaks[files] = found.peak
        rows += [
            Row(
                f"{files:,} files prepared with an empty cache",
                f"{found.seconds:.1f} s, {files / found.seconds:,.0f} files a second",
                "once",
            ),
            Row(f"{files:,} files: peak of anonymous memory", f"{found.peak / 2**20:.1f} MB", "once"),
            Row(
                f"{files:,} files: peak of a reading child", f"{found.peak_of_readers / 2**20:.1f} MB", "once"
            ),
        ]
    few, many = sorted(corpora)
    slope = (peaks[many] - peaks[few]) / (many - few)
    rows.append(Row("memory that a file costs", f"{slope:.0f} bytes", "once", f"at most {MOST_BYTES_A_FILE}"))
    assert found.folder is not None
    disk = {
        "store": sum(path.stat().st_size for path in found.folder.iterdir()),
        "cache of readings": (caches[many] / "readings.sqlite").stat().st_size,
    }
    rows += [Row(f"disk: {what}", f"{size / many:,.0f} bytes a file", "once") for what, size in disk.items()]
    again = watched(corpora[many], caches[many])
    rows.append(Row(f"{many:,} files opened the second time", f"{again.seconds:.2f} s", "once"))
    return rows, TokenStore.open(found.folder)


def duplicates(store: TokenStore, corpus: Path, planted: Path) -> list[Row]:
    """How many of the planted pairs are in one group, and which pairs are that were not planted."""
    with Listing(store.folder / LISTING) as listing:
        number_of = {file.name: number for number, file in enumerate(listing.files(corpus))}
    group_of = np.zeros(len(number_of), dtype=np.int64)
    group_of[store.table["file"]] = store.groups
    with planted.open(encoding="utf-8", newline="") as table:
        pairs = [(number_of[a], number_of[b], kind) for a, b, kind in csv.reader(table) if kind in KINDS]
    rows = []
    for kind in KINDS:
        together = [group_of[a] == group_of[b] for a, b, its in pairs if its == kind]
        rows.append(
            Row(f"planted duplicates found: {kind}", f"{sum(together):,} of {len(together):,}", "", "all")
        )
    _, counts = np.unique(store.groups, return_counts=True)
    joined = int((counts * (counts - 1) // 2).sum()) - sum(group_of[a] == group_of[b] for a, b, _ in pairs)
    every = len(group_of) * (len(group_of) - 1) // 2
    rows.append(
        Row(
            "pairs in one group that were not planted",
            f"{joined:,} of {every:,}; the largest group has {counts.max()} pieces",
        )
    )
    return rows


def kills(corpus: Path, folder: Path, files: int, whole: Path) -> list[Row]:
    """Kill preparations half-way and let them go on: what is left to do, and whether the store is the same."""
    rows = []
    for what in ("reading the music", "looking at the pieces", "writing tokens"):
        cache = folder / f"killed in {what}"
        watched(corpus, cache, kill=(what, 0.5))
        known = _known(cache)
        print(f"killed in {what}, with {known:,} files read", flush=True)
        again = watched(corpus, cache)
        assert again.folder is not None
        rows.append(
            Row(
                f"{files:,} files: killed in {what}, then gone on",
                f"{known:,} of {files:,} readings not made again; {again.seconds:.1f} s; the store is "
                + ("the same" if _contents(again.folder) == _contents(whole) else "ANOTHER ONE"),
                "once",
                "the same",
            )
        )
    return rows


def _known(cache: Path) -> int:
    db = sqlite3.connect(cache / "readings.sqlite")
    found = int(db.execute("SELECT count(*) FROM readings").fetchone()[0])
    db.close()
    return found


def _contents(store: Path) -> dict[str, str]:
    """The hash of each file of a store; of the listing, which is a database, of what it says."""
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in store.iterdir()
        if path.name != LISTING
    }
    db = sqlite3.connect(store / LISTING)
    digest = hashlib.sha256()
    for row in db.execute("SELECT place, key, trouble FROM files ORDER BY place"):
        digest.update(repr(row).encode())
    db.close()
    return found | {LISTING: digest.hexdigest()}


def batches(store: TokenStore, corpus: Path) -> list[Row]:
    """What the batches of training iterations cost, beside the iterations."""
    config = config_of(corpus)
    torch.set_num_threads(os.cpu_count() or 1)
    rows = []
    orders: tuple[Literal["contiguous", "random"], ...] = ("contiguous", "random")
    for order in orders:
        shares, costs = [], []
        pieces = store.sequences("train")
        module = LSTMModule(new_model(store.vocabulary, config.model, "fp32"), config)
        step = _step(module, new_optimizer(module.model, config))
        for repeat in range(BATCH_REPEATS + 1):
            windows = iter(
                Windows(pieces, config.batch_size, config.seq_length, repeat, order, 1 + repeat * BATCHES)
            )
            next(windows)  # an epoch's order is drawn once an epoch
            reading = training = 0.0
            for _ in range(BATCHES if repeat else 5):
                begun = time.perf_counter()
                batch = next(windows)
                middle = time.perf_counter()
                step(batch)
                reading += middle - begun
                training += time.perf_counter() - middle
            if repeat:
                shares.append(100 * reading / training)
                costs.append(1000 * reading / BATCHES)
        size = f"{config.batch_size} x {config.seq_length}"
        rows += [
            Row(f"a batch of {size}, {order}", *median_and_spread(costs, "ms")),
            Row(
                f"the same, of a training iteration of {config.model.num_layers} x {config.model.hidden_size}",
                *median_and_spread(shares, "%"),
                f"at most {MOST_PERCENT:g} %",
            ),
        ]
    return rows


def _step(module: LSTMModule, optimizer: torch.optim.Optimizer) -> Callable[[Batch], None]:
    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        torch.autograd.backward(module.training_step(batch, 0))
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpora = {files: folder / f"corpus of {files}" for files in (args.files // 10, args.files)}
        begun = time.perf_counter()
        for files, corpus in corpora.items():
            make_corpus(corpus, files, args.seed, corpus.with_suffix(".csv"), cache_dir(store_uri(None)))
        print(f"the corpora are made, in {time.perf_counter() - begun:.1f} s", flush=True)
        corpus = corpora[args.files]
        rows, store = sizes(corpora, {files: folder / f"cache of {files}" for files in corpora})
        rows += duplicates(store, corpus, corpus.with_suffix(".csv"))
        killed = args.files if args.files <= MOST_KILLED else args.files // 10
        whole = watched(corpora[killed], folder / f"cache of {killed}").folder
        assert whole is not None
        rows += kills(corpora[killed], folder, killed, whole)
        rows += batches(store, corpus)
    write_table(
        __file__,
        "A large corpus",
        f"`python benchmarks/store_size.py --files {args.files}`; the corpus is made by corpus_maker.py. "
        "In small corpora a file seems to cost more memory than it does: Python's table of interned names and the "
        "buffers of the search for duplicates are taken once, and count as if each file took its share.",
        rows,
    )


if __name__ == "__main__":
    main()
