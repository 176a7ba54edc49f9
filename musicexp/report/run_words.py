"""Sentences about a run that is not as a finished run should be: still running, failed, stopped, pruned, robbed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from musicexp.tracking import MlflowRun


def state_words(run: MlflowRun, curves: Mapping[Any, Sequence[Any]]) -> list[str]:
    """Why a run has no figures yet, or not those of a whole training; nothing of a finished one.

    Args:
        curves: of `Point`s.
    """
    last = max((points[-1].iteration for points in curves.values() if points), default=0)
    behind = f"behind iteration {last:,}" if last else "before its first iteration"
    if run.status == "RUNNING":
        return [
            f"it is still running, {behind}, or its process was killed; what it has not left yet is not shown"
        ]
    if run.status == "FAILED":
        return [f"it failed {behind}: {run.tags.get('failed', 'see its log.txt')}"]
    if run.status == "KILLED":
        return [f"it was stopped {behind}; go on with: python -m musicexp run resume={run.id}"]
    if "pruned" in run.tags:
        return [f"it was pruned {behind}: {run.tags['pruned']}"]
    return []


def gone(run: MlflowRun, what: str, therefore: str) -> str:
    """The sentence about files that are not there.

    Args:
        therefore: what follows, such as "some figures are unknown".
    """
    are = "are" if "," in what else "is"
    if run.status == "FINISHED":
        return f"{what} {are} not in {run.place}: deleted, or the folder was moved; {therefore}"
    return f"{what} {are} not there; {therefore}"
