"""The player: one HTML file that plays, shows and tells every piece it is given, and needs nothing beside it.

It carries the notes of its pieces and a bank of single notes of their instrument (`musicexp.render.bank`), from which
its script plays them; so a page of a hundred samples weighs little more than one of a single sample. `page_data` is
that content alone, for pages of another shape that are built on the same scripts (`web_text`).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from musicexp.music import STEPS_PER_QUARTER, Piece
from musicexp.render.bank import Bank, bank
from musicexp.render.figure_style import DARK, LIGHT, colours
from musicexp.render.sound import Sound
from musicexp.wording import count

MOST_BYTES = 3_000_000
"""Of a player's page."""
MOST_BANK = 1_700_000
"""Of it for the bank, as it stands in the page; a larger one is made again with short notes."""
SHORT_SECONDS = 1.5
"""How long those last."""
SLOWEST = 0.5
"""Down to this rate the longest note of a page is played whole; below it a held note may die away before its end."""
SPARE = 4_000
"""For the page's remarks, in bytes."""
SPARE_GAIN = 16
"""For a piece's gain and the comma behind it."""
GROUPS = ("samples", "reference", "learning")
SCRIPTS = ("stage.js", "roll.js", "choice.js", "player.js")
STYLES = ("roll.css", "player.css")


@dataclass(frozen=True, eq=False)
class PlayerPiece:
    """A piece as a page plays it, and what is told beside it.

    Attributes:
        id: known by this within its page, such as "sample_1".
        title: what a person calls it; any text.
        group: one of `GROUPS`: what the run made, real music to compare it with, or a clip made while it learned.
        facts: names and values in the order in which they are told, such as ("temperature", "1.0").
        score: its score as SVG that refers to nothing outside, or None.
        iteration: when it was made, for a clip of "learning".
    """

    id: str
    title: str
    group: str
    piece: Piece
    facts: tuple[tuple[str, str], ...] = ()
    score: bytes | None = None
    iteration: int | None = None


def player_page(title: str, entries: Sequence[PlayerPiece], sound: Sound) -> bytes:
    """The whole page, at most `MOST_BYTES`: what does not fit is left out, scores before pieces, and the page says so.

    Args:
        title: what is played, such as the run's name; any text.
        entries: in the order in which they are gone through; ids differ.
    """
    return _written(title, page_data(entries, sound, most_bytes=MOST_BYTES - len(_written(title, {}))))


def page_data(
    entries: Sequence[PlayerPiece], sound: Sound | None, *, most_bytes: int | None = None
) -> dict[str, Any]:
    """What a page plays, as values for JSON: {"banks": [...], "pieces": [...], "remarks": [...]}.

    A piece is {id, title, group, facts, bank, gain, tempo, metre, key, parts, iteration, score, notes}: notes as
    [onset, duration, pitch, velocity, part] in steps of 1/24 quarter, the score as gzipped SVG in base64 or None,
    bank the number of its bank or None, gain the factor by which its notes are played, so that it is as loud as its
    Ogg file. A remark is a sentence for whoever looks at the page.

    Args:
        sound: the instrument; without one the page plays plain tones.
        most_bytes: of all of it as `script_json`; what does not fit is left out, and a remark says so.
    """
    assert len({entry.id for entry in entries}) == len(entries), "ids of one page differ"
    assert all(entry.group in GROUPS for entry in entries), "groups are those of GROUPS"
    assert all(entry.iteration is not None for entry in entries if entry.group == "learning"), "a clip has its iteration"  # fmt: skip
    sounded, remarks = _bank([entry.piece for entry in entries], sound) if sound else (None, [])
    room = _Room(most_bytes)
    banks = [] if sounded is None else [_bank_data(sounded)]
    room.take(len(script_json({"banks": banks, "pieces": [], "remarks": []})) + SPARE)
    told: dict[str, dict[str, Any]] = {}
    for entry in _in_turn(entries):
        data = _piece_data(entry)
        if room.take(len(script_json(data)) + SPARE_GAIN):
            told[entry.id] = data | _played(entry.piece, sounded)
    silent = _with_scores([entry for entry in _in_turn(entries) if entry.id in told], told, room)
    if absent := len(entries) - len(told):
        remarks.append(f"{count(absent, 'piece')} of {len(entries):,} did not fit into this page and cannot be played here: a page weighs at most {MOST_BYTES / 1e6:g} MB.")  # fmt: skip
    if silent:
        remarks.append(f"{count(silent, 'score')} did not fit into this page: it weighs at most {MOST_BYTES / 1e6:g} MB.")  # fmt: skip
    kept = [told[entry.id] for entry in entries if entry.id in told]
    return {"banks": banks, "pieces": kept, "remarks": remarks}


def script_json(value: object) -> str:
    """JSON that may stand in a <script> element of any page, whatever text is in it: ASCII without < > &."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return written.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def web_text(names: Iterable[str]) -> str:
    """Scripts or style sheets of `musicexp/render/web`, one behind the other."""
    folder = files("musicexp.render") / "web"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def source_hash(script: str) -> str:
    """A script or style as a content policy names it: 'sha256-...'."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


class _Room:
    """How many bytes are left; None for any number."""

    def __init__(self, most_bytes: int | None) -> None:
        self.left = most_bytes

    def take(self, size: int) -> bool:
        """Take so many, if they are left."""
        if self.left is None:
            return True
        if size > self.left:
            return False
        self.left -= size
        return True


def _written(title: str, data: dict[str, Any]) -> bytes:
    style = f":root{{color-scheme:light dark;{colours(LIGHT)}}}@media (prefers-color-scheme:dark){{:root{{{colours(DARK)}}}}}\n{web_text(STYLES)}"
    script = web_text(SCRIPTS)
    parts = {"title": escape(title), "script": script, "music": script_json(data)}
    return whole_page("player.html", script, style, parts)


def whole_page(template: str, script: str, style: str, parts: Mapping[str, str]) -> bytes:
    """A page from its template, with a policy that lets it run this script and style, and fetch nothing.

    Args:
        parts: what stands in the other places of the template.
    """
    policy = (
        f"default-src 'none'; script-src {source_hash(script)}; style-src {source_hash(style)}; img-src data: blob:; "
        "media-src data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    filled = {"policy": policy, "style": style, **parts}
    # In one go: a title may hold what looks like a place of the template.
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], web_text([template]))
    return page.encode("utf-8", "backslashreplace")  # half of a surrogate pair, in a name, is no text


def _in_turn(entries: Sequence[PlayerPiece]) -> list[PlayerPiece]:
    """The first of every group, then the second ones ...: where room is short, no group takes all of it."""
    rank: dict[str, int] = dict.fromkeys(GROUPS, 0)
    ranked: list[tuple[int, int, int, PlayerPiece]] = []
    for entry in entries:
        ranked.append((rank[entry.group], GROUPS.index(entry.group), len(ranked), entry))
        rank[entry.group] += 1
    return [entry for *_, entry in sorted(ranked, key=lambda row: row[:3])]


def _with_scores(kept: Sequence[PlayerPiece], told: dict[str, dict[str, Any]], room: _Room) -> int:
    """Add the scores that fit, and say how many do not."""
    absent = 0
    for entry in kept:
        if entry.score is None:
            continue
        packed = base64.b64encode(gzip.compress(entry.score, mtime=0)).decode()
        if room.take(len(packed)):
            told[entry.id]["score"] = packed
        else:
            absent += 1
    return absent


def _bank(pieces: Sequence[Piece], sound: Sound) -> tuple[Bank | None, list[str]]:
    """A bank that leaves room for the rest of a page, and what there is to say of it."""
    if not any(len(piece) for piece in pieces):
        return None, []
    whole = bank([replace(piece, tempo=piece.tempo * SLOWEST) for piece in pieces], sound)
    if len(whole.ogg) * 4 / 3 <= MOST_BANK:
        return whole, []
    short = bank([_shortened(piece) for piece in pieces if len(piece)], sound)
    if len(short.ogg) * 4 / 3 <= MOST_BANK:
        return short, [f"So that the page stays small, notes longer than {SHORT_SECONDS:g} s end early here; the Ogg files have them whole."]  # fmt: skip
    return None, [
        f"The instrument ({sound.name}) does not fit into this page: plain tones are played instead; the Ogg files have it."
    ]


def _shortened(piece: Piece) -> Piece:
    most = max(1, int(SHORT_SECONDS * piece.tempo / 60 * STEPS_PER_QUARTER))
    return replace(
        piece,
        duration=np.minimum(piece.duration, most).astype(np.int32),
        abc="",
        onset_ticks=None,
        duration_ticks=None,
    )


def _bank_data(sounded: Bank) -> dict[str, Any]:
    notes = [[note.pitch, round(note.begin_seconds, 5), round(note.seconds, 5)] for note in sounded.notes]
    return {"name": sounded.name, "ogg": base64.b64encode(sounded.ogg).decode(), "notes": notes}


def _played(piece: Piece, sounded: Bank | None) -> dict[str, Any]:
    """With what a piece is played, and how loud: reckoned only for pieces that are there."""
    return {} if sounded is None else {"bank": 0, "gain": round(sounded.gain(piece), 5)}


def _piece_data(entry: PlayerPiece) -> dict[str, Any]:
    piece = entry.piece
    return {
        "id": entry.id,
        "title": entry.title,
        "group": entry.group,
        "facts": [list(fact) for fact in entry.facts],
        "bank": None,
        "gain": 1.0,
        "tempo": piece.tempo,
        "metre": list(piece.metre),
        "key": piece.key,
        "parts": list(piece.parts),
        "iteration": entry.iteration,
        "score": None,
        "notes": [list(note) for note in piece.notes()],
    }
