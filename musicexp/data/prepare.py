"""From files of music to a token store: streamed, so that memory stays flat, and taken up again after a kill.

Two passes over the readings. The first writes what is known of each piece and finds duplicates, so that the
sides of the split are known; the second writes tokens. Both only append to files and note how far they came.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from musicexp.config import Dataset, Split, Tokens
from musicexp.data.apart import content_apart, runs_apart
from musicexp.data.store import APART, LISTING, PIECE, PIECES, STORE_VERSION, SUMMARY, Summary, TokenStore
from musicexp.data.survey import NOTHING, RUNS, chosen_music, find_sides, survey
from musicexp.data.writing import PROVISIONAL, PROVISIONAL_STARTS, write_tokens
from musicexp.errors import MusicError, StoreError
from musicexp.music.cache import ReadingCache
from musicexp.music.corpus import Progress, Source, fill, not_passed, source_of
from musicexp.music.files import Listing
from musicexp.music.fold_table import FoldTable, read_table
from musicexp.music.piece import Reading
from musicexp.music.split import SIDES, Sides
from musicexp.wording import count

COMMONEST = 3
STALE_SECONDS = 86_400
TOLD_REASONS = 20
AT_ONCE = 1 << 14
"""Pieces that are compared at a time."""


def prepare_store(
    dataset: Dataset,
    split: Split,
    tokens: Tokens,
    cache: Path,
    *,
    strict: bool = False,
    progress: Progress | None = None,
    workers: int | None = None,
) -> TokenStore:
    """The token store of a data set: opened if it is there, else made, or made further after a kill.

    Args:
        cache: the folder of what is prepared.
        strict: the first file that cannot be used is an error.
        workers: processes that read files; one a core by default.

    Raises:
        MusicError: the music is not there, none of it can be used, or there is too little to split.
        StoreError: the cache cannot be used.
    """
    source = source_of(dataset.collection, dataset.path)
    folds = fold_table(split)
    manner = source.manner(dataset.reader)
    readings = ReadingCache(cache)
    prepared = cache / "prepared"
    told = progress or (lambda *_: None)
    fresh: Path | None = None
    try:
        prepared.mkdir(exist_ok=True)
        for old in prepared.glob("listing-*.sqlite"):  # of a preparation that was killed
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                old.unlink(missing_ok=True)
        # Not named by our number: two containers that share a cache are both process 1.
        handle, name = tempfile.mkstemp(".sqlite", "listing-", prepared)
        os.close(handle)
        fresh = Path(name)
        with Listing(fresh) as listing:
            listing.fill(source.root, source.wanted, dataset.limit, manner)
            if not len(listing):
                source.check()
            content = listing.fingerprint(source.root) + content_apart(dataset, prepared)
        place = _place(source, dataset, split, folds, tokens)
        folder = prepared / f"{place}-{_digest(content) if dataset.apart_from else content[:16]}"
        with FileLock(prepared / f"{place}.lock"):
            if not (folder / SUMMARY).exists():
                part = folder.with_suffix(".part")
                part.mkdir(exist_ok=True)
                # What was cut off goes on with its own list, which knows what could not be read that day.
                if not (part / LISTING).exists():
                    fresh.replace(part / LISTING)
                with Listing(part / LISTING) as listing:
                    runs_apart(dataset, readings, part / APART, told, workers)
                    fill(listing, source, readings, manner, told, workers, strict=strict)
                    _make(part, listing, source, dataset, split, folds, tokens, readings, strict, told)
                part.replace(folder)
                (prepared / f"{place}.last").write_text(folder.name, encoding="utf-8")
            store = TokenStore.open(folder)
    except OSError as error:
        raise StoreError(
            f"the prepared data cannot be kept in {prepared}: {error.strerror or error}; make it writable, or set MUSICEXP_CACHE to another folder"
        ) from error
    finally:
        if fresh is not None:
            fresh.unlink(missing_ok=True)
    for what, why in store.rejected() if strict else ():
        raise not_passed(what, why)
    return store


def music_of(
    store: TokenStore, dataset: Dataset, cache: Path, first: int = 0
) -> Iterator[tuple[int, Reading]]:
    """The music that a store was made of, file by file, from some file on; read from the cache."""
    source = source_of(dataset.collection, dataset.path)
    with Listing(store.folder / LISTING) as listing:
        yield from chosen_music(listing, source, dataset, ReadingCache(cache), first, store.apart)


def fold_table(split: Split) -> FoldTable | None:
    """The written folds that a split names, if it names any.

    Raises:
        SettingError: there is no such table, or no such fold in it.
        MusicError: it is none.
    """
    if split.table is None:
        return None
    found = read_table(split.table)
    found.check(split.fold)
    return found


def _place(source: Source, dataset: Dataset, split: Split, folds: FoldTable | None, tokens: Tokens) -> str:
    """One data set under one set of settings, whatever its content; a table of folds counts by its content."""
    settings: list[Any] = [dataclasses.asdict(part) for part in (dataset, split, tokens)]
    # What was prepared before there were tables, or before data sets were kept apart, keeps its place.
    named = settings[1].pop("table")
    if settings[0]["apart_from"] is None:
        del settings[0]["apart_from"]
    settings += [[named, folds.digest]] if folds is not None else []
    return _digest(json.dumps([STORE_VERSION, os.fspath(source.root.resolve()), *settings]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make(
    part: Path,
    listing: Listing,
    source: Source,
    dataset: Dataset,
    split: Split,
    folds: FoldTable | None,
    tokens: Tokens,
    readings: ReadingCache,
    strict: bool,
    progress: Progress,
) -> None:
    apart = np.fromfile(part / APART, "<u8") if dataset.apart_from else NOTHING
    tally = survey(part, listing, source, dataset, readings, strict=strict, progress=progress, apart=apart)
    table = (
        np.memmap(part / PIECES, PIECE, mode="r") if (part / PIECES).stat().st_size else np.zeros(0, PIECE)
    )
    if not len(table) and tally.apart:
        raise MusicError(
            f"dataset.apart_from={','.join(dataset.apart_from or ())} leaves nothing of {source.where}: all of its {count(tally.apart, 'piece')} "
            "share a run of 15 intervals with a piece of it; take other music, or leave dataset.apart_from out"
        )
    if not len(table):
        commonest = "; ".join(
            f"{why} ({count} times)" for why, count in Counter(tally.reasons).most_common(COMMONEST)
        )
        raise MusicError(f"none of the {len(listing):,} files in {source.root} can be used: {commonest}")

    def listing_name(number: int) -> str:
        return next(listing.files(source.root, number)).name

    groups, sides = find_sides(part, split, folds, source.where, listing_name)
    vocabulary, kind, replaced, left_out = write_tokens(
        part,
        lambda first: chosen_music(listing, source, dataset, readings, first, apart),
        len(listing),
        sides,
        dataset,
        tokens,
        progress,
    )
    free = table["free"]
    firsts = int((groups == np.arange(len(groups))).sum())
    metres = table["beats"].astype(np.int64) << 8 | table["unit"]
    commonest_metre = int(np.bincount(metres).argmax())
    summary = Summary(
        name=dataset.name,
        where=source.where,
        fingerprint=hashlib.sha256(np.sort(table["content"]).tobytes()).hexdigest()[:16],
        files=len(listing),
        pieces=len(table),
        notes=tally.notes,
        grace_notes=tally.grace_notes,
        doubled=tally.doubled,
        off_grid=tally.off_grid,
        rejected=tally.rejected,
        left_out=tally.left_out,
        apart=tally.apart,
        reasons=dict(Counter(tally.reasons).most_common(TOLD_REASONS)),
        groups=firsts,
        duplicates=len(groups) - firsts,
        replaced=replaced,
        transposed_out=left_out,
        free=int(free.sum()),
        moved_ms=float(table["moved_ms"][free].mean()) if free.any() else 0.0,
        moved_most_ms=float(table["moved_most_ms"][free].max()) if free.any() else 0.0,
        tempo=float(np.median(table["tempo"])),
        metre=(commonest_metre >> 8, commonest_metre & 255),
        token_type=kind,
        vocabulary=vocabulary.as_dict(),
        moved=_moved(part, table["content"], sides),
        folds=folds.digest if folds is not None else "",
    )
    TokenStore(part, summary).write_summary()
    # The notes first: what they speak of may then be gone.
    for name in ("tokens.json", "survey.json", PROVISIONAL, PROVISIONAL_STARTS, RUNS):
        (part / name).unlink()


def _moved(part: Path, content: NDArray[np.uint64], sides: Sides) -> str:
    """How the split changed since this data set was last prepared, in words; "" if it never was."""
    place = part.name.partition("-")[0]
    last = part.parent / f"{place}.last"
    if not last.exists():
        return ""
    before = part.parent / last.read_text(encoding="utf-8")
    if not (before / SUMMARY).exists():
        return ""
    old = TokenStore.open(before)
    came = np.zeros((len(SIDES), len(SIDES)), dtype=np.int64)  # from which side to which
    for there, at in _found(content, old.table["content"]):
        np.add.at(came, (old.sides[at], sides[there]), 1)
    new = len(content) - int(came.sum())
    gone = len(old.table) - sum(len(there) for there, _ in _found(old.table["content"], content))
    told = (
        f"since this data set was last prepared {count(new, 'piece')} of new music came and {count(gone, 'piece')} went; "
        f"{int(came.sum() - np.trace(came)):,} of the others changed sides"
    )
    moves = [
        f"{int(came[a, b]):,} from {SIDES[a]} to {SIDES[b]}"
        for a in range(len(SIDES))
        for b in range(len(SIDES))
        if a != b and came[a, b]
    ]
    return told + (f" ({', '.join(moves)})" if moves else "")


def _found(
    wanted: NDArray[np.uint64], among: NDArray[np.uint64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Where of some contents those stand that are among others, and where there; some thousands at a time."""
    order = np.argsort(among)
    ordered = among[order]
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        at = np.minimum(np.searchsorted(ordered, some), len(ordered) - 1)
        there = np.flatnonzero(ordered[at] == some)
        yield there + start, order[at[there]]
