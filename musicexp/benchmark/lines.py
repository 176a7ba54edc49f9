"""The table of a benchmark, as plain lines of at most 100 characters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from textwrap import wrap

from musicexp.benchmark.figure import MIXED, OURS, PPMS, VIEWPOINTS
from musicexp.benchmark.published import NOT_COMPARABLE, PUBLISHED, SOURCE
from musicexp.benchmark.standing import Cell, Standing, pairs
from musicexp.report import duration
from musicexp.wording import count

FIRST = f"bits per pitch of held-out melodies, mean over folds; published: {SOURCE}"
COLUMNS, WIDTH = 100, 30
FOLDINGS = {
    "random": "any melody in any fold, as published",
    "grouped": "near-duplicates in one fold",
}
NOTE = (
    "Difference: {called} less the other, paired by fold, with a 95 % Student-t interval over the folds; folds share "
    "what they train on, so that it is narrower than it ought to be. LTM+ goes on learning from each test melody "
    "that it has read; the {called} and LTM do not. Viewpoints: many PPMs that read intervals, steps of the scale and more "
    "(Conklin & Witten 1995); how much each is heard is fitted within the training part. Mixed with them, how far they are "
    "trusted is learned within each melody anew."
)
QUICK = "quick=true shows that everything works; its figures say nothing of what can be reached."


def standing_lines(standing: Standing) -> list[str]:
    """The table, its footnotes and the time that it took."""
    lines = [FIRST]
    for cell in standing.cells:
        lines += ["", *cell_lines(cell)]
    trained = math.fsum(second for cell in standing.cells for second in cell.seconds)
    time = f"time     {duration(trained)} of training in all, {at_once(standing.workers)}, on {standing.processor}"
    lines += [
        "",
        *wrap(time, COLUMNS, subsequent_indent=" " * 9),
        f"         this command took {duration(standing.seconds)}",
        *_tuning_lines(standing),
        *_first_lines(standing),
        "",
        *wrap(NOTE.format(called=_called(standing)), COLUMNS),
        *wrap(NOT_COMPARABLE, COLUMNS),
        *([QUICK] if standing.effort == "quick" else []),
    ]
    return lines


def _called(standing: Standing) -> str:
    """What the trained models are; a benchmark trains one kind."""
    return standing.cells[0].called if standing.cells else OURS


def at_once(workers: int) -> str:
    """How folds are trained, in words."""
    return "one after another with 1 thread" if workers == 1 else f"{workers} at once with 1 thread each"


def cell_lines(cell: Cell) -> Iterator[str]:
    """A data set with one folding."""
    known, width = PUBLISHED[cell.set], _width(cell)
    yield f"{cell.set}, {cell.folding} folds: {known.told}; {FOLDINGS[cell.folding]}"
    yield f"  {cell.pieces} melodies, {cell.pitches:,} pitches in {_folds(cell)}{_seeds(cell)}"
    if cell.reads == "rhythm":
        yield f"  the {cell.called} and viewpoints are told key, metre, phrases, each note's place and duration; PPM is not"
    if cell.learned_first is not None:
        yield f"  the {cell.called} has learned from {cell.learned_first:,} other melodies first:"
        yield "  it stands beside no published figure, nor beside what counts, which has not"
    if cell.folding == "random":
        for model, bits in known.bits_per_pitch.items():
            yield f"  {'published' if model == 'bigram' else '':11}{model:{width}}{bits:6.3f}"
        if known.reads_more:
            model, bits = known.reads_more
            yield f"  {'':11}{model:{width}}{bits:6.3f}   is told durations and metre too"
    else:
        yield f"  {'published':11}{'nothing: the published folds are random':{width}}"
    for number, model in enumerate([*PPMS, *VIEWPOINTS]):
        yield f"  {'here' if not number else '':11}{model:{width}}{_mean(cell, model)}"
    for model in (OURS, *MIXED.values()):
        yield f"  {'':11}{cell.name(model):{width}}{_mean(cell, model)}"
    for number, (ours, model) in enumerate(pairs()):
        found = cell.beside(model, ours)
        low, high = found.difference.low, found.difference.high
        interval = "[one fold has none]" if math.isnan(low) else f"[{low:+.3f}, {high:+.3f}]"
        won = f"lower in {found.lower_in} of {count(len(cell.folds), 'fold')}"
        yield f"  {'difference' if not number else '':11}{('to ' if ours == OURS else 'mixture to ') + model:{width}}{found.difference.mean:+6.3f}   {interval}   {won}"
    yield f"  {'model':11}{_parameters(cell)}; {duration(math.fsum(cell.seconds) / len(cell.folds))} of training a fold, {duration(math.fsum(cell.seconds))} in all"
    if not cell.whole:
        yield "  not all ten folds: these means do not stand beside the published ones"


def _width(cell: Cell) -> int:
    """Of the column of names."""
    return max(WIDTH, *(len(cell.name(model)) + 1 for model in cell.bits))


def _mean(cell: Cell, model: str) -> str:
    sd = cell.sd(model)
    return f"{cell.mean(model):6.3f}" + ("" if math.isnan(sd) else f"   sd over folds {sd:.3f}")


def _folds(cell: Cell) -> str:
    if cell.whole:
        return "ten folds"
    return f"{count(len(cell.folds), 'fold')} of ten ({', '.join(map(str, cell.folds))})"


def _seeds(cell: Cell) -> str:
    return "" if cell.seeds == 1 else f"; the {cell.called}'s figure is a mean of {cell.seeds} seeds"


def _parameters(cell: Cell) -> str:
    low, high = cell.parameters[0], cell.parameters[-1]
    return f"{low:,} parameters" if low == high else f"{low:,} to {high:,} parameters"


def _tuning_lines(standing: Standing) -> Iterator[str]:
    told = [cell for cell in standing.cells if cell.tuned_seconds is not None]
    if told:
        spent = duration(math.fsum(cell.tuned_seconds or 0.0 for cell in told))
        yield f"tuning   {spent} of training before, in searches within each fold (conf/tuned/)"


def _first_lines(standing: Standing) -> Iterator[str]:
    spent = {cell.set: cell.first_seconds for cell in standing.cells if cell.first_seconds is not None}
    if spent:
        yield f"first    {duration(math.fsum(spent.values()))} of training before, on other melodies"
