"""The trainings that a question needs: found by name in the store, taken up where interrupted, made where missing.

A run is known by its name, such as report2-lr5e-3-b8-seed0. What is finished is never trained again, so a script can be
stopped at any time and started again; what is not there is told, never guessed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from musicexp.api import LoadedRun, load_run, run
from musicexp.config import compose
from musicexp.errors import Interruption, MusicexpError, RunError, StoreError
from musicexp.tracking import open_store, store_path, store_uri
from musicexp.training import Silent

HERE = Path(__file__).resolve().parent
QUIET = ("threads=1", "render.audio=false", "render.score=false")
"""One thread, so that a run is the same on machines of many cores; sounds are made of the kept MIDI by whoever wants them."""
REHEARSAL = "rehearsal-"
ELSEWHERE = {"dataset.path"}
"""Settings that may differ from the plan's: where the files lie changes nothing."""

State = Literal["finished", "missing", "interrupted", "failed"]


@dataclass(frozen=True)
class Place:
    """Where runs are found and results left.

    Attributes:
        uri: of the store.
        out: the folder of the question's tables, figures and melodies.
        train: whether what is missing is trained.
        rehearsal: everything is tiny: it shows that the script works, and measures nothing.
        of: runs whose checkpoints are asked instead of those that a question trains.
    """

    uri: str
    out: Path
    train: bool
    rehearsal: bool
    of: tuple[str, ...] = ()

    @property
    def scratch(self) -> Path:
        """A folder for what is written to be learned from; never committed."""
        store = store_path(self.uri)
        return (store.parent if store else Path("mlruns").absolute()) / "report"


@dataclass(frozen=True)
class Plan:
    """A training.

    Attributes:
        name: of the run.
        experiment: MLflow's, in which the run is looked for.
        words: the settings that matter, all of them named: a default that changes one day changes nothing here.
    """

    name: str
    experiment: str
    words: tuple[str, ...]

    def command(self) -> str:
        """What anybody can type instead."""
        words = [f"'{word}'" if "[" in word else _anywhere(word) for word in self.words]
        return " ".join(["python -m musicexp run", f"name={self.name}", f"tracking.experiment={self.experiment}", *words])  # fmt: skip


def _anywhere(word: str) -> str:
    """A setting as it is on any machine: files to learn from lie beside the default store."""
    key, _, value = word.partition("=")
    return f"{key}=mlruns/report/{Path(value).name}" if key in ELSEWHERE else word


@dataclass(frozen=True)
class Found:
    """What the store has of a plan.

    Attributes:
        run: as it is now; None where there is nothing.
        why: of what is not finished.
    """

    plan: Plan
    state: State
    run: LoadedRun | None
    why: str = ""

    @property
    def finished(self) -> LoadedRun:
        """The run, of which the caller knows that it is finished."""
        assert self.state == "finished"
        assert self.run is not None
        return self.run


def look(plan: Plan, place: Place) -> Found:
    """What the store has of a plan; of several runs of its name, one that is finished, else the latest.

    Raises:
        RunError: the run has other settings than the plan.
    """
    ids = _ids(plan, place.uri)
    if not ids:
        return Found(plan, "missing", None)
    status, run_id = next(((s, i) for s, i in ids if s == "FINISHED"), ids[0])
    try:
        loaded = load_run(run_id, place.uri, plan.experiment)
    except StoreError:  # it was stopped before it had written down its settings
        return Found(plan, "missing", None)
    _check(plan, loaded)
    if status == "FINISHED":
        return Found(plan, "finished", loaded)
    if status == "FAILED":
        return Found(plan, "failed", loaded, loaded.tags.get("failed", "see its log.txt"))
    return Found(
        plan, "interrupted", loaded, "being trained, or killed" if status == "RUNNING" else "stopped"
    )


def _ids(plan: Plan, uri: str) -> list[tuple[str, str]]:
    """(status, id) of the runs of a plan's name, the latest first."""
    path = store_path(uri)
    if path is not None and not path.exists():
        return []
    try:
        store = open_store(uri, plan.experiment, create=False)
    except RunError:  # no such experiment yet
        return []
    found = store.client.search_runs(
        [store.experiment_id],
        f"attributes.run_name = '{plan.name}'",
        order_by=["attributes.start_time DESC"],
    )
    return [(run.info.status, run.info.run_id) for run in found]


def _check(plan: Plan, loaded: LoadedRun) -> None:
    wanted, there = compose(plan.words).flat(), loaded.config.flat()
    named = {word.partition("=")[0] for word in plan.words}
    for key in sorted((named & wanted.keys()) - ELSEWHERE):
        if wanted[key] != there[key]:
            raise RunError(
                f"run {loaded.name} ({loaded.id}) has {key}={there[key]}, and the question wants {wanted[key]}; "
                "delete or rename the run, or name another store with --store"
            )


def trained(plans: Iterable[Plan], place: Place) -> list[Found]:
    """What there is of all plans, after training what was missing, if the place allows it."""
    found = []
    for plan in plans:
        now = look(plan, place)
        if place.train and now.state in ("missing", "interrupted"):
            _train(now, place)
            now = look(plan, place)
        found.append(now)
    return found


def _train(found: Found, place: Place) -> None:
    """Begin or go on; a training that fails is told, and the others still have their turn."""
    plan = found.plan
    where = (f"tracking.uri={place.uri}", f"tracking.experiment={plan.experiment}")
    if found.run is None:
        words = (f"name={plan.name}", *plan.words, *QUIET, *where)
    else:
        words = (f"resume={found.run.id}", *where)
    print(f"{'goes on' if found.run else 'trains'}: {plan.name}", flush=True)
    try:
        run(*dict.fromkeys(words), reporter=Silent())
    except MusicexpError as error:
        print(f"{plan.name}: {error}", file=sys.stderr, flush=True)


def missing(found: Sequence[Found]) -> list[str]:
    """A line for every run that a result lacks, with the command that makes it."""
    lines = []
    for one in found:
        if one.state == "interrupted" and one.run is not None:
            done = one.run.curve("loss/train")[-1:]
            at = f"{done[0][0]:,} of {one.run.config.iterations:,} iterations" if done else "its beginning"
            lines.append(
                f"- {one.plan.name}: {one.why} at {at}; `python -m musicexp run resume={one.run.id}`"
            )
        elif one.state == "failed":
            lines.append(f"- {one.plan.name}: failed: {one.why}")
        elif one.state == "missing":
            lines.append(f"- {one.plan.name}: not begun; `{one.plan.command()}`")
    return lines


def place_of(description: str | None, folder: str, words: Sequence[str] | None = None) -> Place:
    """What the command line of a question says.

    Args:
        folder: of the question's results, beside the script.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", help="where the runs are, as the setting tracking.uri")
    parser.add_argument("--out", type=Path, help="where the results go, instead of the folder beside this script")  # fmt: skip
    parser.add_argument("--no-training", action="store_true", help="make the tables of what is there")
    parser.add_argument(
        "--rehearse", action="store_true", help="everything tiny, under names of its own: measures nothing"
    )
    parser.add_argument(
        "--of", nargs="+", default=(), help="runs whose checkpoints are asked instead (questions 3 and 4)"
    )
    given = parser.parse_args(words)
    if given.rehearse and given.out is None:
        parser.error("--rehearse wants --out=DIR, so that nothing measured is lost")
    if given.of and given.out is None:
        parser.error("--of wants --out=DIR, so that nothing measured is lost")
    out = given.out or HERE / folder
    return Place(store_uri(given.store), out, not given.no_training, given.rehearse, tuple(given.of))


def asked(main: object) -> int:
    """Run a question's main function; what the user can mend becomes a sentence, an interruption no traceback."""
    assert callable(main)
    torch.set_num_threads(
        1
    )  # two that wait for one another lose more on a busy machine than they win on a quiet one
    try:
        main()
    except MusicexpError as error:
        print(error, file=sys.stderr)
        return 2
    except (Interruption, KeyboardInterrupt):
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130
    return 0
