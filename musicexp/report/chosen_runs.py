"""Which runs are compared: those named, the best of a study, or the best of an experiment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from musicexp.errors import RunError, SettingError
from musicexp.report.html import visible
from musicexp.tracking import MlflowRun, Store
from musicexp.wording import count

OURS = ("run", "trial")
"""What the tag `musicexp` says of a run that was trained."""
SUMMARY = "study"
MOST_RUNS = 100
USUAL = "bits_per_note/val"
RISING = ("iterations_per_second",)
"""Objectives of which more is better, where a study does not say."""
APART = ("name", "seed", "resume", "split.fold")
"""Settings in which the trainings of one configuration differ."""


@dataclass(frozen=True)
class Chosen:
    """The runs of a comparison in order, what they are called together, and words about how they were chosen."""

    title: str
    runs: tuple[MlflowRun, ...]
    remarks: tuple[str, ...]


def named_runs(store: Store, references: Sequence[str]) -> Chosen:
    """The runs of ids, names or `last`, each once.

    Raises:
        RunError: there is none of a name, several, or one that was not trained by musicexp.
    """
    found: dict[str, MlflowRun] = {}
    twice = []
    for reference in references:
        run = store.find(reference, last_with="config.yaml")
        check_ours(run)
        if run.id in found:
            twice.append(f"{visible(reference)} is {visible(run.name)} once more, and stands once")
        found.setdefault(run.id, run)
    names = [visible(run.name) for run in found.values()]
    title = ", ".join(names) if len(names) <= 3 else f"{names[0]}, {names[1]} and {len(names) - 2} more"
    return Chosen(title, tuple(found.values()), tuple(twice))


def best_of_study(store: Store, study: str, top: int) -> Chosen:
    """The best configurations of a study by its first objective, with all their seeds; pruned trials never.

    Raises:
        RunError: there is no such study, or nothing in it has finished.
    """
    runs = store.runs({"study": study})
    trials = [run for run in runs if run.tags.get("musicexp") == "trial"]
    if not runs:
        raise RunError(
            f"there is no study {visible(study)!r} in {store.uri}; `python -m musicexp studies` lists them"
        )
    metric, rising = _objective(run for run in runs if run.tags.get("musicexp") == SUMMARY)
    through = [run for run in trials if run.status == "FINISHED" and "pruned" not in run.tags]
    best, remark = _best(through, metric, rising, top)
    if not best:
        raise RunError(
            f"no trial of study {visible(study)} has finished with a figure of {metric}: "
            f"{count(len(trials), 'trial run')}, {len(through)} finished and not pruned; compare some by their ids, or let the sweep go on"
        )
    return Chosen(f"study {visible(study)}", best, (remark,))


def best_of_experiment(store: Store, top: int) -> Chosen:
    """The best configurations of the store's experiment by bits per note on validation, with all their seeds.

    Raises:
        RunError: no run in it has finished.
    """
    runs = [run for run in store.runs({}, here=True) if run.tags.get("musicexp") in OURS]
    through = [run for run in runs if run.status == "FINISHED" and "pruned" not in run.tags]
    best, remark = _best(through, USUAL, False, top)
    if not best:
        raise RunError(
            f"no run of experiment {visible(store.experiment)} in {store.uri} has finished with a figure of {USUAL}; `python -m musicexp run` makes one"
        )
    return Chosen(f"experiment {visible(store.experiment)}", best, (remark,))


def check_number(runs: Sequence[MlflowRun]) -> None:
    """
    Raises:
        SettingError: there are too many to be looked at side by side.
    """
    if len(runs) > MOST_RUNS:
        raise SettingError(
            f"{len(runs)} runs are more than {MOST_RUNS}, which nobody can look at side by side; name fewer, or lower top="
        )


def check_ours(run: MlflowRun) -> None:
    """
    Raises:
        RunError: it was not trained by musicexp, or is the summary of a study.
    """
    kind = run.tags.get("musicexp")
    if kind == SUMMARY:
        study = run.tags.get("study", run.name)
        raise RunError(
            f"run {visible(run.name)} ({run.id}) is the summary of a study and no training; write study={visible(study)} to compare its best trials"
        )
    if kind not in OURS:
        raise RunError(
            f"run {visible(run.name)} ({run.id}) was not trained by musicexp (it bears no tag musicexp), so there is nothing of it to compare; name another"
        )


def _objective(summaries: Iterable[MlflowRun]) -> tuple[str, bool]:
    """The first objective of a study and whether more of it is better, as its summary run tells."""
    for run in summaries:
        told = run.tags.get("objective") or run.params.get("objective", "")
        if told.split():
            name, _, direction = told.split()[0].partition(":")
            return name, direction == "maximize" if direction else name in RISING
    return USUAL, False


def _best(
    runs: Sequence[MlflowRun], metric: str, rising: bool, top: int
) -> tuple[tuple[MlflowRun, ...], str]:
    """The runs of the best `top` configurations by their means, the best first, each in order of its seeds."""
    value = _reader(metric)
    groups: dict[str, list[tuple[float, MlflowRun]]] = {}
    for run in runs:
        found = value(run)
        if found is not None and math.isfinite(found):
            groups.setdefault(configuration(run.params) or run.id, []).append((found, run))
    ranked = sorted(
        groups.values(),
        key=lambda group: (-1 if rising else 1) * math.fsum(v for v, _ in group) / len(group),
    )
    best = tuple(
        run
        for group in ranked[:top]
        for _, run in sorted(group, key=lambda one: (_seed(one[1]), one[1].started_ms))
    )
    way = "highest" if rising else "lowest"
    which = f"the {way} {metric}"
    shown = count(min(top, len(ranked)), "configuration")
    remark = (
        f"the {shown} with {which} of {len(ranked)} that finished"
        if len(ranked) > top
        else f"{'both' if len(ranked) == 2 else 'all' if len(ranked) > 1 else 'the'} {shown} that finished, {which} first"
    )
    return best, remark


def configuration(params: Mapping[str, str]) -> str:
    """What the trainings of one configuration share, from MLflow's params; "" where there are none."""
    kept = {
        key: value
        for key, value in params.items()
        if key not in APART and not key.startswith(("tracking.", "checkpoint.", "render."))
    }
    return json.dumps(kept, sort_keys=True) if kept else ""


def _seed(run: MlflowRun) -> int:
    told = run.params.get("seed", "")
    return int(told) if told.isdecimal() else 0


def _reader(metric: str) -> Callable[[MlflowRun], float | None]:
    """Where a figure of a run stands: among its metrics, or in its summary.json."""

    def from_summary(run: MlflowRun) -> float | None:
        if metric in run.metrics:
            return run.metrics[metric]
        if not run.has("summary.json"):
            return None
        try:
            found = json.loads(run.read("summary.json")).get(metric)
        except (ValueError, AttributeError):  # damaged: it cannot be ranked
            return None
        return float(found) if isinstance(found, (int, float)) else None

    return from_summary if metric in ("seconds", "parameters") else lambda run: run.metrics.get(metric)
