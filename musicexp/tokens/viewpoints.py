"""Viewpoints: what a piece so far looks like besides its last token.

After the viewpoints of Conklin and Witten (1995), with which IDyOM (Pearce 2005) reads a melody: the interval to the note
before, the interval from the first note, and from the phrase's first one where the ends of phrases are told, the step of the
scale where a key is told, and what followed where the last notes stood before, in the same key or in another. A model that
has learned from thousands of notes, and not from millions, cannot find these out by itself.

Everything is known before the next token comes. Of a token the highest pitch counts, as in `music.similar.skyline`;
a token without a pitch (a rest, a rhythm, an ABC character) leaves the last one as it was.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.tokens.tokenizer import Tokenizer
from musicexp.tokens.vocabulary import PAD, Ids, Vocabulary

WIDEST = 24
"""Semitones: wider intervals are taken for this one."""
INTERVALS = 2 * WIDEST + 2
NO_INTERVAL = INTERVALS - 1
NO_PITCH = 128
KEYS = 25
NO_KEY = KEYS - 1
LONGEST = 12
"""Tokens: a longer match is not told from one of this length."""
ROOM = 256
"""Tokens for which there is room at first."""
MOVES = 256
"""More than there are semitones between two pitches."""

Seen = NDArray[np.int16]
"""[tokens, columns]: behind each token of a piece, what is seen."""

ALWAYS = 7
INTERVAL, WIDER, FROM_FIRST, DEGREE, LAST, FIRST, KEY = range(ALWAYS)
"""
INTERVAL, WIDER: from the pitch before, and from the one before that, to the last: 0 ... 48 for -24 ... 24 semitones, or none.
FROM_FIRST: from the first pitch to the last.
DEGREE: the last pitch above the tonic, 0 ... 11 in major, 12 ... 23 in minor, or none.
LAST, FIRST: pitches, 0 ... 127, or none.
KEY: pitch class of the tonic, + 12 in minor, or none.
"""

OF_A_PAST = 6
MATCHED, TO_RECALLED, RESEMBLED, TO_RESEMBLING, RECALLED, RESEMBLING = range(ALWAYS, ALWAYS + OF_A_PAST)
"""
Of everything that was said, and, where some tokens have no pitch, once more of those that have, `OF_A_PAST` columns on.
MATCHED: how many last tokens stood in the piece before, 0 ... 12; TO_RECALLED: from the last pitch to what followed there.
RESEMBLED, TO_RESEMBLING: the same where they stood before in any key.
RECALLED: the token that followed where they stood before, the latest time; RESEMBLING: in any key, moved into this one. PAD is none.
"""

OF_PHRASES = 3
PHRASE, FROM_PHRASE, PHRASE_FIRST = range(ALWAYS + 2 * OF_A_PAST, ALWAYS + 2 * OF_A_PAST + OF_PHRASES)
"""
Only where some token tells that a phrase ends; behind both pasts, for such a token has no pitch.
PHRASE: 1 if the next note is announced as the last of a phrase, and 2 more if it is the first of one.
FROM_PHRASE: from the phrase's first pitch to the last.
PHRASE_FIRST: that pitch, 0 ... 127, or none; it is the phrase before's until the first note of the next one has come.
"""
PHRASES = 4


class Reference(NamedTuple):
    """Something from which a model sees what may come next.

    Attributes:
        column: where it stands in what is seen.
        classes: how many relations of a token to it there are.
        table: int64 [values of the column, V], the relation of each token to each of them; the last is none.
    """

    column: int
    classes: int
    table: NDArray[np.int64]


class Pointer(NamedTuple):
    """A column that names a token which may come next, and one that says how long the match was."""

    token: int
    matched: int


class Viewpoints:
    """The viewpoints of a vocabulary.

    Attributes:
        pitches_V: int64, the highest pitch of each token, -1 for none.
    """

    def __init__(self, vocabulary: Vocabulary, tokenizer: Tokenizer) -> None:
        parted = [tokenizer.parted(token) for token in vocabulary.tokens[vocabulary.first :]]
        rests = {rest: number for number, rest in enumerate(dict.fromkeys(part.rest for part in parted))}
        special = np.full(vocabulary.first, -1, dtype=np.int64)

        def by_token(numbers: list[int | None]) -> NDArray[np.int64]:
            known = np.array([-1 if number is None else number for number in numbers], dtype=np.int64)
            return np.concatenate([special, known])

        self.first = vocabulary.first
        self.pitches_V = by_token([part.pitch for part in parted])
        self.keys_V = by_token([part.key for part in parted])
        self.rests_V = by_token([rests[part.rest] for part in parted])
        self._ids = {
            (int(rest), int(key if key >= 0 else pitch)): number
            for number, (rest, pitch, key) in enumerate(
                zip(self.rests_V, self.pitches_V, self.keys_V, strict=True)
            )
            if number >= self.first
        }
        self.ends_V = np.concatenate(
            [special >= 0, np.array([part.ends_phrase for part in parted], dtype=bool)]
        )
        pitched = self.pitches_V[self.first :] >= 0
        self.pasts = 2 if self.tells_phrases or (pitched.any() and not pitched.all()) else 1

    def __len__(self) -> int:
        return len(self.pitches_V)

    @property
    def columns(self) -> int:
        """How many things are seen behind each token."""
        return ALWAYS + self.pasts * OF_A_PAST + self.tells_phrases * OF_PHRASES

    @cached_property
    def read(self) -> dict[int, int]:
        """The columns that a model reads beside its tokens, with the number of values of each."""
        found = {INTERVAL: INTERVALS, WIDER: INTERVALS, FROM_FIRST: INTERVALS}
        if self.tells_keys:
            found |= {DEGREE: KEYS, KEY: KEYS}
        for past in range(self.pasts):
            for matched, to in ((MATCHED, TO_RECALLED), (RESEMBLED, TO_RESEMBLING)):
                found |= {matched + past * OF_A_PAST: LONGEST + 1, to + past * OF_A_PAST: INTERVALS}
        if self.tells_phrases:
            found |= {PHRASE: PHRASES, FROM_PHRASE: INTERVALS}
        return found

    @cached_property
    def references(self) -> list[Reference]:
        """From what a model sees what may come next."""
        found = [Reference(column, INTERVALS, self._from_pitch()) for column in (LAST, FIRST)]
        if self.tells_keys:
            found.append(Reference(KEY, KEYS, self._in_key()))
        if self.tells_phrases:
            found.append(Reference(PHRASE_FIRST, INTERVALS, self._from_pitch()))
        return found

    @cached_property
    def pointers(self) -> list[Pointer]:
        """What came before and may come again."""
        return [
            Pointer(token + past * OF_A_PAST, matched + past * OF_A_PAST)
            for past in range(self.pasts)
            for token, matched in ((RECALLED, MATCHED), (RESEMBLING, RESEMBLED))
        ]

    @property
    def tells_keys(self) -> bool:
        """Whether some token tells a key."""
        return bool((self.keys_V >= 0).any())

    @property
    def tells_phrases(self) -> bool:
        """Whether some token tells that a phrase ends."""
        return bool(self.ends_V.any())

    def _from_pitch(self) -> NDArray[np.int64]:
        """The interval from a pitch, or from none, to each token, [129, V]."""
        references = np.arange(NO_PITCH + 1)[:, None]
        found: NDArray[np.int64] = np.clip(self.pitches_V[None] - references, -WIDEST, WIDEST) + WIDEST
        found[:, self.pitches_V < 0] = NO_INTERVAL
        found[NO_PITCH] = NO_INTERVAL
        return found

    def _in_key(self) -> NDArray[np.int64]:
        """The step of the scale that each token is in a key, or in none, [25, V]."""
        keys = np.arange(KEYS)[:, None]
        found = (self.pitches_V[None] - keys) % 12 + np.where(keys >= 12, 12, 0)
        found[:, self.pitches_V < 0] = NO_KEY
        found[NO_KEY] = NO_KEY
        return found

    def moved(self, token: int, semitones: int) -> int:
        """The token so many semitones higher; PAD if the vocabulary has none."""
        rest, pitch = int(self.rests_V[token]), int(self.pitches_V[token])
        if (key := int(self.keys_V[token])) >= 0:
            return self._ids.get((rest, key // 12 * 12 + (key + semitones) % 12), PAD)
        return self._ids.get((rest, pitch + semitones), PAD) if pitch >= 0 else token

    def follow(self) -> Follower:
        """A piece that has not begun."""
        return Follower(self)

    def of(self, ids: Ids) -> Seen:
        """What is seen behind each token of a piece that begins with its first one (BOS)."""
        follower = self.follow()
        rows = [follower.advance(token) for token in ids.tolist()]
        return np.array(rows, dtype=np.int16).reshape(-1, self.columns)


class Follower:
    """A piece that grows. A token costs time in proportion to the piece, some microseconds."""

    def __init__(self, viewpoints: Viewpoints) -> None:
        self._viewpoints = viewpoints
        self._pasts = [_Past(viewpoints) for _ in range(viewpoints.pasts)]
        self._first = NO_PITCH
        self._recent = (NO_PITCH, NO_PITCH, NO_PITCH)  # the last three pitches
        self._key = NO_KEY
        self._phrase = _Phrase() if viewpoints.tells_phrases else None

    def advance(self, token: int) -> list[int]:
        """The next token has come; what is seen behind it, by column. BOS and EOS change nothing."""
        viewpoints = self._viewpoints
        if token >= viewpoints.first:
            pitch, key = int(viewpoints.pitches_V[token]), int(viewpoints.keys_V[token])
            for past in self._pasts if pitch >= 0 else self._pasts[:1]:
                past.take(token, pitch, self._recent[-1])
            if pitch >= 0:
                self._first = pitch if self._first == NO_PITCH else self._first
                self._recent = (*self._recent[1:], pitch)
            self._key = key if key >= 0 else self._key
            if self._phrase is not None:
                self._phrase.take(pitch, ends=bool(viewpoints.ends_V[token]))
        return self._seen()

    def _seen(self) -> list[int]:
        before, middle, last = self._recent
        seen = [0] * ALWAYS
        seen[INTERVAL], seen[WIDER] = _interval(middle, last), _interval(before, last)
        seen[FROM_FIRST] = _interval(self._first, last)
        known = self._key != NO_KEY and last != NO_PITCH
        seen[DEGREE] = (last - self._key) % 12 + 12 * (self._key >= 12) if known else NO_KEY
        seen[LAST], seen[FIRST], seen[KEY] = last, self._first, self._key
        seen += (value for past in self._pasts for value in past.seen(last))
        return seen if self._phrase is None else seen + self._phrase.seen(last)


class _Phrase:
    """Where in its phrase a piece stands, whose tokens tell before its last note that a phrase ends."""

    def __init__(self) -> None:
        self._first = NO_PITCH
        self._begins = True  # whether the next note is the first of a phrase
        self._ends = False  # whether it is the last one

    def take(self, pitch: int, *, ends: bool) -> None:
        """A token has come; `ends`: it tells that the next note ends the phrase."""
        self._ends |= ends
        if pitch >= 0:
            self._first = pitch if self._begins else self._first
            self._begins, self._ends = self._ends, False

    def seen(self, last: int) -> list[int]:
        """The columns of phrases, where the last pitch is this one."""
        return [2 * self._begins + self._ends, _interval(self._first, last), self._first]


class _Past:
    """The tokens so far, or some of them, and where the last of them stood before."""

    def __init__(self, viewpoints: Viewpoints) -> None:
        self._viewpoints = viewpoints
        self._count = 0
        self._tokens = np.zeros(ROOM, dtype=np.int64)
        self._moves = np.zeros(ROOM, dtype=np.int64)  # equal where tokens are, in whatever keys
        self._before = np.zeros(ROOM, dtype=np.int64)  # the last pitch before each token
        self._alike = np.zeros(
            (2, ROOM), dtype=np.int64
        )  # of what stands before each, how much equals the last

    def take(self, token: int, pitch: int, last: int) -> None:
        """A token has come; `last` is the pitch before it."""
        now = self._count
        if now + 1 >= len(self._tokens):
            self._grow()
        self._tokens[now] = token
        self._moves[now] = self._move(token, pitch, last)
        self._before[now] = last
        for alike, said in zip(self._alike, (self._tokens, self._moves), strict=True):
            # What stands before a place ends as ours does if its last is ours, as far as that one's did, and one more.
            alike[1 : now + 1] = np.where(said[:now] == said[now], alike[:now] + 1, 0)
        self._count += 1

    def seen(self, last: int) -> list[int]:
        """The columns of a past, where the last pitch is this one."""
        matched, recalled = self._recalled()
        resembled, resembling = self._resembling(last)
        return [
            matched,
            self._to(last, recalled),
            resembled,
            self._to(last, resembling),
            recalled,
            resembling,
        ]

    def _move(self, token: int, pitch: int, last: int) -> int:
        """What a token is in every key: how it moves, and its rest; a first note moves like no other."""
        if pitch >= 0 and last == NO_PITCH:
            return -1
        return int(self._viewpoints.rests_V[token]) * 2 * MOVES + (pitch - last + MOVES if pitch >= 0 else 0)

    def _recalled(self) -> tuple[int, int]:
        """How many last tokens stood before, and what followed there."""
        place, length = self._longest(self._alike[0])
        return (length, int(self._tokens[place])) if length else (0, PAD)

    def _resembling(self, last: int) -> tuple[int, int]:
        """How many last tokens stood before in some key, and what followed there, moved to where we are."""
        place, length = self._longest(self._alike[1])
        if not length:
            return 0, PAD
        found = self._viewpoints.moved(int(self._tokens[place]), last - int(self._before[place]))
        return (length, found) if found != PAD else (0, PAD)

    def _longest(self, alike: NDArray[np.int64]) -> tuple[int, int]:
        """The place before which most equals the last, the latest of several, and how much does."""
        some = alike[1 : self._count]
        if not len(some):
            return 0, 0
        place = len(some) - int(some[::-1].argmax())
        return place, min(int(alike[place]), LONGEST)

    def _to(self, last: int, token: int) -> int:
        pitch = int(self._viewpoints.pitches_V[token])
        return _interval(last, pitch if pitch >= 0 else NO_PITCH)

    def _grow(self) -> None:
        room = len(self._tokens)
        self._tokens, self._moves, self._before, self._alike = (
            np.concatenate([values, np.zeros((*values.shape[:-1], room), dtype=np.int64)], axis=-1)
            for values in (self._tokens, self._moves, self._before, self._alike)
        )


def _interval(low: int, high: int) -> int:
    """From one pitch to another, as a class."""
    if NO_PITCH in (low, high):
        return NO_INTERVAL
    return min(max(high - low, -WIDEST), WIDEST) + WIDEST
