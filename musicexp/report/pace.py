"""Loss curves as points with iterations, tokens and seconds of training."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

from musicexp.report.comparison import Point, Side

Logged = Sequence[tuple[int, float, int]]
"""(iteration, value, when it was logged in ms since 1970), in order of iteration."""
PAUSE_SECONDS = 5.0
PAUSE_TIMES = 20.0
"""Of a run whose seconds of training are unknown, a gap is a pause if it is longer than both: so many seconds, and so
many times the usual gap. A process needs longer to begin again, and an iteration is never so much slower than others."""


def points(
    logged: Mapping[Side, Logged], tokens: int, trained_seconds: float | None
) -> dict[Side, tuple[Point, ...]]:
    """The curves of a run, with seconds since it began to train.

    MLflow knows when a value was logged, not how long was trained for it: a run that was stopped and resumed rested
    in between, which is taken out here.

    Args:
        logged: nats per token by side.
        tokens: that an iteration sees; 0 if unknown.
        trained_seconds: of the whole training, as the run itself counted; None if unknown.
    """
    moments = sorted({(i, ms) for curve in logged.values() for i, _, ms in curve}, key=lambda m: (m[1], m[0]))
    seconds = _seconds([ms for _, ms in moments], trained_seconds)
    at = dict(zip(moments, seconds, strict=True))
    return {
        side: tuple(Point(i, i * tokens, at[i, ms], value) for i, value, ms in curve)
        for side, curve in logged.items()
    }


def _seconds(times_ms: Sequence[int], trained: float | None) -> list[float]:
    """Seconds of training at moments in order; the first iteration is taken to last as long as is usual."""
    if not times_ms:
        return []
    gaps = [(b - a) / 1000 for a, b in itertools.pairwise(times_ms)]
    usual = statistics.median(gaps) if gaps else 0.0
    if trained is None:
        limit = max(PAUSE_SECONDS, PAUSE_TIMES * usual)
        gaps = [usual if gap > limit else gap for gap in gaps]
    else:
        # The run's own clock stood still in the pauses, so that what is too much was rested in the longest gaps.
        too_much = usual + sum(gaps) - trained
        for k in sorted(range(len(gaps)), key=lambda k: -gaps[k]):
            if too_much <= 0:
                break
            rested = min(too_much, max(gaps[k] - usual, 0.0))
            gaps[k] -= rested
            too_much -= rested
    found = [usual]
    for gap in gaps:
        found.append(found[-1] + gap)
    return [round(moment, 3) for moment in found]
