"""The end of a search that has nothing more to gain: Optuna's terminator, deprecated there, behind this one door."""

from __future__ import annotations

import warnings

from musicexp.sweep.study import Study

FEWEST_TRIALS = 20


def enough(study: Study) -> str | None:
    """Why to stop (the gain still to be expected is below the noise), or None."""
    through = [t for t in study.finished() if t.state.name == "COMPLETE"]
    if len(through) < FEWEST_TRIALS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and we know: no other judge of the kind is there
        from optuna.terminator import MedianErrorEvaluator, RegretBoundEvaluator, Terminator

        improvement = RegretBoundEvaluator()
        terminator = Terminator(
            improvement_evaluator=improvement,
            error_evaluator=MedianErrorEvaluator(improvement),
            min_n_trials=FEWEST_TRIALS,
        )
        if not terminator.should_terminate(study.inner):
            return None
    return f"after {len(through)} complete trials, what may still be gained is below the noise of the trials"
