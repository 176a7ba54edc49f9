"""`abc`: one token a character of ABC notation, the MIT 6.S191 lab's representation.

Kept of a tune is what sounds: metre, unit length and key, then notes, rests, ties, tuplets, broken
rhythm and bar lines. Titles, annotations, chord symbols, ornaments and slurs are not music that the Piece
has, and are left out. What a model writes may be no ABC at all: in sampling a grammar keeps the head
and the order of characters legal, and in reading what still is no note, rest, bar or field is passed over.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np

from musicexp.errors import MusicError
from musicexp.music import ABC_HEAD, ABC_KEYS, ABC_METRES, STEPS_PER_QUARTER, Piece, read_abc
from musicexp.tokens.tokenizer import Grammar, Mask, Parted
from musicexp.tokens.vocabulary import EOS, SPECIAL, UNKNOWN, Ids, Vocabulary

SOUNDING = ("note", "chord", "rest")
LETTERS = "CDEFGABcdefgab"
_LENGTH = r"(?:[1-9]\d?)?(?:/[2-9]|/1[26]|/{1,3})?"
_NOTE = rf"(?:\^\^?|__?|=)?[A-Ga-g](?:,{{1,5}}|'{{1,5}})?{_LENGTH}"
LONGEST_STEPS = 96
"""What one length can say, in steps: 96/12 eighths. Longer notes are tied."""

_UNIT = re.compile(
    rf"(?P<field>\n(?:K:(?:{'|'.join(re.escape(k) for k in sorted(ABC_KEYS, key=len, reverse=True))})|M:(?:C\|?|\d\d?/(?:16|[1248]))|L:1/(?:16|32|[1248]))(?=\n))"
    rf"|(?P<chord>\[(?:{_NOTE})+\]{_LENGTH})|(?P<bar>\[?\|[\]|:]*|:+\|*:*|\|)|(?P<ending>\[[12])"
    rf"|(?P<tuplet>\([2-9](?::[1-9]?){{0,2}})|(?P<note>{_NOTE})|(?P<rest>[zx]{_LENGTH})|(?P<tie>-)|(?P<broken><{{1,3}}|>{{1,3}})|(?P<blank>[ \n])"
)


class AbcTokenizer:
    """Characters of ABC: of the tune's own if it was read from ABC, else of ABC written for it."""

    kind = "abc"

    def tokens(self, piece: Piece) -> list[str]:
        return list(piece.abc or abc_of(piece))

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        text = repaired("".join(tokens))
        found = _read_what_can_be_read(text, name)
        if like is not None:
            found = dataclasses.replace(found, tempo=like.tempo)
        return found

    def vocabulary(self, texts: Sequence[Sequence[str]], *, unknown: bool = False) -> Vocabulary:
        return Vocabulary.of(self.kind, texts, unknown=unknown)

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        for token in tokens:
            if token not in vocabulary:
                raise MusicError(
                    f"the melody needs the ABC character {token!r}, which the run's own tunes never have; take another melody or another run"
                )
        return vocabulary.encode(tokens), 0

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        return _AbcGrammar(vocabulary)

    def parted(self, token: str) -> Parted:
        return Parted(None, token)  # a pitch is several characters


# ---------------------------------------------------------------------------------------------------
# Out of a piece that was not read from ABC


def abc_of(piece: Piece) -> str:
    """ABC for a piece that was not read from ABC: its chords, notes and rests, in C, tied over bars."""
    from musicexp.tokens.notes import NotesTokenizer, _parts

    metre = f"{piece.metre[0]}/{piece.metre[1]}"
    if metre not in ABC_METRES:
        metre = "4/4"
    beats, unit = (int(number) for number in metre.split("/"))
    bar = STEPS_PER_QUARTER * 4 * beats // unit
    text, now = f"M:{metre}\nL:1/8\nK:C\n", 0
    sharpened: set[str] = set()
    for token in NotesTokenizer().tokens(piece):
        pitches, left = _parts(token)
        while left:
            length = min(left, bar - now % bar, LONGEST_STEPS)
            names = [_pitch_name(pitch, sharpened) for pitch in pitches]
            what = "z" if not names else names[0] if len(names) == 1 else f"[{''.join(names)}]"
            text += what + _length(Fraction(length, STEPS_PER_QUARTER // 2))
            now, left = now + length, left - length
            text += "-" if left and names else ""
            if now % bar == 0:
                text += "|"
                sharpened.clear()
            text += " "
    return text.rstrip(" ")


def _pitch_name(pitch: int, sharpened: set[str]) -> str:
    """A note's name; a natural sign only where the letter was sharpened in this bar (`sharpened` is kept up)."""
    letter, sharp = ("C ", "C^", "D ", "D^", "E ", "F ", "F^", "G ", "G^", "A ", "A^", "B ")[pitch % 12]
    sign = "^" if sharp == "^" else "=" if letter in sharpened else ""
    sharpened |= {letter} if sign == "^" else set()
    octave = pitch // 12 - 5
    name = letter if octave <= 0 else letter.lower()
    return sign + name + "," * -octave + "'" * (octave - 1)


def _length(eighths: Fraction) -> str:
    whole = "" if eighths.numerator == 1 else str(eighths.numerator)
    return whole if eighths.denominator == 1 else f"{whole}/{eighths.denominator}"


# ---------------------------------------------------------------------------------------------------
# Back into music, whatever the model wrote


def repaired(text: str) -> str:
    """Legal ABC with what is no note, rest, bar or field passed over."""
    lines, rest = [], text
    for name, values in ABC_HEAD:
        line, _, after = rest.partition("\n")
        if line.startswith(name):
            rest = after
        value = line[len(name) :] if line.startswith(name) and line[len(name) :] in values else None
        lines.append(name + (value or {"M:": "4/4", "L:": "1/8", "K:": "C"}[name]))
    units = [(str(m.lastgroup), m.group()) for m in _UNIT.finditer("\n" + rest + "\n")]
    kept = [unit for i, (kind, unit) in enumerate(units) if _stands(kind, unit, units, i)]
    return "\n".join(lines) + "\n" + "".join(kept).strip("\n") + "\n"


def _stands(kind: str, unit: str, units: Sequence[tuple[str, str]], i: int) -> bool:
    """Whether a tie, a broken rhythm or a tuplet has the notes that it needs before and behind it."""
    if kind not in ("tie", "broken", "tuplet"):
        return True
    passed = {"tie": ("blank", "bar", "ending", "field"), "tuplet": ("blank", "tie", "broken")}.get(
        kind, ("blank",)
    )
    after = (units[j][0] for j in range(i + 1, len(units)) if units[j][0] not in passed)
    if kind == "tuplet":
        actual, _, more = unit[1:].partition(":")
        members = int(more.partition(":")[2] or actual)
        return all(next(after, "") in SOUNDING for _ in range(members))
    before = (units[j][0] for j in range(i - 1, -1, -1) if units[j][0] not in passed)
    return next(before, "") in SOUNDING and next(after, "") in SOUNDING


def _read_what_can_be_read(text: str, name: str) -> Piece:
    """The piece of the longest beginning of a tune that music21 reads, by whole lines and bars."""
    head, body = "\n".join(text.split("\n")[:3]), text.split("\n", 3)[3]
    bars = re.split(r"(?<=\|)", body)
    while bars:
        try:
            return read_abc(f"X:1\n{head}\n{''.join(bars)}\n", name)
        except Exception:  # noqa: BLE001  music21 raises anything at all; the text is a model's
            bars = bars[: len(bars) // 2] if len(bars) > 1 else []
    return Piece.of([], name)


# ---------------------------------------------------------------------------------------------------
# In sampling


@lru_cache(maxsize=4)
def _classes(tokens: tuple[str, ...]) -> dict[str, Mask]:
    def mask(characters: str) -> Mask:
        return np.array([token in characters for token in tokens])

    body = np.ones(len(tokens), dtype=bool)
    body[[i for i, token in enumerate(tokens) if token in (*SPECIAL, UNKNOWN)]] = False
    return {
        "body": body,
        "letters": mask(LETTERS),
        "accidentals": mask("^_="),
        "lengths": mask("0123456789/,'"),
        "heads": mask("KLM"),
    }


class _AbcGrammar:
    """The head says one of the lines of ABC_HEAD; in the body an accidental stands before a note, a length behind one."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.notes = 0
        self._tokens = vocabulary.tokens
        self._ids = {token: i for i, token in enumerate(vocabulary.tokens)}
        self._masks = _classes(vocabulary.tokens)
        self._first = vocabulary.first
        self._line = 0
        self._prefix = ""
        self._previous = "\n"

    def allowed(self) -> Mask:
        if self._line < len(ABC_HEAD):
            return self._allowed_in_head()
        masks, previous = self._masks, self._previous
        if previous in "^_=":
            return masks["letters"]
        allowed = masks["body"].copy()
        if previous not in LETTERS + "zx0123456789/,'](|[:":
            allowed &= ~masks["lengths"]
        if self._prefix not in ("", "\n"):
            allowed &= ~masks["heads"]
        allowed[EOS] = self.notes > 0
        return allowed

    def _allowed_in_head(self) -> Mask:
        name, values = ABC_HEAD[self._line]
        allowed = np.zeros(len(self._tokens), dtype=bool)
        for line in (name + value + "\n" for value in values):
            if line.startswith(self._prefix) and all(c in self._ids for c in line):
                allowed[self._ids[line[len(self._prefix)]]] = True
        if not allowed.any():  # an unknown character spoilt the line
            allowed[self._ids.get("\n", EOS)] = True
        return allowed

    def advance(self, token_id: int) -> None:
        if token_id < self._first:
            return
        character = self._tokens[token_id]
        in_head = self._line < len(ABC_HEAD)
        self._prefix = "" if character == "\n" else self._prefix + character
        self._line += in_head and character == "\n"
        field = self._prefix[:2] in ("K:", "L:", "M:")
        self.notes += not in_head and not field and character in LETTERS
        self._previous = character
