"""How much each swept setting matters, with its uncertainty; not before there are trials enough to say."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from musicexp.report.study import Importance
from musicexp.sweep.study import Study

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FEWEST_TRIALS = 30
RESAMPLES = 100


def importance(study: Study) -> tuple[Importance, ...] | None:
    """PED-ANOVA shares (Watanabe et al. 2023) of the first objective, with 95 % percentile intervals over resampled trials.

    None with several objectives, below 30 complete trials, with one setting, or where all values are equal.
    """
    through = [t for t in study.finished() if t.state.name == "COMPLETE" and math.isfinite(t.values[0])]
    values = {t.values[0] for t in through}
    if (
        len(study.objectives) > 1
        or len(through) < FEWEST_TRIALS
        or len(values) < 2
        or len(study.search.dimensions) < 2
    ):
        return None
    found = _shares(study, through)
    chance = random.Random(0)
    drawn = [_shares(study, chance.choices(through, k=len(through))) for _ in range(RESAMPLES)]
    told = []
    for name, share in sorted(found.items(), key=lambda pair: -pair[1]):
        spread = sorted(resample.get(name, 0.0) for resample in drawn)
        low, high = spread[round(0.025 * (RESAMPLES - 1))], spread[round(0.975 * (RESAMPLES - 1))]
        told.append(Importance(name, share, min(low, share), max(high, share)))
    return tuple(told)


def _shares(study: Study, trials: Sequence[FrozenTrial]) -> dict[str, float]:
    """The importance of every setting in a study of these trials, in memory."""
    import optuna

    held = optuna.create_study(direction=study.objectives[0].direction)
    held.add_trials(
        [optuna.create_trial(params=t.params, distributions=t.distributions, values=t.values) for t in trials]
    )
    if len({t.values[0] for t in trials}) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return dict(optuna.importance.get_param_importances(held, evaluator=evaluator))
