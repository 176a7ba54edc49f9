"""Music that a data set is kept apart from, so that what is learned of the one says nothing of the other beforehand.

The collections that `dataset.apart_from` names are read as a data set would be, and hashes of the runs of their pieces
are laid beside the store: whatever shares one of them is left out of it (music/similar.py).
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from musicexp.config import Dataset
from musicexp.data.survey import NOTHING, chosen_music
from musicexp.music.cache import ReadingCache
from musicexp.music.corpus import Progress, Source, fill, source_of
from musicexp.music.files import Listing
from musicexp.music.similar import runs


def content_apart(dataset: Dataset, scratch: Path) -> str:
    """Fingerprints of the files of the collections that a data set is kept apart from; "" for none.

    Raises:
        MusicError: there is no such collection.
    """
    found = ""
    for source, listing in _listings(dataset, scratch):
        found += listing.fingerprint(source.root)
    return found


def runs_apart(
    dataset: Dataset, readings: ReadingCache, path: Path, progress: Progress, workers: int | None
) -> None:
    """Write the hashes of all runs of these collections, in order and none twice; what is there already is left as it is.

    Args:
        path: the file; there is none where the data set is kept apart from nothing.
    """
    if not dataset.apart_from or path.exists():
        return
    found = [NOTHING]
    for source, listing in _listings(dataset, path.parent):
        fill(listing, source, readings, source.manner(dataset.reader), progress, workers)
        music = chosen_music(listing, source, _whole(dataset), readings)
        found += [runs(piece) for _, reading in music for piece in reading.pieces]
    fresh = path.with_suffix(".new")
    np.unique(np.concatenate(found)).astype("<u8").tofile(fresh)
    fresh.replace(path)


def _whole(dataset: Dataset) -> Dataset:
    """How the other music is read: the same parts of it, in its own keys, which make no difference to a run."""
    return dataclasses.replace(dataset, normalise_key=False)


def _listings(dataset: Dataset, scratch: Path) -> Iterator[tuple[Source, Listing]]:
    for name in dataset.apart_from or ():
        source = source_of(name, None)
        with _listing(source, dataset, scratch) as listing:
            yield source, listing


@contextmanager
def _listing(source: Source, dataset: Dataset, scratch: Path) -> Iterator[Listing]:
    with (
        tempfile.TemporaryDirectory(prefix="apart-", dir=scratch) as folder,
        Listing(Path(folder) / "listing.sqlite") as listing,
    ):
        listing.fill(source.root, source.wanted, 0, source.manner(dataset.reader))
        yield listing
