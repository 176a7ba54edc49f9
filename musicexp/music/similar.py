"""Duplicates: pieces that share a long run of the same intervals, in any key, form a group.

A run is `RUN` intervals between the highest notes, one after the other, so that a tune with another
accompaniment, in another key or another rhythm is found too. Of 1,059 fiddle tunes 340 share such a run with
another one, in groups of at most 13; with runs of 12 intervals the groups begin to flow together (one of 438).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from musicexp.music.piece import Piece, Steps

RUN = 15
"""Intervals: sixteen notes in a row."""
FEWEST_DIFFERENT = 3
"""A run of fewer different intervals (a trill, a repeated note) says nothing about the tune."""

Hashes = NDArray[np.uint64]
ENTRY = np.dtype([("hash", "<u8"), ("piece", "<i4")])
AT_ONCE = 1 << 15
"""Entries in memory at a time."""

MULTIPLIER = 0x9E3779B97F4A7C15  # odd, so that nothing is lost modulo 2^64: the golden ratio's bits


def skyline(piece: Piece) -> NDArray[np.bool_]:
    """Which notes have none above them that begins with them or still sounds: bool [notes]."""
    if not len(piece):
        return np.zeros(0, dtype=bool)
    top: NDArray[np.bool_] = np.r_[piece.onset[1:] != piece.onset[:-1], True]
    ends = piece.onset + piece.duration
    if (ends[:-1] <= piece.onset[1:]).all():
        return top
    sounding: list[tuple[int, int]] = []
    columns = zip(piece.onset.tolist(), ends.tolist(), piece.pitch.tolist(), strict=True)
    for number, (onset, end, pitch) in enumerate(columns):
        sounding = [(until, other) for until, other in sounding if until > onset]
        top[number] &= all(other <= pitch for _, other in sounding)
        sounding.append((end, pitch))
    return top


def runs(piece: Piece) -> Hashes:
    """Hashes of a piece's runs of intervals, and of the whole piece in any key: uint64, none twice."""
    top: Steps = piece.pitch[skyline(piece)]
    whole = np.array([int(piece.family(), 16)], dtype=np.uint64)
    if len(top) <= RUN:
        return whole
    windows = np.lib.stride_tricks.sliding_window_view(np.diff(top), RUN)
    ordered = np.sort(windows, axis=1)
    different = 1 + (np.diff(ordered, axis=1) != 0).sum(axis=1)
    telling = windows[different >= FEWEST_DIFFERENT]
    factors = np.array([pow(MULTIPLIER, k, 2**64) for k in range(1, RUN + 1)], dtype=np.uint64)
    sums = ((telling + 128).astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    return np.unique(np.concatenate([_mixed(sums), whole]))


def shares(found: Hashes, known: Hashes) -> bool:
    """Whether some of a piece's hashes are among those known, which stand in order."""
    if not len(known):
        return False
    at = np.minimum(np.searchsorted(known, found), len(known) - 1)
    return bool((known[at] == found).any())


def _mixed(numbers: Hashes) -> Hashes:
    """Each bit of a number spread over all bits (the finaliser of splitmix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = numbers ^ (numbers >> np.uint64(31))
    return mixed


def groups(entries: Path, pieces: int) -> NDArray[np.int32]:
    """For each piece the number of its group's first piece: int32 [pieces].

    Args:
        entries: a file of `ENTRY` records, a record for each hash of each piece.
    """
    parent = np.arange(pieces, dtype=np.int32)
    for one, other in _meetings(entries):
        roots = _root(parent, one), _root(parent, other)
        parent[max(roots)] = min(roots)
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return parent
        parent = above


def _meetings(entries: Path) -> Iterator[tuple[int, int]]:
    """Pairs of pieces that have a hash in common, a share of all hashes at a time: so few lie in memory."""
    with TemporaryFile(dir=entries.parent) as file:
        for share in _shares(entries, file):
            found = share[np.lexsort((share["piece"], share["hash"]))]
            same = found["hash"][1:] == found["hash"][:-1]
            pairs = np.stack([found["piece"][:-1][same], found["piece"][1:][same]], axis=1)
            yield from map(tuple, np.unique(pairs, axis=0).tolist())


def _shares(entries: Path, file: IO[bytes]) -> Iterator[NDArray[np.void]]:
    """All entries in shares of about `AT_ONCE`, equal hashes in the same one; they are laid out in `file`."""
    whole = np.memmap(entries, ENTRY, mode="r") if entries.stat().st_size else np.zeros(0, ENTRY)
    shares = np.uint64(-(-len(whole) // AT_ONCE))
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(whole), AT_ONCE)]
    sizes = np.zeros(int(shares), dtype=np.int64)
    for part in parts:
        sizes += np.bincount((whole["hash"][part] % shares).astype(np.int64), minlength=len(sizes))
    ends = np.cumsum(sizes)
    free = ends - sizes  # where the next entry of each share goes
    for part in parts:
        some = whole[part]
        share = (some["hash"] % shares).astype(np.int64)
        order = np.argsort(share, kind="stable")
        counts = np.bincount(share, minlength=len(sizes))
        for number, mine in enumerate(np.split(order, np.cumsum(counts)[:-1])):
            file.seek(int(free[number]) * ENTRY.itemsize)
            file.write(some[mine].tobytes())
        free += counts
    file.seek(0)
    for size in sizes.tolist():
        yield np.frombuffer(file.read(size * ENTRY.itemsize), ENTRY)


def _root(parent: NDArray[np.int32], piece: int) -> int:
    while parent[piece] != piece:
        parent[piece] = parent[parent[piece]]
        piece = int(parent[piece])
    return piece
