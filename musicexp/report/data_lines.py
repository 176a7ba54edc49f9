"""A data set in words: what a reader should know of it, the lines for a terminal, the cards of the collections."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from musicexp.music.collections import COLLECTIONS
from musicexp.report.description import Description, Loss
from musicexp.report.html import visible
from musicexp.wording import count

FIRST_REJECTED = 5
TELLING_LOSS = 0.99
"""Below this F1 a reader is told which representation loses less."""
DOUBTFUL_KEYS = 0.5
WIDTH = 120


def remarks(found: Description) -> list[str]:
    """What to know before one trains on it; the most important first."""
    told = []
    card, music, tokens = found.card, found.music, found.tokens
    if card.warning:
        told.append(f"{card.warning[0].upper()}{card.warning[1:]}.")
    if found.rejected.count:
        told.append(f"{count(found.rejected.count, 'file or tune', 'files or tunes')} could not be used.")
    if found.apart:
        others = " and ".join(found.settings["dataset"]["apart_from"])
        told.append(
            f"{count(found.apart, 'piece')} left out that {'shares' if found.apart == 1 else 'share'} a run of 15 intervals with a piece of {others}, in any key."
        )
    own, best = found.loss, max(found.losses, key=lambda loss: _known(loss.f1))
    if _known(own.f1) < TELLING_LOSS:
        less = (
            f"; tokens={best.kind} loses less (F1 {ratio(best.f1)}{on_sample(best)})"
            if _known(best.f1) > _known(own.f1)
            else ""
        )
        told.append(
            f"Of these pieces tokens={own.kind} keeps {share(own.sums.exact, own.sums.notes)} of the notes exactly: "
            f"F1 {ratio(own.f1)}{less}."
        )
    if music.free.pieces:
        told.append(
            f"{count(music.free.pieces, 'piece knows', 'pieces know')} no grid of 1/24 quarter (played freely, or written in other values): "
            f"the notes were moved by {music.free.mean_ms:.0f} ms on average and {music.free.most_ms:.0f} ms at most."
        )
    duplicates = found.duplicates
    if duplicates.groups:
        kept = (
            "each group stands on one side of the split"
            if duplicates.kept_together
            else "their groups are NOT kept on one side of the split, which flatters the test"
        )
        told.append(
            f"{duplicates.pieces:,} pieces repeat another one or share a run of 15 intervals with it, in any key, in {count(duplicates.groups, 'group')}: {kept}."
        )
    if tokens.replaced:
        told.append(
            f"{tokens.replaced:,} tokens of held-out pieces are none of the training pieces': their bits per note are too low."
        )
    if music.compared and music.agreeing < DOUBTFUL_KEYS * music.compared:
        told.append(
            f"Only {music.agreeing:,} of {music.compared:,} written keys are those that an analysis of the notes finds."
        )
    if card.held is not None and card.held != found.pieces and not found.settings["dataset"]["limit"]:
        told.append(f"The collection's card counts {card.held:,} pieces; {found.pieces:,} are here.")
    if found.moved:
        told.append(found.moved + ".")
    return told


def data_lines(found: Description, page: str) -> list[str]:
    """The summary for a terminal; nothing in it can disturb one.

    Args:
        page: where the page lies.
    """
    card, music, tokens = found.card, found.music, found.tokens
    sides = ", ".join(f"{side.pieces:,} {WORD_OF_SIDE[side.side]}" for side in found.sides)
    lines = [
        f"data     {visible(card.title)} ({visible(card.where)}): {count(found.pieces, 'piece')}, {count(found.notes, 'note')}, {hours(music.hours)}"
    ]
    if card.source:
        pieces = f"{card.held:,} pieces; " if card.held is not None else ""
        lines += [f"card     {pieces}{card.source}", f"licence  {card.licence}"]
    lines.append(f"split    {sides}")
    lines.append(
        f"tokens   {tokens.kind}: {tokens.total:,} tokens, {tokens.vocabulary:,} in the vocabulary; "
        f"{number(tokens.a_piece.least)} to {number(tokens.a_piece.most)} a piece, median {number(tokens.a_piece.median)}"
    )
    lines.append(f"loses    {loss_words(found.loss)}")
    lines += [
        f"         {loss.kind:8} F1 {ratio(loss.f1)}{on_sample(loss)}"
        for loss in found.losses
        if not loss.configured
    ]
    for i, remark in enumerate(remarks(found)):
        lines.append(f"{'' if i else 'note':8} {remark}")
    shown = found.rejected.first[:FIRST_REJECTED]
    lines += [f"         not used: {visible(what)}: {visible(why)}" for what, why in shown]
    if found.rejected.count > len(shown):
        lines.append(
            f"         and {found.rejected.count - len(shown):,} more: see rejected.csv beside the page"
        )
    return [*lines, f"page     {visible(page)}"]


WORD_OF_SIDE = {"train": "train", "val": "validation", "test": "test"}


def loss_words(loss: Loss) -> str:
    """What a representation loses, in a line."""
    causes = [f"{amount:,} {cause}" for cause, amount in causes_of(loss) if amount]
    what = f": {', '.join(causes)}" if causes else ""
    return f"{loss.kind:8} F1 {ratio(loss.f1)} to the tick, {ratio(loss.tolerant_f1)} within 50 ms{what}"


def on_sample(loss: Loss) -> str:
    """Says of how many pieces a loss speaks, if not of all."""
    return "" if loss.whole else f" on {count(loss.pieces, 'piece')}"


def causes_of(loss: Loss) -> list[tuple[str, int]]:
    """Why notes do not come back, each with how many."""
    sums = loss.sums
    return [
        ("off the grid", sums.off_grid),
        ("cut", sums.cut),
        ("lengthened", sums.lengthened),
        ("missing", sums.missing),
        ("added", sums.added),
        ("grace notes dropped in reading", sums.grace_notes),
        ("doubled notes dropped in reading", sums.doubled),
    ]


def collection_lines(settings_of: dict[str, str]) -> list[str]:
    """The cards of the bundled collections as a table, with their licences below it.

    Args:
        settings_of: a collection's name -> the words that choose it.
    """
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("setting", "name", "pieces", "licence", "source"):
        grid.add_column(
            head, justify="right" if head == "pieces" else "left", no_wrap=head != "source", overflow="fold"
        )
    licences = list(dict.fromkeys(card.licence for card in COLLECTIONS.values()))
    for card in COLLECTIONS.values():
        mark = f"[{licences.index(card.licence) + 1}]"
        grid.add_row(
            settings_of.get(card.name, f"dataset.collection={card.name}"),
            card.title.partition(" (")[0],
            f"{card.pieces:,}" if card.pieces is not None else "?",
            f"non-commercial {mark}" if card.warning else mark,
            card.source.partition(";")[0],
        )
    console = Console(width=WIDTH, no_color=True, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(grid)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return [
        "Collections that the installed music21 carries:",
        "",
        *lines,
        "",
        *(f"[{i}] {licence}" for i, licence in enumerate(licences, start=1)),
        "",
    ]


# ---------------------------------------------------------------------------------------------------
# Numbers in words


def share(part: float, whole: float) -> str:
    """Per cent; what is not all is never called 100 %, what is not none never 0 %."""
    if not whole:
        return "none"
    per_cent = 100 * part / whole
    if 0 < per_cent < 0.1:
        return "under 0.1 %"
    return "over 99.9 %" if 99.9 < per_cent < 100 else f"{per_cent:.1f} %".replace(".0 %", " %")


def ratio(value: float) -> str:
    """Four decimals, rounded down: only what is whole is called 1."""
    if math.isnan(value):
        return "none"
    return f"{math.floor(value * 10_000 + 1e-9) / 10_000:.4f}"


def hours(value: float) -> str:
    """Such as "17.1 hours", "12.4 minutes" or "40 seconds"."""
    if value >= 1:
        return f"{value:,.1f} hours"
    return f"{value * 60:.1f} minutes" if value * 60 >= 1 else f"{value * 3600:.0f} seconds"


def number(value: float) -> str:
    """Whole numbers without decimals, others with one."""
    return "none" if math.isnan(value) else f"{value:,.1f}".removesuffix(".0")


def _known(value: float) -> float:
    return 1.0 if math.isnan(value) else value
