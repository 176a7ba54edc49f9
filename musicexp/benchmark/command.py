"""`benchmark` from its words to its table, and the processes that train its folds side by side."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from musicexp.benchmark.figure import FoldFigure
from musicexp.benchmark.folds import TRAINED, Place, finished, only_trained, place_of, train_folds
from musicexp.benchmark.lines import at_once
from musicexp.benchmark.plan import Fold, Plan, read_plan, table_of, tuned_name
from musicexp.benchmark.pretraining import found as with_pretraining
from musicexp.benchmark.pretraining import pretrain
from musicexp.benchmark.settings import NAMES
from musicexp.benchmark.standing import Cell, Standing, cell_of
from musicexp.benchmark.tuning import tune
from musicexp.errors import RunError, SettingError
from musicexp.report import Terminal, duration
from musicexp.sweep.crew import Crew, Process
from musicexp.sweep.worker import TIED, tie_to_parent
from musicexp.training import Signals, check, prepare
from musicexp.training.environment import machine
from musicexp.wording import count

OF_A_SEARCH = ("tune", "trials")


def benchmark(words: Sequence[str], terminal: Terminal) -> Standing:
    """Train what is missing of a benchmark and say how its folds stand.

    Args:
        words: the name of the benchmark and settings, as behind `python -m musicexp benchmark`.

    Raises:
        MusicexpError: in one sentence, whatever is wrong.
        Interruption: a signal came; the same command goes on.
    """
    began = time.monotonic()
    plan = read_plan(_settings(words))
    _check(plan)
    place = place_of(plan)
    terminal.say(f"store    {place.store.uri}")
    if plan.asked.tune:
        shown = [word for word in words if not word.startswith("tracking.")]
        tune(plan, f"python -m musicexp benchmark {' '.join(shown)}", terminal)
        words = [word for word in words if word.partition("=")[0] not in OF_A_SEARCH]
        plan = read_plan(_settings(words))
    if plan.asked.pretrained:
        plan = pretrain(plan, place, terminal)
    found = finished(plan, place)
    missing = [fold for fold in plan.every if fold not in found]
    if missing:
        _say_what_is_missing(plan, missing, len(only_trained(plan, place, missing)), terminal)
        _prepare(plan, missing, place, terminal)
        _train_side_by_side(words, min(plan.workers, len(missing)), len(missing), terminal)
        found = finished(plan, place)
        if left := [fold for fold in plan.every if fold not in found]:
            raise RunError(
                f"{count(len(left), 'fold')} of the benchmark are in the hands of another process, {left[0].told} among them; "
                "when it is done, the same command shows the table"
            )
    return _standing(plan, found, time.monotonic() - began)


def standing_of(words: Sequence[str]) -> Standing:
    """How the folds stand that are finished; nothing is trained. A cell without any is left out.

    Raises:
        MusicexpError: in one sentence, whatever is wrong; there is no such store.
    """
    plan = read_plan(_settings(words))
    place = place_of(plan, create=False)
    plan = with_pretraining(plan, place)
    return _standing(plan, finished(plan, place), 0.0)


def _standing(plan: Plan, found: Mapping[Fold, FoldFigure], seconds: float) -> Standing:
    workers, processor = min(plan.workers, len(plan.every)), machine()["machine.processor"]
    return Standing(plan.asked.effort, tuple(_cells(plan, found)), seconds, workers, processor)


def work(words: Sequence[str]) -> None:
    """Be one of the processes that train folds, until none is left for this one; ends with the process that started it.

    Raises:
        Interruption: a signal came; the fold in hand is saved.
    """
    with Signals().caught() as signals:
        tie_to_parent()
        plan = read_plan(_settings([word for word in words if word != TIED]))
        place = place_of(plan)
        train_folds(with_pretraining(plan, place), place, signals, lambda line: print(line, flush=True))


def _settings(words: Sequence[str]) -> list[str]:
    """The words behind the benchmark's name.

    Raises:
        SettingError: it is not named, or unknown.
    """
    named = [word for word in words if "=" not in word]
    if len(named) != 1 or named[0] not in NAMES:
        wrong = f", not {' '.join(named)!r}" if named else ""
        raise SettingError(
            f"benchmark wants the name of one benchmark{wrong}: {', '.join(NAMES)}, as in `python -m musicexp benchmark pearce`"
        )
    return [word for word in words if "=" in word]


def _check(plan: Plan) -> None:
    """Find out, at no cost, whether what the folds need is there."""
    for cell in plan.cells:
        check(plan.config(Fold(*cell, plan.asked.folds[0])))
    for of in plan.asked.sets if plan.asked.pretrained else ():
        check(plan.pretraining_config(of))


def _say_what_is_missing(plan: Plan, missing: Sequence[Fold], to_measure: int, terminal: Terminal) -> None:
    done = len(plan.every) - len(missing)
    of = f"; {done} of {len(plan.every)} are finished" if done else ""
    workers = min(plan.workers, len(missing))
    to_train = len(missing) - to_measure
    to_do = [f"{to_train} to train"] if to_train or not to_measure else []
    to_do += [f"{to_measure} trained already, to measure"] if to_measure else []
    terminal.say(f"folds    {', '.join(to_do)}, {at_once(workers)}{of}")
    for table, tuned in plan.tuned.items():
        file = f"conf/tuned/{tuned_name(table, plan.asked.reads)}.yaml"
        terminal.say(f"tuned    {count(len(tuned), 'fold')} with settings of {file}")


def _prepare(plan: Plan, missing: Sequence[Fold], place: Place, terminal: Terminal) -> None:
    """Read the music once, before several processes would."""
    first = {fold.set: fold for fold in reversed(missing)}
    for fold in first.values():
        prepare(plan.config(fold), place.cache, terminal.preparing)


def _train_side_by_side(words: Sequence[str], workers: int, missing: int, terminal: Terminal) -> None:
    """Let processes train until none finds another fold.

    Raises:
        Interruption: a signal came, and all have saved what they had.
        RunError: a fold cannot be trained.
    """
    done, began = 0, time.monotonic()

    def heard(line: str) -> None:
        nonlocal done
        if line.endswith(TRAINED):
            done += 1
            left = (time.monotonic() - began) / done * (missing - done)
            line += f" ({done} of {missing}{f', about {duration(left)} left' if left else ''})"
        terminal.say(line)

    command = [sys.executable, "-m", "musicexp", "benchmark", *words, TIED]
    crew = Crew(lambda said: Process(command, os.environ, said), workers, lambda: done)
    try:
        crew.run(heard, lambda: None)
    except BaseException:
        terminal.say(f"{done} of {count(missing, 'fold')} trained; all is kept, and the same command goes on")
        raise


def _cells(plan: Plan, found: Mapping[Fold, FoldFigure]) -> Iterator[Cell]:
    for cell in plan.cells:
        figures = []
        for number in plan.asked.folds:
            seeds = [Fold(*cell, number, repeat) for repeat in range(plan.asked.seeds)]
            if all(fold in found for fold in seeds):
                figures.append((number, [found[fold] for fold in seeds]))
        if not figures:
            continue
        kept = plan.tuned.get(table_of(*cell), {})
        tuned = [kept[number].seconds for number, _ in figures if number in kept]
        called = plan.config(Fold(*cell, figures[0][0])).model.called
        first = plan.pretraining.get(cell[0])
        found_cell = cell_of(*cell, figures, math.fsum(tuned) if tuned else None, plan.asked.reads, called)
        yield replace(
            found_cell,
            learned_first=first.melodies if first else None,
            first_seconds=first.seconds if first else None,
        )
