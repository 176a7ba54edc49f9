"""Melodies at many temperatures, for the temperature sweep of a checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from musicexp.baselines import PPM
from musicexp.config import Samples
from musicexp.generation.checkpoint import Checkpoint
from musicexp.generation.melody import Melody, melodies


def melodies_at(
    checkpoint: Checkpoint,
    settings: Samples,
    temperatures: Sequence[float],
    count: int,
    ppm: PPM | None = None,
) -> dict[float, list[Melody]]:
    """So many melodies at each temperature, each from its own random stream.

    Args:
        ppm: as `melodies` wants it.

    Raises:
        MusicError: the prime cannot be read or does not fit the run's vocabulary.
    """
    several = len(temperatures)
    wanted = dataclasses.replace(settings, temperature=tuple(temperatures), count=count * several)
    drawn = melodies(checkpoint, wanted, ppm)
    return {temperature: drawn[index::several] for index, temperature in enumerate(temperatures)}
