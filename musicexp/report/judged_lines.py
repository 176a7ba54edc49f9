"""A judgement in a terminal: the lines that tell most, at most 100 columns wide; the page has all of it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from musicexp.metrics.distances import Stand
from musicexp.metrics.judgement import Judged, Judgement
from musicexp.metrics.panel import METRICS
from musicexp.render.judged_heat import nearest_words
from musicexp.render.judged_words import (
    ALIKE,
    FEWEST,
    LESS,
    MORE,
    NO_VALUE,
    TOO_FEW,
    auc_words,
    between,
    listed,
    standing,
    written,
)
from musicexp.report.html import visible
from musicexp.report.study_facts import cut
from musicexp.wording import count, ended

WIDTH = 100
AT_ONCE = 2
"""Sets side by side; more stand below each other in blocks."""
TELLING = (
    "longest_copy", "copied_8grams",
    "repeated_4grams", "structure_middle", "ends_on_tonic",
    "groove", "off_eighth",
    "interval_entropy", "leaps",
    "pitch_class_entropy", "scale_consistency",
    "consonance", "voices",
)  # fmt: skip
"""Novelty first, which gates the rest; then structure and rhythm, where such models fail; a few of every other aspect."""
SHORT = {ALIKE: "alike", LESS: "less", MORE: "more", NO_VALUE: "", TOO_FEW: "few"}
LEGEND = "less, more: than real music; alike: cannot be told apart. Nothing is better when it is higher."
FEW = f"few: fewer than {FEWEST} pieces on one side tell nothing."
LONGEST = 28
"""Letters of a set's name in a line."""
MOST_WIDE = 6
"""Columns of it above its figures where two sets stand side by side."""
MOST_NAMES = 4


def judged_lines(judgement: Judgement) -> list[str]:
    """What a run or `evaluate` ends with: what is broken, what is copied, two sets at a time beside real music, the sweep."""
    if not judgement.sets:
        return []
    lines = [line for judged in judgement.sets for line in fault_lines(judged)]
    lines += [copy_line(judged) for judged in judgement.sets]
    for begin in range(0, len(judgement.sets), AT_ONCE):
        lines += ["", *_block(judgement.sets[begin : begin + AT_ONCE], judgement.real_names)]
    lines += [LEGEND]
    stands = [stand for judged in judgement.sets for name, stand in judged.stands.items() if name in TELLING]
    if any(standing(stand) == TOO_FEW for stand in stands):
        lines.append(FEW)
    if judgement.heat is not None:
        lines.append(f"heat     {nearest_words(judgement.heat)}")
    return lines


def fault_lines(judged: Judged) -> list[str]:
    """Degenerate pieces in words, with the likely cause and what to try."""
    return [
        f"broken   {_name(judged)}: {' '.join(_ended(words) for words in (fault.words, fault.cause, fault.advice) if words)}"
        + (
            ""
            if fault.advice
            else f" {_ended(listed([visible(judged.names[k]) for k in fault.pieces], MOST_NAMES))}"
        )
        for fault in judged.faults
    ]


def _ended(words: str) -> str:
    """As a sentence of its own."""
    return ended(visible(words.strip()))


def copy_line(judged: Judged) -> str:
    """In how many pieces something is copied, and where the longest passage came from."""
    if not judged.passages:
        return f"copied   {_name(judged)}: nothing in {count(len(judged.names), 'piece')}"
    first = max(judged.passages, key=lambda passage: passage.copy.notes)
    others = list(
        dict.fromkeys(
            visible(passage.source) for passage in judged.passages if passage.source != first.source
        )
    )
    # Passages are of a few pieces only: what the rest is copied from is not counted here.
    unnamed = len(others) > MOST_NAMES or judged.copied > len(judged.passages)
    more = f"; others from {', '.join(others[:MOST_NAMES])}{' and elsewhere' * unnamed}" if others else ""
    whole = int((judged.values["copied_8grams"] == 1).sum())
    more += f"; {count(whole, 'piece')} {'stands' if whole == 1 else 'stand'} there whole" if whole else ""
    return (
        f"copied   {_name(judged)}: in {judged.copied:,} of {count(len(judged.names), 'piece')}; the longest, {count(first.copy.notes, 'note')} "
        f"of {visible(first.name)}, stands in {visible(first.source)}{more}"
    )


def _name(judged: Judged) -> str:
    return cut(visible(judged.key), LONGEST)


def _block(sets: Sequence[Judged], real_names: Sequence[str]) -> list[str]:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("music", no_wrap=True)
    table.add_column("real (9 in 10)", no_wrap=True)
    for judged in sets:
        table.add_column(
            Text(_name(judged)), no_wrap=True, justify="right", max_width=MOST_WIDE, overflow="ellipsis"
        )
        table.add_column("AUC", no_wrap=True)
        table.add_column("", no_wrap=True)
    for name in TELLING:
        stands = [judged.stands.get(name) for judged in sets]
        real = next((stand for stand in stands if stand), None)
        if real is None:
            continue
        told = [cell for stand in stands for cell in _cells(stand)]
        # What only chords have an answer to is told of the few pieces that have chords.
        few = f", {real.real:,} real" if 2 * real.real < len(real_names) else ""
        table.add_row(f"{METRICS[name].title}{few}", f"{written(real.real_mean.mean)} ({between(real.band[0], real.band[4])})", *told)  # fmt: skip
    return _rendered(table)


def _cells(stand: Stand | None) -> tuple[str, str, str]:
    """Mean, AUC with its interval, and a word."""
    if stand is None or not stand.generated:
        return "", "", ""
    return written(stand.mean.mean), auc_words(stand.auc), SHORT[standing(stand)]


def _rendered(table: Table) -> list[str]:
    console = Console(width=WIDTH, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]
