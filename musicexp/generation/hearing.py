"""Melodies and clips as pages play them."""

from __future__ import annotations

from collections.abc import Iterable

from musicexp.generation.clip import Clip
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
                *((("PPM's share", f"{melody.ppm:g}"),) if melody.ppm else ()),
            ),
        )
        for melody in melodies
    ]


def clip_entries(clips: Iterable[Clip]) -> list[PlayerPiece]:
    """What a run played while it learned, under the names of its files."""
    return [
        PlayerPiece(
            id=clip.file.removesuffix(".mid"),
            title=f"iteration {clip.iteration:,}, temperature {clip.temperature:g}",
            group="learning",
            piece=clip.piece,
            facts=(
                ("iteration", f"{clip.iteration:,}"),
                ("temperature", f"{clip.temperature:g}"),
                *((("loss", f"{clip.loss:.2f}"),) if clip.loss is not None else ()),
                ("notes", f"{len(clip.piece):,}"),
            ),
            iteration=clip.iteration,
        )
        for clip in clips
    ]
