"""References: a few real pieces of the data set, to hear what 'good' sounds like beside what a model made.

They are what the model reads, turned back into music: what its tokens leave out is not heard here either, and the
summary of the run says how many notes that are. They stay in the user's own store of runs. Who hands them on needs
the permission of whoever owns the music; the licence of a bundled collection is told with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musicexp.config import Config
from musicexp.data.prepare import music_of
from musicexp.music import Piece, Side, midi_bytes
from musicexp.music.corpus import source_of
from musicexp.music.excerpt import first_bars, whole_bars
from musicexp.music.reading import piece_title
from musicexp.render.player import PlayerPiece
from musicexp.tokens import tokenizer
from musicexp.training.material import Material

NUMBERS: dict[Side, tuple[int, ...]] = {"train": (1, 2), "val": (3, 4)}
"""Which numbers the references of a side bear; a number without a piece is left out. The test side stays unheard."""
HEARD_OF: dict[str, str] = {"train": "learned from", "val": "held out"}
USUAL = (25, 75)
"""Percentiles of the notes of a side's pieces between which a piece is of usual length."""


@dataclass(frozen=True)
class Reference:
    """A real piece, as its tokens have it.

    Attributes:
        number: k of reference_k, from 1.
        title: what the data set calls it.
        whole: whether it is all of the piece, and not its beginning up to a bar line.
        notes_read: how many notes the whole piece had when it was read.
        notes_kept: how many of them its tokens have.
        licence: what is known of the collection's; "" for a folder of one's own.
    """

    number: int
    side: Side
    title: str
    piece: Piece
    whole: bool
    notes_read: int
    notes_kept: int
    licence: str

    @property
    def file(self) -> str:
        return f"reference_{self.number}.mid"

    def midi(self) -> bytes:
        return midi_bytes(self.piece)

    def as_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "side": self.side,
            "notes": len(self.piece),
            "quarters": self.piece.quarters,
            "whole": self.whole,
            "notes_read": self.notes_read,
            "notes_kept": self.notes_kept,
            "licence": self.licence,
        }


def references(material: Material, config: Config, cache: Path) -> list[Reference]:
    """Pieces of usual length of the training and the validation side, chosen by samples.seed.

    So runs that differ in `seed`, model or tokens have the same ones, as long as music and split are the same. They
    are cut at a bar line to at most samples.max_notes notes and chords.

    Args:
        cache: the folder of prepared data, for titles, tempos, metres and keys.

    Raises:
        StoreError: the cache no longer has a piece.
    """
    spelling, vocabulary = tokenizer(config.tokens.kind), material.vocabulary
    card = source_of(config.dataset.collection, config.dataset.path).card
    found: list[Reference] = []
    for side, numbers in NUMBERS.items():
        pieces = material.store.on(side)
        for number, place in zip(numbers, _chosen(material, side, config.samples.seed), strict=False):
            read = read_piece(material, config, cache, int(pieces[place]))
            tokens = vocabulary.decode(material.ids[side][place][1:-1].tolist())
            all_of_it = spelling.piece(tokens, read.name, like=read)
            piece = first_bars(all_of_it, whole_bars(all_of_it, config.samples.max_notes))
            found.append(
                Reference(
                    number,
                    side,
                    piece_title(read.name),
                    piece,
                    piece is all_of_it,
                    len(read),
                    len(all_of_it),
                    card.licence if card else "",
                )
            )
    return found


def reference_entries(found: Iterable[Reference]) -> list[PlayerPiece]:
    """References as a page plays them, under the names of their files."""
    return [
        PlayerPiece(
            id=reference.file.removesuffix(".mid"),
            title=reference.title,
            group="reference",
            piece=reference.piece,
            facts=(
                ("real music", HEARD_OF[reference.side]),
                ("notes", f"{len(reference.piece):,}"),
                *(() if reference.whole else (("cut", "at a bar line"),)),
                *((("licence", reference.licence),) if reference.licence else ()),
            ),
        )
        for reference in found
    ]


def _chosen(material: Material, side: Side, seed: int) -> Iterator[int]:
    """Places among a side's pieces: those of usual length first; of pieces that resemble each other one."""
    store = material.store
    numbers, notes = store.on(side), material.notes[side]
    low, high = np.percentile(notes, USUAL)
    unusual = (notes < low) | (notes > high)  # as both of two pieces may be
    # Fingerprints are random numbers already: which of them are smallest is another question for every seed.
    salt = np.frombuffer(hashlib.sha256(f"reference {seed}".encode()).digest()[:8], "<u8")
    heard: set[int] = set()
    for place in np.lexsort((store.table["content"][numbers] ^ salt, unusual)).tolist():
        group = int(store.groups[numbers[place]])
        if group not in heard:
            heard.add(group)
            yield place


def read_piece(material: Material, config: Config, cache: Path, number: int) -> Piece:
    """A piece of the data set as it was read, before it became tokens."""
    files = material.store.table["file"]
    file = int(files[number])
    _, reading = next(music_of(material.store, config.dataset, cache, file))
    return reading.pieces[number - int(np.searchsorted(files, file))]
