"""Question 2: which of learning rate, batch size and iterations makes the difference?

    python experiments/report/factorial.py

The source report changed all three at once. Here each of the eight combinations is trained with the same seeds, at
reduced size: one layer of 128 instead of 1024, and a twelfth of the iterations, on MIDI files that music21 reads into
notes and chords, as its text says. The learning rate is constant and the last weights are kept, so the longer training
passes through the end of the shorter one: its validation there is that of the shorter run. Where both are trained on
their own (the first combination, for its melodies) the two must agree to the last digit, and the script says so.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import product

from drawings import Series, curves
from effects import Cell, effects
from midi_folder import midi_words
from results import difference, interval, keep_melodies, leave, rows
from roughness import roughness
from runs import REHEARSAL, Found, Place, Plan, asked, missing, place_of, trained

from musicexp.api import LoadedRun

FACTORS = ("learning rate", "batch size", "iterations")
RATES = ("5e-3", "1e-3")
BATCHES = (8, 12)
VAL = "loss/val"


@dataclass(frozen=True)
class Size:
    """What is trained.

    Attributes:
        iterations: at the report's ratio, 6000 to 6600.
        every: iterations between two validations; both ends are among them.
        alone: seeds with which the first combination is also trained in its shorter length, on its own.
        files: of the collection; 0 is all.
    """

    iterations: tuple[int, int] = (500, 550)
    hidden: int = 128
    every: int = 10
    seeds: int = 3
    alone: int = 1
    files: int = 0


TINY = Size(iterations=(20, 22), hidden=8, every=1, seeds=2, alone=1, files=40)


def plan(size: Size, place: Place, rate: int, batch: int, seed: int, length: int = 1) -> Plan:
    """The training of a combination; by default the longer one, which passes through the shorter."""
    words = (
        *midi_words(place, size.files),
        "model=lstm1",
        f"model.hidden_size={size.hidden}",
        "model.embedding_dim=128",
        "model.dropout=0.0",
        "optimizer=adam",
        "optimizer.clip=0.0",
        "optimizer.schedule=constant",
        "windows=random",
        "keep=last",
        "precision=fp32",
        "seq_length=100",
        f"lr={RATES[rate]}",
        f"batch_size={BATCHES[batch]}",
        f"iterations={size.iterations[length]}",
        f"validation.every={size.every}",
        f"seed={seed}",
    )
    name = f"report2-lr{RATES[rate]}-b{BATCHES[batch]}-i{size.iterations[length]}-seed{seed}"
    return Plan((REHEARSAL if place.rehearsal else "") + name, "report2", words)


def at(run: LoadedRun, iteration: int) -> float:
    """The validation loss behind an iteration, in nats per token."""
    return dict(run.curve(VAL))[iteration]


def main(words: list[str] | None = None) -> None:
    """Train what is missing, and write what is there."""
    place = place_of(__doc__, "2-factorial", words)
    size = TINY if place.rehearsal else Size()
    seeds = range(size.seeds)
    found: dict[tuple[int, int, int], Found] = {}
    for seed, rate, batch in product(seeds, (0, 1), (0, 1)):
        [found[rate, batch, seed]] = trained([plan(size, place, rate, batch, seed)], place)
    short = trained([plan(size, place, 0, 0, seed, length=0) for seed in range(size.alone)], place)
    report(size, place, found, short)


def report(size: Size, place: Place, found: dict[tuple[int, int, int], Found], short: list[Found]) -> None:
    """The tables of the seeds whose four trainings are all there."""
    whole = [
        seed
        for seed in range(size.seeds)
        if all(found[r, b, seed].state == "finished" for r, b in product((0, 1), (0, 1)))
    ]
    lacking = missing([*found.values(), *short])
    runs = {key: one.finished for key, one in found.items() if one.state == "finished"}
    losses: dict[int, dict[Cell, float]] = {
        seed: {(r, b, k): at(runs[r, b, seed], size.iterations[k]) for r, b, k in product((0, 1), repeat=3)}
        for seed in whole
    }
    lines = ["# Learning rate, batch size, iterations: which of them?", ""]
    lines += [
        f"1 x {size.hidden} LSTM, seeds {', '.join(map(str, whole)) or 'none yet'}; validation loss in nats per token, mean and 95 % interval over the seeds.",
        "",
    ]
    values: dict[str, object] = {"iterations": size.iterations, "hidden_size": size.hidden, "seeds": whole}
    figures: dict[str, bytes] = {}
    if whole:
        lines += _cells(size, losses)
        found_effects = {seed: effects(losses[seed], FACTORS) for seed in whole}
        lines += _effects(found_effects)
        lines += _smooth(size, runs, whole)
        values |= {"loss": {s: _named(size, c) for s, c in losses.items()}, "effects": found_effects}
        figures["curves.svg"] = _figure(runs, whole)
        lines += ["", _agreement(size, runs, short)]
        lines += _melodies(place, runs, short)
    if lacking:
        lines += ["", "Not yet measured:", "", *lacking]
    leave(place.out, lines, values, figures)


def _named(size: Size, cells: dict[Cell, float]) -> dict[str, float]:
    return {_words(size, cell): value for cell, value in cells.items()}


def _words(size: Size, cell: Cell) -> str:
    return f"lr {RATES[cell[0]]}, batch {BATCHES[cell[1]]}, {size.iterations[cell[2]]} iterations"


def _cells(size: Size, losses: dict[int, dict[Cell, float]]) -> list[str]:
    body = [
        [RATES[cell[0]], BATCHES[cell[1]], size.iterations[cell[2]], interval([one[cell] for one in losses.values()])]
        for cell in product((0, 1), repeat=3)
    ]  # fmt: skip
    return rows(["learning rate", "batch", "iterations", "validation loss"], body)


def _effects(found: dict[int, dict[str, float]]) -> list[str]:
    names = next(iter(found.values()))
    body = [[name, interval([one[name] for one in found.values()], 4, signed=True)] for name in names]
    lines = ["", "What the tuned value does in place of the original one, in nats per token (below 0: lower loss):", ""]  # fmt: skip
    return [*lines, *rows(["effect", "mean over the other factors"], body)]


def _smooth(size: Size, runs: dict[tuple[int, int, int], LoadedRun], whole: list[int]) -> list[str]:
    """Roughness of the validation curve: over the same iterations, and over the same tokens."""
    arms = list(product((0, 1), (0, 1)))
    noise: dict[tuple[int, int, str], list[float]] = {(*arm, k): [] for arm in arms for k in ("i", "t")}
    for seed in whole:
        curves_ = [runs[*arm, seed].curve(VAL) for arm in arms]
        for unit, batches, last in (
            ("i", None, size.iterations[0]),
            ("t", [BATCHES[b] for _, b in arms], size.iterations[0] * BATCHES[0]),
        ):
            for arm, found in zip(arms, roughness(curves_, batches, last), strict=True):
                noise[*arm, unit].append(found.roughness)
    body = [[RATES[r], BATCHES[b], *(interval(noise[r, b, unit], 4) for unit in "it")] for r, b in arms]
    by = {
        f"learning rate: {RATES[1]} less {RATES[0]}, batch {BATCHES[0]}": ((1, 0), (0, 0)),
        f"batch: {BATCHES[1]} less {BATCHES[0]}, learning rate {RATES[0]}": ((0, 1), (0, 0)),
        "both": ((1, 1), (0, 0)),
    }
    told = [
        [what, *(difference(noise[*ours, unit], noise[*theirs, unit], 4) for unit in "it")]
        for what, (ours, theirs) in by.items()
    ]
    return [
        "",
        "How rough the validation curve is, as a share of its whole drop (metrics/smoothness.py), over the first "
        f"{size.iterations[0]:,} iterations, and over as many tokens as batch {BATCHES[0]} sees in them:",
        "",
        *rows(["learning rate", "batch", "equal iterations", "equal tokens"], body),
        "",
        *rows(["difference", "equal iterations", "equal tokens"], told),
    ]


def _agreement(size: Size, runs: dict[tuple[int, int, int], LoadedRun], short: list[Found]) -> str:
    """Whether a training on its own equals what the longer one passes through."""
    pairs = [
        (at(one.finished, size.iterations[0]), at(runs[0, 0, seed], size.iterations[0]))
        for seed, one in enumerate(short)
        if one.state == "finished" and (0, 0, seed) in runs
    ]
    if not pairs:
        return "No shorter training was made on its own."
    apart = max(abs(a - b) for a, b in pairs)
    return (
        f"The shorter training on its own ends with the very loss that the longer one passes through in {sum(a == b for a, b in pairs)} "
        f"of {len(pairs)} seeds; the largest difference is {apart:.2g} nats."
    )


def _melodies(place: Place, runs: dict[tuple[int, int, int], LoadedRun], short: list[Found]) -> list[str]:
    if short[0].state != "finished" or (1, 1, 0) not in runs:
        return []
    names = keep_melodies(short[0].finished, "original", place.out)
    names += keep_melodies(runs[1, 1, 0], "tuned", place.out)
    return ["", "Melodies (seed 0, temperatures 1.0 and 1.5, the first of each): " + ", ".join(names)]


def _figure(runs: dict[tuple[int, int, int], LoadedRun], whole: list[int]) -> bytes:
    series = [
        Series(f"lr {RATES[r]}, batch {BATCHES[b]}", runs[r, b, seed].curve(VAL), 2 * r + b)
        for r, b in product((0, 1), (0, 1))
        for seed in whole
    ]
    title = "Validation loss of the four combinations, a line a seed"
    return curves(title, series, "iteration", "nats per token")


if __name__ == "__main__":
    sys.exit(asked(main))
