"""The clips of a run: kept when they are drawn, found again when a page is made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from musicexp.errors import StoreError
from musicexp.generation import Clip
from musicexp.music.midi import midi_piece
from musicexp.render import clip_picture
from musicexp.tracking import Run

INDEX = "learning/clips.json"
"""By file, what is known of each clip (`Clip.as_dict`)."""


def keep_clips(run: Run, clips: Sequence[Clip]) -> None:
    """Leave clips in a run: MIDI, a picture for the charts, and a line each in the index.

    The same clips once more, of a run that goes on behind a kill, take the place of what is there. The index comes
    last, so that what it names is there.
    """
    for clip in clips:
        run.write(clip.file, clip.midi())
        loss = "nothing learned yet" if clip.loss is None else f"loss {clip.loss:.2f}"
        caption = f"iteration {clip.iteration:,}   T={clip.temperature:g}   {loss}"
        run.log_image(clip.key, clip.iteration, clip_picture(caption, clip.piece))
    index = clip_index(run) | {clip.file: clip.as_dict() for clip in clips}
    run.write(INDEX, json.dumps(index, indent=1).encode())


def clip_index(run: Run) -> dict[str, dict[str, Any]]:
    """What is known of each clip of a run, by file, as they were drawn; empty if it has none.

    Raises:
        StoreError: it cannot be read.
    """
    if not run.has(INDEX):
        return {}
    try:
        found: dict[str, dict[str, Any]] = json.loads(run.read(INDEX))
    except ValueError as error:
        raise StoreError(
            f"{INDEX} of run {run.name} ({run.id}) is damaged: {error}; delete that file, and what was heard of the run's learning is forgotten"
        ) from error
    return found


def learned(run: Run) -> list[Clip]:
    """The clips of a run in order of temperature as sampled, then of iteration; none if none were asked for.

    Raises:
        StoreError: one is missing or damaged.
    """
    found: list[Clip] = []
    for file, known in clip_index(run).items():
        try:
            piece = midi_piece(run.read(file), file)
            clip = Clip(known["iteration"], known["temperature"], known["loss"], known["ended_by"], piece)
        except (ValueError, KeyError) as error:
            raise StoreError(f"{file} of run {run.name} ({run.id}) is damaged: {error}") from error
        found.append(clip)
    temperatures = list(dict.fromkeys(clip.temperature for clip in found))
    return sorted(found, key=lambda clip: (temperatures.index(clip.temperature), clip.iteration))
