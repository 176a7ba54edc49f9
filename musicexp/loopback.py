"""What servers on this machine have in common: where they listen, whom they answer, what every answer bears."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from musicexp.errors import SettingError

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
"""What a browser may call a server here."""
PORTS_TRIED = 20
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every answer, beside its content policy: nothing is kept, framed or read by another page."""

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def bound(port: int | None, first: int) -> socket.socket:
    """A socket that listens: between looking for a free port and taking it nobody can take it.

    Args:
        port: on this machine; None takes the first free one of `PORTS_TRIED` from `first` on.

    Raises:
        SettingError: it is taken, or all are.
    """
    for number in range(first, first + PORTS_TRIED) if port is None else [port]:
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, number))
            found.listen(64)
        except OSError:
            found.close()
            continue
        return found
    if port is None:
        raise SettingError(
            f"ports {first} to {first + PORTS_TRIED - 1} are all taken; name a free one with port=NUMBER"
        )
    raise SettingError(
        f"port={port} is taken by another program or not allowed; leave it out to get a free one"
    )


def hosts(port: int) -> frozenset[str]:
    """The Host headers of a server's own address."""
    return frozenset(f"{name}:{port}" for name in NAMES)


def is_called(scope: Mapping[str, Any], known: frozenset[str]) -> bool:
    """Whether a request names its server by one of these hosts, once; a foreign name made to mean this machine does not."""
    told = [value.decode("latin-1").lower() for key, value in scope["headers"] if key == b"host"]
    return len(told) == 1 and told[0] in known


def with_headers(send: Send, content_policy: str) -> Send:
    """Answers that bear `HEADERS` and a content policy."""
    headers = HEADERS | {"Content-Security-Policy": content_policy}
    more = [(key.lower().encode(), value.encode()) for key, value in headers.items()]

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sent
