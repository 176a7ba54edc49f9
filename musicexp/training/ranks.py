"""Training on several devices: a process for each, which this one starts, hears and ends.

This process keeps the run, what is printed and the signals; the others train, and the first of them tells.
So there is one run and one set of lines, however many devices there are. Lightning's own launchers would
call the whole command once more for each device, or, by multiprocessing, import the caller's script anew;
and where one process dies, those that wait for it on a GPU wait for ever. Here whoever dies is
seen by somebody who waits for nobody: if a child dies this process ends the others, and if this process dies
each child finds its pipe closed and ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.distributed as dist

from musicexp.config import Config
from musicexp.errors import Interruption, MusicexpError, RunError
from musicexp.generation import Checkpoint
from musicexp.model import Resolved
from musicexp.music.reader import import_places
from musicexp.training.callbacks import Signals
from musicexp.training.ledger import RunLedger
from musicexp.training.material import Material

TICK_SECONDS = 0.1
"""How soon a signal is passed on while no child says anything."""
SECONDS_TO_DIE = 10.0
LONGEST_LAST_WORDS = 300

PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; from musicexp.training.rank import serve; serve(int(sys.argv[1]))"
"""What a child runs; its end of the pipe is the first word."""

ELSEWHERE = (
    "RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "NODE_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
)
"""What other launchers leave in the environment would place our processes elsewhere."""


@dataclass(frozen=True)
class Task:
    """What a child needs to know.

    Attributes:
        rank: which of config.trainer.devices processes it is.
        port: where all of them meet.
        store: the folder of the prepared data.
        checkpoint: to go on from, as bytes.
        initial: whose weights are begun with, as bytes.
    """

    rank: int
    port: int
    config: Config
    store: Path
    resolved: Resolved
    checkpoint: bytes | None
    initial: bytes | None


@dataclass(frozen=True)
class Word:
    """What a child says: the name of a ledger's method, or one of `ENDS`, and what belongs to it."""

    kind: str
    told: tuple[Any, ...] = ()


ENDS = ("done", "interrupted", "refused", "failed", "died")
"""How a child ends: with a checkpoint, by a signal, by a MusicexpError, by a bug, or without a word."""


def fit_apart(
    config: Config,
    ledger: RunLedger,
    material: Material,
    resolved: Resolved,
    signals: Signals,
    checkpoint: Checkpoint | None,
    initial: Checkpoint | None = None,
) -> Checkpoint:
    """The training loop in processes of its own, one for each device.

    Raises:
        MusicexpError: what training does not allow, or a process died.
        Interruption: a signal came; the processes saved what they had.
    """
    # They meet here and not with one of them, so that the port is free for sure.
    meeting = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]  # torch's __all__ forgets it
    start, before = (one.as_bytes() if one else None for one in (checkpoint, initial))
    ranks: list[_Rank] = []
    try:
        for number in range(config.trainer.devices):
            ranks.append(_Rank(number, resolved.threads))
        for rank in ranks:
            rank.tell(Task(rank.number, meeting.port, config, material.store.folder, resolved, start, before))
        trained = _heard(ranks, ledger, signals)
    finally:
        for rank in ranks:
            rank.kill()
        for rank in ranks:
            rank.close()
        signals.deferred = False
    if signals.came is not None or trained is None:
        raise Interruption
    return Checkpoint.from_bytes(trained, "the checkpoint of the training processes")


def _heard(ranks: Sequence[_Rank], ledger: RunLedger, signals: Signals) -> bytes | None:
    """Pass on what the children say until the training is over: its checkpoint, or None if it was interrupted."""
    told_to_stop = False
    while True:
        ready = multiprocessing.connection.wait([rank.connection for rank in ranks], TICK_SECONDS)
        if signals.came is not None and not told_to_stop:
            told_to_stop = True
            for rank in ranks:
                rank.tell("stop")
        # All that are ready before anything is concluded: when one dies, the others fail because of it.
        ends: dict[str, tuple[_Rank, Word]] = {}
        for rank in ranks:
            if rank.connection not in ready:
                continue
            word = rank.hear()
            if word.kind in ENDS:
                if rank.number == 0 or word.kind not in ("done", "interrupted"):
                    ends.setdefault(word.kind, (rank, word))
                continue
            signals.deferred = True  # from its first word on there is something to save
            _pass_on(word, ledger)
        if "refused" in ends:
            error = ends["refused"][1].told[0]
            assert isinstance(error, MusicexpError)
            raise error
        if "died" in ends:
            if signals.came is not None:
                return None
            raise RunError(ends["died"][0].obituary())
        if "failed" in ends:
            rank, word = ends["failed"]
            raise RuntimeError(f"the process of device {rank.number} failed:\n{word.told[0]}")
        if "interrupted" in ends:
            return None
        if "done" in ends:
            checkpoint = ends["done"][1].told[0]
            assert isinstance(checkpoint, bytes)
            return checkpoint


def _pass_on(word: Word, ledger: RunLedger) -> None:
    tell: dict[str, Callable[..., None]] = {
        "say": ledger.say,
        "iteration": ledger.iteration,
        "validation": ledger.validation,
        "clips": ledger.clips,
        "save": ledger.keep,
    }
    tell[word.kind](*word.told)


class _Rank:
    """A child process as this one sees it."""

    def __init__(self, number: int, threads: int) -> None:
        """
        Raises:
            RunError: it cannot be started.
        """
        self.number = number
        self.connection, theirs = multiprocessing.Pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  as long as the child
        environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        environment |= {"LOCAL_RANK": str(number), "OMP_NUM_THREADS": str(threads)}
        try:
            with _deaf():
                self._child = subprocess.Popen(
                    [sys.executable, "-c", PROGRAM, str(theirs.fileno()), *import_places()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=[theirs.fileno()],
                    env=environment,
                )
        except OSError as error:
            self.connection.close()
            self._errors.close()
            raise RunError(
                f"the process of device {number} cannot be started: {error.strerror or error}; is there enough memory? trainer.devices=1 needs none"
            ) from error
        finally:
            theirs.close()

    def tell(self, what: Task | str) -> None:
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # a dead child is found out when it is heard
            self.connection.send(what)

    def hear(self) -> Word:
        """Its next word; that it died is one."""
        try:
            word = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return Word("died")
        assert isinstance(word, Word)
        return word

    def kill(self) -> None:
        """End it. There is nothing that it would still have to do."""
        self.connection.close()
        self._child.kill()

    def close(self) -> None:
        self._child.wait()
        self._errors.close()

    def obituary(self) -> str:
        """Why it died, as far as one knows, in a sentence."""
        try:
            code = self._child.wait(SECONDS_TO_DIE)
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        except subprocess.TimeoutExpired:
            how = "it no longer answers"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").rstrip().rpartition("\n")[2]
        last = f": {said[:LONGEST_LAST_WORDS]}" if said else ""
        return (
            f"the process of device {self.number} died ({how}{last}), and the others were ended; often memory runs out: "
            "make batch_size or the model smaller, or go on behind the last checkpoint with resume=RUN"
        )


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Children started here never hear SIGINT and SIGTERM, which a terminal or a scheduler sends to all of us.

    They must stop together, behind the same iteration: this process hears for them, and tells them.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
