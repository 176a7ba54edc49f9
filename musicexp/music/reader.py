"""Reading in processes of its own: one file at a time goes in, one Reading comes out.

Not multiprocessing: its children import the caller's script anew, so that `musicexp.run()` in a plain script
would call itself; they get the terminal's Ctrl-C; and one that dies takes the others with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

from musicexp.music.cache import decoded, encoded
from musicexp.music.piece import Reading
from musicexp.music.scores import read_file

LENGTH = struct.Struct(">Q")


class Reader:
    """A child process that reads files. A file at which it dies is rejected, and a new one is started."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def read(self, path: Path, source: str) -> Reading:
        """As `read_file`, in the child."""
        child = self._child = self._child or self._started()
        assert child.stdin
        assert child.stdout
        try:
            child.stdin.write(json.dumps([os.fspath(path), source]).encode() + b"\n")
            child.stdin.flush()
            head = child.stdout.read(LENGTH.size)
            body = child.stdout.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
        except BrokenPipeError:
            body = b""
        if not body:
            self.close()
            return Reading(
                source, [], [(source, f"the reading process died of it (exit code {child.returncode})")]
            )
        return decoded(body)

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    @staticmethod
    def _started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "musicexp.music.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent alone, which then ends us
        )


def serve() -> None:
    """The child: read what standard input names until it ends, as it does when the parent dies."""
    # Answers get a channel of their own, so that a library which prints does not spoil them.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            path, source = json.loads(line)
            body = encoded(read_file(Path(path), source))
            answers.write(LENGTH.pack(len(body)) + body)
            answers.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, and with it the question
        serve()
