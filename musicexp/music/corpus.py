"""Corpora: where a data set's music comes from, and its readings one after the other, however many there are."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TypeVar

from musicexp.errors import MusicError, StoreError
from musicexp.music.cache import ReadingCache
from musicexp.music.collections import Collection, collection, corpus_dir
from musicexp.music.files import File, Listing, stamp, walk
from musicexp.music.piece import Piece, Reading
from musicexp.music.reader import Reader, Request, read_with
from musicexp.music.reading import SUFFIXES, Manner, MidiReader, reason

FILES_A_BATCH = 256
READINGS_A_BATCH = 16
ANSWERS_KEPT = 64
KEPT_SECONDS = 1.0
"""What is kept at once: a kill loses less."""

Progress = Callable[[str, int, int], None]
"""Told what is done, and how much of how much of it is ready."""

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """Where a data set's files are, which of them belong to it, and what is kept of each piece.

    Attributes:
        where: the collection's name, or the folder as the user wrote it.
        card: what is known of a bundled collection; None for a folder of one's own.
    """

    root: Path
    where: str
    card: Collection | None

    def wanted(self, name: str) -> bool:
        """Whether a file of this name is music of this source."""
        return self.card.wants(name) if self.card else Path(name).suffix.lower() in SUFFIXES

    def kept(self, piece: Piece) -> Piece | None:
        """What the source keeps of a piece; None if the piece is none of it."""
        return self.card.kept(piece) if self.card else piece

    def manner(self, reader: MidiReader) -> Manner:
        """How its files are read, where the settings name a reader of MIDI files."""
        return "graces" if self.card and self.card.graces else reader

    def check(self) -> None:
        """
        Raises:
            MusicError: it holds no file that could be music.
        """
        if next((path for path, trouble in walk(self.root, self.wanted) if not trouble), None) is None:
            raise MusicError(
                f"{self.root} holds no music: looked for {' '.join(SUFFIXES)} files in it and below it"
            )


def source_of(collection_name: str | None, path: str | None) -> Source:
    """A bundled collection or a folder of one's own.

    Raises:
        MusicError: it is not there.
    """
    if collection_name is not None:
        card = collection(collection_name)
        return Source(corpus_dir() / card.folder, card.name, card)
    assert path is not None
    try:
        folder = Path(path).expanduser()
        kind = folder.stat().st_mode
    except FileNotFoundError as error:
        raise MusicError(
            f"dataset.path={path}: no such folder (looked in {Path.cwd()}); name a folder of {' '.join(SUFFIXES)} files"
        ) from error
    except (OSError, ValueError, RuntimeError) as error:  # "~nobody" is a RuntimeError
        raise MusicError(f"dataset.path={path} cannot be looked into: {reason(error)}") from error
    if not stat.S_ISDIR(kind):
        raise MusicError(f"dataset.path={path} is a file; name the folder that holds the music")
    return Source(folder, str(folder), None)


def fill(
    listing: Listing,
    source: Source,
    cache: ReadingCache,
    reader: Manner,
    progress: Progress,
    workers: int | None = None,
    *,
    strict: bool = False,
) -> None:
    """Read what the cache does not know, in processes of its own; what is read is kept every so often.

    Args:
        workers: processes that read; one a core by default.
        strict: the first file that cannot be read is an error.

    Raises:
        MusicError: a file cannot be read, and `strict` says that all must be; or no process can be started.
        StoreError: the cache cannot be used.
    """
    files = left = len(listing)
    asked: dict[Path, File] = {}
    fresh: dict[str, Reading] = {}

    def unread() -> Iterator[Request]:
        nonlocal left
        for batch in batched(listing.files(source.root), FILES_A_BATCH):
            missing = cache.missing(file.key for file in batch if file.key) - fresh.keys()
            missing -= {file.key for file in asked.values()}  # two of one content are read once
            for file in batch:
                if file.key in missing and listing.kept(file.key) is None:
                    missing.remove(file.key)
                    asked[file.path] = file
                    yield Request(file.path, file.name, reader)
                else:
                    left -= 1

    def keep() -> None:
        cache.put(fresh)
        fresh.clear()
        progress("reading the music", files - left, files)

    several = [Reader() for _ in range(max(min(workers or os.cpu_count() or 1, files), 1))]
    with closing(read_with(several, unread())) as answers, ExitStack() as children:
        for child in several:
            children.callback(child.close)
        due = monotonic() + KEPT_SECONDS
        for request, answer in answers:
            file = asked.pop(request.path)
            left -= 1
            found, lasting = answer
            if lasting and _changed(file):
                why = "changed while it was read; it is read again when the data set is prepared again"
                found, lasting = Reading(file.name, [], [(file.name, why)]), False
            if lasting:
                fresh[file.key] = found
            else:
                listing.keep(file.key, found)
            for what, why in found.rejected if strict else ():
                keep()
                raise not_passed(what, why)
            if len(fresh) >= ANSWERS_KEPT or monotonic() > due:
                keep()
                due = monotonic() + KEPT_SECONDS
    if fresh:
        keep()


def not_passed(what: str, why: str) -> MusicError:
    """The error that a rejection is where `strict` says that none may be."""
    return MusicError(f"{what} cannot be used: {why} (strict=true lets nothing pass)")


def _changed(file: File) -> bool:
    try:
        return stamp(file.path) != file.stamp
    except OSError:
        return True


def readings(
    listing: Listing, source: Source, cache: ReadingCache, first: int = 0
) -> Iterator[tuple[File, Reading]]:
    """Every file with its reading, in order of name, from some file on; after `fill`.

    Raises:
        StoreError: the cache cannot be used, or no longer has a reading.
    """
    for batch in batched(listing.files(source.root, first), READINGS_A_BATCH):
        known = cache.get(file.key for file in batch if file.key)
        for file in batch:
            if file.trouble:
                yield file, Reading(file.name, [], [(file.name, file.trouble)])
                continue
            found = known.get(file.key) or listing.kept(file.key)
            if found is None:
                raise StoreError(
                    f"the cache of read music {cache.path} no longer has {file.name}; delete {listing.path.parent}: it is made again from the music"
                )
            yield file, _named(found, file.name)


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of so many values; the last may be shorter. (itertools has it from Python 3.12 on.)"""
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


def _named(reading: Reading, source: str) -> Reading:
    """A cached reading under the name that its file bears now."""
    before = reading.source
    if before == source:
        return reading
    pieces = [dataclasses.replace(p, name=source + p.name.removeprefix(before)) for p in reading.pieces]
    return Reading(
        source, pieces, [(source + what.removeprefix(before), why) for what, why in reading.rejected]
    )
