"""One fold after another: found finished, gone on with, or trained; each by one process at a time, whoever asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from musicexp.benchmark.figure import FILE, METRIC, OURS, FoldFigure, measured, read_figure
from musicexp.benchmark.plan import Fold, Plan
from musicexp.errors import Interruption
from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.music.fold_table import read_table
from musicexp.report import duration
from musicexp.tracking import MlflowRun, Store, cache_dir, open_store, store_uri
from musicexp.training import Material, Role, Signals, Silent, conduct, prepare

TAG = "benchmark"
"""The tag of every run of a benchmark, with its name; more of them begin with it."""
SIGNATURE = "benchmark.signature"
TRAINED = "of training"
"""How the line ends that says that a fold is trained."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the runs of a plan go."""

    store: Store
    cache: Path


def place_of(plan: Plan, *, create: bool = True) -> Place:
    """Open the store that the settings name.

    Raises:
        StoreError: it cannot be opened.
    """
    tracking = plan.config(plan.every[0]).tracking
    uri = store_uri(tracking.uri)
    return Place(open_store(uri, tracking.experiment, create=create), cache_dir(uri))


def finished(plan: Plan, place: Place) -> dict[Fold, FoldFigure]:
    """The folds of a plan that are trained and measured, with their figures.

    Raises:
        StoreError: a fold's file is damaged.
    """
    runs = _runs(place)
    found = {}
    for fold in plan.every:
        figure = _figure_of(runs.get(plan.signature(fold), []))
        if figure is not None:
            found[fold] = figure
    return found


def only_trained(plan: Plan, place: Place, missing: Iterable[Fold]) -> list[Fold]:
    """Those of the missing folds whose training is over, so that they are only measured."""
    runs = _runs(place)
    return [fold for fold in missing if done(runs.get(plan.signature(fold), [])) is not None]


def _runs(place: Place) -> dict[str, list[MlflowRun]]:
    """The runs of a benchmark by their signatures."""
    runs: dict[str, list[MlflowRun]] = {}
    for run in place.store.runs({TAG: "pearce"}, here=True):
        runs.setdefault(run.tags.get(SIGNATURE, ""), []).append(run)
    return runs


def done(runs: Iterable[MlflowRun]) -> MlflowRun | None:
    """The first run that trained to its end and left its weights."""
    return next((run for run in runs if run.status == "FINISHED" and run.has(CHECKPOINT_FILE)), None)


def _figure_of(runs: list[MlflowRun]) -> FoldFigure | None:
    for run in runs:
        if run.status == "FINISHED" and run.has(FILE):
            figure = read_figure(run.read(FILE), f"{FILE} of run {run.name} ({run.id})")
            if figure is not None:
                return figure
    return None


def train_folds(plan: Plan, place: Place, signals: Signals, say: Callable[[str], None]) -> int:
    """Train every fold that is neither finished nor in the hands of another process; return how many.

    Args:
        signals: caught by the caller.
        say: told a line for each.

    Raises:
        Interruption: a signal came; what was in hand is saved.
        MusicexpError: a fold cannot be trained.
    """
    trained = 0
    for fold in plan.every:
        if signals.came is not None:  # where it came, it could not be raised
            raise Interruption
        signature = plan.signature(fold)
        with alone(place.cache / "locks" / f"{TAG}-{signature}.lock") as mine:
            if not mine:
                continue
            runs = place.store.runs({TAG: "pearce", SIGNATURE: signature}, here=True)
            if _figure_of(runs) is not None:
                continue
            figure = _trained(plan, fold, place, runs, signals, say)
            bits = figure.bits_per_pitch(OURS)
            say(f"{fold.told} {bits:.3f} bits per pitch, {duration(figure.seconds)} {TRAINED}")
            trained += 1
    return trained


def _trained(
    plan: Plan,
    fold: Fold,
    place: Place,
    runs: list[MlflowRun],
    signals: Signals,
    say: Callable[[str], None],
) -> FoldFigure:
    """Train a fold, or go on with the latest of its runs that was stopped, and measure it."""
    config = plan.config(fold)
    material = prepare(config, place.cache)
    trained = done(runs)
    if trained is None:
        stopped = [run for run in runs if run.status != "FINISHED" and run.has("config.yaml")]
        if stopped:
            say(f"{fold.told} goes on")
            config = dataclasses.replace(config, resume=stopped[-1].id)
        result = conduct(config, Silent(), Role(tags=tags_of(plan, fold), material=material), signals)
        trained = place.store.find(result.id)
    return _measured(trained, fold, material)


def tags_of(plan: Plan, fold: Fold) -> dict[str, str]:
    """By which the run of a fold is found."""
    return {
        TAG: "pearce",
        f"{TAG}.set": fold.set,
        f"{TAG}.folding": fold.folding,
        f"{TAG}.fold": str(fold.number),
        SIGNATURE: plan.signature(fold),
    }


def _measured(run: MlflowRun, fold: Fold, material: Material) -> FoldFigure:
    """Measure a trained fold and leave its figure in the run: the metric first, for the file says that all is done."""
    checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), f"{CHECKPOINT_FILE} of run {run.name}")
    figure = measured(run.id, checkpoint, material, rows_of(fold))
    run.log_metrics({METRIC: figure.bits_per_pitch(OURS)}, checkpoint.iteration)
    run.flush()
    run.write(FILE, figure.as_json().encode())
    return figure


def rows_of(fold: Fold) -> list[tuple[int, str]]:
    """Sound and name of each piece that a fold tests, in the order of its table."""
    table = read_table(fold.table)
    rows = zip(table.fold.tolist(), table.sound.tolist(), table.piece, strict=True)
    return [(sound, piece) for number, sound, piece in rows if number == fold.number]


@contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Hold a fold for this process; false if another one holds it. A killed process holds nothing."""
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.unlink(missing_ok=True)
        held.release()
