"""The language of one voice: what a token says, and which may follow which."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.music.signatures import MODES
from musicexp.tokens.event_grammar import DEFAULT_METRE, bar_steps
from musicexp.tokens.events import LAST_STEP
from musicexp.tokens.tokenizer import Mask
from musicexp.tokens.vocabulary import EOS, Vocabulary

KINDS = ("key", "metre", "fermata", "rhythm", "pitch")
"""What a token may speak of, in the order of the vocabulary and of a piece."""

NOTHING_BEFORE = 1
"""Where the first note may begin at the earliest: an upbeat is shorter than a bar."""

NO_KEY = "key:none"
FERMATA = "fermata"

_TOKEN = re.compile(
    r"key:(?P<key>none|(?:\d|1[01])/[a-z]+)|metre:(?P<metre>[1-9]\d{0,9}/[1-9]\d{0,9})"
    r"|(?P<fermata>fermata)|(?P<rhythm>\d{1,10}:\d{1,10}:\d{1,10})|pitch:(?P<pitch>\d{1,3})",
    re.ASCII,
)


class Said(NamedTuple):
    """What a token says.

    Attributes:
        numbers: of a key its tonic (a pitch class; none of `key:none`), of a metre beats and beat unit, of a rhythm bar
            lines, position and duration, of a pitch its MIDI number; none of a fermata.
        mode: of a key, "" where it is not known.
    """

    kind: str
    numbers: tuple[int, ...]
    mode: str = ""


@lru_cache(maxsize=100_000)
def said(token: str) -> Said | None:
    """What a token says; None if it is none of a voice's."""
    found = _TOKEN.fullmatch(token)
    if found is None or found.lastgroup is None:
        return None
    kind = found.lastgroup
    if kind == "key":
        tonic, _, mode = found["key"].partition("/")
        if not mode:
            return Said(kind, ())
        return Said(kind, (int(tonic),), mode) if mode in MODES else None
    if kind == "fermata":
        return Said(kind, ())
    numbers = tuple(int(number) for number in re.split("[:/]", found[kind]))
    legal = numbers[-1] > 0 if kind == "rhythm" else numbers[0] < 128 if kind == "pitch" else True
    return Said(kind, numbers) if legal else None


def order(token: str) -> tuple[int, ...]:
    """The order of the vocabulary: by kind; keys by mode and tonic, metres by unit and beats, all else by its numbers."""
    found = said(token)
    assert found is not None, f"the tokenizer wrote {token!r}"
    numbers = found.numbers[::-1] if found.kind == "metre" else found.numbers
    mode = (list(MODES).index(found.mode),) if found.mode else ()
    return KINDS.index(found.kind), *mode, *numbers


class Row(NamedTuple):
    """A note. Times are steps, the onset's as `Place` counts them."""

    onset: int
    duration: int
    pitch: int
    fermata: bool = False


class Place:
    """Where a voice stands. A token that can say nothing there is passed over.

    A key counts at the very beginning, a metre before the first rhythm. A fermata is the next rhythm's. A rhythm lies in its bar and not before the end of
    the last one; time goes on with it, whether a pitch follows or not; a pitch needs a rhythm. So what a model left
    out, such as a pitch, loses its note and moves no other. Times are steps from where the bar of an upbeat would
    begin if it were whole.

    Attributes:
        metre, length: the metre, and its bar in steps.
        key: what was told as the key, if anything was.
        begin: where the bar of the last rhythm begins.
        first, onset, end: where the first rhythm begins, and where the last one does and ends.
        fermata: whether the last rhythm's note bears one.
        last: the kind of the last token that counted; "" before the first.
    """

    def __init__(self, metre: tuple[int, int] = DEFAULT_METRE) -> None:
        self.metre = metre
        self.length = bar_steps(metre)
        self.key: Said | None = None
        self.first: int | None = None
        self.begin = self.onset = 0
        self.end = NOTHING_BEFORE
        self.fermata = False
        self.last = ""

    @property
    def upbeat(self) -> int:
        """How long the upbeat is, in steps, 0 for none: a piece begins with a bar line, or with a note of its upbeat."""
        return max(0, self.length - self.first) if self.first is not None else 0

    def take(self, told: Said) -> bool:
        """Go on by one token, if it can say something here; whether it can."""
        if told.kind == "rhythm":
            if not self._goes_on(*told.numbers):
                return False
            self.fermata = self.last == "fermata"
        elif told.kind == "fermata":
            if self.last == "fermata":
                return False
        elif told.kind == "pitch":
            if self.last != "rhythm":
                return False
        elif told.kind == "metre":
            if self.last not in ("", "key"):
                return False
            self.metre = (told.numbers[0], told.numbers[1])
            self.length = bar_steps(self.metre)
        else:
            if self.last:
                return False
            self.key = told
        self.last = told.kind
        return True

    def _goes_on(self, bars: int, at: int, duration: int) -> bool:
        """Move to a rhythm, if that is not back, nor beyond a bar or all time."""
        begin = self.begin + bars * self.length
        onset = begin + at
        if at >= self.length or onset < self.end or onset + duration > LAST_STEP:
            return False
        self.first = onset if self.first is None else self.first
        self.begin, self.onset, self.end = begin, onset, onset + duration
        return True


Numbers = NDArray[np.int64]


class Table(NamedTuple):
    """What a vocabulary can say, made once for all its melodies; V its size.

    Attributes:
        bars, at, duration: int64 [V], what an id says as a rhythm, else -1.
        keys, metres, fermatas, rhythms, pitches, end: bool [V]; of the metres those with room for a note, if any has.
    """

    bars: Numbers
    at: Numbers
    duration: Numbers
    keys: Mask
    metres: Mask
    fermatas: Mask
    rhythms: Mask
    pitches: Mask
    end: Mask

    def following(self, length: int, since: int) -> Mask:
        """The rhythms that are not before a place, in steps behind the last bar line, in bars of so many steps."""
        found: Mask = self.rhythms & (self.at < length) & (self.bars * length + self.at >= since)
        return found

    def first(self, length: int) -> Mask:
        """The rhythms with which a piece may begin; none if nothing could sound."""
        return self.following(length, NOTHING_BEFORE) & self.pitches.any()


@lru_cache(maxsize=8)
def table(tokens: tuple[str, ...]) -> Table:
    """The table of a vocabulary's tokens."""
    told = [said(token) for token in tokens]

    def of(kind: str) -> Mask:
        return np.array([one is not None and one.kind == kind for one in told])

    rhythms = [one.numbers if one is not None and one.kind == "rhythm" else (-1, -1, -1) for one in told]
    bars, at, duration = np.array(rhythms, dtype=np.int64).reshape(-1, 3).T
    end = np.zeros(len(tokens), dtype=bool)
    end[EOS] = True
    found = Table(bars, at, duration, of("key"), of("metre"), of("fermata"), of("rhythm"), of("pitch"), end)
    roomy = found.metres.copy()
    for number in np.flatnonzero(roomy):
        metre = told[number]
        assert metre is not None
        roomy[number] = found.first(bar_steps((metre.numbers[0], metre.numbers[1]))).any()
    found = found._replace(metres=roomy if roomy.any() else found.metres)
    for shared in found:
        shared.setflags(write=False)
    return found


class VoiceGrammar:
    """Follows one voice: its key, its metre, and then rhythm and pitch in turn.

    A metre has room for a note; a rhythm lies in its bar, and not before the end of the note before; a fermata stands
    where a rhythm may, and only a rhythm behind it; the end comes behind a pitch. What the vocabulary does not have is passed over; where no note can ever come, only the end may.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.notes = 0
        self._said = tuple(said(token) for token in vocabulary.tokens)
        self._table = table(vocabulary.tokens)
        self._place = Place()

    def allowed(self) -> Mask:
        known, place = self._table, self._place
        if not place.last and known.keys.any():
            return known.keys
        if place.last in ("", "key") and known.metres.any():
            return known.metres
        if place.first is None:
            return self._rhythm(known.first(place.length), known.end)
        if place.last == "rhythm" and known.pitches.any():
            return known.pitches
        following = known.following(place.length, place.end - place.begin)
        return self._rhythm(following, known.end) | (known.end & (place.last != "fermata"))

    def _rhythm(self, rhythms: Mask, end: Mask) -> Mask:
        """Some rhythms, or a fermata before one of them; the end where there is none."""
        if not rhythms.any():
            return end
        return rhythms if self._place.last == "fermata" else rhythms | self._table.fermatas

    def advance(self, token_id: int) -> None:
        told = self._said[token_id]
        if told is not None and self._place.take(told):
            self.notes += told.kind == "pitch"
