"""The bars that a tune's ABC writes, counted without music21, whose reading of a tune takes a hundred times as long.

Durations are those of `music.tunes`, which is music21's: tests hold both to the same bar lines on the bundled tunes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from musicexp.music.abc import beats
from musicexp.music.bars import Metre
from musicexp.music.piece import STEPS_PER_QUARTER, TICKS_PER_QUARTER, Piece

TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER
WHOLE = 4 * TICKS_PER_QUARTER

TOKEN = re.compile(
    r"(?P<field>^[A-Zmrsw]:(?![|:]).*$)"
    r"|(?P<bar>:*\|[\]|:]*|::+)"
    r"|\((?P<tuplet>\d(?::\d*){0,2})"
    r"|(?P<broken>[<>]+)"
    r"|(?:\[(?P<chord>[^\]|]*)\]|(?P<note>[A-Ga-gz][,']*))(?P<length>[\d/]*)",
    re.MULTILINE,
)
INSIDE = re.compile(r"[A-Ga-g][,']*([\d/]*)")
PLACE_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""In the place of how many notes those of a tuplet stand; of five, seven and nine it is the beat's halves or thirds."""


def written_bars(abc: str) -> list[tuple[int, int]]:
    """The bars of a tune between its bar lines, empty ones left out: how long each is and should be, in steps.

    Empty for a tune without notes; a single bar for one without bar lines.

    Args:
        abc: in the one spelling (`music.abc`).
    """
    reader = _Reader()
    for token in TOKEN.finditer(abc):
        reader.read(token)
    reader.close_bar()
    return reader.bars


def written_upbeat(piece: Piece) -> int | None:
    """How long a piece's upbeat is as its source writes it, in a score or in ABC: steps, 0 for none; None if nothing does."""
    if not piece.abc:
        return piece.upbeat
    bars = written_bars(piece.abc)
    if not bars:
        return None
    length, should = bars[0]
    return length if len(bars) > 1 and length < should else 0


class _Reader:
    """What is known of a tune at one place of it."""

    def __init__(self) -> None:
        self.bars: list[tuple[int, int]] = []
        self.metre = Metre(4, 4)
        self.unit = WHOLE // 8
        self.now = 0  # ticks
        self.begun = 0  # steps
        self.last = 0  # how long the last note was, in ticks
        self.broken = (1, 1)  # what the next note is multiplied by
        self.tuplet = (0, 1, 1)  # for how many notes more, and what they are multiplied by

    def read(self, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "length":
            self._sound(token)
        elif kind == "bar":
            self.close_bar()
        elif kind == "broken":
            self._break(token["broken"])
        elif kind == "tuplet":
            self._group(token["tuplet"])
        elif kind == "field":
            self._field(token["field"])

    def close_bar(self) -> None:
        """A bar ends here, if anything is in it."""
        place = (2 * self.now + TICKS_PER_STEP) // (2 * TICKS_PER_STEP)
        if place > self.begun:
            self.bars.append((place - self.begun, self.metre.steps))
            self.begun = place

    def _sound(self, token: re.Match[str]) -> None:
        over, under = _length(token["length"])
        if token["chord"] is not None:
            inside = INSIDE.search(token["chord"])
            if inside is None:
                return
            inner = _length(inside[1])
            over, under = over * inner[0], under * inner[1]
        left, times, by = self.tuplet
        if left:
            over, under, self.tuplet = over * times, under * by, (left - 1, times, by)
        self.last = self.unit * over * self.broken[0] // (under * self.broken[1])
        self.broken = (1, 1)
        self.now += self.last

    def _break(self, marks: str) -> None:
        """`a>b`: the one is longer by half, the other shorter; `>>` by three quarters."""
        halves = 2 ** len(marks)
        long, short = (2 * halves - 1, halves), (1, halves)
        here, self.broken = (long, short) if marks[0] == ">" else (short, long)
        self.now += self.last * here[0] // here[1] - self.last

    def _group(self, said: str) -> None:
        """`(p:q:r`: the next r notes, p in the time of q."""
        notes, of, count = (int(part) if part else 0 for part in (said + "::").split(":")[:3])
        of = of or PLACE_OF.get(notes) or (3 if self.metre.compound else 2)
        self.tuplet = (count or notes, of, max(notes, 1))

    def _field(self, line: str) -> None:
        name, value = line[0], line[2:].strip()
        if name == "M":
            self.metre = Metre(*beats(value))
        elif name == "L":
            over, _, under = value.partition("/")
            self.unit = WHOLE * int(over) // int(under)


@lru_cache(maxsize=512)
def _length(written: str) -> tuple[int, int]:
    """A length such as 3, /, 3/2 or //, as a numerator and a denominator."""
    over, slash, under = written.partition("/")
    if not slash:
        return int(over or 1), 1
    number = under.strip("/")
    return int(over or 1), int(number) if number else 2 ** (1 + under.count("/"))
