"""`ui`: MLflow's pages on the right store, with the link that shows this experiment's charts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from musicexp.config import assignments, compose
from musicexp.errors import SettingError, StoreError
from musicexp.tracking import charts_link, open_store, quiet_mlflow, store_path, store_uri

HOST = "127.0.0.1"
FIRST_PORT = 5000
PORTS_TRIED = 20
START_SECONDS = 60.0
HELP = """python -m musicexp ui [port=5000] [tracking.uri=STORE] [tracking.experiment=NAME]

Starts MLflow on the store (on this machine only) and prints the link to the experiment's charts; Ctrl-C ends it.
port              the port of the page; without it the first free one from 5000 on
tracking.uri      the store, as in `run`; for a server's address only the link is printed"""


def main(words: Sequence[str]) -> int:
    """Serve until Ctrl-C."""
    if "--help" in words or "-h" in words:
        print(HELP)
        return 0
    given = assignments(
        words,
        ["port", "tracking.uri", "tracking.experiment"],
        "`python -m musicexp ui --help` lists what it takes",
    )
    port = _port(given.get("port"))
    uri = store_uri(given.get("tracking.uri"))
    store = open_store(uri, given.get("tracking.experiment") or compose([]).tracking.experiment, create=False)
    if store_path(uri) is None and uri.startswith("http"):
        print(f"the store is a server already: {charts_link(uri, store.experiment_id)}")
        return 0
    return _serve(uri, store.experiment_id, port)


def _serve(uri: str, experiment_id: str, port: int) -> int:
    quiet_mlflow()
    address = f"http://{HOST}:{port}"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        uri,
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    # SIGTERM too ends the server in order, and Ctrl-C also where a shell in the background had it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    print(f"opening {uri} ...", flush=True)
    # One session of its own, so that Ctrl-C reaches us and we end the server in order.
    server = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"MLFLOW_TRACKING_URI": uri},
    )
    try:
        _wait(server, address)
        print(f"{charts_link(address, experiment_id)}\nCtrl-C ends it", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _end(server: subprocess.Popen[str]) -> None:
    """End the server and the workers that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(timeout=5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _wait(server: subprocess.Popen[str], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            said = (server.stderr.read() if server.stderr else "").strip().splitlines()
            raise StoreError(
                f"MLflow's server ended at once: {said[-1] if said else 'it said nothing'}; try another port with port=NUMBER"
            )
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise StoreError(
        f"MLflow's server did not answer at {address} within {START_SECONDS:g} s; try another port with port=NUMBER"
    )


def _port(given: object) -> int:
    if given is not None:
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= 65535:
            raise SettingError(f"port must be a whole number from 1 to 65535, not {given!r}")
        if not _free(given):
            raise SettingError(
                f"port={given} is taken by another program; leave it out to get a free one, or name another"
            )
        return given
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if _free(port):
            return port
    raise SettingError(
        f"ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} are all taken; name a free one with port=NUMBER"
    )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
