"""How fast pieces are measured: the whole panel on 1,000 tunes, and beside muspy what muspy has, on the same files.

    python benchmarks/metrics_speed.py [--environment DIR]

The files are tunes and chorales of the bundled collections, written as MIDI at 480 ticks a quarter, as
most programs do, and at music21's 10,080: muspy's groove and polyphony look at every tick. muspy 0.5.0 lives in
an environment of its own, made in DIR if nothing is there (without --environment in a scratch folder; some minutes), and
runs as a process that takes turns with ours, so that a busy machine is as slow for one as for the other. What counts
is CPU time. Printed and written to benchmarks/metrics_speed.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import symusic
from tables import Row, median_and_spread, write_table

from musicexp.metrics.harmony import voices_sounding
from musicexp.metrics.panel import measured
from musicexp.metrics.rhythm import groove_similarity
from musicexp.metrics.structure import structureness
from musicexp.metrics.tonality import pitch_class_entropy, scale_consistency
from musicexp.music import Note, Piece, read_file
from musicexp.music.collections import corpus_dir
from musicexp.music.piece import STEPS_PER_QUARTER

MUSPY = "muspy==0.5.0"
REPEATS = 5
TUNES, CHORALES = 80, 20
PASSES = 20
"""How often our side measures all files in one repeat: what is quick is measured for longer."""
PANEL_TUNES = 1000
PANEL_NOTES = 120
TICKS = (480, 10_080)
AIM = 50

THEIRS = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import muspy
def measure(music):
    first = music.time_signatures[0] if music.time_signatures else None
    bar = 4 * music.resolution * first.numerator // first.denominator if first else 4 * music.resolution
    return (
        muspy.scale_consistency(music), muspy.pitch_class_entropy(music),
        muspy.groove_consistency(music, bar), muspy.polyphony(music),
    )
files = json.loads(sys.stdin.readline())
kept = [muspy.read_midi(path) for path in files]
for music in kept: measure(music)
for line in sys.stdin:
    begun = time.process_time()
    values = [measure(music) for music in kept]
    measuring = time.process_time() - begun
    begun = time.process_time()
    for path in files: muspy.read_midi(path)
    print(json.dumps([measuring, time.process_time() - begun, values]), flush=True)
"""


class Times(NamedTuple):
    """CPU seconds for all files."""

    measuring: float
    reading: float


def muspy_python(folder: Path) -> Path:
    """The Python of an environment with muspy, made if there is none."""
    python = folder.absolute() / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", MUSPY]
        subprocess.run(command, check=True)
    return python


def midi_files(folder: Path, ticks: int) -> list[Path]:
    """Tunes of one part and chorales of four, as MIDI."""
    books = sorted((corpus_dir() / "ryansMammoth").glob("*.abc"))
    scores = sorted((corpus_dir() / "bach").glob("bwv2*.mxl"))
    sources = [*books[:: len(books) // TUNES][:TUNES], *scores[:CHORALES]]
    found = []
    for source in sources:
        [piece] = read_file(source).pieces
        found.append(folder / f"{source.stem}.{ticks}.mid")
        found[-1].write_bytes(_midi(piece, ticks))
    return found


def _midi(piece: Piece, ticks: int) -> bytes:
    """The notes and the metre, a track for each part."""
    score, step = symusic.Score(ticks), ticks // STEPS_PER_QUARTER
    score.time_signatures.append(symusic.TimeSignature(0, *piece.metre))
    for part in np.unique(piece.part).tolist():
        track = symusic.Track()
        for note in piece.notes():
            if note.part == part:
                track.notes.append(
                    symusic.Note(note.onset * step, note.duration * step, note.pitch, note.velocity)
                )
        score.tracks.append(track)
    found: bytes = score.dumps_midi()
    return found


def ours(piece: Piece) -> tuple[float, float, float, float]:
    """Our side of what muspy has."""
    return (
        scale_consistency(piece),
        pitch_class_entropy(piece),
        groove_similarity(piece),
        voices_sounding(piece),
    )


def _seconds(act: Callable[[], object], passes: int) -> float:
    begun = time.process_time()
    for _ in range(passes):
        act()
    return (time.process_time() - begun) / passes


def against_muspy(python: Path, files: Sequence[Path], ticks: int) -> list[Row]:
    """Both sides in turns."""
    pieces = [read_file(path).pieces[0] for path in files]
    found: list[tuple[Times, Times]] = []
    with subprocess.Popen(
        [str(python), "-c", THEIRS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        ask, answer = _pipes(other)
        ask.write(json.dumps([str(path) for path in files]) + "\n")
        for _ in range(REPEATS):
            own = Times(
                _seconds(lambda: [ours(piece) for piece in pieces], PASSES),
                _seconds(lambda: [read_file(path) for path in files], PASSES),
            )
            ask.write("\n")
            ask.flush()
            measuring, reading, values = json.loads(answer.readline())
            found.append((own, Times(measuring, reading)))
        ask.close()
    _assert_equal(pieces, values)
    return [
        _row(
            f"{len(files)} files at {ticks:,} ticks a quarter, measured",
            found,
            len(files),
            lambda times: times.measuring,
        ),
        _row("the same, read and measured", found, len(files), lambda times: times.measuring + times.reading),
    ]


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _assert_equal(pieces: Sequence[Piece], values: Sequence[Sequence[float]]) -> None:
    """That both have measured the same: what both define alike is equal."""
    for piece, theirs in zip(pieces, values, strict=True):
        scale, entropy, _, voices = ours(piece)
        np.testing.assert_allclose(
            (scale, entropy, voices), (*theirs[:2], theirs[3]), atol=1e-9, err_msg=piece.name
        )


def _row(what: str, found: Sequence[tuple[Times, Times]], files: int, of: Callable[[Times], float]) -> Row:
    figure, spread = median_and_spread(
        [of(theirs) / of(own) for own, theirs in found], "times as fast as muspy", ".0f"
    )
    own, theirs = (1000 * min(of(pair[side]) for pair in found) / files for side in (0, 1))
    return Row(
        f"{what}: muspy {theirs:.3g} ms a file, musicexp {own:.3g} ms",
        figure,
        spread,
        f"at least {AIM} times",
    )


def panel_tunes() -> list[Piece]:
    """A thousand tunes of about 120 notes, with their own bars."""
    found: list[Piece] = []
    for path in sorted((corpus_dir() / "ryansMammoth").glob("*.abc"))[:PANEL_TUNES]:
        found += read_file(path).pieces
    return found[:PANEL_TUNES]


def an_hour() -> Piece:
    """2,000 bars of six-part music that never repeats."""
    generator = np.random.default_rng(0)
    rows = generator.integers((0, 3, 30), (2000 * 96, 97, 90), (48_000, 3)).tolist()
    return Piece.of([Note(*row) for row in rows])


def whole_panel() -> list[Row]:
    """All metrics, one thread."""
    pieces, long = panel_tunes(), an_hour()
    notes = sum(map(len, pieces)) / len(pieces)
    kinds: list[tuple[str, Callable[[], object], str]] = [
        (
            f"{len(pieces):,} tunes of {notes:.0f} notes, the whole panel",
            lambda: [measured(p) for p in pieces],
            "at most 4 s",
        ),
        ("of it the structureness", lambda: [structureness(p) for p in pieces], ""),
        (f"an hour of dense music ({len(long):,} notes, 2,000 bars)", lambda: measured(long), ""),
    ]
    rows = []
    for what, act, aim in kinds:
        rows.append(Row(what, *median_and_spread([_seconds(act, 1) for _ in range(REPEATS)], "s"), aim))
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--environment", type=Path, help="where muspy's environment is, or is to be")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        python = muspy_python(given.environment or Path(scratch, "muspy"))
        rows = whole_panel()
        for ticks in TICKS:
            rows += against_muspy(python, midi_files(Path(scratch), ticks), ticks)
    write_table(
        __file__,
        "Speed of the panel",
        f"`python benchmarks/metrics_speed.py`, {REPEATS} repeats, one thread, CPU time; {MUSPY} and musicexp in turns on the "
        "same files, with what both have: scale consistency, pitch-class entropy, groove, polyphony.",
        rows,
    )


if __name__ == "__main__":
    main()
