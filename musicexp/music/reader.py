"""Reading in processes of its own: files go in, Readings come out; time and memory have limits.

A file that takes too long, eats memory or kills its reader is rejected, and the next one is read by a new
process. Not multiprocessing: its children import the caller's script anew, so that `musicexp.run()` in a
plain script would call itself; they get the terminal's Ctrl-C; and one that dies takes the others with it.

The system itself ends a child whose time is over (SIGALRM), so that none outlives its limit, not even one that
hangs in C, and not even where we were killed. One that does not hang ends when its questions do.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import musicexp
from musicexp.errors import MusicError
from musicexp.music.cache import decoded, encoded
from musicexp.music.piece import Reading
from musicexp.music.reading import ABC_SUFFIXES, Answer, Manner, printable, readings_of

LIMIT_SECONDS = 60.0
"""For one piece, or one tune of a book."""
LIMIT_MEGABYTES = 2048
MOST_DEATHS = 10
"""Readers that one book may kill before the rest of it is passed over."""

AHEAD_BYTES = 2048
"""What may be asked ahead: some files; with the longest name far less than a pipe holds, so that nobody waits for ever."""
SECONDS_TO_DIE = 10.0

FRAME = struct.Struct(">QB")
"""An answer is one such head, and behind it so many bytes, a piece or tune; LASTING says whether it would be so
another day. A head without anything says that the file, or at first the child's beginning, is done."""
LASTING = 1
MEMORY_ENDED = 99
"""The child's exit code for that."""

PROGRAM = (
    "import sys; sys.path[:] = sys.argv[3:]; from musicexp.music.reader import serve; "
    "serve(float(sys.argv[1]), int(sys.argv[2]))"
)
"""What a child runs. It finds modules where we do, not in the folder that it happens to be started in."""


class Request(NamedTuple):
    """A file to read: where it is, what its pieces are called after, and who reads it."""

    path: Path
    source: str
    reader: Manner = "symusic"


class Reader:
    """A child process that reads files; it starts when it is needed. For one thread at a time. Must be closed."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS, limit_megabytes: int = LIMIT_MEGABYTES) -> None:
        """
        Args:
            limit_seconds: longest time for one piece, or one tune of a book.
            limit_megabytes: most memory of the child; not kept on systems without RLIMIT_AS.
        """
        self._limit_seconds = limit_seconds
        self._limit_megabytes = limit_megabytes
        self._child: subprocess.Popen[bytes] | None = None
        self._begun = False
        self._unread = bytearray()
        self._asked: deque[tuple[Request, bytes]] = deque()
        self._whole = Reading("")  # what came so far of the first that is asked
        self._lasting = True
        self._number = self._deaths = 0

    def read(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Read files; an answer for each, in order."""
        return (answer for _, answer in read_with([self], requests))

    def close(self) -> None:
        """End the child; what it was asked is forgotten."""
        self._asked.clear()
        self._end(0)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Whether an answer is due."""
        return bool(self._asked)

    def fileno(self) -> int:
        """Where answers arrive."""
        assert self._child
        assert self._child.stdout
        return self._child.stdout.fileno()

    def ask(self, requests: Iterator[Request]) -> None:
        """Take from the requests what the child should have before it, if that is much less already."""
        ahead = sum(len(line) for _, line in self._asked)
        if ahead > AHEAD_BYTES // 2:
            return
        fresh = []
        while ahead < AHEAD_BYTES and (request := next(requests, None)) is not None:
            told = [os.path.abspath(request.path), request.source, request.reader]
            fresh.append((request, json.dumps(told).encode() + b"\n"))
            ahead += len(fresh[-1][1])
        if fresh:
            if not self._asked:
                self._begin(fresh[0][0])
            self._asked += fresh
            self._send(b"".join(b"0 " + line for _, line in fresh))

    def receive(self) -> Iterator[tuple[Request, Answer]]:
        """What has arrived. Waits if that is nothing.

        Raises:
            MusicError: the child cannot be started.
        """
        more = os.read(self.fileno(), 1 << 20)
        self._unread += more
        while len(self._unread) >= FRAME.size:
            size, flags = FRAME.unpack_from(self._unread)
            if len(self._unread) < FRAME.size + size:
                break
            frame = bytes(self._unread[FRAME.size : FRAME.size + size])
            del self._unread[: FRAME.size + size]
            if frame:
                part = decoded(frame)
                self._whole.pieces += part.pieces
                self._whole.rejected += part.rejected
                self._lasting &= flags == LASTING
                self._number += 1
            elif self._begun:
                yield self._answered()
            self._begun = True
        if not more:
            yield from self._died()

    def _begin(self, request: Request) -> None:
        self._whole, self._lasting, self._number, self._deaths = Reading(request.source), True, 0, 0

    def _answered(self) -> tuple[Request, Answer]:
        request, _ = self._asked.popleft()
        if self._deaths and self._number == 1:  # the book's only tune, as is known only now
            self._whole.rejected = [(request.source, why) for _, why in self._whole.rejected]
        answer = Answer(self._whole, self._lasting)
        if self._asked:
            self._begin(self._asked[0][0])
        return request, answer

    def _died(self) -> Iterator[tuple[Request, Answer]]:
        """Blame the piece that was being read; of a book, go on behind it."""
        why = self._why(self._end(SECONDS_TO_DIE))
        request, _ = self._asked[0]
        self._lasting = False
        self._number += 1
        self._deaths += 1
        book = request.path.suffix.lower() in ABC_SUFFIXES
        self._whole.rejected.append((f"{request.source}#{self._number}" if book else request.source, why))
        if book and self._deaths == MOST_DEATHS:
            rest = f"was not read from tune {self._number + 1} on: {MOST_DEATHS} others ended their readers"
            self._whole.rejected.append((request.source, rest))
        if not book or self._deaths == MOST_DEATHS:
            yield self._answered()
        if self._asked:
            first = b"%d " % self._number
            self._send(first + b"0 ".join(line for _, line in self._asked))

    def _why(self, code: int) -> str:
        if code == -signal.SIGALRM:
            return f"reading it took more than {self._limit_seconds:g} s"
        if code == MEMORY_ENDED:
            return f"needs more than {self._limit_megabytes:,} MB of memory to be read"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process that read it died of it ({how})"

    def _send(self, lines: bytes) -> None:
        self._child = self._child or self._started()
        assert self._child.stdin
        with contextlib.suppress(BrokenPipeError):  # a dead child is found out when its answer is awaited
            while lines:
                lines = lines[self._child.stdin.write(lines) :]

    def _end(self, seconds: float) -> int:
        """See the child end, or end it after so long.

        Returns:
            Its exit code.

        Raises:
            MusicError: it had not even begun, though it was given time.
        """
        child, self._child = self._child, None
        self._unread.clear()
        if child is None:
            return 0
        said = b""
        with child:
            try:
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
            finally:
                child.kill()
            assert child.stderr
            if seconds and not self._begun:
                said = child.stderr.read()
        if seconds and not self._begun:
            self._asked.clear()
            last = printable(said.decode(errors="replace").rstrip().rpartition("\n")[2])
            raise MusicError(_no_child(last or f"exit code {child.returncode}"))
        return child.returncode

    def _started(self) -> subprocess.Popen[bytes]:
        self._begun = False
        limits = [str(self._limit_seconds), str(self._limit_megabytes)]
        try:
            return subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *limits, *import_places()],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the parent alone, which then ends us
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread of OpenBLAS reserves memory
            )
        except OSError as error:
            self._asked.clear()
            raise MusicError(_no_child(error.strerror or str(error))) from error


def import_places() -> list[str]:
    """sys.path for a child, so that it imports what we do."""
    # "" stands for the folder that we were in at our beginning, which may be another one now.
    home = os.path.dirname(os.path.dirname(os.path.abspath(musicexp.__file__)))
    return [*(place or home for place in sys.path), home]


def read_with(readers: Sequence[Reader], requests: Iterable[Request]) -> Generator[tuple[Request, Answer]]:
    """Have files read by several children at once; answers come as they are ready, those of one child in order.

    Raises:
        MusicError: a child cannot be started.
    """
    left = iter(requests)
    try:
        while True:
            for reader in readers:
                reader.ask(left)
            busy = [reader for reader in readers if reader.busy]
            if not busy:
                return
            for reader in _heard(busy):
                yield from reader.receive()
    finally:  # whatever stopped us, a signal too: what was asked and is not told would answer another question
        for reader in readers:
            if reader.busy:
                reader.close()


def _heard(readers: Sequence[Reader]) -> list[Reader]:
    """Wait until one of several has something to tell."""
    if len(readers) == 1:
        return [*readers]
    by_place = {reader.fileno(): reader for reader in readers}
    ready = select.poll()  # not select(), which knows the first 1,024 open files alone
    for place in by_place:
        ready.register(place, select.POLLIN)
    return [by_place[place] for place, _ in ready.poll()]


def _no_child(why: str) -> str:
    return f"the process that reads music cannot be started: {why}; is there enough memory, and is musicexp installed whole?"


# ---------------------------------------------------------------------------------------------------
# The child


def serve(limit_seconds: float, limit_megabytes: int) -> None:
    """The child: read what standard input names until it ends, as it does when the parent dies."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # it might be ignored or held back where we were started
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    _limit_memory(limit_megabytes)
    import symusic  # noqa: F401  what is not installed whole says so before it is asked anything

    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # A library that prints, asks or warns must not spoil either.
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(silence, descriptor)
    try:
        _tell(answers, b"")
        for line in questions:
            first, _, told = line.partition(b" ")
            path, source, reader = json.loads(told)
            for frame, lasting in _frames(readings_of(Path(path), source, reader, int(first)), limit_seconds):
                _tell(answers, frame, lasting)
            _tell(answers, b"")
    except BrokenPipeError:  # the parent is gone, and with it the question
        os._exit(0)
    except MemoryError:
        os._exit(MEMORY_ENDED)


def _frames(found: Iterator[Answer], limit_seconds: float) -> Iterator[tuple[bytes, int]]:
    """Answers as bytes; each is given so much time, for which whoever takes them does not count."""
    while True:
        signal.setitimer(signal.ITIMER_REAL, limit_seconds)
        answer = next(found, None)
        frame = b"" if answer is None else encoded(answer.reading)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if answer is None:
            return
        yield frame, LASTING if answer.lasting else 0


def _tell(answers: BinaryIO, frame: bytes, flags: int = 0) -> None:
    answers.write(FRAME.pack(len(frame), flags) + frame)
    answers.flush()


def _limit_memory(megabytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for limit, most in ((resource.RLIMIT_AS, megabytes * 2**20), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # the system knows no such limit, or has a lower one
            resource.setrlimit(limit, (most, most))
