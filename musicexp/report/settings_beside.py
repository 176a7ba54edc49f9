"""Two configurations seed by seed: which seeds both have, what differs, and in words whether seeds alone make as much of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from musicexp.metrics.pairs import Pairs, pairs
from musicexp.report.comparison import ComparedRun, Group
from musicexp.report.figure_names import heading
from musicexp.report.findings import Beside, PairedFigure
from musicexp.report.html import visible
from musicexp.report.study_facts import figure, interval
from musicexp.wording import count

FIGURE = "bits_per_note/val"
UNPAIRED = ("parameters", "iterations", "best_iteration")
"""Figures in which a difference is no matter of chance, or of no interest."""
ALL_PAIRS = 4
"""Up to so many configurations each is compared with each; beyond, each with the first."""
SEEDS_NAMED = 8
ANECDOTE = "one pair is an anecdote, since another seed may turn it round"
NO_SEED_SHARED = "they share no seed, so nothing can be paired"


def settings_beside(
    runs: Sequence[ComparedRun],
    groups: Sequence[Group],
    figures: Sequence[Mapping[str, float]],
    hidden: Sequence[str] = (),
) -> tuple[Beside, ...]:
    """Every two configurations, or, if there are many, each beside the first and the best two by bits per note.

    Args:
        figures: of every run, by name.
        hidden: figures that must not be compared, or that begin so.
    """
    names = list(dict.fromkeys(name for one in figures for name in one))
    shown = [name for name in names if name not in UNPAIRED and not name.startswith(tuple(hidden))]
    return tuple(_beside(runs, groups, a, b, figures, shown) for a, b in _chosen(groups))


def _chosen(groups: Sequence[Group]) -> list[tuple[int, int]]:
    if len(groups) <= ALL_PAIRS:
        return list(combinations(range(len(groups)), 2))
    found = [(0, k) for k in range(1, len(groups))]
    best = best_two(groups)
    return found if best is None or 0 in best else [*found, best]


def best_two(groups: Sequence[Group]) -> tuple[int, int] | None:
    """The two with the lowest mean of bits per note on validation, in order of their places."""
    known = sorted(
        (k for k, group in enumerate(groups) if FIGURE in group.figures),
        key=lambda k: groups[k].figures[FIGURE].mean,
    )
    return (min(known[:2]), max(known[:2])) if len(known) > 1 else None


def _beside(
    runs: Sequence[ComparedRun],
    groups: Sequence[Group],
    first: int,
    second: int,
    figures: Sequence[Mapping[str, float]],
    shown: Sequence[str],
) -> Beside:
    ours, theirs = _by_seed(runs, groups[first]), _by_seed(runs, groups[second])
    shared = tuple(sorted(ours.keys() & theirs.keys()))
    found = {}
    for name in shown:
        having = [s for s in shared if name in figures[ours[s]] and name in figures[theirs[s]]]
        if having:
            first_ones, second_ones = (
                [figures[ours[s]][name] for s in having],
                [figures[theirs[s]][name] for s in having],
            )
            found[name] = _figure(name, first_ones, second_ones)
    first_only, second_only = tuple(sorted(ours.keys() - theirs.keys())), tuple(sorted(theirs.keys() - ours.keys()))  # fmt: skip
    labels = visible(groups[first].label), visible(groups[second].label)
    words = []
    if not shared:
        words.append(f"{labels[0]} and {labels[1]}: {NO_SEED_SHARED}; {_apart(groups[first], groups[second])}")  # fmt: skip
    elif len(shared) == 1:
        words.append(f"{labels[0]} and {labels[1]} share {_seeds(shared)} alone; {ANECDOTE}")
    alone = [f"{label} ({_seeds(only)})" for label, only in zip(labels, (first_only, second_only), strict=True) if only]  # fmt: skip
    if shared and alone:
        words.append(f"left out of the pairs, since the other side has no such seed: {', '.join(alone)}")
    return Beside(first, second, labels, shared, first_only, second_only, found, tuple(words))


def _by_seed(runs: Sequence[ComparedRun], group: Group) -> dict[int, int]:
    """Places of a group's runs by their seeds."""
    return {seed: place for place in group.runs if (seed := runs[place].seed) is not None}


def _figure(name: str, ours: Sequence[float], theirs: Sequence[float]) -> PairedFigure:
    found = pairs(ours, theirs)
    mean, low, high = found.difference
    known = math.isfinite(low)
    chance = found.chance
    return PairedFigure(
        figure=name,
        pairs=found.pairs,
        differences=tuple(one - other for one, other in zip(ours, theirs, strict=True)),
        mean=mean,
        low=low if known else None,
        high=high if known else None,
        lower=found.lower,
        equal=found.equal,
        chance=chance.mean if chance else None,
        chance_low=chance.low if chance else None,
        chance_high=chance.high if chance else None,
        within_noise=found.within_noise if known else None,
        words=pair_words(found),
    )


def pair_words(found: Pairs) -> str:
    """Such as "lower in every seed, by 0.034 on average (0.012 to 0.056)" or "within seed noise: ..."."""
    mean, low, high = found.difference
    if found.equal == found.pairs:
        return "the same" if found.pairs == 1 else f"the same in all {found.pairs} seeds"
    way = "lower" if mean < 0 else "higher"
    by = figure(abs(mean))
    if found.pairs == 1:
        return f"{way} by {by}, in one pair"
    low, high = (-high, -low) if mean < 0 else (low, high)
    agreeing = found.lower if mean < 0 else found.higher
    often = f"{way} in {agreeing} of {found.pairs} pairs"
    if found.within_noise:
        other = "higher" if mean < 0 else "lower"
        reach = f"anything from {figure(-low)} {other} to {figure(high)} {way}"
        return f"within seed noise: {way} by {by} on average ({reach}), {often}{_chance(found)}"
    if agreeing == found.pairs:
        return f"{way} in every seed, by {by} on average ({interval(low, high)}), {agreeing} of {found.pairs} pairs{_chance(found)}"  # fmt: skip
    return f"{way} by {by} on average ({interval(low, high)}), {often}{_chance(found)}"


def _chance(found: Pairs) -> str:
    if found.chance is None:
        return ""
    share, low, high = found.chance
    if found.difference.mean > 0:
        share, low, high = 1 - share, 1 - high, 1 - low
    way = "lower" if found.difference.mean < 0 else "higher"
    return f"; the chance that one more pair is {way}: {share:.2f} ({low:.2f} to {high:.2f})"


def _apart(first: Group, second: Group) -> str:
    """Of configurations without a common seed, whether the intervals of their means overlap."""
    ours, theirs = first.figures.get(FIGURE), second.figures.get(FIGURE)
    if ours is None or theirs is None or None in (ours.low, theirs.low):
        return "with one seed on a side nothing tells the difference from luck"
    assert ours.low is not None and ours.high is not None and theirs.low is not None and theirs.high is not None  # noqa: PT018  # fmt: skip
    overlap = ours.low <= theirs.high and theirs.low <= ours.high
    told = "overlap, so the difference may be luck" if overlap else "do not overlap"
    return f"the 95 % intervals of their {heading(FIGURE)} {told}"


def _seeds(seeds: Sequence[int]) -> str:
    """Such as "seed 3" or "seeds 0, 1, 2"."""
    if len(seeds) > SEEDS_NAMED:
        return count(len(seeds), "seed")
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
