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
from musicexp.music.excerpt import bar_steps
from musicexp.render.figure_style import LIGHT
from musicexp.render.rolls import MARGIN, pitch_name

INK, FAINT, VAL = "#1b3a5c", "#b9c7d6", "#d1495b"
PARTS = [LIGHT[name] for name in ("one", "two", "three", "four")]
"""Colours; further parts begin again with the first."""
LABEL_PIXELS = 14.0
"""Between the middles of two names of baselines."""
POINT_PIXELS = 1.35
"""How high a line of letters is for each point of their size, at 100 dots an inch."""
LETTERS_A_NUMBER = 4.0
"""Room for the number of a bar, in widths of a letter."""
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
    figure.subplots_adjust(left=0.075, right=0.87, top=0.93, bottom=0.1)  # laid out by hand, in half the time
    axes = figure.add_subplot()
    if train:
        iterations, losses = zip(*train, strict=True)
        axes.plot(iterations, losses, color=FAINT, linewidth=0.8, label="train, every iteration")
        axes.plot(iterations, running_mean(losses), color=INK, linewidth=1.8, label="train, running mean")
    if val:
        axes.plot(
            *zip(*val, strict=True), color=VAL, marker="o", markersize=4, linewidth=1.6, label="validation"
        )
    axes.set(xlabel="iteration", ylabel="nats per token", title="")
    axes.set_title(title, parse_math=False)
    axes.grid(color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    _draw_levels(axes, baselines)
    if train or val:
        axes.legend(frameon=False)
    return _png(figure)


def _draw_levels(axes: Axes, levels: Mapping[str, float]) -> None:
    """Lines across the axes, named right of them: nothing else is written there, and names keep their distance."""
    known = {name: level for name, level in levels.items() if math.isfinite(level)}
    for level in known.values():
        axes.axhline(level, color="#777777", linewidth=0.9, linestyle="--", zorder=1.5)
    low, high = axes.get_ylim()
    pixels = axes.bbox.height / (high - low)
    heights = spread([(level - low) * pixels for level in known.values()], LABEL_PIXELS)
    for (name, level), height in zip(known.items(), heights, strict=True):
        axes.annotate(
            f"{name} {level:.2f}",
            (1, level),
            xycoords=("axes fraction", "data"),
            xytext=(1.025, height / axes.bbox.height),
            textcoords="axes fraction",
            ha="left",
            va="center",
            fontsize=8.5,
            color="#444444",
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.7, "shrinkA": 1, "shrinkB": 0},
        )


def spread(places: Sequence[float], least: float) -> list[float]:
    """Places moved as little as need be so that each is at least so far from the next; their order stays.

    Those that are too close form a group that is laid out evenly about its middle, and joins whom it touches.
    """
    groups: list[tuple[float, list[int]]] = []  # middle, and who belongs to it from below
    for place, number in sorted((place, number) for number, place in enumerate(places)):
        groups.append((place, [number]))
        while len(groups) > 1:
            (below, few), (above, more) = groups[-2:]
            if above - below >= least * (len(few) + len(more)) / 2:
                break
            both = few + more
            groups[-2:] = [(sum(places[k] for k in both) / len(both), both)]
    found = [0.0] * len(places)
    for middle, members in groups:
        for rank, number in enumerate(members):
            found[number] = middle + least * (rank - (len(members) - 1) / 2)
    return found


def running_mean(losses: Sequence[float]) -> list[float]:
    """Exponential mean over about `SMOOTHING` of the curve, without the usual pull towards the start."""
    weight = 1 - 1 / max(1.0, SMOOTHING * len(losses))
    means, mean, mass = [], 0.0, 0.0
    for loss in losses:
        mean, mass = weight * mean + (1 - weight) * loss, weight * mass + (1 - weight)
        means.append(mean / mass)
    return means


def roll_picture(pieces: Sequence[tuple[str, Piece]]) -> bytes:
    """Piano rolls one below the other: bars to the right, pitch upwards, a colour for each part.

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


def clip_picture(caption: str, piece: Piece) -> bytes:
    """One roll for a card of MLflow's charts: they give it a square, some 270 pixels wide."""
    figure = Figure(figsize=(6.4, 5.2), dpi=100)
    figure.subplots_adjust(left=0.1, right=0.985, top=0.91, bottom=0.08)
    _draw_roll(figure.add_subplot(), piece, caption, letters=15)
    return _png(figure)


def _draw_roll(axes: Axes, piece: Piece, caption: str, letters: float = 8) -> None:
    axes.set_title(caption, fontsize=letters + 1, loc="left", parse_math=False)
    onsets, durations = piece.onset / STEPS_PER_QUARTER, piece.duration / STEPS_PER_QUARTER
    low, high = (int(piece.pitch.min()), int(piece.pitch.max())) if len(piece) else (60, 72)
    low, high = low - MARGIN, high + MARGIN
    bar = bar_steps(piece) / STEPS_PER_QUARTER
    bars = max(1, math.ceil(piece.quarters / bar - 1e-9))
    # One artist for all lines and one for all notes: hundreds of them take half a second to lay out and draw.
    lines = np.arange(0, bars + 1, math.ceil((bars + 1) / MOST_LINES)) * bar
    axes.vlines(lines, low, high, color="#dddddd", linewidth=0.7, zorder=0)
    named = [p for p in range(low, high + 1) if p % 12 in _named(axes.bbox.height / (high - low), letters)]
    axes.hlines([p for p in named if p % 12 == 0], 0, bars * bar, color="#dddddd", linewidth=0.7, zorder=0)
    axes.add_collection(
        PolyCollection(
            _boxes(onsets, durations * 0.94, piece.pitch, 0.85),
            facecolors=[PARTS[part % len(PARTS)] for part in piece.part.tolist()],
            linewidths=0,
        )
    )
    axes.set_yticks(named, [pitch_name(pitch) for pitch in named], fontsize=letters)
    axes.set_ylim(low, high)
    axes.set_xlim(0, bars * bar)
    numbers = np.arange(1, bars + 1, _numbered(bars, axes.bbox.width / letters))
    axes.set_xticks((numbers - 1) * bar, ["bar 1", *map(str, numbers[1:])], fontsize=letters)
    axes.spines[["top", "right"]].set_visible(False)


def _named(pixels: float, letters: float) -> tuple[int, ...]:
    """The pitch classes whose names find room below each other, where a semitone has so many pixels."""
    room = letters * POINT_PIXELS
    sets: dict[int, tuple[int, ...]] = {1: (0, 2, 4, 5, 7, 9, 11), 3: (0, 4, 7), 5: (0, 7)}
    return next((named for semitones, named in sets.items() if semitones * pixels >= room), (0,))


def _numbered(bars: int, letters: float) -> int:
    """Every which bar bears its number: each, or 1, 5, 9 ... or further apart by twos, as phrases begin."""
    most = max(letters / LETTERS_A_NUMBER, 1)
    return 1 if bars <= most else 2 ** max(2, math.ceil(math.log2(bars / most)))


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
