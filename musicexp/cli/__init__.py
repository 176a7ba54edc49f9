"""The command table. A command's module is imported only when that command is called.

Exit codes: 0 done, 2 wrong input or state (one sentence on standard error), 1 a bug of ours, 130 interrupted.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from musicexp import __version__
from musicexp.errors import Interruption, MusicexpError

DONE, WRONG, INTERRUPTED = 0, 2, 130


@dataclass(frozen=True)
class Command:
    """A command's module (with a function `main(words)`) and what `--help` says of it."""

    module: str
    usage: str
    meaning: str


COMMANDS = {
    "run": Command("run", "run [setting=value ...]", "train a model on music and track it"),
    "generate": Command("generate", "generate RUN [setting=value ...]", "write melodies of a trained model"),
    "sweep": Command("sweep", "sweep 'setting=values' ...", "search for settings that make better music"),
    "compare": Command("compare", "compare RUN RUN ...", "put runs side by side, to look at and to hear"),
    "listen": Command("listen", "listen RUN RUN [RUN [RUN]]", "let the ear decide between runs, blind"),
    "ui": Command("ui", "ui [port=5000]", "open MLflow on this store"),
}
MORE = {
    "data": Command("data", "data [setting=value ...]", "describe a data set without training"),
    "evaluate": Command(
        "evaluate", "evaluate DIR reference=DIR", "judge any folder of music beside real music"
    ),
    "benchmark": Command(
        "benchmark", "benchmark pearce [setting=value ...]", "stand beside a published table, fold by fold"
    ),
    "export": Command("export", "export RUN DIR", "write a run as a folder that anybody can open"),
    "studies": Command("studies", "studies [STUDY]", "list the studies that sweeps made"),
    "worker": Command("worker", "worker STUDY", "join a study from any machine"),
    "completion": Command(
        "completion", "completion bash|zsh|fish", "print a script that completes commands and settings"
    ),
}
HIDDEN = {"complete": Command("complete", "", "")}
"""What the completion scripts call."""


def main(words: Sequence[str]) -> int:
    """Run one command line, without the program's name; return the exit code."""
    try:
        return _called(list(words))
    except MusicexpError as error:
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", []))
        print(f"musicexp: {error}{notes}", file=sys.stderr)
        return WRONG
    except (KeyboardInterrupt, Interruption):
        print("musicexp: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `musicexp ... | head` closed the pipe: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _called(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        print(_help())
        return DONE
    if words[0] in ("--version", "-V"):
        print(f"musicexp {__version__}")
        return DONE
    known = COMMANDS | MORE
    command = (known | HIDDEN).get(words[0])
    if command is None:
        near = difflib.get_close_matches(words[0], list(known), n=1)
        advice = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(known)}"
        raise MusicexpError(f"unknown command {words[0]!r}: {advice}")
    module = importlib.import_module(f"musicexp.cli.{command.module}")
    code: int = module.main(words[1:])
    return code


def _help() -> str:
    def listed(commands: dict[str, Command]) -> str:
        return "\n".join(f"  {command.usage:36} {command.meaning}" for command in commands.values())

    return (
        f"musicexp {__version__}: which settings make better music?\n\n{listed(COMMANDS)}\n\nmore:\n{listed(MORE)}\n\n"
        "`python -m musicexp COMMAND --help` tells a command's settings. Example:\n"
        "  python -m musicexp run model=lstm3 lr=1e-3"
    )
