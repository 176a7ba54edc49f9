"""What a study optimises: single named metrics, each with a direction. No composite."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from musicexp.errors import SettingError
from musicexp.sweep.musical import PREFIX, objective_names

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Metric:
    """A metric that may be an objective.

    Attributes:
        direction: the usual one.
        grows: whether it is measured while a run trains, so that a pruner can compare curves of it.
        across_vocabularies: whether runs with different tokens may be compared by it.
    """

    direction: Direction
    grows: bool
    across_vocabularies: bool


METRICS = {
    "bits_per_note/val": Metric("minimize", grows=True, across_vocabularies=True),
    "nll_nats/val": Metric("minimize", grows=True, across_vocabularies=False),
    "nll_nats/train": Metric("minimize", grows=False, across_vocabularies=False),
    "seconds": Metric("minimize", grows=False, across_vocabularies=True),
    "parameters": Metric("minimize", grows=False, across_vocabularies=True),
    "iterations_per_second": Metric("maximize", grows=False, across_vocabularies=True),
    **{name: Metric("minimize", grows=False, across_vocabularies=True) for name in objective_names()},
}


@dataclass(frozen=True)
class Objective:
    """A metric and where it shall go."""

    name: str
    direction: Direction

    @property
    def metric(self) -> Metric:
        return METRICS[self.name]

    @property
    def musical(self) -> bool:
        """Whether it is about melodies, which must then be no copies."""
        return self.name.startswith(PREFIX)

    @property
    def sign(self) -> int:
        """What a value is multiplied by, so that the lower is the better one."""
        return 1 if self.direction == "minimize" else -1

    def better(self, one: float, other: float) -> bool:
        """Whether one value is better than another."""
        return self.sign * one < self.sign * other


def objectives(words: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives that a setting such as ["bits_per_note/val", "seconds:minimize"] names.

    Raises:
        SettingError: a metric or direction is unknown, or a metric stands twice.
    """
    found: list[Objective] = []
    for text in words:
        name, sign, given = text.partition(":")
        if name.endswith("/test") and name.replace("/test", "/val") in METRICS:
            raise SettingError(
                f"objective={name}: test figures are for the chosen configuration, never for choosing; take {name.replace('/test', '/val')}"
            )
        if name not in METRICS:
            near = difflib.get_close_matches(name, METRICS, n=1, cutoff=0.8)
            plain = [other for other in METRICS if not other.startswith(PREFIX)]
            music = [other.removeprefix(PREFIX) for other in METRICS if other.startswith(PREFIX)]
            raise SettingError(
                f"objective={name} is no metric that can be optimised: "
                + (f"did you mean {near[0]}? There are " if near else "take some of ")
                + f"{', '.join(plain)}, and {PREFIX} with one of {', '.join(music)}"
            )
        if sign and name.startswith(PREFIX) and given == "maximize":
            raise SettingError(
                f"objective={text}: it is how far melodies are from real ones, |AUC - .5|, so leave :maximize out"
            )
        if sign and given not in ("minimize", "maximize"):
            raise SettingError(
                f"objective={text}: behind the colon stands minimize or maximize, not {given!r}"
            )
        if any(other.name == name for other in found):
            raise SettingError(f"objective={name} stands twice; leave one out")
        usual = METRICS[name].direction
        direction: Direction = (
            "minimize" if given == "minimize" else "maximize" if given == "maximize" else usual
        )
        found.append(Objective(name, direction))
    return tuple(found)
