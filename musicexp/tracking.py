"""Tracking: the one door to MLflow. A Store holds runs; a Run takes params, tags, metrics and files.

Metrics are buffered and written in batches, since one call costs 24-49 ms on sqlite and a batch of a
thousand 150. What MLflow or the disk refuse becomes a StoreError of one sentence.
"""

from __future__ import annotations

import io
import logging
import math
import os
import re
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import unquote, urlparse

from musicexp.errors import RunError, StoreError
from musicexp.imports import importing

if TYPE_CHECKING:
    from mlflow import MlflowClient

Status = Literal["FINISHED", "FAILED", "KILLED"]

MLRUNS = "mlruns"
FLUSH_SECONDS = 10.0
METRICS_A_CALL = 1000  # MLflow's own limit for one log_batch
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
LOCK_SECONDS = 120.0
IMAGES, SHOWN, IMAGE_PARTS = "images", "+compressed", 6
"""Where MLflow's page looks for pictures, what ends the name of the copy that its charts show, and of how many parts,
joined by +, a name is made."""
LOGGED_IMAGES = "mlflow.loggedImages"
"""The tag that tells the page to look."""
LAST_RUNS = 100
"""How far back a `last` that must have some file is looked for."""


class Run(Protocol):
    """What training needs of a run; `MlflowRun` and, for tests, `MemoryRun` offer it."""

    id: str
    name: str

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def set_tags(self, tags: Mapping[str, Any]) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], iteration: int) -> None:
        """Buffer metrics of an iteration, from 1. What the run already has up to there is not logged twice."""
        ...

    def log_dataset(self, name: str, digest: str, source: str, profile: str) -> None: ...

    def flush(self) -> None:
        """Write what is buffered."""
        ...

    def curve(self, metric: str) -> list[tuple[int, float]]:
        """(iteration, value) pairs as logged, in order of iteration."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the run, whole or not at all; its name may lead through folders."""
        ...

    def log_image(self, key: str, iteration: int, png: bytes) -> None:
        """A picture for the charts of MLflow's page; the same key and iteration once more replace it.

        Args:
            key: letters, digits, and any of `_ - . /` and blanks.
        """
        ...

    def read(self, name: str) -> bytes:
        """A file of the run.

        Raises:
            StoreError: there is none, or it cannot be read.
        """
        ...

    def has(self, name: str) -> bool: ...

    def close(self, status: Status) -> None: ...


# ---------------------------------------------------------------------------------------------------
# Places


def store_uri(setting: str | None) -> str:
    """The store in use: the setting, else MLFLOW_TRACKING_URI, else ./mlruns/mlflow.db.

    A path is taken for a sqlite file. Relative paths are made absolute, because MLflow would read them
    anew from wherever it stands.
    """
    given = setting or os.environ.get("MLFLOW_TRACKING_URI") or str(Path(MLRUNS, "mlflow.db"))
    if re.match(r"(https?|postgresql|mysql|mssql)[+\w]*://", given):
        return given
    if given.startswith("sqlite:///"):
        given = given.removeprefix("sqlite:///")
    elif "://" in given or given.startswith("file:"):
        raise StoreError(
            f"the store {given} is of a kind that MLflow no longer writes; give a path of a sqlite file, sqlite:///PATH, or the http address of an MLflow server"
        )
    path = Path(given).expanduser().absolute()
    if path.is_dir():
        path = path / "mlflow.db"
    return f"sqlite:///{path}"


def store_path(uri: str) -> Path | None:
    """The sqlite file of a store, or None for a server."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def cache_dir(uri: str) -> Path:
    """Where prepared data lies: $MUSICEXP_CACHE, else beside a local store, else ./mlruns/cache."""
    if os.environ.get("MUSICEXP_CACHE"):
        return Path(os.environ["MUSICEXP_CACHE"]).expanduser().absolute()
    path = store_path(uri)
    return (path.parent if path else Path(MLRUNS).absolute()) / "cache"


# ---------------------------------------------------------------------------------------------------
# The store


@dataclass(frozen=True)
class Store:
    """An opened store with the experiment that runs go to."""

    uri: str
    experiment: str
    experiment_id: str
    client: MlflowClient

    def create_run(self, name: str | None, tags: Mapping[str, str]) -> MlflowRun:
        with _translated(f"no run can be made in {self.uri}"):
            made = self.client.create_run(self.experiment_id, run_name=name, tags=dict(tags))
        return MlflowRun(self.client, made)

    def find(self, reference: str, *, last_with: str | None = None) -> MlflowRun:
        """The run of an id (or the first 8 or more characters of one), a name, or `last`.

        Args:
            last_with: `last` means the latest run that has this file; the latest of all if none has.

        Raises:
            RunError: no run or several bear it.
        """
        with _translated(f"runs cannot be read from {self.uri}"):
            found = self._search(reference)
            if reference == "last":
                having = (
                    run for run in found if last_with is None or MlflowRun(self.client, run).has(last_with)
                )
                found = [next(having, found[0])] if found else []
        if not found:
            where = f"experiment {self.experiment} of {self.uri}" if reference == "last" else self.uri
            raise RunError(
                f"no run {reference!r} in {where}: give an id, a name or `last`; `python -m musicexp ui` shows the runs"
                if reference != "last"
                else f"no run yet in {where}: `python -m musicexp run` makes one"
            )
        if len(found) > 1:
            raise RunError(
                f"{len(found)} runs are called {reference!r}; give the id of one: "
                + ", ".join(run.info.run_id for run in found)
            )
        return MlflowRun(self.client, found[0])

    def _search(self, reference: str) -> list[Any]:
        if reference == "last":
            return list(
                self.client.search_runs(
                    [self.experiment_id], "", max_results=LAST_RUNS, order_by=["attributes.start_time DESC"]
                )
            )
        experiments = [e.experiment_id for e in self.client.search_experiments()]
        if re.fullmatch(r"[0-9a-f]{8,32}", reference):
            found = self.client.search_runs(experiments, f"attributes.run_id LIKE '{reference}%'")
            if found:
                return list(found)
        if "'" in reference and '"' in reference:
            return [
                r
                for r in self.client.search_runs(experiments, max_results=50_000)
                if r.info.run_name == reference
            ]
        quote = '"' if "'" in reference else "'"
        return list(self.client.search_runs(experiments, f"attributes.run_name = {quote}{reference}{quote}"))


def open_store(uri: str, experiment: str, *, create: bool = True) -> Store:
    """Open a store, made first if it is not there. Safe when several processes do so at once.

    Raises:
        StoreError: it cannot be opened or made; with create=False, it is not there.
    """
    path = store_path(uri)
    if path is None:
        return _connect(uri, experiment, artifacts=None, create=create)
    if not path.exists() and not create:
        raise StoreError(
            f"there is no store at {path}: `python -m musicexp run` makes one, or name another with tracking.uri=PATH"
        )
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Path(f"{path}.lock").touch()  # says at once what would make the lock wait in vain
        # The lock serialises the first touch alone: two processes that make the schema at once race.
        with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
            return _connect(uri, experiment, artifacts=(path.parent / "artifacts").as_uri(), create=create)
    except Timeout as error:
        raise StoreError(
            f"the store {path} was locked for {LOCK_SECONDS:g} s by another process; wait for it, or delete {path}.lock if none runs"
        ) from error
    except OSError as error:
        raise StoreError(
            f"the store {path} cannot be made or opened: {error.strerror or error}; make its folder writable or name another with tracking.uri=PATH"
        ) from error


def _connect(uri: str, experiment: str, artifacts: str | None, create: bool) -> Store:
    quiet_mlflow()
    with _translated(f"the store {uri} cannot be opened"):
        with importing("mlflow", "mlflow.store.tracking.sqlalchemy_store"):
            from mlflow import MlflowClient

            quiet_mlflow()  # once more: its import sets the levels anew
            client = MlflowClient(tracking_uri=uri)  # imports what it needs for this kind of store
        known = client.get_experiment_by_name(experiment)
        if known is not None and known.lifecycle_stage == "deleted":
            raise StoreError(
                f"the experiment {experiment!r} was deleted in {uri}; restore it in the UI or name another with tracking.experiment=NAME"
            )
        if known is None and not create:
            raise RunError(
                f"there is no experiment {experiment!r} in {uri}; name another with tracking.experiment=NAME"
            )
        experiment_id = known.experiment_id if known else client.create_experiment(experiment, artifacts)
    return Store(uri, experiment, experiment_id, client)


def quiet_mlflow() -> None:
    """Before MLflow is imported: no telemetry, no chatter about the schema it makes."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    for name in ("mlflow", "alembic", "alembic.runtime.migration"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs a database's error with a traceback and raises it too; what is raised we tell ourselves.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Third-party errors become a StoreError: what was wanted, why not, what to do."""
    import sqlite3

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (StoreError, RunError):
        raise
    except Exception as error:
        if not isinstance(error, (OSError, sqlite3.Error)) and not type(error).__module__.startswith(
            ("mlflow", "sqlalchemy", "requests", "urllib3")
        ):
            raise
        raise StoreError(f"{what}: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if (
        "database or disk is full" in text
        or "No space left" in text
        or "File too large" in text
        or "disk I/O error" in text
    ):
        return f"the disk is full ({_short(text)}); free some space and try again; a run that was stopped goes on with resume=RUN"
    if "readonly database" in text or "read-only" in text.lower():
        return (
            f"it cannot be written ({_short(text)}); make it writable or name another with tracking.uri=PATH"
        )
    if "Max retries" in text or "Connection refused" in text:
        return "no server answers there; start it or name another store with tracking.uri=PATH"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _short(text) or type(error).__name__


def _short(text: str) -> str:
    text = re.sub(r"\s*\[SQL:.*", "", text)
    text = re.sub(r"\s*\(Background on this error.*", "", text)
    return text if len(text) <= 200 else text[:200] + " ..."


# ---------------------------------------------------------------------------------------------------
# Runs


class MlflowRun:
    """A run in MLflow, new or found again."""

    def __init__(self, client: MlflowClient, run: Any) -> None:
        self._client = client
        self.id: str = run.info.run_id
        self.name: str = run.info.run_name
        self.status: str = run.info.status
        self.tags: dict[str, str] = dict(run.data.tags)
        self._params = set(run.data.params)
        self._artifacts = _local_folder(run.info.artifact_uri)
        self._buffer: list[tuple[str, float, int, int]] = []
        self._flushed = time.monotonic()
        self._logged: dict[str, int] = {}

    def reopen(self) -> None:
        """Make an ended run a running one, and find out what it has logged already."""
        with _translated(f"run {self.name} cannot be opened again"):
            self._client.update_run(self.id, status="RUNNING")
            latest = self._client.get_run(self.id).data._metric_objs
            self._logged = {m.key: m.step for m in latest}

    def log_params(self, params: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        with _translated(f"the params of run {self.name} cannot be written"):
            # MLflow forbids a change: what a run was begun with stays, also when it is resumed otherwise.
            told = [Param(k, str(v)[:PARAM_LENGTH]) for k, v in params.items() if k not in self._params]
            self._client.log_batch(self.id, params=told)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        from mlflow.entities import RunTag

        with _translated(f"the tags of run {self.name} cannot be written"):
            told = [RunTag(key, str(value)[:TAG_LENGTH]) for key, value in tags.items()]
            self._client.log_batch(self.id, tags=told)
        self.tags |= {key: str(value) for key, value in tags.items()}

    def log_metrics(self, metrics: Mapping[str, float], iteration: int) -> None:
        now = int(time.time() * 1000)
        for key, value in metrics.items():
            if iteration > self._logged.get(key, 0):
                self._buffer.append((key, value, now, iteration))
        if len(self._buffer) >= METRICS_A_CALL or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        from mlflow.entities import Metric

        with _translated(f"the metrics of run {self.name} cannot be written"):
            while self._buffer:
                some = self._buffer[:METRICS_A_CALL]
                self._client.log_batch(self.id, metrics=[Metric(*entry) for entry in some])
                del self._buffer[: len(some)]
        self._flushed = time.monotonic()

    def log_dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        from mlflow.entities import Dataset, DatasetInput

        with _translated(f"the data set of run {self.name} cannot be written"):
            dataset = Dataset(name, digest, source_type="local", source=source, profile=profile)
            self._client.log_inputs(self.id, [DatasetInput(dataset)])

    def curve(self, metric: str) -> list[tuple[int, float]]:
        with _translated(f"the curve {metric} of run {self.name} cannot be read"):
            history = self._client.get_metric_history(self.id, metric)
        return sorted({m.step: m.value for m in history}.items())

    def write(self, name: str, data: bytes) -> None:
        with _translated(f"{name} of run {self.name} cannot be written"):
            if self._artifacts is not None:
                write_whole(self._artifacts / name, data)
                return
            place = PurePosixPath(name)
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, place.name).write_bytes(data)
                self._client.log_artifact(self.id, str(Path(folder, place.name)), _folder_of(place))

    def log_image(self, key: str, iteration: int, png: bytes) -> None:
        # As MlflowClient.log_image does it, but for three things: a run that goes on finds the name of a picture
        # that it has; the PNG is written as it is; and the copy that the charts show is not shrunk to 256 pixels.
        stem = self._image_stems.get((key, iteration)) or _image_stem(key, iteration)
        self.write(f"{stem}{SHOWN}.webp", _webp(png))
        self.write(f"{stem}.png", png)
        self._image_stems[key, iteration] = stem
        if self.tags.get(LOGGED_IMAGES) != "True":
            self.set_tags({LOGGED_IMAGES: "True"})

    @cached_property
    def _image_stems(self) -> dict[tuple[str, int], str]:
        """The name, without what comes behind it, of each picture that the run has, by key and iteration."""
        found: dict[tuple[str, int], str] = {}
        for name in self._names_in(IMAGES):
            stem = name.rsplit(".", 1)[0].removesuffix(SHOWN)
            parts = PurePosixPath(stem).name.split("+")
            if len(parts) == IMAGE_PARTS and parts[2].isdigit():
                found[parts[0].replace("~", "/"), int(parts[2])] = stem
        return found

    def _names_in(self, folder: str) -> list[str]:
        if self._artifacts is not None:
            return sorted(f"{folder}/{path.name}" for path in (self._artifacts / folder).glob("[!.]*"))
        with _translated(f"the files of run {self.name} cannot be listed"):
            return sorted(found.path for found in self._client.list_artifacts(self.id, folder))

    def read(self, name: str) -> bytes:
        with _translated(f"{name} of run {self.name} cannot be read"):
            if self._artifacts is not None:
                try:
                    return (self._artifacts / name).read_bytes()
                except FileNotFoundError as error:
                    raise StoreError(
                        f"{name} of run {self.name} ({self.id}) is not in {self._artifacts}: it was deleted, or the folder was moved; put it back or take another run"
                    ) from error
            folder = tempfile.mkdtemp()
            try:
                return Path(self._client.download_artifacts(self.id, name, folder)).read_bytes()
            finally:
                shutil.rmtree(folder)

    def has(self, name: str) -> bool:
        if self._artifacts is not None:
            return (self._artifacts / name).is_file()
        with _translated(f"the files of run {self.name} cannot be listed"):
            folder = _folder_of(PurePosixPath(name))
            return any(found.path == name for found in self._client.list_artifacts(self.id, folder))

    def close(self, status: Status) -> None:
        self.flush()
        with _translated(f"run {self.name} cannot be closed"):
            self._client.set_terminated(self.id, status)
        self.status = status

    @property
    def place(self) -> str:
        """Where its files lie, for people: a folder, or the run's id on a server."""
        return str(self._artifacts) if self._artifacts is not None else f"artifacts of run {self.id}"

    @contextmanager
    def system_metrics(self, uri: str, wanted: bool) -> Iterator[None]:
        """While open, MLflow's own thread logs CPU, memory, disk and network use as system/..."""
        if not wanted:
            yield
            return
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor = SystemMetricsMonitor(self.id, resume_logging=True, tracking_uri=uri)
        monitor.start()
        try:
            yield
        finally:
            monitor.finish()


def _local_folder(uri: str) -> Path | None:
    parsed = urlparse(uri)
    if parsed.scheme in ("", "file"):
        return Path(unquote(parsed.path))
    return None


def _folder_of(place: PurePosixPath) -> str | None:
    """The folder of an artifact as MLflow wants it: none is None."""
    return str(place.parent) if place.parent.name else None


def _image_stem(key: str, iteration: int) -> str:
    """The name of a picture, without what comes behind it: MLflow's page reads key and step in it."""
    told = (key.replace("/", "~"), "step", iteration, "timestamp", int(time.time() * 1000), uuid.uuid4())
    return f"{IMAGES}/{'+'.join(map(str, told))}"


def _webp(png: bytes) -> bytes:
    from PIL import Image

    written = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.save(written, "WEBP", lossless=True)
    return written.getvalue()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, whatever happens meanwhile.

    Raises:
        OSError: the disk refuses; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@dataclass
class MemoryRun:
    """A run that keeps everything in memory."""

    id: str = "memory"
    name: str = "memory"
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, dict[int, float]] = field(default_factory=dict)
    datasets: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    images: dict[tuple[str, int], bytes] = field(default_factory=dict)
    status: str = "RUNNING"

    def log_params(self, params: Mapping[str, Any]) -> None:
        self.params |= params

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self.tags |= tags

    def log_metrics(self, metrics: Mapping[str, float], iteration: int) -> None:
        for key, value in metrics.items():
            assert not math.isinf(value)
            self.metrics.setdefault(key, {}).setdefault(iteration, value)

    def log_dataset(self, name: str, digest: str, source: str, profile: str) -> None:
        self.datasets.append((name, digest))

    def flush(self) -> None:
        pass

    def curve(self, metric: str) -> list[tuple[int, float]]:
        return sorted(self.metrics.get(metric, {}).items())

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data

    def log_image(self, key: str, iteration: int, png: bytes) -> None:
        self.images[key, iteration] = png

    def read(self, name: str) -> bytes:
        if name not in self.files:
            raise StoreError(f"{name} of run {self.name} cannot be read: no such file")
        return self.files[name]

    def has(self, name: str) -> bool:
        return name in self.files

    def close(self, status: Status) -> None:
        self.status = status


def charts_link(server: str, experiment_id: str) -> str:
    """The page of MLflow's UI that shows an experiment's charts; its plain page opens in the GenAI mode."""
    return f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&compareRunsMode=CHART"
