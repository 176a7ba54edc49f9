"""Does lower loss mean better music here? Ranks of bits per note beside how far each metric is from real pieces.

How far: |AUC - .5| of a metric between samples and real pieces. 0 is a set of samples that cannot be told apart from real
music by this metric, .5 one that always can; whether the samples have too much or too little of it does not matter.
Each metric is asked by itself. There is no total: a metric may come nearer while another goes away.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from musicexp.metrics.rank_correlation import FEWEST, rank_correlation
from musicexp.render.axes import MINUS
from musicexp.report.figure_names import heading
from musicexp.report.findings import LossAndMusic, Relation
from musicexp.wording import count

LOSS = "bits_per_note/val"
AUC = re.compile(r"(music/[^/.]+)\.auc((?!/(?:low|high)$)/[^/]+)?")
"""music/groove.auc/T1 of a run, music/groove.auc of a trial; not the ends of its interval."""
QUESTION = "does lower loss mean better music here?"
SHOWN = 4


def distances(figures: Mapping[str, float]) -> dict[str, float]:
    """|AUC - .5| by the name of the metric, such as music/groove/T1."""
    return {
        f"{found[1]}{found[2] or ''}": abs(value - 0.5)
        for name, value in figures.items()
        if (found := AUC.fullmatch(name))
    }


def loss_and_music(
    figures: Sequence[Mapping[str, float]], configurations: Sequence[int], one: str = "run"
) -> LossAndMusic:
    """Rank correlations of bits per note on validation with the distance of every metric.

    Args:
        figures: of every run, by name.
        configurations: to which configuration each run belongs. Seeds of one are no independent witnesses: with 8
            configurations or more, these are correlated by their means; with fewer, the runs, and it is said.
        one: what a run is called.
    """
    rows = [
        (found[LOSS], distances(found), k)
        for found, k in zip(figures, configurations, strict=True)
        if LOSS in found
    ]
    rows = [row for row in rows if row[1] and math.isfinite(row[0])]
    if not rows:
        return LossAndMusic(0, 0, (), ())
    several = len({k for *_, k in rows})
    alike = several < len(rows)
    if several >= FEWEST and alike:
        rows = _means(rows)
    if len(rows) < FEWEST:
        told = f"{QUESTION} Not told below {FEWEST} {one}s with metrics of their samples ({len(rows)} here)"
        return LossAndMusic(len(rows), several, (), (told,))
    names = sorted({name for _, far, _ in rows for name in far})
    found = tuple(relation for name in names if (relation := _relation(name, rows)) is not None)
    which = count(several, "configuration") if several >= FEWEST and alike else count(len(rows), one)
    words = _words(found, which)
    if alike and several < FEWEST:
        words.append(f"these {len(rows)} {one}s are seeds of {count(several, 'configuration')}, not independent, so the ranges are too narrow")  # fmt: skip
    return LossAndMusic(len(rows), several, found, tuple(words))


Row = tuple[float, dict[str, float], int]


def _means(rows: Sequence[Row]) -> list[Row]:
    """A row a configuration."""
    found = []
    for k in dict.fromkeys(k for *_, k in rows):
        mine = [row for row in rows if row[2] == k]
        names = set.intersection(*(set(far) for _, far, _ in mine))
        far = {name: math.fsum(one[1][name] for one in mine) / len(mine) for name in names}
        found.append((math.fsum(loss for loss, *_ in mine) / len(mine), far, k))
    return found


def _relation(name: str, rows: Sequence[Row]) -> Relation | None:
    having = [(loss, far[name]) for loss, far, _ in rows if name in far]
    if len(having) < FEWEST:
        return None
    r, low, high = rank_correlation([loss for loss, _ in having], [far for _, far in having])
    if not math.isfinite(r):
        return None
    known = math.isfinite(low)
    return Relation(name, len(having), r, low if known else None, high if known else None)


def _words(found: Sequence[Relation], which: str) -> list[str]:
    """The answer, and the metrics that it is about."""
    if not found:
        return [f"{QUESTION} Nothing can be told: losses or metrics of the {which} do not differ"]
    nearer = [one for one in found if one.sign > 0]
    farther = [one for one in found if one.sign < 0]
    open_ = len(found) - len(nearer) - len(farther)
    if not nearer and not farther:
        return [
            f"{QUESTION} That cannot be told from chance: over {which}, none of {count(len(found), 'metric')} comes nearer to real pieces or goes farther from them with lower loss"
        ]
    answer = (
        "In part"
        if open_ or (nearer and farther)
        else "In every metric here"
        if nearer
        else "No, on the contrary"
    )
    parts = [f"nearer to real pieces in {len(nearer)}"] * bool(nearer)
    parts += [f"farther from them in {len(farther)}"] * bool(farther)
    links = f"; in {open_} no link can be told from chance" * bool(open_)
    words = [
        f"{QUESTION} {answer}: over {which}, of {count(len(found), 'metric')}, lower loss goes with samples {' and '.join(parts)}{links}"
    ]
    for way, several in (("nearer to real pieces", nearer), ("farther from real pieces", farther)):
        if several:
            first = sorted(several, key=lambda one: -abs(one.correlation))
            told = "; ".join(_told(one) for one in first[:SHOWN])
            words.append(
                f"{way} with lower loss: {told}{f'; and {len(first) - SHOWN} more' * (len(first) > SHOWN)}"
            )
    chance = len(found) / 20
    if chance >= 1 and (nearer or farther):
        words.append(f"of {len(found)} links about {round(chance)} would look real by chance alone")
    return words


def _told(one: Relation) -> str:
    ends = f", {one.low:.2f} to {one.high:.2f}" if one.low is not None and one.high is not None else ""
    numbers = f"{one.correlation:.2f}{ends}".replace("-", MINUS)
    return f"{heading(one.metric)} (rank correlation {numbers}; n = {one.count})"
