"""From a prepared data set to its description: one pass over the music, with memory that stays flat."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp import __version__
from musicexp.config import Config
from musicexp.data import TokenStore, prepare_store
from musicexp.data.prepare import music_of
from musicexp.metrics import RoundTrip, roundtrip
from musicexp.music import SIDES, STEPS_PER_QUARTER, Piece
from musicexp.music.corpus import Progress, Source, source_of
from musicexp.music.reading import printable
from musicexp.report.description import (
    Card,
    Description,
    DuplicateGroup,
    Duplicates,
    Example,
    Free,
    KeyCount,
    Loss,
    Music,
    Rejected,
    SideFigures,
    Spread,
    TokenFigures,
    commonest,
)
from musicexp.report.tally import LONGEST_STEPS, MusicTally
from musicexp.tokens import TOKENIZERS, tokenizer

SAMPLED = 300
"""Pieces that a representation other than the configured one is tried on."""
LONGEST_SAMPLED = 20_000
"""Notes of the longest of them: to spell a day of music as ABC takes minutes."""
EXAMPLES = {"train": 4, "val": 2, "test": 2}
COMMONEST_TOKENS = 20
LARGEST_GROUPS = 10
GROUP_MEMBERS = 12
FREEST = 10
REJECTED_SHOWN = 200
TOLD_EVERY = 100

Numbers = NDArray[np.int64]


def describe(
    config: Config, words: Sequence[str], cache: Path, progress: Progress | None = None
) -> Description:
    """Prepare the data set that the settings name, as a run would, and say what it holds.

    Args:
        words: the settings as they were given, to be repeated.
        cache: the folder of what is prepared.

    Raises:
        MusicError: the music is not there, none of it can be used, or there is too little to split.
        StoreError: the cache cannot be used.
    """
    store = prepare_store(
        config.dataset, config.split, config.tokens, cache, strict=config.strict, progress=progress
    )
    source = source_of(config.dataset.collection, config.dataset.path)
    found = _Pass(store, config.tokens.kind)
    for number, reading in music_of(store, config.dataset, cache):
        for piece in reading.pieces:
            found.add(piece)
        done = number + 1
        if progress and (done % TOLD_EVERY == 0 or done == store.summary.files):
            progress("describing the pieces", done, store.summary.files)
    figures = store.summary
    return Description(
        card=_card(config, source),
        place=hashlib.sha256(os.fspath(source.root.resolve()).encode(errors="surrogateescape")).hexdigest()[
            :16
        ],
        words=[printable(word) for word in words],
        settings=_settings(config),
        fingerprint=figures.fingerprint,
        version=__version__,
        files=figures.files,
        pieces=figures.pieces,
        notes=figures.notes,
        grace_notes=figures.grace_notes,
        doubled=figures.doubled,
        off_grid=figures.off_grid,
        apart=figures.apart,
        moved=figures.moved,
        music=found.music(),
        tokens=_token_figures(store, config.tokens.kind),
        sides=_sides(store),
        duplicates=found.duplicates(kept_together=config.split.grouped),
        rejected=Rejected(
            figures.rejected,
            commonest(figures.reasons),
            list(islice(store.rejected(), REJECTED_SHOWN)),
        ),
        losses=found.losses(),
        examples=found.examples(),
        rejected_csv=store.rejected_csv(),
    )


def _settings(config: Config) -> dict[str, Any]:
    told = {name: part for name, part in config.as_dict().items() if name in ("dataset", "split", "tokens")}
    told["dataset"]["path"] = config.dataset.path and printable(config.dataset.path)
    return told


def _card(config: Config, source: Source) -> Card:
    card = source.card
    if card is None:
        folder = source.root.resolve()
        title = printable(folder.name or os.fspath(folder))
        return Card(title, title, printable(source.where), "", "", "", None)
    name = config.dataset.name if card.name.startswith(config.dataset.name) else card.name
    return Card(name, card.title, card.name, card.licence, card.source, card.warning, card.pieces)


class _Pass:
    """What is gathered while the pieces go by, in the order in which the store numbers them."""

    def __init__(self, store: TokenStore, kind: str) -> None:
        self._store = store
        self._kind = kind
        self._tally = MusicTally(store.summary.pieces)
        self._sums = {name: RoundTrip() for name in [kind, *(k for k in TOKENIZERS if k != kind)]}
        self._tried = dict.fromkeys(self._sums, 0)
        pieces = store.summary.pieces
        self._sample = set((np.arange(min(SAMPLED, pieces)) * pieces // min(SAMPLED, pieces)).tolist())
        self._shown = {
            int(number): side for side in SIDES for number in store.on(side)[: EXAMPLES[side]].tolist()
        }
        self._examples: dict[int, Piece] = {}
        self._groups = _largest_groups(store.groups)
        moved = np.where(store.table["free"], store.table["moved_ms"], 0)
        self._freest = [int(i) for i in np.argsort(-moved, kind="stable")[:FREEST] if moved[i] > 0]
        self._names: dict[int, str] = dict.fromkeys(
            [*self._freest, *(number for group in self._groups for number in group[:GROUP_MEMBERS].tolist())],
            "",
        )
        self._number = 0

    def add(self, piece: Piece) -> None:
        """Take the next piece in."""
        number, self._number = self._number, self._number + 1
        self._tally.add(piece)
        if number in self._names:
            self._names[number] = piece.name
        if number in self._shown:
            self._examples[number] = piece
        for kind in self._sums:
            sampled = number in self._sample and len(piece) <= LONGEST_SAMPLED
            if kind == self._kind or sampled:
                spelling = tokenizer(kind)
                decoded = spelling.piece(spelling.tokens(piece), piece.name, like=piece)
                self._sums[kind] += roundtrip(piece, decoded)
                self._tried[kind] += 1

    def music(self) -> Music:
        """What sounds."""
        tally = self._tally
        keys = [
            KeyCount(key, tally.written[key], tally.analysed[key]) for key in tally.written | tally.analysed
        ]
        lengths = np.flatnonzero(tally.durations[: LONGEST_STEPS + 1]).tolist()
        table = self._store.table
        return Music(
            quarters=tally.quarters,
            hours=float(tally.seconds.sum(dtype=np.float64)) / 3600,
            piece_seconds=Spread.of(tally.seconds),
            keys=sorted(keys, key=lambda k: (-k.pieces, k.key)),
            agreeing=tally.agreeing,
            compared=tally.compared,
            metres=[(f"{beats}/{unit}", count) for (beats, unit), count in commonest(tally.metres)],
            tempo=Spread.of(table["tempo"]),
            tempos=commonest(tally.tempos),
            pitches=tally.pitches.tolist(),
            ambitus=Spread.of(tally.ambitus),
            intervals=tally.intervals.tolist(),
            durations=[(steps / STEPS_PER_QUARTER, int(tally.durations[steps])) for steps in lengths],
            longer_notes=int(tally.durations[LONGEST_STEPS + 1]),
            sounding_quarters=(tally.sounding / STEPS_PER_QUARTER).tolist(),
            parts=sorted(tally.parts.items()),
            free=Free(
                self._store.summary.free,
                self._store.summary.moved_ms,
                self._store.summary.moved_most_ms,
                [(self._names[i], float(table["moved_ms"][i])) for i in self._freest],
            ),
        )

    def duplicates(self, *, kept_together: bool) -> Duplicates:
        """Groups of pieces that share a long run of intervals."""
        sizes = np.bincount(self._store.groups)
        several = sizes[sizes > 1]
        largest = [
            DuplicateGroup(
                len(group),
                [(self._names[i], SIDES[self._store.sides[i]]) for i in group[:GROUP_MEMBERS].tolist()],
            )
            for group in self._groups
        ]
        return Duplicates(len(several), int(several.sum()), kept_together, largest)

    def losses(self) -> list[Loss]:
        """The configured representation first."""
        return [
            Loss.of(
                kind,
                sums,
                self._tried[kind],
                configured=kind == self._kind,
                whole=self._tried[kind] == self._number,
            )
            for kind, sums in self._sums.items()
        ]

    def examples(self) -> list[Example]:
        """Some pieces of each side: the first in order of content, so that nobody picked them."""
        return [Example(self._examples[i].name, side, self._examples[i]) for i, side in self._shown.items()]


def _largest_groups(groups: NDArray[np.int32]) -> list[Numbers]:
    """The numbers of the pieces of the largest groups of two and more."""
    sizes = np.bincount(groups)
    firsts = np.argsort(-sizes, kind="stable")[:LARGEST_GROUPS]
    return [np.flatnonzero(groups == first) for first in firsts.tolist() if sizes[first] > 1]


def _token_figures(store: TokenStore, kind: str) -> TokenFigures:
    names = store.vocabulary.tokens
    counts, lengths = np.zeros(len(names), dtype=np.int64), []
    for side in SIDES:
        pieces = store.sequences(side)
        lengths.append(pieces.lengths() - 2)
        for piece in pieces:
            np.add.at(counts, piece[1:-1], 1)
    order = np.argsort(-counts, kind="stable")[:COMMONEST_TOKENS].tolist()
    music = counts[store.vocabulary.first :]
    return TokenFigures(
        kind=kind,
        vocabulary=len(names),
        total=int(counts.sum()),
        a_piece=Spread.of(np.concatenate(lengths)),
        commonest=[(names[i], int(counts[i])) for i in order if counts[i]],
        once=int((music == 1).sum()),
        never=int((music == 0).sum()),
        replaced=store.summary.replaced,
    )


def _sides(store: TokenStore) -> list[SideFigures]:
    found = []
    for side in SIDES:
        pieces = store.sequences(side)
        tokens = int(pieces.lengths().sum()) - 2 * len(pieces)
        found.append(SideFigures(side, len(pieces), int(store.notes(side).sum()), tokens))
    return found
