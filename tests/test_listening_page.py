"""The whole of a listening study as a person goes through it: the command, a real browser, kills, the result on the runs."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from conftest import ROOT

from musicexp import run
from musicexp.cli import main
from musicexp.tracking import open_store

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium")
MARKUP, CHINESE = "<script>alert(1)</script>", '长的 音乐 "quoted"'
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
START_SECONDS = 60.0
HEAR_MS = 30_000


class Listening:
    """`musicexp listen` as a process of its own."""

    def __init__(self, words: list[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "musicexp", "listen", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.said = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line
            if found := re.search(r"http://\S+", line):
                self.address = found[0]
                return
        raise AssertionError(f"it ended: {self.said}")

    def asked(self, path: str, given: object = None) -> Any:
        """What the server answers, as the page would be answered."""
        place = urlparse(self.address)
        connection = http.client.HTTPConnection(place.netloc, timeout=20)
        headers = {"Origin": f"http://{place.netloc}", "Content-Type": "application/json"}
        if given is None:
            connection.request("GET", place.path + path)
        else:
            connection.request("POST", place.path + path, json.dumps(given), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return json.loads(body) if "json" in (answer.getheader("Content-Type") or "") else body

    def vote(self, key: str, answer: str = "a") -> Any:
        """Hear both clips, in real time, and vote."""
        state = self.asked("state")
        pair = state["pair"]
        for side in "ab":
            assert len(self.asked(f"clip/{pair[side]}")) > 44
        time.sleep(1.5 * state["seconds"])
        heard = [state["seconds"]] * 2
        return self.asked("vote", {"pair": pair["id"], "answer": answer, "key": key, "heard": heard})

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal and wait; the exit code and what was said since."""
        self._process.send_signal(number)
        assert self._process.stdout is not None
        said = self._process.stdout.read()
        self._process.stdout.close()
        return self._process.wait(timeout=20), said


@pytest.fixture
def listening(store: str) -> Iterator[Callable[..., Listening]]:
    """A function that starts `listen`; what still runs at the end is ended."""
    started: list[Listening] = []

    def start(*words: str) -> Listening:
        started.append(Listening(list(words)))
        return started[-1]

    yield start
    for one in started:
        if one._process.poll() is None:
            one.end(signal.SIGKILL)


@pytest.fixture
def runs(store: str, small: Callable[..., list[str]]) -> tuple[str, str]:
    """Two small runs that differ in lr, with names that are markup and Chinese."""
    for name, lr in ((MARKUP, "0.01"), (CHINESE, "0.001")):
        quoted = name.replace('"', '\\"')
        run(*small(f'name="{quoted}"', f"lr={lr}", "render.audio=false", "render.score=false"))
    return MARKUP, CHINESE


STUDY = ("votes=3", "repeats=0.4", "seconds=2", "tempo=120")


def test_kills_lose_no_vote_and_the_study_goes_on(
    listening: Callable[..., Listening], runs: tuple[str, str], capfd: pytest.CaptureFixture[str], store: str
) -> None:
    first = listening(*runs, *STUDY)
    assert "3 votes and 1 repeat" in first.said
    assert first.vote("first-vote")["done"] == 1
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL

    second = listening(*runs, *STUDY)
    assert "1 are in, 3 to go" in second.said
    assert second.asked("state")["done"] == 1
    assert second.vote("second-vote", "b")["done"] == 2
    code, said = second.end(signal.SIGINT)
    assert code == 0
    assert said.strip().splitlines()[-1] == (
        "the study goes on with the same command (2 votes are missing of 4)"
    )

    capfd.readouterr()
    assert main(["listen", *runs, *STUDY, "--result"]) == 2
    assert "2 votes are missing of 4: there is no result before" in capfd.readouterr().err
    third = listening(*runs[::-1], *STUDY)
    assert third.vote("third-vote", "none")["done"] == 3
    assert third.vote("fourth-vote")["phase"] == "complete"
    assert third.end(signal.SIGTERM)[0] == 0
    assert main(["listen", *runs, *STUDY, "--result"]) == 0
    told = capfd.readouterr().out
    assert MARKUP in told
    assert "One listener, these clips" in told
    assert "0.01" in told
    for name in runs:
        found = open_store(store, "musicexp").find(name)
        assert [len(found.curve(f"listening/{key}")) for key in ("votes", "ties", "low", "high", "p")] == [
            1
        ] * 5
        assert any(
            "one listener" in value for key, value in found.tags.items() if key.startswith("listening/")
        )
    # Going beyond the number is a part of its own; what was voted on before stays.
    beyond = listening(*runs, "votes=5", *STUDY[1:])
    assert "4 are in, 3 to go" in beyond.said
    state = beyond.asked("state")
    assert (state["done"], state["of"], state["undo"]) == (4, 7, False)
    assert "no result before" in beyond.asked("result")["error"]


def test_wrong_runs_are_one_sentence(
    runs: tuple[str, str], capfd: pytest.CaptureFixture[str], small: Callable[..., list[str]], store: str
) -> None:
    def refused(*words: str) -> str:
        capfd.readouterr()
        assert main(["listen", *words]) == 2
        said = capfd.readouterr().err
        assert said.count("\n") == 1
        return said

    assert "named twice" in refused(MARKUP, "last", "seconds=2", MARKUP)
    assert "no run 'nobody'" in refused(MARKUP, "nobody")
    run(*small("name=twin", "lr=0.01", "render.audio=false", "render.score=false"))
    assert "note for note" in refused(MARKUP, "twin", "votes=2")
    found = open_store(store, "musicexp").find("twin")
    for name in Path(found.place).glob("*"):
        if name.name != "config.yaml":
            name.unlink()
    assert "there is nothing of it to hear" in refused("twin", CHINESE)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One real browser for all."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def counted(page: Any, number: int) -> None:
    """Wait for the pair of this number."""
    page.locator("#count", has_text=re.compile(f"^{number} of ")).wait_for(timeout=HEAR_MS)
    page.locator("#pair:not(.loading)").wait_for(timeout=HEAR_MS)


def ready(page: Any) -> None:
    page.locator("#votes.ready").wait_for(timeout=HEAR_MS)


def test_a_study_is_gone_through_by_keyboard_and_by_mouse(
    chromium: Any, listening: Callable[..., Listening], runs: tuple[str, str], tmp_path: Path
) -> None:
    server = listening(*runs, *STUDY)
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    faults: list[str] = []
    seen: list[str] = []
    # The policy stops playwright's own eval as well; what our page does is to raise no complaint.
    page.on("console", lambda m: faults.append(m.text) if "TrustedScript" not in m.text else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("request", lambda r: seen.append(r.url))
    page.goto(server.address)

    # By keyboard alone: nothing counts before both were heard, then A by its letter.
    counted(page, 1)
    page.keyboard.press("a")
    assert page.inner_text("#message") == "First listen to A and B."
    page.keyboard.press("Space")
    page.locator(".clip[data-side=a].playing").wait_for()
    page.keyboard.press("Space")  # pauses
    page.locator(".clip[data-side=a]:not(.playing)").wait_for()
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#message") == "First listen to A and B."
    page.keyboard.press("Space")
    page.locator(".clip[data-side=b].playing").wait_for(timeout=HEAR_MS)  # B follows by itself
    ready(page)
    page.keyboard.press("a")
    counted(page, 2)

    # Taken back by a key, and gone through again in the order of the tab key.
    page.keyboard.press("z")
    counted(page, 1)
    assert "Taken back." in page.inner_text("#message")
    order = []
    for _ in range(8):
        page.keyboard.press("Tab")
        order.append(
            page.locator(":focus").get_attribute("aria-label") or page.locator(":focus").inner_text()
        )
    assert order[:4] == ["Play A", "Place in A", "Play B", "Place in B"]
    assert [words.split(" ")[0] for words in order[4:7]] == ["A", "No", "B"]
    page.locator(".clip[data-side=a] .play").focus()
    page.keyboard.press("Enter")
    page.locator(".clip[data-side=b].playing").wait_for(timeout=HEAR_MS)
    ready(page)
    page.locator("[data-answer=b]").focus()
    page.keyboard.press("Enter")
    counted(page, 2)

    # Jumping to the end of a clip is not hearing it.
    page.locator(".clip[data-side=a] .place").focus()
    page.keyboard.press("End")
    page.keyboard.press("2")
    page.locator(".clip[data-side=b].playing").wait_for(timeout=HEAR_MS)
    page.keyboard.press("2")  # it paused what B played by itself behind A, and B was never heard
    page.locator(".clip[data-side=b].enough").wait_for(timeout=HEAR_MS)
    assert page.locator("#votes.ready").count() == 0
    # By mouse, after the page was loaded anew: no difference.
    page.reload()
    counted(page, 2)
    page.click(".clip[data-side=b] .play")
    page.locator(".clip[data-side=b].enough").wait_for(timeout=HEAR_MS)
    page.click(".clip[data-side=a] .play")
    page.locator(".clip[data-side=b].playing").wait_for(state="detached")
    ready(page)
    page.dblclick("[data-answer=none]")
    counted(page, 3)
    for number in (3, 4):
        counted(page, number)
        assert MARKUP not in page.content()
        page.keyboard.press("Space")
        ready(page)
        page.keyboard.press("ArrowLeft")
    page.locator("#show").wait_for(timeout=HEAR_MS)
    before = "\n".join(seen)
    assert not re.search(r"[0-9a-f]{32}|sample|\.mid|script%3E", before)

    page.click("#show")
    page.locator("#result h1").wait_for(timeout=HEAR_MS)
    text = page.inner_text("#result")
    assert MARKUP in text
    assert CHINESE in text
    assert "lr" in text
    assert "One listener, these clips" in text
    assert page.locator("#result tbody tr").count() >= 4
    page.click(".again >> nth=0")
    page.locator(".again[aria-pressed=true]").wait_for()
    assert page.locator("#undo").is_hidden()
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    assert not faults
    assert {urlparse(url).netloc for url in seen if not url.startswith("data:")} == {
        urlparse(server.address).netloc
    }
    context.close()

    code, said = server.end(signal.SIGINT)
    assert code == 0
    assert "the same command shows it again" in said


def test_an_answer_that_could_not_be_sent_is_sent_again(
    chromium: Any, listening: Callable[..., Listening], runs: tuple[str, str]
) -> None:
    server = listening(*runs, *STUDY)
    page = chromium.new_page()
    page.goto(server.address)
    counted(page, 1)
    page.keyboard.press("Space")
    ready(page)
    lost: list[str] = []

    def lose(route: Any) -> None:
        """The server takes the first vote, but its answer is lost on the way."""
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().text())
            route.abort()

    page.route("**/vote", lose)
    # Noted in the page: a busy machine looks at it too late to see a message that the next try takes away.
    page.evaluate("""() => {
        const message = document.getElementById("message");
        window.said = [];
        new MutationObserver(() => window.said.push(message.textContent)).observe(message, { childList: true });
    }""")
    page.keyboard.press("b")
    counted(page, 2)
    assert any("Not saved yet" in said for said in page.evaluate("() => window.said"))
    assert json.loads(lost[0])["done"] == server.asked("state")["done"] == 1
    page.close()
