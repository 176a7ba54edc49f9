"""What a benchmark trains: the runs that its settings name, one for each fold and seed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from musicexp.benchmark.settings import EFFORTS, READS, Asked, asked
from musicexp.benchmark.tuned import ByFold, read_tuned
from musicexp.config import Config, compose
from musicexp.music.fold_table import read_table
from musicexp.training import cpu_threads


@dataclass(frozen=True)
class Fold:
    """One training of the benchmark.

    Attributes:
        number: which of the ten folds is tested.
        repeat: which of its seeds: `seed` + repeat.
    """

    set: str
    folding: str
    number: int
    repeat: int = 0

    @property
    def table(self) -> str:
        """The name of the table in conf/fold_tables/ that says which melodies it tests."""
        return table_of(self.set, self.folding)

    @property
    def told(self) -> str:
        return f"{self.set} {self.folding} fold {self.number}"


def tuned_name(table: str, reads: str) -> str:
    """The name of the file in conf/tuned/ for a table: what suits one reading suits no other."""
    return table if reads == "pitches" else f"{table}_{reads}"


def table_of(of: str, folding: str) -> str:
    """The table of a data set's folds."""
    return f"pearce_{of}_{folding}"


@dataclass(frozen=True)
class Plan:
    """What is asked for, and what it means here.

    Attributes:
        tuned: by table, what was found for its folds; empty where none of it is used.
    """

    asked: Asked
    tuned: Mapping[str, ByFold]

    @property
    def workers(self) -> int:
        """Processes side by side: one on each core if nothing else is asked for."""
        return self.asked.workers or cpu_threads()

    @cached_property
    def cells(self) -> list[tuple[str, str]]:
        """(set, folding) pairs in order."""
        return list(itertools.product(self.asked.sets, self.asked.folding))

    @cached_property
    def every(self) -> list[Fold]:
        """Every training, in the order in which they are begun."""
        return [
            Fold(*cell, fold, repeat)
            for cell in self.cells
            for repeat in range(self.asked.seeds)
            for fold in self.asked.folds
        ]

    def given_words(self, fold: Fold) -> tuple[str, ...]:
        """What the benchmark itself gives to `run` for a fold, but which fold it is."""
        return (
            f"experiment={EFFORTS[self.asked.effort].experiment}",
            f"dataset=pearce_{fold.set}",
            *READS[self.asked.reads],
            f"split.table={fold.table}",
            f"split.grouped={str(fold.folding == 'grouped').lower()}",
            "threads=1",  # of the cores each has a fold of its own (benchmarks/sharing_cores.md)
        )

    def shared_words(self, fold: Fold) -> tuple[str, ...]:
        """What `run` takes to train a fold, but which fold it is, its seed and its name."""
        tuned = self.tuned.get(fold.table, {}).get(fold.number)
        return (*self.given_words(fold), *(tuned.settings if tuned else ()), *self.asked.words)

    def config(self, fold: Fold) -> Config:
        """The settings of a fold's run.

        Raises:
            SettingError: a word is wrong.
        """
        shared = _composed(self.shared_words(fold))
        seed = shared.seed + fold.repeat
        name = "-".join([*fold.table.split("_"), str(fold.number), *([f"seed{seed}"] if fold.repeat else [])])
        return replace(shared, name=name, seed=seed, split=replace(shared.split, fold=fold.number))

    def signature(self, fold: Fold) -> str:
        """By which a fold's run is known again: its settings and its table, whatever code trained it."""
        return self.config(fold).signature(read_table(fold.table).digest)


@lru_cache(maxsize=64)
def _composed(words: tuple[str, ...]) -> Config:
    """What Hydra makes of the words: it takes a tenth of a second, and folds differ in little."""
    return compose(words)


def read_plan(words: Sequence[str]) -> Plan:
    """The plan of a command line behind `benchmark pearce`, every run of it composed once.

    Raises:
        SettingError: in one sentence, whatever is wrong.
    """
    wanted = asked(words)
    plan = Plan(wanted, {})
    if wanted.tuned and not wanted.tune:
        tables = [table_of(*cell) for cell in plan.cells]
        found = {table: read_tuned(tuned_name(table, wanted.reads)) for table in tables}
        plan = Plan(wanted, {table: tuned for table, tuned in found.items() if tuned})
    for fold in plan.every:
        plan.config(fold)
    return plan
