"""The page of a comparison behind a small server on this machine, so that notes reach the store.

Whoever can open the page may write notes, and nobody else: the server listens on the loopback alone, answers only to
its own name (a foreign name that is made to mean this machine is refused), and takes a note only from its own page
(the browser says where a request comes from, and the page carries a secret). Nothing in a request names a file.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from musicexp.errors import MusicexpError, RunError
from musicexp.loopback import HOST, bound, hosts, is_called, with_headers
from musicexp.report.comparison_page import Page, policy
from musicexp.tracking import MlflowRun, Store

FIRST_PORT = 5600
NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""
MOST_BYTES = 64_000
"""Of a request; a note has at most `LONGEST` characters."""
LONGEST = 4_000


class RefusedError(Exception):
    """A request that is not answered as it wishes, with the HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Notes:
    """The notes of a comparison's runs, in their store.

    Attributes:
        ids: of the runs of the page; no other run can be written to.
    """

    store: Store
    ids: frozenset[str]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def all(self) -> dict[str, str]:
        """By run id, as they are stored now; runs that are gone by now have none."""
        found = {}
        for id_ in self.ids:
            try:
                found[id_] = self._run(id_).tags.get(NOTE, "")
            except RunError:
                continue
        return found

    def put(self, id_: str, before: str, text: str) -> str | None:
        """Store a note in place of the one that its writer saw.

        Returns:
            None if it is stored; else the note that stands there now, which its writer had not seen.

        Raises:
            RunError: the run is gone.
            StoreError: the store does not answer.
        """
        with self._lock:
            run = self._run(id_)
            stands = run.tags.get(NOTE, "")
            if stands == text:  # asked once more, since the answer was lost on its way
                return None
            if stands != before:
                return stands
            run.set_tags({NOTE: text})
            return None

    def _run(self, id_: str) -> MlflowRun:
        return self.store.find(id_)


def application(page: Page, notes: Notes, port: int, token: str) -> ASGIApp:
    """The server: GET / is the page, POST /note stores a note.

    Args:
        port: that it is reached by.
        token: that a request must bear to store anything.
    """

    async def front(_: Request) -> Response:
        content = await run_in_threadpool(lambda: page.written(token, notes.all()))
        return Response(content, media_type="text/html; charset=utf-8")

    async def note(request: Request) -> Response:
        _check_writer(request, token)
        asked = _asked(await _body(request), notes.ids)
        stands = await run_in_threadpool(notes.put, *asked)
        if stands is not None:
            return JSONResponse({"error": "the note was changed meanwhile", "text": stands}, 409)
        return JSONResponse({"stored": True})

    async def refused(_: Request, error: Exception) -> Response:
        status = (
            error.status if isinstance(error, RefusedError) else 404 if isinstance(error, RunError) else 503
        )
        return JSONResponse({"error": str(error)}, status)

    routes = [Route("/", front, methods=["GET"]), Route("/note", note, methods=["POST"])]
    handlers: Any = {RefusedError: refused, MusicexpError: refused}
    return _Guard(Starlette(routes=routes, exception_handlers=handlers), port, policy(served=True))


class _Guard:
    """Answers only to the server's own names, and gives every answer the headers that keep others out."""

    def __init__(self, app: ASGIApp, port: int, content_policy: str) -> None:
        self.app = app
        self.hosts = hosts(port)
        self.policy = f"{content_policy}; frame-ancestors 'none'"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        guarded = with_headers(send, self.policy)
        if not is_called(scope, self.hosts):
            answer = PlainTextResponse(f"this server answers to {' and '.join(sorted(self.hosts))} only", 421)
            return await answer(scope, receive, guarded)
        return await self.app(scope, receive, guarded)


def _check_writer(request: Request, token: str) -> None:
    """Whether a request comes from the page itself."""
    if request.headers.get("origin") != f"http://{request.headers['host']}":
        raise RefusedError(403, "notes are taken from this server's own page only")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise RefusedError(403, "notes are taken from this server's own page only")
    if not hmac.compare_digest(request.headers.get("x-token", "").encode(), token.encode()):
        raise RefusedError(403, "the page is of an earlier server; load it again")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError(415, "a note comes as JSON")


async def _body(request: Request) -> bytes:
    """The request's content, never more than `MOST_BYTES` of it."""
    found = b""
    try:
        async for part in request.stream():
            found += part
            if len(found) > MOST_BYTES:
                raise RefusedError(413, f"a note has at most {LONGEST:,} characters")
    except ClientDisconnect as error:
        raise RefusedError(400, "the request broke off") from error
    return found


def _asked(body: bytes, ids: frozenset[str]) -> tuple[str, str, str]:
    """Run, the note that its writer saw, and the new one."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "the request is no JSON") from error
    wanted = ("run", "before", "text")
    if not isinstance(asked, dict) or any(not isinstance(asked.get(key), str) for key in wanted):
        raise RefusedError(400, 'a note comes as {"run": id, "before": text, "text": text}')
    run, before, text = (asked[key] for key in wanted)
    if run not in ids:
        raise RefusedError(404, "this run is not on the page")
    if len(text) > LONGEST:
        raise RefusedError(413, f"a note has at most {LONGEST:,} characters, this one has {len(text):,}")
    if any(0xD800 <= ord(sign) < 0xE000 or sign == "\0" for sign in text):
        raise RefusedError(400, "the note holds signs that are no text")
    return run, before, text


# ---------------------------------------------------------------------------------------------------
# Until Ctrl-C


def serve(page: Page, store: Store, port: int | None = None, told: Callable[[str], None] = print) -> None:
    """Serve the page until an interrupt.

    Args:
        port: None takes the first free one from `FIRST_PORT` on.
        told: is given the address once the server listens.

    Raises:
        SettingError: the port is taken.
        KeyboardInterrupt: Ctrl-C, after everything is closed.
    """
    import uvicorn

    listening = bound(port, FIRST_PORT)
    with listening:
        number = listening.getsockname()[1]
        token = secrets.token_urlsafe(32)
        notes = Notes(store, frozenset(run.id for run in page.comparison.runs))
        page.written(token, notes.all())  # so that the first look at it does not wait
        app = application(page, notes, number, token)
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, server_header=False, lifespan="off"
        )
        config.timeout_graceful_shutdown = 2
        told(f"http://{HOST}:{number}/")
        uvicorn.Server(config).run(sockets=[listening])
