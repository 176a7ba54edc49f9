"""The player in a browser: it sounds what is written, goes where it is told, and needs nothing but itself."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from musicexp.music import STEPS_PER_QUARTER, Note, Piece
from musicexp.render.player import PlayerPiece, player_page
from musicexp.render.sound import Sound, carried_soundfont, piece_ogg
from musicexp.tracking import open_store

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
FRAME, PHONE, DESK = (390, 150), (390, 844), (1280, 800)
RATE = 44_100
DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 20"><path d="M2 10H78" stroke="black"/></svg>'
)

TUNE = Piece.of([Note(12 * k, 12, 60 + (k * 5) % 17, 60 + k % 40) for k in range(64)])
TAPS = Piece.of([Note(36 * k, 6, pitch) for k, pitch in enumerate((60, 64, 67, 72, 76, 79, 84, 72))])
"""Short notes with silence between."""
CHORALE = Piece.of(
    [Note(24 * k, 24, root + above, 80, part) for k, root in enumerate((48, 53, 55, 48, 57, 53, 55, 48))
     for part, above in enumerate((24, 16, 7, 0))], tempo=90.0, metre=(3, 4), parts=("Soprano", "Alto", "Tenor", "Bass"),
)  # fmt: skip
HELD = Piece.of([Note(0, 96, 60)], tempo=60.0)
PIECES = [
    PlayerPiece("sample_1", "sample_1", "samples", TUNE, (("temperature", "1.0"), ("notes", "64")), DRAWING),
    PlayerPiece("sample_2", "sample_2", "samples", TAPS, (("temperature", "1.5"), ("notes", "8"))),
    PlayerPiece("sample_3", "<img src=x onerror=alert(1)>", "samples", Piece.of([]), (("notes", "0"),)),
    PlayerPiece("sample_4", "held", "samples", HELD),
    PlayerPiece("reference_1", "A chorale", "reference", CHORALE, (("from", "training"),)),
    *(PlayerPiece(f"learning_{i}_{k}", f"clip {k}", "learning", TAPS, (("loss", "2.0"),), None, i)
      for i in (10, 100, 1000) for k in (1, 2)),
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run 中文") / "player.html"
    path.write_bytes(player_page("quiet <b>otter</b>", PIECES, Sound(carried_soundfont())))
    return path


Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, player: Path) -> Iterator[Open]:
    """Opens the player in a window of some size; at the end nothing was asked of the network, and no error told."""
    contexts, told = [], []

    def opens(size: tuple[int, int] = DESK, address: str = "", **more: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": size[0], "height": size[1]}, **more))
        page = contexts[-1].new_page()
        page.on("console", lambda said: told.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(("file:", "blob:", "data:")) else told.append(asked.url))  # fmt: skip
        page.goto(address or player.as_uri())
        return page

    yield opens
    for context in contexts:
        context.close()
    assert told == []


def state(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """() => { const { stage, current } = musicexp; return { current, place: stage.position(), playing: stage.playing,
        rate: stage.rate, loop: stage.loop, seconds: stage.seconds, plain: stage.plain, volume: stage.volume }; }"""
    )
    return found


def until(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => {{ const {{ stage, roll }} = musicexp; return {condition}; }}", timeout=15_000, polling=30)  # fmt: skip


def rendered(page: Any, piece: str, **options: Any) -> NDArray[np.float32]:
    """What the page plays of a piece: float32 [frames, 2] at `RATE`."""
    told = page.evaluate(
        """async ([id, options]) => {
          const { stage, pieces } = musicexp;
          const sound = await stage.render(pieces.find(piece => piece.id === id), options);
          const packed = channel => { const bytes = new Uint8Array(sound.getChannelData(channel).buffer); let text = '';
            for (let k = 0; k < bytes.length; k += 32768) text += String.fromCharCode(...bytes.subarray(k, k + 32768));
            return btoa(text); };
          return [packed(0), packed(1)]; }""",
        [piece, options],
    )
    return np.stack([np.frombuffer(base64.b64decode(one), dtype="<f4") for one in told], axis=1)


def begins(sound: NDArray[np.float32], seconds: float, before: float = 0.05, within: float = 0.1) -> float:
    """Where a note begins near some place: the first frame far above what was there before, in seconds."""
    level = np.abs(sound).max(axis=1)
    first, last = max(0, round((seconds - before) * RATE)), round((seconds + within) * RATE)
    quiet = level[first : max(first, round((seconds - 0.02) * RATE))].max(initial=0.0)
    above = np.flatnonzero(level[first:last] > quiet + 0.02 * level.max())
    assert len(above), f"nothing begins near {seconds:.2f} s"
    return float(first + above[0]) / RATE


def loudness(sound: NDArray[Any], rate: int) -> float:
    import pyloudnorm

    return float(pyloudnorm.Meter(rate).integrated_loudness(sound))


def test_it_plays_seeks_and_goes_on(opened: Open) -> None:
    page = opened(FRAME)
    page.keyboard.press("Space")
    until(page, "stage.playing && stage.position() > 0.3")
    before = page.evaluate("musicexp.roll.cursor")
    until(page, f"roll.cursor > {before}")
    page.keyboard.press("n")
    assert state(page)["current"] == "sample_2"
    assert state(page)["playing"]
    assert not state(page)["plain"]


# --- what is heard


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_every_note_begins_when_it_is_written(opened: Open, rate: float) -> None:
    sound = rendered(opened(), "sample_2", rate=rate)
    for onset in TAPS.onset.tolist():
        written = onset / STEPS_PER_QUARTER * 60 / TAPS.tempo / rate
        assert begins(sound, written) == pytest.approx(written, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["sample_1", "reference_1", "sample_4"])
def test_it_is_as_loud_as_the_ogg_file_of_the_piece(opened: Open, number: str) -> None:
    import soundfile

    piece = next(one.piece for one in PIECES if one.id == number)
    ogg, rate = soundfile.read(io.BytesIO(piece_ogg(piece, Sound(carried_soundfont()))))
    played = rendered(opened(), number)
    assert np.abs(played[:, 0] - played[:, 1]).max() == 0
    assert ogg.ndim == 1  # both are one channel, which a browser gives to both sides
    assert loudness(played[:, 0], RATE) == pytest.approx(loudness(ogg, rate), abs=1.0)


@pytest.mark.slow
def test_a_loop_comes_round_to_the_frame(opened: Open) -> None:
    beat = 36 / STEPS_PER_QUARTER * 0.5  # between two taps
    sound = rendered(opened(), "sample_2", loop={"from": 0, "to": 2 * beat}, seconds=8 * beat)
    round_ = round(2 * beat * RATE)
    first = begins(sound, 0)
    for k in range(1, 4):
        assert begins(sound, 2 * beat * k) - first == pytest.approx(2 * beat * k, abs=0.002)
    again = sound[round_ : 2 * round_]
    assert np.abs(again - sound[2 * round_ : 3 * round_]).max() < 1e-3


@pytest.mark.slow
def test_what_sounds_at_a_place_is_heard_there_without_a_click(opened: Open) -> None:
    page = opened()
    whole, rest = rendered(page, "sample_4"), rendered(page, "sample_4", **{"from": 1.0})
    later = whole[round(1.0 * RATE) :]
    compared = slice(round(0.03 * RATE), round(1.5 * RATE))
    assert np.abs(rest[compared] - later[compared]).max() < 0.02 * np.abs(later).max()
    assert np.abs(np.diff(rest[: RATE // 50], axis=0)).max() < 0.5 * np.abs(np.diff(whole, axis=0)).max()


@pytest.mark.slow
def test_thick_chords_are_not_clipped_and_thin_ones_are_not_touched(opened: Open) -> None:
    page = opened()
    chord = "{ ...musicexp.pieces[3], notes: Array.from({ length: 40 }, (_, k) => [0, 96, 36 + k, 127, 0]), gain: 3 }"
    most = page.evaluate(
        f"async () => Math.max(...(await musicexp.stage.render({chord})).getChannelData(0).slice(0, 44100))"
    )
    assert 0.75 < most <= 1.0


LOG = """() => {
  window.struck = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when, offset, length) {
    window.struck.push({ when, now: this.context.currentTime, offset });
    return start.call(this, when, offset, length);
  };
}"""


@pytest.mark.slow
def test_notes_are_planned_ahead_and_on_the_clock_of_the_sound(opened: Open) -> None:
    page = opened()
    page.evaluate(LOG)
    page.keyboard.press("Space")
    until(page, "stage.position() > 2.2")
    struck = page.evaluate("struck")
    assert len(struck) >= 8
    whens = np.array([one["when"] for one in struck])
    assert np.allclose(np.diff(whens), 0.25, atol=1e-6)
    ahead = whens - np.array([one["now"] for one in struck])
    assert ahead.min() >= 0
    assert ahead.max() < 0.5


@pytest.mark.slow
def test_a_page_that_is_kept_busy_catches_up_in_time(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Space")
    until(page, "stage.position() > 0.5")
    page.evaluate(LOG)
    page.evaluate("() => { const end = performance.now() + 900; while (performance.now() < end); }")
    until(page, "stage.position() > 2.5")
    struck = page.evaluate("struck")
    late = [one for one in struck if one["when"] - one["now"] < 1e-3]
    on_time = [one["when"] for one in struck if one["when"] - one["now"] >= 1e-3]
    assert len(late) <= 4
    assert np.allclose((np.diff(on_time) + 0.125) % 0.25, 0.125, atol=1e-6)


# --- where it goes


@pytest.mark.slow
@pytest.mark.parametrize("size", [FRAME, PHONE, DESK])
def test_everything_can_be_done_with_keys(opened: Open, size: tuple[int, int]) -> None:
    page = opened(size)
    key = page.keyboard.press
    key("ArrowRight")
    assert state(page)["place"] == pytest.approx(0.5)
    key("Shift+ArrowRight")
    assert state(page)["place"] == pytest.approx(2.5)
    key("Space")
    until(page, "stage.playing && stage.position() > 2.7")
    before = state(page)["place"]
    for _ in range(10):
        key("-")
    now = state(page)
    assert now["rate"] == pytest.approx(0.5)
    assert 0 <= now["place"] - before < 1.5
    key("0")
    assert state(page)["rate"] == 1
    key("a")
    key("b")
    key("l")
    assert state(page)["loop"] is None
    key("l")
    assert not state(page)["loop"]["whole"]
    key("Escape")
    assert state(page)["loop"] is None
    key("l")
    assert state(page)["loop"]["whole"]
    key("l")
    key("Space")
    assert not state(page)["playing"]
    key("2")
    assert state(page)["current"] == "sample_2"
    key("n")
    key("p")
    key("p")
    assert state(page)["current"] == "sample_1"
    key("Shift+ArrowDown")
    assert state(page)["volume"] == pytest.approx(0.9)
    key("m")
    assert state(page)["volume"] == 0
    key("m")
    key("?")
    assert page.locator("#keys").is_visible()
    key("Escape")
    key("p")  # before the first comes the last
    assert state(page)["current"] == "learning_1000_2"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_a_rate_changes_the_tempo_and_keeps_the_place(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Space")
    until(page, "stage.position() > 1")
    was, now, after = page.evaluate(
        """async () => { const { stage } = musicexp, was = stage.position(); stage.rate = 2; const now = stage.position();
        const from = stage.context.currentTime; await new Promise(done => setTimeout(done, 500));
        return [was, now, (stage.position() - now) / (stage.context.currentTime - from)]; }"""
    )
    assert now == pytest.approx(was, abs=0.1)
    assert after == pytest.approx(2, abs=0.3)


@pytest.mark.slow
def test_a_click_seeks_and_a_drag_loops_whole_beats(opened: Open) -> None:
    page = opened()
    box = page.locator("#roll").bounding_box()

    def x(place: float) -> float:
        return float(box["x"] + page.evaluate(f"musicexp.roll._x({place})"))

    y = box["y"] + box["height"] / 2
    page.mouse.click(x(4), y)
    assert state(page)["place"] == pytest.approx(4, abs=0.1)
    page.mouse.move(x(2.05), y)
    page.mouse.down()
    page.mouse.move(x(3), y)
    page.mouse.move(x(5.9), y)
    page.mouse.up()
    loop = state(page)["loop"]
    assert (loop["from"], loop["to"]) == (pytest.approx(2), pytest.approx(6))
    page.mouse.move(x(6), y)  # its end can be moved
    page.mouse.down()
    page.mouse.move(x(6.4), y)
    page.mouse.move(x(7), y)
    page.mouse.up()
    assert state(page)["loop"]["to"] == pytest.approx(7)
    page.evaluate("musicexp.stage.seek(6.8)")
    page.keyboard.press("Space")
    until(page, "stage.position() > 2 && stage.position() < 4")  # round to the start
    strip = page.locator("#map").bounding_box()
    page.keyboard.press("Escape")
    page.mouse.click(strip["x"] + strip["width"] / 2, strip["y"] + 10)
    assert state(page)["place"] == pytest.approx(state(page)["seconds"] / 2, abs=0.5)


@pytest.mark.slow
def test_a_finger_is_enough(opened: Open) -> None:
    page = opened(PHONE, has_touch=True, is_mobile=True)
    page.locator("#play").tap()
    until(page, "stage.playing && stage.position() > 0.2")
    page.locator("#next").tap()
    assert state(page)["current"] == "sample_2"
    page.locator("#roll").tap(position={"x": 200, "y": 100})
    assert state(page)["place"] > 1
    page.locator("#score").scroll_into_view_if_needed()
    page.locator(".entry").nth(4).tap()
    assert state(page)["current"] == "reference_1"


@pytest.mark.slow
def test_one_after_the_other_passes_over_what_is_empty_and_ends_with_its_group(opened: Open) -> None:
    page = opened()
    page.keyboard.press("t")
    page.keyboard.press("2")
    page.evaluate("() => { window.heard = []; musicexp.stage.addEventListener('piece', () => heard.push(musicexp.stage.piece.id)); musicexp.stage.rate = 2; }")  # fmt: skip
    page.evaluate("musicexp.stage.seek(musicexp.stage.seconds - 0.3)")
    page.keyboard.press("Space")
    until(page, "stage.piece.id === 'sample_4' && stage.playing && stage.position() > 0.1")
    assert page.evaluate("heard") == ["sample_3", "sample_4"]
    page.evaluate("musicexp.stage.seek(musicexp.stage.seconds - 0.2)")
    until(page, "!stage.playing")
    assert state(page)["current"] == "sample_4"


@pytest.mark.slow
def test_one_hears_it_learn(opened: Open) -> None:
    page = opened()
    assert page.locator("#stops li").count() == 3
    page.evaluate("musicexp.stage.rate = 2")
    page.locator("#learn").click()
    until(page, "stage.playing && stage.position() > 0.1")
    assert state(page)["current"] == "learning_10_1"
    page.evaluate("musicexp.stage.seek(musicexp.stage.seconds - 0.2)")
    until(page, "musicexp.current === 'learning_100_1' && stage.position() > 0.1")
    assert page.locator("#stops [aria-current]").count() == 1
    page.locator("#learn").click()
    assert not state(page)["playing"]


@pytest.mark.slow
def test_switching_in_mid_phrase_keeps_the_bar_and_the_beat(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Space")
    until(page, "stage.position() > 2")
    was, now = page.evaluate(
        """() => { const { stage, pieces } = musicexp, was = stage.position();
        stage.switchTo(pieces.find(piece => piece.id === 'reference_1')); return [was, stage.position()]; }"""
    )
    assert now * 90 == pytest.approx(was * 120, rel=0.05)
    assert state(page)["playing"]


# --- what is seen and told


@pytest.mark.slow
def test_an_empty_piece_is_said_to_be_empty_and_names_are_text(opened: Open) -> None:
    page = opened()
    page.keyboard.press("3")
    assert page.locator("#nothing").inner_text() == "<img src=x onerror=alert(1)> has no notes: the model ended it before the first one."  # fmt: skip
    assert page.locator("h1").inner_text() == "quiet <b>otter</b>"
    assert page.locator("main img").count() == 0
    page.keyboard.press("Space")
    until(page, "!stage.playing")


@pytest.mark.slow
def test_the_score_is_unpacked_when_it_is_asked_for(opened: Open) -> None:
    page = opened()
    assert page.locator("#sheet img").count() == 0
    page.keyboard.press("s")
    page.wait_for_function("() => { const image = document.querySelector('#sheet img'); return image && image.naturalWidth > 0; }")  # fmt: skip
    page.keyboard.press("n")
    assert page.locator("#score").is_disabled()
    assert not page.locator("#sheet").is_visible()


@pytest.mark.slow
def test_a_screen_reader_is_told_what_is_asked_and_not_more(opened: Open) -> None:
    page = opened()
    unnamed = page.evaluate("""() => [...document.querySelectorAll('button, select, input, [role=slider]')].filter(one =>
        !one.getAttribute('aria-label') && !one.textContent.trim() && !(one.labels && one.labels.length)).map(one => one.outerHTML)""")  # fmt: skip
    assert unnamed == []
    assert page.locator("#roll").get_attribute("aria-valuetext") == "bar 1 of 8, beat 1, 0:00 of 0:16"
    page.keyboard.press("ArrowRight")
    assert page.locator("#roll").get_attribute("aria-valuetext") == "bar 1 of 8, beat 2, 0:00 of 0:16"
    page.evaluate("""() => { window.told = 0; for (const id of ['said', 'roll']) new MutationObserver(seen => { told += seen.length; })
        .observe(document.getElementById(id), { attributes: true, childList: true, characterData: true, subtree: true }); }""")  # fmt: skip
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    until(page, "stage.position() > 2")
    assert page.evaluate("told") == 0
    page.keyboard.press("n")
    assert page.locator("#said").inner_text() == "sample_2: temperature 1.5 · notes 8"


@pytest.mark.slow
def test_without_ogg_vorbis_plain_tones_are_played_and_the_page_says_so(opened: Open) -> None:
    page = opened()
    page.evaluate("() => { BaseAudioContext.prototype.decodeAudioData = () => Promise.reject(new Error('no such format')); }")  # fmt: skip
    page.keyboard.press("Space")
    until(page, "stage.playing && stage.position() > 0.2")
    assert state(page)["plain"]
    assert "plain tones are played instead" in page.locator("#remarks").inner_text()
    assert np.abs(rendered(page, "sample_2")).max() > 0.05


@pytest.mark.slow
def test_hundreds_of_pieces_stay_usable(opened: Open, tmp_path: Path) -> None:
    many = [PlayerPiece(f"s{k}", f"sample_{k}", "samples", TUNE, (("temperature", f"{k % 7}"),)) for k in range(250)]  # fmt: skip
    path = tmp_path / "many.html"
    path.write_bytes(player_page("many", many, Sound(carried_soundfont())))
    page = opened(address=path.as_uri())
    assert page.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart") < 3000  # fmt: skip
    page.locator("#filter").fill("sample_3")
    shown = page.locator(".entry:visible bdi").all_text_contents()
    assert shown
    assert [name for name in shown if "sample_3" not in name] == []
    page.locator(".entry:visible").last.click()
    until(page, "stage.playing && stage.position() > 0.1")
    assert f"sample_{state(page)['current'][1:]}" == shown[-1]


# --- where it stands


@pytest.mark.slow
def test_it_plays_in_a_sandboxed_frame(opened: Open, player: Path, tmp_path: Path) -> None:
    holder = tmp_path / "holder.html"
    holder.write_text("<body><script>onmessage = ({data}) => { const f = document.createElement('iframe'); f.sandbox = 'allow-scripts';"
                      "f.width = 390; f.height = 150; f.src = URL.createObjectURL(new Blob([data], {type: 'text/html'})); document.body.append(f); }</script>")  # fmt: skip
    page = opened(address=holder.as_uri())
    page.evaluate("text => postMessage(text, '*')", player.read_text(encoding="utf-8"))
    page.wait_for_selector("iframe")
    frame = page.query_selector("iframe").content_frame()
    frame.wait_for_selector("#player")
    assert frame.evaluate("origin") == "null"
    frame.click("#play")
    frame.wait_for_function("() => musicexp.stage.position() > 0.3")
    frame.click("#next")
    assert frame.evaluate("musicexp.current") == "sample_2"
    frame.select_option("#choose", label="5. A chorale")
    assert frame.evaluate("[musicexp.current, musicexp.stage.playing]") == ["reference_1", True]
    visible = {name for name in ("play", "previous", "next", "choose", "roll", "facts", "clock") if frame.locator(f"#{name}").is_visible()}  # fmt: skip
    assert visible == {"play", "previous", "next", "choose", "roll", "facts", "clock"}


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[str]:
    """A real MLflow server on the loopback, over the store."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, log, until = f"http://127.0.0.1:{port}", tmp_path / "server.txt", time.monotonic() + 120
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--host", "127.0.0.1"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "1"],
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def plays(frame: Any) -> None:
    frame.wait_for_selector("#player")
    assert frame.evaluate("origin") == "null"
    frame.click("#play")
    frame.wait_for_function("() => musicexp.stage.playing && musicexp.stage.position() > 0.3")


@pytest.mark.slow
def test_two_runs_play_side_by_side_in_mlflow(browser: Any, server: str, store: str) -> None:
    opened_store = open_store(store, "players")
    runs = []
    for name in ("quiet-otter", "<script>alert(1)</script>"):
        run = opened_store.create_run(name, {})
        run.write("player.html", player_page(name, PIECES, Sound(carried_soundfont())))
        run.close("FINISHED")
        runs.append(run.id)
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server}/#/experiments/{opened_store.experiment_id}/runs/{runs[1]}/artifacts/player.html")
    page.wait_for_selector("iframe", timeout=60_000)
    assert page.query_selector("iframe").get_attribute("sandbox") == "allow-scripts"
    frame = page.query_selector("iframe").content_frame()
    plays(frame)
    assert frame.inner_text("h1") == "<script>alert(1)</script>"
    assistant = page.locator('[data-component-id="mlflow.assistant.chat_panel.close"]')
    if assistant.count():  # open at a first visit, where it leaves no room for the list of files
        assistant.first.click()
    told = {"runs": json.dumps(runs), "experiments": json.dumps([opened_store.experiment_id])}
    page.goto(f"{server}/#/compare-runs?{urllib.parse.urlencode(told, quote_via=urllib.parse.quote)}")
    page.get_by_text("player.html").last.click(timeout=60_000)
    page.wait_for_function("() => document.querySelectorAll('iframe').length === 2", timeout=60_000)
    page.locator("iframe").first.scroll_into_view_if_needed()
    frames = [one.content_frame() for one in page.query_selector_all("iframe")]
    for frame in frames:
        plays(frame)
    assert [frame.evaluate("musicexp.stage.playing") for frame in frames] == [True, True]
    assert all(frame.evaluate("innerHeight") < 200 for frame in frames)
    assert all(frame.is_visible("#roll") and frame.is_visible("#facts") for frame in frames)
    assert errors == []
    page.context.close()
