"""ABC in: tunes become Pieces, through music21's ABC tokens.

Not through its scores: to bar and beam a tune takes most of the time, and minutes for a bar of an odd
length; and a tie behind a chord is lost.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from musicexp.music.abc import beats, grace_notes, normalised
from musicexp.music.midi import refuse_endless
from musicexp.music.piece import DEFAULT_VELOCITY, STEPS_PER_QUARTER, TICKS_PER_QUARTER, Piece

LARGEST_DENOMINATOR = 65535
"""music21's own: it writes a length as a float, or as a fraction below this."""


class _Sounding(NamedTuple):
    begin: Fraction
    end: Fraction
    pitch: int


def read_abc(text: str, name: str = "") -> Piece:
    """One tune of ABC text as a Piece.

    Raises:
        Exception: whatever music21 raises on text that is no ABC.
    """
    spelt = normalised(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _piece(spelt, name, grace_notes(text))


def bar_places(abc: str) -> list[int]:
    """Where the bar lines of a tune stand, in steps of 1/24 quarter, in order.

    Args:
        abc: in the one spelling (`music.abc`).
    """
    from music21 import abcFormat

    places: list[int] = []
    now = Fraction(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tokens = _tokens(abc)
    for token in tokens:
        if isinstance(token, abcFormat.ABCBar):
            places.append(math.floor(now * STEPS_PER_QUARTER + Fraction(1, 2)))
        elif isinstance(token, abcFormat.ABCNote):
            now += _quarters(token)
    return places


def tunes_of(text: str) -> Iterator[str]:
    """The tunes of a book: each from its X: line to the next one's or to the empty line behind its music.

    What stands between tunes is not music.
    """
    tune: list[str] = []
    inside = music = False
    for line in text.splitlines():
        if line.lstrip().startswith("X:"):
            if tune:
                yield "\n".join(tune) + "\n"
            tune, inside, music = [], True, False
        elif not line.strip() and music:
            inside = False
        if inside and line.strip():
            tune.append(line.strip())
            music |= any(known.startswith("K:") for known in tune[:-1]) and line[1:2] != ":"
    if tune:
        yield "\n".join(tune) + "\n"


def _piece(spelt: str, name: str, graces: int) -> Piece:
    """The notes of a tune in the one spelling."""
    from music21 import abcFormat, key

    notes: list[_Sounding] = []
    last: list[int] = []  # where in `notes` the notes of the last chord stand
    now, tied, signature = Fraction(0), False, ""
    for token in _tokens(spelt):
        if isinstance(token, abcFormat.ABCMetadata) and token.isKey() and not signature:
            found = token.getKeySignatureObject()
            signature = f"{found.tonic.name} {found.mode}" if isinstance(found, key.Key) else ""
        tied |= isinstance(token, abcFormat.ABCTie)
        if not isinstance(token, abcFormat.ABCNote):
            continue
        onset = now
        now += _quarters(token)
        before = {notes[i].pitch: i for i in last} if tied else {}
        tied, last = False, []
        for pitch in _pitches(token) if now > onset else []:
            if pitch in before and notes[before[pitch]].end == onset:
                notes[before[pitch]] = notes[before[pitch]]._replace(end=now)
                last.append(before[pitch])
            else:
                last.append(len(notes))
                notes.append(_Sounding(onset, now, pitch))
    return _written(
        notes,
        name,
        metre=beats(spelt.partition("\n")[0].removeprefix("M:")),
        key=signature,
        abc=spelt,
        grace_notes=graces,
    )


def _tokens(spelt: str) -> list[Any]:
    """music21's tokens of a tune in the one spelling."""
    from music21 import abcFormat

    # An accidental holds to the end of its bar: so it is since ABC 2, and so the bundled tunes mean it.
    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))
    handler.process("X:1\n" + spelt + "\n")
    tokens: list[Any] = handler.tokens
    return tokens


def _written(notes: list[_Sounding], name: str, **more: Any) -> Piece:
    """A Piece of one part from written notes, whose times are fractions of a quarter."""
    refuse_endless(float(max((note.end for note in notes), default=0)), len(notes))
    begin = np.array([round(note.begin * TICKS_PER_QUARTER) for note in notes], dtype=np.int64)
    end = np.array([round(note.end * TICKS_PER_QUARTER) for note in notes], dtype=np.int64)
    pitch = np.array([note.pitch for note in notes], dtype=np.int64)
    same = np.full(len(notes), DEFAULT_VELOCITY), np.zeros(len(notes), dtype=np.int64)
    return Piece.from_ticks(
        name, begin, end - begin, pitch, *same, ticks_per_quarter=TICKS_PER_QUARTER, **more
    )


def _quarters(token: Any) -> Fraction:
    length = Fraction(token.quarterLength).limit_denominator(LARGEST_DENOMINATOR)
    if token.activeTuplet is not None:
        length *= Fraction(token.activeTuplet.tupletMultiplier()).limit_denominator(LARGEST_DENOMINATOR)
    return length


def _pitches(token: Any) -> list[int]:
    """MIDI numbers of a music21 ABC note or chord; none of a rest."""
    from music21 import abcFormat

    members: list[Any] = token.subTokens if isinstance(token, abcFormat.ABCChord) else [token]
    pitches = [_midi_number(m.pitchName, _octave(m.src)) for m in members if not m.isRest]
    return [pitch for pitch in dict.fromkeys(pitches) if 0 <= pitch <= 127]


def _octave(source: str) -> int:
    return (4 if re.search("[A-G]", source) else 5) + source.count("'") - source.count(",")


@lru_cache(maxsize=512)
def _midi_number(pitch_name: str, octave: int) -> int:
    """music21 reads its own C-1 as the C flat of octave 1, so the octave is told beside the name."""
    from music21 import pitch

    found = pitch.Pitch(pitch_name.removesuffix(str(octave)))
    found.octave = octave
    return int(found.ps)
