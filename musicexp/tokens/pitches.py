"""`pitches`: one token a note, its pitch alone, as a published table of melody models counts music (`music.pearce`).

A token reads `60`, a MIDI number. Rests and durations are not written: a piece comes back with the pitches of its
skyline, quarter notes end to end. Of several voices the highest notes stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from sys import intern

from musicexp.music import STEPS_PER_QUARTER, Note, Piece
from musicexp.music.similar import skyline
from musicexp.tokens.any_order import AnyOrder
from musicexp.tokens.tokenizer import Grammar, Parted
from musicexp.tokens.vocabulary import Ids, Vocabulary


class PitchesTokenizer:
    """Pitches one after the other."""

    kind = "pitches"

    def tokens(self, piece: Piece) -> list[str]:
        return [intern(str(pitch)) for pitch in piece.pitch[skyline(piece)].tolist()]

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        notes = [Note(i * STEPS_PER_QUARTER, STEPS_PER_QUARTER, int(token)) for i, token in enumerate(tokens)]
        more = {"tempo": like.tempo, "metre": like.metre, "key": like.key} if like is not None else {}
        return Piece.of(notes, name, **more)

    def vocabulary(self, texts: Sequence[Sequence[str]], *, unknown: bool = False) -> Vocabulary:
        return Vocabulary.of(self.kind, texts, order=int, unknown=unknown)

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        known = [token if token in vocabulary else self._nearest(token, vocabulary) for token in tokens]
        return vocabulary.encode(known), sum(a != b for a, b in zip(tokens, known, strict=True))

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        return AnyOrder(vocabulary)

    def parted(self, token: str) -> Parted:
        return Parted(int(token), "")

    def _nearest(self, token: str, vocabulary: Vocabulary) -> str:
        """The nearest pitch; of two equally near the lower."""
        pitches = vocabulary.tokens[vocabulary.first :]
        return min(pitches, key=lambda pitch: (abs(int(pitch) - int(token)), int(pitch)))
