"""Round trip: what of a piece's notes comes back when it is encoded and decoded again.

Asks: what does a representation lose on this music? A note comes back exactly if a decoded note has its pitch, its
onset and its end, to the tick in which the piece was written (half a tick at the onset and one at the end are
what writing a triplet in ticks costs, as in `Piece.off_grid`). F1 = 2 exact / (notes + decoded), the harmonic mean
of precision and recall. Times count from the piece's own beat: a recording that begins late by `Piece.lag` loses
nothing. The reference are the notes of the Piece; grace notes and doubled notes were dropped when it was read, and
are counted beside it.

The second F1 has the tolerances of mir_eval (Raffel et al. 2014, `transcription.precision_recall_f1_overlap`): the
onset within 50 ms, the end within the larger of 50 ms and 20 % of the note's duration, at the piece's first tempo,
notes matched one to one in the largest possible number.

Sums and counts accumulate, ratios come last. An empty piece adds nothing; of nothing at all F1 is nan.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicexp.music import STEPS_PER_QUARTER, Piece

ONSET_SECONDS = 0.05
OFFSET_SECONDS = 0.05
OFFSET_SHARE = 0.2
"""Of the reference note's duration."""
DECIMALS = 4
"""mir_eval rounds distances in seconds so before it compares them."""
MOST_RIVALS = 64
"""Decoded notes looked at for one note: only absurd tempos put more within 50 ms."""

PITCHES = 128
HALF_TICK = STEPS_PER_QUARTER // 2
"""In 1/24 tick."""

Numbers = NDArray[np.int64]
Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class RoundTrip:
    """Sums over pieces. Each note of the pieces is one of exact, off_grid, cut, lengthened, missing.

    Attributes:
        notes, decoded: notes of the pieces, and of what was decoded.
        exact: came back with pitch, onset and end.
        off_grid: came back as it stands on the grid, but was written or played beside it.
        cut, lengthened: came back at its place with another duration.
        missing: no decoded note has its place and pitch.
        added: decoded notes that no note of the piece stands for.
        near: notes that came back within mir_eval's tolerances.
        grace_notes, doubled: dropped before, in reading.
    """

    notes: int = 0
    decoded: int = 0
    exact: int = 0
    off_grid: int = 0
    cut: int = 0
    lengthened: int = 0
    missing: int = 0
    added: int = 0
    near: int = 0
    grace_notes: int = 0
    doubled: int = 0

    def __add__(self, other: RoundTrip) -> RoundTrip:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return RoundTrip(*(mine + theirs for mine, theirs in pairs))

    @property
    def f1(self) -> float:
        """To the tick; nan of nothing at all."""
        return self._ratio(self.exact)

    @property
    def tolerant_f1(self) -> float:
        """With mir_eval's tolerances; nan of nothing at all."""
        return self._ratio(self.near)

    def _ratio(self, right: int) -> float:
        whole = self.notes + self.decoded
        return 2 * right / whole if whole else math.nan


def roundtrip(piece: Piece, decoded: Piece) -> RoundTrip:
    """What of a piece came back.

    Args:
        decoded: what a tokenizer made of the tokens that it had made of the piece.
    """
    _, mine, theirs = np.intersect1d(
        _places(piece), _places(decoded), assume_unique=True, return_indices=True
    )
    exact = _exact(piece, decoded, mine, theirs)
    shorter = decoded.duration[theirs] < piece.duration[mine]
    longer = decoded.duration[theirs] > piece.duration[mine]
    return RoundTrip(
        notes=len(piece),
        decoded=len(decoded),
        exact=int(exact.sum()),
        off_grid=int((~exact & ~shorter & ~longer).sum()),
        cut=int((~exact & shorter).sum()),
        lengthened=int((~exact & longer).sum()),
        missing=len(piece) - len(mine),
        added=len(decoded) - len(theirs),
        near=_near(_Timed.of(piece, piece.tempo), _Timed.of(decoded, piece.tempo), mine, theirs),
        grace_notes=piece.grace_notes,
        doubled=piece.doubled,
    )


def _places(piece: Piece) -> Numbers:
    """Onset on the grid and pitch in one number; a Piece has no two notes of one place."""
    return piece.onset.astype(np.int64) * PITCHES + piece.pitch


def _exact(piece: Piece, decoded: Piece, mine: Numbers, theirs: Numbers) -> NDArray[np.bool_]:
    """Which of the pairs agree to the tick of the piece: bool [pairs], in whole numbers."""
    begin, end = _units(piece)
    decoded_begin, decoded_end = _units(decoded)
    ticks, decoded_ticks = piece.ticks_per_quarter, decoded.ticks_per_quarter
    moved = np.abs(begin[mine] * decoded_ticks - decoded_begin[theirs] * ticks)
    moved_end = np.abs(end[mine] * decoded_ticks - decoded_end[theirs] * ticks)
    found: NDArray[np.bool_] = (moved <= HALF_TICK * decoded_ticks) & (
        moved_end <= 2 * HALF_TICK * decoded_ticks
    )
    return found


def _units(piece: Piece) -> tuple[Numbers, Numbers]:
    """Where notes begin and end, from the piece's own beat, in 1/24 tick."""
    onset, duration = piece.exact
    begin = onset * STEPS_PER_QUARTER - piece.lag
    return begin, begin + duration * STEPS_PER_QUARTER


@dataclass(frozen=True)
class _Timed:
    """Notes in seconds."""

    begin: Seconds
    end: Seconds
    pitch: NDArray[np.int32]

    @classmethod
    def of(cls, piece: Piece, tempo: float) -> _Timed:
        begin, end = _units(piece)
        seconds = np.float64(60 / tempo / STEPS_PER_QUARTER / piece.ticks_per_quarter)
        return cls(begin * seconds, end * seconds, piece.pitch)


def _near(reference: _Timed, decoded: _Timed, mine: Numbers, theirs: Numbers) -> int:
    """The largest number of notes that can be matched within the tolerances."""
    close = _close(reference, decoded, mine, theirs)
    mine, theirs = mine[close], theirs[close]
    matched = dict(zip(theirs.tolist(), mine.tolist(), strict=True))
    held = {note: other for other, note in matched.items()}
    free = np.ones(len(reference.pitch), dtype=bool)
    free[mine] = False
    free_decoded = np.ones(len(decoded.pitch), dtype=bool)
    free_decoded[theirs] = False
    # Where all notes of a pitch are matched on one side, no more can be.
    for pitch in np.intersect1d(reference.pitch[free], decoded.pitch[free_decoded]).tolist():
        notes = np.flatnonzero(reference.pitch == pitch)
        others = np.flatnonzero(decoded.pitch == pitch)
        rivals = {note: _rivals(reference, decoded, note, others) for note in notes.tolist()}
        for note in notes[free[notes]].tolist():
            _augment(note, rivals, matched, held)
    return len(matched)


def _close(reference: _Timed, decoded: _Timed, mine: Numbers, theirs: Numbers) -> NDArray[np.bool_]:
    begin, end = reference.begin[mine], reference.end[mine]
    onset_off = np.around(np.abs(begin - decoded.begin[theirs]), DECIMALS)
    end_off = np.around(np.abs(end - decoded.end[theirs]), DECIMALS)
    allowed = np.maximum(OFFSET_SHARE * (end - begin), OFFSET_SECONDS)
    found: NDArray[np.bool_] = (onset_off <= ONSET_SECONDS) & (end_off <= allowed)
    return found


def _rivals(reference: _Timed, decoded: _Timed, note: int, others: Numbers) -> list[int]:
    """The decoded notes, of the pitches' own, that one note may be matched with."""
    reach = ONSET_SECONDS + 10.0**-DECIMALS
    low, high = np.searchsorted(
        decoded.begin[others], [reference.begin[note] - reach, reference.begin[note] + reach]
    )
    some = others[low : min(high, low + MOST_RIVALS)]
    return list(map(int, some[_close(reference, decoded, np.full(len(some), note), some)]))


def _augment(note: int, rivals: dict[int, list[int]], matched: dict[int, int], held: dict[int, int]) -> None:
    """Match one more note, moving others if need be, if that can be done at all (Kuhn 1955, by breadth).

    Args:
        matched: decoded note -> note; `held` the other way round.
    """
    came_from: dict[int, int] = {}
    waiting = deque([note])
    while waiting:
        current = waiting.popleft()
        for other in rivals[current]:
            if other in came_from:
                continue
            came_from[other] = current
            if other in matched:
                waiting.append(matched[other])
                continue
            _turn(other, came_from, matched, held)
            return


def _turn(other: int, came_from: dict[int, int], matched: dict[int, int], held: dict[int, int]) -> None:
    """Back along the way that was found: each note takes the decoded note that it came to."""
    while True:
        holder = came_from[other]
        before = held.get(holder)
        matched[other], held[holder] = holder, other
        if before is None:
            return
        other = before
