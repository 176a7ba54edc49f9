"""What a trial costs beside its training: the whole machinery of a sweep, with the training itself replaced.

This is a benchmark of the machinery, so nothing is trained: a synthetic function of the settings stands for the
loss. All else is what a worker really does: claim under the study's lock, ask the sampler, compose the settings, report
at the study's marks, ask the pruner, write attributes, tell; and in MLflow open the store, make a run, log its params, tags
and 50 metrics, close it. The store's sqlite files lie in a new folder.

Trials 951-1,000 of a study are compared with 21-70 of another (before, TPE draws at random); the two take turns, so that
whatever else the machine does slows both. Then four processes share 1,000 trials and none may be
lost. Then studies of 1,000, 3,000 and 10,000 trials, written at once, are asked for one more. Printed and written to
benchmarks/study_machinery.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import math
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import sqlalchemy
from tables import Row, median_and_spread, write_table

from musicexp.config import Config, compose_search
from musicexp.metrics import Likelihood
from musicexp.sweep import Study, load_study, trial
from musicexp.sweep.first import prepare_study
from musicexp.sweep.samplers import suggested
from musicexp.sweep.storage import Storage
from musicexp.sweep.study import Place, open_study
from musicexp.sweep.trial import Training
from musicexp.sweep.worker import work
from musicexp.tracking import open_store
from musicexp.training import Role, RunResult, Signals

SPACE = [
    "lr=tag(log,interval(1e-4,1e-2))",
    "model.hidden_size=interval(64,512)",
    "model.dropout=interval(0,0.5)",
    "batch_size=choice(8,16,32)",
]
METRICS, NOTES, TOKENS = 50, 1000, 2000
PARTS = {
    "storage": "the studies' database",
    "pruner": "the pruner",
    "sampler": "the sampler (tpe)",
    "mlflow": "MLflow",
    "settings": "composing the settings",
    "rubbish": "collecting garbage",
}


class Clock:
    """Seconds of each part of a trial; what lies inside another part is not counted there."""

    def __init__(self) -> None:
        self.trials: list[Counter[str]] = []
        self._open = ["storage"]
        self._since = time.perf_counter()

    def begin(self) -> None:
        """A new trial."""
        self.trials.append(Counter())
        self._since = time.perf_counter()

    def end(self) -> None:
        """The trial is over."""
        self._count()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """While open, time counts for this part."""
        self._count()
        self._open.append(name)
        try:
            yield
        finally:
            self._count()
            self._open.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time counts for this part."""

        def called(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return called

    def _count(self) -> None:
        now = time.perf_counter()
        if self.trials:
            self.trials[-1][self._open[-1]] += now - self._since
        self._since = now


def loss(lr: float, hidden_size: int, dropout: float, batch_size: int) -> float:
    """What stands for the validation loss, in bits per note: a bowl with a little noise of the configuration's own."""
    wide = (math.log10(lr) + 2.5) ** 2 + (math.log2(hidden_size) - 8) ** 2 / 4
    noise = np.random.default_rng([hidden_size, int(1e7 * lr)]).normal(0, 0.02)
    return float(5 + wide + (dropout - 0.2) ** 2 + abs(math.log2(batch_size) - 4) / 10 + noise)


def at_share(final: float, share: float) -> float:
    """The loss behind this part of a training."""
    return final + 6 * math.exp(-6 * share)


def likelihood(bits: float) -> Likelihood:
    """A likelihood with so many bits per note."""
    return Likelihood(bits * NOTES * math.log(2), TOKENS, NOTES)


def conduct(clock: Clock, config: Config, role: Role) -> RunResult:
    """Stands for a training: the very calls to MLflow and to the study, and nothing between."""
    final = loss(config.lr, config.model.hidden_size, config.model.dropout, config.batch_size)
    with clock.part("mlflow"):
        store = open_store(config.tracking.uri or "", config.tracking.experiment)
        run = store.create_run(config.name, {"musicexp": "run", **role.tags})
    if role.opened:
        role.opened(run.id)
    with clock.part("mlflow"):
        run.log_params(config.flat())
    pruned = None
    done = 0
    for done in range(1, METRICS + 1):
        iteration = config.iterations * done // METRICS
        bits = at_share(final, done / METRICS)
        with clock.part("mlflow"):
            run.log_metrics({"loss/train": bits}, iteration)
        if role.watch and role.watch.due(iteration, float(done)):
            pruned = role.watch.look(iteration, float(done), likelihood(bits))
        if pruned:
            break
    with clock.part("mlflow"):
        run.flush()
        run.set_tags({"pruned": pruned} if pruned else {})
        run.close("FINISHED")
    return RunResult(
        id=run.id,
        name=run.name,
        config=config,
        iterations=config.iterations * done // METRICS,
        best_iteration=None,
        likelihoods={"train": likelihood(bits), "val": likelihood(bits)},
        baselines={},
        melodies=[],
        files=[],
        seconds=1.0,
        parameters=1,
        pruned=pruned,
    )


def without_training(clock: Clock) -> None:
    """From here on, trials of this process are trained by `conduct` above, and their parts timed by this clock."""

    def instead(config: Config, _reporter: object, role: Role, _signals: object) -> RunResult:
        return conduct(clock, config, role)

    def timed(name: str, place: Any, attribute: str) -> None:
        own = ORIGINALS.setdefault((place, attribute), getattr(place, attribute))
        if isinstance(own, property):
            setattr(place, attribute, property(clock.timed(name, own.fget)))  # type: ignore[arg-type]
        else:
            setattr(place, attribute, clock.timed(name, own))

    module: Any = trial
    module.conduct = instead
    module.prepare = prepared
    timed("rubbish", gc, "collect")
    timed("settings", Study, "config")
    timed("pruner", optuna.Trial, "should_prune")
    timed("sampler", optuna.Trial, "relative_params")
    for name in ("sample_independent", "before_trial", "after_trial"):
        timed("sampler", optuna.samplers.TPESampler, name)


ORIGINALS: dict[tuple[object, str], Any] = {}
"""What `without_training` puts a clock around."""


def prepared(config: Config, cache: Path) -> None:
    """Stands for the music, of which nothing is needed."""


def begun(folder: str, name: str, *words: str) -> Study:
    """A study of the space in a new store, or in the one that is there."""
    search = compose_search([*SPACE, f"study={name}", *words])
    uri = f"sqlite:///{folder}/mlflow.db"
    open_store(uri, "bench")
    study, _ = open_study(Storage(f"sqlite:///{folder}/optuna.db"), search, Place(uri, "bench"))
    prepare_study(study, print)
    return study


def unheard(line: str) -> None:
    """Where what a worker says goes."""


class Sweeping:
    """A study in a new store, and its one worker, which is this process."""

    def __init__(self, folder: str, trials: int) -> None:
        self.study = begun(folder, "alone", f"trials={trials}")
        self.clock = Clock()
        self._training = Training(self.study, 1, Signals(), unheard)

    def trial(self) -> None:
        """One more, timed."""
        without_training(self.clock)
        self.clock.begin()
        claimed = self.study.claim()
        assert isinstance(claimed, int), claimed
        outcome = self._training.train(claimed)
        self.clock.end()
        assert outcome.ending in ("complete", "pruned"), outcome


def early_and_late(trials: int) -> tuple[Clock, Clock]:
    """A study before its trials 21-70 and one before its last 50, which then take turns: a busy machine slows both."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        late, early = Sweeping(one, trials), Sweeping(other, trials)
        for number in range(1, trials - 49):
            late.trial()
            if number % 50 == 0:
                parts = {p: 1000 * statistics.median(t[p] for t in late.clock.trials[-50:]) for p in PARTS}
                print(f"{number} trials: " + " ".join(f"{p} {ms:.1f}" for p, ms in parts.items()), flush=True)
        for _ in range(20):
            early.trial()
        for _ in range(50):
            early.trial()
            late.trial()
        assert len(late.study.finished()) == trials
        return early.clock, late.clock


def shown(early: Clock, late: Clock) -> list[Row]:
    """The cost of a trial early and late, by part."""
    rows, count = [], len(late.trials)
    for name, told in [("", "a trial, all together"), *PARTS.items()]:
        before, after = (
            [1000 * (t[name] if name else t.total()) for t in clock.trials[-50:]] for clock in (early, late)
        )
        one, other = statistics.median(before), statistics.median(after)
        rows.append(
            Row(
                told,
                f"{other:.1f} ms at {count - 49:,}-{count:,}, {one:.1f} ms at 21-70: x{other / one:.2f}",
                f"{min(after):.1f} - {max(after):.1f} ms",
                "" if name else "at most x2",
            )
        )
    return rows


def several_processes(folder: str, trials: int, processes: int) -> list[Row]:
    """Workers at once on one study; what became of its trials."""
    study = begun(folder, "shared", f"trials={trials}")
    began = time.perf_counter()
    command = [sys.executable, __file__, "--folder", folder, "--worker", study.name]
    crew = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(processes)]
    codes = [process.wait() for process in crew]
    seconds = time.perf_counter() - began
    found = study.trials()
    states = Counter(t.state.name for t in found)
    runs = [done["run"] for t in found for done in t.user_attrs.get("instances", [])]
    store = open_store(study.place.tracking_uri, "bench")
    closed = store.client.search_runs(
        [store.experiment_id], "tags.study = 'shared' and attributes.status = 'FINISHED'", max_results=50_000
    )
    assert codes == [0] * processes, codes
    assert sorted(t.number for t in found) == list(range(len(found)))
    kept = len(set(runs) & {run.info.run_id for run in closed})
    return [
        Row(
            f"{trials:,} trials by {processes} processes at once",
            f"{states['COMPLETE']:,} complete, {states['PRUNED']:,} pruned, {len(found) - states['COMPLETE'] - states['PRUNED']:,} lost; "
            f"{kept:,} closed runs; {trials / seconds:.2f} trials a second",
            "once",
            "none lost",
        )
    ]


def asking(sizes: list[int], asked: int) -> list[Row]:
    """What the next trial costs in a study of so many, and how large its database is."""
    rows, there = [], 0
    with tempfile.TemporaryDirectory() as folder:
        study = begun(folder, "large", "trials=1000000")
        for size in sizes:
            filled(study, size - there)
            there = size
            began = time.perf_counter()
            fresh = load_study(Storage(study.storage.url), study.name)
            fresh.trials()
            rows.append(
                Row(f"a worker joins {size:,} trials", f"{time.perf_counter() - began:.2f} s", "once")
            )
            for name in ("random", "tpe"):
                sweep = dataclasses.replace(fresh.sweep, sampler=name)
                fresh.search = dataclasses.replace(fresh.search, sweep=sweep)
                told, spread = median_and_spread([asked_once(fresh) for _ in range(asked)], "ms")
                rows.append(Row(f"{name}: one more, claimed and chosen, at {size:,} trials", told, spread))
                there += asked
            with sqlite3.connect(f"{folder}/optuna.db") as connection:
                connection.execute(
                    "PRAGMA wal_checkpoint(TRUNCATE)"
                )  # what was written ahead goes into the file
            large = Path(folder, "optuna.db").stat().st_size
            rows.append(
                Row(
                    f"optuna.db with {there:,} trials",
                    f"{large / 1e6:.1f} MB, {large / there:,.0f} bytes a trial",
                    "once",
                )
            )
    return rows


def asked_once(study: Study) -> float:
    """Milliseconds of claiming a trial and choosing its settings; it is told at once."""
    began = time.perf_counter()
    claimed = study.claim()
    assert isinstance(claimed, int)
    taken = study.take_up(claimed)
    suggested(taken, study.search.dimensions)
    ended = time.perf_counter()
    study.inner.tell(taken, 5.0)
    return 1000 * (ended - began)


def filled(study: Study, size: int) -> None:
    """Write finished trials at once: the function's values at random configurations, with what a trial notes."""
    chance = np.random.default_rng(0)
    found = []
    for number in range(size):
        lr, dropout = float(10 ** chance.uniform(-4, -2)), float(chance.uniform(0, 0.5))
        hidden_size, batch_size = int(chance.integers(64, 513)), int(chance.choice([8, 16, 32]))
        value = loss(lr, hidden_size, dropout, batch_size)
        curve = [(int(mark), at_share(value, mark / study.marks[-1])) for mark in study.marks]
        params = {
            "lr": lr,
            "model.hidden_size": hidden_size,
            "model.dropout": dropout,
            "batch_size": batch_size,
        }
        figures = {"bits_per_note/val": value, "nll_nats/val": value, "seconds": 1.0, "parameters": 1.0}
        found.append(
            optuna.create_trial(
                params=params,
                distributions=study.distributions(),
                value=value,
                intermediate_values=dict(curve),
                user_attrs={
                    "worker": "host 1 1.0",
                    "open_run": None,
                    "curve": curve,
                    "figures": figures,
                    "reason": "",
                    "instances": [{"run": f"{number:032x}", "pruned": "", "saved_seconds": 0.0, **figures}],
                },
            )
        )
    # A bulk of trials need not survive a power cut: 10,000 are written within minutes then.
    fast = optuna.storages.RDBStorage(study.storage.url, engine_kwargs={"connect_args": {"timeout": 100}})
    sqlalchemy.event.listen(fast.engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
    fast.engine.dispose()
    optuna.load_study(study_name=study.name, storage=fast).add_trials(found)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 3000, 10_000])
    parser.add_argument("--folder")
    parser.add_argument("--worker")
    given = parser.parse_args()
    if given.worker:
        without_training(Clock())
        work(load_study(Storage(f"sqlite:///{given.folder}/optuna.db"), given.worker), threads=1)
        return
    rows = shown(*early_and_late(given.trials))
    if given.processes:
        with tempfile.TemporaryDirectory() as folder:
            rows += several_processes(folder, given.trials, given.processes)
    rows += asking(given.sizes, 20)
    write_table(
        __file__,
        "The machinery of a study",
        f"`make bench`: tpe, sqlite, {len(SPACE)} swept settings, no training at all; a synthetic function stands for the loss. "
        f"Medians of 50 trials within one process, early and late ones by turns; niceness {os.nice(0)}.",
        rows,
    )


if __name__ == "__main__":
    sys.exit(main())
