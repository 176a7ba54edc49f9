"""What hearing costs: seconds to render a minute of music, from notes to Ogg, and to make a page's bank of notes.

Real music: the first tunes of ryansMammoth joined to a minute of melody, and a four-part chorale repeated to one.
The SoundFont is read anew each time, as a run does. Printed and written to benchmarks/rendering_speed.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from tables import Row, median_and_spread, write_table

from musicexp.config import compose
from musicexp.music import STEPS_PER_QUARTER, Note, Piece
from musicexp.music.collections import corpus_dir
from musicexp.music.reader import Reader, Request
from musicexp.render import sound as playing
from musicexp.render.bank import bank
from musicexp.render.sound import ogg_bytes, sound_of, synthesize

REPEATS = 7
MINUTE = 60.0


def main() -> None:
    """Measure, print, write."""
    sound = sound_of(compose([]).render)
    music = {
        "a melody": joined(tunes("ryansMammoth/*.abc", 8)),
        "a four-part chorale": joined(tunes("bach/bwv3*.mxl", 2)),
    }
    rows = []
    for name, piece in music.items():
        audio = synthesize(piece, sound)

        def whole(piece: Piece = piece) -> None:
            playing._read.cache_clear()
            ogg_bytes(synthesize(piece, sound))

        for what, job, aim in (
            (f"{name}: notes to Ogg", whole, "under 1 s"),
            (f"{name}: of that Vorbis", lambda audio=audio: ogg_bytes(audio), ""),
            (f"{name}: a page's bank", lambda piece=piece: bank([piece], sound).ogg, ""),
        ):
            rows.append(Row(what, *median_and_spread(timed(job), "s"), aim))
            print(rows[-1], flush=True)
    write_table(
        __file__, "Rendering", f"`make bench`: a minute of music, one process, {REPEATS} times.", rows
    )


def timed(job: Callable[[], object]) -> Sequence[float]:
    """Seconds of each repeat, behind one that is not counted."""
    job()
    found = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        job()
        found.append(time.perf_counter() - begun)
    return found


def tunes(pattern: str, count: int) -> list[Piece]:
    """The first pieces of a folder of the bundled corpus."""
    files = sorted(corpus_dir().glob(pattern))[:count]
    with Reader() as reader:
        answers = reader.read([Request(path, path.name) for path in files])
        return [answer.reading.pieces[0] for answer in answers]


def joined(pieces: Sequence[Piece]) -> Piece:
    """The pieces one behind the other, over and over, for a minute at 120 quarters."""
    notes: list[Note] = []
    begin = 0
    while begin < MINUTE * 2 * STEPS_PER_QUARTER:
        for piece in pieces:
            notes += [note._replace(onset=note.onset + begin) for note in piece.notes()]
            begin += int(np.max(piece.onset + piece.duration))
    return Piece.of(note for note in notes if note.onset + note.duration <= MINUTE * 2 * STEPS_PER_QUARTER)


if __name__ == "__main__":
    sys.exit(main())
