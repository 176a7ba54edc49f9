"""`data`: a real folder described on a page, in JSON and in lines, with nothing trained."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import melody

import musicexp
from musicexp.cli import main
from musicexp.cli.complete import candidates
from musicexp.config import compose
from musicexp.data import prepare_store
from musicexp.errors import MusicError, SettingError, StoreError
from musicexp.music import Note, Piece, write_midi
from musicexp.music.collections import collection
from musicexp.report import Description, collection_lines, data_folder, data_lines, describe, page_folder
from musicexp.report.data_lines import hours, ratio, remarks, share
from musicexp.report.html import text, visible
from musicexp.report.tally import MusicTally, melodic_intervals, sounding_steps

HOSTILE = "<img src=x onerror=alert(1)>&amp;\"'.mid"
BROKEN = "broken \x1b[31m\u202e<script>.mid"
VOID = {"meta", "path", "br"}


def make_music(folder: Path) -> Path:
    """Twelve tunes, one of them twice in other keys, one with a hostile name, and two files that are no music."""
    folder.mkdir()
    for seed in range(10):
        write_midi(melody(seed), folder / f"tune{seed:02}.mid")
    write_midi(melody(10), folder / HOSTILE)
    again = melody(0)
    write_midi(again.only(np.ones(len(again), dtype=bool), pitch=again.pitch + 2), folder / "again.mid")
    (folder / BROKEN).write_bytes(b"MThd nothing")
    (folder / "empty.mid").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_music(tmp_path_factory.mktemp("music") / "my <b>tunes")


@pytest.fixture(scope="module")
def made(music: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Description, Path]:
    """The description of that folder and where its page is."""
    out = tmp_path_factory.mktemp("page") / "page"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MUSICEXP_CACHE", str(cache))
        return musicexp.describe(*words(music), f"out='{out}'"), out


def words(music: Path) -> list[str]:
    return ["dataset=midi", f'dataset.path="{music}"']


@pytest.fixture(autouse=True)
def place(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, no store from the environment, and the shared cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MUSICEXP_CACHE", str(cache))
    return tmp_path


class Read(HTMLParser):
    """A page as its reader meets it: tags with attributes, and the words of every element that has an end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[tuple[str, int]] = []
        self.words: dict[str, list[str]] = {}
        self.text: list[str] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append((tag, len(self.text)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        began, start = self.open.pop()
        assert began == tag, f"<{began}> is ended by </{tag}>"
        self.words.setdefault(tag, []).append(" ".join("".join(self.text[start:]).split()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1][0] != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def page(made: tuple[Description, Path]) -> Read:
    return Read((made[1] / "index.html").read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------------------------------
# Figures


def test_the_page_and_the_json_tell_the_same(made: tuple[Description, Path], page: Read) -> None:
    told = json.loads((made[1] / "data.json").read_text(encoding="utf-8"))
    assert told == made[0].as_dict() == json.loads(json.dumps(told))
    tiles = dict(zip(page.words["dt"], page.words["dd"], strict=True))
    sides = " · ".join(f"{s['pieces']:,} {w}" for s, w in zip(told["sides"], ("train", "validation", "test"), strict=True))  # fmt: skip
    assert tiles["Pieces"] == f"{told['pieces']:,}{sides}"
    assert tiles["Notes"].startswith(f"{told['notes']:,}")
    assert tiles["Tokens"].startswith(f"{told['tokens']['total']:,}")
    assert tiles["Comes back"].startswith(ratio(told["losses"][0]["f1"]))
    cells = page.words["td"] + page.words["th"]
    for loss in told["losses"]:
        assert ratio(loss["f1"]) in cells
        assert f"{loss['sums']['notes']:,}" in cells
    for token, times in told["tokens"]["commonest"]:
        assert token in cells
        assert f"{times:,}" in cells
    for what, why in told["rejected"]["first"]:
        assert visible(what) in cells
        assert why in cells


def test_figures_agree_among_themselves_and_with_the_files(made: tuple[Description, Path]) -> None:
    found = made[0]
    assert (found.files, found.pieces, found.rejected.count) == (14, 12, 2)
    assert {what for what, _ in found.rejected.first} == {
        "broken \x1b[31m\u202e<script>.mid",
        "empty.mid",
    } or {visible(what) for what, _ in found.rejected.first} == {visible(BROKEN), "empty.mid"}
    assert found.rejected_csv.count(b"\n") >= 3
    pieces = [melody(seed) for seed in range(11)] + [melody(0)]
    assert found.notes == sum(map(len, pieces)) == sum(found.music.pitches)
    assert found.music.quarters == pytest.approx(sum(piece.quarters for piece in pieces))
    assert found.music.hours == pytest.approx(sum(piece.seconds for piece in pieces) / 3600, rel=1e-6)
    assert sum(found.music.sounding_quarters) == pytest.approx(found.music.quarters)
    assert sum(n for _, n in found.music.durations) + found.music.longer_notes == found.notes
    assert sum(side.pieces for side in found.sides) == found.pieces
    assert sum(side.notes for side in found.sides) == found.notes
    assert sum(side.tokens for side in found.sides) == found.tokens.total
    assert sum(key.pieces for key in found.music.keys) == found.pieces
    assert {loss.kind for loss in found.losses} == {"abc", "events", "notes", "pitches", "voice"}
    assert [loss.kind for loss in found.losses if loss.configured] == ["notes"] == [found.losses[0].kind]
    assert all(loss.whole and loss.f1 == 1 for loss in found.losses if loss.kind in ("notes", "events"))


def test_duplicates_are_told_by_name_and_side(made: tuple[Description, Path]) -> None:
    duplicates = made[0].duplicates
    assert (duplicates.groups, duplicates.pieces) == (1, 2)
    (group,) = duplicates.largest
    assert {name for name, _ in group.members} == {"again.mid", "tune00.mid"}
    assert len({side for _, side in group.members}) == 1


def test_examples_come_from_every_side(made: tuple[Description, Path], page: Read) -> None:
    assert {example.side for example in made[0].examples} == {"train", "val", "test"}
    rolls = [
        attributes for tag, attributes in page.tags if tag == "div" and attributes.get("class") == "roll"
    ]
    assert len(rolls) == len(made[0].examples)


def test_other_representations_are_tried_on_a_sample(
    music: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["musicexp.report.describe"]
    monkeypatch.setattr(module, "SAMPLED", 5)
    found = describe(compose(words(music)), [], cache)
    assert {(loss.kind, loss.pieces, loss.whole) for loss in found.losses} == {
        ("notes", 12, True), ("abc", 5, False), ("events", 5, False), ("pitches", 5, False), ("voice", 5, False),
    }  # fmt: skip
    assert "on 5 pieces" in musicexp.report.data_page(found)


def test_a_later_run_finds_the_data_ready(made: tuple[Description, Path], music: Path, cache: Path) -> None:
    config = compose(words(music))
    before = sorted((cache / "prepared").iterdir())
    prepare_store(config.dataset, config.split, config.tokens, cache)
    assert sorted((cache / "prepared").iterdir()) == before


def test_what_sounds_at_once_is_measured_in_time() -> None:
    # Steps 0-12 silence, 12-24 one note, 24-36 two, 36-48 one; at 48 one begins where one ends; to 60.
    piece = Piece.of([Note(12, 24, 60), Note(24, 24, 64), Note(48, 12, 64)])
    assert sounding_steps(piece).tolist()[:4] == [12, 36, 12, 0]


def test_intervals_are_those_within_a_part() -> None:
    upper = [Note(0, 24, 72), Note(24, 24, 74), Note(48, 24, 71)]
    lower = [Note(0, 24, 48, part=1), Note(0, 24, 55, part=1), Note(36, 24, 53, part=1)]
    assert sorted(melodic_intervals(Piece.of([*upper, *lower])).tolist()) == [-3, -2, 2]


def test_the_tally_tells_written_keys_from_analysed_ones() -> None:
    scale = [Note(12 * k, 12, pitch) for k, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60))]
    tally = MusicTally(3)
    for key in ("C major", "F# major", ""):
        tally.add(Piece.of(scale, key=key))
    assert (tally.written["C major"], tally.written["F# major"], tally.analysed["C major"]) == (1, 1, 1)
    assert (tally.compared, tally.agreeing) == (2, 1)
    assert tally.ambitus.tolist() == [12, 12, 12]


def test_numbers_in_words_flatter_nothing() -> None:
    assert [ratio(x) for x in (1.0, 0.99999, float("nan"))] == ["1.0000", "0.9999", "none"]
    assert [share(x, 10_000) for x in (0, 1, 9_999, 10_000)] == ["0 %", "under 0.1 %", "over 99.9 %", "100 %"]
    assert [hours(x) for x in (17.123, 0.5, 0.01)] == ["17.1 hours", "30.0 minutes", "36 seconds"]


# ---------------------------------------------------------------------------------------------------
# The page


def test_nothing_in_a_name_becomes_part_of_the_page(made: tuple[Description, Path], page: Read) -> None:
    whole = (made[1] / "index.html").read_text(encoding="utf-8")
    assert not {tag for tag, _ in page.tags} & {"script", "img", "b", "iframe", "link", "object"}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert "\x1b" not in whole
    assert "\u202e" not in whole
    assert any("my <b>tunes" in words for words in page.words["h1"])
    assert text("<\u202e&\x00'\ud800") == "&lt;\\u202e&amp;\\x00&#x27;\\ud800"


def test_the_page_needs_nothing_from_elsewhere(made: tuple[Description, Path], page: Read) -> None:
    whole = (made[1] / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in whole
    assert not re.search(r"https?:|url\(|@import", whole)
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    anchors = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    assert links - {"data.json", "rejected.csv"} <= anchors
    assert "prefers-color-scheme:dark" in whole


def test_the_page_can_be_read_without_seeing_it(page: Read) -> None:
    names = [tag for tag, _ in page.tags]
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if tag == "svg":
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 10
        if tag == "html":
            assert attributes["lang"] == "en"
        if attributes.get("role") == "region":
            assert attributes["aria-label"]
    assert names.count("caption") == names.count("table")
    assert {"main", "nav", "header", "footer"} <= set(names)


# ---------------------------------------------------------------------------------------------------
# Where it is written


def test_a_folder_with_other_things_is_refused_before_anything_is_read(place: Path) -> None:
    there = place / "site"
    there.mkdir()
    (there / "index.html").write_text("my home page")
    with pytest.raises(SettingError, match=r"holds index\.html, which is no data page of musicexp"):
        musicexp.describe("dataset=midi", "dataset.path=nowhere", f"out={there}")
    (place / "file").write_text("x")
    for out in ("file", "file/below"):
        with pytest.raises(SettingError, match="is a file; name a folder"):
            musicexp.describe("dataset=midi", "dataset.path=nowhere", f"out={out}")
    assert (there / "index.html").read_text() == "my home page"


def test_a_page_replaces_a_page_and_leaves_what_lies_beside_it(
    made: tuple[Description, Path], place: Path
) -> None:
    data_folder.write_folder(place / "page", made[0])
    (place / "page" / "notes.txt").write_text("mine")
    (place / "page" / "index.html").write_text("an older page")
    data_folder.write_folder(place / "page", made[0])
    assert (place / "page" / "notes.txt").read_text() == "mine"
    assert (place / "page" / "index.html").read_bytes() == (made[1] / "index.html").read_bytes()
    assert sorted(os.listdir(place / "page")) == ["data.json", "index.html", "notes.txt", "rejected.csv"]


def test_two_folders_of_one_name_have_pages_of_their_own(made: tuple[Description, Path], place: Path) -> None:
    found = made[0]
    first = page_folder(place, found.card, found.place)
    assert first == place / "my_b_tunes"
    data_folder.write_folder(first, found)
    assert page_folder(place, found.card, found.place) == first
    assert page_folder(place, found.card, "another") == place / "my_b_tunes-2"


def test_a_full_disk_leaves_nothing_behind(
    made: tuple[Description, Path], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot be written in .*No space left on device; name another"):
        data_folder.write_folder(place / "deep" / "page", made[0])
    assert not (place / "deep").exists()


# ---------------------------------------------------------------------------------------------------
# The command


@pytest.mark.slow
def test_the_command_line(music: Path, place: Path) -> None:
    command = [sys.executable, "-m", "musicexp", "data", *words(music)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    page = place / "mlruns" / "data" / "my_b_tunes" / "index.html"
    assert done.stdout.splitlines()[-1] == f"page     {page}"
    assert page.is_file()
    assert "12 pieces" in done.stdout
    assert "\x1b" not in done.stdout
    assert not (place / "mlruns" / "mlflow.db").exists()


def test_json_is_what_the_file_holds(music: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--json", *words(music), "out=there"]) == 0
    assert capsys.readouterr().out == (place / "there" / "data.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["datasset=ryans"], "did you mean dataset"),
        (["dataset=midi", "dataset.path=nowhere"], "dataset.path=nowhere: no such folder"),
        (["dataset=midi"], "dataset.path is missing"),
        (["--csv"], "unknown flag --csv"),
        (["resume=last"], "`data` describes a data set"),
        (["out="], "out must be a folder's name"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    given: list[str], told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *given]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (place / "mlruns").exists()


def test_too_little_music_leaves_no_page(place: Path) -> None:
    (place / "one").mkdir()
    write_midi(melody(1), place / "one" / "only.mid")
    with pytest.raises(MusicError, match="at least 3"):
        musicexp.describe("dataset=midi", "dataset.path=one", "out=page")
    assert not (place / "page").exists()


def test_the_cards_say_what_may_not_be_sold() -> None:
    lines = collection_lines({"essenFolksong": "dataset=essen"})
    assert any("dataset=essen" in line and "8,514" in line and "non-commercial" in line for line in lines)
    assert any("1,059" in line for line in lines)


def test_a_warning_is_said_first(made: tuple[Description, Path]) -> None:
    essen = collection("essenFolksong")
    card = dataclasses.replace(
        made[0].card, warning=essen.warning, licence=essen.licence, source=essen.source
    )
    found = dataclasses.replace(made[0], card=card)
    assert "non-commercial purposes only" in remarks(found)[0]
    assert "non-commercial purposes only" in musicexp.report.data_page(found)
    assert any("non-commercial purposes only" in line for line in data_lines(found, "page"))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["da"], ["data"]),
        (["data", "--"], ["--json", "--help"]),
        (["data", "split.gr"], ["split.grouped="]),
        (["data", "split.grouped="], ["split.grouped=true", "split.grouped=false"]),
        (["data", "tokens=ev"], ["tokens=events"]),
        (["data", "ou"], ["out="]),
        (["data", "res"], []),
    ],
)
def test_the_tab_key_knows_it(typed: list[str], offered: list[str]) -> None:
    assert candidates(typed) == offered


# ---------------------------------------------------------------------------------------------------
# In a browser

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_no_wider_than_the_window(
    made: tuple[Description, Path], place: Path, width: int
) -> None:
    whole = (made[1] / "index.html").read_text(encoding="utf-8")
    inner = html.escape(re.sub(r"<meta http-equiv[^>]*>", "", whole))
    # In a frame, since a window of Chromium's is at least 500 wide.
    measured = f"""<iframe width={width} height=900 style="border:0" srcdoc="{inner}" onload="
        document.title = this.contentDocument.documentElement.scrollWidth"></iframe>"""
    (place / "measured.html").write_text(measured, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={place / 'browser'}", "--window-size=1400,900"]  # fmt: skip
    shown = subprocess.run(
        [str(BROWSER), *flags, "--dump-dom", (place / "measured.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert f"<title>{width}</title>" in shown.stdout
    picture = place / "page.png"
    subprocess.run(
        [str(BROWSER), *flags, f"--screenshot={picture}", (made[1] / "index.html").as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert picture.stat().st_size > 10_000
