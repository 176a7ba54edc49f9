"""`voice`: one voice, each note's rhythm before its pitch, so that a model says a pitch knowing where and how long it sounds.

A tune in A minor that begins with an upbeat reads `key:9/minor metre:3/4 0:48:24 pitch:64 1:0:48 pitch:69`: the key (its
tonic as a pitch class, and its mode; `key:none` of a piece that tells none), the metre, and then two tokens a note. A
rhythm is `BARS:POSITION:DURATION`: how many bar lines stand between the note before and this one, steps of 1/24 quarter
behind the last of them, and the duration in steps. A piece that begins with a whole bar begins with a bar line, so
that its first note stands behind at least one, and a note of the upbeat behind none.

A note that bears a fermata, as the last of each phrase does in Bach's chorales, is announced by a token of its own,
before its rhythm: `fermata 0:72:24 pitch:69 1:0:24 pitch:71`. A piece that has none reads as if there were no such token.

Of several voices the highest notes stay (`music.similar.skyline`), cut where the next of them begins, as `notes` cuts. For
one voice nothing is lost but silence in an upbeat; rests come back by position. Bars are those of the first
metre throughout, behind the upbeat that the source writes, in a score or in ABC.
What melody models such as IDyOM (Pearce 2005) are asked for is a note's pitch, given all that and its time: the nats of the
pitch tokens alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from sys import intern

from musicexp.music import Note, Piece
from musicexp.music.bar_lines import written_upbeat
from musicexp.music.keys import WITH_MINOR_THIRD, tonic_and_mode
from musicexp.music.similar import skyline
from musicexp.music.transposition import transposed_key
from musicexp.tokens.event_grammar import DEFAULT_METRE, bar_steps
from musicexp.tokens.events import PITCHES
from musicexp.tokens.tokenizer import Grammar, Parted
from musicexp.tokens.vocabulary import Ids, Vocabulary
from musicexp.tokens.voice_grammar import FERMATA, NO_KEY, Place, Row, Said, VoiceGrammar, order, said
from musicexp.tokens.voice_nearest import nearest

MINOR = 12


class VoiceTokenizer:
    """Rhythm and pitch of one voice, in its key and metre."""

    kind = "voice"

    def tokens(self, piece: Piece) -> list[str]:
        # Equal tokens are one string: a large collection has tens of millions.
        length = bar_steps(piece.metre)
        found = [_key_token(piece.key), f"metre:{piece.metre[0]}/{piece.metre[1]}"]
        bar = 0
        for row in _line(piece, length):
            now, at = divmod(row.onset, length)
            if row.fermata:
                found.append(FERMATA)
            found += (intern(f"{now - bar}:{at}:{row.duration}"), PITCHES[row.pitch])
            bar = now
        return found

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        place, rows = _read(tokens, like.metre if like is not None else DEFAULT_METRE)
        more = {"tempo": like.tempo} if like is not None else {}
        begin = place.first if place.first is not None and place.upbeat else place.length
        notes = (Note(row.onset - begin, row.duration, row.pitch) for row in rows)
        fermata = [row.fermata for row in rows]
        key = _key_name(place.key) or (like.key if like is not None else "")
        return Piece.of(notes, name, fermata=fermata, metre=place.metre, upbeat=place.upbeat, key=key, **more)

    def vocabulary(self, texts: Sequence[Sequence[str]], *, unknown: bool = False) -> Vocabulary:
        return Vocabulary.of(self.kind, texts, order=order, unknown=unknown)

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        """As the protocol says. Pitches stay, and of the rest it takes the nearest.

        A note moves to the nearest onset that a known rhythm says behind the note before, of two to the earlier, with the
        duration nearest by ratio; a rest longer than any known one loses whole bars. A metre becomes the one whose bar is
        nearest in length, and the notes stay where they are in time. A key becomes the one whose signature is nearest. A fermata is dropped.
        """
        unknown = sum(token not in vocabulary for token in tokens)
        if unknown:
            tokens = nearest(*_read(tokens, DEFAULT_METRE), vocabulary)
        return vocabulary.encode(tokens), unknown

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        return VoiceGrammar(vocabulary)

    def parted(self, token: str) -> Parted:
        told = said(token)
        if token == FERMATA:
            return Parted(None, token, ends_phrase=True)
        if told is None or told.kind not in ("pitch", "key") or not told.numbers:
            return Parted(None, token)
        if told.kind == "pitch":
            return Parted(told.numbers[0], "pitch")
        return Parted(None, f"key {told.mode}", told.numbers[0] + MINOR * (told.mode in WITH_MINOR_THIRD))


def _line(piece: Piece, length: int) -> list[Row]:
    """The highest notes, each cut where the next one begins; times as `Place` counts them, in bars of so many steps."""
    top = skyline(piece)
    upbeat = written_upbeat(piece) or 0
    begins = piece.onset[top] + length - (upbeat if upbeat < length else 0)
    columns = (begins, piece.duration[top], piece.pitch[top], piece.held[top])
    rows = [Row(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    cut = [row._replace(duration=min(row.duration, after.onset - row.onset)) for row, after in pairwise(rows)]
    return cut + rows[-1:]


def _read(tokens: Sequence[str], default: tuple[int, int]) -> tuple[Place, list[Row]]:
    """Where tokens that a model may have written end, and the notes that they say."""
    place = Place(default)
    rows: list[Row] = []
    for token in tokens:
        told = said(token)
        if told is not None and place.take(told) and told.kind == "pitch":
            rows.append(Row(place.onset, place.end - place.onset, told.numbers[0], place.fermata))
    return place, rows


def _key_token(key: str) -> str:
    """What is told of a key as `Piece.key` names it."""
    found = tonic_and_mode(key)
    return f"key:{found[0]}/{found[1]}" if found else NO_KEY


def _key_name(told: Said | None) -> str:
    """A key's name, spelt with the fewest sharps or flats; "" where it is not known."""
    if told is None or not told.numbers:
        return ""
    return transposed_key(f"C {told.mode}", told.numbers[0])
