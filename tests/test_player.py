"""The player: what its page holds and never holds. What it does in a browser: test_player_browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from conftest import melody

from musicexp.music import Note, Piece
from musicexp.render import player
from musicexp.render.player import MOST_BYTES, PlayerPiece, page_data, player_page, script_json, source_hash
from musicexp.render.sound import Sound, carried_soundfont

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"'><img src=x onerror=alert(1)>",
    "中文 名字 {{script}} {{music}}",
    "a\u2028b\u2029c\u202ed\x00e\ud800",
    "]]>&amp;&lt;",
]


def sound() -> Sound:
    return Sound(carried_soundfont())


def entry(number: int = 1, piece: Piece | None = None, group: str = "samples", **more: Any) -> PlayerPiece:
    return PlayerPiece(
        f"{group}_{number}", f"{group}_{number}", group, melody(number) if piece is None else piece, **more
    )


class Elements(HTMLParser):
    """Scripts, styles and every attribute of a page, as a browser reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.attributes: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.texts.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self.texts.append(("", {}, ""))  # what follows is the element's no more

    def handle_data(self, data: str) -> None:
        if self.texts:
            tag, attrs, before = self.texts[-1]
            self.texts[-1] = tag, attrs, before + data


def elements(page: bytes) -> Elements:
    found = Elements()
    found.feed(page.decode())
    return found


def music_of(page: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        next(t for tag, attrs, t in elements(page).texts if tag == "script" and attrs.get("id") == "music")
    )
    return found


@pytest.fixture(scope="module")
def page() -> bytes:
    pieces = [melody(0).only(np.arange(len(melody(0))) < 12), Piece.of([])]
    entries = [
        PlayerPiece(f"sample_{k}", name, "samples", pieces[k % 2], ((name, name),), iteration=None)
        for k, name in enumerate(HOSTILE)
    ]
    return player_page(HOSTILE[0], entries, sound())


def test_hostile_names_are_data_and_text(page: bytes) -> None:
    scripts = [(attrs, text) for tag, attrs, text in elements(page).texts if tag == "script"]
    assert [attrs.get("type") for attrs, _ in scripts] == ["application/json", None]
    assert [piece["title"] for piece in music_of(page)["pieces"]] == HOSTILE
    assert [piece["facts"] for piece in music_of(page)["pieces"]] == [[[name, name]] for name in HOSTILE]
    assert b"<script>alert" not in page
    assert "<title>&lt;/script&gt;&lt;script&gt;alert(1)" in page.decode()


def test_what_looks_like_a_place_of_the_template_stays_text() -> None:
    page = player_page("{{script}} {{music}}", [], sound())
    assert page.count(b"{{script}} {{music}}") == 2  # the title, twice
    assert len([tag for tag, *_ in elements(page).texts if tag == "script"]) == 2


def test_a_policy_allows_this_script_and_this_style_and_no_network(page: bytes) -> None:
    found = elements(page)
    policy = next(value for tag, name, value in found.attributes if tag == "meta" and name == "content" and value and "default-src" in value)  # fmt: skip
    script = next(text for tag, attrs, text in found.texts if tag == "script" and not attrs)
    style = next(text for tag, _, text in found.texts if tag == "style")
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == allowed["connect-src"] == allowed["base-uri"] == "'none'"
    assert allowed["script-src"] == source_hash(script)
    assert allowed["style-src"] == source_hash(style)
    assert "unsafe" not in policy
    assert not [tag for tag, name, _ in found.attributes if name in ("src", "href", "style") or name.startswith("on")]  # fmt: skip
    assert not re.search(r"url\(|@import|https?://", style + script)


def test_json_of_a_script_holds_no_sign_of_html_and_says_the_same() -> None:
    written = script_json(HOSTILE)
    assert json.loads(written) == HOSTILE
    assert written.isascii()
    assert not set("<>&") & set(written)


def test_a_page_holds_the_notes_and_what_is_told_of_them() -> None:
    piece = Piece.of(
        [Note(0, 24, 60, 70, 0), Note(0, 48, 48, 90, 1), Note(30, 6, 67)],
        tempo=96.0, metre=(6, 8), key="A minor", parts=("right", "left"),
    )  # fmt: skip
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<path d='M0 0'/>" * 50 + b"</svg>"
    data = page_data([entry(7, piece, "learning", facts=(("loss", "1.5"),), score=drawing, iteration=500)], sound())  # fmt: skip
    (told,) = json.loads(script_json(data))["pieces"]
    assert [Note(*note) for note in told["notes"]] == piece.notes()
    assert (told["tempo"], told["metre"], told["key"], told["parts"]) == (
        96.0,
        [6, 8],
        "A minor",
        ["right", "left"],
    )
    assert (told["id"], told["group"], told["iteration"]) == ("learning_7", "learning", 500)
    assert told["facts"] == [["loss", "1.5"]]
    assert gzip.decompress(base64.b64decode(told["score"])) == drawing
    (bank,) = data["banks"]
    assert base64.b64decode(bank["ogg"])[:4] == b"OggS"
    assert min(pitch for pitch, *_ in bank["notes"]) <= 48
    assert max(pitch for pitch, *_ in bank["notes"]) >= 67
    assert told["bank"] == 0
    assert told["gain"] > 0


def test_pieces_without_a_note_need_no_instrument() -> None:
    data = page_data([entry(1, Piece.of([]))], sound())
    assert data["banks"] == []
    assert data["pieces"][0]["notes"] == []
    assert data["pieces"][0]["bank"] is None
    assert data["remarks"] == []


def test_a_page_stays_small_scores_go_first_and_the_page_says_so() -> None:
    noise = np.random.default_rng(0).bytes
    short = Piece.of([Note(0, 12, 60)])
    entries = [entry(k, short, score=noise(300_000)) for k in range(12)]
    page = player_page("many scores", entries, sound())
    music = music_of(page)
    assert len(page) <= MOST_BYTES
    assert len(music["pieces"]) == 12
    scores = [piece["score"] is not None for piece in music["pieces"]]
    assert scores == sorted(scores, reverse=True), "the first ones have theirs"
    assert 3 <= sum(scores) < 12
    assert music["remarks"] == [
        f"{12 - sum(scores)} scores did not fit into this page: it weighs at most 3 MB."
    ]


def test_pieces_that_do_not_fit_are_counted_and_every_group_keeps_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(player, "MOST_BYTES", 300_000)
    long = Piece.of([Note(6 * k, 6, 60 + k % 3) for k in range(1000)], tempo=1000.0)
    entries = [entry(k, long, score=b"<svg/>") for k in range(30)]
    entries += [entry(k, long, "reference") for k in range(3)]
    page = player_page("many pieces", entries, sound())
    music = music_of(page)
    kept = [piece["group"] for piece in music["pieces"]]
    assert len(page) <= 300_000
    assert kept.count("reference") == 3
    assert 3 < len(kept) < 33
    assert [piece["id"] for piece in music["pieces"][:3]] == ["samples_0", "samples_1", "samples_2"]
    said = f"{33 - len(kept)} pieces of 33 did not fit into this page and cannot be played here: a page weighs at most 0.3 MB."
    assert said in music["remarks"]


@pytest.mark.slow
def test_a_bank_that_is_too_large_is_made_of_short_notes_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(1, Piece.of([Note(0, 96, 60), Note(96, 96, 64)]))]
    whole = len(page_data(entries, sound())["banks"][0]["ogg"])
    monkeypatch.setattr(player, "MOST_BANK", whole - 1_000)
    data = page_data(entries, sound())
    assert len(data["banks"][0]["ogg"]) < whole
    assert "notes longer than 1.5 s end early here" in data["remarks"][0]
    monkeypatch.setattr(player, "MOST_BANK", 100)
    data = page_data(entries, sound())
    assert data["banks"] == []
    assert data["pieces"][0]["bank"] is None
    assert "plain tones are played instead" in data["remarks"][0]


def test_ids_of_one_page_differ() -> None:
    with pytest.raises(AssertionError, match="ids of one page differ"):
        page_data([entry(1), entry(1)], sound())
