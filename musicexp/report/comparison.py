"""Runs side by side, as plain values for tables and pages: what differs, what is fair, what every run gave."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from musicexp.music import Piece
from musicexp.report.compared_music import MusicSet
from musicexp.report.findings import Findings

Side = Literal["train", "val"]
CURVES: tuple[Side, ...] = ("train", "val")
FIGURES = (
    "bits_per_note/val",
    "bits_per_note/test",
    "nll_nats/train",
    "nll_nats/val",
    "nll_nats/test",
    "parameters",
    "iterations",
    "best_iteration",
    "seconds",
    "iterations_per_second",
)
"""Every figure of a run, in the order of tables."""


class Point(NamedTuple):
    """A point of a loss curve.

    Attributes:
        iteration: from 1.
        tokens_seen: up to and including this iteration: iteration * batch_size * seq_length; 0 if unknown.
        seconds: since the run began to train, without the pauses of a run that was resumed.
        value: nats per token.
    """

    iteration: int
    tokens_seen: int
    seconds: float
    value: float


class BandPoint(NamedTuple):
    """A point of the mean of several curves, with its 95 % Student-t interval in nats per token."""

    iteration: int
    tokens_seen: int
    seconds: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class ComparedSample:
    """A melody that a run left.

    Attributes:
        number: k of sample_k, from 1.
        file: its MIDI file among the run's artifacts.
        temperature, draw, seed: as drawn; None where the run's summary.json is gone. Two samples with the same
            temperature, draw, seed and prime came of the same random numbers.
        prime: the file that it continues; "" without one.
        notes, quarters: its length; None if unknown.
        ended_by: "eos" (it came to its end), "length" (it was cut) or "" (unknown).
        piece: its notes; None where the file is gone or damaged.
    """

    number: int
    file: str
    temperature: float | None
    draw: int | None
    seed: int | None
    prime: str
    notes: int | None
    quarters: float | None
    ended_by: str
    piece: Piece | None = field(repr=False)


@dataclass(frozen=True)
class Reference:
    """A real piece of the run's corpus, such as a page plays beside the samples.

    Attributes:
        number: k of reference_k, from 1.
        facts: whatever the run tells of it, such as its title and its side of the split.
    """

    number: int
    file: str
    title: str
    facts: Mapping[str, Any]
    piece: Piece | None = field(repr=False)


@dataclass(frozen=True)
class ComparedRun:
    """A run, with everything that it is compared by.

    Attributes:
        status: MLflow's word: FINISHED, FAILED, KILLED or RUNNING.
        experiment: the MLflow experiment.
        started: when, in ISO 8601, to the second, UTC; "" if unknown.
        seed: None where it is unknown.
        settings: dotted name -> plain value, in order of declaration; empty where config.yaml is gone.
        curves: by "train" and "val", in order of iteration; empty where nothing was logged.
        baselines: name -> nats per token on the validation pieces.
        figures: those of FIGURES that are known; never nan.
        missing: sentences about artifacts that are gone or not there yet.
        fingerprints: "data" and "vocabulary"; "" where unknown.
        code: "commit", "dirty" ("true", "false", "unknown"), "fingerprint" and "version" of musicexp.
        versions: package -> version; machine: "python", "system", "processor", "cores".
        resolved: "recurrence", "precision", "threads" as they were chosen.
        study: the study whose trial it is; "" if it is none.
        trial: the number of the trial in its study; None if it is none.
        note: what a person noted on it (MLflow's description).
        music: what was measured of its samples, by its name in MLflow, such as music/groove/T1; never nan.
        judged: how its samples stand beside the real music that it learned from, by temperature.
    """

    id: str
    name: str
    status: str
    experiment: str
    started: str
    seed: int | None
    tags: Mapping[str, str]
    settings: Mapping[str, Any]
    curves: Mapping[Side, tuple[Point, ...]] = field(repr=False)
    baselines: Mapping[str, float]
    figures: Mapping[str, float]
    samples: tuple[ComparedSample, ...]
    references: tuple[Reference, ...]
    missing: tuple[str, ...]
    fingerprints: Mapping[str, str]
    code: Mapping[str, str]
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    resolved: Mapping[str, str]
    study: str = ""
    trial: int | None = None
    note: str = ""
    music: Mapping[str, float] = field(default_factory=dict)
    judged: tuple[MusicSet, ...] = field(default=(), repr=False)

    @property
    def short_id(self) -> str:
        """Enough of its id to find it by."""
        return self.id[:8]


@dataclass(frozen=True)
class Difference:
    """A setting that differs.

    Attributes:
        values: one a run, in the order of the runs; None is the setting's null, or unknown.
        known: which of the runs say what theirs is.
        matters: whether it can change a loss or a sample.
    """

    name: str
    values: tuple[Any, ...]
    known: tuple[bool, ...]
    matters: bool


@dataclass(frozen=True)
class Surrounding:
    """Something about how the runs were made that differs and is no setting of theirs alone.

    Attributes:
        name: such as "data", "split.seed", "vocabulary", "git commit", "version torch", "recurrence".
        values: one a run; "" where unknown.
        unfair: why this makes the comparison unfair, in a sentence; None if it does not.
        remark: what else is to be known of it, in a sentence; "" for nothing.
    """

    name: str
    values: tuple[str, ...]
    unfair: str | None
    remark: str = ""


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds of a group: the mean of `count` runs and its 95 % Student-t interval.

    Attributes:
        low, high: None with fewer than two values: one value says nothing of the spread.
    """

    count: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Group:
    """Runs of one configuration that differ in their seed alone; often there is one.

    Attributes:
        label: for people: the name of its only run, or what sets it apart from other groups.
        runs: places in `Comparison.runs`, from 0, in the order of the seeds.
        seeds: of the runs.
        figures: those that at least one of the runs has: of FIGURES, of its music, and the smoothness of its curves.
        curves: mean and band at the iterations that all runs reach; empty for a single run, which has its own curve.
    """

    label: str
    runs: tuple[int, ...]
    seeds: tuple[int | None, ...]
    figures: Mapping[str, Spread]
    curves: Mapping[Side, tuple[BandPoint, ...]] = field(repr=False)


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        title: what was asked for, such as "study report" or the names of the runs.
        store: its address.
        differing: settings that differ, those that matter first.
        same: settings that are the same in every run, dotted name -> value.
        environment: what else differs, unfair things first.
        shared_environment: what does not differ, name -> value.
        nats_comparable: whether nats per token (and perplexities) may stand side by side; else `nats_reason` says why not.
        bits_comparable: the same of bits per note.
        groups: in the order of their first runs; every run is in one.
        factors: what the groups differ in (settings that matter, seeds, code); of more than one, none can be told
            to be the cause.
        remarks: sentences that a reader must know: several factors, single seeds, unfinished runs, merged references.
        findings: what statistics say.
    """

    title: str
    store: str
    runs: tuple[ComparedRun, ...]
    differing: tuple[Difference, ...]
    same: Mapping[str, Any]
    environment: tuple[Surrounding, ...]
    shared_environment: Mapping[str, str]
    nats_comparable: bool
    nats_reason: str
    bits_comparable: bool
    bits_reason: str
    groups: tuple[Group, ...]
    factors: tuple[str, ...]
    remarks: tuple[str, ...]
    findings: Findings

    @property
    def unfair(self) -> tuple[str, ...]:
        """Every sentence that says why the comparison is unfair."""
        return tuple(one.unfair for one in self.environment if one.unfair)


def as_dict(found: object) -> Any:
    """Any of these values as JSON has them: curves as columns, pieces as rows of notes, no nan.

    A curve is {"iteration": [...], "tokens_seen": [...], ...}; a piece {"tempo", "metre", "key", "notes"} with a row of
    [onset, duration, pitch, velocity, part] a note, in steps of 1/24 quarter.
    """
    if isinstance(found, Piece):
        rows = [list(note) for note in found.notes()]
        return {"tempo": found.tempo, "metre": list(found.metre), "key": found.key, "notes": rows}
    if dataclasses.is_dataclass(found):
        return {f.name: as_dict(getattr(found, f.name)) for f in dataclasses.fields(found)}
    if isinstance(found, Mapping):
        if set(found) <= set(CURVES) and found and all(isinstance(v, tuple) for v in found.values()):
            return {side: _columns(points) for side, points in found.items()}
        return {str(key): as_dict(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [as_dict(value) for value in found]
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found


def _columns(points: tuple[Any, ...]) -> dict[str, list[Any]]:
    names = points[0]._fields if points else Point._fields
    return {name: [as_dict(point[k]) for point in points] for k, name in enumerate(names)}
