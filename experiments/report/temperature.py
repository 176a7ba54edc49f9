"""Question 3: what does a temperature of 1.5 do in place of 1.0?

    python experiments/report/temperature.py
    python experiments/report/temperature.py --of report1-mit_tuned-seed0 --out=DIR

From the same checkpoints: 64 melodies each at 1.0 and at 1.5, and at temperatures around them. How much more varied is
the rhythm, how many more notes are out of key, and where do the held-out pieces of the corpus stand? And what the
temperature makes of the next-note distribution itself. Nothing is trained for it beyond three checkpoints of question 2 (checkpoints.py).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from checkpoints import checkpoints, chosen, material_of, model_of, music
from drawings import Series, panel, sheet
from numpy.typing import NDArray
from reshaping import Reshaped, next_logprobs, reshaped, tempered
from results import NOTHING, difference, interval, keep_melodies, leave, rows
from runs import Place, asked, missing, place_of

from musicexp.api import LoadedRun
from musicexp.generation import Melody, melodies
from musicexp.metrics.auc import auc
from musicexp.metrics.panel import METRICS, measured
from musicexp.music import STEPS_PER_QUARTER, Piece
from musicexp.render.rolls import pitch_name
from musicexp.tokens import BOS
from musicexp.training import Material

COMPARED = (1.0, 1.5)
DRAWN = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
RESHAPED = (0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
TOLD = (0.5, 0.85, 1.0, 1.15, 1.5, 2.0)
COUNT, TINY_COUNT = 64, 4
"""Melodies of each temperature and checkpoint."""
PLACES = 32
"""Test pieces behind whose tokens the model is asked."""
BEGUN, TOP = 16, 8
"""Notes of a melody behind which the likeliest tokens are drawn, and how many of these."""
OFF_SCALE = "off_scale"
TITLES = {
    OFF_SCALE: "notes outside the best scale",
    "cut": "melodies that found no end",
    "pitch_class_entropy_1bar": "pitch-class entropy of a bar",
    "pitch_class_entropy_4bars": "pitch-class entropy of four bars",
}
SHOWN = ("duration_entropy", "groove", OFF_SCALE, "repeated_4grams")
"""Metrics that are drawn over the temperatures."""

MOST = 0.5
"""A metric is told if it has a value for so many of the held-out pieces: most of one voice have no harmony."""

Values = dict[str, NDArray[np.float64]]
"""By metric, float64 [pieces]."""


@dataclass(frozen=True)
class Asked:
    """A checkpoint's answers: by temperature, values of its melodies, and means of its distributions."""

    run: LoadedRun
    values: Mapping[float, Values]
    shapes: Mapping[float, Reshaped]


def main(words: list[str] | None = None) -> None:
    """Train what is missing, and write what is there."""
    place = place_of(__doc__, "3-temperature", words)
    found = checkpoints(place)
    lines = ["# Temperature 1.0 or 1.5?", ""]
    values: dict[str, object] = {}
    figures: dict[str, bytes] = {}
    runs = [one.finished for one in found if one.state == "finished"]
    if runs:
        lines, values, figures = _answered(runs, place, lines)
    if lacking := missing(found):
        lines += ["", "Not yet measured:", "", *lacking]
    leave(place.out, lines, values, figures)


def _answered(
    runs: Sequence[LoadedRun], place: Place, lines: list[str]
) -> tuple[list[str], dict[str, object], dict[str, bytes]]:
    count = TINY_COUNT if place.rehearsal else COUNT
    material = material_of(runs[0], place)
    real = values_of([*music(material, runs[0], "val"), *music(material, runs[0], "test")])
    asked_ = []
    for run in runs:
        asked_.append(_asked(run, material, count))
        print(f"asked: {run.name}", flush=True)
    model = runs[0].config.model
    lines += [
        f"{model.num_layers} x {model.hidden_size} LSTM on {runs[0].config.dataset.name}, seeds {', '.join(str(r.config.seed) for r in runs)}: "
        f"{count} melodies of each checkpoint and temperature, beside {len(real[OFF_SCALE])} held-out pieces. Means over the melodies of a "
        "checkpoint, with 95 % interval over the checkpoints; of the corpus over its pieces. AUC: how often a melody has the "
        "higher value than a held-out piece, mean of the checkpoints; .5 cannot be told apart.",
        "",
        *_panel_table(asked_, real),
        "",
        "The next-note distribution behind the tokens of test pieces:",
        "",
        *_shape_table(asked_),
    ]
    names = [
        path
        for number, temperature in enumerate(COMPARED, start=1)
        for path in keep_melodies(runs[0], f"T{temperature:g}", place.out, (number, number + len(COMPARED)))
    ]
    lines += ["", f"Melodies of {runs[0].name}, the first two of each temperature: {', '.join(names)}"]
    values: dict[str, object] = {
        "means": {a.run.name: {T: {k: _mean(v) for k, v in each.items()} for T, each in a.values.items()} for a in asked_},
        "corpus": {k: _mean(v) for k, v in real.items()},
        "distribution": {a.run.name: {T: shape._asdict() for T, shape in a.shapes.items()} for a in asked_},
    }  # fmt: skip
    figures = {
        "distribution.svg": _shape_figure(asked_, runs[0], material),
        "panel.svg": _panel_figure(asked_, real),
    }
    return lines, values, figures


def _asked(run: LoadedRun, material: Material, count: int) -> Asked:
    checkpoint = run.checkpoint()
    found: dict[float, Values] = {}
    for temperature in DRAWN:
        settings = replace(checkpoint.config.samples, temperature=(temperature,), count=count, prime=None)
        drawn = melodies(checkpoint, settings)
        found[temperature] = values_of([one.piece for one in drawn]) | {"cut": _cut(drawn)}
    pieces = [material.ids["test"][k] for k in chosen(len(material.ids["test"]), PLACES)]
    logprobs, followed = next_logprobs(model_of(run), pieces)
    return Asked(run, found, {T: reshaped(logprobs, followed, T) for T in RESHAPED})


def values_of(pieces: Sequence[Piece]) -> Values:
    """The panel's values of pieces."""
    each = [measured(piece) for piece in pieces]
    found = {name: np.array([one[name] for one in each]) for name in each[0]}
    return found | {OFF_SCALE: 1 - found["scale_consistency"]}


def _cut(drawn: Sequence[Melody]) -> NDArray[np.float64]:
    return np.array([float(one.ended_by == "length") for one in drawn])


def _mean(values: NDArray[np.float64]) -> float:
    """Of the pieces that have a value; nan of none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _title(name: str) -> str:
    return TITLES.get(name) or METRICS[name].title


# ---------------------------------------------------------------------------------------------------
# Tables


def _panel_table(asked_: Sequence[Asked], real: Values) -> list[str]:
    """Every metric that has a value: both temperatures, their difference, the corpus, and the AUC of both."""
    low, high = COMPARED
    body = []
    for name in asked_[0].values[low]:
        ours = [_mean(one.values[low][name]) for one in asked_]
        theirs = [_mean(one.values[high][name]) for one in asked_]
        if name != "cut" and np.isfinite(real[name]).mean() < MOST:
            continue
        corpus = real.get(name, np.zeros(0))
        aucs = [float(np.mean([auc(one.values[T][name], corpus).value for one in asked_])) for T in COMPARED]
        shown = [f"{value:.2f}" if math.isfinite(value) else NOTHING for value in aucs]
        told = interval(corpus.tolist())
        body.append([_title(name), interval(ours), interval(theirs), difference(theirs, ours), told, *shown])
    head = ["", f"T = {low:g}", f"T = {high:g}", "difference", "corpus", f"AUC, {low:g}", f"AUC, {high:g}"]
    return rows(head, body)


def _shape_table(asked_: Sequence[Asked]) -> list[str]:
    body = []
    for temperature in TOLD:
        shapes = [one.shapes[temperature] for one in asked_]
        body.append(
            [f"{temperature:g}", interval([s.entropy for s in shapes], 2), interval([s.first for s in shapes], 3), interval([s.tokens for s in shapes], 1), interval([s.nats for s in shapes], 3)]
        )  # fmt: skip
    head = ["T", "entropy, bits", "the likeliest token", "tokens that hold nine tenths", "nats of what really follows"]  # fmt: skip
    return rows(head, body)


# ---------------------------------------------------------------------------------------------------
# Figures


def _panel_figure(asked_: Sequence[Asked], real: Values) -> bytes:
    """A line a checkpoint over the temperatures, and the corpus's mean across."""
    panels = []
    for name in SHOWN:
        series = [
            Series("melodies of a checkpoint", [(T, _mean(one.values[T][name])) for T in DRAWN], 0)
            for one in asked_
        ]
        level = _mean(real[name])
        series.append(Series("held-out pieces", [(DRAWN[0], level), (DRAWN[-1], level)], 1))
        unit = METRICS[name].unit if name in METRICS else "share"
        panels.append((_title(name), panel(series, "temperature", unit, f"{_title(name)} by temperature")))
    return sheet("What the temperature does to melodies", panels, 2)


def _shape_figure(asked_: Sequence[Asked], run: LoadedRun, material: Material) -> bytes:
    """Entropy over temperature, and the likeliest tokens behind the beginning of one of the model's own melodies."""
    entropy = [Series("a checkpoint", [(T, one.shapes[T].entropy) for T in RESHAPED], 0) for one in asked_]
    nats = [
        Series("a checkpoint", [(T, one.shapes[T].nats) for T in RESHAPED if DRAWN[0] <= T], 0)
        for one in asked_
    ]
    panels = [
        ("Entropy of the next note", panel(entropy, "temperature", "bits", "Entropy by temperature")),
        ("Cost of the note that really follows", panel(nats, "temperature", "nats per token", "Cost by temperature")),
        (f"The {TOP} likeliest tokens behind {BEGUN} notes of a melody of its own", _top(run, material)),
    ]  # fmt: skip
    return sheet("What the temperature does to the next-note distribution", panels)


def _heard(word: str) -> str:
    """A token of `notes` in words, such as C4 1/2 for half a quarter; others as they are."""
    pitches, colon, steps = word.partition(":")
    if not colon or not steps.isdigit():
        return word
    names = "rest" if pitches == "r" else " ".join(pitch_name(int(pitch)) for pitch in pitches.split("."))
    return f"{names} {Fraction(int(steps), STEPS_PER_QUARTER)}"


def _top(run: LoadedRun, material: Material) -> str:
    checkpoint = run.checkpoint()
    settings = replace(checkpoint.config.samples, temperature=(1.0,), count=1, prime=None)
    [melody] = melodies(checkpoint, settings)
    tokens = checkpoint.tokenizer.tokens(melody.piece)[:BEGUN]
    piece = np.concatenate([[BOS], material.vocabulary.encode(tokens), [BOS]]).astype(np.int64)
    logprobs, _ = next_logprobs(model_of(run), [piece])
    likeliest = np.argsort(-logprobs[-1])[:TOP].tolist()
    series = [
        Series(
            _heard(word), [(T, float(np.exp(tempered(logprobs[-1:], T)[0, token]))) for T in RESHAPED], number
        )
        for number, (token, word) in enumerate(
            zip(likeliest, material.vocabulary.decode(likeliest), strict=True)
        )
    ]
    return panel(series, "temperature", "probability", "Probability of the likeliest tokens by temperature")


if __name__ == "__main__":
    sys.exit(asked(main))
