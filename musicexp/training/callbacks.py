"""What happens at the end of an iteration, in this order: record, validate, draw clips, be watched, save, perhaps stop."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import pytorch_lightning as pl

from musicexp.config import Config
from musicexp.errors import Interruption, RunError
from musicexp.generation import Best, Clips
from musicexp.metrics import Likelihood
from musicexp.training.ledger import Ledger
from musicexp.training.module import LSTMModule
from musicexp.training.peers import Peers
from musicexp.training.role import Watch


@dataclass
class Signals:
    """Turns SIGINT and SIGTERM into a flag while `deferred`, and into `Interruption` at other times.

    An optimizer step that is broken in the middle cannot be resumed exactly; so within the training loop
    the flag is read at the end of the iteration. A second signal does not wait.
    """

    came: int | None = None
    deferred: bool = False

    @contextmanager
    def caught(self) -> Iterator[Signals]:
        """Handle both signals here until the end of the block (in the main thread; elsewhere do nothing)."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        unraisable = sys.unraisablehook

        def but_interruptions(lost: sys.UnraisableHookArgs) -> None:
            # Raised in a weak reference's callback, it reaches nobody; the flag is up, and read a little later.
            if lost.exc_type is not Interruption:
                unraisable(lost)

        self.take_over()
        sys.unraisablehook = but_interruptions
        try:
            yield self
        finally:
            sys.unraisablehook = unraisable
            for number, handler in before.items():
                signal.signal(number, handler)

    def take_over(self) -> None:
        """Become the handler of both; Lightning puts its own SIGTERM handler in place when a fit begins."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._handle)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        again = self.came is not None
        self.came = signum
        if again or not self.deferred:
            raise Interruption


@dataclass
class Course:
    """How the training went so far: what a checkpoint keeps beside weights and optimizer.

    Attributes:
        pruned: why whoever watches ended it.
        loss: of the latest iteration, in nats per token.
        seconds: spent in training before this process.
        started: this process's clock when training began.
    """

    best: Best | None = None
    bad_validations: int = 0
    stopped_early: bool = False
    pruned: str | None = None
    loss: float = math.nan
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds_in_all(self) -> float:
        return self.seconds + time.monotonic() - self.started


class Record(pl.Callback):
    """Logs the loss of every iteration, and refuses to go on when it is no number."""

    def __init__(self, course: Course, ledger: Ledger, peers: Peers, config: Config) -> None:
        self._course = course
        self._ledger = ledger
        self._peers = peers
        self._config = config

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, LSTMModule)
        assert isinstance(outputs, dict)
        loss = self._peers.sum(outputs["loss"].item())
        if not math.isfinite(loss):
            raise RunError(
                f"training diverged: the loss of iteration {pl_module.iteration} is {loss}; lower lr={self._config.lr:g} or set optimizer.clip=1"
            )
        self._course.loss = loss
        self._ledger.iteration(pl_module.iteration, loss)


class Validation:
    """The likelihood of the validation pieces behind an iteration, found once, whoever asks."""

    def __init__(self, likelihood: Callable[[], Likelihood]) -> None:
        """
        Args:
            likelihood: of the validation pieces under the current weights.
        """
        self._likelihood = likelihood
        self._found: tuple[int, Likelihood] | None = None

    def known(self, iteration: int) -> bool:
        """Whether it was found behind this iteration already."""
        return self._found is not None and self._found[0] == iteration

    def behind(self, iteration: int) -> Likelihood:
        """Under the current weights, which are those behind this iteration."""
        if self._found is None or self._found[0] != iteration:
            self._found = iteration, self._likelihood()
        return self._found[1]


class Validate(pl.Callback):
    """Validates at intervals, keeps the best weights, and stops when patience is over."""

    def __init__(
        self,
        validation: Validation,
        course: Course,
        ledger: Ledger,
        peers: Peers,
        config: Config,
    ) -> None:
        self._validation = validation
        self._course = course
        self._ledger = ledger
        self._peers = peers
        self._config = config

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, LSTMModule)
        every, iteration = self._config.validation.every, pl_module.iteration
        if iteration == self._config.iterations or (every and iteration % every == 0):
            self.validate(pl_module)
            patience = self._config.early_stopping.patience
            if patience and self._course.bad_validations >= patience:
                self._course.stopped_early = True
                trainer.should_stop = True

    def validate(self, module: LSTMModule) -> None:
        """Log the validation loss, and keep the weights if it is the lowest so far."""
        course = self._course
        loss = self._peers.from_first(lambda: self._validation.behind(module.iteration).nats_per_token)
        self._ledger.validation(module.iteration, loss)
        if course.best is None or loss < course.best.nats_per_token:
            weights = {
                name: value.detach().cpu().clone() for name, value in module.model.state_dict().items()
            }
            course.best, course.bad_validations = Best(module.iteration, loss, weights), 0
        else:
            course.bad_validations += 1


class DrawClips(pl.Callback):
    """Lets the model play a little before it learns, at intervals and at the end.

    In one process: the others wait for it when they save. The clip of iteration 0 is also the one that the cards of
    MLflow's charts begin with.
    """

    def __init__(self, clips: Clips, course: Course, ledger: Ledger, config: Config) -> None:
        self._clips = clips
        self._course = course
        self._ledger = ledger
        self._config = config

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, LSTMModule)
        if pl_module.iteration == 0:
            self._ledger.clips(self._clips.draw(pl_module.model, 0, None))

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, LSTMModule)
        iteration = pl_module.iteration
        over = iteration == self._config.iterations or self._course.stopped_early
        if over or iteration % self._config.samples.every == 0:
            self._ledger.clips(self._clips.draw(pl_module.model, iteration, self._course.loss))


class BeWatched(pl.Callback):
    """Lets whoever watches look, and ends the training if told so."""

    def __init__(self, watch: Watch, validation: Validation, course: Course, ledger: Ledger) -> None:
        self._watch = watch
        self._validation = validation
        self._course = course
        self._ledger = ledger

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, LSTMModule)
        iteration, seconds = pl_module.iteration, self._course.seconds_in_all
        if not self._watch.due(iteration, seconds):
            return
        known = self._validation.known(iteration)
        found = self._validation.behind(iteration)
        if (
            not known
        ):  # it is part of the curve, but not a validation that chooses weights: `run` would not have it
            self._ledger.validation(iteration, found.nats_per_token)
        self._course.pruned = self._watch.look(iteration, seconds, found)
        if self._course.pruned is not None:
            trainer.should_stop = True


class Save(pl.Callback):
    """Writes checkpoints by the clock, at a signal and at the end, and stops the training at a signal."""

    def __init__(
        self, save: Callable[[], None], signals: Signals, course: Course, peers: Peers, config: Config
    ) -> None:
        self._save = save
        self._signals = signals
        self._course = course
        self._peers = peers
        self._config = config
        self._saved = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._signals.take_over()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, LSTMModule)
        over = pl_module.iteration == self._config.iterations or self._course.stopped_early
        if self._course.pruned is not None:
            return  # nobody goes on with it
        # Clocks and signals differ between processes: what one sees all do, after the same iteration.
        due, signalled = self._peers.any(
            time.monotonic() - self._saved >= self._config.checkpoint.seconds, self._signals.came is not None
        )
        if over or due or signalled:
            self._save()
            self._saved = time.monotonic()
        if signalled:
            trainer.should_stop = True
