"""What a benchmark trains: the runs that its settings name, one for each fold and seed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from musicexp.benchmark.settings import EFFORTS, READS, Asked, asked
from musicexp.benchmark.tuned import ByFold, read_tuned
from musicexp.config import Config, build, compose
from musicexp.generation.transfer import SHAPES
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
class Pretraining:
    """A run that learned from other melodies, and that every fold of a set begins with.

    Attributes:
        run: its id.
        melodies: that it learned from.
        seconds: of its training.
    """

    run: str
    melodies: int
    seconds: float


NOT_YET = "pretraining"
"""What a fold begins with that is not there yet: no run has this for its id, so no fold is found by it."""


@dataclass(frozen=True)
class Plan:
    """What is asked for, and what it means here.

    Attributes:
        tuned: by table, what was found for its folds; empty where none of it is used.
        pretraining: by set, what its folds begin with, as far as that is there (`pretraining.found`).
    """

    asked: Asked
    tuned: Mapping[str, ByFold]
    pretraining: Mapping[str, Pretraining] = field(default_factory=dict)

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

    @property
    def preset(self) -> str:
        """The preset that every fold begins with."""
        effort = EFFORTS[self.asked.effort]
        found = effort.pretrained if self.asked.pretrained else effort.experiment
        assert found is not None
        return found

    def given_words(self, fold: Fold) -> tuple[str, ...]:
        """What the benchmark itself gives to `run` for a fold, but which fold it is."""
        return (
            f"experiment={self.preset}",
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
        first = ["pretrained"] if self.asked.pretrained else []
        again = [f"seed{seed}"] if fold.repeat else []
        return replace(
            shared,
            name="-".join([*fold.table.split("_"), *first, str(fold.number), *again]),
            seed=seed,
            split=replace(shared.split, fold=fold.number),
            initial=self._initial(fold.set),
        )

    def _initial(self, of: str) -> str | None:
        if not self.asked.pretrained:
            return None
        return self.pretraining[of].run if of in self.pretraining else NOT_YET

    def pretraining_config(self, of: str) -> Config:
        """The settings of the run that the folds of a set begin with: the same model, of which only dropout is another.

        Raises:
            SettingError: a word does not go with it.
        """
        fold = _composed(self.shared_words(Fold(of, self.asked.folding[0], self.asked.folds[0])))
        first = _composed(
            (
                f"experiment={EFFORTS[self.asked.effort].pretraining}",
                "dataset=essen",
                f"dataset.apart_from={fold.dataset.collection}",
                *READS[self.asked.reads],
                "threads=1",
            )
        )
        leaves = [name.removeprefix("model.") for name in (*SHAPES, "model.heads")]
        model = replace(first.model, **{leaf: getattr(fold.model, leaf) for leaf in leaves})
        if model.kind == "transformer":
            model = replace(model, recurrent_dropout=0.0)
        alike = ("seed", "precision", "recurrence", "trainer", "checkpoint", "tracking")
        found = replace(
            first,
            name=f"pearce-{of}-pretraining",
            model=model,
            **{name: getattr(fold, name) for name in alike},
        )
        return build(found.as_dict())

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
    for of in wanted.sets if wanted.pretrained else ():
        plan.pretraining_config(of)
    return plan
