"""What training tells whoever watches; how it looks is the watcher's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from musicexp.training.train import RunResult


class Reporter(Protocol):
    """Is told how a run goes. `report.Terminal` shows it to people; `Silent` keeps what is said."""

    def say(self, line: str) -> None:
        """A line worth keeping: it is part of log.txt."""
        ...

    def preparing(self, what: str, ready: int, whole: int) -> None:
        """So many of so many files are through a step of the preparation."""
        ...

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        """An iteration ended, with its loss in nats per token."""
        ...

    def validation(self, iteration: int, loss: float) -> None:
        """A validation ended, with its loss in nats per token."""
        ...

    def finished(self, result: RunResult, place: str) -> None:
        """The run is done; `place` is where its files lie."""
        ...

    def recall(self, text: str) -> None:
        """What was said in an earlier sitting of the same run: it comes first in log.txt."""
        ...

    def text(self) -> str:
        """All that was said so far, for log.txt."""
        ...


class Silent:
    """A reporter that keeps what is said and shows nothing."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def preparing(self, what: str, ready: int, whole: int) -> None:
        pass

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        pass

    def validation(self, iteration: int, loss: float) -> None:
        pass

    def finished(self, result: RunResult, place: str) -> None:
        pass

    def recall(self, text: str) -> None:
        self.lines[:0] = text.splitlines()

    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)
