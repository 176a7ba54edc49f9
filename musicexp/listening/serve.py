"""The server of a study: on this machine only, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from musicexp.listening.guard import Guard, new_word
from musicexp.listening.server import Session, application
from musicexp.loopback import HOST

FIRST_PORT = 8765


def serve(
    session: Session, listening: socket.socket, say: Callable[[str], None], *, open_page: bool = False
) -> None:
    """Serve the study's page until SIGINT or SIGTERM.

    Args:
        listening: as `bound` gave it; closed at the end.
        say: is told the address.
        open_page: open it in the browser.
    """
    port, word = listening.getsockname()[1], new_word()
    server = uvicorn.Server(configuration(Guard(application(session), port, word)))
    # SIGTERM too ends it in order, and Ctrl-C also where a shell in the background had it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    address = f"http://{HOST}:{port}/{word}/"
    say(address)
    if open_page:
        webbrowser.open(address)
    with contextlib.closing(listening), contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def configuration(app: Guard) -> uvicorn.Config:
    """How uvicorn serves a study: quietly, and without a word on what it is."""
    return uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
