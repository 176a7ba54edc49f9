"""What may be told of runs beyond their figures, as plain values: seeds in pairs, smoothness, loss and music, missing runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedFigure:
    """A figure of two configurations over the seeds that both have.

    Attributes:
        differences: the first less the second, of each seed in the order of the seeds.
        mean, low, high: of these, with a 95 % Student-t interval; the ends are None with one pair.
        lower, equal: in how many of the pairs the first is below the second, and the same.
        chance, chance_low, chance_high: P(first < second) with Wilson's interval; None below ten pairs.
        within_noise: whether the interval includes 0; None with one pair, which has none.
        words: what it says of the first.
    """

    figure: str
    pairs: int
    differences: tuple[float, ...]
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
class MissingRuns:
    """Runs that a comparison lacks before it can say what made a difference.

    Attributes:
        factors: what the configurations differ in.
        cells: of the full factorial of their settings; 0 where there is none to fill.
        absent: how many of these nobody trained.
        commands: that train them, each with the same seeds; those that change least first.
        more_seeds: commands that give the configurations that are there the same seeds, three at least.
        words: what must be said of it.
    """

    factors: tuple[str, ...]
    cells: int
    absent: int
    commands: tuple[str, ...]
    more_seeds: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Relation:
    """Whether bits per note and the distance of a metric from real pieces, |AUC - .5|, rise together.

    Attributes:
        metric: such as music/groove/T1.
        count: of runs or configurations.
        correlation, low, high: Spearman's, -1 to 1, with a 95 % interval; the ends are None where the ranks agree wholly.
    """

    metric: str
    count: int
    correlation: float
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        """1 where lower loss goes with music nearer to real pieces, -1 with farther, 0 where that cannot be told."""
        if self.low is None or self.high is None:
            return 1 if self.correlation > 0 else -1
        return (self.low > 0) - (self.high < 0)


@dataclass(frozen=True)
class LossAndMusic:
    """Whether lower loss means better music.

    Attributes:
        count: of runs, or of configurations by their means, that were correlated.
        configurations: of which these are.
        relations: by metric; none below 8.
        words: the answer; none where no run has metrics of its samples.
    """

    count: int
    configurations: int
    relations: tuple[Relation, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Lowest:
    """The lowest of n runs like these.

    Attributes:
        expected: on average (Dodge et al. 2019).
        median, low, high: below which half of all searches of n runs end, with its exact 95 % interval; None where the
            runs are too few for that end.
    """

    n: int
    expected: float
    median: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Luck:
    """What training one configuration several times and keeping the lowest gives by luck.

    Attributes:
        group: its place in `Comparison.groups`.
        lowest: of n = 1, 2, 5, ... runs.
    """

    group: int
    label: str
    lowest: tuple[Lowest, ...]
    words: str


@dataclass(frozen=True)
class Findings:
    """Everything that statistics say of a comparison.

    Attributes:
        figures: of every run, by name, those that no run tells alone or that not every run has: music/... and the
            smoothness of its curves.
        beside: configurations in pairs.
        missing: runs that are to be trained before more can be told.
        loss_and_music: whether lower loss means better music.
        luck: of configurations with ten seeds or more.
        beside_words: what holds for all pairs.
        curves: how the smoothness of curves was judged, or why it was not.
    """

    figures: tuple[Mapping[str, float], ...]
    beside: tuple[Beside, ...]
    missing: MissingRuns
    loss_and_music: LossAndMusic
    luck: tuple[Luck, ...] = ()
    beside_words: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
