"""A corpus as generated music is judged by it: what was learned from, and what real music is like.

The values of real pieces are kept on disk by their content, for they take longer than those of sixty-four samples.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicexp.errors import StoreError
from musicexp.metrics.information import Expectation
from musicexp.metrics.novelty import CopyFinder
from musicexp.metrics.panel import METRICS, measured
from musicexp.music import Piece

VALUES_VERSION = 1
"""Counts up when the same pieces would get other values."""
FOLDER = "judged"

Values = dict[str, NDArray[np.float64]]
"""By metric the value of each piece, nan where the question has no answer: float64 [pieces]."""


@dataclass(frozen=True)
class Fold:
    """Real pieces that are judged as if they were new, and those that somebody who wrote them would have known.

    Attributes:
        known, judged: places among the pieces of the corpus.
    """

    known: tuple[int, ...]
    judged: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Real music.

    Attributes:
        pieces: all of it.
        learned: places of those that a model has seen: copies are searched in them.
        folds: which are judged, beside which; every piece is judged at most once.
        title: what the `learned` piece of a place in `pieces` is called.
        cache: the folder in which values are kept.
    """

    pieces: tuple[Piece, ...]
    learned: tuple[int, ...]
    folds: tuple[Fold, ...]
    title: Callable[[int], str]
    cache: Path

    @cached_property
    def judged(self) -> tuple[int, ...]:
        """Places of the real pieces that have values, in the order of these."""
        return tuple(place for fold in self.folds for place in fold.judged)

    @cached_property
    def finder(self) -> CopyFinder:
        return CopyFinder([self.pieces[place] for place in self.learned])

    @cached_property
    def expectation(self) -> Expectation:
        return Expectation([self.pieces[place] for place in self.learned])

    @cached_property
    def values(self) -> Values:
        """The values of the judged pieces, [judged]; read from the cache where they are.

        Raises:
            StoreError: the cache cannot be used.
        """
        path = self.cache / FOLDER / f"{self._content()}.npz"
        try:
            if path.exists():
                return _read(path)
            found = self._measured()
            _write(path, found)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the values of the real pieces cannot be kept in {path}: {error}; delete that file if it is there, "
                "or set MUSICEXP_CACHE to another folder"
            ) from error
        return found

    def _measured(self) -> Values:
        parts: list[Values] = []
        for fold in self.folds:
            if fold.known == self.learned:
                finder, expectation = self.finder, self.expectation
            else:
                known = [self.pieces[place] for place in fold.known]
                finder, expectation = CopyFinder(known), Expectation(known)
            parts.append(values_of([self.pieces[place] for place in fold.judged], finder, expectation))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _content(self) -> str:
        told = hashlib.sha256(f"{VALUES_VERSION} {' '.join(METRICS)}".encode())
        for piece in self.pieces:
            told.update(f" {piece.fingerprint()} {piece.metre} {piece.upbeat} {piece.abc}".encode())
        told.update(repr([(fold.known, fold.judged) for fold in self.folds]).encode())
        return told.hexdigest()[:32]


def values_of(pieces: Sequence[Piece], finder: CopyFinder, expectation: Expectation) -> Values:
    """Every metric of `METRICS` for every piece."""
    panel = [measured(piece) for piece in pieces]
    found = {name: np.array([value[name] for value in panel]) for name in METRICS if name in panel[0]}
    found["longest_copy"] = np.array([finder.longest_copy(piece) for piece in pieces])
    found["copied_8grams"] = np.array([finder.copied_8grams(piece) for piece in pieces])
    found["originality"] = np.array([finder.originality(piece) for piece in pieces])
    found["information_mean"], found["information_sd"] = expectation.information(pieces)
    return {name: found[name] for name in METRICS}


def _read(path: Path) -> Values:
    with np.load(path, allow_pickle=False) as kept:
        return {name: kept[name] for name in METRICS}


def _write(path: Path, values: Values) -> None:
    """Whole or not at all: several processes may judge the same corpus."""
    held = io.BytesIO()
    np.savez(held, **values)  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(held.getvalue())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
