"""Notation: a Piece as it is written, in bars, staves, voices, note values, ties, triplets and beams.

What sounds stays the truth. Where notation cannot say it readably, times are moved to thirty-seconds and triplets,
and of more than two voices on a staff the longer notes are shortened; how many notes that concerns is counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from musicexp.music.bars import SHORTEST, Metre, bar_begins, metre_of
from musicexp.music.beams import Head, Item, beamed, bracketed
from musicexp.music.piece import Piece
from musicexp.music.rhythm import Bar, Span, Value, rounded, values
from musicexp.music.signatures import alteration
from musicexp.music.spelling import Spelling, signature_of, spelling
from musicexp.music.staves import Chord, Clef, Staff, staves

MOST_BARS = 400
MOST_NOTES = 2000
"""What is written of a long piece: its beginning."""
REPEATED = 8
"""So many times a note may be repeated before the one that it leads to, for its spelling."""


@dataclass(frozen=True)
class WrittenStaff:
    """A staff: for each bar its voices, from the upper one; a voice without a note is empty, but for the first.

    Attributes:
        number: of its part, from 0.
        name: what the source calls the part.
    """

    number: int
    name: str
    clef: Clef
    bars: tuple[tuple[tuple[Item, ...], ...], ...]


@dataclass(frozen=True)
class Notation:
    """A piece as it is written.

    Attributes:
        signature: sharps, or flats below 0.
        bars: where they begin and end.
        upbeat: steps of the first bar if that is one, else 0.
        rounded: how many of the notes are not written exactly as they sound.
        notes: how many are written.
        left_out_bars, left_out_parts: how many bars behind the last one, and parts below the last one, are not written.
    """

    signature: int
    metre: Metre
    bars: tuple[Bar, ...]
    upbeat: int
    staves: tuple[WrittenStaff, ...]
    rounded: int
    notes: int
    left_out_bars: int
    left_out_parts: int


def notation(piece: Piece) -> Notation:
    """How a piece is written. Any piece can be; one without a note is a bar of rest.

    Indices of notes are those of the piece's notes.
    """
    metre = metre_of(piece)
    begins, upbeat = bar_begins(piece, metre)
    kept = min(len(begins) - 1, MOST_BARS)
    if len(piece) > MOST_NOTES:
        kept = max(1, min(kept, bisect_right(begins, int(piece.onset[MOST_NOTES])) - 1))
    bars = tuple(
        Bar(a, b, metre.steps - upbeat if upbeat and not i else 0)
        for i, (a, b) in enumerate(pairwise(begins[: kept + 1]))
    )
    piece = piece.only(piece.onset < bars[-1].end)  # in order of onsets, so that indices stay
    signature = signature_of(piece)
    writer = _Writer(piece, metre, bars, signature)
    written = [writer.staff(staff) for staff in staves(piece)]
    return Notation(
        signature,
        metre,
        bars,
        upbeat,
        tuple(written),
        writer.rounded,
        sum(int((piece.part == number).sum()) for number in {staff.number for staff in written}),
        len(begins) - 1 - kept,
        len(set(piece.part.tolist())) - len({staff.number for staff in written}),
    )


class _Writer:
    """Writes the staves of a piece, and counts the notes that are not written as they sound."""

    def __init__(self, piece: Piece, metre: Metre, bars: tuple[Bar, ...], signature: int) -> None:
        self.rounded = 0
        self._pitches: list[int] = piece.pitch.tolist()
        end = bars[-1].end
        self._sounding = [(note.onset, min(note.onset + note.duration, end)) for note in piece.notes()]
        self._fermatas = set(piece.held.nonzero()[0].tolist())
        self._names = piece.parts
        self._metre = metre
        self._bars = bars
        self._signature = signature

    def staff(self, staff: Staff) -> WrittenStaff:
        """Write a staff."""
        end = self._bars[-1].end
        voices = []
        for voice in staff.voices:
            events = [(chord.begin, min(chord.end, end)) for chord in voice]
            moved, spans = rounded(events, self._bars, self._metre)
            for chord, after in zip(voice, moved, strict=True):
                self.rounded += sum(self._sounding[note] != after for note in chord.notes)
            chords = [
                chord._replace(begin=begin, end=stop)
                for chord, (begin, stop) in zip(voice, moved, strict=True)
            ]
            voices.append(list(self._bars_of(chords, spans)))
        bars = tuple(self._bar(list(each)) for each in zip(*voices, strict=True))
        name = self._names[staff.part] if staff.part < len(self._names) else ""
        return WrittenStaff(staff.part, name, staff.clef, bars)

    def _bars_of(self, chords: list[Chord], spans: list[Span]) -> Iterator[list[Item]]:
        """Of one voice the items of each bar."""
        spelt = self._spelt(chords)
        shares: list[list[tuple[int, int, int]]] = [[] for _ in self._bars]
        begins = [bar.begin for bar in self._bars]
        for i, chord in enumerate(chords):
            at = bisect_right(begins, chord.begin) - 1
            while at < len(self._bars) and self._bars[at].begin < chord.end:
                bar = self._bars[at]
                shares[at].append((max(chord.begin, bar.begin), min(chord.end, bar.end), i))
                at += 1
        inner: dict[int, list[Span]] = {}
        for span in spans:
            if span.triplet:
                inner.setdefault(bisect_right(begins, span.begin) - 1, []).append(span)
        for number, bar in enumerate(self._bars):
            events = _filled(shares[number], bar)
            edges = [begin for begin, _, _ in events]
            triplets = [
                span
                for span in inner.get(number, ())
                if any(span.begin < edge < span.end and (edge - span.begin) % SHORTEST for edge in edges)
            ]
            yield self._items(events, bar, triplets, chords, spelt)

    def _items(
        self,
        events: list[tuple[int, int, int | None]],
        bar: Bar,
        triplets: list[Span],
        chords: list[Chord],
        spelt: list[list[Spelling]],
    ) -> list[Item]:
        items: list[Item] = []
        places: list[Value] = []
        for begin, end, which in events:
            whole_rest = which is None and (begin, end) == (bar.begin, bar.end)
            found = (
                [Value(0, end - begin, 0, None)]
                if whole_rest
                else list(values(begin, end, bar, self._metre, triplets, rest=which is None))
            )
            for value in found:
                heads: tuple[Head, ...] = ()
                fermata = False
                if which is not None:
                    chord, at = chords[which], bar.begin + value.begin
                    before, behind = at > chord.begin, at + value.length < chord.end
                    heads = tuple(
                        Head(note, written, False, before, behind)
                        for note, written in zip(chord.notes, spelt[which], strict=True)
                    )
                    # Of tied notes the last one has it.
                    fermata = not behind and not self._fermatas.isdisjoint(chord.notes)
                items.append(Item(value.begin, value.length, value.units, heads, fermata=fermata))
                places.append(value)
        return beamed(bracketed(items, places), bar, self._metre)

    def _spelt(self, chords: list[Chord]) -> list[list[Spelling]]:
        """The spellings of each chord's notes: each looks for the first chord that does not repeat it."""
        pitches = [[self._pitches[note] for note in chord.notes] for chord in chords]
        found = []
        for i, own in enumerate(pitches):
            spelt = []
            for pitch in own:
                next_ones = (each for each in pitches[i + 1 : i + 1 + REPEATED] if pitch not in each)
                spelt.append(spelling(pitch, self._signature, next(next_ones, [])))
            found.append(spelt)
        return found

    def _bar(self, voices: list[list[Item]]) -> tuple[tuple[Item, ...], ...]:
        """The voices of a bar, with its accidentals, and without rests where the other voice sounds."""
        voices = self._with_accidentals(voices)
        if len(voices) == 2:
            first, second = voices
            sounding = [(item.begin, item.begin + item.length) for item in second if item.heads]
            if not sounding:
                return tuple(first), ()
            first = [
                item._replace(shown=bool(item.heads or item.ratio) or not _covered(item, sounding))
                for item in first
            ]
            return tuple(first), tuple(item._replace(shown=bool(item.heads or item.ratio)) for item in second)
        return (tuple(voices[0]),)

    def _with_accidentals(self, voices: list[list[Item]]) -> list[list[Item]]:
        """An accidental holds for its line or space to the end of the bar, in both voices."""
        holds: dict[tuple[str, int], int] = {}
        in_time = sorted((item.begin, v, i) for v, voice in enumerate(voices) for i, item in enumerate(voice))
        for _, v, i in in_time:
            heads = []
            for head in voices[v][i].heads:
                letter, alter, octave = head.spelling
                held = holds.get((letter, octave), alteration(letter, self._signature))
                drawn = held != alter and not head.tied_before
                if drawn:
                    holds[letter, octave] = alter
                heads.append(head._replace(accidental=drawn))
            voices[v][i] = voices[v][i]._replace(heads=tuple(heads))
        return voices


def _filled(shares: Sequence[tuple[int, int, int]], bar: Bar) -> list[tuple[int, int, int | None]]:
    """The events of a bar with rests between them, from its begin to its end."""
    found: list[tuple[int, int, int | None]] = []
    at = bar.begin
    for begin, end, which in shares:
        if begin > at:
            found.append((at, begin, None))
        found.append((begin, end, which))
        at = end
    if at < bar.end:
        found.append((at, bar.end, None))
    return found


def _covered(item: Item, sounding: Sequence[tuple[int, int]]) -> bool:
    """Whether something sounds as long as an item lasts."""
    at = item.begin
    for begin, end in sounding:
        if begin <= at < end:
            at = end
    return at >= item.begin + item.length
