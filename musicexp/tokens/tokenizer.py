"""What every tokenizer offers: Piece <-> tokens, and which token may follow which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from musicexp.music import Piece
from musicexp.tokens.vocabulary import Ids, Vocabulary

Mask = NDArray[np.bool_]


class Parted(NamedTuple):
    """A token as a pitch and all the rest.

    Attributes:
        pitch: the highest that it sounds, a MIDI number; None without one.
        rest: what is the same of it in every key.
        key: of a token that tells the piece's key the tonic, a pitch class 0-11, and 12 more with a minor third; else None.
        ends_phrase: whether it announces that the next note ends a phrase.
    """

    pitch: int | None
    rest: str
    key: int | None = None
    ends_phrase: bool = False


class Grammar(Protocol):
    """Follows one melody token by token and knows what may come next."""

    def allowed(self) -> Mask:
        """bool [vocabulary], not to be written to: the ids that may come next.

        At least one is true. PAD, BOS and `<unk>` never are.
        """
        ...

    def advance(self, token_id: int) -> None:
        """Take note of the token that came."""
        ...

    @property
    def notes(self) -> int:
        """Notes and chords so far."""
        ...


class Tokenizer(Protocol):
    """Turns pieces into tokens and back. Stateless: the vocabulary is made from what it gives."""

    kind: str

    def tokens(self, piece: Piece) -> list[str]:
        """The tokens of a piece, without BOS and EOS."""
        ...

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        """The piece that tokens spell; never fails, since a model may have written them.

        Args:
            like: a piece whose tempo, metre and key it takes where the tokens name none.
        """
        ...

    def vocabulary(self, texts: Sequence[Sequence[str]], *, unknown: bool = False) -> Vocabulary:
        """The ordered vocabulary of encoded pieces; `unknown`: with a token for all that it lacks."""
        ...

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        """Ids of tokens that may be unknown: the nearest known one instead, and how many were replaced.

        Raises:
            MusicError: a token has no near one.
        """
        ...

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        """A grammar that stands at the beginning of a melody."""
        ...

    def parted(self, token: str) -> Parted:
        """One token of music as its pitch and the rest; without a pitch where it spells none by itself."""
        ...
