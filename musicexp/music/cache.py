"""What was read once is not read again: Pieces by the content of their file, in one sqlite file."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from musicexp.errors import StoreError
from musicexp.music.piece import Piece, Reading

COLUMNS = {
    "onset": ("<i4", np.int32),
    "duration": ("<i4", np.int32),
    "pitch": ("u1", np.int32),
    "velocity": ("u1", np.int32),
    "part": ("<u2", np.int32),
}
FEWER_HAVE = {
    "onset_ticks": ("<i8", np.int64),
    "duration_ticks": ("<i8", np.int64),
    "fermata": ("u1", np.bool_),
}
EVERY_COLUMN = COLUMNS | FEWER_HAVE
"""How each column of a Piece lies on disk, and what it is in memory."""

FEW = 500


class ReadingCache:
    """Readings of files, found by a key of their content. Several processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "readings.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._open() as db:
                db.execute(
                    "CREATE TABLE IF NOT EXISTS readings (key TEXT PRIMARY KEY, reading BLOB NOT NULL)"
                )
        except OSError as error:
            raise StoreError(
                f"the cache of read music cannot be made in {folder}: {error.strerror or error}; make it writable or set MUSICEXP_CACHE to another folder"
            ) from error

    def get(self, keys: Iterable[str]) -> dict[str, Reading]:
        """The readings that are there, by key."""
        wanted, found = list(keys), {}
        with self._open() as db:
            for start in range(0, len(wanted), FEW):
                some = wanted[start : start + FEW]
                marks = ",".join("?" * len(some))
                rows = db.execute(f"SELECT key, reading FROM readings WHERE key IN ({marks})", some)
                found.update({key: self._decoded(blob) for key, blob in rows})
        return found

    def missing(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that are not there."""
        wanted = set(keys)
        with self._open() as db:
            marks = ",".join("?" * len(wanted))
            rows = db.execute(f"SELECT key FROM readings WHERE key IN ({marks})", tuple(wanted))
            return wanted - {key for (key,) in rows}

    def put(self, readings: dict[str, Reading]) -> None:
        """Keep readings; all of them or, if the process dies, none."""
        with self._open() as db:
            db.executemany(
                "INSERT OR REPLACE INTO readings VALUES (?, ?)",
                [(key, encoded(reading)) for key, reading in readings.items()],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            db = sqlite3.connect(self.path, timeout=60)
            try:
                with db:
                    yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _decoded(self, blob: bytes) -> Reading:
        try:
            return decoded(blob)
        except (ValueError, KeyError, TypeError) as error:
            raise self._unusable("a reading in it is damaged") from error

    def _unusable(self, why: object) -> StoreError:
        return StoreError(
            f"the cache of read music {self.path} cannot be used: {why}; see that its folder may be written and that the disk has room, set MUSICEXP_CACHE to another folder, or delete that file: it is made again from the music"
        )


def encoded(reading: Reading) -> bytes:
    """A line of JSON that describes the pieces, then their columns, little-endian."""
    heads, arrays = [], []
    for piece in reading.pieces:
        more = [name for name in FEWER_HAVE if getattr(piece, name) is not None]
        head = {
            f.name: getattr(piece, f.name) for f in dataclasses.fields(Piece) if f.name not in EVERY_COLUMN
        }
        heads.append(head | {"notes": len(piece), "more": more})
        arrays += [getattr(piece, name).astype(EVERY_COLUMN[name][0]).tobytes() for name in (*COLUMNS, *more)]
    told = {"source": reading.source, "rejected": reading.rejected, "pieces": heads}
    return json.dumps(told).encode() + b"\n" + b"".join(arrays)


def decoded(blob: bytes) -> Reading:
    """Read back what `encoded` gave."""
    head, _, body = blob.partition(b"\n")
    told = json.loads(head)
    reading, at = Reading(told["source"], [], [tuple(pair) for pair in told["rejected"]]), 0
    for described in told["pieces"]:
        size = described.pop("notes")
        columns: dict[str, Any] = {}
        for name in (*COLUMNS, *described.pop("more")):
            kind, wide = EVERY_COLUMN[name]
            columns[name] = np.frombuffer(body, kind, size, at).astype(wide)
            at += size * np.dtype(kind).itemsize
        described |= {"metre": tuple(described["metre"]), "parts": tuple(described["parts"])}
        reading.pieces.append(Piece(**(columns | described)))
    return reading
