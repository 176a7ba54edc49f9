"""What may be said of a comparison, and what may not, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.report.comparison import ComparedRun, Group
from musicexp.report.figure_names import heading
from musicexp.report.findings import Findings
from musicexp.report.html import visible
from musicexp.report.settings_beside import FIGURE, best_two


def verdicts(
    runs: Sequence[ComparedRun], groups: Sequence[Group], factors: Sequence[str], findings: Findings
) -> tuple[str, ...]:
    """Sentences about several factors, repeated runs, and whether the two lowest are known to differ."""
    found = []
    if len(factors) > 1:
        found.append(f"{_listed(factors)} differ at once: nothing here says which one did it")
    return (*found, *_repeated(runs), *_best_two(groups, findings))


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _repeated(runs: Sequence[ComparedRun]) -> list[str]:
    by_signature: dict[str, list[str]] = {}
    for run in runs:
        if run.tags.get("signature"):
            by_signature.setdefault(run.tags["signature"], []).append(visible(run.name))
    return [
        f"{_listed(names)} have one signature: the same settings, seed, data and code, trained more than once"
        for names in by_signature.values()
        if len(names) > 1
    ]


def _best_two(groups: Sequence[Group], findings: Findings) -> list[str]:
    """The two with the lowest bits per note, seed by seed."""
    best = best_two(groups)
    for pair in findings.beside:
        if (pair.first, pair.second) == best and FIGURE in pair.figures:
            told = (
                f"{heading(FIGURE)}: {pair.labels[0]} beside {pair.labels[1]}: {pair.figures[FIGURE].words}"
            )
            return [f"{told}{'; one pair is an anecdote' * (len(pair.seeds) == 1)}"]
    return []
