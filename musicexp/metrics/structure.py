"""Structure: does a piece come back to what it has said, and does it close?"""

from __future__ import annotations

import math

import numpy as np

from musicexp.metrics.lines import Line

GRAM = 4
"""Steps of a melody that make a figure: five notes."""


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
