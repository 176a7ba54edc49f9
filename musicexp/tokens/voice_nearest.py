"""A voice in the words of a vocabulary that lacks some of its own: the nearest that can be said."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from musicexp.errors import MusicError
from musicexp.music import Note, Piece
from musicexp.music.keys import analysed_key, tonic_and_mode
from musicexp.music.signatures import MODES
from musicexp.tokens.event_grammar import bar_steps
from musicexp.tokens.tokenizer import Mask
from musicexp.tokens.vocabulary import Vocabulary
from musicexp.tokens.voice_grammar import (
    FERMATA,
    NO_KEY,
    NOTHING_BEFORE,
    Place,
    Row,
    Said,
    Table,
    order,
    said,
    table,
)

MODE_NAMES = tuple(MODES)
FIFTHS = 12


def nearest(told: Place, rows: Sequence[Row], vocabulary: Vocabulary) -> list[str]:
    """Known tokens for the notes of a piece; see `VoiceTokenizer.known`.

    Args:
        told: where the piece's own tokens ended.

    Raises:
        MusicError: a pitch is unknown, or no note can be said in known tokens.
    """
    known = table(vocabulary.tokens)
    head = [*_key(told, rows, vocabulary), *_metre(told.metre, known, vocabulary)]
    place = Place()
    for token in head:
        word = said(token)
        assert word is not None
        place.take(word)
    # What the bars' lengths differ by, so that the upbeat, or the first bar line, stays where it is.
    moved = place.length - told.length
    if told.first is not None:
        moved = max(moved, NOTHING_BEFORE - told.first)
    endless = _endless(known, place.length)
    body: list[str] = []
    for number, row in enumerate(rows):
        if f"pitch:{row.pitch}" not in vocabulary:
            raise MusicError(
                f"the melody has the pitch {row.pitch} (MIDI number), which the run's own music never has; transpose it or take another run"
            )
        room = rows[number + 1].onset - row.onset if number + 1 < len(rows) else row.duration
        rhythm = _rhythm(row, row.onset + moved, room, place, known, endless)
        word = said(vocabulary.tokens[rhythm])
        assert word is not None
        place.take(word)
        body += [FERMATA] * (row.fermata and FERMATA in vocabulary)
        body += (vocabulary.tokens[rhythm], f"pitch:{row.pitch}")
        # What a known rhythm cannot reach is given up in whole bars, and what follows keeps its place in the bar.
        moved += math.trunc((place.onset - row.onset - moved) / place.length) * place.length
    return head + body


def _key(told: Place, rows: Sequence[Row], vocabulary: Vocabulary) -> list[str]:
    """The piece's key, or the known one of the nearest signature; of a piece that tells none, the one it sounds in."""
    own = _name(told.key)
    if own in vocabulary:
        return [own]
    keys = [token for token in vocabulary.tokens if (word := said(token)) and word.kind == "key"]
    spelt = [token for token in keys if token != NO_KEY]
    wanted = told.key
    if (wanted is None or not wanted.numbers) and rows and spelt:
        heard = tonic_and_mode(analysed_key(Piece.of(Note(*row[:3]) for row in rows)))
        assert heard is not None
        wanted = Said("key", heard[:1], heard[1])
    if wanted is None or not wanted.numbers or not spelt:
        return keys[:1]
    return [min(spelt, key=lambda token: (*_distance(wanted, token), order(token)))]


def _name(key: Said | None) -> str:
    return NO_KEY if key is None or not key.numbers else f"key:{key.numbers[0]}/{key.mode}"


def _distance(wanted: Said, token: str) -> tuple[int, bool]:
    """How many fifths the signatures lie apart, and whether the modes differ."""
    other = said(token)
    assert other is not None
    apart = (_signature(wanted) - _signature(other)) % FIFTHS
    return min(apart, FIFTHS - apart), wanted.mode != other.mode


def _signature(key: Said) -> int:
    """Sharps, modulo twelve."""
    return (7 * key.numbers[0] + MODES[key.mode]) % FIFTHS


def _metre(metre: tuple[int, int], known: Table, vocabulary: Vocabulary) -> list[str]:
    """The piece's metre if it is known, else the one whose bar is nearest in length."""
    own = f"metre:{metre[0]}/{metre[1]}"
    others = [vocabulary.tokens[number] for number in np.flatnonzero(known.metres)]
    if own in others or not others:
        return [own] if others else []
    length = bar_steps(metre)

    def apart(token: str) -> float:
        word = said(token)
        assert word is not None
        return abs(math.log(bar_steps((word.numbers[0], word.numbers[1])) / length))

    return [min(others, key=apart)]


def _rhythm(row: Row, onset: int, room: int, place: Place, known: Table, endless: Mask) -> int:
    """The id of the rhythm that is nearest to a note's: by onset, then one that lets the next note begin, then by duration.

    Args:
        onset: where it should begin, as `Place` counts.
        room: how long it may last before the next note begins.
        endless: the rhythms that are taken if one of them can be.

    Raises:
        MusicError: there is none behind the note before.
    """
    follows = known.following(place.length, place.end - place.begin)
    ids = np.flatnonzero(follows & endless)
    ids = ids if len(ids) else np.flatnonzero(follows)
    if not len(ids):
        raise MusicError(
            "the run's own music has no rhythm with which the melody could go on; take another melody or another run"
        )
    begins = place.begin + known.bars[ids] * place.length + known.at[ids]
    lasts = known.duration[ids]
    ratio = np.abs(np.log(lasts / row.duration))
    found = np.lexsort((lasts, ratio, lasts > room, begins, np.abs(begins - onset)))
    return int(ids[found[0]])


def _endless(known: Table, length: int) -> Mask:
    """The rhythms behind which a voice can go on for ever, in bars of so many steps."""
    begins, ends = known.bars * length + known.at, known.at + known.duration
    found = known.rhythms & (known.at < length)
    while True:
        fewer: Mask = found & (ends <= begins[found].max(initial=0))
        if (fewer == found).all():
            return found
        found = fewer
