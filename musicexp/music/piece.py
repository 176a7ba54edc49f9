"""Piece: one piece of music as plain arrays with units."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

STEPS_PER_QUARTER = 24
"""The grid: thirty-second notes and triplets of sixteenths are whole steps."""

TICKS_PER_QUARTER = 20160
"""Ticks for what is written as fractions of a quarter: 2^6 * 3^2 * 5 * 7 make nearly every written value whole."""

DEFAULT_TEMPO = 120.0
DEFAULT_VELOCITY = 80

HALF_TICK = STEPS_PER_QUARTER // 2
"""In 1/24 tick."""

EMPTY = "holds no note"
"""Why a piece is left out in which nothing sounds."""

FREE_FROM = 0.2
"""Mean distance of the onsets from the grid, in half steps, from which a piece was played freely.

Onsets without any grid lie .5 from it on average; written music lies on it, but for a few values.
"""

Steps = NDArray[np.int32]
Ticks = NDArray[np.int64]
Marks = NDArray[np.bool_]

BY_NOTE = ("onset", "duration", "pitch", "velocity", "part", "onset_ticks", "duration_ticks")
"""What a Piece says of each note, besides its fermatas."""


class Note(NamedTuple):
    """One sounding note. Times in steps of 1/24 quarter, pitch as MIDI number 0-127."""

    onset: int
    duration: int
    pitch: int
    velocity: int = DEFAULT_VELOCITY
    part: int = 0


@dataclass(frozen=True, eq=False)
class Piece:
    """Notes in order of (onset, pitch, part), none twice in one part, and what a player must know.

    Attributes:
        onset, duration: int32 [notes], steps of 1/24 quarter; durations are at least 1.
        pitch: int32 [notes], MIDI numbers 0-127.
        velocity: int32 [notes], 1-127.
        part: int32 [notes], from 0.
        tempo: quarters per minute.
        metre: beats and beat unit of the first bar, such as (6, 8).
        upbeat: steps before the first whole bar, where the source writes bars; None where it does not, or says it in `abc`.
        key: tonic and mode as the source writes it ("A minor"), or "" if it does not.
        abc: the tune's own ABC, in the one spelling of `music.abc`, if that is what it was read from, else "".
        parts: what the source calls its parts, by number; may be shorter than there are parts.
        grace_notes: how many were dropped in reading (they have no duration).
        doubled: how many were dropped because another note has their onset and pitch: of the same part, or of
            another one if the piece is `merged`.
        ticks_per_quarter: the unit of what follows.
        lag: how far all the piece's beats lie behind the grid, in 1/24 tick; its notes were moved to the grid by
            that and then by what was left.
        onset_ticks, duration_ticks: int64 [notes], the notes before they were moved to the grid; None if none was.
        fermata: bool [notes], which bear a fermata, as the ends of phrases do in chorales; None if none does, or the
            source is MIDI, which has no word for it, or ABC, of which it is not read.
    """

    name: str
    onset: Steps
    duration: Steps
    pitch: Steps
    velocity: Steps
    part: Steps
    tempo: float = DEFAULT_TEMPO
    metre: tuple[int, int] = (4, 4)
    upbeat: int | None = None
    key: str = ""
    abc: str = ""
    parts: tuple[str, ...] = ()
    grace_notes: int = 0
    doubled: int = 0
    ticks_per_quarter: int = STEPS_PER_QUARTER
    lag: int = 0
    onset_ticks: Ticks | None = None
    duration_ticks: Ticks | None = None
    fermata: Marks | None = None

    @classmethod
    def of(cls, notes: Iterable[Note], name: str = "", **more: Any) -> Piece:
        """A Piece from notes on the grid, in any order, `merged`.

        Args:
            more: the other attributes; `fermata` in the order of the notes.
        """
        columns = np.array(list(notes), dtype=np.int64).reshape(-1, len(Note._fields)).T
        return cls.from_ticks(name, *columns, ticks_per_quarter=STEPS_PER_QUARTER, **more).merged()

    @classmethod
    def from_ticks(
        cls,
        name: str,
        onset: Ticks,
        duration: Ticks,
        pitch: Steps | Ticks,
        velocity: Steps | Ticks,
        part: Steps | Ticks,
        *,
        ticks_per_quarter: int,
        fermata: Marks | Sequence[bool] | None = None,
        **more: Any,
    ) -> Piece:
        """A Piece from notes as they were written or played, moved to the grid: the nearest step, a half one up.

        Notes end where their ends are moved to, but last at least a step. Of two notes of a part that then have
        one onset and pitch the longer stays, else the louder.

        Args:
            onset, duration: int64 [notes] in any order, in ticks.
            pitch, velocity, part: int32 or int64 [notes].
            fermata: bool [notes]; None if no note bears one.
            more: the other attributes.
        """
        begin, length, moved, lag = _steps(onset, duration, ticks_per_quarter)
        kept = _in_order(begin, length, pitch, velocity, part)
        exact: dict[str, Any] = {}
        if lag or (moved is not None and moved[kept].any()):
            exact = {
                "ticks_per_quarter": ticks_per_quarter,
                "lag": lag,
                "onset_ticks": onset[kept],
                "duration_ticks": duration[kept],
            }
        return cls(
            name,
            begin[kept].astype(np.int32),
            length[kept].astype(np.int32),
            pitch[kept].astype(np.int32),
            velocity[kept].astype(np.int32),
            stands := part[kept].astype(np.int32),
            doubled=len(onset) - len(stands),
            fermata=None if fermata is None else _if_any(np.asarray(fermata, dtype=bool)[kept]),
            **exact,
            **more,
        )

    def notes(self) -> list[Note]:
        rows = np.stack([self.onset, self.duration, self.pitch, self.velocity, self.part], axis=1)
        return [Note(*row) for row in rows.tolist()]

    def only(self, kept: NDArray[np.bool_], **more: Any) -> Piece:
        """The piece with only some of its notes.

        Args:
            kept: bool [notes].
            more: attributes to replace.
        """
        columns: dict[str, Any] = {
            name: column[kept] for name in BY_NOTE if (column := getattr(self, name)) is not None
        }
        if self.fermata is not None:
            columns["fermata"] = _if_any(self.fermata[kept])
        return dataclasses.replace(self, **(columns | {"abc": ""} | more))

    def merged(self) -> Piece:
        """The piece with no onset and pitch twice: the longer note stays, else that of the first part, else the louder.

        So it sounds, and so tokens can write it; but of a part that another doubles something may then lack.
        """
        if _new(self.onset, self.pitch).all():
            return self
        order = np.lexsort((-self.velocity, self.part, -self.duration, self.pitch, self.onset))
        kept = np.zeros(len(self), dtype=bool)
        kept[order[_new(self.onset[order], self.pitch[order])]] = True
        return self.only(kept, doubled=self.doubled + int((~kept).sum()), abc=self.abc)

    @property
    def held(self) -> Marks:
        """Which notes bear a fermata: bool [notes]."""
        return np.zeros(len(self), dtype=bool) if self.fermata is None else self.fermata

    def __len__(self) -> int:
        """Sounding notes; a chord of three is three."""
        return len(self.onset)

    @property
    def quarters(self) -> float:
        """From the start to the end of the last note."""
        return float((self.onset + self.duration).max()) / STEPS_PER_QUARTER if len(self) else 0.0

    @property
    def seconds(self) -> float:
        """How long that lasts at the piece's first tempo."""
        return self.quarters * 60 / self.tempo

    @property
    def exact(self) -> tuple[Ticks, Ticks]:
        """Onsets and durations before they were moved to the grid, int64 [notes], in `ticks_per_quarter`."""
        if self.onset_ticks is None or self.duration_ticks is None:
            return self.onset.astype(np.int64), self.duration.astype(np.int64)
        return self.onset_ticks, self.duration_ticks

    @property
    def moved_quarters(self) -> NDArray[np.float64]:
        """How far each onset was moved beside the others, at least 0: float64 [notes], quarters."""
        if self.onset_ticks is None:
            return np.zeros(len(self))
        units = STEPS_PER_QUARTER * self.ticks_per_quarter
        distance: NDArray[np.float64] = np.abs(
            (self.onset_ticks * STEPS_PER_QUARTER - self.lag) / units - self.onset / STEPS_PER_QUARTER
        )
        return distance

    @property
    def off_grid(self) -> NDArray[np.bool_]:
        """Which notes were moved to the grid by more than writing in ticks explains: bool [notes]."""
        if self.onset_ticks is None or self.duration_ticks is None:
            return np.zeros(len(self), dtype=bool)
        return _moved(
            self.onset_ticks, self.duration_ticks, self.onset, self.duration, self.ticks_per_quarter, self.lag
        )

    @property
    def free(self) -> bool:
        """Whether it was played freely: its onsets know no grid (`FREE_FROM`)."""
        return bool(len(self)) and float(self.moved_quarters.mean()) * 2 * STEPS_PER_QUARTER > FREE_FROM

    def fingerprint(self) -> str:
        """A hash of what sounds: onsets, durations and pitches. Name, part, velocity and fermatas do not count."""
        return _hash(self.onset, self.duration, self.pitch)

    def family(self) -> str:
        """A hash that transpositions of one piece share, whatever the silence before it."""
        if not len(self):
            return _hash(self.onset)
        return _hash(self.onset - self.onset[0], self.duration, self.pitch - self.pitch[0])


@dataclass
class Reading:
    """What came of reading one source: its pieces, and why something of it could not be used."""

    source: str
    pieces: list[Piece] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """(what, reason) pairs."""
    left_out: int = 0
    """How many pieces were read that are none of the data set's."""
    apart: int = 0
    """How many were left out because they share a run with music that the data set is kept apart from."""

    def add(self, piece: Piece) -> None:
        """Keep a piece, or reject it if nothing in it sounds."""
        if len(piece):
            self.pieces.append(piece)
        else:
            self.rejected.append((piece.name, EMPTY))


def _if_any(marks: Marks) -> Marks | None:
    """The marks of notes; None if none bears one."""
    return marks if marks.any() else None


def _new(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a row differs from the one before it; the first does."""
    new: NDArray[np.bool_] = np.zeros(len(columns[0]), dtype=bool)
    new[:1] = True
    for column in columns:
        np.logical_or(new[1:], column[1:] != column[:-1], out=new[1:])
    return new


def _steps(
    onset: Ticks, duration: Ticks, ticks_per_quarter: int
) -> tuple[Ticks, Ticks, NDArray[np.bool_] | None, int]:
    """Onsets and durations in steps, which notes were moved (None if none was), and the lag."""
    unit, uneven = divmod(ticks_per_quarter, STEPS_PER_QUARTER)
    if not uneven:  # quicker for what is written on the grid, as most files are
        begin, behind = np.divmod(onset, unit)
        length, rest = np.divmod(duration, unit)
        if not np.count_nonzero(behind) and not np.count_nonzero(rest) and not np.count_nonzero(length < 1):
            return begin, length, None, 0
    begin, length, moved = _nearest(onset, duration, ticks_per_quarter, 0)
    if 2 * np.count_nonzero(moved) > len(moved) and (lag := _lag(onset, ticks_per_quarter)):
        return *_nearest(onset, duration, ticks_per_quarter, lag), lag
    return begin, length, moved if np.count_nonzero(moved) else None, 0


def _in_order(
    begin: Ticks, length: Ticks, pitch: Steps | Ticks, velocity: Steps | Ticks, part: Steps | Ticks
) -> NDArray[np.int64] | slice:
    """Which notes stay, in order of (onset, pitch, part): one of each."""
    place = (((begin << 8) + pitch) << 16) + part
    if np.count_nonzero(place[1:] > place[:-1]) == len(place) - 1:
        return slice(None)
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    first = np.ones(len(order), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    if not first.all():
        order = np.lexsort((-velocity, -length, place))
    return order[first]


def _lag(onset: Ticks, ticks_per_quarter: int) -> int:
    """How far more than half of the onsets lie behind the grid, all equally, in 1/24 tick; else 0.

    A recording may begin a little late, and an upbeat may be shorter than a step: what follows is then as
    regular as any, and would all be called off the grid.
    """
    behind = onset * STEPS_PER_QUARTER % ticks_per_quarter
    at, counts = np.unique(behind, return_counts=True)
    commonest = int(at[counts.argmax()])
    if 2 * counts.max() <= len(onset) or min(commonest, ticks_per_quarter - commonest) <= HALF_TICK:
        return 0
    return commonest if 2 * commonest <= ticks_per_quarter else commonest - ticks_per_quarter


def _nearest(
    onset: Ticks, duration: Ticks, ticks_per_quarter: int, lag: int
) -> tuple[Ticks, Ticks, NDArray[np.bool_]]:
    """The nearest steps: onsets, durations of at least one, and which notes were moved by that."""
    units = np.concatenate([onset, onset + duration])
    units *= STEPS_PER_QUARTER
    units -= lag
    step = (2 * units + ticks_per_quarter) // (2 * ticks_per_quarter)
    units -= step * ticks_per_quarter
    far = np.abs(units, out=units)
    begin, end = step[: len(onset)], step[len(onset) :]
    length = end - begin
    moved = (far[: len(onset)] > HALF_TICK) | (far[len(onset) :] > 2 * HALF_TICK) | (length < 1)
    return begin, np.maximum(length, 1, out=length), moved


def _moved(
    onset: Ticks,
    duration: Ticks,
    begin: Steps | Ticks,
    length: Steps | Ticks,
    ticks_per_quarter: int,
    lag: int,
) -> NDArray[np.bool_]:
    """Which notes are not where they were, but for what writing in ticks costs a triplet: half a tick, and one at its end."""
    moved_onset = onset * STEPS_PER_QUARTER - lag - begin * ticks_per_quarter
    moved_end = moved_onset + duration * STEPS_PER_QUARTER - length * ticks_per_quarter
    moved: NDArray[np.bool_] = (np.abs(moved_onset) > HALF_TICK) | (np.abs(moved_end) > 2 * HALF_TICK)
    return moved


def _hash(*arrays: Steps) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<i4").tobytes() + b"|")
    return digest.hexdigest()[:16]
