"""Pictures for MLflow's page: loss curves and piano rolls, as PNG bytes."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from musicexp.music import STEPS_PER_QUARTER, Piece

INK, FAINT, VAL, NOTE = "#1b3a5c", "#b9c7d6", "#d1495b", "#1b6ca8"
SMOOTHING = 0.02
"""Share of the curve over which the bold line is an exponential mean."""

MOST_LINES = 200
"""Bar lines drawn at most; of a longer piece every second, third ... bar."""

MOST_ROLLS = 24
"""Taller pictures take minutes to lay out."""

Curve = Sequence[tuple[int, float]]
"""(iteration, nats per token) pairs."""


def loss_picture(train: Curve, val: Curve, baselines: Mapping[str, float], title: str) -> bytes:
    """Training loss of every iteration with its running mean, validation loss, and baselines as lines."""
    figure = Figure(figsize=(9, 5), dpi=110)
    figure.subplots_adjust(
        left=0.075, right=0.985, top=0.93, bottom=0.1
    )  # laid out by hand, in half the time
    axes = figure.add_subplot()
    if train:
        iterations, losses = zip(*train, strict=True)
        axes.plot(iterations, losses, color=FAINT, linewidth=0.8, label="train, every iteration")
        axes.plot(iterations, running_mean(losses), color=INK, linewidth=1.8, label="train, running mean")
    if val:
        axes.plot(
            *zip(*val, strict=True), color=VAL, marker="o", markersize=4, linewidth=1.6, label="validation"
        )
    for name, level in baselines.items():
        axes.axhline(level, color="#777777", linewidth=0.9, linestyle="--")
        axes.annotate(
            name,
            (0.995, level),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=8,
            color="#555555",
        )
    axes.set(xlabel="iteration", ylabel="nats per token", title="")
    axes.set_title(title, parse_math=False)
    axes.grid(color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    if train or val:
        axes.legend(frameon=False)
    return _png(figure)


def running_mean(losses: Sequence[float]) -> list[float]:
    """Exponential mean over about `SMOOTHING` of the curve, without the usual pull towards the start."""
    weight = 1 - 1 / max(1.0, SMOOTHING * len(losses))
    means, mean, mass = [], 0.0, 0.0
    for loss in losses:
        mean, mass = weight * mean + (1 - weight) * loss, weight * mass + (1 - weight)
        means.append(mean / mass)
    return means


def roll_picture(pieces: Sequence[tuple[str, Piece]]) -> bytes:
    """Piano rolls one below the other: time in quarters to the right, pitch upwards, bars as lines.

    Args:
        pieces: (caption, piece) pairs; the first `MOST_ROLLS` are drawn.
    """
    pieces = pieces[:MOST_ROLLS]
    rows = max(len(pieces), 1)
    height = 1.9 * rows + 0.4
    figure = Figure(figsize=(12, height), dpi=100)
    figure.subplots_adjust(
        left=0.03, right=0.99, top=1 - 0.3 / height, bottom=0.3 / height, hspace=0.36 if rows > 1 else 0.0
    )
    for row, (caption, piece) in enumerate(pieces, start=1):
        _draw_roll(figure.add_subplot(rows, 1, row), piece, caption)
    return _png(figure)


def _draw_roll(axes: Axes, piece: Piece, caption: str) -> None:
    axes.set_title(caption, fontsize=9, loc="left", parse_math=False)
    onsets, durations = piece.onset / STEPS_PER_QUARTER, piece.duration / STEPS_PER_QUARTER
    low, high = (int(piece.pitch.min()), int(piece.pitch.max())) if len(piece) else (60, 72)
    bar = 4 * piece.metre[0] / piece.metre[1]
    bar *= math.ceil((piece.quarters / bar + 1) / MOST_LINES)
    # One artist for all lines and one for all notes: hundreds of them take half a second to lay out and draw.
    lines = np.arange(0, piece.quarters + bar, bar)
    axes.vlines(lines, low - 2, high + 2, color="#e3e3e3", linewidth=0.7, zorder=0)
    axes.add_collection(
        PolyCollection(_boxes(onsets, durations * 0.94, piece.pitch, 0.85), facecolors=NOTE, linewidths=0)
    )
    octaves = [pitch for pitch in range(low - 2, high + 3) if pitch % 12 == 0]
    axes.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves], fontsize=8)
    axes.set_ylim(low - 2, high + 2)
    axes.set_xlim(0, max(piece.quarters, 1))
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _boxes(
    lefts: NDArray[np.float64], widths: NDArray[np.float64], middles: NDArray[np.int32], height: float
) -> list[NDArray[np.float64]]:
    """The corners of upright boxes, as (box, corner, x and y)."""
    rights, lows, highs = lefts + widths, middles - height / 2, middles + height / 2
    corners = [(lefts, lows), (rights, lows), (rights, highs), (lefts, highs)]
    return list(np.stack([np.stack([x, y], axis=-1) for x, y in corners], axis=1))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in letters that the font does not have is drawn as boxes; nobody can do anything about it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
