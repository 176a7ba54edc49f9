"""Judgements made by hand: known values beside known bands, for pages and tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from conftest import melody

from musicexp.metrics.auc import Auc
from musicexp.metrics.degeneration import Fault
from musicexp.metrics.distances import Stand, stand
from musicexp.metrics.heat import Heat, HeatPoint
from musicexp.metrics.judgement import Judged, Judgement, Passage
from musicexp.metrics.novelty import Copy
from musicexp.metrics.panel import METRICS
from musicexp.music import Note, Piece

SCALES = {"bits": 2.0, "semitones": 2.5, "notes": 12.0, "share": 0.4, "": 0.7}
"""About where the values of a unit lie."""
OF_VOICES = tuple(metric.name for metric in METRICS.values() if metric.aspect == "harmony")


def values(name: str, pieces: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Values of a metric, as plain as they come: float64 [pieces]."""
    if name in OF_VOICES:
        return np.full(pieces, np.nan)
    random = np.random.default_rng((seed, len(name), ord(name[0])))
    centre = SCALES[METRICS[name].unit]
    found = np.abs(centre * (1 + 0.35 * random.standard_normal(pieces) + shift))
    return np.minimum(found, 1.0) if METRICS[name].unit == "share" else found


@cache
def stands(pieces: int, seed: int, shift: float, real: int = 100) -> dict[str, Stand]:
    return {
        name: stand(name, values(name, pieces, seed, shift), values(name, real, 0), (0.84, 0.93))
        for name in METRICS
        if name not in OF_VOICES and real
    }


def passage(
    number: int,
    name: str = "sample_3",
    source: str = "The Rakes of Mallow",
    notes: int = 20,
    semitones: int = 3,
) -> Passage:
    original = Piece.of([Note(12 * k, 12, 60 + (k * 5 + number) % 13) for k in range(notes)], source)
    copied = Piece.of([note._replace(pitch=note.pitch + semitones) for note in original.notes()], name)
    return Passage(Copy(number, 4, notes, 17, 32, semitones), name, source, copied, original)


def judged(title: str, temperature: float | None = None, *, pieces: int = 64, seed: int = 1, shift: float = -0.4,
           passages: Sequence[Passage] = (), faults: Sequence[Fault] = (), real: int = 100) -> Judged:  # fmt: skip
    return Judged(
        title=title,
        temperature=temperature,
        names=tuple(f"sample_{k + 1}" for k in range(pieces)),
        values={name: values(name, pieces, seed, shift) for name in METRICS},
        stands=stands(pieces, seed, shift, real),
        passages=tuple(passages),
        copied=len(passages),
        faults=tuple(faults),
        distinct=0.71,
        edit_distance=0.58,
    )


FAULT = Fault(
    "loop", (1, 5), "two of 64 pieces are a short loop for more than half of their length",
    "the temperature is too low for what the model has learned", "try samples.temperature=1.0",
)  # fmt: skip


def heat(temperatures: Sequence[float] = (0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5)) -> Heat:
    names = ("repeated_4grams", "groove", "interval_entropy", "leaps")

    def point(t: float) -> HeatPoint:
        far, odds = 0.04 + 0.4 * (t - 0.95) ** 2, min(0.9, 0.1 + 0.4 * t)
        return HeatPoint(t, 24, 0.3 + 0.4 * t, far, far - 0.02, far + 0.02, {name: Auc(odds, odds - 0.08, odds + 0.08) for name in names})  # fmt: skip

    nearest = min(temperatures, key=lambda t: abs(t - 0.95))
    near = tuple(t for t in temperatures if abs(t - 0.95) <= 0.06)
    return Heat(
        tuple(map(point, temperatures)), HeatPoint(None, 100, 0.68, 0.03, 0.015, 0.05, {}), nearest, near
    )


def judgement(*sets: Judged, real: int = 100, swept: Heat | None = None) -> Judgement:
    return Judgement(
        sets=sets,
        real={name: values(name, real, 0) for name in METRICS},
        real_names=tuple(f"val {k + 1}" for k in range(real)),
        learned=848,
        real_distinct=0.83,
        real_edit_distance=0.74,
        heat=swept,
    )


def whole() -> Judgement:
    """Two temperatures of a run, with copies, a fault and a sweep."""
    copies = [
        passage(2),
        passage(9, "sample_19", "Fisher's Hornpipe", 34, 0),
        passage(30, "sample_61", "Miss Drummond of Perth - Strathspey", 16, -5),
    ]
    return judgement(
        judged("temperature 1", 1.0, shift=-0.3, passages=copies, faults=[FAULT]),
        judged(
            "temperature 1.5",
            1.5,
            seed=2,
            shift=0.02,
            passages=[passage(40, "sample_82", melody(3).name, 14, 12)],
        ),
        swept=heat(),
    )
