"""Vocabulary: the ordered list of tokens that a model knows, stored with every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.errors import MusicError, StoreError

PAD, BOS, EOS = 0, 1, 2
SPECIAL = ("<pad>", "<bos>", "<eos>")
UNKNOWN = "<unk>"
"""What stands for every token that the vocabulary lacks, at id 3, in vocabularies that were asked for it."""
FORMAT = 1

Ids = NDArray[np.int64]


class Vocabulary:
    """Token <-> id. Ids 0, 1, 2 are PAD, BOS and EOS, and 3 may be UNKNOWN; the rest stand in the order they were given in.

    Attributes:
        unknown: the id of `<unk>`, or None if this vocabulary has none.
        first: the id of the first token that is music; those before it are special.
    """

    def __init__(self, kind: str, tokens: Sequence[str]) -> None:
        """
        Args:
            kind: the tokenizer's name.
            tokens: all tokens, the three special ones first, then `<unk>` if it is there, none twice.
        """
        assert tuple(tokens[: len(SPECIAL)]) == SPECIAL
        assert len(set(tokens)) == len(tokens)
        self.kind = kind
        self.tokens = tuple(tokens)
        self.unknown = len(SPECIAL) if self.tokens[len(SPECIAL) :][:1] == (UNKNOWN,) else None
        self.first = len(SPECIAL) + (self.unknown is not None)

    @classmethod
    def of(
        cls, kind: str, texts: Iterable[Sequence[str]], order: Any = None, *, unknown: bool = False
    ) -> Vocabulary:
        """The vocabulary of some encoded pieces, sorted by `order` (a key function; by text if None).

        Args:
            unknown: whether `<unk>` is one of its tokens.
        """
        special = (*SPECIAL, UNKNOWN) if unknown else SPECIAL
        return cls(kind, (*special, *sorted(set[str]().union(*texts), key=order)))

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._ids

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    def encode(self, tokens: Sequence[str]) -> Ids:
        """Token ids, int64 [tokens].

        Raises:
            MusicError: a token is not in the vocabulary.
        """
        try:
            return np.array([self._ids[token] for token in tokens], dtype=np.int64)
        except KeyError as error:
            raise MusicError(
                f"token {error.args[0]!r} is not in the vocabulary of {len(self)} tokens that the model knows"
            ) from error

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Tokens of ids, the special ones left out: what is unknown is no music."""
        return [self.tokens[i] for i in ids if i >= self.first]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self.kind, self.tokens]).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "tokens": list(self.tokens),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Vocabulary:
        """Read back what `as_dict` gave.

        Raises:
            StoreError: another format, damage, or a list that does not have its fingerprint.
        """
        if values.get("format") != FORMAT:
            raise StoreError(
                f"the vocabulary has format {values.get('format')}, and this version of musicexp reads format {FORMAT}; use the version that wrote it"
            )
        kind: Any = values.get("kind")
        tokens: Any = values.get("tokens")
        whole = isinstance(kind, str) and isinstance(tokens, list) and all(isinstance(t, str) for t in tokens)
        if not whole or tuple(tokens[: len(SPECIAL)]) != SPECIAL or len(set(tokens)) != len(tokens):
            raise StoreError("the vocabulary is damaged: it is no list of different tokens with its kind")
        vocabulary = cls(kind, tokens)
        if vocabulary.fingerprint != values.get("fingerprint"):
            raise StoreError(
                "the vocabulary does not have the fingerprint that it was stored with: it was changed since"
            )
        return vocabulary
