"""What a person sees of a run: a progress bar in a terminal, quiet lines elsewhere, a table at the end."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from musicexp.baselines import PPM_NAME
from musicexp.music import SIDES
from musicexp.render.judged import PAGE as JUDGED
from musicexp.render.performance import PLAYER
from musicexp.report.judged_lines import judged_lines
from musicexp.wording import count, length

if TYPE_CHECKING:  # training takes seconds to import, and `data` does without it
    from musicexp.training import RunResult

QUIET_SHARE = 10
"""Without a terminal, a line for every tenth of the way."""
WIDTH = 100
SIDE_WORDS = {"train": "learned from", "val": "held out"}
"""What the model did with a real piece."""
ENOUGH_SECONDS = 0.5
"""A rate over less time than this says nothing."""


class Terminal:
    """A Reporter on a text stream."""

    def __init__(self, stream: TextIO | None = None, *, preset_iterations: int | None = None) -> None:
        """
        Args:
            preset_iterations: how many iterations the whole of a preset has, where fewer are asked for.
        """
        self._stream = stream or sys.stdout or io.StringIO()  # a process may be started without any output
        self._live = self._stream.isatty()
        self._console = Console(file=self._stream, highlight=False, soft_wrap=True, markup=False)
        self._lines: list[str] = []
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._what = ""
        self._begun = 0.0
        self._first = 0
        self._said_share = 0
        self._validation: float | None = None
        self._preset_iterations = preset_iterations

    @property
    def live(self) -> bool:
        """Whether a person watches, so that what is shown may change."""
        return self._live

    @property
    def console(self) -> Console:
        """Where it is shown."""
        return self._console

    def say(self, line: str) -> None:
        self._end_bar()
        self._lines.append(line)
        self._console.print(line)

    def preparing(self, what: str, ready: int, whole: int) -> None:
        self._advance(what, ready, whole, lambda: "files")

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        self._advance("training", iteration, iterations, lambda: self._state(iteration, iterations, loss))

    def validation(self, iteration: int, loss: float) -> None:
        self._validation = loss

    def recall(self, text: str) -> None:
        self._lines[:0] = text.splitlines()

    def text(self) -> str:
        return "".join(line + "\n" for line in self._lines)

    def finished(self, result: RunResult, place: str) -> None:
        for line in summary_lines(result, place, self._preset_iterations):
            self.say(line)

    def _state(self, iteration: int, iterations: int, loss: float) -> str:
        validation = f"  validation {self._validation:.3f}" if self._validation is not None else ""
        elapsed = time.monotonic() - self._begun
        if elapsed < ENOUGH_SECONDS:
            return f"loss {loss:.3f}{validation}"
        rate = (iteration - self._first) / elapsed
        return f"loss {loss:.3f}{validation}  {rate:.1f} iterations/s  {duration((iterations - iteration) / rate)} left"

    def _advance(self, what: str, done: int, whole: int, state: Callable[[], str]) -> None:
        if what != self._what:
            self._end_bar()
            self._what, self._begun, self._first, self._said_share = what, time.monotonic(), done, 0
            if self._live:
                columns = (
                    TextColumn("{task.description}"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    TextColumn("{task.fields[state]}"),
                )
                self._progress = Progress(
                    *columns, console=self._console, transient=True, refresh_per_second=4
                )
                self._task = self._progress.add_task(what, total=whole, state="")
                self._progress.start()
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, state=state())
        share = done * QUIET_SHARE // whole
        if share > self._said_share:
            self._said_share = share
            line = f"{what}  {done:,}/{whole:,}  {state()}"
            self._lines.append(line)
            if not self._live:
                self._console.print(line)
        if done == whole:
            self._end_bar()

    def _end_bar(self) -> None:
        self._what = ""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def summary_lines(result: RunResult, place: str, preset_iterations: int | None = None) -> list[str]:
    """The end of a run, line by line: figures beside baselines, files, store and what to do next."""
    lines = ["", *_rendered(_figures(result)), *_verdict(result), ""]
    if result.judgement:
        lines += [*judged_lines(result.judgement), ""]
    for melody in result.melodies:
        ended = "came to an end" if melody.ended_by == "eos" else "was cut"
        lines.append(
            f"{melody.file}  {melody.drawn}: {count(len(melody.piece), 'note')}, {length(melody.piece.quarters)}, {ended}"
        )
    for reference in result.references:
        lines.append(
            f"{reference.file}  real music, {SIDE_WORDS[reference.side]}: {reference.title}, {count(len(reference.piece), 'note')}"
        )
    others = [name for name in result.files if not name.endswith((".mid", ".ogg"))]
    lines += [f"files    {place}", f"         {' '.join(others)}"]
    if result.clips:
        lines.append(f"         learning/: {count(result.clips, 'clip')} drawn while it learned")
    if PLAYER in result.files:
        lines.append(f"listen   {place}/{PLAYER}")
    if JUDGED in result.files:
        lines.append(f"judged   {place}/{JUDGED}")
    rate = result.iterations / result.seconds if result.seconds else 0.0
    lines.append(
        f"trained  {result.iterations:,} iterations in {duration(result.seconds)} ({rate:.1f} a second)"
    )
    if preset_iterations and preset_iterations != result.iterations and rate:
        lines.append(
            f"         at this pace the whole of experiment={result.config.experiment} "
            f"({preset_iterations:,} iterations) takes about {duration(preset_iterations / rate)}"
        )
    lines.append(
        "next     see it: python -m musicexp ui      more melodies: python -m musicexp generate last"
    )
    return lines


def _figures(result: RunResult) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for heading in ("train", "validation", "test", "validation", "test"):
        table.add_column(heading, justify="right")
    table.add_row("", "nats/token", "nats/token", "nats/token", "bits/note", "bits/note")
    own = result.likelihoods
    table.add_row(
        result.config.model.called,
        *(f"{own[s].nats_per_token:.4f}" for s in SIDES),
        *(f"{own[s].bits_per_note:.4f}" for s in SIDES[1:]),
    )
    rows = {"with recall": result.recalling} if result.config.samples.recall and result.recalling else {}
    for name, sides in (rows | result.baselines).items():
        table.add_row(
            name,
            "",
            *(f"{sides[s].nats_per_token:.4f}" for s in SIDES[1:]),
            *(f"{sides[s].bits_per_note:.4f}" for s in SIDES[1:]),
        )
    return table


def _verdict(result: RunResult) -> list[str]:
    """Who predicts the test pieces best: the model, alone or with recall, counting a few tokens, or PPM."""
    own = result.likelihoods["test"]
    stand = {name: sides["test"] for name, sides in result.baselines.items()}
    ppm = stand.pop(PPM_NAME, None)
    better = [name for name, found in stand.items() if found.nats <= own.nats]
    weights = (
        f", with the weights of iteration {result.best_iteration:,}"
        if result.config.keep == "best" and result.best_iteration
        else ""
    )
    name = result.config.model.called
    beaten = f"counting ({', '.join(stand)})"
    if better:
        others = [*better, *(["PPM"] if ppm and ppm.nats <= own.nats else [])]
        return [
            f"The {name} does not yet beat {', '.join(others)} on the test pieces{weights}: train it longer, or try another lr."
        ]
    if ppm is None or ppm.nats > own.nats:
        return [f"The {name} beats {beaten}{' and PPM' * (ppm is not None)} on the test pieces{weights}."]
    recalling = result.recalling.get("test") if result.config.samples.recall else None
    if recalling and recalling.nats < ppm.nats:
        return [
            f"The {name} with recall predicts the test pieces best{weights}: "
            f"{ppm.bits_per_note - recalling.bits_per_note:.2f} bits per note below PPM,",
            f"which also knows what each piece has played so far. Alone the {name} beats {beaten}, not PPM.",
        ]
    recalls, behind = (" with recall", recalling) if recalling else ("", own)
    return [
        f"PPM predicts the test pieces better than the {name}{recalls} by {behind.bits_per_note - ppm.bits_per_note:.2f} bits per note:",
        f"it also counts what each piece has played so far. The {name} beats {beaten}{weights}.",
    ]


def _rendered(table: Table) -> list[str]:
    console = Console(width=WIDTH, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def duration(seconds: float) -> str:
    """Seconds in words a person uses: 48 s, 3 min 5 s, 2 h 13 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
