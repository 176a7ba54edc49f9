"""The samples of a comparison as a grid: a row is a draw, a column a run, a cell what may be heard there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from musicexp.errors import SettingError
from musicexp.render.player import PlayerPiece, page_data
from musicexp.render.score import score_svg
from musicexp.render.sound import Sound
from musicexp.report.comparison import ComparedRun, ComparedSample, Comparison
from musicexp.report.comparison_curves import in_order
from musicexp.report.html import visible
from musicexp.wording import count

MOST_NOTES = 250_000
"""Of all pieces of a page: about 6 MB. Rows behind that are left out, and the page says so."""
MOST_SCORES = 24
"""Scores that a page holds, of its first rows: one takes a third of a second to engrave."""
ENDS = {"eos": "came to its end", "length": "was cut"}


@dataclass(frozen=True)
class Cell:
    """Where a row and a run meet.

    Attributes:
        piece: its id in the page's music; "" for a gap.
        gap: why there is nothing; "" where something is.
        told: a few words below the picture.
    """

    piece: str
    gap: str
    told: str = ""


@dataclass(frozen=True)
class GridRow:
    """A row of the grid.

    Attributes:
        title: such as "sample 1".
        drawn: how all of it was drawn, as far as it is the same for all runs.
        differs: a sentence if its cells were not drawn alike; "" if they were.
        cells: one a run, in the order of the page.
    """

    key: str
    title: str
    drawn: str
    differs: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class RealPiece:
    """A real piece, such as several runs may have left.

    Attributes:
        numbers: of the runs, from 1, that have it.
    """

    piece: str
    title: str
    numbers: tuple[int, ...]
    told: str


@dataclass(frozen=True)
class Heard:
    """What a page plays.

    Attributes:
        data: as `page_data` gives it.
        remarks: sentences for whoever listens.
    """

    data: dict[str, Any]
    rows: tuple[GridRow, ...]
    real: tuple[RealPiece, ...]
    remarks: tuple[str, ...]


def heard(found: Comparison, sound: Sound, most_scores: int = MOST_SCORES) -> Heard:
    """The samples of all runs, played by one instrument at one loudness.

    Args:
        most_scores: how many samples have a score; rows have them as a whole.
    """
    runs = [found.runs[place] for place in in_order(found)]
    numbers = sorted({sample.number for run in runs for sample in run.samples})
    rows: list[GridRow] = []
    entries: list[PlayerPiece] = []
    room = MOST_NOTES
    remarks = []
    for number in numbers:
        row, pieces = _row(number, runs)
        room -= sum(len(entry.piece) for entry in pieces)
        if room < 0 and rows:
            left = len(numbers) - len(rows)
            remarks.append(
                f"{count(left, 'row')} of samples did not fit into this page and cannot be heard here."
            )
            break
        rows.append(row)
        left = most_scores - sum(entry.score is not None for entry in entries)
        try:
            entries += [_engraved(piece) for piece in pieces] if len(pieces) <= left else pieces
        except SettingError as hint:  # few have Verovio, and a comparison is one without it
            most_scores = 0
            entries += pieces
            remarks.append(str(hint))
    real, originals = _real(runs)
    data = page_data([*entries, *originals], sound)
    return Heard(data, tuple(rows), tuple(real), (*remarks, *data["remarks"]))


def _engraved(entry: PlayerPiece) -> PlayerPiece:
    return replace(entry, score=score_svg([(entry.title, entry.piece)]))


def _row(number: int, runs: list[ComparedRun]) -> tuple[GridRow, list[PlayerPiece]]:
    by_run = [next((s for s in run.samples if s.number == number), None) for run in runs]
    there = [sample for sample in by_run if sample is not None]
    drawn, differs = _drawn(there)
    cells, entries = [], []
    for k, (run, sample) in enumerate(zip(runs, by_run, strict=True)):
        cell, entry = _cell(number, k, run, sample, bool(differs))
        cells.append(cell)
        entries += [entry] if entry else []
    return GridRow(str(number), f"sample {number}", drawn, differs, tuple(cells)), entries


def _cell(
    number: int, column: int, run: ComparedRun, sample: ComparedSample | None, apart: bool
) -> tuple[Cell, PlayerPiece | None]:
    if sample is None:
        word = "not yet drawn" if run.status == "RUNNING" else "no such sample"
        return Cell("", word), None
    told = _length(sample)
    if apart:
        told = f"{', '.join(_conditions(sample))}; {told}"
    if sample.piece is None:
        return Cell("", "file gone" if run.status != "RUNNING" else "not yet drawn", told), None
    if not len(sample.piece):
        told = "no notes: ended before the first one"
    id_ = f"{number}/{column}"
    facts = [*_facts(sample), ("notes", str(len(sample.piece)))]
    if sample.ended_by in ENDS:
        facts.append(("end", ENDS[sample.ended_by]))
    entry = PlayerPiece(
        id=id_,
        title=f"sample {number} of {visible(run.name)}",
        group="samples",
        piece=sample.piece,
        facts=tuple(facts),
    )
    return Cell(id_, "", told), entry


def _facts(sample: ComparedSample) -> list[tuple[str, str]]:
    found = []
    if sample.temperature is not None:
        found.append(("temperature", f"{sample.temperature:g}"))
    if sample.prime:
        found.append(("prime", visible(sample.prime)))
    return found


def _conditions(sample: ComparedSample) -> list[str]:
    """How a sample was drawn, in words."""
    told = [f"{name} {value}" for name, value in _facts(sample)]
    if sample.draw is not None:
        told.append(f"draw {sample.draw}")
    if sample.seed is not None:
        told.append(f"seed {sample.seed}")
    return told or ["nobody knows how it was drawn"]


def _drawn(there: list[ComparedSample]) -> tuple[str, str]:
    """How the samples of a row were drawn, and a sentence if not all in the same way."""
    ways = {(s.temperature, s.draw, s.seed, s.prime) for s in there}
    if len(ways) == 1:
        return ", ".join(_conditions(there[0])), ""
    names = ("temperatures", "draws", "seeds", "primes")
    apart = [name for k, name in enumerate(names) if len({way[k] for way in ways}) > 1]
    return "", f"Not drawn alike: other {' and '.join(apart)}."


def _length(sample: ComparedSample) -> str:
    told = [] if sample.notes is None else [count(sample.notes, "note")]
    if sample.ended_by == "length":
        told.append("cut")
    return ", ".join(told)


def _real(runs: list[ComparedRun]) -> tuple[list[RealPiece], list[PlayerPiece]]:
    """Every real piece once, whichever runs left it."""
    having: dict[tuple[str, bytes], list[int]] = {}
    first: dict[tuple[str, bytes], tuple[str, Any, str]] = {}
    for k, run in enumerate(runs):
        for reference in run.references:
            piece = reference.piece
            if piece is None:
                continue
            key = (reference.title, repr(list(piece.notes())).encode())
            having.setdefault(key, []).append(k + 1)
            side = str(reference.facts.get("split", reference.facts.get("side", "")))
            first.setdefault(key, (visible(reference.title), piece, visible(side)))
    real, entries = [], []
    for number, (key, numbers) in enumerate(having.items()):
        title, piece, side = first[key]
        told = count(len(piece), "note") + (f", {side}" if side else "")
        real.append(RealPiece(f"real/{number}", title, tuple(numbers), told))
        facts = [("notes", str(len(piece)))] + ([("side", side)] if side else [])
        entries.append(PlayerPiece(f"real/{number}", title, "reference", piece, tuple(facts)))
    return real, entries
