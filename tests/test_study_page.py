"""The page of a study: what it says first, that it stands alone, and that odd studies break nothing."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from musicexp.music import Note, Piece
from musicexp.render.axes import MINUS, Axis, categories, numeric, short
from musicexp.render.player import PlayerPiece, player_page
from musicexp.render.plots import Line, Point, plot
from musicexp.render.sound import Sound, carried_soundfont
from musicexp.report import (
    Candidate,
    Dimension,
    Importance,
    Objective,
    Study,
    Trial,
    study_figures,
    study_lines,
    study_page,
    trials_csv,
)
from musicexp.report.study_facts import figure, front, leading, measured, ranked, reach, setting, verdict

HOSTILE = "<img src=x onerror=alert(1)>&\"'\x1b[31m\u202e"
ALL_FIGURES = ["history.svg", "curves.svg", "slices.svg", "parallel.svg", "importance.svg", "pareto.svg"]
LR = Dimension("lr", 1e-5, 1e-1, log=True)
SIZE = Dimension("model.hidden_size", 64, 512)
KIND = Dimension("optimizer", choices=("adam", None, True, "a_very_long_name_of_an_optimizer" * 4))


def trial(number: int, found: float | None, state: Any = "complete", **more: Any) -> Trial:
    """A trial whose settings follow from its number."""
    swept = {"lr": 10 ** (-5 + number % 9 / 2), "model.hidden_size": 64 + 37 * number % 449, "optimizer": KIND.choices[number % 4]}  # fmt: skip
    given: dict[str, Any] = {"settings": swept, "seconds": 60.0 + number, "runs": (f"{number:032x}",)} | more
    if found is not None:
        given.setdefault("figures", {"bits_per_note/val": 2 * found, "seconds": given["seconds"]})
        given.setdefault("curve", tuple((1000.0 * 2**k, found + 3 / 2**k) for k in range(9)))
    return Trial(number, state, values=(found,) if found is not None and state == "complete" else (), **given)


def study(*trials: Trial, **more: Any) -> Study:
    given: dict[str, Any] = {
        "name": "small", "objectives": (Objective("loss/val"),), "dimensions": (LR, SIZE, KIND), "trials": trials, "target": 40,
        "words": ("dataset=ryans",), "dataset": "ryans", "sampler": "tpe", "pruner": "hyperband", "budget": "tokens", "workers": 2,
        "seconds": 3600.0, "trained_seconds": 5400.0,
    }  # fmt: skip
    done = [t for t in trials if t.values and t.feasible]
    if done:
        best = min(done, key=lambda t: t.values)
        given |= {"best": ("lr=0.002", "samples.temperature=[1.0,1.5]"), "best_number": best.number}
    return Study(**(given | more))


def whole() -> Study:
    """A study in which everything occurs."""
    trials = [trial(k, 2.5 + math.sin(k) / 4) for k in range(34)]
    trials[5] = trial(5, None, "failed", reason="loss is not a number " + HOSTILE)
    trials[6] = trial(6, None, "pruned", curve=((1000.0, 3.5), (2000.0, 3.0)), saved_seconds=600.0)
    trials[7] = trial(7, 40.0)
    trials[8] = trial(8, 2.0, feasible=False)
    trials[9] = trial(9, None, "running", resume_of=6)
    confirmed = (
        Candidate("trial 11", {"lr": 0.002}, (2.2, 2.3), 2.25, 2.2, 2.3, (-0.2, -0.3, -0.1), (2.4, 2.3, 2.5)),
        Candidate("trial 17", {"lr": 0.001}, (2.3, 2.4), 2.35, 2.3, 2.4, (-0.1, -0.3, 0.1)),
        Candidate("default", {}, (2.4, 2.5), 2.45, 2.4, 2.5),
    )
    shares = tuple(
        Importance(d.name, s, s / 2, s * 1.5) for d, s in zip((LR, SIZE, KIND), (0.6, 0.3, 0.1), strict=True)
    )
    return study(*trials, confirmed=confirmed, importance=shares)


class Read(HTMLParser):
    """A page that must be well formed: its tags, and its text without style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        began = self.open.pop()
        assert began == tag, f"<{began}> is ended by </{tag}>"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def words(self) -> str:
        return " ".join(self.text.split())


def checked(found: Study) -> Read:
    """The page of a study, after what holds for every page, file and line."""
    page = study_page(found)
    read = Read(page)
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.S))
    assert not re.search(r'[" MLHVhv,](nan|inf)\b', drawn, re.I)
    for kind, attributes in read.tags:
        if kind == "svg":
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 20
        assert not any(key.startswith("on") for key in attributes)
        assert kind not in ("img", "link", "iframe", "object")
        assert attributes.get("src") is None
        assert attributes.get("href", "#").startswith("#")
    assert [a["id"] for _, a in read.tags if "id" in a].count("result") == 1
    for name, content in study_figures(found).items():
        assert name in ALL_FIGURES
        assert ElementTree.fromstring(content).tag.endswith("svg")
        assert b"var(" not in content
    rows = list(csv.reader(io.StringIO(trials_csv(found).decode())))
    assert len(rows) == 1 + len(found.trials)
    assert len({len(row) for row in rows}) == 1
    for line in study_lines(found):
        assert "\n" not in line
        assert "\x1b" not in line
    return read


# ---------------------------------------------------------------------------------------------------
# What the page says


def test_the_whole_page_says_what_was_found() -> None:
    words = checked(whole()).words()
    assert "python -m musicexp run lr=0.002 'samples.temperature=[1.0,1.5]'" in words
    assert (
        "The best, trial 11: 2.2500 on average of 2 seeds (95 % interval 2.2000 to 2.3000). Better than"
        in words
    )
    assert "within seed noise (the interval includes 0)" in words
    assert "Test figure of the best, trial 11: 2.4000" in words
    assert "1 trial was pruned, which saved about 10 min 0 s beside 1 h 30 min trained: 10 % of" in words
    assert "from the seconds per iteration of each pruned trial" in words
    assert "Finished31of 40 trials; 1 running" in words
    assert "not confirmed" not in words
    assert list(study_figures(whole())) == ALL_FIGURES


def test_the_order_is_that_of_a_reader_in_a_hurry() -> None:
    found = [a["id"] for kind, a in checked(whole()).tags if kind == "section"]
    assert found == ["result", "confirmation", "along", "settings", "together", "importance", "luck", "costs", "pruning", "trials", "asked"]  # fmt: skip


def test_without_confirmation_nothing_is_called_best() -> None:
    found = dataclasses.replace(whole(), confirmed=())
    words = checked(found).words()
    assert "leading so far, not confirmed: a winner of many noisy trials is no winner" in words
    assert "confirm=3x5" in words
    assert "The best, " not in words
    assert any("not confirmed" in line for line in study_lines(found))


def test_a_hostile_name_stays_text() -> None:
    hostile = dataclasses.replace(
        whole(), name=HOSTILE, dataset=HOSTILE, sampler=HOSTILE, objectives=(Objective(HOSTILE),),
        dimensions=(Dimension("x", choices=(HOSTILE, 1)), Dimension(HOSTILE, 0, 1)),
        trials=tuple(trial(k, 1.0 * k, settings={"x": HOSTILE, HOSTILE: 0.5}) for k in range(3)),
    )  # fmt: skip
    read = checked(hostile)
    assert "<img src=x" in read.words()
    assert "\\x1b" in read.words()


def test_the_script_is_the_only_one_that_may_run() -> None:
    page = study_page(whole())
    assert page.count("<script>") == 1
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", page)
    assert "default-src 'none'" in page


def test_importance_is_hidden_below_thirty_trials_and_for_several_objectives() -> None:
    few = study(*(trial(k, 2.0 + k) for k in range(4)))
    assert "Hidden below 30 finished trials (4 here)" in checked(few).words()
    assert "importance.svg" not in study_figures(few)
    two = (Objective("loss/val"), Objective("seconds"))
    several = study(*(trial(k, 2.0, feasible=k != 2) for k in range(4)), objectives=two)
    several = dataclasses.replace(several, trials=tuple(dataclasses.replace(t, values=(2.0 + t.number, 9.0 - t.number)) for t in several.trials))  # fmt: skip
    words = checked(several).words()
    assert "Not given for several objectives" in words
    assert "On the front3trials that none beats in all" in words
    assert "loss/val against seconds" not in words or "bits_per_note/val against seconds" in words
    assert len(re.findall("History of", words)) == 2


@pytest.mark.parametrize(
    ("between", "direction", "word"),
    [
        ((-0.2, -0.3, -0.1), "minimize", "better"),
        ((-0.2, -0.3, -0.1), "maximize", "worse"),
        ((0.2, 0.1, 0.3), "minimize", "worse"),
        ((0.1, -0.1, 0.3), "maximize", "within seed noise"),
        ((0.1, 0.0, 0.2), "minimize", "within seed noise"),
        ((0.1, math.nan, math.nan), "minimize", "within seed noise"),
    ],
)
def test_the_verdict_reads_the_interval(between: tuple[float, float, float], direction: Any, word: str) -> None:  # fmt: skip
    assert verdict(Candidate("trial 1", {}, (), 1, 1, 1, between), direction).startswith(word)


# ---------------------------------------------------------------------------------------------------
# Odd studies


ODD = {
    "no trials": study(),
    "one running": study(trial(0, None, "running")),
    "all failed": study(*(trial(k, None, "failed", reason="out of memory") for k in range(3))),
    "all pruned": study(*(trial(k, None, "pruned", curve=((1e3, 2.0 + k),)) for k in range(3))),
    "one trial": study(trial(0, 2.5)),
    "all equal": study(*(trial(k, 2.5) for k in range(9))),
    "all infeasible": study(*(trial(k, 2.5 + k, feasible=False) for k in range(3))),
    "one dimension": study(*(trial(k, 2.5 + k) for k in range(5)), dimensions=(LR,)),
    "no dimension": study(*(trial(k, 2.5 + k) for k in range(5)), dimensions=()),
    "not a number": study(trial(0, math.nan), trial(1, math.inf), trial(2, 2.5, curve=((1.0, math.nan), (2.0, 2.5)))),
    "enormous": study(trial(0, 1e308), trial(1, -1e308), trial(2, 5e-324), trial(3, 0.0)),
    "maximised and negative": study(*(trial(k, -2.0 - k) for k in range(9)), objectives=(Objective("score", "maximize"),), best_number=0),
    "missing settings": study(*(trial(k, 2.0 + k, settings={"lr": 0.1} if k else {}) for k in range(4))),
    "settings outside their range": study(*(trial(k, 2.0 + k, settings={"lr": 0.0, "optimizer": "sgd", "model.hidden_size": "x"}) for k in range(4))),
    "the default won": study(trial(0, 2.0), best_number=None, confirmed=(Candidate("default", {}, (2.0,), 2.0, 2.0, 2.0),)),
    "budget of nothing": study(trial(0, 2.0, curve=((0.0, 3.0), (1e6, 2.0)))),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_study_has_a_page(kind: str) -> None:
    checked(ODD[kind])


def test_what_odd_pages_say() -> None:
    assert "No trial has begun yet." in checked(ODD["no trials"]).words()
    assert study_figures(ODD["no trials"]) == {}
    assert "No trial has finished yet." in checked(ODD["all failed"]).words()
    assert study_lines(ODD["all failed"])[-1] == "result   none: no trial has finished"
    assert "No candidate did better than the default." in checked(ODD["the default won"]).words()
    assert "score, trial 0; not confirmed" in checked(ODD["maximised and negative"]).words()
    assert [t.number for t in ranked(ODD["maximised and negative"])] == list(range(9))
    assert leading(ODD["all infeasible"]) is None


def test_a_thousand_trials_stay_readable() -> None:
    trials = [trial(k, 2.5 + math.sin(k)) if k % 3 else trial(k, None, "pruned", curve=((1e3, 3.0), (2e3, 2.9))) for k in range(1000)]  # fmt: skip
    long = tuple((10.0 + k, 3.0 - k / 1000) for k in range(500))
    found = study(*trials[:990], *(dataclasses.replace(t, curve=long) for t in trials[990:]))
    page = study_page(found)
    assert len(page) < 3_000_000
    assert page.count("<tr>") > 1000
    assert "160 of 1,000 curves are drawn" in page
    assert sum(map(len, study_figures(found).values())) < 1_500_000


# ---------------------------------------------------------------------------------------------------
# Lines and CSV


def test_lines_end_with_the_command() -> None:
    lines = study_lines(whole())
    assert lines[-1] == "         python -m musicexp run lr=0.002 'samples.temperature=[1.0,1.5]'"
    assert lines[-2] == "best     trial 11, confirmed"
    assert any(line.split()[:3] == ["trial", "loss/val", "lr"] for line in lines)
    assert sum(bool(re.match(r" +\d+ +2\.\d", line)) for line in lines) == 5


def test_csv_holds_figures_in_full() -> None:
    found = list(csv.DictReader(io.StringIO(trials_csv(whole()).decode())))
    assert float(found[1]["value/loss/val"]) == whole().trials[1].values[0]
    assert float(found[1]["setting/lr"]) == whole().trials[1].settings["lr"]
    assert found[1]["setting/optimizer"] == "null"
    assert (found[5]["state"], found[5]["value/loss/val"]) == ("failed", "")
    assert found[8]["feasible"] == "false"
    assert found[9]["resume_of"] == "6"


# ---------------------------------------------------------------------------------------------------
# Facts and axes

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@settings(max_examples=60)
@given(st.lists(numbers, min_size=1, max_size=8), st.booleans())
@example([999999999000.0], True)
def test_ticks_cover_the_values_and_rise(values: list[float], log: bool) -> None:
    """The example: half of it lay a rounding below its mark, and the scale began before its first tick."""
    axis = numeric(values, log=log)
    places = [value for value, _ in axis.ticks]
    assert places == sorted(set(places))
    assert 2 <= len(places) <= 14
    assert axis.low <= min(values) <= max(values) <= axis.high
    assert (axis.low, axis.high) == (places[0], places[-1])
    assert all(0 <= axis.share(value) <= 1 for value in values)
    assert len({words for _, words in axis.ticks}) == len(places)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=4), st.booleans())
def test_coordinates_are_finite_whatever_the_values(values: list[tuple[float, float]], log: bool) -> None:
    x, y = numeric([v for v, _ in values], log=log), numeric([v for _, v in values])
    drawn = plot(x, y, [Point(*v, "done", "") for v in values], [Line(values)], "any values at all")
    ElementTree.fromstring(drawn)
    assert not re.search(r"nan|inf[^e]", drawn)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_the_front_is_what_nothing_beats(points: list[tuple[int, int]]) -> None:
    def beats(a: tuple[int, int], b: tuple[int, int]) -> bool:
        return a != b and a[0] <= b[0] and a[1] >= b[1]

    found = front(points, ("minimize", "maximize"))
    assert sorted(found) == [k for k, p in enumerate(points) if not any(beats(q, p) for q in points)]
    assert all(points[a][0] <= points[b][0] for a, b in itertools.pairwise(found))


def test_ticks_are_round() -> None:
    assert [words for _, words in numeric([2.21, 2.73]).ticks] == ["2.2", "2.4", "2.6", "2.8"]
    assert [words for _, words in numeric([1, 3]).ticks] == ["1", "2", "3"]
    assert [words for _, words in numeric([1e-5, 1e-1], log=True).ticks] == [f"1e{MINUS}5", "0.0001", "0.001", "0.01", "0.1"]  # fmt: skip
    assert [words for _, words in numeric([8, 128], log=True).ticks] == ["5", "10", "20", "50", "100", "200"]
    assert [words for _, words in numeric([-40_000, 0]).ticks] == [
        *(f"{MINUS}{k}0k" for k in (4, 3, 2, 1)),
        "0",
    ]
    assert short(1_500_000) == "1.5M"
    assert categories(["a", "b"]).share(0) == 0.25
    assert Axis(1, 100, (), log=True).share(10) == pytest.approx(0.5)


def test_an_axis_leaves_out_what_is_far_worse() -> None:
    values = [2.0 + k / 10 for k in range(10)]
    assert reach([*values, 40.0], "minimize") == values
    assert reach([*values, 40.0], "maximize") == [*values, 40.0]
    assert reach([2.0] * 9 + [40.0], "minimize") == [2.0] * 9 + [40.0]


def test_settings_and_figures_in_words() -> None:
    assert [setting(v) for v in (None, True, 3, 0.00123456, "a\nb")] == ["null", "true", "3", "0.001235", "a\\x0ab"]  # fmt: skip
    assert [figure(v) for v in (2.21, -0.5, 123.456, 12345.6, 1e-5, None)] == ["2.2100", f"{MINUS}0.5000", "123.5", "12,346", f"1e{MINUS}5", "none"]  # fmt: skip


def test_a_front_takes_the_objective_and_not_a_figure_of_its_name() -> None:
    found = study(trial(0, 2.0, figures={"loss/val": 9.0, "seconds": 5.0}))
    assert measured(found, found.trials[0], "loss/val") == 2.0
    assert measured(found, found.trials[0], "seconds") == 5.0
    assert measured(found, found.trials[0], "parameters") is None


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not here")
@pytest.mark.parametrize("size", ["1280,3000", "500,844"])
def test_a_browser_draws_it(tmp_path: Path, size: str) -> None:
    (tmp_path / "index.html").write_text(study_page(whole()), encoding="utf-8")
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             f"--window-size={size}"]  # fmt: skip
    place = (tmp_path / "index.html").as_uri()
    subprocess.run([*words, f"--screenshot={tmp_path / 'page.png'}", place], check=True, capture_output=True, timeout=120)  # fmt: skip
    assert (tmp_path / "page.png").stat().st_size > 20_000
    # The buttons of the table are there only if the script may run.
    shown = subprocess.run(
        [*words, "--dump-dom", place], check=True, capture_output=True, timeout=120, text=True
    )
    assert "<button>" in shown.stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not here")
def test_the_best_are_played_within_it(tmp_path: Path) -> None:
    """A frame inherits its page's policy: without the player's hash in it no script of the player's ran."""
    from playwright.sync_api import sync_playwright

    tune = Piece.of([Note(k * 12, 12, 60 + k % 8) for k in range(32)])
    entries = [PlayerPiece(f"trial_{k}", f"trial {k}", "samples", tune) for k in range(2)]
    player = player_page("the best", entries, Sound(carried_soundfont()))
    (tmp_path / "index.html").write_text(study_page(whole(), player, ["trial 7 <gone>"]), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_page()
        said: list[str] = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda request: said.append(request.url) if request.url.startswith("http") else None
        )
        page.goto((tmp_path / "index.html").as_uri())
        frame = page.frame_locator("iframe.player")
        frame.get_by_role("button", name="Play", exact=True).click()
        page.wait_for_timeout(700)
        inner = page.frames[1]
        assert inner.evaluate("window.musicexp.stage.position()") > 0.2
        assert page.get_by_text("trial 7 <gone>").count() == 1
        assert not said
        browser.close()
