"""What stands before every request: this machine's own browser, with this session's address, and nobody else.

Bound to 127.0.0.1, a server is still reached by any page that the browser shows: the Host header is checked, so that
no name of elsewhere leads here (DNS rebinding); what changes something must come from our own page (Origin) and be JSON;
and the address holds a random word, which no other user of this machine knows.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response

from musicexp.loopback import Send, hosts, is_called, with_headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
LARGEST_BODY = 2048
"""Bytes; a vote has 200."""


def new_word() -> str:
    """A word that nobody guesses, for addresses."""
    return secrets.token_urlsafe(18)


class Guard:
    """An ASGI application in front of another one."""

    def __init__(self, app: App, port: int, word: str) -> None:
        """
        Args:
            word: the first part of every path.
        """
        self._app = app
        self._hosts = hosts(port)
        self._origins = {f"http://{host}" for host in self._hosts}
        self._word = word

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refused = self._refused(scope)
        told = with_headers(send, POLICY)
        if refused is not None:
            await refused(scope, receive, told)
            return
        inner = dict(scope) | {"path": scope["path"][len(self._word) + 1 :]}
        await self._app(inner, receive, told)

    def _refused(self, scope: Scope) -> Response | None:
        if not is_called(scope, self._hosts):
            return PlainTextResponse("this page answers at 127.0.0.1 only", 421)
        word, slash, _ = scope["path"].removeprefix("/").partition("/")
        if not (slash and secrets.compare_digest(word.encode(), self._word.encode())):
            return PlainTextResponse(
                "open the whole address that `musicexp listen` printed: it is a new one each time", 403
            )
        if scope["method"] not in ("GET", "POST"):
            return JSONResponse({"error": "only GET and POST are answered here"}, 405, {"Allow": "GET, POST"})
        if scope["method"] == "POST":
            return self._refused_post(Headers(scope=scope))
        return None

    def _refused_post(self, headers: Headers) -> Response | None:
        if headers.get("origin", "").lower() not in self._origins:
            return JSONResponse({"error": "votes are taken from this study's own page only"}, 403)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return JSONResponse({"error": "send JSON (Content-Type: application/json)"}, 415)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return JSONResponse({"error": f"at most {LARGEST_BODY} bytes are taken"}, 413)
        return None
