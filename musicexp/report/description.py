"""Description: what a prepared data set holds, in figures; the data page and data.json show the same ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from musicexp.metrics import RoundTrip
from musicexp.music import Piece

FORMAT = "musicexp data page 1"
"""By this a folder's data.json is known for one of ours."""


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the largest of some values; nan of none."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Any) -> Spread:
        """Of an array or a list of numbers."""
        some = np.asarray(values, dtype=np.float64)
        if not some.size:
            return cls(math.nan, math.nan, math.nan)
        return cls(float(some.min()), float(np.median(some)), float(some.max()))


@dataclass(frozen=True)
class Card:
    """Where the music comes from.

    Attributes:
        name, title: the data set's name as a setting, and what people call it; of a folder its own name.
        where: the collection, or the folder as the user wrote it.
        licence, source: what is known of a bundled collection; "" of a folder of one's own.
        warning: what everybody who uses it is told, or "".
        held: pieces that the collection holds as it is bundled; None where nobody has counted.
    """

    name: str
    title: str
    where: str
    licence: str
    source: str
    warning: str
    held: int | None


@dataclass(frozen=True)
class KeyCount:
    """How many pieces are in a key: by what their source writes, or, where it writes none, by analysis."""

    key: str
    written: int
    analysed: int

    @property
    def pieces(self) -> int:
        return self.written + self.analysed


@dataclass(frozen=True)
class Free:
    """Pieces that are played freely: their onsets know no grid, and were moved to it by so many milliseconds."""

    pieces: int
    mean_ms: float
    most_ms: float
    freest: list[tuple[str, float]]
    """(name, mean milliseconds) of those that were moved most."""


@dataclass(frozen=True)
class Music:
    """What sounds. Counts are of notes, unless they say otherwise.

    Attributes:
        quarters, hours: length of all pieces, hours at each piece's own first tempo.
        piece_seconds: length of a piece.
        keys: commonest first.
        agreeing, compared: of the pieces with a written major or minor key, how many are in it by analysis too.
        metres: (metre of the first bar, pieces), commonest first.
        tempo: first tempo of a piece, quarters a minute; tempos: (tempo, pieces), commonest first.
        pitches: [128] by MIDI number.
        ambitus: semitones between a piece's lowest and highest note.
        intervals: [27], from -13 (13 or more down) to 13 (13 or more up) semitones, from one onset's highest note to
            the next one's, within each part.
        durations: (duration in quarters, notes), shortest first; longer_notes: notes longer than the last of them.
        sounding_quarters: how long 0, 1, 2, ... notes sound at once; the last entry is for so many or more.
        parts: (parts that have notes, pieces), fewest first.
    """

    quarters: float
    hours: float
    piece_seconds: Spread
    keys: list[KeyCount]
    agreeing: int
    compared: int
    metres: list[tuple[str, int]]
    tempo: Spread
    tempos: list[tuple[float, int]]
    pitches: list[int]
    ambitus: Spread
    intervals: list[int]
    durations: list[tuple[float, int]]
    longer_notes: int
    sounding_quarters: list[float]
    parts: list[tuple[int, int]]
    free: Free

    @property
    def lowest(self) -> int:
        """MIDI number; 0 if nothing sounds."""
        return next((pitch for pitch, count in enumerate(self.pitches) if count), 0)

    @property
    def highest(self) -> int:
        """MIDI number; 0 if nothing sounds."""
        return next((127 - i for i, count in enumerate(reversed(self.pitches)) if count), 0)


@dataclass(frozen=True)
class TokenFigures:
    """Tokens of the pieces in their own keys, without the marks of beginning and end.

    Attributes:
        vocabulary: different tokens that a model knows, its three or four marks included.
        total: tokens of all pieces; a_piece: of one.
        commonest: (token, times), commonest first.
        once: tokens that occur once; never: that occur only in transpositions.
        replaced: tokens of held-out pieces that the vocabulary lacks.
    """

    kind: str
    vocabulary: int
    total: int
    a_piece: Spread
    commonest: list[tuple[str, int]]
    once: int
    never: int
    replaced: int


@dataclass(frozen=True)
class SideFigures:
    """One side of the split: training tokens are those of one key."""

    side: str
    pieces: int
    notes: int
    tokens: int


@dataclass(frozen=True)
class DuplicateGroup:
    """Pieces that share a long run of intervals: (name, side) of the first few of them."""

    size: int
    members: list[tuple[str, str]]


@dataclass(frozen=True)
class Duplicates:
    """Groups of two and more pieces; largest first, and only the largest."""

    groups: int
    pieces: int
    kept_together: bool
    largest: list[DuplicateGroup]


@dataclass(frozen=True)
class Rejected:
    """What could not be used: (what, why) of the first ones, (why, times) of the commonest reasons."""

    count: int
    reasons: list[tuple[str, int]]
    first: list[tuple[str, str]]


@dataclass(frozen=True)
class Loss:
    """What one representation loses on these pieces.

    Attributes:
        pieces: how many were encoded and decoded; all, or a sample of them.
        f1, tolerant_f1: to the tick, and with mir_eval's tolerances; nan of no note.
    """

    kind: str
    configured: bool
    pieces: int
    whole: bool
    sums: RoundTrip
    f1: float
    tolerant_f1: float

    @classmethod
    def of(cls, kind: str, sums: RoundTrip, pieces: int, *, configured: bool, whole: bool) -> Loss:
        """Ratios, after all sums are known."""
        return cls(kind, configured, pieces, whole, sums, sums.f1, sums.tolerant_f1)


@dataclass(frozen=True)
class Example:
    """A piece that the page shows as a piano roll."""

    name: str
    side: str
    piece: Piece = field(repr=False)


@dataclass(frozen=True)
class Description:
    """A data set as a run would see it.

    Attributes:
        place: a hash of where the music lies, by which two folders of one name are told apart.
        words: the settings as they were given.
        settings: those that shape the data: dataset, split, tokens.
        files, pieces, notes, grace_notes, doubled, off_grid, apart: as in `data.Summary`.
        moved: how the split changed since the data set was last prepared, in words, or "".
    """

    card: Card
    place: str
    words: list[str]
    settings: dict[str, Any]
    fingerprint: str
    version: str
    files: int
    pieces: int
    notes: int
    grace_notes: int
    doubled: int
    off_grid: int
    apart: int
    moved: str
    music: Music
    tokens: TokenFigures
    sides: list[SideFigures]
    duplicates: Duplicates
    rejected: Rejected
    losses: list[Loss]
    examples: list[Example]
    rejected_csv: bytes = field(repr=False)

    @property
    def loss(self) -> Loss:
        """Of the configured representation."""
        return next(loss for loss in self.losses if loss.configured)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what is nan becomes None; of the examples only names and sides."""
        told: dict[str, Any] = {"format": FORMAT}
        for f in dataclasses.fields(self):
            if f.name == "examples":
                told["examples"] = [{"name": e.name, "side": e.side} for e in self.examples]
            elif f.name != "rejected_csv":
                told[f.name] = _plain(getattr(self, f.name))
        return told


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(some) for key, some in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(some) for some in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def commonest(
    counts: dict[Any, int] | Iterable[tuple[Any, int]], most: int | None = None
) -> list[tuple[Any, int]]:
    """(what, count) pairs, the largest count first, equal ones in order of what they count."""
    pairs = counts.items() if isinstance(counts, dict) else counts
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:most]
