"""Melodies as pages play them."""

from __future__ import annotations

from collections.abc import Iterable

from musicexp.generation.melody import Melody
from musicexp.render.player import PlayerPiece

ENDED = {"eos": "by itself", "length": "cut at its length"}
"""What a person reads of how a melody ended."""


def sample_entries(melodies: Iterable[Melody]) -> list[PlayerPiece]:
    """Samples as a page plays them, under the names of their files."""
    return [
        PlayerPiece(
            id=melody.file.removesuffix(".mid"),
            title=f"sample {melody.number}",
            group="samples",
            piece=melody.piece,
            facts=(
                ("temperature", f"{melody.temperature:g}"),
                ("notes", f"{len(melody.piece):,}"),
                ("ended", ENDED[melody.ended_by]),
            ),
        )
        for melody in melodies
    ]
