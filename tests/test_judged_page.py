"""The page of a judgement: what it tells, draws and carries. What it does in a browser: test_judged_browser."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np
import pytest
from judgements import FAULT, heat, judged, judgement, passage, whole
from test_player import HOSTILE, elements, music_of, sound

from musicexp.metrics.auc import Auc
from musicexp.metrics.distances import stand
from musicexp.metrics.panel import METRICS
from musicexp.render import judged_copies, judged_sections
from musicexp.render.judged import judged_page
from musicexp.render.judged_bands import Mark, band_picture
from musicexp.render.judged_words import between, verdict, with_interval, written

MOST_BYTES = 700_000


class Words(HTMLParser):
    """The text of a page, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.unseen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen = tag if tag in ("script", "style") else self.unseen

    def handle_endtag(self, tag: str) -> None:
        self.unseen = "" if tag == self.unseen else self.unseen

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.words.append(data)


def told(page: bytes) -> str:
    found = Words()
    found.feed(page.decode())
    return re.sub(r"\s+", " ", " ".join(found.words))


@pytest.fixture(scope="module", autouse=True)
def unengraved() -> Iterator[None]:
    """Verovio takes a second to load; its scores are looked at in a browser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_copies, "score_svg", lambda _: b"<svg/>")
        yield


@pytest.fixture(scope="module")
def page() -> bytes:
    return judged_page("quiet <b>otter</b>", whole(), None)


def test_sections_stand_in_their_order(page: bytes) -> None:
    """What is broken, then what is copied, then where such models fail first."""
    ids = re.findall(r'<section id="(\w+)"', page.decode())
    assert ids == ["broken", "novelty", "structure", "rhythm", "melody", "tonality", "temperature"]


def test_every_metric_with_a_value_has_a_row_and_a_picture(page: bytes) -> None:
    rows = re.findall(r'<article class="metric" id="(\w+)">', page.decode())
    assert rows == [metric.name for metric in METRICS.values() if metric.aspect != "harmony"]
    assert page.decode().count('<svg class="chart band"') == len(rows)


def test_it_names_the_copy_and_what_it_was_copied_from(page: bytes) -> None:
    words = told(page)
    assert "34 notes of sample_19 stand in Fisher's Hornpipe , in the same key" in words
    assert "20 notes of sample_3 stand in The Rakes of Mallow , moved up by 3 semitones" in words
    pieces = {piece["id"]: piece for piece in music_of(page)["pieces"]}
    assert sorted(pieces) == sorted(f"{side}_{k}" for side in ("copy", "original") for k in (1, 2, 3, 4))
    copied, original = (pieces[f"{side}_2"]["notes"] for side in ("copy", "original"))
    assert [note[2] - 3 for note in copied] == [note[2] for note in original]


def test_it_says_what_is_broken_why_and_what_to_try(page: bytes) -> None:
    assert "Two of 64 pieces are a short loop for more than half of their length. The temperature is too low for what the model has learned. Try samples.temperature=1.0. 2 pieces of 64: sample_2, sample_6" in told(page)  # fmt: skip


def test_nothing_ranks(page: bytes) -> None:
    words = told(page).lower()
    assert "no figure is better when it is higher, and there is no total" in words
    for word in ("total score", "↑", "↓", "best:", "grade"):
        assert word not in words


@pytest.mark.slow
def test_it_is_small() -> None:
    page = judged_page("run", whole(), sound())
    assert len(page) < MOST_BYTES
    assert music_of(page)["banks"]


def test_it_asks_nobody(page: bytes) -> None:
    assert not [value for _, name, value in elements(page).attributes if name in ("src", "href")]


def test_without_copies_there_is_nothing_to_play(page: bytes) -> None:
    plain = judged_page("run", judgement(judged("temperature 1", 1.0)), None)
    assert b"<script" not in plain
    assert "Nothing is copied in 64 pieces." in told(plain)
    assert 'id="temperature"' not in plain.decode()
    assert 'id="broken"' not in plain.decode()
    assert len(plain) < len(page) / 2


def test_without_an_instrument_passages_are_played_in_plain_tones() -> None:
    data = music_of(judged_page("run", judgement(judged("set", passages=[passage(0, notes=8)])), None))
    assert data["banks"] == []
    assert [len(piece["notes"]) for piece in data["pieces"]] == [8, 8]


def test_at_most_six_passages_the_longest_of_all_sets() -> None:
    sets = [judged(f"temperature {t}", t, passages=[passage(k, f"sample_{k}", notes=10 + 2 * k + int(t)) for k in range(6)]) for t in (1.0, 2.0)]  # fmt: skip
    shown = judged_copies.shown_passages(judgement(*sets))
    assert [one.passage.copy.notes for one in shown] == [22, 21, 20, 19, 18, 17]
    assert [one.number for one in shown] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a piece and a tune may be called anything."""
    monkeypatch.setattr(judged_sections, "METRICS", {"groove": METRICS["groove"]})
    monkeypatch.setattr(judged_sections, "TELLING", ("groove",))
    found = judgement(
        judged(name, passages=[passage(0, name, name, notes=3)], faults=[FAULT]), swept=heat((1.0,))
    )
    page = judged_page(name, found, None)
    harmless = "a" * len(name)
    like = judgement(
        judged(harmless, passages=[passage(0, harmless, harmless, notes=3)], faults=[FAULT]),
        swept=heat((1.0,)),
    )
    plain = judged_page(harmless, like, None)
    tags = [[tag for tag, _, _ in elements(one).texts] for one in (page, plain)]
    assert tags[0] == tags[1]
    assert not [name for _, name, _ in elements(page).attributes if name.startswith("on")]


@pytest.mark.parametrize("pieces", [0, 1, 2])
@pytest.mark.parametrize("real", [0, 1, 2])
def test_few_pieces_leave_gaps_and_no_nan(pieces: int, real: int) -> None:
    page = judged_page("run", judgement(judged("set", pieces=pieces, real=real), real=real), None).decode()
    assert (
        "nan"
        not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
        .replace("tonality-", "")
        .split("<main>")[1]
        .lower()
    )


def test_a_judgement_of_nothing_says_so() -> None:
    assert "Nothing was judged" in told(judged_page("run", judgement(), None))


def test_many_temperatures_have_a_row_each() -> None:
    temperatures = [k / 10 for k in range(1, 21)]
    page = judged_page(
        "run", judgement(*(judged(f"temperature {t:g}", t) for t in temperatures)), None
    ).decode()
    assert all(f"<bdi>T{t:g}</bdi>" in page for t in temperatures)


# ---------------------------------------------------------------------------------------------------
# Words and pictures


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.2149, ".21"), (0.0342, ".034"), (0.0, "0"), (1e-7, "0"), (0.999, "1.00"), (2.305, "2.31"), (67.21, "67.2"),
     (1203.6, "1,204"), (-0.2, "\N{MINUS SIGN}.20"), (-0.021, "\N{MINUS SIGN}.021"), (math.nan, "\N{EN DASH}"), (99.97, "100"), (10.05, "10.1")],
)  # fmt: skip
def test_figures_are_written_shortly(value: float, words: str) -> None:
    assert written(value) == words


def test_ends_of_intervals() -> None:
    assert between(0.18, 0.24) == ".18-.24"
    assert between(-0.02, 0.05) == "\N{MINUS SIGN}.020 to .050"
    assert with_interval(0.2, math.nan, math.nan) == ".20"


@pytest.mark.parametrize(
    ("auc", "words"),
    [(Auc(0.4, 0.3, 0.5), "cannot be told apart"), (Auc(0.4, 0.3, 0.49), "less than real music"),
     (Auc(0.7, 0.6, 0.8), "more than real music"), (Auc(math.nan, 0, 1), "no value")],
)  # fmt: skip
def test_what_an_auc_says(auc: Auc, words: str) -> None:
    assert verdict(auc) == words


def test_a_picture_lays_the_set_before_the_band() -> None:
    """A set that lies wholly above the real pieces is drawn to the right of their band."""
    found = stand("groove", np.linspace(0.7, 0.9, 20), np.linspace(0.1, 0.5, 50), (0.8, 0.9))
    drawn = band_picture("groove", [Mark("T1", "set0", found)])
    wide = re.search(r'real-wide" x="([\d.]+)" y="4" width="([\d.]+)"', drawn)
    dot = re.search(r'class="dot" cx="([\d.]+)"', drawn)
    assert wide
    assert dot
    assert float(dot[1]) > float(wide[1]) + float(wide[2])
    assert "more than real music" in drawn


def test_a_long_copy_is_played_from_its_start() -> None:
    """Whoever copied a whole piece has shown it by sixteen bars."""
    found = judgement(judged("set", passages=[passage(0, notes=300)]))
    page = judged_page("run", found, None)
    assert [len(piece["notes"]) for piece in music_of(page)["pieces"]] == [128, 128]
    assert "from note 5 on; its first 64 quarters" in told(page)
    assert "300 notes of sample_3" in told(page)


def test_an_interval_does_not_stretch_the_scale() -> None:
    """Student's interval of two shares reaches far below 0, where no share is."""
    found = stand("groove", np.array([0.0, 0.9]), np.linspace(0.1, 0.5, 50), (0.8, 0.9))
    assert found.mean.low < -1
    ticks = re.findall(r'text-anchor="middle">([^<]+)<', band_picture("groove", [Mark("T1", "set0", found)]))
    assert ticks[0] == "0"
    assert ticks[-1] == "1.0"


def test_a_folder_is_judged_beside_a_reference_and_a_run_beside_what_it_learned() -> None:
    assert "848 pieces of the reference, in any key" in told(
        judged_page("folder", judgement(judged("folder")), None)
    )
    assert "848 pieces that the model learned from" in told(
        judged_page("run", judgement(judged("t", 1.0)), None)
    )
