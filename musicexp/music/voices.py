"""Which notes of a piece are taken: all parts, one of them, the likeliest melody, or the highest notes."""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

import numpy as np

from musicexp.music.piece import Piece
from musicexp.music.similar import skyline

Parts = int | Literal["all", "melody", "skyline"]

MELODIES = re.compile(r"melod|vocal|voice|lead|sopran|cant(us|o)|sing|chant|tune", re.IGNORECASE)
"""What people call the track that has the melody."""
ONE_VOICE = 0.8
"""A part is a line if this share of its onsets has one note."""
ENOUGH = 0.25
"""A part with a smaller share of the busiest part's onsets is no melody."""


def selected(piece: Piece, parts: Parts) -> Piece:
    """The notes of a piece that are asked for.

    Args:
        parts: all; the melody's part (`melody_part`); the skyline, whose notes end where the next begins; or
            the number of a part, from 1.

    Raises:
        ValueError: the piece has no such part.
    """
    if parts == "all" or not len(piece):
        return piece
    if parts == "skyline":
        one = piece.merged()
        return _cut(one.only(skyline(one)))
    if isinstance(parts, int):
        kept = piece.part == parts - 1
        if not kept.any():
            there = sorted({number + 1 for number in piece.part.tolist()})
            raise ValueError(f"has no note in part {parts}; its parts are {', '.join(map(str, there))}")
        return piece.only(kept)
    return piece.only(piece.part == melody_part(piece))


def melody_part(piece: Piece) -> int:
    """The part that is likeliest the melody.

    The first whose name says so; else, of the parts that are a line and not much rarer than the busiest one,
    the one that lies highest; else the highest part.
    """
    numbers = np.unique(piece.part)
    for number in numbers.tolist():
        if number < len(piece.parts) and MELODIES.search(piece.parts[number]):
            return int(number)
    onsets = {n: len(np.unique(piece.onset[piece.part == n])) for n in numbers.tolist()}
    busiest = max(onsets.values())
    lines = [
        n
        for n, count in onsets.items()
        if count >= ENOUGH * busiest and count >= ONE_VOICE * int((piece.part == n).sum())
    ]
    return int(max(lines or onsets, key=lambda n: (float(np.median(piece.pitch[piece.part == n])), -n)))


def _cut(piece: Piece) -> Piece:
    """One voice: each note ends where the next begins, if not before."""
    room = np.append(np.diff(piece.onset), np.iinfo(np.int32).max)
    duration = np.minimum(piece.duration, room).astype(np.int32)
    if piece.onset_ticks is None or piece.duration_ticks is None:
        return dataclasses.replace(piece, duration=duration)
    ticks = np.append(np.diff(piece.onset_ticks), np.iinfo(np.int64).max)
    return dataclasses.replace(
        piece, duration=duration, duration_ticks=np.minimum(piece.duration_ticks, ticks)
    )
