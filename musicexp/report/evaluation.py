"""`evaluate`: any folder of music beside any corpus, whoever made it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.config import Dataset, compose, options_of
from musicexp.data import TokenStore, prepare_store
from musicexp.data.prepare import music_of
from musicexp.data.survey import chosen_music
from musicexp.errors import MusicError
from musicexp.metrics.corpus import Corpus, Fold
from musicexp.metrics.judgement import Generated, Judgement, judge
from musicexp.music import Piece
from musicexp.music.cache import ReadingCache
from musicexp.music.corpus import Progress, fill, source_of
from musicexp.music.files import Listing
from musicexp.music.piece import EMPTY
from musicexp.music.reading import piece_title
from musicexp.music.split import places
from musicexp.render.judged import PAGE, judged_page
from musicexp.render.sound import sound_of

VALUES = "music.json"
NAMELESS = ("midi", "music21")
"""Data sets of conf/dataset that want another setting to say which music they are."""
FOLDS = 5
"""A real piece is judged beside the other folds, as if it were new."""
MOST_IN_FOLDS = 3_000
"""In a larger corpus one piece in `FOLDS` is judged beside all others, since each fold is learned anew."""
MOST_LEARNED = 20_000
MOST_REAL = 1_000

Progressed = Progress | None
Rejected = tuple[str, str]


@dataclass(frozen=True)
class Evaluation:
    """A folder of music judged.

    Attributes:
        folder, reference: as the user named them.
        licence: what is known of the reference collection's; "" for a folder.
        rejected: (what, why) of the files of the folder that could not be used.
        reference_pieces: how many the reference has; more than were judged where it is large.
    """

    folder: str
    reference: str
    licence: str
    judgement: Judgement
    rejected: tuple[Rejected, ...]
    reference_pieces: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the values of every piece by name of the metric."""
        return {
            "folder": self.folder,
            "reference": self.reference,
            "rejected": [{"file": what, "reason": why} for what, why in self.rejected],
            **self.judgement.as_dict(raw=True),
        }


def evaluate(folder: str, reference: str, cache: Path, progress: Progressed = None) -> Evaluation:
    """Judge the music in a folder beside a reference.

    Args:
        reference: a folder, a data set's name such as ryans, or a collection of music21's.
        cache: the folder of what was read and measured before.

    Raises:
        MusicError: one of them is not there, or none of its files can be used.
        StoreError: the cache cannot be used.
    """
    dataset = reference_dataset(reference)
    pieces, rejected = folder_pieces(folder, cache, progress)
    config = compose([])
    store = prepare_store(dataset, config.split, config.tokens, cache, progress=progress)
    corpus = _corpus(store, dataset, cache)
    generated = Generated(Path(folder).name or folder, tuple(pieces))
    card = source_of(dataset.collection, dataset.path).card
    return Evaluation(
        folder=folder,
        reference=reference,
        licence=card.licence if card else "",
        judgement=judge([generated], corpus),
        rejected=tuple(rejected),
        reference_pieces=store.summary.pieces,
    )


def evaluation_files(found: Evaluation) -> dict[str, bytes]:
    """The page of an evaluation and its values, by name."""
    sound = sound_of(compose([]).render)
    title = f"{found.folder} beside {found.reference}"
    return {
        PAGE: judged_page(title, found.judgement, sound),
        VALUES: json.dumps(found.as_dict()).encode(),
    }


def reference_dataset(reference: str) -> Dataset:
    """The data set that a reference names.

    Raises:
        MusicError: it is neither a folder, nor a data set of conf/dataset, nor a collection of music21's.
    """
    if Path(reference).expanduser().is_dir():
        return _folder(reference)
    named = [option for option in options_of("dataset") if option not in NAMELESS]
    if reference in named:
        return compose([f"dataset={reference}"]).dataset
    try:
        source_of(reference, None)
    except MusicError as error:
        raise MusicError(
            f"reference={reference} is no folder (looked in {Path.cwd()}), no data set ({', '.join(named)}) "
            "and no collection that music21 carries; name one of them"
        ) from error
    return dataclasses.replace(_folder("."), name=reference, collection=reference, path=None)


def _folder(path: str) -> Dataset:
    """A folder's data set, as `dataset=midi` has it; a folder may have any name."""
    return dataclasses.replace(compose(["dataset=midi", "dataset.path=."]).dataset, path=path)


def folder_pieces(
    folder: str, cache: Path, progress: Progressed = None
) -> tuple[list[Piece], list[Rejected]]:
    """The pieces of a folder in order of name, silent ones too, and what could not be used.

    Raises:
        MusicError: it is not there, or holds nothing that can be used.
    """
    path = Path(folder).expanduser()
    if not path.is_dir():
        what = "is a file; name the folder that holds it" if path.exists() else "is no folder"
        raise MusicError(f"{folder} {what} (looked in {Path.cwd()})")
    dataset = _folder(folder)
    source = source_of(None, folder)
    pieces: list[Piece] = []
    rejected: list[Rejected] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        Listing(Path(scratch) / "listing.sqlite") as listing,
    ):
        listing.fill(source.root, source.wanted, 0, dataset.reader)
        if not len(listing):
            source.check()
        readings = ReadingCache(cache)
        fill(listing, source, readings, dataset.reader, progress or (lambda *_: None))
        for _, reading in chosen_music(listing, source, dataset, readings):
            pieces += [piece.merged() for piece in reading.pieces]
            pieces += [Piece.of([], what) for what, why in reading.rejected if why == EMPTY]
            rejected += [(what, why) for what, why in reading.rejected if why != EMPTY]
    if not pieces:
        what, why = rejected[0]
        raise MusicError(f"nothing in {folder} can be used: {what}: {why}")
    return pieces, rejected


def _corpus(store: TokenStore, dataset: Dataset, cache: Path) -> Corpus:
    """All of a reference as learned, and its pieces as real music, each judged beside those of other folds."""
    order = np.argsort(store.table["content"], kind="stable")[:MOST_LEARNED]
    chosen = np.sort(order)
    pieces = tuple(_chosen_pieces(store, dataset, cache, set(chosen.tolist())))
    folds = _folds(store, chosen)
    return Corpus(
        pieces=pieces,
        learned=tuple(range(len(pieces))),
        folds=folds,
        title=lambda place: piece_title(pieces[place].name),
        cache=cache,
    )


def _chosen_pieces(store: TokenStore, dataset: Dataset, cache: Path, numbers: set[int]) -> Iterator[Piece]:
    number = 0
    for _, reading in music_of(store, dataset, cache):
        for piece in reading.pieces:
            if number in numbers:
                yield piece.merged()
            number += 1


def _folds(store: TokenStore, chosen: NDArray[np.int64]) -> tuple[Fold, ...]:
    """Duplicates stay in one fold, whatever the order of the files."""
    at = places(np.asarray(store.table["sound"]), np.asarray(store.groups), seed=0)[chosen]
    ranks = np.unique(at, return_inverse=True)[1]  # of groups, so that no fold of a small corpus is empty
    of_fold = ranks % FOLDS
    several = range(FOLDS if len(chosen) <= MOST_IN_FOLDS else 1)
    return tuple(
        Fold(
            known=tuple(np.flatnonzero(of_fold != fold).tolist()),
            judged=tuple(np.flatnonzero(of_fold == fold).tolist()[:MOST_REAL]),
        )
        for fold in several
        if (of_fold == fold).any()
    )
