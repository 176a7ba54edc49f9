"""The first pass over a data set: what is known of each piece, which are duplicates, on which side each stands."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicexp.config import Dataset, Split
from musicexp.data.appending import Appending
from musicexp.data.store import GROUPS, PIECE, PIECES, REJECTED, SIDES_FILE, Tally
from musicexp.errors import MusicError
from musicexp.music.cache import ReadingCache
from musicexp.music.corpus import Progress, Source, not_passed, readings
from musicexp.music.files import Listing
from musicexp.music.fold_table import FoldTable
from musicexp.music.keys import analysed_key, tonic_shift
from musicexp.music.piece import Piece, Reading
from musicexp.music.reading import reason
from musicexp.music.similar import ENTRY, Hashes, groups, runs, shares
from musicexp.music.split import Sides, fold_sides, held_out_sides, places, sides
from musicexp.music.transposition import transposed
from musicexp.music.voices import selected

RUNS = "runs.bin"
COMMIT_EVERY = 1000
"""Files between two notes of how far a pass came."""
MOST_REASONS = 1000
NOTHING: Hashes = np.zeros(0, dtype=np.uint64)


def chosen_music(
    listing: Listing,
    source: Source,
    dataset: Dataset,
    cache: ReadingCache,
    first: int = 0,
    apart: Hashes = NOTHING,
) -> Iterator[tuple[int, Reading]]:
    """Every file's number and music, as the settings choose it: parts selected, keys normalised.

    Args:
        first: the number of the first file.
        apart: hashes in order; pieces that have one of them are left out.
    """
    for number, (_, reading) in enumerate(readings(listing, source, cache, first), start=first):
        found = Reading(reading.source, [], list(reading.rejected))
        for piece in reading.pieces:
            try:
                chosen = _chosen(piece, source, dataset)
            except ValueError as error:
                found.rejected.append((piece.name, reason(error)))
            else:
                if chosen is None:
                    found.left_out += 1
                elif len(apart) and shares(runs(chosen), apart):
                    found.apart += 1
                else:
                    found.pieces.append(chosen)
        yield number, found


def _chosen(piece: Piece, source: Source, dataset: Dataset) -> Piece | None:
    kept = source.kept(piece)
    if kept is None:
        return None
    kept = selected(kept, dataset.parts)
    merged = kept.merged()
    if not dataset.normalise_key:
        return merged
    moved = transposed(merged, tonic_shift(analysed_key(kept)))
    if moved is None:
        raise ValueError("cannot be brought to C major or A minor: a note would leave MIDI's range")
    return moved


def survey(
    part: Path,
    listing: Listing,
    source: Source,
    dataset: Dataset,
    cache: ReadingCache,
    *,
    strict: bool,
    progress: Progress,
    apart: Hashes = NOTHING,
) -> Tally:
    """Write the table of pieces, their runs of intervals and what was rejected; go on where a kill ended it.

    Raises:
        MusicError: something is rejected, and `strict` says that nothing may be.
    """
    fresh = {"file": 0, "pieces": 0, "tally": asdict(Tally()), "done": False}
    with Appending(part, "survey", [PIECES, RUNS, REJECTED], fresh) as out:
        tally = Tally(**out.state["tally"])
        pieces, first, files = out.state["pieces"], out.state["file"], len(listing)
        if out.state["done"]:
            return tally
        if not first:
            out.write(REJECTED, _csv("file", "reason"))
        for number, reading in chosen_music(listing, source, dataset, cache, first, apart):
            for what, why in reading.rejected:
                if strict:
                    raise not_passed(what, why)
                _count_rejected(tally, why)
                out.write(REJECTED, _csv(what, why))
            tally.left_out += reading.left_out
            tally.apart += reading.apart
            for piece in reading.pieces:
                out.write(PIECES, _row(piece, number).tobytes())
                entries = np.empty(len(found := runs(piece)), dtype=ENTRY)
                entries["hash"], entries["piece"] = found, pieces
                out.write(RUNS, entries.tobytes())
                pieces += 1
                tally.notes += len(piece)
                tally.grace_notes += piece.grace_notes
                tally.doubled += piece.doubled
                tally.off_grid += int(piece.off_grid.sum())
            if (number + 1) % COMMIT_EVERY == 0 or number + 1 == files:
                progress("looking at the pieces", number + 1, files)
                out.commit(
                    {
                        "file": number + 1,
                        "pieces": pieces,
                        "tally": asdict(tally),
                        "done": number + 1 == files,
                    }
                )
    return tally


def _count_rejected(tally: Tally, why: str) -> None:
    tally.rejected += 1
    tally.reasons[why] = tally.reasons.get(why, 0) + 1
    if len(tally.reasons) > MOST_REASONS:  # each with a number of its own
        tally.reasons = dict(Counter(tally.reasons).most_common(MOST_REASONS // 2))


def _csv(*cells: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _row(piece: Piece, file: int) -> NDArray[np.void]:
    sound = piece.fingerprint()
    content = hashlib.sha256((sound + piece.abc).encode()).hexdigest()[:16]
    moved_ms = piece.moved_quarters * 60_000 / piece.tempo
    return np.array(
        (
            int(sound, 16),
            int(content, 16),
            int(piece.family(), 16),
            file,
            len(piece),
            piece.tempo,
            min(piece.metre[0], 255),
            min(piece.metre[1], 255),
            piece.free,
            moved_ms.mean(),
            moved_ms.max(),
        ),
        dtype=PIECE,
    )


def find_sides(
    part: Path, split: Split, folds: FoldTable | None, where: str, file_of: Callable[[int], str]
) -> tuple[NDArray[np.int32], Sides]:
    """Duplicate groups and sides of all pieces, written beside the table.

    Args:
        folds: the table that `split.table` names.
        file_of: the name of the file of that number.

    Raises:
        MusicError: too few different pieces; or they are not those of the table of folds, or its folds cut a group
            that is to be on one side.
    """
    table = np.memmap(part / PIECES, PIECE, mode="r")
    groups_of = groups(part / RUNS, len(table))
    grouping = groups_of if split.grouped else _families(table["family"])
    found = places(table["sound"], grouping, split.seed)
    again = places(table["sound"], grouping, split.seed, salt=f"validation of fold {split.fold}: ")
    if folds is not None:
        rows = folds.rows_of(table["sound"], where, lambda piece: file_of(int(table["file"][piece])))
        if split.grouped:
            _check_uncut(folds, rows, groups_of)
        told = f"fold {split.fold} of split.table={folds.name}"
        sides_of = held_out_sides(folds.fold[rows] == split.fold, again, grouping, split.val, told, where)
    elif split.folds:
        sides_of = fold_sides(found, again, grouping, split.val, split.folds, split.fold, where)
    else:
        sides_of = sides(found, grouping, split.val, split.test, where)
    (part / GROUPS).write_bytes(groups_of.astype("<i4").tobytes())
    (part / SIDES_FILE).write_bytes(sides_of.tobytes())
    return groups_of, sides_of


def _check_uncut(table: FoldTable, rows: NDArray[np.int64], groups_of: NDArray[np.int32]) -> None:
    """
    Args:
        rows: each piece's row of the table.
    """
    of = table.fold[rows]
    cut = np.flatnonzero(of != of[groups_of])
    if len(cut):
        told = " and ".join(f"{table.piece[rows[i]]} in {of[i]}" for i in (groups_of[cut[0]], cut[0]))
        raise MusicError(
            f"split.table={table.name} has duplicates in several folds ({told}), and split.grouped=true keeps them on one side; write split.grouped=false, or take a table that does not cut them"
        )


def _families(family: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Groups of exact transpositions alone: for each piece the number of the first of its family."""
    _, first, inverse = np.unique(family, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int32)
