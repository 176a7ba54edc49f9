"""Where training tells how it goes: into the run, and to whoever watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from musicexp.generation import CHECKPOINT_FILE, Checkpoint, Clip
from musicexp.tracking import Run
from musicexp.training.learning import keep_clips
from musicexp.training.reporter import Reporter


class Ledger(Protocol):
    """What the training loop tells, and all that it tells, so that it may run in another process than the run."""

    def say(self, line: str) -> None:
        """A line worth keeping."""
        ...

    def iteration(self, iteration: int, loss: float) -> None:
        """An iteration ended, with the whole batch's loss in nats per token."""
        ...

    def validation(self, iteration: int, loss: float) -> None:
        """A validation ended, with its loss in nats per token."""
        ...

    def clips(self, clips: Sequence[Clip]) -> None:
        """Clips of one iteration were drawn."""
        ...

    def save(self, checkpoint: Checkpoint) -> None:
        """Everything up to here can be gone on with."""
        ...


class RunLedger:
    """Tells a run in its store, and a reporter."""

    def __init__(self, run: Run, reporter: Reporter, iterations: int) -> None:
        self._run = run
        self._reporter = reporter
        self._iterations = iterations

    def say(self, line: str) -> None:
        self._reporter.say(line)

    def iteration(self, iteration: int, loss: float) -> None:
        self._run.log_metrics({"loss/train": loss}, iteration)
        self._reporter.iteration(iteration, self._iterations, loss)

    def validation(self, iteration: int, loss: float) -> None:
        self._run.log_metrics({"loss/val": loss}, iteration)
        self._reporter.validation(iteration, loss)

    def clips(self, clips: Sequence[Clip]) -> None:
        keep_clips(self._run, clips)

    def save(self, checkpoint: Checkpoint) -> None:
        self.keep(checkpoint.as_bytes())

    def keep(self, checkpoint: bytes) -> None:
        """Write a checkpoint that is bytes already."""
        # Metrics first: a checkpoint never knows of an iteration that the store does not.
        self._run.flush()
        self._run.write(CHECKPOINT_FILE, checkpoint)
        self._run.write("log.txt", self._reporter.text().encode())


class Unheard:
    """The ledger of every process but the first: all train alike, and one tells it."""

    def say(self, line: str) -> None:
        pass

    def iteration(self, iteration: int, loss: float) -> None:
        pass

    def validation(self, iteration: int, loss: float) -> None:
        pass

    def clips(self, clips: Sequence[Clip]) -> None:
        pass

    def save(self, checkpoint: Checkpoint) -> None:
        pass
