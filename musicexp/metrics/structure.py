"""Structure: does a piece come back to what it has said, and does it close?

The structureness indicator of Wu and Yang 2020 asks it of passages: the highest fitness (`metrics.fitness`) of any of
them in a band of lengths. Theirs reads audio; ours reads notes:

- A frame is a bar, or a beat where there are fewer than `FEWEST_BARS` of them (a dotted one in 6/8, 9/8, 12/8); it is told
  by which sixteenths a note begins at, and by how long each pitch class sounds. Each of the two is brought to
  length 1, and both together again; two frames are as alike as their cosine says. Silence is like nothing.
- Below `ALIKE` two frames have nothing to do with each other, which costs a path `UNLIKE`; from there to 1 likeness is
  scaled to 0 to 1: libfmp's threshold with its penalty.
- Passages are whole bars and begin at a bar line, also where frames are beats, since phrases do: of all passages
  that leaves one in sixteen, and with it the time that a piece takes.
- A piece of more than `MOST_BARS` is judged by its first `MOST_BARS`: fitness depends on how long a piece is, and what lies
  further apart is no phrase and its answer.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.fitness import fitness
from musicexp.metrics.lines import Bars, Line, bars_of
from musicexp.metrics.rhythm import SIXTEENTH, struck_positions
from musicexp.music import Piece
from musicexp.music.bars import metre_of
from musicexp.music.keys import MAJOR, MINOR, analysed_key

GRAM = 4
"""Steps of a melody that make a figure: five notes."""

FEWEST_BARS, MOST_BARS = 16, 128
ALIKE, UNLIKE = 0.8, -2.0
BANDS = {"structure_short": (2, 4), "structure_middle": (4, 8), "structure_long": (8, MOST_BARS)}
"""Bars that a passage has, both ends included."""


def repeated_grams(line: Line, size: int = GRAM) -> float:
    """Which share of a melody's figures comes more than once.

    A figure is `size` steps from note to note in a row, each an interval in semitones and the duration of the note it
    leads to. It counts as repeated if the same one stands anywhere else in the piece, in any key and at any place of
    the bar; overlapping ones count too. A share from 0 to 1; nan for a melody of at most `size` notes.

    Source: the n-gram repetition of generated text and music; the figures are transposition-invariant as in Conklin's
    linked viewpoints (interval, duration).
    """
    count = len(line.pitch) - size
    if count < 1:
        return math.nan
    step = (np.diff(line.pitch).astype(np.int64) << 32) + line.duration[1:]
    names = np.unique(step, return_inverse=True)[1]
    for _ in range(size - 1):  # a figure's name grows by a step at a time, so that it never overflows
        longer = (
            names[:-1] * (len(step) + 1)
            + np.unique(step, return_inverse=True)[1][len(step) - len(names) + 1 :]
        )
        names = np.unique(longer, return_inverse=True)[1]
    times = np.bincount(names)
    return float(times[times > 1].sum() / count)


def ends_on_tonic(piece: Piece, line: Line) -> float:
    """1 if the melody's last note is the tonic and no shorter than its mean note, else 0.

    Nan where fewer than two pitch classes sound: they have no key. The tonic is that of the key that the notes themselves
    tell (`music.keys.analysed_key`), also where a source names one: pieces made of tokens mostly have none written.
    """
    if len(np.unique(piece.pitch % 12)) < 2:
        return math.nan
    tonic, _, mode = analysed_key(piece).partition(" ")
    place = (MINOR if mode == "minor" else MAJOR).index(tonic)
    return float(int(line.pitch[-1]) % 12 == place and bool(line.duration[-1] >= line.duration.mean()))


def structureness(piece: Piece) -> dict[str, float]:
    """The highest fitness of a passage in each of `BANDS`: how well, and how much of, the piece its repeats explain.

    0 where no passage returns, .5 and more where the piece is little else; never 1. Nan where there are fewer than twice
    the bars that the band begins with, so that none of its passages could come twice.

    Source: Wu and Yang 2020, SI; Mueller, Jiang and Grosche 2012.
    """
    bars = bars_of(piece)
    total, beats = min(bars.total, MOST_BARS), frames_a_bar(piece, bars)
    lowest = min(low for low, _ in BANDS.values())
    if total < 2 * lowest:
        return dict.fromkeys(BANDS, math.nan)
    begin, length = _passages(total, lowest)
    found = fitness(self_similarity(frames_of(piece, bars, beats)), begin * beats, length * beats)
    return {
        name: float(found[(length >= low) & (length <= high)].max()) if total >= 2 * low else math.nan
        for name, (low, high) in BANDS.items()
    }


def frames_a_bar(piece: Piece, bars: Bars) -> int:
    """1, or in a short piece the beats of a bar, if they are whole steps and not too many."""
    metre = metre_of(piece)
    beats = metre.beats // 3 if metre.compound else metre.beats
    short = bars.total < FEWEST_BARS and bars.total * beats <= MOST_BARS
    return beats if short and bars.steps % beats == 0 else 1


def frames_of(piece: Piece, bars: Bars, beats: int) -> NDArray[np.float64]:
    """What happens in each frame: float64 [frames, features], each row of length 1, or 0 if nothing sounds in it."""
    steps, count = bars.steps // beats, min(bars.total, MOST_BARS) * beats
    positions = max(1, round(steps / SIXTEENTH))
    struck = struck_positions(piece, bars, positions * beats).reshape(-1, positions)[:count]
    sounding = _sounding(piece, bars.begin, steps, count)
    return _unit(np.hstack([_unit(struck.astype(np.float64)), _unit(sounding)]))


def self_similarity(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """How alike each two frames are: float64 [frames, frames], `UNLIKE` or 0 to 1, 1 on the diagonal."""
    cosine = frames @ frames.T
    found = np.where(cosine >= ALIKE, np.minimum(1, (cosine - ALIKE) / (1 - ALIKE)), UNLIKE)
    np.fill_diagonal(found, 1)
    return found


def _passages(bars: int, shortest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First bar and length of every passage that could come twice."""
    length, begin = np.mgrid[shortest : bars + 1, 0:bars].reshape(2, -1)
    inside = begin + length <= bars
    return begin[inside], length[inside]


def _sounding(piece: Piece, begin: int, steps: int, count: int) -> NDArray[np.float64]:
    """How long each pitch class sounds in each frame, in steps: float64 [frames, 12]."""
    onset = piece.onset.astype(np.int64) - begin
    end = np.minimum(onset + piece.duration, count * steps)
    first, last = onset // steps, (end - 1) // steps
    spans = np.maximum(0, last - first + 1)  # none behind the last frame
    note = np.repeat(np.arange(len(onset)), spans)
    frame = first[note] + np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans)
    within = np.minimum(end[note], (frame + 1) * steps) - np.maximum(onset[note], frame * steps)
    cells = frame * 12 + piece.pitch[note] % 12
    lengths = np.bincount(cells, weights=within, minlength=count * 12)
    return lengths.astype(np.float64).reshape(count, 12)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row brought to length 1; one of zeros stays."""
    length = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    found: NDArray[np.float64] = rows / np.where(length > 0, length, 1)
    return found
