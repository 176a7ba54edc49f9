"""`notes`: one token a note, chord or rest with its duration, the source report's representation.

A token reads `60.64.67:24`: pitches from low to high, then the duration in steps of 1/24 quarter;
`r:12` is a rest. Of several voices it keeps every onset and pitch; what sounds on while another note
begins is cut there. For one voice nothing is lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from musicexp.errors import MusicError
from musicexp.music import Note, Piece
from musicexp.tokens.tokenizer import Grammar, Mask
from musicexp.tokens.vocabulary import BOS, EOS, PAD, SPECIAL, Ids, Vocabulary

REST = "r"


class NotesTokenizer:
    """Notes, chords and rests with their durations."""

    kind = "notes"

    def tokens(self, piece: Piece) -> list[str]:
        chords: dict[int, list[tuple[int, int]]] = {}
        for note in piece.notes():
            chords.setdefault(note.onset, []).append((note.pitch, note.duration))
        onsets = sorted(chords)
        found, now = [], 0
        for onset, following in itertools.zip_longest(onsets, onsets[1:]):
            if onset > now:
                found.append(f"{REST}:{onset - now}")
            duration = max(duration for _, duration in chords[onset])
            if following is not None:
                duration = min(duration, following - onset)
            found.append(".".join(str(p) for p in sorted({p for p, _ in chords[onset]})) + f":{duration}")
            now = onset + duration
        return found

    def piece(self, tokens: Sequence[str], name: str = "", *, like: Piece | None = None) -> Piece:
        notes, now = [], 0
        for token in tokens:
            pitches, duration = _parts(token)
            notes += [Note(now, duration, pitch) for pitch in pitches]
            now += duration
        more = {"tempo": like.tempo, "metre": like.metre, "key": like.key} if like is not None else {}
        return Piece.of(notes, name, **more)

    def vocabulary(self, texts: Sequence[Sequence[str]]) -> Vocabulary:
        return Vocabulary.of(self.kind, texts, order=_parts)

    def known(self, tokens: Sequence[str], vocabulary: Vocabulary) -> tuple[Ids, int]:
        known = [token if token in vocabulary else self._nearest(token, vocabulary) for token in tokens]
        return vocabulary.encode(known), sum(a != b for a, b in zip(tokens, known, strict=True))

    def grammar(self, vocabulary: Vocabulary) -> Grammar:
        return _NotesGrammar(vocabulary)

    def _nearest(self, token: str, vocabulary: Vocabulary) -> str:
        """The same pitches with the nearest duration (by ratio); of an unknown chord, its highest note."""
        pitches, duration = _parts(token)
        for wanted in (pitches, pitches[-1:]):
            near = [
                (abs(math.log(length / duration)), other)
                for other in vocabulary.tokens[len(SPECIAL) :]
                for found, length in [_parts(other)]
                if found == wanted
            ]
            if near:
                return min(near)[1]
        what = f"the pitch {pitches[-1]} (MIDI number)" if pitches else "a rest"
        raise MusicError(
            f"the melody has {what}, which the run's own music never has; transpose it or take another run"
        )


class _NotesGrammar:
    """Any note, chord or rest may follow any other; a melody does not end before its first note."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.notes = 0
        self._sounds = np.array([not t.startswith(REST) for t in vocabulary.tokens])
        self._sounds[: len(SPECIAL)] = False
        self._anything = np.ones(len(vocabulary), dtype=bool)
        self._anything[[PAD, BOS]] = False
        self._no_end = self._anything.copy()
        self._no_end[EOS] = False

    def allowed(self) -> Mask:
        return self._anything if self.notes else self._no_end

    def advance(self, token_id: int) -> None:
        self.notes += int(self._sounds[token_id])


def _parts(token: str) -> tuple[tuple[int, ...], int]:
    """(pitches, duration in steps); no pitches for a rest. Also the order of the vocabulary."""
    pitches, _, duration = token.partition(":")
    return tuple(int(p) for p in pitches.split(".")) if pitches != REST else (), int(duration)
