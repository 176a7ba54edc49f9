"""The page of a judgement in a browser: it is read, played and printed, in a small frame too, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from judgements import FAULT, heat, judged, judgement, passage, whole
from test_player_browser import ARGUMENTS, CHROMIUM, DESK, FRAME, PHONE

from musicexp.render.judged import judged_page
from musicexp.render.sound import Sound, carried_soundfont

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")]
WIDE_OPEN = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&
    !e.closest('.scroll, .sheet, .unseen, svg')).map(e => e.className || e.tagName)"""
HOSTILE = "</script><img src=x onerror=alert(1)>" + "long" * 60

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("judged") / "music.html"
    path.write_bytes(judged_page("quiet <b>otter</b>", whole(), Sound(carried_soundfont())))
    return path


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Open]:
    """Opens a page in a window of some size; at the end nothing was asked of the network, and no error told."""
    contexts, told = [], []

    def opens(size: tuple[int, int] = DESK, path: Path | None = None, **more: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": size[0], "height": size[1]}, **more))
        page = contexts[-1].new_page()
        page.on("console", lambda said: told.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(("file:", "blob:", "data:")) else told.append(asked.url))  # fmt: skip
        page.goto((path or page_file).as_uri())
        return page

    yield opens
    for context in contexts:
        context.close()
    assert told == []


def until(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => {{ const {{ stage, rolls }} = musicexp; return {condition}; }}", timeout=15_000, polling=30)  # fmt: skip


def test_both_passages_are_played_one_after_the_other(opened: Open) -> None:
    page = opened()
    both = page.locator("[data-pair='copy_1 original_1']")
    both.click()
    until(page, "stage.playing && musicexp.current === 'copy_1'")
    assert both.get_attribute("aria-pressed") == "true"
    page.evaluate("musicexp.stage.seek(musicexp.stage.seconds - 0.2)")
    until(page, "stage.playing && musicexp.current === 'original_1'")
    assert page.evaluate("musicexp.stage.plain") is False
    page.keyboard.press("Escape")
    until(page, "!stage.playing")
    assert both.get_attribute("aria-pressed") == "false"


def test_a_passage_is_played_by_the_keyboard_and_goes_on_at_its_own_place(opened: Open) -> None:
    page = opened()
    button = page.locator("[data-play='copy_2']")
    button.focus()
    page.keyboard.press("Space")
    until(page, "stage.playing && musicexp.current === 'copy_2' && stage.position() > 0.3")
    other = page.locator("[data-play='original_2']")
    other.click()
    until(page, "stage.playing && musicexp.current === 'original_2'")
    assert [button.get_attribute("aria-pressed"), other.get_attribute("aria-pressed")] == ["false", "true"]
    other.click()
    until(page, "!stage.playing")
    roll = page.locator("[data-roll='original_2']")
    roll.focus()
    page.keyboard.press("Home")
    until(page, "stage.position() === 0")
    page.keyboard.press("ArrowRight")
    until(page, "stage.position() > 0")


def test_what_is_played_is_what_is_told(opened: Open) -> None:
    """The copy, moved back, sounds like the tune it came from: as loud, at the same places."""
    page = opened()
    sides = page.evaluate(
        """async () => { const found = [];
        for (const id of ['copy_1', 'original_1']) {
          const piece = musicexp.rolls.get(id).piece, buffer = await musicexp.stage.render(piece, { seconds: 2 });
          const samples = buffer.getChannelData(0); let square = 0;
          for (const one of samples) square += one * one;
          found.push(Math.sqrt(square / samples.length)); }
        return found; }"""
    )
    assert sides[0] == pytest.approx(sides[1], rel=0.02)
    assert sides[0] > 0.001


def test_scores_are_drawn_where_they_were_engraved(opened: Open) -> None:
    pytest.importorskip("verovio")
    page = opened()
    page.wait_for_function("() => document.querySelectorAll('.sheet img').length === 8 && [...document.querySelectorAll('.sheet img')].every(i => i.naturalWidth > 0)")  # fmt: skip


@pytest.mark.parametrize("size", [DESK, (820, 1000), PHONE, FRAME])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out(opened: Open, size: tuple[int, int], scheme: str) -> None:
    page = opened(size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.evaluate(WIDE_OPEN) == []


def test_a_small_frame_shows_what_tells_most(opened: Open) -> None:
    """MLflow shows an artifact in 390 x 150 pixels when it compares runs."""
    page = opened(FRAME)
    for words in ("broken", "copies", "repeated 4-grams", "groove similarity", "Nearest to the corpus"):
        box = page.get_by_text(words, exact=False).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= FRAME[1], words


def test_in_a_frame_that_allows_scripts_alone(opened: Open, page_file: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe sandbox="allow-scripts" src="{page_file.as_uri()}" width=600 height=600></iframe>'
    )
    page = opened(DESK, outer)
    frame = page.frames[1]
    frame.wait_for_selector("[data-play='copy_1']")
    frame.click("[data-play='copy_1']")
    frame.wait_for_function("() => musicexp.stage.playing && !musicexp.stage.plain", timeout=15_000)


def test_on_paper_a_dark_page_is_a_light_one(opened: Open) -> None:
    page = opened(DESK, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 27)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 247)"
    assert page.locator(".play").first.is_hidden()


def test_hostile_names_run_nothing_and_stay_inside(opened: Open, tmp_path: Path) -> None:
    found = judgement(
        judged(HOSTILE, passages=[passage(0, HOSTILE, HOSTILE)], faults=[FAULT]), swept=heat((1.0,))
    )
    path = tmp_path / "hostile.html"
    path.write_bytes(judged_page(HOSTILE, found, None))
    page = opened(PHONE, path)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.locator("[data-play='copy_1']").click()
    until(page, "stage.playing")  # without an instrument plain tones are played


def test_every_picture_and_button_has_a_name(opened: Open) -> None:
    page = opened()
    unnamed = "e => !(e.getAttribute('aria-label') || e.getAttribute('aria-hidden') || e.textContent.trim())"
    assert page.evaluate(f"[...document.querySelectorAll('svg, button, [role]')].filter({unnamed}).filter(e => e.id !== 'said').length") == 0  # fmt: skip
