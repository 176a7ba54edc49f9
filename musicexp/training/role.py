"""What a run is for: one of its own, or one of a sweep or a set of seeds, who watch it and mark it as theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from musicexp.metrics import Likelihood
from musicexp.music import Side
from musicexp.training.material import Material


class Watch(Protocol):
    """Looks at a run while it trains, and may end it."""

    def due(self, iteration: int, seconds: float) -> bool:
        """Whether to look behind this iteration, so many seconds of training into the run."""
        ...

    def look(self, iteration: int, seconds: float, found: Likelihood) -> str | None:
        """See the validation pieces' likelihood under the current weights; why the run is ended, or None."""
        ...


@dataclass(frozen=True)
class Role:
    """What a run is for.

    Attributes:
        tags: put on the run when it is made.
        watch: may end it early. It changes nothing else: until then the run is the one that `run` makes.
        sides: which sides of the split the final figures are computed for.
        pruned_samples: whether a run that was ended still writes melodies.
        opened: told the run's id as soon as there is one.
        material: prepared already.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    watch: Watch | None = None
    sides: tuple[Side, ...] = ("train", "val", "test")
    pruned_samples: bool = False
    opened: Callable[[str], None] | None = None
    material: Material | None = None


ITS_OWN = Role()
"""The role of what `run` makes."""
