"""Question 1: is the tuned run's curve smoother, and its loss lower?

    python experiments/report/presets.py

The source report's two runs at full size. As its code has them: one layer of 1024 on characters of ABC (mit_original,
mit_tuned; 6000 against 6600 iterations), three paired seeds. As its text has them: three layers of 1024 on notes and
chords of MIDI files that music21 reads (original, tuned), one seed. The learning rates are constant, so a run passes
through the ends of all shorter ones: the tuned run at iteration 6000 is what the report's code prints.

All of it takes evenings: on one slow core 30 to 50 minutes a run of one layer, 150 to 250 a run of three. What is
finished is never trained again, what was interrupted goes on, and what is missing is told.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from drawings import Series, panel, sheet
from midi_folder import midi_words
from results import difference, interval, keep_melodies, leave, rows
from roughness import roughness
from runs import REHEARSAL, Found, Place, Plan, asked, missing, place_of, trained

from musicexp.api import LoadedRun
from musicexp.wording import sentence

SIDES = ("original", "tuned")
TRAIN, VAL = "loss/train", "loss/val"
BATCHES = (8, 12)
BATCH_NOISE = math.sqrt(BATCHES[0] / BATCHES[1])
"""What the larger batch alone makes of the scatter of training losses."""
WINDOW = 100
"""Iterations over which a training loss is taken."""


@dataclass(frozen=True)
class Size:
    """What is trained.

    Attributes:
        whole: iterations of the original run.
        every: iterations between two validations.
        seeds: of the runs of one layer, and of three.
        words: what a rehearsal has smaller.
    """

    whole: int = 6000
    every: int = 200
    seeds: tuple[int, int] = (3, 1)
    files: int = 0
    words: tuple[str, ...] = ()


TINY = Size(60, 2, (2, 1), 60, ("model.hidden_size=8", "model.embedding_dim=8"))


@dataclass(frozen=True)
class Family:
    """Two presets that are compared.

    Attributes:
        title: in tables.
        prefix: of the presets' names.
    """

    title: str
    prefix: str
    seeds: int


def families(size: Size) -> tuple[Family, Family]:
    return (
        Family("one layer, characters of ABC", "mit_", size.seeds[0]),
        Family("three layers, notes and chords of MIDI", "", size.seeds[1]),
    )


def plan(family: Family, side: int, seed: int, size: Size, place: Place) -> Plan:
    """A training of a side, 0 original and 1 tuned."""
    preset = family.prefix + SIDES[side]
    words = [f"experiment={preset}", f"seed={seed}", f"validation.every={size.every}", "checkpoint.seconds=120"]  # fmt: skip
    if not family.prefix:
        words += midi_words(place, size.files)
    if place.rehearsal:
        words += [*size.words, f"iterations={size.whole * (10 + side) // 10}"]
        words += [f"dataset.limit={size.files}"] if family.prefix else []
    name = f"report1-{preset}-seed{seed}"
    return Plan((REHEARSAL if place.rehearsal else "") + name, "report1", tuple(words))


Pairs = list[tuple[int, LoadedRun, LoadedRun]]
"""Seed, original and tuned run; finished or not."""


def main(words: list[str] | None = None) -> None:
    """Train what is missing, and write what is there."""
    place = place_of(__doc__, "1-presets", words)
    size = TINY if place.rehearsal else Size()
    lines = ["# Smoother, and lower?", ""]
    values: dict[str, object] = {}
    panels: list[tuple[str, str]] = []
    lacking: list[str] = []
    for family in families(size):
        found = {
            (seed, side): trained([plan(family, side, seed, size, place)], place)[0]
            for seed in range(family.seeds)
            for side in (0, 1)
        }
        lacking += missing(list(found.values()))
        pairs = [(s, a, b) for s in range(family.seeds) if (a := found[s, 0].run) and (b := found[s, 1].run)]
        lines += [f"## {sentence(family.title)}", ""]
        if not pairs:
            lines += ["Not yet measured.", ""]
            continue
        lines += [*_losses(pairs, size), "", *_smooth(pairs, size), "", *_ends(family, found, place), ""]
        values[family.title] = _values(pairs, size)
        panels += [(f"{family.title}: {what}", _panel(pairs, metric, what)) for metric, what in ((VAL, "validation"), (TRAIN, "training"))]  # fmt: skip
    if lacking:
        lines += ["Not yet measured:", "", *lacking]
    figures = {"curves.svg": sheet("The source report's runs: loss in nats per token", panels, 2)} if panels else {}  # fmt: skip
    leave(place.out, lines, values, figures)


# ---------------------------------------------------------------------------------------------------
# Lower?


def marks(size: Size) -> list[tuple[str, int, int]]:
    """What is compared: words, the original's iteration, and the tuned run's."""
    parts = [size.whole // 6, size.whole // 2, size.whole]
    equal = [(f"equal iterations: {k:,}", k, k) for k in parts]
    tokens = [k for k in parts if k * BATCHES[0] // BATCHES[1] % size.every == 0]
    equal += [(f"equal tokens: {k:,} and {k * 2 // 3:,}", k, k * BATCHES[0] // BATCHES[1]) for k in tokens]
    return [*equal, (f"own ends: {size.whole:,} and {size.whole * 11 // 10:,}", size.whole, size.whole * 11 // 10)]  # fmt: skip


def _losses(pairs: Pairs, size: Size) -> list[str]:
    """Validation and training loss at the marks that both runs of a pair have passed."""
    body = []
    for words, ours, theirs in marks(size):
        found = [
            (_at(a, ours), _at(b, theirs), _recent(a, ours), _recent(b, theirs))
            for _, a, b in pairs
            if _at(a, ours) is not None and _at(b, theirs) is not None
        ]
        columns = [[one[k] for one in found] for k in range(4)]
        numbers = [[value for value in column if value is not None] for column in columns]
        body.append(
            [
                words,
                len(found),
                interval(numbers[0]),
                interval(numbers[1]),
                difference(numbers[1], numbers[0]),
                difference(numbers[3], numbers[2]),
            ]
        )
    best = [(min(v for _, v in a.curve(VAL)), min(v for _, v in b.curve(VAL))) for _, a, b in pairs if a.curve(VAL) and b.curve(VAL)]  # fmt: skip
    body.append(
        ["lowest so far", len(best), interval([a for a, _ in best]), interval([b for _, b in best]), difference([b for _, b in best], [a for a, _ in best]), "-"]
    )  # fmt: skip
    head = ["at", "seeds", "original, validation", "tuned, validation", "tuned less original", f"training, last {WINDOW} iterations: tuned less original"]  # fmt: skip
    return [
        "Nats per token, mean and 95 % interval over the seeds; a mark counts where both runs of a pair have passed it.",
        "",
        *rows(head, body),
    ]


def _at(run: LoadedRun, iteration: int) -> float | None:
    return dict(run.curve(VAL)).get(iteration)


def _recent(run: LoadedRun, iteration: int) -> float:
    """Mean training loss of the iterations before a mark."""
    return float(np.mean([v for k, v in run.curve(TRAIN) if iteration - WINDOW < k <= iteration]))


# ---------------------------------------------------------------------------------------------------
# Smoother?


def _smooth(pairs: Pairs, size: Size) -> list[str]:
    """Roughness as far as both runs of a pair have come, at equal iterations and at equal tokens."""
    body = []
    for words, metric, tokens in (
        ("validation, equal iterations", VAL, False),
        ("validation, equal tokens", VAL, True),
        ("training, equal iterations", TRAIN, False),
        ("training, equal tokens", TRAIN, True),
    ):
        both = [
            roughness(
                [a.curve(metric), b.curve(metric)],
                BATCHES if tokens else None,
                size.whole * (BATCHES[0] if tokens else 1),
            )
            for _, a, b in pairs
        ]
        ours, theirs = zip(*both, strict=True)
        body.append(
            [
                words,
                interval([one.roughness for one in ours], 4),
                interval([one.roughness for one in theirs], 4),
                difference([one.roughness for one in theirs], [one.roughness for one in ours], 4),
                interval([b.noise / a.noise if a.noise else math.nan for a, b in both], 2),
                interval([one.spikes for one in ours], 3),
                interval([one.spikes for one in theirs], 3),
            ]
        )
    head = ["curve", "original", "tuned", "tuned less original", "noise, tuned / original", "spikes, original", "spikes, tuned"]  # fmt: skip
    return [
        "Roughness: noise as a share of the whole drop, and spikes as a share of the points (metrics/smoothness.py), as far as "
        f"both runs of a pair have come. The batch of {BATCHES[1]} alone makes the noise of training losses {BATCH_NOISE:.2f} times "
        f"that of {BATCHES[0]}.",
        "",
        *rows(head, body),
    ]


# ---------------------------------------------------------------------------------------------------
# What came of them


def _ends(family: Family, found: Mapping[tuple[int, int], Found], place: Place) -> list[str]:
    """Test figures and melodies of the finished runs."""
    done = {key: one.finished for key, one in found.items() if one.state == "finished"}
    body = []
    for side in (0, 1):
        runs = [run for (_, of), run in done.items() if of == side]
        names = keep_melodies(runs[0], family.prefix + SIDES[side], place.out) if runs else []
        test = [run.curve("bits_per_note/test")[-1][1] for run in runs]
        body.append([SIDES[side], len(runs), interval(test), ", ".join(names) or "-"])
    return rows(["finished", "seeds", "test, bits per note", "melodies"], body)


def _values(pairs: Pairs, size: Size) -> list[dict[str, object]]:
    return [
        {
            "seed": seed,
            "iterations": [run.curve(TRAIN)[-1][0] for run in (a, b)],
            "validation": [run.curve(VAL) for run in (a, b)],
            "marks": {words: [_at(a, k), _at(b, n)] for words, k, n in marks(size)},
        }
        for seed, a, b in pairs
    ]


def _panel(pairs: Pairs, metric: str, what: str) -> str:
    series = [
        Series(SIDES[side], _means(run.curve(metric)), side)
        for _, *both in pairs
        for side, run in enumerate(both)
    ]
    return panel(series, "iteration", "nats per token", f"{what} loss of the original and the tuned runs")


def _means(curve: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """Training losses as means of so many iterations; a validation curve as it is."""
    stride = max(1, len(curve) // 150)
    return [
        (curve[k][0], float(np.mean([v for _, v in curve[k : k + stride]])))
        for k in range(0, len(curve) - stride + 1, stride)
    ]


if __name__ == "__main__":
    sys.exit(asked(main))
