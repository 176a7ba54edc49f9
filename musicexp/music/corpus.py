"""Corpora: which pieces a data set holds, and on which side of the split each stands."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from musicexp.errors import MusicError
from musicexp.music.cache import ReadingCache, reading_key
from musicexp.music.piece import Piece, Reading
from musicexp.music.reader import Reader
from musicexp.music.scores import ABC_SUFFIXES, MIDI_SUFFIXES, corpus_dir, read_file

Side = Literal["train", "val", "test"]
SIDES: tuple[Side, Side, Side] = ("train", "val", "test")
FILES_A_BATCH = 16
COMMONEST = 3

Progress = Callable[[int, int], None]
"""Told how many of how many files are ready."""


@dataclass(frozen=True)
class Corpus:
    """The pieces of a data set in order of source, those rejected, and its fingerprint."""

    name: str
    source: str
    pieces: tuple[Piece, ...]
    rejected: tuple[tuple[str, str], ...]
    """(what, reason) pairs."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything that sounds and how its ABC spells it, whatever the files' names and order."""
        told = sorted(p.fingerprint() + hashlib.sha256(p.abc.encode()).hexdigest() for p in self.pieces)
        return hashlib.sha256("".join(told).encode()).hexdigest()[:16]

    @property
    def notes(self) -> int:
        return sum(len(piece) for piece in self.pieces)


@dataclass(frozen=True)
class Split:
    """The pieces of a corpus by side. A piece and its transpositions stand on one side."""

    train: tuple[Piece, ...]
    val: tuple[Piece, ...]
    test: tuple[Piece, ...]

    def __getitem__(self, side: Side) -> tuple[Piece, ...]:
        pieces: tuple[Piece, ...] = getattr(self, side)
        return pieces


def read_corpus(
    name: str,
    collection: str | None,
    path: str | None,
    cache: Path,
    *,
    limit: int = 0,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Corpus:
    """Read a bundled collection or a folder, new files in parallel, known ones from the cache.

    Args:
        collection: a folder of music21's corpus; or
        path: a folder of one's own, read recursively.
        cache: the folder of the cache.
        limit: only the first so many files; 0 for all.
        workers: processes that read; one a core by default.

    Raises:
        MusicError: the folder or collection is not there, or nothing in it can be used.
    """
    root, files = find_files(collection, path)
    files = files[:limit] if limit else files
    sources = [file.relative_to(root).as_posix() for file in files]
    readings = _read_all(files, sources, ReadingCache(cache), progress, workers or os.cpu_count() or 1)
    pieces = tuple(piece for reading in readings for piece in reading.pieces)
    rejected = tuple(pair for reading in readings for pair in reading.rejected)
    if not pieces:
        raise MusicError(f"none of the {len(files):,} files in {root} can be used: {_commonest(rejected)}")
    return Corpus(name, collection or str(root), pieces, rejected)


def find_files(collection: str | None, path: str | None) -> tuple[Path, list[Path]]:
    """The folder of a bundled collection or of one's own, and its files of music in order of name.

    Raises:
        MusicError: the folder or collection is not there, or holds no music.
    """
    root = _collection_dir(collection) if collection is not None else _folder(str(path))
    files = sorted(_music_files(root))
    if not files:
        raise MusicError(
            f"{root} holds no music: looked for {' '.join((*MIDI_SUFFIXES, *ABC_SUFFIXES))} files in it and below it"
        )
    return root, files


def split_corpus(corpus: Corpus, *, seed: int, val: float, test: float) -> Split:
    """Split by piece. Where a piece stands depends on its own content and the seed alone.

    A family (a piece and its transpositions) is put where the hash of (seed, family) falls in [0, 1):
    test below `test`, val below `test + val`, else train. So another piece more moves none of these. In a
    corpus so small that a side would stay empty, the families next to it are taken.

    Raises:
        MusicError: fewer than three families.
    """
    by_place: dict[str, float] = {}
    for piece in corpus.pieces:
        family = piece.family()
        if family not in by_place:
            by_place[family] = int(hashlib.sha256(f"{seed} {family}".encode()).hexdigest()[:13], 16) / 16**13
    order = sorted(by_place, key=lambda family: by_place[family])
    if len(order) < len(SIDES):
        raise MusicError(
            f"{corpus.source} holds {len(order)} different piece{'s' * (len(order) != 1)} that can be used; train, validation and test need one each, so at least 3"
        )
    tests = min(max(sum(place < test for place in by_place.values()), 1), len(order) - 2)
    vals = min(max(sum(test <= place < test + val for place in by_place.values()), 1), len(order) - 1 - tests)
    side_of: dict[str, Side] = {}
    for rank, family in enumerate(order):
        side_of[family] = "test" if rank < tests else "val" if rank < tests + vals else "train"
    sides: dict[Side, list[Piece]] = {side: [] for side in SIDES}
    # In order of content, so that neither names nor places of files change what is trained.
    for piece in sorted(corpus.pieces, key=lambda piece: (piece.fingerprint(), piece.abc)):
        sides[side_of[piece.family()]].append(piece)
    return Split(tuple(sides["train"]), tuple(sides["val"]), tuple(sides["test"]))


def _collection_dir(collection: str) -> Path:
    folder = corpus_dir() / collection
    if not folder.is_dir() or not any(_music_files(folder)):
        raise MusicError(
            f"music21's bundled corpus has no collection {collection!r} with ABC or MIDI files in it; take dataset=ryans, airds or oneills, or a folder of yours: dataset=midi dataset.path=DIR"
        )
    return folder


def _folder(path: str) -> Path:
    folder = Path(path).expanduser()
    if not folder.exists():
        raise MusicError(
            f"dataset.path={path}: no such folder (looked in {Path.cwd()}); name a folder of .mid or .abc files"
        )
    if not folder.is_dir():
        raise MusicError(f"dataset.path={path} is a file; name the folder that holds the music")
    return folder


def _music_files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in names:
            if Path(name).suffix.lower() in (*MIDI_SUFFIXES, *ABC_SUFFIXES):
                yield Path(folder, name)


def _read_all(
    files: Sequence[Path],
    sources: Sequence[str],
    cache: ReadingCache,
    progress: Progress | None,
    workers: int,
) -> list[Reading]:
    keys, unreadable = {}, {}
    for file, source in zip(files, sources, strict=True):
        try:
            keys[source] = reading_key(file)
        except OSError as error:
            unreadable[source] = Reading(source, [], [(source, error.strerror or str(error))])
    known = cache.get(keys.values())
    # Two files of one content are read once.
    missing = {
        keys[s]: (file, s)
        for file, s in zip(files, sources, strict=True)
        if s in keys and keys[s] not in known
    }
    ready = len(files) - len(missing)
    batches = [list(missing.items())[i : i + FILES_A_BATCH] for i in range(0, len(missing), FILES_A_BATCH)]
    for batch in _mapped(batches, workers):
        cache.put(batch)
        known |= batch
        ready += len(batch)
        if progress:
            progress(ready, len(files))
    return [unreadable[s] if s in unreadable else _named(known[keys[s]], s) for s in sources]


def _mapped(
    batches: Sequence[list[tuple[str, tuple[Path, str]]]], workers: int
) -> Iterator[dict[str, Reading]]:
    if len(batches) <= 1 or workers == 1:
        for batch in batches:
            yield {key: read_file(file, source) for key, (file, source) in batch}
        return
    readers: SimpleQueue[Reader] = SimpleQueue()
    several = [Reader() for _ in range(min(workers, len(batches)))]
    for reader in several:
        readers.put(reader)

    def read(batch: Sequence[tuple[str, tuple[Path, str]]]) -> dict[str, Reading]:
        reader = readers.get()
        try:
            return {key: reader.read(file, source) for key, (file, source) in batch}
        finally:
            readers.put(reader)

    pool = ThreadPoolExecutor(len(several))
    try:
        yield from pool.map(read, batches)
    finally:
        # Whatever stopped us, a signal too: what has not begun never does, what has ends with its process.
        pool.shutdown(wait=False, cancel_futures=True)
        for reader in several:
            reader.close()


def _named(reading: Reading, source: str) -> Reading:
    """A cached reading under the name that its file bears now."""
    before = reading.source
    if before == source:
        return reading
    pieces = [dataclasses.replace(p, name=source + p.name.removeprefix(before)) for p in reading.pieces]
    return Reading(
        source, pieces, [(source + what.removeprefix(before), why) for what, why in reading.rejected]
    )


def _commonest(rejected: Sequence[tuple[str, str]]) -> str:
    from collections import Counter

    reasons = Counter(reason for _, reason in rejected).most_common(COMMONEST)
    return "; ".join(f"{reason} ({count} times)" for reason, count in reasons)
