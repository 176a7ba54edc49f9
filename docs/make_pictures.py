"""Makes the README's pictures from two real runs, as a browser shows them: `make pictures`.

The page of a blind study is made by the command that a user gives; of a vote there is none.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import musicexp
from musicexp.tracking import open_store, store_path, store_uri

DOCS = Path(__file__).parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RUNS = {"default": (), "slower": ("lr=1e-3",)}
SECONDS = 120_000
"""Milliseconds that a page may take."""


def main() -> int:
    """Train, open, photograph."""
    if CHROMIUM is None:
        print("pictures are made by Chromium, which is not installed", file=sys.stderr)
        return 2
    for name, words in RUNS.items():
        musicexp.run(f"name={name}", "samples.every=200", *words)
    run = musicexp.load_run("default")
    for picture in ("loss.png", "roll.png"):
        (DOCS / picture).write_bytes(run.read(picture))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        player(browser)
        music(browser)
        compare(browser)
        listen(browser)
        in_mlflow(browser)
        browser.close()
    return 0


def music(browser: Any) -> None:
    """How a run's melodies stand beside real music: the beginning of the page."""
    page = opened(browser, artifact("default", "music.html").as_uri(), 1200, 1000)
    page.screenshot(path=DOCS / "music.png")


def player(browser: Any) -> None:
    """A run's own page, playing, with the score open."""
    page = opened(browser, artifact("default", "player.html").as_uri(), 1200, 900)
    page.keyboard.press(" ")
    page.wait_for_function("() => musicexp.stage.position() > 3")
    page.screenshot(path=DOCS / "player.png")


def compare(browser: Any) -> None:
    """The page that `compare` writes."""
    said = subprocess.run(
        [sys.executable, "-m", "musicexp", "compare", *RUNS], capture_output=True, text=True, check=True
    ).stdout
    place = Path(re.findall(r"^page +(.*)$", said, re.MULTILINE)[-1])
    page = opened(browser, place.absolute().as_uri(), 1200, 900)
    page.screenshot(path=DOCS / "compare.png", full_page=True)


def listen(browser: Any) -> None:
    """The page of a blind study at its first pair."""
    with serving("listen", *RUNS, "seed=1") as address:
        page = opened(browser, address, 1000, 640)
        page.screenshot(path=DOCS / "listen.png")


def in_mlflow(browser: Any) -> None:
    """Two players side by side in MLflow's own page."""
    store = open_store(store_uri(None), "musicexp", create=False)
    told = {
        "runs": json.dumps([store.find(name).id for name in RUNS]),
        "experiments": json.dumps([store.experiment_id]),
    }
    with serving("ui") as address:
        server = address.partition("/#")[0]
        page = opened(browser, address, 1400, 1000)
        assistant = page.locator('[data-component-id="mlflow.assistant.chat_panel.close"]')
        if assistant.count():
            assistant.first.click()
        page.goto(f"{server}/#/compare-runs?{urllib.parse.urlencode(told, quote_via=urllib.parse.quote)}")
        page.get_by_text("player.html").last.click(timeout=SECONDS)
        page.wait_for_function("() => document.querySelectorAll('iframe').length === 2", timeout=SECONDS)
        page.locator("iframe").first.scroll_into_view_if_needed()
        for frame in [one.content_frame() for one in page.query_selector_all("iframe")]:
            frame.wait_for_selector("#player")
            frame.click("#play")
            frame.wait_for_function("() => musicexp.stage.position() > 1.5")
        page.screenshot(path=DOCS / "mlflow_compare.png")


def opened(browser: Any, address: str, width: int, height: int) -> Any:
    """A page, drawn."""
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(address)
    page.wait_for_load_state("load")
    page.wait_for_timeout(1500)
    return page


def artifact(name: str, file: str) -> Path:
    """Where a file of a run lies."""
    run = open_store(store_uri(None), "musicexp", create=False).find(name)
    assert store_path(store_uri(None)) is not None, "a store on this machine"
    return Path(run.place, file)


@contextmanager
def serving(*words: str) -> Iterator[str]:
    """A command that serves a page, and the page's address."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "musicexp", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        found = (re.search(r"http://\S+", line) for line in process.stdout)
        try:
            yield next(match[0] for match in found if match)
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
