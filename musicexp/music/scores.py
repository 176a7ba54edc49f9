"""Scores in: ABC and MIDI files become Pieces on the grid, through music21."""

from __future__ import annotations

import re
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from musicexp.music.abc import beats, grace_notes, normalised
from musicexp.music.events import midi_piece
from musicexp.music.piece import Note, Piece, Reading, steps

READER_VERSION = 3
"""Counts up when the same file would give other Pieces: it is part of the cache's key."""

ABC_SUFFIXES = (".abc",)
MIDI_SUFFIXES = (".mid", ".midi")
LIMIT_SECONDS = 60.0
AGAIN_SECONDS = 1.0
LARGEST_DENOMINATOR = 65535
"""music21's own: it writes a length as a float, or as a fraction below this."""


def corpus_dir() -> Path:
    """The folder of the collections that the installed music21 carries."""
    import importlib.util

    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "corpus"


def music21_version() -> str:
    from importlib.metadata import version

    return version("music21")


def read_file(path: Path, name: str | None = None, limit_seconds: float = LIMIT_SECONDS) -> Reading:
    """Read one file with music21. Never raises for what is in the file: the reason is in the Reading.

    Args:
        path: a MIDI or ABC file; a tune book gives one Piece a tune.
        name: what the pieces are called after; the file's name by default.
        limit_seconds: longest time for a MIDI file or a tune; only kept in a process's main thread.
    """
    reading = Reading(name or path.name)
    try:
        if path.suffix.lower() in ABC_SUFFIXES:
            _read_abc_book(path.read_text(encoding="utf-8-sig", errors="replace"), reading, limit_seconds)
        else:
            with _time_limit(limit_seconds), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _keep(midi_piece(path.read_bytes(), reading.source), reading)
    except Exception as error:  # noqa: BLE001  music21 raises anything at all on bad files
        reading.rejected.append((reading.source, _reason(error)))
    return reading


def read_abc(text: str, name: str = "") -> Piece:
    """One tune of ABC text as a Piece.

    Raises:
        Exception: whatever music21 raises on text that is no ABC.
    """
    spelt = normalised(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _abc_piece(spelt, name, grace_notes(text))


def _read_abc_book(text: str, reading: Reading, limit_seconds: float) -> None:
    """Every tune of a book, each with a time limit of its own: a book may be long."""
    tunes = list(_tunes(text))
    if not tunes:
        reading.rejected.append(
            (reading.source, "holds no tune: an ABC tune begins with a line X:1 and has a line K:")
        )
    for number, tune in enumerate(tunes, start=1):
        name = reading.source if len(tunes) == 1 else f"{reading.source}#{number}"
        if "\nK:" not in tune:
            reading.rejected.append((name, "the tune has no line K:, behind which its notes begin"))
            continue
        try:
            with _time_limit(limit_seconds):
                _keep(read_abc(tune, name), reading)
        except Exception as error:  # noqa: BLE001  as above: one bad tune must not lose the book
            reading.rejected.append((name, _reason(error)))


def _tunes(text: str) -> Iterator[str]:
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


def _abc_piece(spelt: str, name: str, graces: int) -> Piece:
    """The notes of a tune in the one spelling, by music21's ABC tokens.

    Not by its scores: to bar and beam a tune takes most of the time, and minutes for a bar of an odd
    length; and a tie behind a chord is lost.
    """
    from music21 import abcFormat, key

    # An accidental holds to the end of its bar: so it is since ABC 2, and so the bundled tunes mean it.
    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))
    handler.process("X:1\n" + spelt + "\n")
    notes: list[Note] = []
    last: list[int] = []  # where in `notes` the notes of the last chord stand
    now, off_grid, tied, signature = Fraction(0), 0, False, ""
    for token in handler.tokens:
        if isinstance(token, abcFormat.ABCMetadata) and token.isKey() and not signature:
            found = token.getKeySignatureObject()
            signature = f"{found.tonic.name} {found.mode}" if isinstance(found, key.Key) else ""
        tied |= isinstance(token, abcFormat.ABCTie)
        if not isinstance(token, abcFormat.ABCNote):
            continue
        length = Fraction(token.quarterLength).limit_denominator(LARGEST_DENOMINATOR)
        if token.activeTuplet is not None:
            length *= Fraction(token.activeTuplet.tupletMultiplier()).limit_denominator(LARGEST_DENOMINATOR)
        (onset, onset_moved), (end, end_moved) = steps(now), steps(now + length)
        now += length
        off_grid += length > 0 and (onset_moved or end_moved)
        before = {notes[i].pitch: i for i in last} if tied else {}
        tied, last = False, []
        for pitch in _abc_pitches(token) if length > 0 else []:
            if pitch in before and notes[before[pitch]].onset + notes[before[pitch]].duration == onset:
                first = notes[before[pitch]]
                notes[before[pitch]] = first._replace(duration=max(end - first.onset, 1))
                last.append(before[pitch])
            else:
                last.append(len(notes))
                notes.append(Note(onset, max(end - onset, 1), pitch))
    metre = beats(spelt.partition("\n")[0].removeprefix("M:"))
    return Piece.of(notes, name, metre=metre, key=signature, abc=spelt, grace_notes=graces, off_grid=off_grid)


def _abc_pitches(token: Any) -> list[int]:
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


def _keep(piece: Piece, reading: Reading) -> None:
    if len(piece):
        reading.pieces.append(piece)
    else:
        reading.rejected.append((piece.name, "holds no note"))


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if type(error) in (ValueError, TimeoutError) and text:  # a sentence of ours, or as good as one
        return text[:200]
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so long. Signals reach the main thread only; elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError(f"reading took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    # Again and again, since what is raised within a callback or caught by music21 ends nothing.
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
