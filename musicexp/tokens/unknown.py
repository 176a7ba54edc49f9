"""What becomes of a token that the vocabulary lacks: one rule for every tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from musicexp.errors import MusicError
from musicexp.tokens.tokenizer import Tokenizer
from musicexp.tokens.vocabulary import UNKNOWN, Ids, Vocabulary

UnknownRule = Literal["error", "unknown", "nearest"]
"""As `tokens.unknown` in the settings."""


def encode_known(
    tokenizer: Tokenizer, tokens: Sequence[str], vocabulary: Vocabulary, rule: UnknownRule
) -> tuple[Ids, int]:
    """Ids of tokens that may be unknown, and how many were unknown and replaced.

    Args:
        rule: what becomes of a token that the vocabulary lacks. "error": it is refused; "unknown": `<unk>` stands
            for it; "nearest": the nearest known one does, as the tokenizer sees it (the same pitches with
            the nearest duration; of pitches alone the nearest pitch).

    Raises:
        MusicError: a token is refused: by the rule, because nothing known is near it, or because the
            vocabulary was made without `<unk>`.
    """
    if rule == "nearest":
        return tokenizer.known(tokens, vocabulary)
    missing = [token for token in tokens if token not in vocabulary]
    if not missing:
        return vocabulary.encode(tokens), 0
    if rule == "error" or vocabulary.unknown is None:
        also = "" if rule == "error" else " nor of a token for what is unknown"
        raise MusicError(
            f"the {tokenizer.kind} token {missing[0]!r} is not one of the {len(vocabulary)} that the model knows{also}; take other music, or train with tokens.vocabulary=corpus or with tokens.unknown=nearest or unknown"
        )
    known = vocabulary.encode([token if token in vocabulary else UNKNOWN for token in tokens])
    return known, len(missing)
