"""The fitness of passages: how well, and how much of, a piece is explained by one of them and its repeats.

After Mueller, Jiang and Grosche 2012 (and libfmp's `compute_fitness_scape_plot`): of all families of paths over a
self-similarity matrix that run through the whole passage and share no frame, the one of highest score; its score per
step, sigma, and the share of the piece it covers, gamma, both less what the passage itself gives; and their harmonic
mean, 2 sigma gamma / (sigma + gamma). Of families of one score that with the widest coverage is taken, then that with the
fewest steps; libfmp takes whichever it comes by first.

The paths of many passages are searched at once, frame after frame. Score, frames skipped and steps taken are one number,
so that one maximum decides all three: scores are whole multiples of 2^-20, and everything is exact.

S: self-similarity; D: best value so far. Shapes: frames N, passages K, longest passage W.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Similarity = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_FRAMES = 255
"""So many steps and skips have room beside a score."""
RESOLUTION = 1 << 20
STEP, SKIP, SCORE = 1.0, 256.0, 65536.0
"""What a step, a skipped frame and 2^-20 of score count for in the one number."""
AT_ONCE = 1 << 14
"""Cells of D: what lies in a core's own memory."""


def fitness(
    similarity: Similarity, begin: Whole, length: Whole, *, as_libfmp: bool = False
) -> NDArray[np.float64]:
    """The fitness of passages: float64 [passages], 0 to 1.

    Args:
        similarity: [frames, frames], at most 1, 1 on the diagonal; below 0 where two frames are unlike.
        begin: int64 [passages], the first frame of each.
        length: int64 [passages], how many frames each has, at least 1.
        as_libfmp: let a path begin with the passage's second frame, as libfmp does by oversight; the first then counts as
            a step without a score.

    Raises:
        ValueError: there are more than `MOST_FRAMES` frames.
    """
    frames = len(similarity)
    if frames > MOST_FRAMES:
        raise ValueError(f"{frames} frames; fitness is computed for at most {MOST_FRAMES}")
    found = np.zeros(len(begin))
    steps_NN = np.rint(similarity * RESOLUTION) * SCORE - STEP
    for some in _shares(length):
        best = _best_families(steps_NN, begin[some], length[some], as_libfmp)
        score = np.ceil(best / SCORE)
        skipped, steps = np.divmod(score * SCORE - best, SKIP)
        sigma = (score / RESOLUTION - length[some]) / steps
        gamma = (frames - skipped - length[some]) / frames
        both = sigma + gamma
        np.divide(2 * sigma * gamma, both, out=both, where=both > 0)
        found[some] = both
    return found


def scape_plot(similarity: Similarity, *, as_libfmp: bool = False) -> NDArray[np.float64]:
    """The fitness of all passages: float64 [length - 1, begin], 0 where they would end behind the piece."""
    frames = len(similarity)
    shorter, begin = np.nonzero(np.add.outer(np.arange(frames), np.arange(frames)) < frames)
    plot = np.zeros((frames, frames))
    plot[shorter, begin] = fitness(similarity, begin, shorter + 1, as_libfmp=as_libfmp)
    return plot


def _shares(length: Whole) -> Iterator[Whole]:
    """The passages by length, longest first, as many at a time as fit."""
    order = np.argsort(-length, kind="stable")
    while len(order):
        count = max(1, AT_ONCE // int(length[order[0]]))
        yield order[:count]
        order = order[count:]


def _best_families(steps_NN: Similarity, begin: Whole, length: Whole, as_libfmp: bool) -> NDArray[np.float64]:
    """For each passage the best family's number: score x SCORE - skipped frames x SKIP - steps x STEP; float64 [K]."""
    frames, widest, passages = len(steps_NN), int(length.max()), len(begin)
    # Row m of D: paths that have come to the passage's frame m, from 1; row 0 stays empty.
    D, before, earlier = np.full((3, widest + 1, passages), -np.inf)
    outside = np.zeros(passages)  # no path runs: the frame is skipped, or a path begins in it
    last = length * passages + np.arange(passages)
    places_WK = np.minimum(begin + np.arange(widest)[:, None], frames - 1)
    steps_WK, ended = np.empty((widest, passages)), np.empty(passages)
    for frame in range(frames):
        if frame:
            before.take(last, out=ended)
            outside -= SKIP
            np.maximum(outside, ended, out=outside)
        np.maximum(before[1:-1], before[:-2], out=D[2:])  # a step of (1, 1), or of (1, 2)
        np.maximum(D[2:], earlier[1:-1], out=D[2:])  # of (2, 1)
        D[1] = outside
        if as_libfmp:
            D[0] = outside - STEP
        steps_NN[frame].take(places_WK, out=steps_WK)
        D[1:] += steps_WK
        D, before, earlier = earlier, D, before
    before.take(last, out=ended)
    return np.maximum(outside - SKIP, ended)
