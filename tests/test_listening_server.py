"""The server of a listening study: what it answers, what it refuses, and that it gives nothing away before the end."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import uvicorn
from test_listening import KEY, a_study

from musicexp.listening.guard import LARGEST_BODY, Guard
from musicexp.listening.serve import FIRST_PORT, configuration
from musicexp.listening.server import PAGE, Session, application
from musicexp.listening.sounds import Sounds
from musicexp.listening.study import cut_in
from musicexp.listening.votes import Standing, Study, Votes
from musicexp.loopback import bound
from musicexp.render.sound import Sound, carried_soundfont

WORD = "a-word-that-nobody-guesses"
SECRET = "a run's very own name"
LOSS = 1.23456789


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> str:
        return str(self.json()["error"])


@dataclass
class Served:
    """A study behind a real server on the loopback."""

    port: int
    study: Study
    votes: Votes
    clock: Clock
    seconds: float
    everything: list[Answer] = field(default_factory=list)

    def asked(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """A request as the page sends it, but for what `headers` replace (None leaves one out)."""
        given = {"Host": f"127.0.0.1:{self.port}"}
        if method == "POST":
            given |= {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/json"}
        given |= {key.replace("_", "-"): value for key, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for key, value in given.items():
            if value:
                connection.putheader(key, value)
        connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body)
        answer = connection.getresponse()
        got = Answer(answer.status, answer.getheaders(), answer.read())
        connection.close()
        self.everything.append(got)
        return got

    def get(self, path: str) -> Answer:
        return self.asked("GET", f"/{WORD}/{path}")

    def post(self, path: str, given: object) -> Answer:
        return self.asked("POST", f"/{WORD}/{path}", json.dumps(given).encode())

    def state(self) -> Any:
        return self.get("state").json()

    def heard(self) -> dict[str, Any]:
        """Hear both clips of the pair that is shown; what a vote on it says, but for answer and key."""
        pair = self.state()["pair"]
        assert self.get(f"clip/{pair['a']}").status == self.get(f"clip/{pair['b']}").status == 200
        self.clock.now += 2 * self.seconds
        return {"pair": pair["id"], "heard": [self.seconds, self.seconds]}

    def voted(self, number: int, answer: str = "a") -> Answer:
        return self.post("vote", self.heard() | {"answer": answer, "key": KEY(number)})


Serving = Callable[[Study, Votes], Served]


@contextmanager
def a_server(study: Study, votes: Votes) -> Iterator[Served]:
    """The study's application behind uvicorn on a free port, while open."""
    clock, cut = Clock(), cut_in(study)
    sounds = Sounds(votes.clips(study.id), Sound(carried_soundfont()), cut)
    session = Session(study, votes, sounds, cut.seconds, lambda s: secret_result(study, s), clock)
    with bound(None, FIRST_PORT) as listening:
        port = listening.getsockname()[1]
        guarded = Guard(application(session), port, WORD)
        server = uvicorn.Server(configuration(guarded))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield Served(port, study, votes, clock, cut.seconds)
        finally:
            server.should_exit = True
            thread.join()
            votes.close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A function that serves a study until the test is over."""
    with ExitStack() as running:
        yield lambda study, votes: running.enter_context(a_server(study, votes))


def secret_result(study: Study, standing: Standing) -> dict[str, Any]:
    return {
        "headline": SECRET,
        "loss": LOSS,
        "runs": list(study.runs),
        "heard": [{} for _ in standing.answers],
    }


@pytest.fixture
def served(serving: Serving, tmp_path: Path) -> Served:
    votes = Votes(tmp_path / "listening.db")
    return serving(a_study(votes, count=2, repeats=1), votes)


def test_a_whole_study_gives_nothing_away_before_its_end(served: Served) -> None:
    words: list[str] = []
    sizes, waves = set(), []
    for name in PAGE:
        assert served.get(name).status == 200
    for number in range(1, served.study.last + 1):
        pair = served.state()["pair"]
        words += pair.values()
        clips = [served.get(f"clip/{pair[side]}") for side in "ab"]
        sizes |= {len(clip.body) for clip in clips}
        waves += [clip.body for clip in clips]
        assert all(dict(clip.headers)["cache-control"] == "no-store" for clip in clips)
        assert not {"etag", "last-modified", "server"} & {key.lower() for key, _ in clips[0].headers}
        refused = served.get("result")
        assert refused.status == 409
        assert "no result before" in refused.told
        assert served.voted(number, "ab"[number % 2]).status == 200
    assert served.state()["phase"] == "complete"
    assert served.get("result").status == 409
    # One size, other words and other bytes for each: equal clips (of the repeat) are not to be known again.
    assert len(sizes) == 1
    assert len(set(words)) == len(words) == 3 * served.study.last
    assert len(set(waves)) == len(waves) == 2 * served.study.last
    shape = {
        (tuple(sorted(k.lower() for k, _ in a.headers)), len(a.body))
        for a in served.everything
        if a.body in waves
    }
    assert len(shape) == 1
    said = b"\n".join(
        json.dumps(a.headers).encode() + (b"" if a.body in waves else a.body) for a in served.everything
    )
    for secret in (SECRET, str(LOSS), "listening.db", "sample_", '"draw"', *served.study.runs):
        assert secret.encode() not in said
    for one in (run[:8] for run in served.study.runs):
        assert one.encode() not in said

    assert served.post("show", {"key": KEY(99)}).json()["phase"] == "result"
    told = served.get("result").json()
    assert told["headline"] == SECRET
    again = [word for row in told["heard"] for word in row["clips"]]
    assert len(set(again)) == 2 * served.study.last
    assert served.get(f"clip/{again[0]}").status == 200
    assert served.post("undo", {"done": served.study.last, "key": KEY(98)}).status == 409


def test_clips_are_the_same_sound_though_not_the_same_bytes(served: Served) -> None:
    pair = served.state()["pair"]
    one, two = (served.get(f"clip/{pair['a']}").body for _ in range(2))
    assert one != two
    (first, rate), (second, _) = (soundfile.read(io.BytesIO(wave), dtype="int16") for wave in (one, two))
    assert len(first) == round(served.seconds * rate)
    assert np.abs(first.astype(int) - second).max() <= 2  # the dither
    assert np.abs(first).max() > 1000
    assert len(one) == 44 + 2 * len(first)  # a header without anything about its making
    assert served.state()["pair"] == pair  # asked for again, it is the same pair


def test_both_must_be_heard(served: Served) -> None:
    pair = served.state()["pair"]
    vote = {"pair": pair["id"], "answer": "a", "key": KEY(1), "heard": [served.seconds] * 2}
    assert served.post("vote", vote).told == "clip A was not heard yet"
    served.get(f"clip/{pair['a']}")
    served.asked("HEAD", f"/{WORD}/clip/{pair['b']}")
    assert served.post("vote", vote).told == "clip B was not heard yet"
    served.get(f"clip/{pair['b']}")
    assert served.post("vote", vote).told == "there was no time yet to hear both clips"
    served.clock.now += 2 * served.seconds
    little = vote | {"heard": [served.seconds, 0.5]}
    assert served.post("vote", little).told == "clip B was not heard for long enough yet"
    assert served.state()["done"] == 0
    assert served.post("vote", vote).json()["done"] == 1


def test_a_double_click_counts_once_and_an_undo_shows_the_pair_under_new_words(served: Served) -> None:
    vote = served.heard() | {"answer": "b", "key": KEY(1)}
    assert served.post("vote", vote).json()["done"] == 1
    assert served.post("vote", vote).json()["done"] == 1
    assert served.post("vote", vote | {"key": KEY(2)}).status == 409
    assert not any(served.post("undo", {"done": 2, "key": KEY(3)}).json().get(k) for k in ("done", "pair"))
    before = served.state()
    for _ in range(2):
        after = served.post("undo", {"done": 1, "key": KEY(4)}).json()
    assert (before["done"], after["done"], after["undo"]) == (1, 0, False)
    assert after["pair"]["id"] not in (vote["pair"], before["pair"]["id"])
    assert served.post("vote", vote | {"key": KEY(5)}).status == 409  # it must be heard again
    assert served.voted(6, "none").json()["done"] == 1
    assert served.votes.standing("study").answers == {1: "none"}


def test_a_study_goes_on_where_it_stopped(served: Served, serving: Serving) -> None:
    words = served.state()["pair"]
    served.voted(1)
    served.voted(2)
    again = serving(served.study, Votes(served.votes.path))
    state = again.state()
    assert (state["done"], state["of"], state["undo"]) == (2, 3, True)
    assert not set(state["pair"].values()) & set(words.values())
    again.voted(3)
    # The other window is behind: it is told so, and then shows what is to be heard now.
    late = served.post("vote", {"pair": words["id"], "answer": "a", "key": KEY(7), "heard": [9, 9]})
    assert late.status == 409
    assert served.state()["done"] == 3


def test_only_this_machines_own_page_is_answered(served: Served) -> None:
    own = f"127.0.0.1:{served.port}"
    for host in ("evil.example", f"evil.example:{served.port}", "127.0.0.1", "127.0.0.1:1", ""):
        assert served.asked("GET", f"/{WORD}/state", Host=host).status in (400, 421), host
    assert served.asked("GET", f"/{WORD}/state", Host=f"localhost:{served.port}").status == 200
    for path in ("/", "/state", f"/{WORD}", f"/{WORD[:-1]}/state", f"/x/{WORD}/state", "/favicon.ico"):
        refused = served.asked("GET", path)
        assert refused.status == 403, path
        assert b"open the whole address" in refused.body
    body = json.dumps(served.heard() | {"answer": "a", "key": KEY(1)}).encode()
    for origin in ("", "null", "http://evil.example", f"https://{own}", "http://127.0.0.1:1"):
        assert served.asked("POST", f"/{WORD}/vote", body, Origin=origin).status == 403, origin
    assert served.asked("POST", f"/{WORD}/vote", body, Content_Type="text/plain").status == 415
    assert served.state()["done"] == 0
    policy = dict(served.get("").headers)["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name, (_, kind) in PAGE.items():
        got = served.get(name)
        assert dict(got.headers)["content-type"] == kind
        assert b"http://" not in got.body.replace(b"http://www.w3.org", b"")
        assert b"https://" not in got.body
    page = served.get("").body
    assert b"<style" not in page
    assert b" style=" not in page
    assert b"onclick" not in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 2000, 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b"x" * (LARGEST_BODY + 1), 413),
        (b'{"key": "short", "answer": "a", "pair": "x", "heard": [1, 1]}', 422),
        (b'{"key": 12345678, "answer": "a", "pair": "x", "heard": [1, 1]}', 422),
        (b'{"key": "12345678", "answer": "c", "pair": "x", "heard": [1, 1]}', 422),
        (b'{"key": "12345678", "answer": "a", "pair": "x", "heard": [1, NaN]}', 422),
        (b'{"key": "12345678", "answer": "a", "pair": "x", "heard": [1, true]}', 422),
        (b'{"key": "12345678", "answer": "a", "pair": "x", "heard": 1}', 422),
        (b'{"key": "12345678", "answer": "a", "pair": "x", "heard": [1, 1]}', 409),
        (b'{"key": "12345678", "answer": "a", "pair": ["x"], "heard": [1, 1]}', 409),
    ],
)
def test_a_malformed_vote_is_refused_in_a_sentence(fixed: Served, body: bytes, status: int) -> None:
    refused = fixed.asked("POST", f"/{WORD}/vote", body)
    assert refused.status == status
    assert len(refused.told) > 10
    assert fixed.state()["done"] == 0


@pytest.mark.parametrize("done", [0, -1, True, "1", 1.0, None, 10**30])
def test_a_malformed_undo_is_refused(fixed: Served, done: object) -> None:
    assert fixed.post("undo", {"done": done, "key": KEY(1)}).status in (409, 422)


def test_other_addresses_and_methods_are_refused(fixed: Served) -> None:
    for path in (
        "nothing",
        "clip/",
        "clip/x",
        "clip/../listen.js",
        "../listening.db",
        "web/index.html",
        "state/",
        "%00",
    ):
        refused = fixed.get(path)
        assert refused.status == 404, path
        assert len(refused.told) > 10
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
        assert fixed.asked(method, f"/{WORD}/state").status == 405
    assert fixed.get("vote").status == 405
    assert fixed.post("state", {}).status == 405


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all that changes nothing."""
    votes = Votes(tmp_path_factory.mktemp("fixed") / "listening.db")
    with a_server(a_study(votes, count=2, repeats=0), votes) as found:
        yield found
