"""Written folds: which piece is the test in which fold, as a table of a publication has it, or anybody's own.

A table is a CSV with the columns fold, sound, piece: the fold's number from 0, `Piece.fingerprint` of the piece, and its
name, which is for people. Those that come with the package lie in conf/fold_tables.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicexp.config import FOLD_TABLES, conf_dir, fold_tables
from musicexp.errors import MusicError, SettingError
from musicexp.music.reading import content, printable, reason
from musicexp.wording import count

COLUMNS = ["fold", "sound", "piece"]
SUFFIX = ".csv"
MADE_OF = "a table goes with the data set that it was made of, whole: without dataset.limit, dataset.parts and dataset.normalise_key"


@dataclass(frozen=True)
class FoldTable:
    """A table of folds.

    Attributes:
        name: as `split.table` names it.
        digest: of its folds and sounds; names do not count.
        fold: int32 [rows].
        sound: uint64 [rows]; pieces that sound the same have a row each.
        piece: names, [rows].
    """

    name: str
    digest: str
    fold: NDArray[np.int32]
    sound: NDArray[np.uint64]
    piece: tuple[str, ...]

    @property
    def folds(self) -> int:
        """How many there are; all hold a piece."""
        return int(self.fold.max()) + 1

    def check(self, fold: int) -> None:
        """
        Raises:
            SettingError: it has no fold of that number.
        """
        if fold >= self.folds:
            raise SettingError(
                f"split.fold={fold} is not there: split.table={self.name} has {count(self.folds, 'fold')}, so it must be 0 to {self.folds - 1}"
            )

    def rows_of(
        self, sounds: NDArray[np.uint64], where: str, file_of: Callable[[int], str]
    ) -> NDArray[np.int64]:
        """The row of each piece of a data set: int64 [pieces]. Of pieces that sound the same the first has the first row.

        Args:
            sounds: fingerprints of the pieces, in order.
            where: what the data set is called in messages.
            file_of: which file a piece of that number is of.

        Raises:
            MusicError: the data set is not what the table was made of.
        """
        mine, theirs = np.argsort(self.sound, kind="stable"), np.argsort(sounds, kind="stable")
        if np.array_equal(self.sound[mine], sounds[theirs]):
            found = np.empty(len(sounds), dtype=np.int64)
            found[theirs] = mine
            return found
        lacking = [self.piece[i] for i in _beyond(self.sound, sounds)]
        more = [file_of(i) for i in _beyond(sounds, self.sound)]
        parts = [f"{count(len(lacking), 'piece')} of it not there ({lacking[0]} first)"] if lacking else []
        parts += [f"{count(len(more), 'piece')} there not in it (one of {more[0]} first)"] if more else []
        raise MusicError(
            f"split.table={self.name} holds {count(len(self.sound), 'piece')} and is not of {where}, which holds {len(sounds):,}: {', '.join(parts)}; {MADE_OF}"
        )


def read_table(table: str) -> FoldTable:
    """A table by its name, or by the path of a CSV.

    Raises:
        SettingError: there is none of that name or in that place.
        MusicError: it is no table of folds.
    """
    names = fold_tables()
    path = conf_dir() / FOLD_TABLES / f"{table}{SUFFIX}" if table in names else Path(table).expanduser()
    if table not in names and not table.endswith(SUFFIX):
        near = difflib.get_close_matches(table, names, n=1, cutoff=0.5)
        raise SettingError(
            f"split.table={table} is not known"
            + (f": did you mean split.table={near[0]}?" if near else ":")
            + f" there are {', '.join(names)}; a table of your own is named by its path, DIR/NAME{SUFFIX}"
        )
    try:
        text = content(path).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        why = "is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else reason(error)
        raise SettingError(f"split.table={table} cannot be read (looked in {Path.cwd()}): {why}") from error
    return parsed_table(text, table)


def parsed_table(text: str, name: str) -> FoldTable:
    """
    Raises:
        MusicError: it is no table of folds: which line, and what is wrong there.
    """
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or rows[0] != COLUMNS:
        raise MusicError(
            f"split.table={name} is no table of folds: its first line must be {','.join(COLUMNS)}"
        )
    for number, row in enumerate(rows[1:], start=2):
        whole = len(row) == len(COLUMNS) and re.fullmatch(r"\d{1,4}", row[0], re.ASCII)
        if not whole or not re.fullmatch(r"[0-9a-f]{16}", row[1]):
            raise MusicError(
                f"split.table={name}, line {number}: {printable(','.join(row))!r} must be a fold from 0, a fingerprint of 16 hex digits, and the name of a piece"
            )
    fold = np.array([int(row[0]) for row in rows[1:]], dtype=np.int32)
    if len(there := np.unique(fold)) < 2 or there[-1] != len(there) - 1:
        raise MusicError(
            f"split.table={name} has no pieces in fold {next(i for i in range(len(there) + 1) if i not in there)}; its folds must be numbered from 0, without a gap, and be two at least"
        )
    sound = np.array([int(row[1], 16) for row in rows[1:]], dtype=np.uint64)
    told = fold.astype("<i4").tobytes() + sound.astype("<u8").tobytes()
    return FoldTable(
        name, hashlib.sha256(told).hexdigest()[:16], fold, sound, tuple(printable(row[2]) for row in rows[1:])
    )


def written_table(fold: NDArray[np.int32], sound: NDArray[np.uint64], names: list[str]) -> str:
    """A table as text, in order of the pieces."""
    text = io.StringIO()
    rows = zip(fold.tolist(), (f"{value:016x}" for value in sound.tolist()), names, strict=True)
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def _beyond(some: NDArray[np.uint64], others: NDArray[np.uint64]) -> list[int]:
    """Places of what is in `some` more often than in `others`, in order."""
    left: dict[int, int] = {}
    for value in others.tolist():
        left[value] = left.get(value, 0) + 1
    found = []
    for place, value in enumerate(some.tolist()):
        if left.get(value, 0):
            left[value] -= 1
        else:
            found.append(place)
    return found
