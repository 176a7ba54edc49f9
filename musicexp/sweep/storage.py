"""The studies' database, and every call of Optuna's that it does not promise to keep: behind this one wrapper.

Several processes, perhaps on several machines, share one database. Whoever wants to begin a trial holds the
study's lock while it counts and claims, so that no two claim the last one.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicexp.errors import StoreError
from musicexp.imports import importing
from musicexp.tracking import MLRUNS, store_path

if TYPE_CHECKING:
    import optuna
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

VARIABLE = "MUSICEXP_STORAGE"
"""How workers are told the address, which may hold a password that no command line should."""
HEARTBEAT_SECONDS = 10
GRACE_SECONDS = 60
"""A trial whose worker has not been heard for so long is lost."""
LOCK_SECONDS = 600.0
BUSY_SECONDS = 100.0
WORKER = "worker"
"""The attribute of a trial that names the process which trains it."""


def storage_url(setting: str | None, tracking_uri: str) -> str:
    """The studies' database: the setting, else $MUSICEXP_STORAGE, else optuna.db beside a local MLflow store, else in ./mlruns.

    Raises:
        StoreError: it is of a kind that several workers cannot share.
    """
    setting = setting or os.environ.get(VARIABLE)
    if not setting:
        beside = store_path(tracking_uri)
        folder = beside.parent if beside else Path(MLRUNS).absolute()
        return f"sqlite:///{folder / 'optuna.db'}"
    if setting.startswith(("postgresql://", "postgresql+psycopg://")):
        return re.sub(r"^postgresql://", "postgresql+psycopg://", setting)
    if setting.startswith("sqlite:///"):
        setting = setting.removeprefix("sqlite:///")
    elif "://" in setting:
        raise StoreError(
            f"storage={shown_url(setting)} is of a kind that cannot be shared safely; give a path of a sqlite file, or postgresql+psycopg://USER@HOST/DATABASE"
        )
    path = Path(setting).expanduser().absolute()
    return f"sqlite:///{path / 'optuna.db' if path.is_dir() else path}"


def shown_url(url: str) -> str:
    """An address without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def sqlite_file(url: str) -> Path | None:
    """The file of a sqlite database; None for a server."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def quiet_optuna() -> None:
    """What Optuna says of its own accord is for its developers; experimental features we have chosen knowingly."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    warnings.filterwarnings("ignore", module=r"optuna\.")
    warnings.filterwarnings("ignore", message=".*Heartbeat of storage.*")
    warnings.filterwarnings("ignore", message=r".*optuna\.terminator.*")


def this_process() -> str:
    """Host, process and when it began: no other process ever bears the same."""
    import psutil

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def surely_dead(worker: str) -> bool:
    """Whether a process of this machine is known to be gone; one of another machine never is."""
    import psutil

    host, pid, began = worker.rsplit(" ", 2)
    if host != socket.gethostname():
        return False
    try:
        return bool(abs(psutil.Process(int(pid)).create_time() - float(began)) > 1.0)
    except psutil.NoSuchProcess:
        return True


class Storage:
    """An opened database of studies."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """
        Raises:
            StoreError: it cannot be opened or made; with create=False, it is not there.
        """
        self.url = url
        self._path = sqlite_file(url)
        if self._path is not None and not create and not self._path.exists():
            raise StoreError(
                f"there are no studies at {self._path}: `python -m musicexp sweep` makes one, or name another database with storage=PATH"
            )
        with translated(f"the studies' database {shown_url(url)} cannot be opened"):
            self._refuse_a_strange_file()
            with importing():
                import optuna
            quiet_optuna()
            with self._alone("schema"):
                self._backend = self._opened()
            self._cached = optuna.storages.get_storage(self._backend)

    def _refuse_a_strange_file(self) -> None:
        """Refuse a sqlite file that holds something else: Optuna would make its tables in it, MLflow's store for example."""
        import sqlite3

        if self._path is None or not self._path.is_file() or not self._path.stat().st_size:
            return
        connection = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            tables = {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
        finally:
            connection.close()
        if (tables and "studies" not in tables) or "experiments" in tables:
            what = "MLflow's store" if "experiments" in tables else "a database of something else"
            raise StoreError(
                f"storage={self._path} is {what}, not a database of studies; name another file, or leave storage out"
            )

    def _opened(self) -> RDBStorage:
        from optuna.storages import RDBStorage

        kwargs: dict[str, Any] = {"pool_pre_ping": True}
        if self._path is not None:
            kwargs = {"connect_args": {"timeout": BUSY_SECONDS}}
            self._write_ahead()
        try:
            return RDBStorage(
                self.url,
                engine_kwargs=kwargs,
                heartbeat_interval=HEARTBEAT_SECONDS,
                grace_period=GRACE_SECONDS,
            )
        except ImportError as error:
            raise StoreError(
                f"storage={shown_url(self.url)} needs psycopg, which is not installed: `pip install 'musicexp[postgresql]'`"
            ) from error

    def _write_ahead(self) -> None:
        """Readers of a sqlite file do not wait for writers then, nor make them wait."""
        import sqlite3

        assert self._path is not None
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()

    @property
    def shared(self) -> Any:
        """What Optuna's functions take as `storage`."""
        return self._cached

    @contextmanager
    def alone(self, study: str) -> Iterator[None]:
        """Hold a study's lock: between processes of one machine by a file, between machines by the database."""
        with self._alone(study):
            yield

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        if self._path is None:
            with self._advisory(what):
                yield
            return
        from filelock import FileLock, Timeout

        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f"{self._path.name}.{zlib.crc32(what.encode()):08x}.lock")
        try:
            with FileLock(lock, timeout=LOCK_SECONDS):
                yield
        except Timeout as error:
            raise StoreError(
                f"another process has held {lock} for {LOCK_SECONDS:g} s; wait for it, or delete the file if none runs"
            ) from error

    @contextmanager
    def _advisory(self, what: str) -> Iterator[None]:
        """PostgreSQL's own lock, which the server frees when the connection ends."""
        import sqlalchemy

        engine = sqlalchemy.create_engine(self.url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect() as connection:
            key = zlib.crc32(f"musicexp {what}".encode())
            connection.execute(sqlalchemy.text("select pg_advisory_lock(:key)"), {"key": key})
            try:
                yield
            finally:
                connection.execute(sqlalchemy.text("select pg_advisory_unlock(:key)"), {"key": key})

    # -----------------------------------------------------------------------------------------------
    # What Optuna does not promise to keep; tests/test_storage_contract.py holds it to it.

    def claim(self, study: optuna.Study) -> int:
        """Make a waiting trial, or else a new one, a running one of this process, heard from this moment on.

        Only under the study's lock. Nothing is chosen yet: that may take long, and needs no lock.

        Returns:
            Optuna's id of the trial.
        """
        study._thread_local.cached_all_trials = None
        trial_id = study._pop_waiting_trial_id()
        if trial_id is None:
            trial_id = self._cached.create_new_trial(study._study_id)
        self._cached.set_trial_user_attr(trial_id, WORKER, this_process())
        self._backend.record_heartbeat(trial_id)
        return int(trial_id)

    def taken_up(self, study: optuna.Study, trial_id: int) -> optuna.Trial:
        """The claimed trial, with whatever its sampler chooses for all settings together."""
        import optuna

        return optuna.Trial(study, trial_id)

    @contextmanager
    def heard(self, trial_id: int) -> Iterator[None]:
        """While open, a thread records the trial's heartbeat."""
        from optuna.storages._heartbeat import get_heartbeat_thread

        with get_heartbeat_thread(trial_id, self._backend):
            yield

    def lost(self, study: optuna.Study) -> list[FrozenTrial]:
        """Running trials whose worker is gone. Only under the study's lock, under which trials are claimed."""
        from optuna.trial import TrialState

        stale = set(self._backend._get_stale_trial_ids(study._study_id))
        found = []
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            worker = trial.user_attrs.get(WORKER)
            # Claimed without a name: whoever held the lock died before it wrote one.
            dead = worker is None or surely_dead(worker)
            if trial._trial_id in stale or dead:
                found.append(trial)
        return found

    def fail(self, trial_id: int, attributes: Mapping[str, Any]) -> bool:
        """End a trial of another process as failed; False if it has ended meanwhile."""
        import optuna

        try:
            for name, value in attributes.items():
                self._cached.set_trial_user_attr(trial_id, name, value)
            return bool(self._cached.set_trial_state_values(trial_id, state=optuna.trial.TrialState.FAIL))
        except optuna.exceptions.UpdateFinishedTrialError:
            return False


@contextmanager
def translated(what: str) -> Iterator[None]:
    """What the database refuses becomes a StoreError: what was wanted and why not."""
    import sqlite3

    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{what}: {error.strerror or error}; make it writable, or name another with storage=PATH"
        ) from error
    except Exception as error:
        module = type(error).__module__
        if not isinstance(error, sqlite3.Error) and not module.startswith(
            ("sqlalchemy", "psycopg", "optuna.exceptions")
        ):
            raise
        if type(error).__name__ in ("TrialPruned", "UpdateFinishedTrialError", "DuplicatedStudyError"):
            raise
        text = " ".join(str(error).split())
        text = re.sub(r"\s*\[SQL:.*|\s*\(Background on this error.*", "", text)
        hint = "; is the server up?" if "refused" in text or "could not connect" in text else ""
        raise StoreError(f"{what}: {shown_url(text[:300])}{hint}") from error


__all__ = ["Storage", "shown_url", "storage_url", "translated"]
