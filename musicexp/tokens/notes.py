"""`notes`: one token a note, chord or rest with its duration, the source report's representation.

A token reads `60.64.67:24`: pitches from low to high, then the duration in steps of 1/24 quarter;
`r:12` is a rest. Of several voices it keeps every onset and pitch; what sounds on while another note
begins is cut there. For one voice nothing is lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from sys import intern

from musicexp.errors import MusicError
from musicexp.music import Note, Piece
from musicexp.tokens.any_order import AnyOrder
from musicexp.tokens.tokenizer import Grammar, Parted
from musicexp.tokens.vocabulary import Ids, Vocabulary

REST = "r"


class NotesTokenizer:
    """Notes, chords and rests with their durations."""

    kind = "notes"

    def tokens(self, piece: Piece) -> list[str]:
        # Equal tokens are one string: a large collection has tens of millions.
        rows = zip(piece.onset.tolist(), piece.pitch.tolist(), piece.duration.tolist(), strict=True)
        found: list[str] = []
        onset = now = longest = (
            0  # of the chord being gathered: its onset, longest duration, and what ended before it
        )
        names = ""
        for begin, pitch, duration in rows:
            if names and begin == onset:
                names += f".{pitch}"
                longest = max(longest, duration)
                continue
            if names:
                length = min(longest, begin - onset)
                found.append(intern(f"{names}:{length}"))
                now = onset + length
            if begin > now:
                found.append(intern(f"{REST}:{begin - now}"))
            onset, longest, names = begin, duration, f"{pitch}"
        return [*found, intern(f"{names}:{longest}")] if names else found

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        notes, now = [], 0
        for token in tokens:
            pitches, duration = _parts(token)
            notes += [Note(now, duration, pitch) for pitch in pitches]
            now += duration
        more = {"tempo": like.tempo, "metre": like.metre, "key": like.key} if like is not None else {}
        return Piece.of(notes, name, **more)

    def vocabulary(self, texts: Sequence[Sequence[str]], *, unknown: bool = False) -> Vocabulary:
        return Vocabulary.of(self.kind, texts, order=_parts, unknown=unknown)

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        known = [token if token in vocabulary else self._nearest(token, vocabulary) for token in tokens]
        return vocabulary.encode(known), sum(a != b for a, b in zip(tokens, known, strict=True))

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        return AnyOrder(vocabulary, silent=REST)

    def parted(self, token: str) -> Parted:
        pitches, duration = _parts(token)
        if not pitches:
            return Parted(None, token)
        below = ".".join(str(pitch - pitches[-1]) for pitch in pitches)
        return Parted(pitches[-1], f"{below}:{duration}")

    def _nearest(self, token: str, vocabulary: Vocabulary) -> str:
        """The same pitches with the nearest duration (by ratio); of an unknown chord, its highest note."""
        pitches, duration = _parts(token)
        for wanted in (pitches, pitches[-1:]):
            lengths = _lengths(vocabulary.tokens[vocabulary.first :]).get(wanted)
            if lengths:
                return min((abs(math.log(length / duration)), other) for length, other in lengths)[1]
        what = f"the pitch {pitches[-1]} (MIDI number)" if pitches else "a rest"
        raise MusicError(
            f"the melody has {what}, which the run's own music never has; transpose it or take another run"
        )


@lru_cache(maxsize=4)
def _lengths(tokens: tuple[str, ...]) -> dict[tuple[int, ...], list[tuple[int, str]]]:
    """(duration, token) pairs of a vocabulary's tokens by their pitches."""
    found: dict[tuple[int, ...], list[tuple[int, str]]] = {}
    for token in tokens:
        pitches, duration = _parts(token)
        found.setdefault(pitches, []).append((duration, token))
    return found


def _parts(token: str) -> tuple[tuple[int, ...], int]:
    """(pitches, duration in steps); no pitches for a rest. Also the order of the vocabulary."""
    pitches, _, duration = token.partition(":")
    return tuple(int(p) for p in pitches.split(".")) if pitches != REST else (), int(duration)
