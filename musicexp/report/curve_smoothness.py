"""How smooth the curves of compared runs are, over the tokens that all of them have seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from musicexp.metrics.smoothness import FEWEST_POINTS, Stretch, common_stretch, smoothness
from musicexp.report.comparison import CURVES, ComparedRun, Side
from musicexp.wording import count

POINTS_WANTED = 40
"""Of a validation curve: enough for a median of their scatter."""
HOW = (
    "roughness is how far a curve scatters round its running mean, as a share of its whole drop; spikes are points far "
    "above it, of which plain noise has 0.35 %"
)
SIDES: dict[Side, str] = {"train": "training", "val": "validation"}


@dataclass(frozen=True)
class Curves:
    """The smoothness of curves.

    Attributes:
        figures: of every run "roughness/val", "spikes/val" and the same of "train", as far as they are known.
        stretches: what was judged, by side.
        words: how it was judged, why it was not, and what a training curve cannot say.
    """

    figures: tuple[Mapping[str, float], ...]
    stretches: Mapping[Side, Stretch]
    words: tuple[str, ...]


def curve_smoothness(runs: Sequence[ComparedRun], *, comparable: bool) -> Curves:
    """Measure the curves of runs that finished.

    Args:
        comparable: whether a token is the same for all of them.
    """
    figures: list[dict[str, float]] = [{} for _ in runs]
    through = [k for k, run in enumerate(runs) if run.status == "FINISHED"]
    if not comparable or not through:
        return Curves(tuple(figures), {}, ())
    stretches: dict[Side, Stretch] = {}
    for side in CURVES:
        able = [k for k in through if _can_be_judged(runs[k], side)]
        stretch = common_stretch([[p.tokens_seen for p in runs[k].curves[side]] for k in able])
        if stretch is None:
            continue
        for k in able:
            curve = runs[k].curves[side]
            found = smoothness([p.tokens_seen for p in curve], [p.value for p in curve], stretch)
            if found is not None:
                figures[k] |= {f"spikes/{side}": found.spikes}
                figures[k] |= {f"roughness/{side}": found.roughness} if math.isfinite(found.roughness) else {}
                stretches[side] = stretch
    return Curves(tuple(figures), stretches, tuple(_words(runs, through, stretches)))


def _can_be_judged(run: ComparedRun, side: Side) -> bool:
    curve = run.curves.get(side, ())
    return len(curve) >= FEWEST_POINTS and curve[0].tokens_seen > 0


def _words(
    runs: Sequence[ComparedRun], through: Sequence[int], stretches: Mapping[Side, Stretch]
) -> list[str]:
    over = [
        f"{SIDES[side]} from {round(s.begin):,} to {round(s.end):,}, the mean over {round(s.span):,}"
        for side, s in stretches.items()
    ]
    words = [f"{HOW}; over the tokens that all runs have seen: {'; '.join(over)}"] if over else []
    if "train" in stretches:
        words += _batch_noise([runs[k] for k in through])
    if "val" not in stretches and any(runs[k].curves.get("val") for k in through):
        words.append(_too_few([runs[k] for k in through]))
    return words


def _batch_noise(runs: Sequence[ComparedRun]) -> list[str]:
    """What a batch does to the noise of a training curve by itself."""
    sizes = sorted({size for run in runs if isinstance(size := run.settings.get("batch_size"), int)})
    if len(sizes) < 2:
        return []
    least, most = sizes[0], sizes[-1]
    return [
        f"training curves do not say which setting learns more smoothly: their noise falls as 1/√batch_size by itself, with "
        f"batch_size={most} to {math.sqrt(least / most):.2f} of what it is with {least}"
    ]


def _too_few(runs: Sequence[ComparedRun]) -> str:
    points = min((len(run.curves["val"]) for run in runs if run.curves.get("val")), default=0)
    iterations = min((run.curves["val"][-1].iteration for run in runs if run.curves.get("val")), default=0)
    every = max(1, iterations // POINTS_WANTED)
    return (
        f"how smooth the validation curves are is not said: {count(points, 'point')} are too few; "
        f"`validation.every={every}` gives {iterations // every}"
    )
