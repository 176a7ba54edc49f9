"""A worker: claims a trial, trains it, tells it, and asks for the next, by itself; any number share one study."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable

from musicexp.errors import Interruption
from musicexp.sweep.study import TERMINATED, Study
from musicexp.sweep.terminator import enough
from musicexp.sweep.trial import Training
from musicexp.training import Signals
from musicexp.wording import count

TIED = "--tied"
"""The flag of a worker that ends with the process which started it."""
MOST_REPEATS = 5
"""A sampler that chooses what was tried so often in a row is given something else."""
PAUSE_SECONDS = 2.0
"""Between two questions whether a trial of somebody else's was lost."""


def work(
    study: Study,
    *,
    threads: int,
    seconds: float | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Train trials until the study has all that it asks for; return how many this worker finished.

    Args:
        threads: for each training.
        seconds: after which what runs is saved and kept as interrupted.
        say: told a line for each beginning and ending.

    Raises:
        Interruption: a signal came, or the time is over; the trial in hand is saved, and goes on next time.
        StoreError: the study's database or the runs' store cannot be used.
    """
    finished = repeats = 0
    with Signals().caught() as signals, _time_limit(seconds):
        training = Training(study, threads, signals, say)
        while True:
            if signals.came is not None:  # where it came, it could not be raised
                raise Interruption
            claimed = study.claim()
            if claimed == "over":
                break
            if claimed == "wait":
                time.sleep(PAUSE_SECONDS)
                continue
            assert isinstance(claimed, int)
            began = time.monotonic()
            outcome = training.train(claimed)
            number = study.storage.shared.get_trial(claimed).number
            values = " ".join(
                f"{objective.name} {value:.4f}"
                for objective, value in zip(study.objectives, outcome.values, strict=False)
            )
            told = f" ({outcome.reason})" if outcome.reason and outcome.ending != "interrupted" else ""
            say(
                f"trial {number} {outcome.ending} after {time.monotonic() - began:.0f} s{': ' if values else ''}{values}{told}"
            )
            if outcome.ending == "interrupted":
                raise Interruption
            finished += outcome.ending in ("complete", "pruned")
            repeats = repeats + 1 if outcome.ending == "repeated" else 0
            if repeats >= MOST_REPEATS and (other := study.untried(random.Random(number))) is not None:
                study.enqueue(other, {})
            if study.limits.terminator and outcome.ending == "complete" and (why := enough(study)):
                study.inner.set_user_attr(TERMINATED, why)
    say(f"this worker is done: {count(finished, 'trial')} finished")
    return finished


class _time_limit:  # noqa: N801  a context manager, read like a verb
    """Sends this process SIGTERM when the time is over, as a scheduler would."""

    def __init__(self, seconds: float | None) -> None:
        self._timer = None if seconds is None else threading.Timer(max(seconds, 0.0), self._over)

    def __enter__(self) -> None:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *caught: object) -> None:
        if self._timer:
            self._timer.cancel()

    @staticmethod
    def _over() -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def tie_to_parent() -> None:
    """End as at a signal when the process at the other end of standard input is gone."""

    def listen() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock, held here, would break the interpreter's end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, daemon=True).start()
