"""Question 5: one, two or three layers, at equal parameters and at equal time; and what quality costs.

    python experiments/report/depth.py

Reduced size: the widths are chosen so that all three have as many parameters as one layer of 128. The learning rate
is constant, so every validation of a run is the end of a shorter run: a curve holds the quality of every budget. The cost
of an iteration is measured apart, in seconds of one processor (speed.py). The dropout is the same for all.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checkpoints import material_of
from drawings import Series, panel, sheet
from pareto import front, reached
from results import difference, interval, keep_melodies, leave, rows
from runs import REHEARSAL, Found, Place, Plan, asked, missing, place_of, trained
from speed import seconds_per_iteration

from musicexp.api import LoadedRun
from musicexp.config import compose
from musicexp.render.plots import Point
from musicexp.tracking import cache_dir
from musicexp.training import Silent, parameters, prepare
from musicexp.wording import count

DEPTHS = (1, 2, 3)
VAL = "loss/val"


@dataclass(frozen=True)
class Size:
    """What is trained.

    Attributes:
        hidden: of the one layer; the widths of two and three follow.
        every: iterations between two validations.
    """

    hidden: int = 128
    iterations: int = 300
    every: int = 25
    seeds: int = 3
    files: int = 0


TINY = Size(hidden=12, iterations=20, every=5, seeds=2, files=60)


def words(size: Size, depth: int, width: int) -> tuple[str, ...]:
    """The settings of a depth."""
    return (
        "dataset=ryans",
        *((f"dataset.limit={size.files}",) if size.files else ()),
        "tokens=notes",
        f"model=lstm{depth}",
        f"model.hidden_size={width}",
        "model.embedding_dim=128",
        "model.dropout=0.1",
        "optimizer=adam",
        "optimizer.clip=1.0",
        "optimizer.schedule=constant",
        "lr=3e-3",
        "batch_size=16",
        f"iterations={size.iterations}",
        "seq_length=100",
        "windows=random",
        "keep=last",
        f"validation.every={size.every}",
        "precision=fp32",
    )


def widths(size: Size, place: Place) -> dict[int, int]:
    """For each depth the width whose parameters come nearest to those of one layer."""
    config = compose(words(size, 1, size.hidden))
    material = prepare(config, cache_dir(place.uri), Silent().preparing)
    wanted = parameters(config, material)

    def apart(depth: int, width: int) -> int:
        return abs(parameters(compose(words(size, depth, width)), material) - wanted)

    found = {1: size.hidden}
    for depth in DEPTHS[1:]:
        # More layers of equal width have more parameters, so the width lies below.
        found[depth] = min(range(max(1, size.hidden // depth), size.hidden), key=lambda w: apart(depth, w))
    return found


def main(given: list[str] | None = None) -> None:
    """Train what is missing, measure what an iteration costs, and write what is there."""
    place = place_of(__doc__, "5-depth", given)
    size = TINY if place.rehearsal else Size()
    wide = widths(size, place)
    prefix = REHEARSAL if place.rehearsal else ""
    found: dict[tuple[int, int], Found] = {}
    for seed in range(size.seeds):
        for depth in DEPTHS:
            name = f"{prefix}report5-lstm{depth}-seed{seed}"
            plan = Plan(name, "report5", (*words(size, depth, wide[depth]), f"seed={seed}"))
            [found[depth, seed]] = trained([plan], place)
    report(size, place, found)


def report(size: Size, place: Place, found: Mapping[tuple[int, int], Found]) -> None:
    """Tables of the seeds of which all depths are there."""
    lacking = missing(list(found.values()))
    whole = [s for s in range(size.seeds) if all(found[d, s].state == "finished" for d in DEPTHS)]
    lines = ["# One, two or three layers?", ""]
    values: dict[str, object] = {}
    figures: dict[str, bytes] = {}
    if whole:
        runs = {depth: [found[depth, seed].finished for seed in whole] for depth in DEPTHS}
        lines, values, figures = _answered(size, place, runs, lines)
    if lacking:
        lines += ["", "Not yet measured:", "", *lacking]
    leave(place.out, lines, values, figures)


def _answered(
    size: Size, place: Place, runs: Mapping[int, Sequence[LoadedRun]], lines: list[str]
) -> tuple[list[str], dict[str, object], dict[str, bytes]]:
    material = material_of(runs[1][0], place)
    firsts = [runs[depth][0] for depth in DEPTHS]
    seconds = dict(
        zip(
            DEPTHS,
            seconds_per_iteration(
                [run.config for run in firsts], material, [run.checkpoint().resolved for run in firsts]
            ),
            strict=True,
        )
    )
    # Bits per note = nats per token times tokens a note, which is the same for all: one vocabulary, one side.
    per_note = {d: [_bits(run) / run.curve("nll_nats/val")[-1][1] for run in runs[d]] for d in DEPTHS}
    curve = {d: [[(k, v * f) for k, v in run.curve(VAL)] for run, f in zip(runs[d], per_note[d], strict=True)] for d in DEPTHS}  # fmt: skip
    budget = min(seconds.values()) * size.iterations
    at_time = {d: [_at(one, budget / seconds[d]) for one in curve[d]] for d in DEPTHS}
    at_end = {d: [one[-1][1] for one in curve[d]] for d in DEPTHS}
    test = {d: [run.curve("bits_per_note/test")[-1][1] for run in runs[d]] for d in DEPTHS}
    model = runs[1][0].config
    lines += [
        f"Widths {', '.join(f'{d} x {runs[d][0].config.model.hidden_size}' for d in DEPTHS)} on {model.dataset.name}, lr {model.lr:g} constant, batch "
        f"{model.batch_size}, seeds {', '.join(str(run.config.seed) for run in runs[1])}. Bits per note, mean and 95 % interval over the seeds. "
        f"Equal time: {budget:.0f} s of one processor, in which {', '.join(f'{_layers(d)}: {budget / seconds[d]:.0f}' for d in DEPTHS)} iterations.",
        "",
        *rows(
            ["layers", "parameters", "ms an iteration", "validation, equal iterations", "test, equal iterations", "validation, equal time"],
            [
                [d, f"{parameters(runs[d][0].config, material):,}", f"{1000 * seconds[d]:.0f}", interval(at_end[d]), interval(test[d]), interval(at_time[d])]
                for d in DEPTHS
            ],
        ),
        "",
        *rows(
            ["paired difference", "equal iterations", "equal time"],
            [
                [f"{d} layers less 1", difference(at_end[d], at_end[1]), difference(at_time[d], at_time[1])]
                for d in DEPTHS[1:]
            ],
        ),
    ]  # fmt: skip
    offers = [
        (d, k, k * seconds[d], statistics.mean(one[place_][1] for one in curve[d]))
        for d in DEPTHS
        for place_, (k, _) in enumerate(curve[d][0])
    ]
    best = [offers[k] for k in front([(cost, loss) for _, _, cost, loss in offers])]
    lines += [
        "",
        "The Pareto front (means of the seeds): what no other depth and length beats in both.",
        "",
        *rows(["seconds", "bits per note", "layers", "iterations"], [[f"{s:.1f}", f"{loss:.3f}", d, k] for d, k, s, loss in best]),
    ]  # fmt: skip
    for d in DEPTHS:
        names = keep_melodies(runs[d][0], f"{d}-layers", place.out)
        lines += [*([""] if d == 1 else []), f"- {_layers(d)}: {', '.join(names)}"]
    values: dict[str, object] = {
        "seconds_per_iteration": seconds,
        "parameters": {d: parameters(runs[d][0].config, material) for d in DEPTHS},
        "bits_per_note": curve,
        "test_bits_per_note": test,
        "equal_time_seconds": budget,
        "front": best,
    }
    return lines, values, {"pareto.svg": _figure(offers, best, curve)}


def _layers(depth: int) -> str:
    return count(depth, "layer")


def _bits(run: LoadedRun) -> float:
    return run.curve("bits_per_note/val")[-1][1]


def _at(curve: Sequence[tuple[int, float]], iterations: float) -> float:
    found = reached(curve, iterations)
    return float("nan") if found is None else found


def _figure(
    offers: Sequence[tuple[int, int, float, float]],
    best: Sequence[tuple[int, int, float, float]],
    curve: Mapping[int, Sequence[Sequence[tuple[int, float]]]],
) -> bytes:
    series = [
        Series(_layers(d), [(cost, loss) for e, _, cost, loss in offers if e == d], d - 1) for d in DEPTHS
    ]
    points = [
        Point(cost, loss, "leading", f"{_layers(d)}, {k} iterations: {loss:.3f} bits per note, {cost:.1f} s")
        for d, k, cost, loss in best
    ]
    title = "Bits per note against seconds of one processor; points: the Pareto front"
    by_time = panel(series, "seconds of one processor", "bits per note", title, points=points, log=True)
    each = [Series(_layers(d), one, d - 1) for d in DEPTHS for one in curve[d]]  # a line a seed
    by_step = panel(each, "iteration", "bits per note", "Bits per note by iteration, a line a seed")
    return sheet(
        "Quality against cost",
        [("Against time; points are the Pareto front", by_time), ("Against iterations, a line a seed", by_step)],
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(asked(main))
