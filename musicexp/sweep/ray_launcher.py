"""Workers in a Ray cluster: the very `python -m musicexp worker`, started and watched there instead of here.

Ray decides on which machine a worker runs, and nothing else: workers claim, train and tell by themselves, through stores
that all machines reach. Each is held by an actor, since a plain task hears nothing while it runs, and a worker must be told
to save and stop.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from musicexp.errors import SettingError, StoreError
from musicexp.sweep.crew import Crew, Said, Worker
from musicexp.sweep.storage import VARIABLE, shown_url
from musicexp.sweep.study import Study
from musicexp.sweep.worker import TIED

HERE = ("", "localhost", "127.0.0.1", "::1")
SECONDS_TO_ANSWER = 5.0
SECONDS_BETWEEN = 0.5


def check_ray(storage_url: str, tracking_uri: str, address: str) -> None:
    """Refuse what a cluster cannot do, before anything starts.

    Raises:
        SettingError: Ray is not installed, or there is no cluster.
        StoreError: the cluster has machines that do not reach a store.
    """
    with connected(address) as ray:
        others = sorted({*hosts(ray)} - {socket.gethostname()})
    if not others:
        return
    for setting, url, instead in (
        ("storage", storage_url, "postgresql+psycopg://USER@HOST/DATABASE"),
        ("tracking.uri", tracking_uri, "http://HOST:PORT of an MLflow server"),
    ):
        if url.startswith("sqlite:") or (urlsplit(url).hostname or "") in HERE:
            raise StoreError(
                f"launcher=ray and {setting}={shown_url(url)} do not go together: {others[0]}, a machine of the cluster, cannot reach it; give {setting}={instead}"
            )


def on_ray(
    study: Study, words: Sequence[str], workers: int, address: str, say: Callable[[str], None]
) -> None:
    """Let workers of a cluster, which are given these words, train until the study is over. Raises what a Crew does."""
    threads = next((int(word.partition("=")[2]) for word in words if word.startswith("threads=")), 1)
    # The address may hold a password, and a command line is read by everybody.
    environment = {VARIABLE: study.storage.url}
    with connected(address) as ray:
        cores = ray.cluster_resources().get("CPU", 0.0)
        say(f"ray      {len(hosts(ray))} nodes with {cores:.0f} cores; a worker without a core waits for one")
        held = ray.remote(num_cpus=threads, max_restarts=0, max_concurrency=2)(Held)

        def hire(said: Said) -> Worker:
            return OnRay(ray, held.remote(list(words), environment), said)

        Crew(hire, workers, lambda: len(study.finished())).run(say, lambda: None)


def hosts(ray: Any) -> list[str]:
    """The host of each node that answers."""
    return [str(node["NodeManagerHostname"]) for node in ray.nodes() if node["Alive"]]


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected to a cluster that is there already; SettingError if there is none."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change to come
    try:
        import ray
    except ImportError as error:
        raise SettingError(
            "launcher=ray needs Ray, which is not installed: `pip install 'musicexp[ray]'`"
        ) from error
    hint = "start one with `ray start --head`, or name it with ray.address=HOST:PORT"
    before = signal.getsignal(signal.SIGTERM)  # Ray takes it
    try:
        if address != "auto":  # Ray itself would wait for a minute
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        raise SettingError(f"there is no Ray cluster at ray.address={address}; {hint}") from error
    try:
        yield ray
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, before)


class OnRay:
    """A worker in the cluster, seen from here."""

    def __init__(self, ray: Any, held: Any, said: Said) -> None:
        self._ray, self._held, self._said = ray, held, said
        self._answer = held.heard.remote()
        self._answered = False
        self._last = "it said nothing"
        self._code: int | None = None

    @property
    def ended(self) -> bool:
        if self._code is None and self._ray.wait([self._answer], timeout=0)[0]:
            try:
                lines, self._code = self._ray.get(self._answer)
            except self._ray.exceptions.RayError as error:  # its node is gone, or memory ran out there
                lines, self._code = [f"musicexp: {type(error).__name__}"], 1
            self._answered = True
            for line in lines:
                if line.startswith("musicexp: "):
                    self._last = line.removeprefix("musicexp: ")
                else:
                    self._said.put(line)
            if self._code is None:
                self._answer = self._held.heard.remote()
            else:
                self.kill()  # frees its cores
        return self._code is not None

    @property
    def code(self) -> int:
        assert self._code is not None
        return self._code

    def last_words(self) -> str:
        return self._last

    def stop(self) -> None:
        if self._answered:
            self._held.stop.remote()
        else:  # it has found no core yet, and need not begin
            self._code = 130
            self.kill()

    def kill(self) -> None:
        self._ray.kill(self._held)


class Held:
    """On a machine of the cluster: one worker, and what it says."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        # Its standard input is tied to this process: when Ray ends this one, the worker saves and ends too.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "musicexp", "worker", *words, TIED],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def heard(self) -> tuple[list[str], int | None]:
        """What it has said since the last question, and its exit code if it has ended."""
        self._reader.join(SECONDS_BETWEEN)
        code = None if self._reader.is_alive() else self._process.wait()
        return [self._lines.get() for _ in range(self._lines.qsize())], code

    def stop(self) -> None:
        self._process.terminate()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line.rstrip())
