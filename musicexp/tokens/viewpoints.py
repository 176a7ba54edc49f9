"""Viewpoints: what a piece so far looks like besides its last token.

After the viewpoints of Conklin and Witten (1995), with which IDyOM (Pearce 2005) reads a melody: the interval to the note
before, the interval from the first note, and what followed where the last notes stood before, in the same key or in
another. A model that has learned from thousands of notes, and not from millions, cannot find these out by itself.

Everything is known before the next token comes. Of a token the highest pitch counts, as in `music.similar.skyline`;
a token without a pitch (a rest, a bar, an ABC character) leaves the last one as it was.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from musicexp.tokens.tokenizer import Tokenizer
from musicexp.tokens.vocabulary import PAD, Ids, Vocabulary

WIDEST = 24
"""Semitones: wider intervals are taken for this one."""
INTERVALS = 2 * WIDEST + 2
NO_INTERVAL = INTERVALS - 1
NO_PITCH = 128
LONGEST = 12
"""Tokens: a longer match is not told from one of this length."""
ROOM = 256
"""Tokens for which there is room at first."""
MOVES = 256
"""More than there are semitones between two pitches."""

Seen = NDArray[np.int16]
"""[tokens, COLUMNS]: behind each token of a piece, what is seen. Columns are named below."""

COLUMNS = 11
(
    INTERVAL,
    WIDER,
    FROM_FIRST,
    MATCHED,
    TO_RECALLED,
    RESEMBLED,
    TO_RESEMBLING,
    LAST,
    FIRST,
    RECALLED,
    RESEMBLING,
) = range(COLUMNS)
"""
INTERVAL, WIDER: from the pitch before, and from the one before that, to the last: 0 ... 48 for -24 ... 24 semitones, or none.
FROM_FIRST: from the first pitch to the last.
MATCHED: how many last tokens stood in the piece before, 0 ... 12; TO_RECALLED: from the last pitch to what followed there.
RESEMBLED, TO_RESEMBLING: the same where they stood before in any key.
LAST, FIRST: pitches, 0 ... 127, or none.
RECALLED: the token that followed where they stood before, the latest time; RESEMBLING: in any key, moved into this one. PAD is none.
"""

READ = {
    INTERVAL: INTERVALS, WIDER: INTERVALS, FROM_FIRST: INTERVALS,
    MATCHED: LONGEST + 1, TO_RECALLED: INTERVALS, RESEMBLED: LONGEST + 1, TO_RESEMBLING: INTERVALS,
}  # fmt: skip
"""The columns that a model reads beside its tokens, with the number of values of each."""

REFERENCES = (LAST, FIRST)
"""The columns from whose pitch a model sees what may come next."""

POINTERS = ((RECALLED, MATCHED), (RESEMBLING, RESEMBLED))
"""The columns that name a token which may come next, each with the one that says how long the match was."""


class Viewpoints:
    """The viewpoints of a vocabulary.

    Attributes:
        pitches_V: int64, the highest pitch of each token, -1 for none.
    """

    def __init__(self, vocabulary: Vocabulary, tokenizer: Tokenizer) -> None:
        parted = [tokenizer.parted(token) for token in vocabulary.tokens[vocabulary.first :]]
        rests = {rest: number for number, rest in enumerate(dict.fromkeys(part.rest for part in parted))}
        special = np.full(vocabulary.first, -1, dtype=np.int64)
        pitches = [-1 if part.pitch is None else part.pitch for part in parted]
        self.first = vocabulary.first
        self.pitches_V = np.concatenate([special, np.array(pitches, dtype=np.int64)])
        self.rests_V = np.concatenate([special, np.array([rests[p.rest] for p in parted], dtype=np.int64)])
        self._keys = {
            number: part.key for number, part in enumerate(parted, vocabulary.first) if part.key is not None
        }
        self._ids = {
            (int(rest), self._keys.get(number, int(pitch))): number
            for number, (rest, pitch) in enumerate(zip(self.rests_V, self.pitches_V, strict=True))
            if number >= self.first
        }

    def __len__(self) -> int:
        return len(self.pitches_V)

    @cached_property
    def from_pitch(self) -> NDArray[np.int64]:
        """The interval from a pitch (or from none) to each token, int64 [129, V]: 0 ... 48, or none."""
        references = np.arange(NO_PITCH + 1)[:, None]
        found = np.clip(self.pitches_V[None] - references, -WIDEST, WIDEST) + WIDEST
        found[:, self.pitches_V < 0] = NO_INTERVAL
        found[NO_PITCH] = NO_INTERVAL
        return found

    def moved(self, token: int, semitones: int) -> int:
        """The token so many semitones higher; PAD if the vocabulary has none."""
        rest, pitch = int(self.rests_V[token]), int(self.pitches_V[token])
        if (key := self._keys.get(token)) is not None:
            return self._ids.get((rest, key // 12 * 12 + (key + semitones) % 12), PAD)
        return self._ids.get((rest, pitch + semitones), PAD) if pitch >= 0 else token

    def follow(self) -> Follower:
        """A piece that has not begun."""
        return Follower(self)

    def of(self, ids: Ids) -> Seen:
        """What is seen behind each token of a piece that begins with its first one (BOS)."""
        follower = self.follow()
        return np.array([follower.advance(token) for token in ids.tolist()], dtype=np.int16).reshape(
            -1, COLUMNS
        )


class Follower:
    """A piece that grows. A token costs time in proportion to the piece, some microseconds."""

    def __init__(self, viewpoints: Viewpoints) -> None:
        self._viewpoints = viewpoints
        self._count = 0
        self._tokens = np.zeros(ROOM, dtype=np.int64)
        self._moves = np.zeros(ROOM, dtype=np.int64)  # equal where tokens are, in whatever keys
        self._before = np.zeros(ROOM, dtype=np.int64)  # the last pitch before each token
        self._alike = np.zeros(
            (2, ROOM), dtype=np.int64
        )  # of the tokens and moves before each, how many equal the last
        self._first = NO_PITCH
        self._recent = (NO_PITCH, NO_PITCH, NO_PITCH)  # the last three pitches

    def advance(self, token: int) -> list[int]:
        """The next token has come; what is seen behind it, by column. BOS and EOS change nothing."""
        if token >= self._viewpoints.first:
            self._take(token)
        return self._seen()

    def _take(self, token: int) -> None:
        now = self._count
        if now + 1 >= len(self._tokens):
            self._grow()
        last, pitch = self._recent[-1], int(self._viewpoints.pitches_V[token])
        self._tokens[now] = token
        self._moves[now] = self._move(token, pitch, last)
        self._before[now] = last
        for alike, said in zip(self._alike, (self._tokens, self._moves), strict=True):
            # A place's tokens end as ours do if the one before it is ours, as far as that one's did, and one more.
            alike[1 : now + 1] = np.where(said[:now] == said[now], alike[:now] + 1, 0)
        self._count += 1
        if pitch >= 0:
            self._first = pitch if self._first == NO_PITCH else self._first
            self._recent = (*self._recent[1:], pitch)

    def _move(self, token: int, pitch: int, last: int) -> int:
        """What a token is in every key: how it moves, and its rest; a first note moves like no other."""
        if pitch >= 0 and last == NO_PITCH:
            return -1
        return int(self._viewpoints.rests_V[token]) * 2 * MOVES + (pitch - last + MOVES if pitch >= 0 else 0)

    def _seen(self) -> list[int]:
        before, middle, last = self._recent
        matched, recalled = self._recalled()
        resembled, resembling = self._resembling()
        seen = [0] * COLUMNS
        seen[INTERVAL], seen[WIDER] = _interval(middle, last), _interval(before, last)
        seen[FROM_FIRST] = _interval(self._first, last)
        seen[MATCHED], seen[RECALLED] = matched, recalled
        seen[TO_RECALLED] = self._to(last, recalled)
        seen[RESEMBLED], seen[RESEMBLING] = resembled, resembling
        seen[TO_RESEMBLING] = self._to(last, resembling)
        seen[LAST], seen[FIRST] = last, self._first
        return seen

    def _recalled(self) -> tuple[int, int]:
        """How many last tokens stood before, and what followed there."""
        place, length = self._longest(self._alike[0])
        return (length, int(self._tokens[place])) if length else (0, PAD)

    def _resembling(self) -> tuple[int, int]:
        """How many last tokens stood before in some key, and what followed there, moved to where we are."""
        place, length = self._longest(self._alike[1])
        if not length:
            return 0, PAD
        found = self._viewpoints.moved(int(self._tokens[place]), self._recent[-1] - int(self._before[place]))
        return (length, found) if found != PAD else (0, PAD)

    def _longest(self, alike: NDArray[np.int64]) -> tuple[int, int]:
        """The place before which most tokens equal the last ones, the latest of several, and how many do."""
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
