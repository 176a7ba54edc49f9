"""How fast music is read, beside music21 and pretty_midi, on the same files in one process.

    python benchmarks/reading_speed.py [--folder DIR]

The files are real tunes and chorales of the bundled collections, written as MIDI; with --folder those of a
folder too. Readers take turns, so that a busy machine is as slow for one as for the others; what counts is
the ratio of their CPU times. Printed and written to benchmarks/reading_speed.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import music21
import pretty_midi
from corpus_maker import make_corpus
from tables import Row, median_and_spread, write_table

from musicexp.config import compose
from musicexp.data import prepare_store
from musicexp.music import read_file, write_midi
from musicexp.music.cache import ReadingCache
from musicexp.music.collections import corpus_dir
from musicexp.music.corpus import fill, source_of
from musicexp.music.files import Listing
from musicexp.tracking import cache_dir, store_uri

REPEATS = 5
TUNES, CHORALES = 60, 20
AT_LEAST = {"music21": 300, "pretty_midi": 20}
PASSES = {"musicexp": 20, "pretty_midi": 2, "music21": 1}
"""How often a reader reads all files in one repeat: what is quick is measured for longer."""
READERS: dict[str, Callable[[Path], object]] = {
    "musicexp": read_file,
    "pretty_midi": lambda path: pretty_midi.PrettyMIDI(str(path)),
    "music21": lambda path: music21.converter.parse(path, forceSource=True),
}
PIPELINE_FILES = 4000
DEFAULT_REPEATS = 3
MUSIC21_ALONE = (
    "import sys, music21\nfor path in sys.argv[1:]: music21.converter.parse(path, forceSource=True)"
)


def bundled_midi(folder: Path) -> dict[str, list[Path]]:
    """MIDI files of tunes, by musicexp, and of four-part chorales, by music21."""
    tunes: list[Path] = []
    chorales: list[Path] = []
    books = sorted((corpus_dir() / "ryansMammoth").glob("*.abc"))
    for path in books[:: len(books) // TUNES][:TUNES]:
        [piece] = read_file(path).pieces
        tunes.append(folder / f"{path.stem}.mid")
        write_midi(piece, tunes[-1])
    scores = sorted((corpus_dir() / "bach").glob("*.mxl"))
    for path in scores[:: len(scores) // (2 * CHORALES)]:
        score = music21.converter.parse(path)
        if len(score.parts) == 4 and len(chorales) < CHORALES:
            chorales.append(folder / f"{path.stem}.mid")
            score.write("midi", fp=chorales[-1])
    return {f"{len(tunes)} tunes of one part": tunes, f"{len(chorales)} chorales of four parts": chorales}


def cpu_milliseconds(files: Sequence[Path]) -> dict[str, list[float]]:
    """CPU time a file of each reader, in each repeat."""
    found: dict[str, list[float]] = {name: [] for name in READERS}
    for repeat in range(-1, REPEATS):
        for name, reader in READERS.items():
            passes = PASSES[name] if repeat >= 0 else 1
            chosen = files if repeat >= 0 else files[:3]  # the first time is for what is imported late
            begun = time.process_time()
            for _ in range(passes):
                for path in chosen:
                    reader(path)
            if repeat >= 0:
                found[name].append(1000 * (time.process_time() - begun) / passes / len(files))
    return found


def against_others(kinds: dict[str, list[Path]]) -> list[Row]:
    """Rows of ratios for each kind of files, and for all of them together."""
    rows = []
    sums = {name: [0.0] * REPEATS for name in READERS}
    for kind, files in kinds.items():
        found = cpu_milliseconds(files)
        for name, values in found.items():
            sums[name] = [s + v * len(files) for s, v in zip(sums[name], values, strict=True)]
        figure, spread = median_and_spread(found["musicexp"], "ms a file")
        rows.append(Row(f"{kind}: musicexp, CPU time", figure, spread))
        rows += [_ratio(kind, name, found[name], found["musicexp"]) for name in AT_LEAST]
    rows += [
        _ratio("all files", name, sums[name], sums["musicexp"])._replace(aim=f"at least {aim} times")
        for name, aim in AT_LEAST.items()
    ]
    return rows


def _ratio(kind: str, name: str, theirs: Sequence[float], ours: Sequence[float]) -> Row:
    ratios = [other / own for other, own in zip(theirs, ours, strict=True)]
    figure, spread = median_and_spread(ratios, f"times as fast as {name}", ".0f")
    return Row(f"{kind}: {name} / musicexp", figure, spread)


def through_the_pipeline(folder: Path) -> Row:
    """Wall time of listing, hashing, reading in processes of their own and keeping."""
    music = folder / "corpus"
    make_corpus(music, PIPELINE_FILES, 0, folder / "planted.csv", cache_dir(store_uri(None)))
    speeds = []
    for repeat in range(DEFAULT_REPEATS):
        place = folder / f"pipeline{repeat}"
        begun = time.perf_counter()
        source, cache = source_of(None, str(music)), ReadingCache(place)
        with Listing(place / "listing.sqlite") as listing:
            listing.fill(source.root, source.wanted, 0, "symusic")
            fill(listing, source, cache, "symusic", lambda *_: None)
        speeds.append(PIPELINE_FILES / (time.perf_counter() - begun))
    figure, spread = median_and_spread(speeds, "files a second of wall time", ",.0f")
    return Row(f"{PIPELINE_FILES:,} files listed, hashed, read by child processes and cached", figure, spread)


def default_collection(folder: Path) -> list[Row]:
    """The default data set the first and the second time, beside music21 in two processes."""
    config = compose([])
    first: list[float] = []
    second: list[float] = []
    for repeat in range(DEFAULT_REPEATS):
        for seconds in (first, second):
            begun = time.perf_counter()
            prepare_store(config.dataset, config.split, config.tokens, folder / f"default{repeat}")
            seconds.append(time.perf_counter() - begun)
    files = sorted(map(str, (corpus_dir() / str(config.dataset.collection)).glob("*.abc")))
    begun = time.perf_counter()
    halves = [subprocess.Popen([sys.executable, "-c", MUSIC21_ALONE, *files[k::2]]) for k in range(2)]
    assert sum(half.wait() for half in halves) == 0
    music21_seconds = time.perf_counter() - begun
    times = f"{len(files):,} tunes"
    ratios = [seconds / music21_seconds for seconds in first]
    return [
        Row(
            f"music21 parses the {times} of the default data set, two processes",
            f"{music21_seconds:.3g} s",
            "once",
        ),
        Row("the default data set prepared the first time", *median_and_spread(first, "s")),
        Row("the same, of music21's time", *median_and_spread(ratios, "of it"), "at most 1.25"),
        Row("the same the second time", *median_and_spread(second, "s"), "less than 1 s"),
    ]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="MIDI files to read beside the bundled ones")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        kinds = bundled_midi(Path(name))
        if args.folder:
            mine = sorted(args.folder.rglob("*.mid"))
            kinds[f"{len(mine)} files of {args.folder.name}"] = mine
        rows = [*against_others(kinds), through_the_pipeline(Path(name)), *default_collection(Path(name))]
    write_table(
        __file__,
        "Speed of reading",
        f"`make bench`, {REPEATS} repeats, readers in turns within one process; ratios are of CPU time.",
        rows,
    )


if __name__ == "__main__":
    main()
