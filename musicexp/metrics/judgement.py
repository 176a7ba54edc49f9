"""A judgement: sets of generated pieces beside the real music of a corpus, metric by metric, without a total."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.metrics.corpus import Corpus, Values, values_of
from musicexp.metrics.degeneration import Fault, faults
from musicexp.metrics.distances import Stand, null_band, stand
from musicexp.metrics.diversity import distinct, mean_edit_distance
from musicexp.metrics.heat import Heat
from musicexp.metrics.novelty import Copy, called_copies
from musicexp.metrics.panel import METRICS
from musicexp.music import Piece
from musicexp.music.similar import skyline

MOST_PASSAGES = 6
"""Copied passages that are shown of a set: the longest ones, one of each generated piece."""
Nulls = dict[str, tuple[float, float]]
"""By metric between which overlapping areas splits of the real pieces lie."""
DIGITS = 6
"""Significant digits in JSON: more than any of these values holds."""


@dataclass(frozen=True)
class Generated:
    """A set of pieces to be judged: one temperature of a run, or a folder.

    Attributes:
        ended_by: for each piece "eos" or "length"; None where nobody knows.
    """

    title: str
    pieces: tuple[Piece, ...]
    ended_by: tuple[str, ...] | None = None
    temperature: float | None = None


@dataclass(frozen=True, eq=False)
class Passage:
    """A copied passage beside the one that it was copied from, both at their own pitch and from their first note on.

    Attributes:
        name, source: of the generated piece, and of the real one.
    """

    copy: Copy
    name: str
    source: str
    generated: Piece
    original: Piece

    def as_dict(self) -> dict[str, Any]:
        return {
            "piece": self.name,
            "from_note": self.copy.begin + 1,
            "notes": self.copy.notes,
            "source": self.source,
            "source_from_note": self.copy.source_begin + 1,
            "semitones": self.copy.semitones,
        }


@dataclass(frozen=True, eq=False)
class Judged:
    """What came of one generated set.

    Attributes:
        values: by metric, [pieces].
        stands: by metric, how the set stands beside the real pieces; without those that neither has.
        passages: the longest copies that are called copies.
        copied: how many of the pieces hold one.
        distinct, edit_distance: how different the pieces of the set are from each other.
    """

    title: str
    temperature: float | None
    names: tuple[str, ...]
    values: Values
    stands: Mapping[str, Stand]
    passages: tuple[Passage, ...]
    copied: int
    faults: tuple[Fault, ...]
    distinct: float
    edit_distance: float

    @property
    def key(self) -> str:
        """What it is called in names of metrics and in files: T1.5 for a temperature, else its title."""
        return self.title if self.temperature is None else f"T{self.temperature:g}"


@dataclass(frozen=True, eq=False)
class Judgement:
    """Generated sets beside the same real music.

    Attributes:
        real: by metric the values of the real pieces that are judged.
        learned: how many pieces copies were searched in.
        real_distinct, real_edit_distance: as for a generated set, of as many real pieces.
        heat: the same model at other temperatures, where there is one.
    """

    sets: tuple[Judged, ...]
    real: Values
    real_names: tuple[str, ...]
    learned: int
    real_distinct: float
    real_edit_distance: float
    heat: Heat | None = field(default=None)

    def as_dict(self, *, raw: bool = False) -> dict[str, Any]:
        """Plain values for JSON; what is not a number is null.

        Args:
            raw: with the values of every piece.
        """
        told: dict[str, Any] = {
            "learned": self.learned,
            "real": len(self.real_names),
            "real_distinct": self.real_distinct,
            "real_edit_distance": self.real_edit_distance,
            "sets": {judged.key: _set(judged, raw=raw) for judged in self.sets},
            "heat": self.heat.as_dict() if self.heat else None,
        }
        if raw:
            told["real_values"] = {"names": list(self.real_names), **_lists(self.real)}
        plain: dict[str, Any] = _plain(told)
        return plain


def judge(sets: Sequence[Generated], corpus: Corpus, heat: Heat | None = None) -> Judgement:
    """Judge sets of generated pieces beside a corpus.

    Raises:
        StoreError: the cache of real values cannot be used.
    """
    real = corpus.values
    judged_pieces = [corpus.pieces[place] for place in corpus.judged]
    nulls: dict[int, Nulls] = {}
    found = []
    for generated in sets:
        size = len(generated.pieces)
        if size not in nulls:
            nulls[size] = {name: null_band(values, size) for name, values in real.items()}
        found.append(_judged(generated, corpus, real, nulls[size]))
    largest = max((len(generated.pieces) for generated in sets), default=0)
    beside = judged_pieces[:largest]
    return Judgement(
        sets=tuple(found),
        real=real,
        real_names=tuple(corpus.pieces[place].name for place in corpus.judged),
        learned=len(corpus.learned),
        real_distinct=distinct(beside),
        real_edit_distance=mean_edit_distance(beside),
        heat=heat,
    )


def _judged(generated: Generated, corpus: Corpus, real: Values, nulls: Nulls) -> Judged:
    values = values_of(generated.pieces, corpus.finder, corpus.expectation)
    copies = [corpus.finder.longest(piece, number) for number, piece in enumerate(generated.pieces)]
    called = called_copies(copies, real["longest_copy"][np.isfinite(real["longest_copy"])].tolist())
    longest = called[:MOST_PASSAGES]
    return Judged(
        title=generated.title,
        temperature=generated.temperature,
        names=tuple(piece.name for piece in generated.pieces),
        values=values,
        stands={
            name: stand(name, values[name], real[name], nulls[name])
            for name in METRICS
            if np.isfinite(values[name]).any() or np.isfinite(real[name]).any()
        },
        passages=tuple(_passage(copy, generated.pieces[copy.piece], corpus) for copy in longest),
        copied=len(called),
        faults=tuple(faults(generated.pieces, generated.ended_by)),
        distinct=distinct(generated.pieces),
        edit_distance=mean_edit_distance(generated.pieces),
    )


def _passage(copy: Copy, piece: Piece, corpus: Corpus) -> Passage:
    place = corpus.learned[copy.source]
    return Passage(
        copy,
        piece.name,
        corpus.title(place),
        _cut(piece, copy.begin, copy.notes),
        _cut(corpus.pieces[place], copy.source_begin, copy.notes),
    )


def _cut(piece: Piece, begin: int, notes: int) -> Piece:
    """So many notes of a piece's line, and whatever sounds with them, from the first of them on."""
    onsets = piece.onset[skyline(piece)]
    first, last = int(onsets[begin]), int(onsets[begin + notes - 1])
    cut = piece.only((piece.onset >= first) & (piece.onset <= last), upbeat=None)
    return Piece.of(
        [note._replace(onset=note.onset - first) for note in cut.notes()],
        piece.name,
        fermata=cut.fermata,
        tempo=piece.tempo,
        metre=piece.metre,
        key=piece.key,
    )


def _set(judged: Judged, *, raw: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "title": judged.title,
        "temperature": judged.temperature,
        "pieces": len(judged.names),
        "copied": judged.copied,
        "passages": [passage.as_dict() for passage in judged.passages],
        "faults": [dataclasses.asdict(fault) for fault in judged.faults],
        "distinct": judged.distinct,
        "edit_distance": judged.edit_distance,
        "metrics": {name: dataclasses.asdict(stand) for name, stand in judged.stands.items()},
    }
    return told | ({"values": {"names": list(judged.names), **_lists(judged.values)}} if raw else {})


def _lists(values: Mapping[str, NDArray[np.float64]]) -> dict[str, list[float]]:
    return {name: found.tolist() for name, found in values.items()}


def _plain(value: Any) -> Any:
    """JSON has no nan, and no need of sixteen digits."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
