"""What may be told of runs beyond their figures, as plain values: seeds in pairs, smoothness, loss and music, missing runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedFigure:
    """A figure of two configurations over the seeds that both have.

    Attributes:
        mean, low, high: of the first less the second, with a 95 % Student-t interval; the ends are None with one pair.
        lower, equal: in how many of the pairs the first is below the second, and the same.
        chance, chance_low, chance_high: P(first < second) with Wilson's interval; None below ten pairs.
        within_noise: whether the interval includes 0; None with one pair, which has none.
        words: what it says of the first.
    """

    figure: str
    pairs: int
    mean: float
    low: float | None
    high: float | None
    lower: int
    equal: int
    chance: float | None
    chance_low: float | None
    chance_high: float | None
    within_noise: bool | None
    words: str


@dataclass(frozen=True)
class Beside:
    """Two configurations, paired by seed.

    Attributes:
        first, second: places in `Comparison.groups`.
        labels: of the two.
        seeds: that both have.
        first_only, second_only: seeds that only one has, which are left out.
        figures: by name, those that both have for a shared seed; what must not be compared is not there.
        words: what must be said of the pair as a whole.
    """

    first: int
    second: int
    labels: tuple[str, str]
    seeds: tuple[int, ...]
    first_only: tuple[int, ...]
    second_only: tuple[int, ...]
    figures: Mapping[str, PairedFigure]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Everything that statistics say of a comparison.

    Attributes:
        figures: of every run, by name, those that no run tells alone or that not every run has: music/... and the
            smoothness of its curves.
        beside: configurations in pairs.
        beside_words: what holds for all pairs.
        curves: how the smoothness of curves was judged, or why it was not.
    """

    figures: tuple[Mapping[str, float], ...]
    beside: tuple[Beside, ...]
    beside_words: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
