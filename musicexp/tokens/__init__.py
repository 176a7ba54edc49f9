"""Tokens: pieces as sequences of token ids, and back. A tokenizer is one file here and one YAML in conf/tokens/."""

from musicexp.tokens.abc import AbcTokenizer
from musicexp.tokens.events import EventsTokenizer
from musicexp.tokens.notes import NotesTokenizer
from musicexp.tokens.pitches import PitchesTokenizer
from musicexp.tokens.tokenizer import Grammar, Tokenizer
from musicexp.tokens.unknown import UnknownRule, encode_known
from musicexp.tokens.viewpoints import Viewpoints
from musicexp.tokens.vocabulary import BOS, EOS, PAD, UNKNOWN, Ids, Vocabulary
from musicexp.tokens.voice import VoiceTokenizer

TOKENIZERS: dict[str, type[Tokenizer]] = {
    "abc": AbcTokenizer,
    "events": EventsTokenizer,
    "notes": NotesTokenizer,
    "pitches": PitchesTokenizer,
    "voice": VoiceTokenizer,
}


def tokenizer(kind: str) -> Tokenizer:
    """The tokenizer of that name, one of `TOKENIZERS`."""
    return TOKENIZERS[kind]()


__all__ = [
    "BOS",
    "EOS",
    "PAD",
    "TOKENIZERS",
    "UNKNOWN",
    "Grammar",
    "Ids",
    "Tokenizer",
    "UnknownRule",
    "Viewpoints",
    "Vocabulary",
    "encode_known",
    "tokenizer",
]
