"""What is copied, to read and to hear: each passage beside the tune it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import NamedTuple

from musicexp.errors import SettingError
from musicexp.metrics.judgement import Judged, Judgement, Passage
from musicexp.music import STEPS_PER_QUARTER, Piece
from musicexp.render.judged_bands import colour
from musicexp.render.judged_sections import metric_rows, set_name
from musicexp.render.judged_words import written
from musicexp.render.player import PlayerPiece
from musicexp.render.score import score_svg
from musicexp.wording import count

MOST_SHOWN = 6
"""Copied passages on a page, over all sets: the longest ones."""
MOST_QUARTERS = 64.0
"""Of a passage that is heard and engraved; whoever copied more is known by then."""


class Shown(NamedTuple):
    """A passage on the page; its number from 1, its set by its number from 0."""

    number: int
    set: int
    judged: Judged
    passage: Passage

    @property
    def ids(self) -> tuple[str, str]:
        """Of the copy and of the original among the page's pieces."""
        return f"copy_{self.number}", f"original_{self.number}"


def shown_passages(judgement: Judgement) -> list[Shown]:
    """The longest copies of all sets, longest first."""
    every = [(k, judged, passage) for k, judged in enumerate(judgement.sets) for passage in judged.passages]
    longest = sorted(every, key=lambda one: -one[2].copy.notes)[:MOST_SHOWN]
    return [Shown(number, *one) for number, one in enumerate(longest, 1)]


def passage_pieces(shown: Sequence[Shown]) -> tuple[list[PlayerPiece], list[str]]:
    """Both passages of each pair for the page to play, engraved where Verovio is there, and a remark where it is not."""
    entries = []
    for one in shown:
        names = one.passage.name, one.passage.source
        pieces = one.passage.generated, one.passage.original
        for id_, title, piece in zip(one.ids, names, pieces, strict=True):
            entries.append(PlayerPiece(id_, title, "samples", _beginning(piece)))
    try:
        return [replace(entry, score=score_svg([("", entry.piece)])) for entry in entries], []
    except SettingError as hint:  # a passage is read from its roll without it
        return entries, [str(hint)]


def _beginning(piece: Piece) -> Piece:
    kept = piece.onset < MOST_QUARTERS * STEPS_PER_QUARTER
    return piece if kept.all() else piece.only(kept)


def novelty_section(judgement: Judgement, shown: Sequence[Shown]) -> str:
    """Whether it is new: figures beside those of held-out pieces, then each copied passage beside its source."""
    lines = "".join(_told(number, judged) for number, judged in enumerate(judgement.sets))
    pairs = "".join(_pair(one) for one in shown)
    drawn = any(judged.temperature is not None for judged in judgement.sets)
    whose = "that the model learned from" if drawn else "of the reference"
    return (
        '<section id="novelty" aria-labelledby="novelty-heading"><h2 id="novelty-heading">Novelty</h2>'
        f'<p class="note">First, since copied music looks perfect on everything else. Copies are searched in {count(judgement.learned, "piece")} '
        f"{whose}, in any key. A run is called a copy if it is longer than those that real, unseen music shares with them.</p>"
        f'<ul class="plain">{lines}</ul>{metric_rows(judgement, "novelty")}{pairs}{_variety(judgement)}</section>'
    )


def _told(number: int, judged: Judged) -> str:
    name = f'<b class="{colour(number)} name">{set_name(judged)}</b>'
    pieces = count(len(judged.names), "piece")
    if not judged.copied:
        return f"<li>{name} Nothing is copied in {pieces}.</li>"
    return f"<li>{name} {judged.copied:,} of {pieces} {'holds' if judged.copied == 1 else 'hold'} a copied passage.</li>"


def _variety(judgement: Judgement) -> str:
    """How different the pieces of a set are from each other."""
    rows = "".join(
        f'<tr><th scope="row" class="{colour(k)} name">{set_name(judged)}</th><td>{written(judged.distinct)}</td><td>{written(judged.edit_distance)}</td></tr>'
        for k, judged in enumerate(judgement.sets)
    )
    return (
        '<div class="scroll variety" role="region" tabindex="0" aria-label="Variety within a set"><table><caption>Variety within a set</caption>'
        '<thead><tr><td></td><th scope="col">different 4-grams</th><th scope="col">edit distance</th></tr></thead>'
        f'<tbody><tr class="real"><th scope="row">real</th><td>{written(judgement.real_distinct)}</td><td>{written(judgement.real_edit_distance)}</td></tr>{rows}</tbody></table></div>'
    )


def _pair(one: Shown) -> str:
    copy, passage = one.passage.copy, one.passage
    moved = (
        "in the same key"
        if not copy.semitones
        else f"moved {'up' if copy.semitones > 0 else 'down'} by {count(abs(copy.semitones), 'semitone')}"
    )
    heading = f'<b class="{colour(one.set)} name">{set_name(one.judged)}</b> {count(copy.notes, "note")} of <bdi>{escape(passage.name)}</bdi> stand in <bdi>{escape(passage.source)}</bdi>, {moved}'
    sides = "".join(
        _side(id_, name, words)
        for id_, name, words in zip(
            one.ids,
            (passage.name, passage.source),
            (
                f"from note {copy.begin + 1:,} on{_shortened(passage.generated)}",
                f"real music, from note {copy.source_begin + 1:,} on{_shortened(passage.original)}",
            ),
            strict=True,
        )
    )
    both = f'<button type="button" class="both" data-pair="{" ".join(one.ids)}" aria-pressed="false">One after the other</button>'
    return f'<article class="pair"><h3>{heading}</h3>{both}<div class="sides">{sides}</div></article>'


def _shortened(piece: Piece) -> str:
    return f"; its first {MOST_QUARTERS:g} quarters" if piece.quarters > MOST_QUARTERS else ""


def _side(id_: str, name: str, words: str) -> str:
    told = escape(name)
    return (
        f'<figure id="{id_}" class="side"><figcaption><button type="button" class="play" data-play="{id_}" aria-pressed="false" aria-label="Play {told}">'
        '<svg viewBox="0 0 24 24" aria-hidden="true"><path class="off" d="M7.5 4.5v15L20 12z"/><path class="on" d="M6.5 5h4v14h-4zM13.5 5h4v14h-4z"/></svg></button>'
        f'<span><bdi class="of">{told}</bdi><small>{escape(words)}</small></span></figcaption>'
        f'<div class="stand" data-roll="{id_}" aria-label="Place in {told}"></div><div class="sheet" data-score="{id_}" data-name="{told}"></div></figure>'
    )
