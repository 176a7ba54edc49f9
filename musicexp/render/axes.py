"""Axes of a plot: where a value lies between two ends, and which round values are written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MINUS = "\N{MINUS SIGN}"
TICKS = 5
"""About so many steps has a scale."""
LARGEST = 1e300
"""Beyond this a number is taken for none: the distance of two such is no float."""
NARROW = 1e-9
"""Values that differ by less than this share of their size are drawn as equal."""
DECADES = 2.0
"""A log scale over more than this many powers of ten names powers (and their threes) alone."""
SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high`.

    Attributes:
        ticks: values and how they are written, in rising order.
        log: equal distances are equal ratios; then low is above 0.
        title: what is measured.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False
    title: str = ""

    def share(self, value: float) -> float:
        """Where a value lies, from 0 (low) to 1 (high); what lies beyond an end is put there."""
        if not value > self.low:  # what is no number neither
            return 0.0
        if value >= self.high:
            return 1.0
        if self.log:
            low = math.log(self.low)
            return (math.log(value) - low) / (math.log(self.high) - low)
        return (value - self.low) / (self.high - self.low)

    def beyond(self, value: float) -> bool:
        """Whether a value lies outside."""
        return not self.low <= value <= self.high


def usable(values: Iterable[float | None]) -> list[float]:
    """The numbers among values that a scale can hold."""
    return [float(v) for v in values if v is not None and math.isfinite(v) and abs(v) < LARGEST]


def numeric(
    values: Iterable[float | None], title: str = "", *, log: bool = False, about: int = TICKS
) -> Axis:
    """A scale whose ticks cover all the values; log only where all of them are above 0."""
    known = usable(values)
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if log and low > 1 / LARGEST:
        return _logarithmic(low, high, title, about)
    whole = all(v == round(v) for v in known) and high - low < 1e9
    if high - low <= max(abs(low), abs(high)) * NARROW or high - low < 1 / LARGEST:
        room = max(abs(low) * 0.05, NARROW if low else 1.0)
        low, high, whole = low - room, high + room, False
    ticks = _round_ticks(low, high, about, whole)
    return Axis(ticks[0][0], ticks[-1][0], ticks, title=title)


def categories(labels: Sequence[str], title: str = "") -> Axis:
    """A column for each label: the k-th stands at k."""
    return Axis(-0.5, max(len(labels), 1) - 0.5, tuple((float(k), text) for k, text in enumerate(labels)), title=title)  # fmt: skip


def spans_decades(values: Iterable[float | None], decades: float = DECADES) -> bool:
    """Whether values, all above 0, differ by more than so many powers of ten."""
    known = usable(values)
    return (
        bool(known) and min(known) > 1 / LARGEST and math.log10(max(known)) - math.log10(min(known)) > decades
    )


def _round_ticks(low: float, high: float, about: int, whole: bool) -> tuple[tuple[float, str], ...]:
    """Multiples of 1, 2 or 5 times a power of ten, from the last below the values to the first above."""
    rough = (high - low) / about
    power = math.floor(math.log10(rough))
    step = next(s for k in (1, 2, 5, 10) if (s := k * 10.0**power) >= rough * 0.999)
    if whole:
        step = max(step, 1.0)
    first, last = math.floor(low / step + NARROW), math.ceil(high / step - NARROW)
    values = [min(first * step, low), *(k * step for k in range(first + 1, max(last, first + 1)))]
    values.append(max(max(last, first + 1) * step, high))
    most = max(abs(v) for v in values)
    return tuple((v, _written(v, step, most)) for v in values)


def _logarithmic(low: float, high: float, title: str, about: int) -> Axis:
    if high / low < 1 + NARROW:
        low, high = low / 2, high * 2
    decades = math.log10(high) - math.log10(low)
    if decades < math.log10(2):
        ticks = _round_ticks(low, high, about, whole=False)
        return Axis(ticks[0][0], ticks[-1][0], ticks, log=True, title=title)
    series = (1, 2, 5) if decades <= 1.3 else (1, 3) if decades <= DECADES + 0.5 else (1,)
    stride = max(1, round(decades / (about + 1))) if series == (1,) else 1
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high)) + stride
    marks = [k * 10.0**power for power in range(max(first, -300), min(last, 300) + 1, stride) for k in series]
    begin = max((k for k, mark in enumerate(marks) if mark <= low * (1 + NARROW)), default=0)
    end = min((k for k, mark in enumerate(marks) if mark >= high * (1 - NARROW)), default=len(marks) - 1)
    kept = marks[begin : end + 1]
    words = [short(mark) for mark in kept]
    # An end within rounding of its mark is the mark: the scale begins and ends at its ticks.
    kept[0], kept[-1] = min(kept[0], low), max(kept[-1], high)
    return Axis(kept[0], kept[-1], tuple(zip(kept, words, strict=True)), log=True, title=title)


def short(value: float) -> str:
    """A number with at most four figures and a suffix for thousands and more: 0.003, 1e-5, 12k, 1.5M."""
    for size, suffix in SUFFIXES:
        if size <= abs(value) < 1e15 and (abs(value) >= 1e4 or size > 1e3):
            return _clean(f"{value / size:.4g}") + suffix
    return _clean(f"{value:.4g}")


def _written(value: float, step: float, most: float) -> str:
    """A tick with as many figures as its neighbours need."""
    if abs(value) < step / 2:
        return "0"
    figures = max(1, math.floor(math.log10(most)) - math.floor(math.log10(step) + NARROW) + 1)
    for size, suffix in SUFFIXES:
        if size <= most < 1e15 and (most >= 1e4 or size > 1e3):
            return (
                _clean(f"{value / size:.{max(0, -math.floor(math.log10(step / size) + NARROW))}f}") + suffix
            )
    if 1e-3 <= most < 1e15:
        return _clean(f"{value:.{max(0, -math.floor(math.log10(step) + NARROW))}f}")
    return _clean(f"{value:.{min(figures, 12)}g}")


def _clean(written: str) -> str:
    """1e-05 as 1e-5, and a real minus sign."""
    digits, e, power = written.partition("e")
    return (digits + (f"e{int(power)}" if e else "")).replace("-", MINUS)
