"""A search space: swept settings in Hydra's grammar, as plain values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from musicexp.config.build import shown
from musicexp.config.compose import check_override, override_of, parsed, quoted
from musicexp.config.settings import GROUPS, Config, alternatives, fields_of, kind_of
from musicexp.errors import SettingError

Value = bool | int | float | str

MOST_STEPS = 100_000
"""More values of a range than anybody means."""

EXAMPLES = "lr=tag(log,interval(1e-4,1e-2)), batch_size=choice(8,16,32), model.hidden_size=range(128,513,128)"


@dataclass(frozen=True)
class Dimension:
    """A swept setting.

    Attributes:
        name: dotted, such as lr or model.hidden_size, or a group such as model.
        low, high: of a range, both included; None for choices.
        step: between the values of a range; None where it has none.
        log: whether the range is searched by ratios.
        whole: whether its values are whole numbers.
        choices: of a categorical setting, in the order given.
    """

    name: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False
    whole: bool = False
    choices: tuple[Value, ...] = ()

    def corners(self) -> tuple[Value, ...]:
        """The ends of a range, or all choices."""
        if self.low is None or self.high is None:
            return self.choices
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def grid(self) -> tuple[Value, ...] | None:
        """Every value, in order; None where there are infinitely many."""
        if self.low is None or self.high is None:
            return self.choices
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            return None
        if self.whole:
            return tuple(range(int(self.low), int(self.high) + 1, int(step)))
        # In decimals, as it was written: 0.1 + 2 * 0.1 is 0.3.
        low, high, by = (Decimal(repr(number)) for number in (self.low, self.high, step))
        return tuple(float(low + k * by) for k in range(int((high - low) / by) + 1))

    def holds(self, value: Any) -> bool:
        """Whether a value lies in it."""
        if self.low is None or self.high is None:
            return any(
                value == choice and isinstance(value, bool) == isinstance(choice, bool)
                for choice in self.choices
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-8)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Dimension:
        return cls(**{**values, "choices": tuple(values["choices"])})


def word(name: str, value: Value) -> str:
    """`name=value` as Hydra reads it back to the same value."""
    if isinstance(value, bool):
        return f"{name}={str(value).lower()}"
    if isinstance(value, float):
        return f"{name}={float(value)!r}"  # numpy's float64 is a float too, and tells its type
    plain = f"{name}={value}"
    if isinstance(value, str):
        read = override_of(plain)
        if (
            read is None
            or read.is_sweep_override()
            or not isinstance(read.value(), str)
            or read.value() != value
        ):
            return f"{name}={quoted(value)}"
    return plain


def sorted_space(words: Sequence[str]) -> tuple[list[Dimension], list[str]]:
    """The swept settings among the words of a sweep, and the words that stay as they are.

    Raises:
        SettingError: a word is none of Hydra's grammar, a setting is unknown, stands twice, or cannot be swept so.
    """
    dimensions: list[Dimension] = []
    fixed: list[str] = []
    seen: dict[str, str] = {}
    for override in parsed(words):
        key, given = override.key_or_group, override.input_line
        check_override(override)
        if key == "hydra" or key.startswith(("hydra.", "hydra/")):
            raise SettingError(f"{given}: Hydra's own settings have no place in a sweep; leave it out")
        if key in seen:
            raise SettingError(f"{key} stands twice, as {seen[key]} and as {given}; leave one out")
        seen[key] = given
        if override.is_sweep_override():
            dimensions.append(_dimension(override))
        else:
            fixed.append(given)
    return dimensions, fixed


def _dimension(override: Any) -> Dimension:
    key, given = override.key_or_group, override.input_line
    if key == "seed":
        raise SettingError(
            f"{given}: the luckiest seed is no better setting; train each configuration with several, as in seeds=5"
        )
    if key not in GROUPS and not dict(fields_of(Config))[key].metadata["changes_result"]:
        raise SettingError(
            f"{given}: {key} does not change what is learnt, so it cannot be swept; give it one value"
        )
    sweep = override.value()
    kind = type(sweep).__name__
    tags = set(getattr(sweep, "tags", ()))
    if tags - {"log"}:
        raise SettingError(
            f"{given}: the tag {sorted(tags - {'log'})[0]!r} is not known; the one tag is log, as in lr=tag(log,interval(1e-4,1e-2))"
        )
    log = "log" in tags
    whole = (
        key not in GROUPS and int in alternatives(kind_of(key)) and float not in alternatives(kind_of(key))
    )
    if kind == "IntervalSweep":
        return _interval(key, given, sweep.start, sweep.end, log, whole)
    if kind == "RangeSweep":
        if log:
            raise SettingError(
                f"{given}: a range with steps cannot be searched by ratios; write tag(log,interval(...))"
            )
        return _range(key, given, sweep, whole)
    if kind == "ChoiceSweep":
        if log:
            raise SettingError(
                f"{given}: log goes with an interval, and choices are just chosen from; leave the tag out"
            )
        choices = tuple(_plain(element, given) for element in sweep.list)
        if len(set(choices)) < len(choices):  # 1 and 1.0 are one value
            raise SettingError(f"{given}: a choice stands twice; leave one out")
        if len(choices) < 2:
            raise SettingError(
                f"{given}: there is one choice only, so nothing to search; write {word(key, choices[0])}"
            )
        return Dimension(key, choices=choices)
    raise SettingError(f"{given}: this cannot be swept; write it like {EXAMPLES}")


def _interval(key: str, given: str, start: Any, end: Any, log: bool, whole: bool) -> Dimension:
    if key in GROUPS:
        raise SettingError(
            f"{given}: {key} is a group, and its options have no order; write {key}=choice(...)"
        )
    _check_number(key, given)
    low, high = float(start), float(end)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SettingError(
            f"{given}: an interval goes from a lower to a higher number, both included, not from {start:g} to {end:g}"
        )
    if whole:
        low, high = math.ceil(low), math.floor(high)
    if not low < high:
        raise SettingError(
            f"{given}: {key} takes whole numbers, and there are no two of them from {start:g} to {end:g}; make the interval wider"
        )
    if log and low <= 0:
        raise SettingError(f"{given}: a search by ratios needs a beginning above 0, not {start:g}")
    return Dimension(key, float(low), float(high), log=log, whole=whole)


def _range(key: str, given: str, sweep: Any, whole: bool) -> Dimension:
    _check_number(key, given)
    start, stop, step = (float(number) for number in (sweep.start, sweep.stop, sweep.step))
    if not all(map(math.isfinite, (start, stop, step))) or step == 0:
        raise SettingError(
            f"{given}: a range goes by finite steps other than 0 from one number to another, as in {key}=range(50,201,50)"
        )
    if (stop - start) / step > MOST_STEPS:
        raise SettingError(
            f"{given}: this range holds more than {MOST_STEPS:,} values; take larger steps, or {key}=interval({start:g},{stop:g})"
        )
    numbers = sorted(sweep.range())
    if len(numbers) < 2:
        told = f"{numbers[0]:g} only" if numbers else "no value"
        raise SettingError(
            f"{given}: this range holds {told}, since its end does not belong to it; give a later end"
        )
    if whole and not all(float(number).is_integer() for number in numbers):
        raise SettingError(f"{given}: {key} takes whole numbers, so start and step must be whole")
    first, by = Decimal(repr(start)), Decimal(repr(step))  # as written, without what binary fractions add
    ends = sorted((first, first + (len(numbers) - 1) * by))
    return Dimension(key, float(ends[0]), float(ends[1]), step=abs(step), whole=whole)


def _check_number(key: str, given: str) -> None:
    kinds = alternatives(kind_of(key))
    if int not in kinds and float not in kinds:
        raise SettingError(f"{given}: {key} is not a single number; write {key}=choice(...)")


def _plain(element: Any, given: str) -> Value:
    text = getattr(element, "text", element)
    if isinstance(text, (bool, int, float, str)):
        return text
    raise SettingError(
        f"{given}: {shown(text)} cannot be a choice; choices are numbers, words, true and false"
    )
