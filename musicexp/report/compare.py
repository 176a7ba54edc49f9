"""compare_runs: from a store and the names of runs to a Comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from musicexp.errors import RunError
from musicexp.report.cells import ONE_CHOICE, missing_runs
from musicexp.report.chosen_runs import Chosen, best_of_experiment, best_of_study, check_number, named_runs
from musicexp.report.compared import compared_run
from musicexp.report.comparison import ComparedRun, Comparison, Difference, Group
from musicexp.report.curve_smoothness import curve_smoothness
from musicexp.report.fairness import judged
from musicexp.report.found import found_of
from musicexp.report.groups import MATTERING, groups
from musicexp.report.verdicts import verdicts
from musicexp.tracking import Store, without_password

TOP = 5
IDENTITY = ("name", "resume", "tracking.uri", "tracking.experiment")
"""Settings that say where a run is kept and what it is called, and nothing about it."""


def compare_runs(
    store: Store,
    references: Sequence[str] = (),
    *,
    study: str | None = None,
    experiment: bool = False,
    top: int = TOP,
) -> Comparison:
    """Put runs side by side.

    Args:
        references: ids, names or `last`, in the order in which they stand.
        study: instead of these, the best `top` configurations of this study, by its objective.
        experiment: instead of these, the best `top` configurations of the store's experiment, by bits per note.

    Raises:
        RunError: a run, study or experiment is unknown, ambiguous, or was not trained by musicexp.
        SettingError: there are too many.
        StoreError: the store does not answer.
    """
    if study is not None:
        chosen = best_of_study(store, study, top)
    elif experiment:
        chosen = best_of_experiment(store, top)
    else:
        chosen = named_runs(store, references)
    check_number(chosen.runs)
    names = store.experiments()
    runs = [compared_run(run, names.get(run.experiment_id, "")) for run in chosen.runs]
    return comparison(chosen, runs, without_password(store.uri))


def comparison(chosen: Chosen, runs: Sequence[ComparedRun], store: str) -> Comparison:
    """Runs that are read, side by side."""
    if not runs:
        raise RunError("there is no run to compare")
    differing, same = _settings(runs)
    fair = judged(runs)
    curves = curve_smoothness(runs, comparable=not fair.nats_reason)
    figures = [{**run.figures, **run.music, **more} for run, more in zip(runs, curves.figures, strict=True)]
    grouped = groups(runs, differing, figures)
    factors = _factors(runs, grouped, differing)
    missing = missing_runs(runs, grouped, differing, factors, fair.bits_reason)
    findings = found_of(runs, grouped, figures, curves, fair, missing)
    return Comparison(
        title=chosen.title,
        store=store,
        runs=tuple(runs),
        differing=differing,
        same=same,
        environment=fair.differing,
        shared_environment=fair.shared,
        nats_comparable=not fair.nats_reason,
        nats_reason=fair.nats_reason,
        bits_comparable=not fair.bits_reason,
        bits_reason=fair.bits_reason,
        groups=grouped,
        factors=factors,
        remarks=(*chosen.remarks, *verdicts(runs, grouped, factors, findings)),
        findings=findings,
    )


def _settings(runs: Sequence[ComparedRun]) -> tuple[tuple[Difference, ...], dict[str, Any]]:
    """Settings that differ, those that matter first, and those that do not differ among the runs that say."""
    names = dict.fromkeys(name for run in runs for name in run.settings if name not in IDENTITY)
    differing, same = [], {}
    for name in names:
        known = tuple(name in run.settings for run in runs)
        values = tuple(run.settings.get(name) for run in runs)
        told = [value for value, k in zip(values, known, strict=True) if k]
        if all(value == told[0] and type(value) is type(told[0]) for value in told):
            same[name] = told[0]
        else:
            matters = name in MATTERING and not _resolved_alike(runs, name)
            differing.append(Difference(name, values, known, matters))
    differing.sort(key=lambda d: not d.matters)
    return tuple(differing), same


def _resolved_alike(runs: Sequence[ComparedRun], name: str) -> bool:
    """Whether a choice such as precision=auto came out the same in every run, whatever was written."""
    chosen = {run.resolved.get(name, "") for run in runs}
    return len(chosen) == 1 and chosen != {""}


def _factors(
    runs: Sequence[ComparedRun], grouped: Sequence[Group], differing: Sequence[Difference]
) -> tuple[str, ...]:
    """What the groups differ in. A seed counts if groups share none."""
    if len(grouped) < 2:
        return ()
    found: dict[str, None] = {}
    for difference in differing:
        if not difference.matters:
            continue
        if difference.name == "seed":
            if any(not set(grouped[0].seeds) & set(group.seeds) for group in grouped[1:]):
                found["seed"] = None
            continue
        found[ONE_CHOICE.get(difference.name, difference.name)] = None
    codes = {run.code.get("fingerprint", "") for run in runs} - {""}
    if len(codes) > 1:
        found["code"] = None
    data = {run.fingerprints["data"] for run in runs} - {""}
    if len(data) > 1 and "dataset" not in found:
        found["data"] = None
    return tuple(found)
