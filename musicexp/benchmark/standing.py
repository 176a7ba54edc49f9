"""How the folds of a benchmark stand beside what is published and beside PPM: plain values for tables and programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from musicexp.benchmark.figure import MIXED, OURS, PPMS, VIEWPOINTS, FoldFigure
from musicexp.benchmark.published import PUBLISHED, SOURCE
from musicexp.benchmark.settings import FOLDS
from musicexp.metrics import Interval, paired


@dataclass(frozen=True)
class Beside:
    """A model of ours less another one, fold by fold.

    Attributes:
        difference: mean of the paired differences in bits a pitch, with a 95 % Student-t interval over the folds. Any two
            folds share most of what they train on, so that their figures are not independent and the interval is
            narrower than it ought to be (Bengio & Grandvalet 2004); it is what is usual for such tables.
        lower_in: folds in which ours has fewer bits.
    """

    ours: str
    model: str
    difference: Interval
    lower_in: int


@dataclass(frozen=True)
class Cell:
    """A data set with one folding.

    Attributes:
        folds: numbers of the folds, in order; `bits` has a figure for each.
        seeds: trainings of each fold, over which a fold's figure is the mean.
        bits: by model, bits a pitch of each fold.
        seconds: of each training, fold by fold.
        tuned_seconds: of training in the search that found the settings; None where they were not tuned.
        called: what the trained model is: LSTM or Transformer.
        reads: what the model was told, a key of `settings.READS`.
        threads: of each training.
        learned_first: how many other melodies the trained model has learned from before; None for none.
        first_seconds: of that training, which all folds of a set share.
    """

    set: str
    folding: str
    folds: tuple[int, ...]
    seeds: int
    pieces: int
    pitches: int
    bits: dict[str, tuple[float, ...]]
    seconds: tuple[float, ...]
    parameters: tuple[int, ...]
    threads: int
    runs: tuple[str, ...]
    tuned_seconds: float | None = None
    reads: str = "pitches"
    called: str = OURS
    learned_first: int | None = None
    first_seconds: float | None = None

    def name(self, model: str) -> str:
        """What a model of `bits` is called for people and programs."""
        return model.replace(OURS, self.called)

    @property
    def whole(self) -> bool:
        """Whether all ten folds are there."""
        return len(self.folds) == FOLDS

    def mean(self, model: str) -> float:
        return math.fsum(self.bits[model]) / len(self.folds)

    def sd(self, model: str) -> float:
        """Standard deviation over the folds; nan for one alone."""
        if len(self.folds) == 1:
            return math.nan
        mean = self.mean(model)
        return math.sqrt(math.fsum((b - mean) ** 2 for b in self.bits[model]) / (len(self.folds) - 1))

    def beside(self, model: str, ours: str = OURS) -> Beside:
        """The trained model, or what it is mixed into, beside another."""
        mine, theirs = self.bits[ours], self.bits[model]
        lower = sum(one < other for one, other in zip(mine, theirs, strict=True))
        return Beside(ours, model, paired(mine, theirs), lower)


@dataclass(frozen=True)
class Standing:
    """What a benchmark found.

    Attributes:
        effort: quick, ordinary or full.
        seconds: that the command took this time.
        workers: that trained side by side.
    """

    effort: str
    cells: tuple[Cell, ...]
    seconds: float
    workers: int
    processor: str

    def as_dict(self) -> dict[str, Any]:
        """For programs: nan is null there."""
        return {
            "benchmark": "pearce",
            "source": SOURCE,
            "effort": self.effort,
            "seconds": self.seconds,
            "workers": self.workers,
            "processor": self.processor,
            "cells": [_told(cell) for cell in self.cells],
        }


def cell_of(
    of: str,
    folding: str,
    figures: Sequence[tuple[int, Sequence[FoldFigure]]],
    tuned_seconds: float | None,
    reads: str = "pitches",
    called: str = OURS,
) -> Cell:
    """A cell from its folds' figures.

    Args:
        figures: (fold, figures of its seeds), in order of fold; as many seeds for each.
    """
    every = [one for _, seeds in figures for one in seeds]
    bits = {
        model: tuple(
            math.fsum(one.bits_per_pitch(model) for one in seeds) / len(seeds) for _, seeds in figures
        )
        for model in (OURS, *PPMS, *VIEWPOINTS, *MIXED.values())
    }
    return Cell(
        set=of,
        folding=folding,
        folds=tuple(fold for fold, _ in figures),
        seeds=len(figures[0][1]),
        pieces=sum(len(seeds[0].pieces) for _, seeds in figures),
        pitches=sum(seeds[0].pitches for _, seeds in figures),
        bits=bits,
        seconds=tuple(one.seconds for one in every),
        parameters=tuple(sorted({one.parameters for one in every})),
        threads=max(one.threads for one in every),
        runs=tuple(one.run for one in every),
        tuned_seconds=tuned_seconds,
        reads=reads,
        called=called,
    )


def _told(cell: Cell) -> dict[str, Any]:
    known = PUBLISHED[cell.set]
    random = cell.folding == "random"
    return {
        **dataclasses.asdict(cell),
        "bits": {cell.name(model): bits for model, bits in cell.bits.items()},
        "published": known.bits_per_pitch if random else None,
        "published_reading_more": dict([known.reads_more]) if random and known.reads_more else None,
        "mean": {cell.name(model): cell.mean(model) for model in cell.bits},
        "sd": {cell.name(model): _finite(cell.sd(model)) for model in cell.bits},
        "beside": {
            f"{cell.name(ours)}, {model}": {
                "difference": found.difference.mean,
                "low": _finite(found.difference.low),
                "high": _finite(found.difference.high),
                "lower_in": found.lower_in,
                "of": len(cell.folds),
            }
            for ours, model in pairs()
            for found in [cell.beside(model, ours)]
        },
    }


def pairs() -> list[tuple[str, str]]:
    """Which of ours is set beside which other: the model beside those that count, each mixture beside its viewpoints."""
    counting = [*PPMS, next(iter(VIEWPOINTS))]
    return [*((OURS, model) for model in counting), *((mixed, model) for model, mixed in MIXED.items())]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
