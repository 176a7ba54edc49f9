"""The marks at which pruners compare trials: equal tokens seen, or equal seconds, whatever a trial's batch size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

from musicexp.config import Config, Search
from musicexp.errors import SettingError

RATIO = 2.0
"""Between two marks. Learning slows down, so they lie at equal ratios, as the rungs of successive halving do; each costs
a validation, so they are not dense."""
FIRST_SHARE = 8
"""The first mark lies at this part of the shortest training, and no training is judged before this part of its own."""
FIRST_SECONDS = 2.0
MOST = 40
LARGEST = 2**31 - 1
"""The largest step that a PostgreSQL database of Optuna's holds."""
THAT_COUNT = ("batch_size", "seq_length", "iterations")


def tokens_of(config: Config) -> int:
    """How many tokens a whole training sees."""
    return config.batch_size * config.seq_length * config.iterations


def shortest_and_longest(search: Search) -> tuple[int, int]:
    """The fewest and the most tokens that a configuration of the space sees."""
    ends: dict[str, tuple[int, ...]] = {}
    for dimension in search.dimensions:
        if dimension.name in THAT_COUNT:
            # More of each is more tokens, so that the ends tell; dozens of choices are not multiplied out.
            numbers = [int(value) for value in dimension.corners()]
            ends[dimension.name] = (min(numbers), max(numbers))
    presets = next((d.choices for d in search.dimensions if d.name == "experiment"), ())
    totals = []
    for chosen in [{"experiment": preset} for preset in presets] or [{}]:
        try:
            config = search.config(chosen)
        except SettingError:
            continue  # a preset that does not go with the rest is no configuration
        whole = {name: (int(getattr(config, name)),) for name in THAT_COUNT} | ends
        totals += [math.prod(values) for values in itertools.product(*whole.values())]
    return (min(totals), max(totals)) if totals else (tokens_of(search.config()),) * 2


def marks(search: Search, budget: Literal["tokens", "seconds"]) -> tuple[int, ...]:
    """The marks of a study, rising, in tokens or in seconds.

    They depend on the space alone, so that all workers and all continuations have the same.
    """
    if budget == "seconds":
        first, last = FIRST_SECONDS, 86400.0
    else:
        shortest, longest = shortest_and_longest(search)
        first, last = min(shortest, LARGEST) / FIRST_SHARE, float(min(longest, LARGEST))
    ratio = max(RATIO, (last / max(first, 1.0)) ** (1 / MOST))
    found: list[int] = []
    mark = first
    while mark < last * (1 - 1e-9):
        if int(mark) >= 1 and int(mark) not in found:
            found.append(int(mark))
        mark *= ratio
    return tuple(found)


class Milestones:
    """Which mark a training has just passed."""

    def __init__(self, rising: Sequence[int]) -> None:
        self._left = list(rising)

    def skip(self, spent: float) -> None:
        """Forget the marks up to here: a training that goes on has passed them already."""
        while self._left and self._left[0] <= spent:
            self._left.pop(0)

    def passed(self, spent: float) -> bool:
        """Whether a mark is reached."""
        return bool(self._left) and spent >= self._left[0]

    def take(self, spent: float) -> int:
        """The last mark that is reached; those before it are gone too."""
        mark = self._left.pop(0)
        while self._left and self._left[0] <= spent:
            mark = self._left.pop(0)
        return mark
