"""Studies that outgrow a process: a server for them, a Ray cluster, eight workers at once on nothing at all. All slow."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT

from musicexp.errors import SettingError, StoreError
from musicexp.sweep import ray_launcher
from musicexp.sweep.ray_launcher import check_ray

SPACE = "lr=tag(log,interval(1e-4,1e-2))"
TINY = ("iterations=4", "validation.every=0", "samples.count=0", "early_stopping.patience=0")
PASSWORD = "cantabile-7"
SECONDS = 600

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: `pip install 'musicexp[ray]'`"
)


Small = Callable[..., list[str]]


def tiny(small: Small, *more: str) -> list[str]:
    """A swept setting, and trainings of a second unless `more` says otherwise."""
    return list({word.partition("=")[0]: word for word in (*small(*TINY), SPACE, *more)}.values())


def started(words: Sequence[str], folder: Path, **more: str) -> subprocess.Popen[str]:
    """A command of ours, in a folder of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "musicexp", *words],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
        | {"PYTHONPATH": str(ROOT), "MUSICEXP_CACHE": str(folder / "cache"), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(process: subprocess.Popen[str], code: int = 0) -> str:
    """Everything that a command says until it ends, as it should."""
    out, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == code, out
    return out


def told(folder: Path, study: str, **more: str) -> dict[str, Any]:
    """A study as `studies NAME --json` tells it."""
    found: dict[str, Any] = json.loads(said(started(["studies", study, "--json"], folder, **more)))
    return found


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# ---------------------------------------------------------------------------------------------------
# A PostgreSQL server, and an MLflow server on top of it


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server of this test's own, with a password, without a database's name."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb = shutil.which("initdb") or (str(programs[0] / "initdb") if programs else None)
    if initdb is None:
        pytest.skip("no PostgreSQL server is installed")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: `pip install 'musicexp[postgresql]'`")
    folder = Path(tempfile.mkdtemp(prefix="musicexp-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    (folder / "password").chmod(0o644)
    port, control = free_port(), str(Path(initdb).with_name("pg_ctl"))
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"

    def do(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        do(initdb, "-D", f"{folder}/data", "-U", "me", "-A", "scram-sha-256", f"--pwfile={folder}/password")
        do(control, "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://me:{PASSWORD}@127.0.0.1:{port}"
        finally:
            do(control, "-D", f"{folder}/data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: str) -> str:
    """The address of a new, empty database."""
    import psycopg

    name = f"t{time.time_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return f"{server}/{name}"


@pytest.fixture
def mlflow_server(server: str, tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server with a database and an artifact store of its own."""
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database m{time.time_ns()}".encode())
        row = connection.execute("select max(datname) from pg_database where datname like 'm%'").fetchone()
    assert row
    port, log = free_port(), (tmp_path / "mlflow.txt").open("w")
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--workers",
                "1",
            ),
            *("--backend-store-uri", f"{server.replace('postgresql:', 'postgresql+psycopg:')}/{row[0]}"),
            *("--artifacts-destination", str(tmp_path / "artifacts")),
        ],
        cwd=tmp_path,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    log.close()
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + 180
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "mlflow.txt").read_text()
                assert time.monotonic() < until, (tmp_path / "mlflow.txt").read_text()
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.mark.slow
def test_workers_share_a_study_through_postgresql(database: str, tmp_path: Path, small: Small) -> None:
    words = tiny(small, "study=shared", f"storage={database}")
    out = said(started(["sweep", *words, "trials=4", "workers=2"], tmp_path))
    sweeping = started(["sweep", *words, "trials=8", "workers=1"], tmp_path)
    joined = started(["worker", "shared"], tmp_path, MUSICEXP_STORAGE=database)
    lines = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
    out += said(sweeping) + said(joined)
    found = told(tmp_path, "shared", MUSICEXP_STORAGE=database)
    states = [t["state"] for t in found["trials"]]
    assert len(states) == 8
    assert set(states) <= {"complete", "pruned"}
    assert "storage=" not in "\n".join(line for line in lines if "--tied" in line)
    assert PASSWORD not in out
    assert "me:***@127.0.0.1" in out
    wrong = database.replace(PASSWORD, "lamentoso-8")
    refused = said(started(["studies", f"storage={wrong}"], tmp_path), code=2)
    assert "lamentoso-8" not in refused
    assert len(refused.strip().splitlines()) == 1


COUNTING = """
import sys, time
from pathlib import Path
from musicexp.sweep.storage import Storage, storage_url
storage, file = Storage(storage_url(sys.argv[1], "")), Path(sys.argv[2])
for _ in range(40):
    with storage.alone("a study"):
        number = int(file.read_text())
        time.sleep(0.005)
        file.write_text(str(number + 1))
"""


@pytest.mark.slow
def test_the_lock_of_postgresql_admits_one_at_a_time(database: str, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNTING, database, str(counter)]
    both = [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) for _ in range(2)]
    assert [process.wait(SECONDS) for process in both] == [0, 0]
    assert counter.read_text() == "80"


# ---------------------------------------------------------------------------------------------------
# Ray

CLUSTER = """
import sys
from ray.cluster_utils import Cluster
one = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**one, "include_dashboard": False})
cluster.add_node(**one)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a Ray cluster of two nodes on this machine, which ends with the process that holds it."""
    log = (tmp_path / "ray.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "MUSICEXP_CACHE": str(tmp_path / "cache"),
            "RAY_USAGE_STATS_ENABLED": "0",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    log.close()
    assert process.stdin
    assert process.stdout
    try:
        address = next((line.strip() for line in process.stdout if line[:1].isdigit()), "")
        assert address, (tmp_path / "ray.txt").read_text()
        yield address
    finally:
        process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        process.stdout.close()


@needs_ray
@pytest.mark.slow
def test_a_cluster_of_two_nodes_trains_a_study_and_stops_in_peace(
    cluster: str, database: str, mlflow_server: str, tmp_path: Path, small: Small
) -> None:
    ray = ["launcher=ray", f"ray.address={cluster}", f"storage={database}", f"tracking.uri={mlflow_server}"]
    words = ["sweep", *tiny(small, "study=far", "trials=4", "workers=2", *ray)]
    out = said(started(words, tmp_path))
    found = told(tmp_path, "far", MUSICEXP_STORAGE=database)
    assert {t["state"] for t in found["trials"]} <= {"complete", "pruned"}
    assert len(found["trials"]) == 4
    assert found["workers"] == 2
    assert "2 nodes with 2 cores" in out
    assert "trial 0 begins" in out
    assert PASSWORD not in out
    # A longer one is stopped, and what it trained is kept.
    long = tiny(small, "iterations=100000", "study=long", "trials=2", "workers=2", "pruner=none", *ray)
    sweeping = started(["sweep", *long], tmp_path)
    assert sweeping.stdout
    begun = ""
    while begun.count(" begins: lr=") < 2:
        line = sweeping.stdout.readline()
        assert line, begun
        begun += line
    time.sleep(10)
    sweeping.send_signal(signal.SIGTERM)
    said(sweeping, code=130)
    states = [t["state"] for t in told(tmp_path, "long", MUSICEXP_STORAGE=database)["trials"]]
    assert states == ["interrupted", "interrupted"]


@needs_ray
@pytest.mark.slow
def test_without_a_cluster_there_is_one_sentence(tmp_path: Path) -> None:
    words = ["sweep", SPACE, "launcher=ray", f"ray.address=127.0.0.1:{free_port()}"]
    out = said(started(words, tmp_path), code=2)
    assert "there is no Ray cluster at ray.address=127.0.0.1:" in out
    assert len(out.strip().splitlines()) == 1


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingError, match=r"pip install 'musicexp\[ray\]'"):
        check_ray("sqlite:///x", "sqlite:///y", "auto")


class FakeRay:
    """A cluster with another machine, for which a store on this one is out of reach."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeManagerHostname": host, "Alive": host != "dead"} for host in self._hosts]


@pytest.mark.parametrize(
    ("storage", "tracking", "refused"),
    [
        ("sqlite:///x", "http://server:5000", "storage=sqlite:///x"),
        (
            "postgresql+psycopg://me:secret@localhost/s",
            "http://server:5000",
            r"storage=.*me:\*\*\*@localhost",
        ),
        ("postgresql+psycopg://me@server/s", "sqlite:///y", "tracking.uri=sqlite:///y"),
        ("postgresql+psycopg://me@server/s", "http://127.0.0.1:5000", "tracking.uri=http://127.0.0.1:5000"),
        ("postgresql+psycopg://me@server/s", "http://server:5000", None),
    ],
)
def test_other_machines_must_reach_the_stores(
    monkeypatch: pytest.MonkeyPatch, storage: str, tracking: str, refused: str | None
) -> None:
    from contextlib import nullcontext

    here = socket.gethostname()
    monkeypatch.setattr(ray_launcher, "connected", lambda _: nullcontext(FakeRay(here, "far", "dead")))
    if refused is None:
        check_ray(storage, tracking, "auto")
    else:
        with pytest.raises(StoreError, match=refused) as found:
            check_ray(storage, tracking, "auto")
        assert "secret" not in str(found.value)
    monkeypatch.setattr(ray_launcher, "connected", lambda _: nullcontext(FakeRay(here, here, "dead")))
    check_ray(storage, tracking, "auto")


# ---------------------------------------------------------------------------------------------------
# Eight at once


@pytest.mark.slow
def test_eight_workers_at_once_on_nothing_at_all(tmp_path: Path, small: Small) -> None:
    """Neither database is there: who comes first makes them, and nobody meets a locked or half-made one."""
    words = ["sweep", *tiny(small, "study=eight", "trials=8", "workers=1")]
    crew = [started(words, tmp_path) for _ in range(8)]
    said_by_all = "".join([said(process) for process in crew])
    for trouble in ("locked", "no such table", "already exists", "duplicate column", "Traceback", "gave up"):
        assert trouble not in said_by_all
    found = told(tmp_path, "eight")
    assert {t["state"] for t in found["trials"]} <= {"complete", "pruned"}
    assert [t["number"] for t in found["trials"]] == list(range(8))
