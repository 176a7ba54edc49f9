"""Workers, as the process that started them sees them; here those of this machine."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from musicexp.errors import Interruption, RunError

SECONDS_TO_SAVE = 120.0
"""How long workers may take to save what they train, once told to stop."""
MOST_DEATHS = 3
"""So many workers dying one after another, with no trial finished between: something is wrong with the machine."""
TICK_SECONDS = 0.25
IN_ORDER = (0, 130)
"""Exit codes of a worker that found nothing more to do, or whose time was over."""
REFUSED = 2
"""The exit code of one that said in a sentence why it cannot work."""


def ended_by(code: int) -> str:
    """How a worker ended, in words."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Worker(Protocol):
    """A worker that was started somewhere."""

    @property
    def ended(self) -> bool: ...

    @property
    def code(self) -> int:
        """How it ended: an exit code, or the negative number of the signal that ended it."""
        ...

    def last_words(self) -> str:
        """The last line that it wrote to standard error."""
        ...

    def stop(self) -> None:
        """Tell it to save and stop."""
        ...

    def kill(self) -> None: ...


Said = queue.SimpleQueue[str]
"""What workers say, line by line."""


class Crew:
    """Starts workers, hears what they say, replaces those that die, and lets them stop in peace."""

    def __init__(self, hire: Callable[[Said], Worker], size: int, finished: Callable[[], int]) -> None:
        """
        Args:
            hire: starts a worker.
            finished: how many trials of the study are finished.
        """
        self._hire = hire
        self._size = size
        self._finished = finished
        self._workers: list[Worker] = []
        self._said: Said = queue.SimpleQueue()
        self._signals = 0

    def run(self, heard: Callable[[str], None], tick: Callable[[], None]) -> None:
        """Until every worker is done.

        Args:
            heard: told what workers say, line by line.
            tick: called again and again.

        Raises:
            RunError: workers die one after another.
            Interruption: a signal came and all have saved what they had.
        """
        with self._caught():
            self._workers = [self._hire(self._said) for _ in range(self._size)]
            deaths, at_last_death = 0, self._finished()
            told_at: float | None = None
            try:
                while self._workers:
                    time.sleep(TICK_SECONDS)
                    while not self._said.empty():
                        heard(self._said.get())
                    if self._signals and told_at is None:
                        told_at = time.monotonic()
                        heard("stopping: every worker saves what it trains (again to stop at once)")
                        for worker in self._workers:
                            worker.stop()
                    if self._signals > 1 or (told_at and time.monotonic() - told_at > SECONDS_TO_SAVE):
                        break
                    for worker in [w for w in self._workers if w.ended]:
                        self._workers.remove(worker)
                        if told_at is not None or worker.code in IN_ORDER:
                            continue
                        if worker.code == REFUSED:
                            raise RunError(worker.last_words())
                        deaths = deaths + 1 if self._finished() == at_last_death else 1
                        at_last_death = self._finished()
                        heard(
                            f"a worker died ({ended_by(worker.code)}); another takes its place and goes on with its trial"
                        )
                        if deaths > MOST_DEATHS:
                            raise RunError(
                                f"{deaths} workers died one after another ({ended_by(worker.code)}: {worker.last_words()}); often memory runs out: take fewer workers or smaller models, then give the same command again"
                            )
                        self._workers.append(self._hire(self._said))
                    tick()
            finally:
                for worker in self._workers:
                    worker.kill()
                while not self._said.empty():
                    heard(self._said.get())
        if told_at is not None:
            raise Interruption

    @contextmanager
    def _caught(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        self._signals += 1


class Process:
    """A worker on this machine. It ends when this process does: its standard input is tied to ours."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], said: Said) -> None:
        self._errors: deque[str] = deque(maxlen=30)
        # A session of its own: Ctrl-C reaches this process alone, which tells its workers.
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._threads = [
            threading.Thread(target=self._hear, args=(said.put,), daemon=True),
            threading.Thread(target=self._hear_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def code(self) -> int:
        return int(self._process.returncode)

    def last_words(self) -> str:
        for thread in self._threads:
            thread.join(timeout=5)
        return (self._errors[-1] if self._errors else "it said nothing").removeprefix("musicexp: ")

    def stop(self) -> None:
        if not self.ended:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _hear(self, say: Callable[[str], None]) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                say(line.rstrip())
        assert self._process.stdin
        self._process.stdin.close()  # what tied it to us: it has ended

    def _hear_errors(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            for line in lines:
                self._errors.append(line.rstrip())
                if not line.startswith("musicexp: "):
                    print(line.rstrip(), file=sys.stderr)
