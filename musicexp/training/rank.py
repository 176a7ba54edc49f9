"""One of the processes that train together: it hears its task, trains as every other does, and tells how it went."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection

import torch

from musicexp.data import TokenStore
from musicexp.errors import Interruption, MusicexpError
from musicexp.generation import Checkpoint, Clip
from musicexp.training.callbacks import Signals
from musicexp.training.devices import choose_device
from musicexp.training.ledger import Unheard
from musicexp.training.material import Material
from musicexp.training.peers import Peers
from musicexp.training.ranks import Task, Word
from musicexp.training.train import fit


class Sent:
    """The first process's ledger: what it is told goes to the process that keeps the run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def say(self, line: str) -> None:
        self._connection.send(Word("say", (line,)))

    def iteration(self, iteration: int, loss: float) -> None:
        self._connection.send(Word("iteration", (iteration, loss)))

    def validation(self, iteration: int, loss: float) -> None:
        self._connection.send(Word("validation", (iteration, loss)))

    def clips(self, clips: Sequence[Clip]) -> None:
        self._connection.send(Word("clips", (clips,)))

    def save(self, checkpoint: Checkpoint) -> None:
        self._connection.send(Word("save", (checkpoint.as_bytes(),)))


def serve(place: int) -> None:
    """Hear a task and do it.

    Args:
        place: the file descriptor of our end of the pipe.
    """
    connection = Connection(place)
    task: Task = connection.recv()
    signals = Signals(deferred=True)
    listener = threading.Thread(target=_listen, args=(connection, signals), daemon=True)
    listener.start()
    connection.send(_end(task, connection, signals))
    # Others may still be reading what we sent, or the memory of our GPU: we are ended when all are done.
    listener.join()


def _listen(connection: Connection, signals: Signals) -> None:
    """Note that we are to stop; and end at once when whoever started us is no more."""
    try:
        while True:
            connection.recv()
            signals.came = signal.SIGTERM
    except (EOFError, OSError):
        os._exit(1)


def _end(task: Task, connection: Connection, signals: Signals) -> Word:
    try:
        trained = _trained(task, connection, signals)
    except Interruption:
        return Word("interrupted")
    except MusicexpError as error:
        return Word("refused", (error,))
    except BaseException:  # noqa: BLE001  whatever it is, it is raised again where somebody sees it
        return Word("failed", (traceback.format_exc(),))
    return Word("done", (trained.as_bytes() if task.rank == 0 else None,))


def _trained(task: Task, connection: Connection, signals: Signals) -> Checkpoint:
    config = task.config
    torch.set_num_threads(task.resolved.threads)
    peers = Peers.join(
        task.rank, config.trainer.devices, task.port, choose_device(config.trainer.accelerator)
    )
    checkpoint = Checkpoint.from_bytes(task.checkpoint, "the checkpoint") if task.checkpoint else None
    initial = Checkpoint.from_bytes(task.initial, "the weights to begin with") if task.initial else None
    return fit(
        config,
        Sent(connection) if task.rank == 0 else Unheard(),
        Material(TokenStore.open(task.store)),
        task.resolved,
        signals,
        checkpoint,
        peers,
        initial=initial,
    )
