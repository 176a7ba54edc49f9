"""Makes a corpus of any size: bars of real tunes put together anew, with duplicates planted among them.

    python benchmarks/corpus_maker.py FOLDER FILES [--seed 0] [--planted pairs.csv]

Tune number i is a function of (seed, i) alone, so nothing is kept but eight bytes a tune. One file in twenty
is a duplicate of another one, of one of four kinds; the table of pairs lies beside the folder, not in it.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musicexp.data.store import LISTING
from musicexp.music import STEPS_PER_QUARTER, Piece, midi_bytes
from musicexp.music.cache import ReadingCache
from musicexp.music.corpus import fill, readings, source_of
from musicexp.music.files import Listing
from musicexp.music.similar import FEWEST_DIFFERENT, RUN
from musicexp.tracking import cache_dir, store_uri

COLLECTIONS = ("ryansMammoth", "oneills1850")
KINDS = ("renamed", "transposed", "accompanied", "altered")
EACH = 20
"""One file in so many is a duplicate."""
FILES_A_FOLDER = 1000
FEWEST_BARS, MOST_BARS = 8, 16
FEWEST_NOTES, MOST_NOTES = 4, 12
"""Of a bar: sixteen notes, which would make two tunes that share them duplicates, are always two bars."""
COMMON = 500
"""A metre with fewer different bars is left out."""
BELOW = (12, 19, 24)
"""An accompanying note lies so many semitones below the melody."""
MOVES = np.array([-5, -3, -1, 0, 2, 4])
"""A bar is moved by so many semitones, so that two bars seldom follow each other twice in the same way."""
KEYS = np.array([-6, -4, -2, -1, 1, 3, 5])
FOLDERS = ("räume/第 {}", "дом/♪ {}", "été {}/neuf", "plain {}")

Ints = NDArray[np.int64]


class Bar(NamedTuple):
    """The notes of a bar: steps from its first beat, steps, MIDI numbers."""

    onset: Ints
    duration: Ints
    pitch: Ints


Bars = dict[tuple[int, int], list[Bar]]
"""By metre."""


@dataclass(frozen=True)
class Tune:
    """A melody, and where its bars begin."""

    onset: Ints
    duration: Ints
    pitch: Ints
    bars: Ints
    metre: tuple[int, int]


def real_bars(cache: Path) -> Bars:
    """All different bars of the bundled tunes in metres that are common among them."""
    found: dict[tuple[int, int], dict[bytes, Bar]] = {}
    for name in COLLECTIONS:
        for piece in _bundled(name, cache):
            length = STEPS_PER_QUARTER * 4 * piece.metre[0] // piece.metre[1]
            number = piece.onset // length
            for k in range(int(number.max(initial=-1)) + 1):
                within = number == k
                onset = piece.onset[within] - k * length
                if not FEWEST_NOTES <= len(onset) <= MOST_NOTES or onset[0] or (np.diff(onset) == 0).any():
                    continue
                duration = np.minimum(piece.duration[within], length - onset)
                bar = Bar(*(column.astype(np.int64) for column in (onset, duration, piece.pitch[within])))
                shape = (bar.pitch - bar.pitch[0]).tobytes() + bar.onset.tobytes()
                found.setdefault(piece.metre, {}).setdefault(shape, bar)
    return {metre: list(bars.values()) for metre, bars in sorted(found.items()) if len(bars) >= COMMON}


def _bundled(name: str, cache: Path) -> list[Piece]:
    source, read = source_of(name, None), ReadingCache(cache)
    with tempfile.TemporaryDirectory() as folder, Listing(Path(folder) / LISTING) as listing:
        listing.fill(source.root, source.wanted, 0, "symusic")
        fill(listing, source, read, "symusic", lambda *_: None)
        return [piece for _, reading in readings(listing, source, read) for piece in reading.pieces]


def tune(bars: Bars, seed: int, number: int) -> Tune:
    """A tune of 8 to 16 bars in a random key: a function of (seed, number)."""
    random = np.random.default_rng((seed, number))
    metres = list(bars)
    shares = np.array([len(bars[metre]) for metre in metres], dtype=float)
    metre = metres[int(random.choice(len(metres), p=shares / shares.sum()))]
    length = STEPS_PER_QUARTER * 4 * metre[0] // metre[1]
    count = int(random.integers(FEWEST_BARS, MOST_BARS + 1))
    chosen = [bars[metre][i] for i in random.integers(0, len(bars[metre]), count)]
    moved = random.choice(MOVES, count) + random.integers(-6, 6)
    return Tune(
        np.concatenate([bar.onset + k * length for k, bar in enumerate(chosen)]),
        np.concatenate([bar.duration for bar in chosen]),
        np.concatenate([bar.pitch + move for bar, move in zip(chosen, moved, strict=True)]),
        np.arange(count) * length,
        metre,
    )


def played(made: Tune, random: np.random.Generator, *, accompanied: bool) -> Piece:
    """A tune as it is played: tempo and velocities are random; a second part may strike below bars' first notes."""
    columns = [made.onset, made.duration, made.pitch, np.zeros(len(made.onset), dtype=np.int64)]
    if accompanied:
        struck = np.isin(made.onset, made.bars[random.random(len(made.bars)) < 0.7])
        below = made.pitch[struck] - random.choice(BELOW, int(struck.sum()))
        added = [made.onset[struck], made.duration[struck], below, np.ones(len(below), dtype=np.int64)]
        columns = [np.concatenate(pair) for pair in zip(columns, added, strict=True)]
    onset, duration, pitch, part = columns
    velocity, tempo = _manner(random, len(onset))
    return Piece.from_ticks(
        "",
        onset,
        duration,
        pitch,
        velocity,
        part,
        ticks_per_quarter=STEPS_PER_QUARTER,
        tempo=tempo,
        metre=made.metre,
    )


def _manner(random: np.random.Generator, notes: int) -> tuple[Ints, float]:
    return random.integers(40, 120, notes), float(random.integers(60, 200))


def original(bars: Bars, seed: int, number: int) -> Piece:
    """A file that is no duplicate; one in three has an accompaniment."""
    random = np.random.default_rng((seed, number, 1))
    return played(tune(bars, seed, number), random, accompanied=number % 3 == 0)


def duplicate(bars: Bars, seed: int, number: int, kind: str, random: np.random.Generator) -> Piece:
    """Another file of the tune of some original: always with another tempo and other velocities."""
    if kind == "accompanied":
        made = tune(bars, seed, number)
        moved = dataclasses.replace(made, pitch=made.pitch + random.choice(KEYS))
        return played(moved, random, accompanied=True)
    piece = original(bars, seed, number)
    pitch = piece.pitch
    if kind == "transposed":
        pitch = pitch + random.choice(KEYS).astype(np.int32)
    if kind == "altered":
        pitch, melody = pitch.copy(), piece.part == 0
        pitch[melody] = _altered(pitch[melody], random)
    velocity, tempo = _manner(random, len(piece))
    return dataclasses.replace(piece, pitch=pitch, velocity=velocity.astype(np.int32), tempo=tempo)


def _altered(pitch: NDArray[np.int32], random: np.random.Generator) -> NDArray[np.int32]:
    """One note in ten is another one, but sixteen in a row that tell the tune stay."""
    intervals = np.diff(pitch)
    telling = [
        start
        for start in range(len(intervals) - RUN + 1)
        if len(np.unique(intervals[start : start + RUN])) >= FEWEST_DIFFERENT
    ]
    kept = int(random.choice(telling)) if telling else 0
    others = np.setdiff1d(np.arange(len(pitch)), np.arange(kept, kept + RUN + 1))
    chosen = random.choice(others, min(len(pitch) // 10, len(others)), replace=False)
    changed = pitch.copy()
    changed[chosen] += random.choice([-3, -2, -1, 1, 2, 3], len(chosen))
    return changed


def path_of(number: int) -> Path:
    """Where a file lies below the corpus: a thousand in a folder, with names from all over the world."""
    folder = number // FILES_A_FOLDER
    return Path(FOLDERS[folder % len(FOLDERS)].format(folder)) / f"{number % 97:02} wëise № {number}.mid"


def make_corpus(folder: Path, files: int, seed: int, planted: Path, cache: Path) -> None:
    """Write the corpus and the table of planted pairs.

    Args:
        cache: the folder where the bundled tunes are kept once they are read.
    """
    bars = real_bars(cache)
    blocks = files // EACH
    twin = np.random.default_rng((seed, files)).permutation(blocks)  # block -> the block of its original
    sounds = np.zeros(files, dtype=np.uint64)
    with planted.open("w", encoding="utf-8", newline="") as table:
        pairs = csv.writer(table)
        pairs.writerow(["original", "duplicate", "kind"])
        for number in range(files):
            block, place = divmod(number, EACH)
            if place == EACH - 1:
                random = np.random.default_rng((seed, number, 1))
                chosen, kind = (
                    int(twin[block]) * EACH + int(random.integers(0, EACH - 1)),
                    KINDS[block % len(KINDS)],
                )
                piece = duplicate(bars, seed, chosen, kind, random)
                pairs.writerow([path_of(chosen).as_posix(), path_of(number).as_posix(), kind])
            else:
                piece = original(bars, seed, number)
                sounds[number] = int(piece.fingerprint(), 16)
            path = folder / path_of(number)
            if not number % FILES_A_FOLDER:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(midi_bytes(piece))
    originals = sounds[np.arange(files) % EACH != EACH - 1]
    assert len(np.unique(originals)) == len(originals), "two tunes are the same by chance: take another seed"


def main() -> None:
    """Make a corpus from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--planted", type=Path, help="the table of planted pairs; FOLDER.csv by default")
    args = parser.parse_args()
    planted = args.planted or args.folder.with_suffix(".csv")
    make_corpus(args.folder, args.files, args.seed, planted, cache_dir(store_uri(None)))


if __name__ == "__main__":
    main()
