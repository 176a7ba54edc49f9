"""Written notes and rests, and what binds them within a bar: beams, and the brackets of triplets."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from musicexp.music.bars import Metre
from musicexp.music.piece import STEPS_PER_QUARTER
from musicexp.music.rhythm import EIGHTH, SEXTUPLET, TRIPLET, Bar, Value
from musicexp.music.spelling import Spelling

HALF = 2 * STEPS_PER_QUARTER


class Head(NamedTuple):
    """One note of a chord: the index of the piece's note, its spelling, and what is drawn with it."""

    note: int
    spelling: Spelling
    accidental: bool
    tied_before: bool
    tied_behind: bool


class Item(NamedTuple):
    """A chord, a note or a rest (without heads) of one written value.

    Attributes:
        begin, length: steps, within the bar.
        units: its value in sixty-fourths, dots included; a triplet's as it looks.
        ratio: such as (3, 2) within a triplet, else none.
        triplet, beam: "begin", "continue", "end", or "" outside of one.
        shown: whether a rest is drawn.
        fermata: whether one is drawn above it.
    """

    begin: int
    length: int
    units: int
    heads: tuple[Head, ...]
    ratio: tuple[int, int] | None = None
    triplet: str = ""
    beam: str = ""
    shown: bool = True
    fermata: bool = False


def bracketed(items: list[Item], places: list[Value]) -> list[Item]:
    """The items with the ratios and ends of their triplets."""
    found: list[Item] = []
    for span, group in groupby(zip(items, places, strict=True), key=lambda each: each[1].triplet):
        members = [item for item, _ in group]
        if span is None:
            found += members
            continue
        ratio = SEXTUPLET if all(6 * item.units == span.size for item in members) else TRIPLET
        marks = _begin_to_end(len(members))
        found += [item._replace(ratio=ratio, triplet=mark) for item, mark in zip(members, marks, strict=True)]
    return found


def beamed(items: list[Item], bar: Bar, metre: Metre) -> list[Item]:
    """The items with beams: eighths and shorter ones of one beat, or of half a bar of eighths."""
    windows = _windows(items, bar, metre)
    found = list(items)
    for key, group in groupby(enumerate(windows), key=lambda each: each[1]):
        places = [place for place, _ in group]
        if key is None or len(places) < 2:
            continue
        for place, mark in zip(places, _begin_to_end(len(places)), strict=True):
            found[place] = found[place]._replace(beam=mark)
    return found


def _windows(items: list[Item], bar: Bar, metre: Metre) -> list[tuple[int, int] | None]:
    """What the items that share a beam have in common; None for an item without a flag."""
    halves = metre.unit in (2, 4) and not metre.compound and metre.steps % HALF == 0
    eighths = Counter(
        (bar.place + item.begin) // HALF
        for item in items
        if item.heads and item.units == EIGHTH and not item.ratio
    )
    found: list[tuple[int, int] | None] = []
    triplet = broken = 0
    for i, item in enumerate(items):
        if item.triplet == "begin":
            triplet += 1
            members = _until_end(items[i:])
            broken = 0 if all(_flagged(member) for member in members) else triplet
        place = bar.place + item.begin
        if metre.unit > 4:
            window = bisect_right(metre.groups, place)
        elif halves and eighths[place // HALF] == 4:
            window = -1 - place // HALF
        else:
            window = place // STEPS_PER_QUARTER
        # A beam holds a triplet as a whole, or nothing else.
        apart = (
            triplet if item.ratio and broken == triplet else -triplet if broken and broken == triplet else 0
        )
        found.append((window, apart) if _flagged(item) else None)
    return found


def _flagged(item: Item) -> bool:
    return bool(item.heads) and item.units < 2 * EIGHTH


def _until_end(items: Sequence[Item]) -> list[Item]:
    found = []
    for item in items:
        found.append(item)
        if item.triplet == "end":
            break
    return found


def _begin_to_end(count: int) -> list[str]:
    return ["begin", *["continue"] * (count - 2), "end"] if count > 1 else [""]
