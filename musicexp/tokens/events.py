"""`events`: bars, positions in them, pitches and durations; several voices are kept whole.

Three notes read `metre:3/4 bar at:0 pitch:60 duration:24 pitch:64 duration:48 at:24 pitch:72 duration:12`: the
metre, then `bar` for every bar up to that of the last onset, `at:K` for a position at which notes begin (K steps
of 1/24 quarter behind the bar line), and for each of these notes, from low to high, its pitch and duration in steps.
Every onset, pitch and duration on the grid comes back, whatever sounds at once. Velocity, part and changes of metre do
not: bars are those of the first metre throughout. After REMI (Huang and Yang, 2020) without its tempo and chords.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from sys import intern
from typing import NamedTuple

from musicexp.errors import MusicError
from musicexp.music import Note, Piece
from musicexp.tokens.event_grammar import (
    BAR,
    DEFAULT_METRE,
    EventGrammar,
    Place,
    bar_steps,
    event,
    events,
    order,
)
from musicexp.tokens.tokenizer import Grammar, Parted
from musicexp.tokens.vocabulary import Ids, Vocabulary

LAST_STEP = 2**31 - 1
"""Where a piece must have ended, since its arrays are int32: a later note is passed over."""

PITCHES = tuple(f"pitch:{pitch}" for pitch in range(128))


class EventsTokenizer:
    """Bars, positions, pitches and durations."""

    kind = "events"

    def tokens(self, piece: Piece) -> list[str]:
        rows = (piece.onset.tolist(), piece.pitch.tolist(), piece.duration.tolist())
        return _written(piece.metre, zip(*rows, strict=True))

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        metre, rows = _read(tokens, like.metre if like is not None else DEFAULT_METRE)
        more = {"tempo": like.tempo, "key": like.key} if like is not None else {}
        notes = (Note(onset, duration, pitch) for onset, pitch, duration in rows)
        return Piece.of(notes, name, metre=metre, **more)

    def vocabulary(self, texts: Sequence[Sequence[str]], *, unknown: bool = False) -> Vocabulary:
        return Vocabulary.of(self.kind, texts, order=order, unknown=unknown)

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        """As the protocol says. Pitches stay, and of the rest it takes the nearest.

        A duration becomes the nearest by ratio. An onset moves to the nearest known position of its bar, from
        half-way to the earlier; of two notes that thereby become one the longer stays. A metre becomes the one whose
        bar is nearest in length, and the notes stay where they are in time.
        """
        unknown = sum(token not in vocabulary for token in tokens)
        if unknown:
            tokens = _nearest(*_read(tokens, DEFAULT_METRE), vocabulary)
        return vocabulary.encode(tokens), unknown

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        return EventGrammar(vocabulary)

    def parted(self, token: str) -> Parted:
        said = event(token)
        if said is None or said.kind != "pitch":
            return Parted(None, token)
        return Parted(said.number, said.kind)


class _Row(NamedTuple):
    """A note; times in steps."""

    onset: int
    pitch: int
    duration: int


def _written(metre: tuple[int, int], rows: Iterable[tuple[int, int, int]]) -> list[str]:
    """Tokens of (onset, pitch, duration) rows in order of onset and pitch.

    Equal ones are one string: a large collection has tens of millions.
    """
    length = bar_steps(metre)
    found = [f"metre:{metre[0]}/{metre[1]}"]
    before, end = -1, 0  # the last onset, and where the last bar ends
    for onset, pitch, duration in rows:
        if onset != before:
            if onset >= end:
                bars = (onset - end) // length + 1
                found += [BAR] * bars
                end += bars * length
            found.append(intern(f"at:{onset - end + length}"))
            before = onset
        found += (PITCHES[pitch], intern(f"duration:{duration}"))
    return found


def _read(tokens: Iterable[str], default: tuple[int, int]) -> tuple[tuple[int, int], list[_Row]]:
    """The metre (`default` if none is told) and the notes, in order, of tokens that a model may have written."""
    place = Place(default)
    rows: list[_Row] = []
    for token in tokens:
        said = event(token)
        if said is None or not place.take(said) or said.kind != "duration":
            continue
        onset = place.begin + place.at
        if onset + said.number <= LAST_STEP:
            rows.append(_Row(onset, place.pitch, said.number))
    return place.metre, rows


def _nearest(metre: tuple[int, int], rows: Sequence[_Row], vocabulary: Vocabulary) -> list[str]:
    """Known tokens for notes; see `EventsTokenizer.known`.

    Raises:
        MusicError: a pitch is unknown, or no note can be said in known tokens.
    """
    known = [said for said in events(vocabulary.tokens) if said is not None]
    metres = [(said.number, said.unit) for said in known if said.kind == "metre"]
    if metres and metre not in metres:
        length = bar_steps(metre)
        metre = min(metres, key=lambda other: abs(math.log(bar_steps(other) / length)))
    length = bar_steps(metre)
    positions = [said.number for said in known if said.kind == "at" and said.number < length]
    durations = [said.number for said in known if said.kind == "duration"]
    pitches = {said.number for said in known if said.kind == "pitch"}
    if not (metres and positions and durations):
        raise MusicError(
            "the run's own music has no bar in which the melody could stand; take another melody or another run"
        )
    moved: dict[tuple[int, int], int] = {}
    for onset, pitch, duration in rows:
        if pitch not in pitches:
            raise MusicError(
                f"the melody has the pitch {pitch} (MIDI number), which the run's own music never has; transpose it or take another run"
            )
        bar = onset - onset % length
        place = bar + _closest(onset - bar, positions)
        lasts = min(durations, key=lambda other: (abs(math.log(other / duration)), other))
        moved[place, pitch] = max(lasts, moved.get((place, pitch), 0))
    return _written(metre, [(onset, pitch, moved[onset, pitch]) for onset, pitch in sorted(moved)])


def _closest(number: int, numbers: Sequence[int]) -> int:
    """The number nearest to one, the smaller of two."""
    return min(numbers, key=lambda other: (abs(other - number), other))
