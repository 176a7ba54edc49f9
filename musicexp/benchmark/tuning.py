"""`tune=true`: a search for each fold, of which its test pieces know nothing, and what it found kept for later runs.

A search is a study of `sweep` on the fold's own split: it trains on the training pieces and looks at the validation
pieces, a tenth of what the fold does not test, whole duplicate groups where the folds are grouped. No trial is asked
about a test piece.
"""

from __future__ import annotations

from musicexp.benchmark.plan import Fold, Plan, table_of, tuned_name
from musicexp.benchmark.tuned import Tuned, read_tuned, tuned_path, write_tuned
from musicexp.config import word
from musicexp.errors import RunError
from musicexp.report import Terminal, duration
from musicexp.sweep import sweep
from musicexp.sweep.record import leading
from musicexp.wording import count

SEARCH = ("search=pearce", "objective=bits_per_note/val")
HELD_BACK = "split.val=0.1"
"""More than a fold's last training holds back, which looks at nothing and wants all that it can learn from."""


def tune(plan: Plan, command: str, terminal: Terminal) -> None:
    """Search for each fold of a plan and keep what was found; folds that were searched so already are left alone.

    Args:
        command: that asked for it, for the files' first lines.

    Raises:
        MusicexpError: a search cannot be made, or nothing came of it.
        Interruption: a signal came; the same command goes on with the search that was begun.
    """
    for cell in plan.cells:
        kept = tuned_name(table_of(*cell), plan.asked.reads)
        for number in plan.asked.folds:
            fold = Fold(*cell, number)
            before = read_tuned(kept)
            there = before.get(number)
            if there and there.study == study_of(plan, fold) and there.trials >= plan.asked.trials:
                continue
            found = _searched(plan, fold, terminal)
            write_tuned(kept, {**before, number: found}, command)
            terminal.say(
                f"tuned    {fold.told}: {' '.join(found.settings)}; {count(found.trials, 'trial')}, {duration(found.seconds)} of training"
            )
        terminal.say(f"kept     {tuned_path(kept)}")


def study_of(plan: Plan, fold: Fold) -> str:
    """The name of a fold's search: another one where other settings are given."""
    return f"{tuned_name(fold.table, plan.asked.reads)}-{fold.number}-{plan.signature(fold)[:8]}"


def search_words(plan: Plan, fold: Fold) -> list[str]:
    """What `sweep` takes to search for a fold."""
    return [
        *plan.given_words(fold),
        f"split.fold={fold.number}",
        HELD_BACK,
        *plan.asked.words,
        *SEARCH,
        f"study={study_of(plan, fold)}",
        f"trials={plan.asked.trials}",
        f"workers={plan.workers}",
    ]


def _searched(plan: Plan, fold: Fold, terminal: Terminal) -> Tuned:
    terminal.say(f"tuning   {fold.told}")
    study = sweep(search_words(plan, fold))
    best = leading(study)
    if best is None:
        raise RunError(
            f"no trial of study {study.name} came to its end, so there is nothing to train {fold.told} with; "
            f"`python -m musicexp studies {study.name}` tells why"
        )
    words = tuple(word(name, value) for name, value in sorted(best.params.items()))
    return Tuned(words, round(study.trained_seconds(), 1), len(study.finished()), study.name)
