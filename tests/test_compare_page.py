"""The page of a comparison: what it tells, draws and plays, and how its notes reach the store and nothing else does."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import math
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from compared import compared, side_by_side

from musicexp.cli import main
from musicexp.errors import SettingError, StoreError
from musicexp.loopback import HEADERS
from musicexp.render.sound import Sound, carried_soundfont
from musicexp.report.comparison import ComparedRun, Comparison
from musicexp.report.comparison_curves import curve_data, packed, unit_of
from musicexp.report.comparison_file import check_page, write_page
from musicexp.report.comparison_music import heard
from musicexp.report.comparison_page import MARK, Page, comparison_page
from musicexp.report.serving import LONGEST, MOST_BYTES, NOTE, Notes, application
from musicexp.tracking import MlflowRun, Store, open_store, store_uri

HOSTILE = "<script>alert(1)</script>"
QUOTES = 'He said "it\'s </textarea><b>good</b>"\n音乐'
TOKEN, PORT = "t" * 43, 5600
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


def sound() -> Sound:
    return Sound(carried_soundfont())


def several() -> Comparison:
    """Two configurations with two seeds each; names and notes that would be markup, a gap and an odd seed."""
    runs = [compared(k) for k in range(4)]
    odd = dataclasses.replace(runs[2].samples[1], seed=9)
    gone = dataclasses.replace(runs[1].samples[1], piece=None)
    runs[0] = dataclasses.replace(runs[0], name=HOSTILE, note=QUOTES, samples=runs[0].samples[:1])
    runs[1] = dataclasses.replace(runs[1], name="音乐 运行", samples=(runs[1].samples[0], gone))
    runs[2] = dataclasses.replace(runs[2], samples=(runs[2].samples[0], odd))
    return side_by_side(runs)


def with_data(run: ComparedRun, **fingerprints: str) -> ComparedRun:
    return dataclasses.replace(run, fingerprints={**run.fingerprints, **fingerprints})


@pytest.fixture(scope="module")
def page() -> str:
    return comparison_page(several(), sound(), 0).decode()


class Read(HTMLParser):
    """Text and elements of a page that must be well formed; scripts and styles apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.data: dict[str, Any] = {}
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            told = self.tags[-1][1]
            if told.get("type") == "application/json":
                self.data[told["id"]] = json.loads(data)
        elif self.open and self.open[-1] != "style":
            self.text += data

    def having(self, word: str) -> list[dict[str, str]]:
        return [told for _, told in self.tags if word in told.get("class", "").split()]


# ---------------------------------------------------------------------------------------------------
# What stands in it


def test_names_and_notes_are_text_and_nothing_comes_from_elsewhere(page: str) -> None:
    read = Read(page)
    assert HOSTILE in read.text
    assert "音乐 运行" in read.text
    assert QUOTES in read.text
    assert HOSTILE not in page
    scripts = [told for tag, told in read.tags if tag == "script" and "type" not in told]
    assert scripts == [{}], "one script of its own"
    assert not [
        told
        for _, told in read.tags
        if "src" in told or ("href" in told and not told["href"].startswith("#"))
    ]
    assert not [key for _, told in read.tags for key in told if key.startswith("on") or key == "style"]
    policy = next(t["content"] for _, t in read.tags if t.get("http-equiv") == "Content-Security-Policy")
    assert "unsafe" not in policy
    assert "connect-src 'none'" in policy
    assert read.data["music"]["pieces"]
    assert "served" not in read.data
    ids = [told["id"] for _, told in read.tags if "id" in told]
    assert len(ids) == len(set(ids))


def test_notes_of_a_page_without_a_server_are_read_only(page: str) -> None:
    fields = [told for tag, told in Read(page).tags if tag == "textarea"]
    assert len(fields) == 4
    assert all("disabled" in told for told in fields)
    assert "Store</button>" not in page
    assert "compare --serve" in page


def test_gaps_and_samples_that_were_not_drawn_alike_are_told() -> None:
    found = heard(several(), sound(), 0)
    first, second = found.rows
    assert first.drawn == "temperature 1, draw 0, seed 0"
    assert not first.differs
    assert [cell.gap for cell in second.cells] == ["no such sample", "file gone", "", ""]
    assert second.differs == "Not drawn alike: other seeds."
    assert (
        "In 1 of 2 rows the samples were not drawn alike" in comparison_page(several(), sound(), 0).decode()
    )
    assert "seed 9" in second.cells[2].told
    assert [piece["bank"] for piece in found.data["pieces"]] == [0] * len(found.data["pieces"])
    assert len(found.data["banks"]) == 1
    assert [real.numbers for real in found.real] == [(1, 2, 3, 4)], "the same real piece stands once"


def test_other_tokens_are_compared_in_bits_per_note() -> None:
    runs = [compared(0), with_data(compared(2), vocabulary="other")]
    found = side_by_side(runs)
    unit = unit_of(found)
    assert unit.name == "bits per note"
    assert unit.factors == pytest.approx((3, 3))
    assert unit.val_only
    text = Read(comparison_page(found, sound(), 0).decode()).text
    assert "Not all of this compares" in text
    assert "different vocabularies" in text
    assert "bits/note validation" in text
    assert "nats/token" not in text
    curves = curve_data(found, unit)["runs"]
    assert [list(run["curves"]) for run in curves] == [["val"], ["val"]]
    last = struct.unpack("<f", base64.b64decode(curves[0]["curves"]["val"]["value"])[-4:])[0]
    assert last == pytest.approx(3 * runs[0].curves["val"][-1].value)


def test_runs_on_other_music_are_shown_one_at_a_time() -> None:
    found = side_by_side([compared(0), with_data(compared(2), data="other")])
    assert unit_of(found).alone
    read = Read(comparison_page(found, sound(), 0).decode())
    assert "they rank nothing" in read.text
    assert "This comparison is not fair" in read.text
    assert not [told for told in read.having("best") if "number" in told["class"] and "red" in told["class"]]


def test_a_curve_is_packed_and_thinned_to_its_extremes() -> None:
    points = compared(1, iterations=1000).curves["train"]
    whole = packed(points)
    assert whole["iteration"] == [[1, 1, 1000]]
    assert whole["tokens"] == 1024
    values = struct.unpack("<1000f", base64.b64decode(whole["value"]))
    assert values == pytest.approx([point.value for point in points])
    few = packed(points, share=0.1)
    kept = [first + n * step for first, step, count in few["iteration"] for n in range(count)]
    assert 40 <= len(kept) <= 102
    assert kept[0] == 1
    assert kept[-1] == 1000
    extremes = min(points, key=lambda p: p.value).iteration, max(points, key=lambda p: p.value).iteration
    assert set(extremes) <= set(kept)


def test_a_run_that_diverged_is_compared_like_any_other() -> None:
    first, second = compared(0, samples=0), compared(1, samples=0)
    far = tuple(p._replace(value=math.inf if p.iteration > 100 else 1e200) for p in first.curves["train"])
    lost = tuple(p._replace(value=math.nan if p.iteration > 50 else 1.0) for p in second.curves["train"])
    found = side_by_side(
        [
            dataclasses.replace(first, curves={"train": far, "val": ()}, references=()),
            dataclasses.replace(second, curves={"train": lost, "val": ()}, references=()),
        ]
    )
    [group] = found.groups
    means = [point.mean for point in group.curves["train"]]
    assert all(map(math.isfinite, means[:50]))
    assert not any(map(math.isfinite, means[50:]))
    run = Read(comparison_page(found, sound(), 0).decode()).data["curve-data"]["runs"][0]
    assert struct.unpack("<200f", base64.b64decode(run["curves"]["train"]["value"]))[-1] == math.inf


def test_values_that_differ_at_their_ends_look_different() -> None:
    places = ["/home/somebody/" + "music/" * 20 + end for end in ("this", "that")]
    runs = [compared(k, samples=0) for k in (0, 2)]
    runs = [dataclasses.replace(r, settings={**r.settings, "dataset.name": p}, references=()) for r, p in zip(runs, places, strict=True)]  # fmt: skip
    read = Read(comparison_page(side_by_side(runs), sound(), 0).decode())
    assert all(place in read.text for place in places)


def test_a_comparison_without_anything_is_a_page_of_words() -> None:
    bare = dataclasses.replace(compared(0), samples=(), references=(), curves={}, figures={}, baselines={})
    text = Read(comparison_page(side_by_side([bare]), sound(), 0).decode()).text
    for told in ("no melodies", "no curve", "No run has a figure"):
        assert told in text or told.replace("no curve", "logged a curve yet") in text


def test_the_page_replaces_none_but_its_like(tmp_path: Path) -> None:
    other = tmp_path / "x.html"
    other.write_text("mine")
    with pytest.raises(SettingError, match="nothing is lost"):
        check_page(other)
    write_page(tmp_path / "y.html", MARK.encode())
    check_page(tmp_path / "y.html")
    with pytest.raises(StoreError, match="cannot be written"):
        write_page(other / "z.html", b"")


def test_flags_and_settings_that_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["--serve", "--json"], "leave one out"),
        (["--csv", "out=a.html"], "leave one out"),
        (["port=80"], "port goes with --serve"),
    ):
        assert main(["compare", "a", *words]) == 2
        assert told in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------
# Notes and the server


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, _new_store: Path) -> Store:
    path = tmp_path_factory.mktemp("notes") / "mlflow.db"
    shutil.copy(_new_store, path)
    return open_store(store_uri(str(path)), "musicexp")


@pytest.fixture
def run(store: Store) -> MlflowRun:
    return store.create_run("noted", {})


@pytest.fixture(scope="module")
def plain() -> Page:
    """A page without music, quickly made."""
    return Page(side_by_side([dataclasses.replace(compared(0), samples=(), references=())]), sound())


def asked(app: Any, method: str = "POST", path: str = "/note", body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    """Ask the server as a browser would; headers replace the usual ones, "" leaves one out."""
    usual = {"host": f"127.0.0.1:{PORT}", "origin": f"http://127.0.0.1:{PORT}", "x-token": TOKEN, "content-type": "application/json"}  # fmt: skip
    given = usual | {key.replace("_", "-"): value for key, value in headers.items()}
    sent: list[Any] = []
    parts = [body[k : k + 16_000] for k in range(0, len(body), 16_000)] or [b""]

    async def receive() -> Any:
        part = parts.pop(0) if parts else b""
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 1),
        "headers": [(key.encode(), value.encode()) for key, value in given.items() if value],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    told = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


def note(run: MlflowRun, text: str, before: str = "") -> bytes:
    return json.dumps({"run": run.id, "before": before, "text": text}).encode()


@pytest.fixture
def app(plain: Page, store: Store, run: MlflowRun) -> Any:
    return application(plain, Notes(store, frozenset({run.id})), PORT, TOKEN)


def stored(store: Store, run: MlflowRun) -> str | None:
    return store.find(run.id).tags.get(NOTE)


def test_a_note_is_stored_in_mlflow_and_never_in_place_of_an_unseen_one(app: Any, store: Store, run: MlflowRun) -> None:  # fmt: skip
    assert asked(app, body=note(run, QUOTES))[0] == 200
    assert stored(store, run) == QUOTES
    status, _, told = asked(app, body=note(run, "another", before="what stood there long ago"))
    assert status == 409
    assert json.loads(told)["text"] == QUOTES
    assert stored(store, run) == QUOTES
    assert asked(app, body=note(run, QUOTES))[0] == 200, "the same once more, since its answer was lost"
    assert asked(app, body=note(run, HOSTILE, before=QUOTES))[0] == 200
    status, headers, told = asked(app, "GET", "/")
    assert status == 200
    assert Read(told.decode()).data["served"]["notes"] == {run.id: HOSTILE}
    assert HOSTILE.encode() not in told
    assert TOKEN.encode() in told
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert all(headers[key.lower()] == value for key, value in HEADERS.items())
    assert asked(app, body=note(run, "", before=HOSTILE))[0] == 200
    assert not stored(store, run)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x_token": "wrong"}, 403),
        ({"x_token": ""}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"host": "evil.example:5600"}, 421),
        ({"host": "127.0.0.1:5601"}, 421),
        ({"host": ""}, 421),
        ({"content_type": "text/plain"}, 415),
    ],
    ids=str,
)
def test_whoever_is_not_the_page_stores_nothing(app: Any, store: Store, run: MlflowRun, headers: dict[str, str], status: int) -> None:  # fmt: skip
    assert asked(app, body=note(run, "theirs"), **headers)[0] == status
    assert stored(store, run) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 50_000, 400),
        (b"[]", 400),
        (json.dumps({"run": 1, "before": "", "text": ""}).encode(), 400),
        (json.dumps({"run": "../../etc/passwd", "before": "", "text": "x"}).encode(), 404),
        (b" " * (MOST_BYTES + 1), 413),
    ],
    ids=["broken", "deep", "list", "number", "path", "large"],
)
def test_a_request_that_is_no_note_is_refused_with_a_sentence(app: Any, body: bytes, status: int) -> None:
    found, _, told = asked(app, body=body)
    assert found == status
    assert json.loads(told)["error"]


def test_a_note_that_is_too_long_or_no_text_is_refused(app: Any, store: Store, run: MlflowRun) -> None:
    assert asked(app, body=note(run, "x" * (LONGEST + 1)))[0] == 413
    assert asked(app, body=note(run, "a\0b"))[0] == 400
    assert asked(app, body=note(run, "\ud800"))[0] == 400
    assert stored(store, run) is None
    assert asked(app, "GET", "/../../etc/passwd")[0] == 404
    assert asked(app, "GET", "/note")[0] == 405


def test_of_two_who_write_at_once_one_is_told(store: Store, run: MlflowRun) -> None:
    notes = Notes(store, frozenset({run.id}))
    found: list[str | None] = []
    writers = [
        threading.Thread(target=lambda k=k: found.append(notes.put(run.id, "", f"note {k}")))
        for k in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert found.count(None) == 1
    assert stored(store, run) in found


@pytest.mark.slow
def test_compare_serve_serves_until_ctrl_c(store: Store, tmp_path: Path) -> None:
    made = store.create_run("served", {"musicexp": "run"})
    made.close("FINISHED")
    words = [sys.executable, "-m", "musicexp", "compare", made.id, "--serve", f"tracking.uri={store.uri}"]
    server = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = next(line.split()[1] for line in server.stdout if line.startswith("open "))
        with urllib.request.urlopen(address) as answer:
            read = Read(answer.read().decode())
        token = read.data["served"]["token"]
        body = json.dumps({"run": made.id, "before": "", "text": QUOTES}).encode()
        headers = {"Content-Type": "application/json", "Origin": address.rstrip("/"), "X-Token": token}
        with urllib.request.urlopen(urllib.request.Request(f"{address}note", body, headers)) as answer:
            assert answer.status == 200
        assert stored(store, made) == QUOTES
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(f"{address}note", body, headers | {"X-Token": "x"}))
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
    finally:
        server.kill()
        server.communicate()


# ---------------------------------------------------------------------------------------------------
# In a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def until(page: Any, words: str) -> None:
    """Wait for something to be true, by asking again: the page's policy lets no words become its script."""
    for _ in range(200):
        if page.evaluate(f"Boolean({words})"):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"not within 5 s: {words}")


class Seen:
    """A page in a browser, and everything that it complained of or asked for."""

    def __init__(self, chromium: Any, path: Path, width: int = 1280, height: int = 900, **more: Any) -> None:
        self.page = chromium.new_page(viewport={"width": width, "height": height}, **more)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        until(self.page, "document.documentElement.dataset.drawn")

    def js(self, words: str) -> Any:
        return self.page.evaluate(words)

    def close(self) -> None:
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))] == []
        self.page.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three configurations, of which two have two seeds; melodies long enough to be switched between."""
    runs = [compared(k, samples=3, notes=64) for k in range(5)]
    runs[4] = dataclasses.replace(runs[4], name=HOSTILE, samples=runs[4].samples[:2])
    made = tmp_path_factory.mktemp("page") / "compare 音.html"
    made.write_bytes(comparison_page(side_by_side(runs), sound(), 5))
    return made


@pytest.fixture
def seen(chromium: Any, path: Path) -> Iterator[Seen]:
    found = Seen(chromium, path)
    yield found
    found.close()


def place(seen: Seen) -> float:
    return float(seen.js("musicexp.grid.stage.position()"))


@pytest.mark.slow
def test_values_at_a_place_are_those_that_were_logged(seen: Seen) -> None:
    seen.js("document.getElementById('train').click()")  # off
    seen.page.locator("#chart").scroll_into_view_if_needed()
    box = seen.page.locator("#chart").bounding_box()
    seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    told = seen.page.locator("#where").inner_text()
    iteration = int(re.search(r"iteration ([\d,]+)", told)[1].replace(",", ""))  # type: ignore[index]
    assert 80 < iteration < 120
    nearest = min(range(10, 201, 10), key=lambda k: abs(k - iteration))
    shown = seen.page.locator("#items .values").all_inner_texts()
    for kind, words in enumerate(shown):
        assert float(words.split()[0]) == pytest.approx(
            1.5 + 0.1 * kind + 2.5 / (1 + nearest / 200), abs=6e-4
        )
    seen.js("document.getElementById('single').click()")
    assert seen.page.locator("#items li").count() == 5
    assert seen.js("document.getElementById('items').textContent").count(HOSTILE) == 1


@pytest.mark.slow
def test_a_drag_zooms_and_a_double_click_shows_all(seen: Seen) -> None:
    chart = "musicexp.legend.chart"
    seen.page.locator("#chart").scroll_into_view_if_needed()
    box = seen.page.locator("#chart").bounding_box()
    left, wide, y = box["x"] + 52, box["width"] - 66, box["y"] + 100
    seen.page.mouse.move(left + wide * 0.25, y)
    seen.page.mouse.down()
    seen.page.mouse.move(left + wide * 0.75, y, steps=5)
    seen.page.mouse.up()
    assert seen.js(f"{chart}.view") == pytest.approx([1 + 199 * 0.25, 1 + 199 * 0.75], abs=2)
    seen.page.locator("#axis-tokens").check(force=True)
    assert seen.js(f"{chart}.view") == pytest.approx(
        [1024 * (1 + 199 * 0.25), 1024 * (1 + 199 * 0.75)], abs=3000
    )
    assert "tokens" in seen.js(f"{chart}.axis")
    seen.page.locator("#axis-seconds").check(force=True)
    assert seen.js(f"{chart}.whole()") == pytest.approx([0.05, 10])
    seen.page.mouse.dblclick(left + wide / 2, y)
    assert seen.js(f"{chart}.view") is None
    seen.page.locator("#chart").focus()
    seen.page.keyboard.press("+")
    assert seen.js(f"{chart}.view[1] - {chart}.view[0]") == pytest.approx(9.95 / 1.5, rel=0.02)
    seen.page.keyboard.press("0")
    seen.page.keyboard.press("ArrowRight")
    assert seen.js(f"{chart}.view") is None
    assert seen.js(f"{chart}.cursor") > 5
    seen.page.locator("#log").check()
    seen.page.locator("#smooth").fill("20")
    assert "iterations" in seen.page.locator("#smooth-told").inner_text()


@pytest.mark.slow
def test_smoothing_is_the_mean_of_the_points_around(seen: Seen) -> None:
    values = seen.js("Array.from(Curves.smoothed([1,2,3,4,5], Float32Array.of(1,2,6,4,NaN), 1))")
    assert (values[:4] == pytest.approx([1, 3, 4, 5]) and values[4] is None) or values[4] != values[4]


@pytest.mark.slow
def test_a_curve_of_one_point_is_read_where_the_pointer_is_near(seen: Seen) -> None:
    near = "Curves.nearest(Float64Array.of(100), {x}, {reach})"
    assert seen.js(near.format(x=103, reach=5)) == 0
    assert seen.js(near.format(x=97, reach=5)) == 0
    assert seen.js(near.format(x=106, reach=5)) == -1
    assert seen.js("Curves.nearest(Float64Array.of(10, 20), 31, 0)") == -1, (
        "behind its end by more than a step"
    )


@pytest.mark.slow
def test_switching_to_another_run_keeps_the_place(seen: Seen) -> None:
    seen.page.locator("#play").click()
    until(seen.page, "musicexp.grid.stage.position() > 1.5")
    for key, column in (("3", "3"), ("2", "2"), ("5", "5")):
        before, began = place(seen), time.monotonic()
        apart = seen.js(
            f"(() => {{ const s = musicexp.grid.stage, a = s.position(); document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}})); return s.position() - a; }})()"
        )
        assert abs(apart) < 0.06
        seen.page.wait_for_timeout(200)
        assert place(seen) - before == pytest.approx(time.monotonic() - began, abs=0.12)
        assert seen.js("musicexp.grid.columnOf(musicexp.grid.current)") == column
        assert seen.js("musicexp.grid.stage.playing")
    before = place(seen)
    seen.page.locator('.cell[data-row="1"][data-number="1"]').click()
    assert abs(place(seen) - before) < 1
    assert seen.js("musicexp.grid.columnOf(musicexp.grid.current)") == "1"
    seen.page.keyboard.press(" ")
    assert not seen.js("musicexp.grid.stage.playing")


@pytest.mark.slow
def test_keys_go_from_row_to_row_and_a_row_is_played_in_turn(seen: Seen) -> None:
    seen.js("document.getElementById('samples').scrollIntoView()")
    seen.page.keyboard.press("5")
    seen.page.keyboard.press("ArrowDown")
    grid = "musicexp.grid"
    assert seen.js(f"[{grid}.row, {grid}.columnOf({grid}.current)]") == ["2", "5"]
    seen.page.keyboard.press("ArrowDown")
    assert seen.js(f"[{grid}.row, {grid}.columnOf({grid}.current)]") == ["3", "1"], (
        "run 5 has no third sample"
    )
    seen.page.keyboard.press("5")
    assert "no melody in this row" in seen.page.locator("#said").inner_text()
    seen.page.locator('.turn[data-row="2"]').click()
    for column in ("1", "2"):
        assert seen.js(f"{grid}.columnOf({grid}.current)") == column
        seen.js(f"{grid}.stage.seek({grid}.stage.seconds - 0.2)")
        until(seen.page, f"{grid}.columnOf({grid}.current) !== '{column}'")
    assert seen.js(f"[{grid}.columnOf({grid}.current), {grid}.stage.playing]") == ["3", True]
    seen.page.locator(".cell.real").first.click()
    assert seen.js(f"{grid}.row") == "real"
    assert seen.js(f"{grid}.stage.playing")


@pytest.mark.slow
def test_a_score_opens_when_it_is_asked_for_and_follows_the_run(seen: Seen) -> None:
    assert seen.page.locator("#sheet").is_hidden()
    seen.page.locator("#score").click()
    until(seen.page, "document.querySelector('#sheet img')?.naturalWidth > 0")
    seen.page.keyboard.press("3")
    until(seen.page, "document.querySelector('#sheet img')?.alt === 'Score of sample 1 of run-2'")
    seen.js("musicexp.grid.move(1)")
    until(seen.page, "document.getElementById('sheet').textContent.includes('no score')")
    seen.page.keyboard.press("s")
    assert seen.page.locator("#sheet").is_hidden()


@pytest.mark.slow
def test_all_pieces_are_equally_loud(seen: Seen) -> None:
    loud = seen.js(
        "Promise.all(musicexp.grid.members('1').map(async piece => { const b = await musicexp.grid.stage.render(piece, {seconds: 8});"
        " const d = b.getChannelData(0); return Math.sqrt(d.reduce((s, x) => s + x * x, 0) / d.length); }))"
    )
    assert len(loud) == 5
    assert max(loud) / min(loud) < 1.4
    assert min(loud) > 0.005


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_page(chromium: Any, path: Path, scheme: str) -> None:
    seen = Seen(chromium, path, 390, 844, color_scheme=scheme, has_touch=True, is_mobile=True)
    assert seen.js("document.documentElement.scrollWidth") == 390
    seen.page.locator("#chart").tap()
    assert "iteration" in seen.page.locator("#where").inner_text()
    seen.page.locator('.cell[data-row="1"][data-number="2"]').tap()
    until(seen.page, "musicexp.grid.stage.position() > 0.2")
    small = seen.js(
        "[...document.querySelectorAll('button')].filter(b => b.offsetParent && b.offsetHeight < 28).map(b => b.outerHTML)"
    )
    assert small == []
    seen.close()


@pytest.mark.slow
def test_twenty_long_runs_are_drawn_at_once(chromium: Any, tmp_path: Path) -> None:
    runs = [compared(k, iterations=10_000, samples=4, notes=256) for k in range(20)]
    made = tmp_path / "twenty.html"
    made.write_bytes(comparison_page(side_by_side(runs), sound(), 0))
    assert made.stat().st_size < 15e6
    seen = Seen(chromium, made)
    assert seen.js("Number(document.documentElement.dataset.drawn)") < 6000, "2 s where nobody else works"
    slowest = seen.js(
        "(() => { const c = musicexp.legend.chart; c.sides.train = true; c.single = true; c.draw();"
        " const t = performance.now(); c.draw(); return performance.now() - t; })()"
    )
    assert slowest < 1000
    pages = seen.page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", pages)) <= 8
    seen.close()


@pytest.mark.slow
def test_every_control_has_a_name_and_the_page_prints(seen: Seen, tmp_path: Path) -> None:
    unnamed = seen.js(
        "[...document.querySelectorAll('button, input, textarea, [tabindex]')].filter(e => e.offsetParent && !(e.getAttribute('aria-label') || (e.labels && e.labels.length) || e.textContent.trim())).map(e => e.outerHTML)"
    )
    assert unnamed == []
    printed = seen.page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 4


@pytest.mark.slow
def test_a_page_behind_a_server_stores_notes(chromium: Any, store: Store, tmp_path: Path) -> None:
    import socket

    import uvicorn

    run = store.create_run(HOSTILE, {})
    one = dataclasses.replace(compared(0), id=run.id, samples=(), references=())
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    served = application(Page(side_by_side([one]), sound()), Notes(store, frozenset({run.id})), port, TOKEN)
    server = uvicorn.Server(uvicorn.Config(served, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(f"http://127.0.0.1:{port}/")
        field, state = page.locator("textarea"), page.locator("form.note output")
        field.fill(QUOTES)
        page.get_by_role("button", name="Store").click()
        until(page, "document.querySelector('output.good')")
        assert stored(store, run) == QUOTES
        store.find(run.id).set_tags({NOTE: "changed elsewhere"})
        field.fill("mine")
        page.get_by_role("button", name="Store").click()
        until(page, "document.querySelector('output.bad')")
        assert "changed elsewhere" in page.locator(".theirs").inner_text()
        assert "Not stored" in state.inner_text()
        assert stored(store, run) == "changed elsewhere"
        page.get_by_role("button", name="Store").click()
        until(page, "document.querySelector('output.good')")
        assert stored(store, run) == "mine"
        page.reload()
        assert field.input_value() == "mine"
        assert complaints == []
    finally:
        page.close()
        server.should_exit = True
        thread.join(10)
        listening.close()
