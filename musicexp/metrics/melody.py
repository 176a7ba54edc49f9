"""Melody: how does the line go from note to note?

Intervals are those between neighbouring notes of the line, in semitones, whatever rest is between them.
"""

from __future__ import annotations

import math

import numpy as np

from musicexp.metrics.lines import Line, entropy_bits

FIFTH = 7
"""A leap is wider."""


def interval_entropy(line: Line) -> float:
    """Entropy of a melody's intervals, up and down apart, in bits: 0 for a single one.

    Nan for fewer than two notes. FANTASTIC's (and amads') is of the intervals without direction, as a share of log2 of how
    many it allows for.

    Source: Shannon 1948; Muellensiefen 2009.
    """
    intervals = np.diff(line.pitch)
    return entropy_bits(np.bincount(intervals + 127)) if len(intervals) else math.nan


def leap_share(line: Line) -> float:
    """Which share of a melody's intervals is wider than a fifth: 0 to 1; nan for fewer than two notes.

    Source: Narmour 1990 and von Hippel and Huron 2000, who set small against large intervals; the limit is the panel's.
    """
    leaps = np.abs(np.diff(line.pitch)) > FIFTH
    return float(leaps.mean()) if len(leaps) else math.nan


def leap_recovery(line: Line) -> float:
    """Of the leaps that another note follows, the share that turns back by a smaller interval: 0 to 1.

    A note said again is no turn. Nan for a melody without such a leap.

    Source: Narmour 1990; von Hippel and Huron 2000.
    """
    intervals = np.diff(line.pitch)
    leap, then = intervals[:-1], intervals[1:]
    wide = np.abs(leap) > FIFTH
    turned = (leap * then < 0) & (np.abs(then) < np.abs(leap))
    return float(turned[wide].mean()) if wide.any() else math.nan


def mean_interval(line: Line) -> float:
    """How wide a melody's intervals are in the mean, without direction, in semitones; nan for fewer than two notes.

    Source: jSymbolic's M-2 (McKay 2004), FANTASTIC's mean absolute interval.
    """
    intervals = np.abs(np.diff(line.pitch))
    return float(intervals.mean()) if len(intervals) else math.nan
