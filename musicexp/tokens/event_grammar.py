"""The language of events: what a token says, and which may follow which."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.music import STEPS_PER_QUARTER
from musicexp.tokens.tokenizer import Mask
from musicexp.tokens.vocabulary import EOS, Vocabulary

BAR = "bar"
KINDS = ("metre", BAR, "at", "pitch", "duration")
"""What a token may speak of, in the order of the vocabulary."""
DEFAULT_METRE = (4, 4)

_TOKEN = re.compile(r"(metre):([1-9][0-9]{0,9})/([1-9][0-9]{0,9})|(bar)|(at|pitch|duration):([0-9]{1,10})")


class Event(NamedTuple):
    """What a token says: of a metre beats and beat unit, else a number (0 of `bar`) and no unit (0)."""

    kind: str
    number: int
    unit: int = 0


@lru_cache(maxsize=100_000)
def event(token: str) -> Event | None:
    """What a token says; None if it is no event."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    metre, beats, unit, bar, kind, number = found.groups()
    if metre or bar:
        return Event(metre, int(beats), int(unit)) if metre else Event(bar, 0)
    value = int(number)
    legal = value < 128 if kind == "pitch" else value > 0 or kind == "at"
    return Event(kind, value) if legal else None


def order(token: str) -> tuple[int, int, int]:
    """The order of the vocabulary: by kind, then by number; metres by beat unit, then by beats."""
    found = event(token)
    assert found is not None, f"the tokenizer wrote {token!r}"
    return KINDS.index(found.kind), found.unit, found.number


def bar_steps(metre: tuple[int, int]) -> int:
    """How long a bar is, in steps: at least one."""
    return max(1, round(4 * STEPS_PER_QUARTER * metre[0] / metre[1]))


@lru_cache(maxsize=8)
def events(tokens: tuple[str, ...]) -> tuple[Event | None, ...]:
    """What each token of a vocabulary says; None for the special ones."""
    return tuple(event(token) for token in tokens)


class _Table(NamedTuple):
    """What a vocabulary allows, made once for all its melodies. Masks are bool [V], V its size.

    Attributes:
        at, pitch: int64 [V], the position or pitch that an id stands for, else -1.
        start: the ids that may begin a melody.
        smallest: the earliest position; bars that are not longer have no room for a note. None if no note can
            be said at all.
    """

    at: NDArray[np.int64]
    pitch: NDArray[np.int64]
    start: Mask
    bars: Mask
    pitches: Mask
    durations: Mask
    end: Mask
    smallest: int | None


@lru_cache(maxsize=8)
def _table(tokens: tuple[str, ...]) -> _Table:
    said = events(tokens)

    def of(kind: str) -> Mask:
        return np.array([event is not None and event.kind == kind for event in said])

    def numbers(kind: str) -> NDArray[np.int64]:
        return np.array([event.number if event and event.kind == kind else -1 for event in said])

    metres, bars, pitches, durations = (of(kind) for kind in ("metre", BAR, "pitch", "duration"))
    end = np.zeros(len(tokens), dtype=bool)
    end[EOS] = True
    at = numbers("at")
    whole = bars.any() and (at >= 0).any() and pitches.any() and durations.any()
    smallest = int(at[at >= 0].min()) if whole else None
    roomy = np.array(
        [
            event is not None
            and event.kind == "metre"
            and smallest is not None
            and bar_steps((event.number, event.unit)) > smallest
            for event in said
        ]
    )
    without = bars if smallest is not None and smallest < bar_steps(DEFAULT_METRE) else end
    start = roomy if roomy.any() else metres if metres.any() else without
    found = _Table(at, numbers("pitch"), start, bars, pitches, durations, end, smallest)
    for shared in found[:-1]:
        shared.setflags(write=False)
    return found


class Place:
    """Where a melody of events stands. A token that can say nothing there is passed over.

    A metre counts only at the very beginning. A bar always begins; a position lies behind the last one in its bar; a
    pitch needs a position, and is above those that sound there already; a duration needs a pitch. So what a
    model left out, such as a duration, loses its note and moves no other.

    Attributes:
        metre, length: the metre, and its bar in steps.
        begin: where the bar begins, in steps; -1 before the first one.
        at: the position in it, in steps; -1 before the first one.
        pitch: the pitch begun, or finished last; -1 before the first at this position.
        last: the kind of the last token that counted; "" before the first.
    """

    def __init__(self, metre: tuple[int, int] = DEFAULT_METRE) -> None:
        self.metre = metre
        self.length = bar_steps(metre)
        self.begin = self.at = self.pitch = -1
        self.last = ""
        self._above = -1

    def take(self, event: Event) -> bool:
        """Go on by one token, if it can say something here; whether it can."""
        kind, number, unit = event
        if kind == "pitch":
            if self.at < 0 or number <= self._above:
                return False
            self.pitch = number
        elif kind == "duration":
            if self.last != "pitch":
                return False
            self._above = self.pitch
        elif kind == "at":
            if self.begin < 0 or not self.at < number < self.length:
                return False
            self.at, self.pitch, self._above = number, -1, -1
        elif kind == BAR:
            self.begin = self.begin + self.length if self.begin >= 0 else 0
            self.at = self.pitch = self._above = -1
        else:
            if self.last:
                return False
            self.metre = (number, unit)
            self.length = bar_steps(self.metre)
        self.last = kind
        return True


class EventGrammar:
    """Follows one melody of events.

    A metre comes first (one with room for a note; a bar, if the vocabulary has no metre), then a bar; behind a bar
    another one or a position within it; behind a position a pitch; behind a pitch a duration; behind a duration a
    higher pitch, a later position, a bar, or the end. Where no note can ever come, only the end may.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.notes = 0
        self._events = events(vocabulary.tokens)
        self._table = _table(vocabulary.tokens)
        self._place = Place()
        # Whether a note of this position is whole. It counts when the position is left, so that a melody that is
        # cut at so many notes and chords keeps the last chord whole.
        self._begun = False

    def allowed(self) -> Mask:
        table, place = self._table, self._place
        if not place.last:
            return table.start
        if table.smallest is None or table.smallest >= place.length:
            return table.end
        if place.last == "metre":
            return table.bars
        if place.last == "at":
            return table.pitches
        if place.last == "pitch":
            return table.durations
        allowed: Mask = (table.at > place.at) & (table.at < place.length)
        allowed |= table.bars
        if place.last == "duration":
            allowed |= table.pitch > place.pitch
            allowed |= table.end
        return allowed

    def advance(self, token_id: int) -> None:
        event = self._events[token_id]
        if event is None or not self._place.take(event):
            return
        if event.kind == "duration":
            self._begun = True
        elif event.kind != "pitch" and self._begun:
            self.notes += 1
            self._begun = False
