"""Writes conf/fold_tables: ten folds of each of Pearce's two data sets, as he made them and with no duplicates apart.

    python experiments/pearce/folds.py

`random` are those of `musicexp.music.pearce.folds`, in which every published figure and our PPM's are measured: pieces
are shuffled, so that a melody may be tested on what learned it in another key. `grouped` keeps the pieces that share a
run of 15 intervals (`musicexp.music.similar`) in one fold: the groups, shuffled by a seed and then in order of size,
go one by one to the fold that has the fewest pieces.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from musicexp.config import FOLD_TABLES, compose, conf_dir
from musicexp.data import TokenStore, prepare_store
from musicexp.data.prepare import music_of
from musicexp.music import pearce
from musicexp.music.fold_table import written_table
from musicexp.tracking import cache_dir, store_uri

DATA_SETS = ("pearce_chorales", "pearce_kinder")
SEED = 0


def tables(name: str) -> Iterator[tuple[str, str]]:
    """(file, text) of the tables of a data set."""
    store, names = _prepared(name)
    sounds = store.table["sound"]
    random = np.empty(len(sounds), dtype=np.int32)
    for fold, held_out in enumerate(pearce.folds(len(sounds), SEED)):
        random[held_out] = fold
    yield f"{name}_random.csv", written_table(random, sounds, names)
    yield f"{name}_grouped.csv", written_table(grouped_folds(store.groups, pearce.FOLDS, SEED), sounds, names)


def grouped_folds(groups: NDArray[np.int32], folds: int, seed: int) -> NDArray[np.int32]:
    """The fold of each piece, no group cut, numbers of pieces as equal as that allows: int32 [pieces].

    Args:
        groups: for each piece the number of its group's first piece.
    """
    firsts, sizes = np.unique(groups, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(firsts))
    order = order[np.argsort(-sizes[order], kind="stable")]
    pieces = np.zeros(folds, dtype=np.int64)
    fold_of: dict[int, int] = {}
    for group in order.tolist():
        fold = int(pieces.argmin())
        fold_of[int(firsts[group])] = fold
        pieces[fold] += sizes[group]
    return np.array([fold_of[first] for first in groups.tolist()], dtype=np.int32)


def _prepared(name: str) -> tuple[TokenStore, list[str]]:
    """A data set whole, and its pieces' names, in order."""
    config, cache = compose([f"dataset={name}", "tokens=pitches"]), cache_dir(store_uri(None))
    store = prepare_store(config.dataset, config.split, config.tokens, cache)
    music = music_of(store, config.dataset, cache)
    return store, [piece.name for _, reading in music for piece in reading.pieces]


def main() -> None:
    """Write them."""
    folder = conf_dir() / FOLD_TABLES
    folder.mkdir(exist_ok=True)
    for name in DATA_SETS:
        for file, text in tables(name):
            (folder / file).write_text(text, encoding="utf-8")
            print(folder / file)


if __name__ == "__main__":
    main()
