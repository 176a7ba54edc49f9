"""The page and its few addresses. Before the result is shown, nothing here knows a run by more than a number.

Clips have an address of their own for each presentation, a random word; a pair has another. What a vote must fulfil is
checked here as far as it can be: it is this pair's turn, both clips were fetched, and there was time to hear them.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, cast

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from musicexp.errors import MusicexpError
from musicexp.listening.design import Presentation
from musicexp.listening.guard import LARGEST_BODY, new_word
from musicexp.listening.sounds import Clip, Sounds
from musicexp.listening.votes import ANSWERS, Answer, StaleError, Standing, Study, Votes
from musicexp.render.figure_style import DARK, LIGHT, colours

HEARD = 0.75
"""The share of a clip that must have been heard."""
SLACK = 0.95
"""The page's clock and ours need not agree to the second."""
KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
PAGE = {
    "": ("index.html", "text/html; charset=utf-8"),
    "listen.js": ("listen.js", "text/javascript; charset=utf-8"),
    "clip.js": ("clip.js", "text/javascript; charset=utf-8"),
    "result.js": ("result.js", "text/javascript; charset=utf-8"),
    "listen.css": ("listen.css", "text/css; charset=utf-8"),
}
"""Every file that is served, by its address."""


class RefusedError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Shown:
    """A presentation as the page knows it: under random words, with when each clip was first fetched."""

    presentation: Presentation
    word: str = field(default_factory=new_word)
    a: str = field(default_factory=new_word)
    b: str = field(default_factory=new_word)
    fetched: dict[str, float] = field(default_factory=dict)


class Session:
    """One study as it is served: what is shown now, and what may be asked."""

    def __init__(
        self,
        study: Study,
        votes: Votes,
        sounds: Sounds,
        seconds: float,
        reveal: Callable[[Standing], dict[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            seconds: of every clip.
            reveal: called when the result is shown; it tells everything and writes it on the runs.
        """
        self._study, self._votes, self._sounds = study, votes, sounds
        self._seconds, self._reveal, self._clock = seconds, reveal, clock
        self._shown: Shown | None = None
        self._pairs: dict[str, int] = {}
        self._clips: dict[str, Clip] = {}
        self._dither = np.random.default_rng()

    def state(self) -> dict[str, Any]:
        """What the page shows now."""
        standing = self._votes.standing(self._study.id)
        told = {"done": len(standing.answers), "of": self._study.last, "seconds": self._seconds, "pair": None}
        if standing.next <= self._study.last:
            shown = self._now(standing)
            pair = {"id": shown.word, "a": shown.a, "b": shown.b}
            return told | {"phase": "listening", "pair": pair, "undo": self._may_undo(standing)}
        if standing.revealed < self._study.last:
            return told | {"phase": "complete", "undo": True}
        return told | {"phase": "result", "undo": False}

    def wave(self, word: str) -> bytes:
        """The sound of a clip, by its present address.

        Raises:
            RefusedError: it has none.
        """
        clip = self._clips.get(word)
        if clip is None:
            raise RefusedError(404, "this clip is no longer here; load the page again")
        if self._shown is not None and word in (self._shown.a, self._shown.b):
            self._shown.fetched.setdefault(word, self._clock())
        return self._sounds.wave(clip, self._dither)

    def vote(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take a vote: it is on the disk when this returns.

        Raises:
            RefusedError: it cannot be taken, and why.
        """
        key, answer, heard = _key(given), given.get("answer"), _heard(given)
        if answer not in ANSWERS:
            raise RefusedError(422, f"answer must be one of {', '.join(ANSWERS)}")
        number = self._pairs.get(str(given.get("pair")))
        if number is None:
            raise RefusedError(409, "this pair is no longer shown here; load the page again")
        standing = self._votes.standing(self._study.id)
        if number == standing.next:
            self._check_heard(self._now(standing), heard)
        self._votes.vote(self._study, number, cast(Answer, answer), key, heard)
        return self.state()

    def undo(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take the last vote back; its pair is shown again, under new addresses.

        Raises:
            RefusedError: it cannot be taken back, and why.
        """
        key, done = _key(given), given.get("done")
        if isinstance(done, bool) or not isinstance(done, int) or done < 1:
            raise RefusedError(422, "done must say how many votes there are, a whole number from 1 on")
        self._votes.undo(self._study, done, key)
        self._shown = None
        return self.state()

    def show(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Show the result from now on; no vote can be taken back then.

        Raises:
            RefusedError: votes are missing.
        """
        self._votes.reveal(self._study, _key(given))
        return self.state()

    def result(self) -> dict[str, Any]:
        """The result, with an address for every clip that was heard.

        Raises:
            RefusedError: it was not asked for yet, or votes are missing.
        """
        standing = self._votes.standing(self._study.id)
        if standing.revealed < self._study.last:
            raise RefusedError(
                409, "there is no result before the last vote is in and the result is asked for"
            )
        told = self._reveal(standing)
        for row, shown in zip(told["heard"], self._study.presentations, strict=True):
            row["clips"] = [self._addressed((run, shown.draw)) for run in (shown.a, shown.b)]
        return told | {"seconds": self._seconds}

    def _now(self, standing: Standing) -> Shown:
        """The presentation whose turn it is, under new words if it was not shown before."""
        presentation = self._study.presentations[standing.next - 1]
        if self._shown is None or self._shown.presentation.number != presentation.number:
            self._shown = shown = Shown(presentation)
            self._pairs[shown.word] = presentation.number
            self._clips = {
                shown.a: (presentation.a, presentation.draw),
                shown.b: (presentation.b, presentation.draw),
            }
        return self._shown

    def _may_undo(self, standing: Standing) -> bool:
        return len(standing.answers) > standing.revealed

    def _addressed(self, clip: Clip) -> str:
        word = new_word()
        self._clips[word] = clip
        return word

    def _check_heard(self, shown: Shown, heard: tuple[float, float]) -> None:
        missing = [side for side in ("a", "b") if getattr(shown, side) not in shown.fetched]
        if missing:
            raise RefusedError(409, f"clip {missing[0].upper()} was not heard yet")
        least = HEARD * self._seconds * SLACK
        if min(heard) < least:
            side = "A" if heard[0] < least else "B"
            raise RefusedError(409, f"clip {side} was not heard for long enough yet")
        if self._clock() - max(shown.fetched.values()) < 2 * least:
            raise RefusedError(409, "there was no time yet to hear both clips")


def application(session: Session) -> Starlette:
    """The study's addresses, to be put behind a Guard."""
    contents = _contents()

    async def page(request: Request) -> Response:
        content, kind = contents[request.url.path.rpartition("/")[2]]
        return Response(content, media_type=kind)

    async def state(_: Request) -> Response:
        return JSONResponse(session.state())

    async def clip(request: Request) -> Response:
        return Response(session.wave(request.path_params["word"]), media_type="audio/wav")

    async def result(_: Request) -> Response:
        return JSONResponse(session.result())

    def taking(taken: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return JSONResponse(taken(await _given(request)))

        return endpoint

    routes = [Route(f"/{name}", page, methods=["GET"]) for name in contents]
    routes += [
        Route("/state", state, methods=["GET"]),
        Route("/clip/{word}", clip, methods=["GET"]),
        Route("/result", result, methods=["GET"]),
        Route("/vote", taking(session.vote), methods=["POST"]),
        Route("/undo", taking(session.undo), methods=["POST"]),
        Route("/show", taking(session.show), methods=["POST"]),
    ]
    told: dict[Any, Any] = {
        RefusedError: lambda _, e: JSONResponse({"error": str(e)}, e.status),
        StaleError: lambda _, e: JSONResponse({"error": str(e)}, 409),
        MusicexpError: lambda _, e: JSONResponse({"error": str(e)}, 503),
        HTTPException: lambda _, e: JSONResponse({"error": _sentence(e)}, e.status_code, e.headers),
    }
    app = Starlette(routes=routes, exception_handlers=told)
    app.router.redirect_slashes = False  # it knows nothing of the word in front
    return app


def _contents() -> dict[str, tuple[bytes, str]]:
    """The page's files by their address, read once."""
    web = files("musicexp.listening") / "web"
    found = {address: ((web / name).read_bytes(), kind) for address, (name, kind) in PAGE.items()}
    palette = f":root{{{colours(LIGHT)}}}@media (prefers-color-scheme:dark){{:root{{{colours(DARK)}}}}}\n"
    style, kind = found["listen.css"]
    return found | {"listen.css": (palette.encode() + style, kind)}


async def _given(request: Request) -> Mapping[str, Any]:
    """The JSON object of a request.

    Raises:
        RefusedError: it is too large, or none.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise RefusedError(413, f"at most {LARGEST_BODY} bytes are taken")
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "this is no JSON") from error
    if not isinstance(given, dict):
        raise RefusedError(400, "a JSON object is wanted")
    return given


def _key(given: Mapping[str, Any]) -> str:
    key = given.get("key")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise RefusedError(422, "key must be 8 to 64 letters, digits or dashes, a new one for each vote")
    return key


def _heard(given: Mapping[str, Any]) -> tuple[float, float]:
    heard = given.get("heard")
    if (
        not isinstance(heard, list)
        or len(heard) != 2
        or not all(
            isinstance(s, (int, float)) and not isinstance(s, bool) and math.isfinite(s) and s >= 0
            for s in heard
        )
    ):
        raise RefusedError(422, "heard must be the seconds that were heard of A and of B")
    return float(heard[0]), float(heard[1])


def _sentence(error: HTTPException) -> str:
    known = {404: "there is nothing at this address", 405: "this address does not take that method"}
    return known.get(error.status_code, str(error.detail))
