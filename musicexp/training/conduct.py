"""A run from its opening in the store to its closing, whatever happens in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicexp.config import Config, read_config
from musicexp.errors import Interruption, RunError, StoreError
from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.model import Resolved
from musicexp.tracking import MlflowRun, Status, Store, cache_dir, open_store, store_uri
from musicexp.training.callbacks import Signals
from musicexp.training.devices import resolved_again
from musicexp.training.initial import Initial, initial_of
from musicexp.training.material import Material, check, prepare
from musicexp.training.reporter import Reporter
from musicexp.training.role import ITS_OWN, Role
from musicexp.training.train import RunResult, train


def conduct(
    config: Config, reporter: Reporter, role: Role = ITS_OWN, signals: Signals | None = None
) -> RunResult:
    """Train one configuration as a run of the store that it names, or go on with the run that `resume` names.

    Args:
        signals: caught by the caller already, who trains several runs; else caught here.

    Raises:
        MusicexpError: the run is closed as FAILED with what it had.
        Interruption: it is closed as KILLED, and can be resumed.
    """
    uri = store_uri(config.tracking.uri)
    cache = cache_dir(uri)
    with (signals or Signals()).caught() as signals:
        if config.resume:
            reporter.say(f"store    {uri}")
            store = open_store(uri, config.tracking.experiment, create=False)
            run = store.find(config.resume)
            with _alone(run, cache):
                given = config
                config, checkpoint = _taken_up(run, given)
                again = resolved_again(checkpoint.resolved, config, given) if checkpoint else None
                # A checkpoint has weights of its own, and needs the run no more that it was begun with.
                initial = None if checkpoint else initial_of(config, store)
                run.reopen()
                if role.tags:  # a trial that goes on bears another number
                    run.set_tags(role.tags)
                if role.opened:
                    role.opened(run.id)
                if run.has("log.txt"):
                    reporter.recall(run.read("log.txt").decode())
                if checkpoint and again and again != checkpoint.resolved:
                    checkpoint = _by_another_path(checkpoint, again, run, reporter)
                return _conducted(
                    config, run, reporter, store, cache, signals, checkpoint, role.material, role, initial
                )
        # What the user can get wrong is found before there is a run that `last` would mean.
        check(config)
        reporter.say(f"store    {uri}")
        store = open_store(uri, config.tracking.experiment)
        initial = initial_of(config, store)
        config = dataclasses.replace(config, initial=initial.run if initial else None)
        try:
            material = role.material or prepare(config, cache, reporter.preparing)
        except (Interruption, KeyboardInterrupt):
            reporter.say("interrupted before there was a run; the same command goes on with what was read")
            raise
        if initial:
            initial.check(config, material.vocabulary)
        run = store.create_run(config.name, {"musicexp": "run", "mlflow.user": _user(), **role.tags})
        if role.opened:
            role.opened(run.id)
        with _alone(run, cache):
            return _conducted(config, run, reporter, store, cache, signals, None, material, role, initial)


def _conducted(
    config: Config,
    run: MlflowRun,
    reporter: Reporter,
    store: Store,
    cache: Path,
    signals: Signals,
    checkpoint: Checkpoint | None,
    material: Material | None,
    role: Role,
    initial: Initial | None,
) -> RunResult:
    reporter.say(f"run      {run.name} ({run.id}) in experiment {store.experiment}")
    try:
        with run.system_metrics(store.uri, config.tracking.system_metrics):
            result = train(
                config,
                run,
                reporter,
                cache=cache,
                signals=signals,
                checkpoint=checkpoint,
                material=material,
                role=role,
                initial=initial,
            )
        reporter.finished(result, run.place)
        _close(run, reporter, "FINISHED")
    except Interruption as interrupted:
        reporter.say(f"interrupted; go on with: python -m musicexp run resume={run.id}")
        _close(run, reporter, "KILLED", after=interrupted)
        raise
    except BaseException as error:
        reporter.say(f"failed: {error}")
        _close(run, reporter, "FAILED", after=error)
        raise
    return result


def _close(run: MlflowRun, reporter: Reporter, status: Status, after: BaseException | None = None) -> None:
    """Write the log and close the run. After an error, one more from the store is only noted on it."""
    try:
        run.write("log.txt", reporter.text().encode())
        if isinstance(after, Exception):
            run.set_tags({"failed": f"{type(after).__name__}: {after}"})
        run.close(status)
    except StoreError as error:
        if after is None:
            raise
        after.add_note(f"and the run could not be closed as {status}: {error}")


def _taken_up(run: MlflowRun, given: Config) -> tuple[Config, Checkpoint | None]:
    """The settings of an interrupted run and its last checkpoint, if it came so far."""
    if run.status == "FINISHED":
        raise RunError(
            f"run {run.name} ({run.id}) is finished, so there is nothing to resume; start another with `python -m musicexp run`"
        )
    checkpoint = None
    if run.has(CHECKPOINT_FILE):
        checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), f"{CHECKPOINT_FILE} of run {run.name}")
        config = checkpoint.config
    elif run.has("config.yaml"):
        config = read_config(run.read("config.yaml"), f"config.yaml of run {run.name} ({run.id})")
        # Nothing is trained yet, so that another path is the only path.
        asked = {
            key: getattr(given, key) for key in ("recurrence", "precision") if getattr(given, key) != "auto"
        }
        config = dataclasses.replace(config, **asked)
    else:
        raise RunError(
            f"run {run.name} ({run.id}) was stopped before it left its settings, so it cannot be resumed; start it again with `python -m musicexp run`"
        )
    return dataclasses.replace(config, tracking=given.tracking, checkpoint=given.checkpoint), checkpoint


def _by_another_path(
    checkpoint: Checkpoint, again: Resolved, run: MlflowRun, reporter: Reporter
) -> Checkpoint:
    """Go on with a path or precision that the run was not trained with so far, and leave word of it."""
    before = checkpoint.resolved
    reporter.say(
        f"recurrence {again.recurrence}, {again.precision} behind iteration {checkpoint.iteration:,}, where it was "
        f"{before.recurrence}, {before.precision}: what follows equals a run never stopped within rounding, not to the last bit"
    )
    run.set_tags(
        {
            "resolved.recurrence": f"{before.recurrence}, from {checkpoint.iteration} {again.recurrence}",
            "resolved.precision": f"{before.precision}, from {checkpoint.iteration} {again.precision}",
        }
    )
    return dataclasses.replace(checkpoint, resolved=again)


@contextmanager
def _alone(run: MlflowRun, cache: Path) -> Iterator[None]:
    """Hold the run for this process. A killed process holds nothing, so its run can be taken up at once."""
    from filelock import FileLock, Timeout

    lock = cache / "locks" / f"{run.id}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)  # only by its holder: whoever is refused must leave it alone
    except Timeout as error:
        raise RunError(
            f"run {run.name} ({run.id}) is being trained by another process; wait for it or stop it first"
        ) from error


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a passwd entry
        return "unknown"
