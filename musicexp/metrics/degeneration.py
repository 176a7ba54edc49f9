"""Degenerate output, named in words: one note over and over, a short loop, silence, never an end.

Averages hide it: a set in which every sixth piece is one repeated note has a mean like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from musicexp.music import STEPS_PER_QUARTER, Piece
from musicexp.wording import count

LONGEST_LOOP = 4
"""Events that make a loop; a longer one is an ostinato that music may have."""
FEWEST_EVENTS = 8
"""A stretch of fewer events is no loop, unless it is the whole piece."""
SILENT_QUARTERS = 16
"""Four bars of 4/4 without a sound."""

Kind = Literal["one note", "loop", "silence", "no end"]


@dataclass(frozen=True)
class Fault:
    """What is wrong with some pieces of a set.

    Attributes:
        pieces: their numbers in the set.
        words: what is wrong, and in how many.
        cause: what it likely comes of; "" where the pieces were not drawn here.
        advice: the setting to try; "" likewise.
    """

    kind: Kind
    pieces: tuple[int, ...]
    words: str
    cause: str
    advice: str


def faults(pieces: Sequence[Piece], ended_by: Sequence[str] | None = None) -> list[Fault]:
    """What is wrong with the pieces; nothing if nothing is.

    Args:
        ended_by: "eos" or "length" for each piece; None where they were not drawn here.
    """
    events = [_events(piece) for piece in pieces]
    one_note = [k for k, (pitches, _) in enumerate(events) if _looped(pitches, 1)]
    loop = [
        k
        for k, (_, whole) in enumerate(events)
        if k not in one_note and any(_looped(whole, period) for period in range(1, LONGEST_LOOP + 1))
    ]
    silence = [k for k, piece in enumerate(pieces) if _silent(piece)]
    endless = [k for k, end in enumerate(ended_by or ()) if end == "length"]
    found: list[tuple[Kind, list[int]]] = [("one note", one_note), ("loop", loop), ("silence", silence)]
    if 2 * len(endless) > len(pieces):
        found.append(("no end", endless))
    return [_fault(kind, numbers, len(pieces), ended_by is not None) for kind, numbers in found if numbers]


def _fault(kind: Kind, numbers: Sequence[int], total: int, drawn: bool) -> Fault:
    """
    Args:
        drawn: whether a model of ours wrote the pieces; of anybody else's nobody knows the cause.
    """
    words, cause, advice = WORDS[kind]
    several = len(numbers) != 1
    told = f"{len(numbers)} of {count(total, 'sample' if drawn else 'piece')} {words(several)}"
    return Fault(kind, tuple(numbers), told, cause if drawn else "", advice if drawn else "")


WORDS: dict[Kind, tuple[Callable[[bool], str], str, str]] = {
    "one note": (
        lambda several: (
            f"{'are' if several else 'is'} one note over and over for more than half of {_its(several)} events"
        ),
        "the likeliest note is drawn again and again: the temperature is low, or the model has learned little more than which notes are common",
        "try samples.temperature=1.0 or higher (top_k=0, top_p=1); if it stays so, more iterations, or a lower lr if loss/train leaps",
    ),
    "loop": (
        lambda several: (
            f"{'turn' if several else 'turns'} in a loop of at most {LONGEST_LOOP} events for more than half of {_its(several)} length"
        ),
        "what the model wrote makes it sure of what follows: the temperature is low, or it has learned the notes but not yet the form",
        "try a temperature nearer to 1, more iterations, or a longer seq_length, so that it reads beyond the loop",
    ),
    "silence": (
        lambda several: (
            f"{'have' if several else 'has'} no note, or {SILENT_QUARTERS} quarters and more without a sound, or {'are' if several else 'is'} silent for more than half"
        ),
        "rests or very long gaps are drawn too often: the temperature is high, the music learned from holds long rests, or training has hardly begun",
        "try a lower samples.temperature or samples.top_p=0.95; else more iterations, or look at the rests of your music with `data`",
    ),
    "no end": (
        lambda several: f"{'were' if several else 'was'} cut by length and never came to an end",
        "the model has not learned where pieces end, or samples.max_notes is shorter than the pieces it learned from",
        "try a higher samples.max_notes; if they still never end, more iterations or a lower temperature",
    ),
}


def _its(several: bool) -> str:
    return "their" if several else "its"


def _events(piece: Piece) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What sounds at each onset, as numbers: by its pitches, and by its pitches and durations; int64 [onsets], twice."""
    by_pitch: dict[tuple[int, ...], int] = {}
    by_both: dict[tuple[int, ...], int] = {}
    edges = np.flatnonzero(np.diff(piece.onset, prepend=-1, append=-1)).tolist()
    pitches, durations = piece.pitch.tolist(), piece.duration.tolist()
    found: list[tuple[int, int]] = []
    for begin, end in pairwise(edges):
        chord = tuple(pitches[begin:end])
        one = by_pitch.setdefault(chord, len(by_pitch))
        found.append((one, by_both.setdefault((*chord, *durations[begin:end]), len(by_both))))
    columns = np.array(found, dtype=np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _looped(events: NDArray[np.int64], period: int) -> bool:
    """Whether more than half of the events are one stretch that repeats after so many events, at least once whole."""
    if len(events) <= period:
        return len(events) == period == 1
    ends = np.flatnonzero(np.append(events[period:] != events[:-period], True))
    most = int(np.diff(ends, prepend=-1).max()) - 1
    stretch = most + period
    return (
        most >= period and 2 * stretch > len(events) and (stretch >= FEWEST_EVENTS or stretch == len(events))
    )


def _silent(piece: Piece) -> bool:
    """Whether nothing sounds, or nothing for long, or for more than half of the time."""
    if not len(piece):
        return True
    ends = np.maximum.accumulate(piece.onset + piece.duration)
    gaps = np.maximum(piece.onset - np.append(0, ends[:-1]), 0)
    return bool(gaps.max() >= SILENT_QUARTERS * STEPS_PER_QUARTER or 2 * int(gaps.sum()) > int(ends[-1]))
