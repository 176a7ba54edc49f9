"""Scores in: the only importer of music21. Any format it reads becomes Pieces on the grid."""

from __future__ import annotations

import dataclasses
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from musicexp.music.abc import grace_notes, normalised
from musicexp.music.piece import DEFAULT_TEMPO, DEFAULT_VELOCITY, STEPS_PER_QUARTER, Note, Piece, Reading

READER_VERSION = 1
"""Counts up when the same file would give other Pieces: it is part of the cache's key."""

ABC_SUFFIXES = (".abc",)
MIDI_SUFFIXES = (".mid", ".midi")
LONGEST_HOURS = 6
LIMIT_SECONDS = 60.0


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
        limit_seconds: longest time; only kept in a process's main thread.
    """
    reading = Reading(name or path.name)
    try:
        with _time_limit(limit_seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix.lower() in ABC_SUFFIXES:
                _read_abc_book(path.read_text(encoding="utf-8", errors="replace"), reading)
            else:
                _read_midi(path, reading)
    except Exception as error:  # noqa: BLE001  music21 raises anything at all on bad files
        reading.rejected.append((reading.source, _reason(error)))
    return reading


def read_abc(text: str, name: str = "") -> Piece:
    """One tune of ABC text as a Piece.

    Raises:
        Exception: whatever music21 raises on text that is no ABC.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spelt = normalised(text)
        piece = _piece(_parse_abc("X:1\n" + spelt), name, abc=spelt)
    return dataclasses.replace(piece, grace_notes=grace_notes(text))


def _read_abc_book(text: str, reading: Reading) -> None:
    tunes = list(_tunes(text))
    if not tunes:
        reading.rejected.append(
            (reading.source, "holds no tune: an ABC tune begins with a line X:1 and has a line K:")
        )
    for number, tune in enumerate(tunes, start=1):
        name = reading.source if len(tunes) == 1 else f"{reading.source}#{number}"
        try:
            _keep(read_abc(tune, name), reading)
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001  as above: one bad tune must not lose the book
            reading.rejected.append((name, _reason(error)))


def _tunes(text: str) -> Iterator[str]:
    """The tunes of a book: each from its X: line to the next one's. Lines before the first are ignored."""
    tune: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("X:"):
            if tune:
                yield "\n".join(tune).strip() + "\n"
            tune = [line.strip()]
        elif tune:
            tune.append(line.rstrip())
    if any(line.startswith("K:") for line in tune):
        yield "\n".join(tune).strip() + "\n"


def _read_midi(path: Path, reading: Reading) -> None:
    _refuse_endless_midi(path)
    from music21 import converter

    # The grid's own divisor instead of music21's (4, 3), which would snap thirty-seconds away.
    score = converter.parse(path, forceSource=True, quarterLengthDivisors=(STEPS_PER_QUARTER,))
    _keep(_piece(score, reading.source), reading)


def _refuse_endless_midi(path: Path) -> None:
    """music21 loops for ever over a huge delta time, so the last tick is looked at first.

    Raises:
        ValueError: the file is no MIDI or lasts longer than `LONGEST_HOURS`.
    """
    from symusic import Score

    score = Score(str(path))
    quarters = score.end() / max(score.ticks_per_quarter, 1)
    if quarters > LONGEST_HOURS * 60 * DEFAULT_TEMPO:
        raise ValueError(
            f"lasts {quarters:,.0f} quarters, more than {LONGEST_HOURS} hours at {DEFAULT_TEMPO:g} a minute"
        )


def _parse_abc(text: str) -> Any:
    from music21 import converter

    return converter.parse(text, format="abc", forceSource=True)


def _keep(piece: Piece, reading: Reading) -> None:
    if len(piece):
        reading.pieces.append(piece)
    else:
        reading.rejected.append((piece.name, "holds no note"))


def _piece(score: Any, name: str, abc: str = "") -> Piece:
    """The notes of a music21 score: ties joined, grace notes and percussion left out, chord symbols not read."""
    from music21 import chord, harmony, key, meter, note, tempo

    notes: list[Note] = []
    grace_notes = off_grid = 0
    parts = list(score.parts) or [score]
    for number, part in enumerate(parts):
        tied: dict[int, int] = {}  # pitch -> where in `notes` the note stands that a tie leads on from
        for element in part.flatten().notes:
            if isinstance(element, harmony.Harmony) or not isinstance(element, (note.Note, chord.Chord)):
                continue
            if element.duration.isGrace or element.quarterLength == 0:
                grace_notes += 1
                continue
            onset, onset_moved = _steps(element.offset)
            end, end_moved = _steps(element.offset + element.quarterLength)
            off_grid += onset_moved or end_moved
            for member in element.notes if isinstance(element, chord.Chord) else (element,):
                pitch, tie = int(member.pitch.midi), member.tie.type if member.tie is not None else None
                before = notes[tied[pitch]] if pitch in tied and tie in ("continue", "stop") else None
                if before is not None and before.onset + before.duration == onset:
                    notes[tied[pitch]] = before._replace(duration=max(end - before.onset, 1))
                elif 0 <= pitch <= 127:
                    tied[pitch] = len(notes)
                    velocity = int(member.volume.velocity or DEFAULT_VELOCITY)
                    notes.append(Note(onset, max(end - onset, 1), pitch, velocity, number))
                if tie not in ("start", "continue"):
                    tied.pop(pitch, None)
    every = score.recurse()
    metre = next(iter(every.getElementsByClass(meter.TimeSignature)), None)
    signature = next(iter(every.getElementsByClass(key.Key)), None)
    mark = next(iter(every.getElementsByClass(tempo.MetronomeMark)), None)
    quarters_per_minute = mark.getQuarterBPM() if mark is not None else None
    return Piece.of(
        notes,
        name,
        tempo=float(quarters_per_minute or DEFAULT_TEMPO),
        metre=(metre.numerator, metre.denominator) if metre is not None else (4, 4),
        key=f"{signature.tonic.name} {signature.mode}" if signature is not None else "",
        abc=abc,
        grace_notes=grace_notes,
        off_grid=off_grid,
    )


def _steps(quarters: Any) -> tuple[int, bool]:
    """Quarters (float or Fraction) as whole steps, and whether that moved them."""
    exact = quarters * STEPS_PER_QUARTER
    whole = round(exact)
    return whole, abs(exact - whole) > 1e-6


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
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
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
