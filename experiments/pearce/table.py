"""How low does it go on Pearce's melodies? Every row a command of `benchmark pearce`, one table.

    python experiments/pearce/table.py                  # trains what is missing: hours
    python experiments/pearce/table.py --no-training    # writes table.md of what is finished
    python experiments/pearce/table.py ordinary rhythm  # some rows alone

A fold that is finished is never trained again, so this can be stopped and started at any time.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from musicexp.benchmark.command import benchmark, standing_of
from musicexp.benchmark.figure import MIXED, OURS, PPMS, VIEWPOINTS
from musicexp.benchmark.settings import READS
from musicexp.benchmark.standing import Cell, Standing
from musicexp.errors import Interruption, MusicexpError
from musicexp.report import Terminal, duration

TABLE = Path(__file__).resolve().parent / "table.md"


@dataclass(frozen=True)
class Row:
    """A command, and what is asked by it.

    Attributes:
        words: behind `python -m musicexp benchmark pearce`.
        ppm: whether PPM's own figures stand in this row's place.
    """

    name: str
    told: str
    words: tuple[str, ...] = ()


TRANSFORMER = (
    "model=transformer",
    "model.hidden_size=128",
    "model.embedding_dim=128",
    "model.recurrent_dropout=0",
    "lr=2e-3",
)
ROWS = (
    Row("tuned", "one LSTM, settings found within each fold"),
    Row("ordinary", "one LSTM, settings by hand", ("tuned=false",)),
    Row("full", "six of them as one", ("full=true", "tuned=false")),
    Row("transformer", "a Transformer that sees the same", TRANSFORMER),
    Row("plain", "without viewpoints", ("model.viewpoints=false", "tuned=false")),
    Row("transposed", "heard in five keys", ("dataset.transpose=2", "tuned=false")),
    Row("narrow", "a third as wide", ("model.hidden_size=96", "tuned=false")),
    Row("pretrained", "first learned from other folk songs", ("pretrained=true",)),
    Row("rhythm", "told key, metre, rhythm and phrases", ("reads=rhythm",)),
    Row("rhythm-full", "six of them, told the same", ("reads=rhythm", "full=true")),
)
HEAD = (
    "| what | set | folds | bits per pitch | sd | lower than PPM in | with viewpoints | sd | lower than PPM in | with viewpoints, LTM+ | sd | parameters | a fold |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)
SHORT, PLUS = VIEWPOINTS
PPM = next(iter(PPMS))


def main(words: Sequence[str]) -> int:
    """Train what is asked for and write the table."""
    given = _asked(words)
    place = [f"tracking.uri={given.store}"] if given.store else []
    place.append("tracking.experiment=pearce")
    found: list[tuple[Row, Standing]] = []
    for row in ROWS:
        if given.rows and row.name not in given.rows and not given.no_training:
            continue
        asked = ["pearce", *row.words, *place]
        try:
            standing = standing_of(asked) if given.no_training else benchmark(asked, Terminal())
        except Interruption:
            print(f"interrupted at the row {row.name}; the same command goes on", file=sys.stderr)
            return 130
        except MusicexpError as error:
            print(f"the row {row.name} is left out: {error}", file=sys.stderr)
            continue
        if standing.cells:
            found.append((row, standing))
    TABLE.write_text("\n".join(written(found)) + "\n", encoding="utf-8")
    print(f"wrote {TABLE}")
    return 0


def written(found: Sequence[tuple[Row, Standing]]) -> Iterator[str]:
    """The table in Markdown."""
    yield "Bits per pitch, means over ten folds; made by `python experiments/pearce/table.py`."
    yield "Lower than PPM: in how many folds, beside PPM that learns no more (LTM and STM). With viewpoints: mixed with what"
    yield "counts by many viewpoints (LTM and STM), or with those that go on learning from the test melodies (LTM+), as the"
    yield "published figure does. Viewpoints are told what the model of their row is.\n"
    yield HEAD
    yield from _counting([cell for _, standing in found for cell in standing.cells])
    for row, standing in found:
        for cell in standing.cells:
            yield _line(row.told, cell)
    yield "\n| what | command |\n|---|---|"
    for row, _ in found:
        yield (
            f"| {row.told} | `python -m musicexp benchmark pearce {' '.join(row.words)}`".rstrip("` ") + "` |"
        )


def _counting(cells: Sequence[Cell]) -> Iterator[str]:
    """Rows of what only counts: it is the same beside every model of a set, a folding and a reading."""
    known = {(cell.reads, cell.set, cell.folding): cell for cell in cells if cell.whole}
    for reads in READS:
        for model in (*(PPMS if reads == "pitches" else ()), *VIEWPOINTS):
            for cell in (cell for (read, *_), cell in known.items() if read == reads):
                told = model if reads == "pitches" else f"{model}, told key, metre, rhythm and phrases"
                won = _won(cell, model) if model in VIEWPOINTS else ""
                yield f"| {told} | {cell.set} | {cell.folding} | {_mean(cell, model)} | {_sd(cell, model)} | {won} | | | | | | | |"


def _line(told: str, cell: Cell) -> str:
    mixed, plus = MIXED[SHORT], MIXED[PLUS]
    time = duration(math.fsum(cell.seconds) / len(cell.folds))
    if cell.tuned_seconds is not None:
        time += f"; searched {duration(cell.tuned_seconds / len(cell.folds))}"
    return (
        f"| {told} | {cell.set} | {cell.folding} | {_mean(cell, OURS)} | {_sd(cell, OURS)} | {_won(cell, OURS)} "
        f"| {_mean(cell, mixed)} | {_sd(cell, mixed)} | {_won(cell, mixed)} "
        f"| {_mean(cell, plus)} | {_sd(cell, plus)} | {cell.parameters[-1]:,} | {time} |"
    )


def _mean(cell: Cell, model: str) -> str:
    return f"{cell.mean(model):.3f}" + ("" if cell.whole else f" ({len(cell.folds)} folds)")


def _sd(cell: Cell, model: str) -> str:
    sd = cell.sd(model)
    return "" if math.isnan(sd) else f"{sd:.3f}"


def _won(cell: Cell, ours: str) -> str:
    return f"{cell.beside(PPM, ours).lower_in} of {len(cell.folds)}"


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("rows", nargs="*", choices=[[], *(row.name for row in ROWS)], help="all by default")
    parser.add_argument("--no-training", action="store_true", help="only what is finished")
    parser.add_argument("--store", help="as tracking.uri")
    return parser.parse_args(list(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
