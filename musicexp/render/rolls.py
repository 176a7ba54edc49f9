"""Piano rolls as SVG that stands in a page and is as wide as its room: time to the right, pitch upwards.

The drawing is stretched, so its words stand beside it in HTML. Classes for the page's style sheet: `roll`,
`pitches`, `sheet`, `bars`, and in the SVG `bar-line`, `octave`, `voice0` to `voice3`.
"""

from __future__ import annotations

import math
from html import escape

import numpy as np

from musicexp.music import STEPS_PER_QUARTER, Piece

BARS = 16
QUARTERS = 64
"""What is shown of a piece: so many bars, but not more than so many quarters."""
MOST_NOTES = 4000
VOICES = 4
"""Colours; further parts begin again with the first."""
MOST_REM, LEAST_REM, REM_A_QUARTER = 34.0, 3.0, 0.75
"""Below this width (in the page's letters) a drawing is scrolled, so that notes can still be told apart."""
MARGIN = 2
"""Semitones above and below."""
FEWEST_SEMITONES = 16
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_name(pitch: int) -> str:
    """Such as C4 for 60."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def bars_shown(piece: Piece) -> tuple[int, int]:
    """How many of a piece's bars are drawn, and how many it has: of its first metre, from its start."""
    bar = _bar_quarters(piece)
    whole = max(1, math.ceil(piece.quarters / bar - 1e-9))
    return min(whole, max(1, min(BARS, int(QUARTERS / bar)))), whole


def roll(piece: Piece) -> str:
    """The beginning of a piece (`bars_shown`), its bar lines, and the names of its Cs."""
    shown, _ = bars_shown(piece)
    bar = _bar_quarters(piece) * STEPS_PER_QUARTER
    width = shown * bar
    kept = np.flatnonzero(piece.onset < width)[:MOST_NOTES]
    pitches = piece.pitch[kept]
    low, high = (int(pitches.min()), int(pitches.max())) if len(kept) else (60, 72)
    spare = max(0, FEWEST_SEMITONES - (high - low + 1))
    low, high = low - MARGIN - spare // 2, high + MARGIN + (spare + 1) // 2
    height = high - low + 1
    cs = [pitch for pitch in range(low + 1, high) if pitch % 12 == 0]
    lines = "".join(f"M{_number(k * bar)} 0V{height}" for k in range(shown + 1))
    octaves = "".join(f"M0 {high - c + 1}H{_number(width)}" for c in cs)
    described = f"piano roll, {len(kept):,} notes from {pitch_name(int(pitches.min()))} to {pitch_name(int(pitches.max()))}" if len(kept) else "piano roll without a note"  # fmt: skip
    names = "".join(
        f'<span style="top:{(high - c + 0.5) / height * 100:.2f}%">{escape(pitch_name(c))}</span>' for c in cs
    )
    room = min(MOST_REM, LEAST_REM + REM_A_QUARTER * width / STEPS_PER_QUARTER)
    every = 4 if shown > 8 else 1
    numbers = "".join(
        f'<span style="left:{k / shown * 100:.2f}%">{k + 1}</span>' for k in range(0, shown, every)
    )
    return (
        f'<div class="roll" style="min-width:{room:.1f}rem"><div class="pitches" aria-hidden="true">{names}</div><div class="sheet">'
        f'<svg viewBox="0 0 {_number(width)} {height}" preserveAspectRatio="none" role="img" aria-label="{described}">'
        f'<path class="octave" d="{octaves}"/><path class="bar-line" d="{lines}"/>{_voices(piece, kept, high, width)}</svg>'
        f'<div class="bars" aria-hidden="true">{numbers}</div></div></div>'
    )


def _voices(piece: Piece, kept: np.ndarray, high: int, width: float) -> str:
    """A path for each colour."""
    paths = [""] * VOICES
    for i in kept.tolist():
        begin, pitch = int(piece.onset[i]), int(piece.pitch[i])
        length = min(int(piece.duration[i]), width - begin)
        drawn = max(length - 1, length * 0.8)  # so that two of one pitch are seen to be two
        paths[int(piece.part[i]) % VOICES] += (
            f"M{begin} {high - pitch + 0.08:.2f}h{_number(drawn)}v.84h-{_number(drawn)}z"
        )
    return "".join(f'<path class="voice{k}" d="{path}"/>' for k, path in enumerate(paths) if path)


def _bar_quarters(piece: Piece) -> float:
    return 4 * piece.metre[0] / piece.metre[1]


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
