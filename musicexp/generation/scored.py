"""Scored samples: as many melodies as it takes to say something about all that a model would draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from musicexp.baselines import PPM
from musicexp.config import Samples
from musicexp.generation.checkpoint import Checkpoint
from musicexp.generation.melody import Melody, melodies


def scored_melodies(checkpoint: Checkpoint, settings: Samples, ppm: PPM | None = None) -> list[Melody]:
    """The melodies that are judged, `samples.scored` at each temperature; those that are shown are the first of them.

    Args:
        ppm: as `melodies` wants it.

    Raises:
        MusicError: the prime cannot be read or does not fit the run's vocabulary.
    """
    wanted = max(settings.count, settings.scored * len(settings.temperature))
    return melodies(checkpoint, dataclasses.replace(settings, count=wanted), ppm)


def by_temperature(drawn: Sequence[Melody], settings: Samples) -> list[tuple[float, list[Melody]]]:
    """Each temperature with its judged melodies, in the order they were drawn."""
    several = len(settings.temperature)
    return [
        (temperature, list(drawn[index::several])[: settings.scored])
        for index, temperature in enumerate(settings.temperature)
    ]
