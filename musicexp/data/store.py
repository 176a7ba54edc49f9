"""The token store: a prepared data set on disk, opened by memory mapping."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.data.sequences import Sequences
from musicexp.errors import StoreError
from musicexp.music.split import SIDES, Side, Sides
from musicexp.tokens import Ids, Vocabulary

STORE_VERSION = 2
"""Counts up when the same music and settings would give another store."""

PIECE = np.dtype(
    [
        ("sound", "<u8"),  # fingerprint of what sounds
        ("content", "<u8"),  # of that and of how its ABC spells it
        ("family", "<u8"),  # of what sounds, in any key
        ("file", "<i4"),
        ("notes", "<i4"),
        ("tempo", "<f4"),
        ("beats", "u1"),
        ("unit", "u1"),
        ("free", "?"),
        ("moved_ms", "<f4"),
        ("moved_most_ms", "<f4"),
    ]
)
"""What is known of each piece, 47 bytes."""

SUMMARY, PIECES, GROUPS, SIDES_FILE, FIRST, STARTS, TOKENS, REJECTED, LISTING, APART = (
    "store.json",
    "pieces.bin",
    "groups.bin",
    "sides.bin",
    "first.bin",
    "starts.bin",
    "tokens.bin",
    "rejected.csv",
    "listing.sqlite",
    "apart.bin",
)


@dataclass(frozen=True)
class Summary:
    """A prepared data set in figures.

    Attributes:
        name, where: the data set's name, and the collection or folder that it is.
        fingerprint: of everything that sounds and how its ABC spells it, whatever the files' names and order.
        rejected: how many files or tunes could not be used.
        reasons: the commonest reasons and how often they came.
        replaced: tokens of held-out pieces that the vocabulary lacks.
        transposed_out: transpositions that would leave MIDI's range, and were left out.
        free: pieces played freely; moved_ms and moved_most_ms say by how much their onsets were moved to the grid,
            on average and at most, in milliseconds.
        left_out: pieces of the collection's files that are none of the collection itself.
        apart: pieces that share a run with music that the data set is kept apart from (`dataset.apart_from`), and were left out.
        moved: what changed since this data set was last prepared, in words, or "".
        folds: the digest of the table of folds that split it, or "".
    """

    name: str
    where: str
    fingerprint: str
    files: int
    pieces: int
    notes: int
    grace_notes: int
    doubled: int
    off_grid: int
    rejected: int
    reasons: dict[str, int]
    groups: int
    duplicates: int
    replaced: int
    transposed_out: int
    free: int
    moved_ms: float
    moved_most_ms: float
    tempo: float
    metre: tuple[int, int]
    token_type: str
    vocabulary: dict[str, Any]
    left_out: int = 0
    apart: int = 0
    moved: str = ""
    folds: str = ""
    version: int = STORE_VERSION

    @property
    def identity(self) -> str:
        """Of the music and of the table of folds that split it: what a run goes on with must have the same."""
        return f"{self.fingerprint}-{self.folds}" if self.folds else self.fingerprint


@dataclass(frozen=True)
class TokenStore:
    """An opened store. Its arrays lie on disk; what is asked for is read."""

    folder: Path
    summary: Summary

    @classmethod
    def open(cls, folder: Path) -> TokenStore:
        """
        Raises:
            StoreError: it is damaged.
        """
        try:
            values = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
            store = cls(folder, Summary(**(values | {"metre": tuple(values["metre"])})))
            store.check()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"the prepared data in {folder} are damaged ({error}); delete that folder: they are made again from the music"
            ) from error
        return store

    def check(self) -> None:
        """
        Raises:
            ValueError: a file is not as long as it must be.
        """
        self._check_size(PIECES, self.summary.pieces * PIECE.itemsize)
        self._check_size(GROUPS, self.summary.pieces * 4)
        self._check_size(SIDES_FILE, self.summary.pieces)
        self._check_size(FIRST, (self.summary.pieces + 1) * 4)
        self._check_size(STARTS, (int(self._mapped(FIRST, "<i4")[-1]) + 1) * 8)
        wide = np.dtype(self.summary.token_type).itemsize
        self._check_size(TOKENS, int(self._mapped(STARTS, "<i8")[-1]) * wide)

    def _check_size(self, name: str, size: int) -> None:
        found = (self.folder / name).stat().st_size
        if found != size:
            raise ValueError(f"{name} has {found} bytes instead of {size}")

    def _mapped(self, name: str, kind: Any) -> NDArray[Any]:
        return np.memmap(self.folder / name, kind, mode="r")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_dict(self.summary.vocabulary)

    @cached_property
    def table(self) -> NDArray[Any]:
        """What is known of each piece: `PIECE` records in order of file."""
        return self._mapped(PIECES, PIECE)

    @cached_property
    def apart(self) -> NDArray[np.uint64]:
        """Hashes of the runs of the music that the data set is kept apart from, in order; none where it is from none."""
        there = self.summary.apart > 0
        return self._mapped(APART, "<u8") if there else np.zeros(0, dtype=np.uint64)

    @cached_property
    def sides(self) -> Sides:
        return self._mapped(SIDES_FILE, np.uint8)

    @cached_property
    def groups(self) -> NDArray[np.int32]:
        """For each piece the number of its duplicate group's first piece."""
        return self._mapped(GROUPS, "<i4")

    def on(self, side: Side) -> NDArray[np.int32]:
        """The numbers of a side's pieces, in order of content: neither names nor places change what is trained."""
        numbers = np.flatnonzero(self.sides == SIDES.index(side)).astype(np.int32)
        return numbers[np.argsort(self.table["content"][numbers], kind="stable")]

    def sequences(self, side: Side) -> Sequences:
        """The pieces of a side as token ids."""
        numbers = self.on(side)
        first = self._mapped(FIRST, "<i4")
        return Sequences(
            self._mapped(TOKENS, self.summary.token_type),
            self._mapped(STARTS, "<i8"),
            first[numbers],
            first[numbers + 1] - first[numbers],
        )

    def piece(self, number: int) -> Ids:
        """A piece in its own key, BOS ... EOS: int64."""
        first, starts = self._mapped(FIRST, "<i4"), self._mapped(STARTS, "<i8")
        start, end = starts[first[number]], starts[first[number] + 1]
        return np.asarray(self._mapped(TOKENS, self.summary.token_type)[start:end]).astype(np.int64)

    def notes(self, side: Side) -> NDArray[np.int32]:
        """Sounding notes of each piece of a side."""
        found: NDArray[np.int32] = self.table["notes"][self.on(side)]
        return found

    def rejected(self) -> Iterator[tuple[str, str]]:
        """(what, reason) of everything that could not be used."""
        with (self.folder / REJECTED).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows, None)
            yield from ((what, why) for what, why in rows)

    def rejected_csv(self) -> bytes:
        """The same as a table with a head."""
        return (self.folder / REJECTED).read_bytes()

    def write_summary(self) -> None:
        """The last thing that is written: where it is, the store is whole."""
        (self.folder / SUMMARY).write_text(json.dumps(asdict(self.summary)), encoding="utf-8")


@dataclass
class Tally:
    """What is counted while pieces go by; small, however many they are."""

    notes: int = 0
    grace_notes: int = 0
    doubled: int = 0
    off_grid: int = 0
    rejected: int = 0
    left_out: int = 0
    apart: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
