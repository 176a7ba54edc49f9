"""Which files a folder holds: found without loops, kept on disk in order of name, each with the key of its content."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from musicexp.errors import MusicError, StoreError
from musicexp.music.cache import decoded, encoded
from musicexp.music.piece import Reading
from musicexp.music.reading import (
    MIDI_SUFFIXES,
    READER_VERSION,
    SCORE_SUFFIXES,
    Manner,
    content,
    printable,
    reason,
)

Wanted = Callable[[str], bool]
"""Whether a file, by its name, is one to read."""

AT_ONCE = 500
APPLE_DOUBLE = "._"
"""What begins so is a Mac's note about a file and not the file."""


class File(NamedTuple):
    """A file of a listing.

    Attributes:
        name: below the root, with slashes, fit to be printed.
        key: of its content, its kind and its reader; "" if it could not even be looked at.
        trouble: why it cannot be read, if that is known already.
        stamp: its size and when it was changed last, when it was looked at.
    """

    path: Path
    name: str
    key: str
    trouble: str
    stamp: str


class Listing:
    """The files below a folder, in one sqlite file: a hundred thousand names cost no memory.

    It also keeps the readings that are good for this listing alone, since they would not be the same another day.
    """

    def __init__(self, database: Path) -> None:
        """
        Raises:
            StoreError: the file is damaged, or cannot be made.
        """
        self.path = database
        try:
            self._db = sqlite3.connect(database)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        self._do("PRAGMA synchronous=OFF")  # it is made anew in seconds
        self._do("PRAGMA cache_size=-256")  # KiB: it is read and written in order
        self._do(
            "CREATE TABLE IF NOT EXISTS files"
            " (place BLOB PRIMARY KEY, key TEXT, trouble TEXT, stamp TEXT) WITHOUT ROWID"
        )
        self._do("CREATE TABLE IF NOT EXISTS readings (key TEXT PRIMARY KEY, reading BLOB) WITHOUT ROWID")

    def fill(self, root: Path, wanted: Wanted, limit: int, reader: Manner) -> None:
        """List what is below a folder, and look at each file once.

        Args:
            limit: keep the first so many in order of name; 0 keeps all.

        Raises:
            MusicError: the folder cannot be looked into.
            StoreError: the listing cannot be written.
        """
        self._do("DELETE FROM files")
        self._do("DELETE FROM readings")
        for path, trouble in walk(root, wanted):
            place = os.fsencode(path.relative_to(root))
            self._do("INSERT OR IGNORE INTO files VALUES (?, '', ?, '')", (place, trouble))
        if limit:
            first = "SELECT place FROM files ORDER BY place LIMIT ?"
            self._do(f"DELETE FROM files WHERE place NOT IN ({first})", (limit,))
        for file in self.files(root):
            if not file.trouble:
                key = trouble = looked = ""
                try:
                    looked = stamp(file.path)
                    key = content_key(file.path, reader)
                except (OSError, ValueError) as error:
                    trouble = reason(error)
                place = os.fsencode(file.path.relative_to(root))
                self._do(
                    "UPDATE files SET key=?, trouble=?, stamp=? WHERE place=?", (key, trouble, looked, place)
                )
        self._db.commit()

    def __len__(self) -> int:
        return int(self._do("SELECT count(*) FROM files")[0][0])

    def files(self, root: Path, first: int = 0) -> Iterator[File]:
        """The files in order of name, from some number on; a few hundred in memory at a time."""
        last, skip = b"", first
        while True:
            rows = self._do(
                "SELECT * FROM files WHERE place > ? ORDER BY place LIMIT ? OFFSET ?", (last, AT_ONCE, skip)
            )
            for place, key, trouble, looked in rows:
                below = Path(os.fsdecode(place))
                yield File(root / below, printable(below.as_posix()), key, trouble, looked)
            if not rows:
                return
            last, skip = rows[-1][0], 0

    def keep(self, key: str, reading: Reading) -> None:
        """Keep a reading for this listing alone."""
        self._do("INSERT OR REPLACE INTO readings VALUES (?, ?)", (key, encoded(reading)))
        self._db.commit()

    def kept(self, key: str) -> Reading | None:
        """The reading that is kept here for a key, if there is one."""
        for (blob,) in self._do("SELECT reading FROM readings WHERE key=?", (key,)):
            return decoded(blob)
        return None

    def fingerprint(self, root: Path) -> str:
        """A hash of all names below the root and of their contents."""
        digest = hashlib.sha256()
        for file in self.files(root):
            digest.update(f"{file.name}\0{file.key}\0{file.trouble}\n".encode())
        return digest.hexdigest()[:32]

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _do(self, command: str, values: Iterable[Any] = ()) -> list[Any]:
        try:
            return self._db.execute(command, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, why: object) -> StoreError:
        return StoreError(
            f"the list of files {self.path} cannot be used: {why}; free some disk, or delete {self.path.parent}: it is made again from the music"
        )


def walk(root: Path, wanted: Wanted) -> Iterator[tuple[Path, str]]:
    """(path, trouble) of every wanted file below a folder, and of folders that cannot be looked into.

    Links to folders are followed behind all real ones, and no folder is looked into twice, so that a link
    to a folder above ends there.

    Raises:
        MusicError: the folder itself cannot be looked into.
    """
    seen: set[tuple[int, int]] = set()
    folders: list[Path] = [root]
    links: list[Path] = []
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            found = folder.stat()
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
            with os.scandir(folder) as entries:
                there = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            if folder == root:
                raise MusicError(f"{root} cannot be looked into: {reason(error)}") from error
            yield folder, reason(error)
            continue
        for entry in there:
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(folder / entry.name)
            elif wanted(entry.name) and not entry.name.startswith(APPLE_DOUBLE):
                yield folder / entry.name, ""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def stamp(path: Path) -> str:
    """Tells whether a file has changed since.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    found = path.stat()
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}"


def content_key(path: Path, reader: Manner) -> str:
    """A key of a file's content, its kind and the reader that reads it; its name and place do not count.

    Raises:
        ValueError: see `content`.
        OSError: it is not there, or may not be read.
    """
    kind = path.suffix.lower()
    by = "music21" if kind not in MIDI_SUFFIXES or reader == "music21" else "symusic"
    how = "graces " if kind in SCORE_SUFFIXES and reader == "graces" else ""
    told = f"{READER_VERSION} {by} {_version(by)} {how}{kind} ".encode()
    return hashlib.sha256(told + content(path)).hexdigest()


@lru_cache
def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)
