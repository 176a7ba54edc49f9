"""`benchmark`: our own training beside a published table, fold by fold."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from musicexp.cli.flags import JSON, without_json

TIED = "--tied"
"""The flag of a process that trains folds for the one that started it."""


def main(words: Sequence[str]) -> int:
    """Train what is missing and print the table; with --json the figures and nothing else."""
    if "--help" in words or "-h" in words:
        print(_help())
        return 0
    if TIED in words:
        from musicexp.benchmark.command import work

        work([word for word in words if word not in (TIED, JSON)])
        return 0
    settings = without_json(words)
    from musicexp.benchmark.command import benchmark
    from musicexp.benchmark.lines import standing_lines
    from musicexp.report import Terminal

    terminal = Terminal(sys.stderr if JSON in words else None)
    if JSON in words:
        import json

        print(json.dumps(benchmark(settings, terminal).as_dict(), indent=1))
        return 0
    for line in ["", *standing_lines(benchmark(settings, terminal))]:
        terminal.say(line)
    return 0


def _help() -> str:
    from musicexp.benchmark.settings import DEFAULTS, SETTINGS

    return "\n".join(
        [
            "python -m musicexp benchmark pearce [setting=value ...] [--json]",
            "",
            "Trains on two sets of melodies that music21 carries, in ten folds, and prints bits per pitch of the melodies held out",
            "beside those that Pearce (2005) published, and beside PPM and multiple viewpoints on the very same folds. Each fold is a",
            "run of its own, which `compare`, `ui` and `export` know. What is finished is not trained again: the same command goes on",
            "after a Ctrl-C or a kill.",
            "",
            "Settings with their defaults:",
            *(
                line
                for name, meaning in SETTINGS.items()
                for line in (f"  {name}={DEFAULTS[name]}", f"      {meaning}")
            ),
            "  lr, iterations, model.hidden_size, ...",
            "      every setting of `run` that does not change what is read (`python -m musicexp run --help`)",
            "",
            "Flags:",
            "  --json     print the table for programs, and nothing else",
            "",
            "Examples:",
            "  python -m musicexp benchmark pearce quick=true",
            "  python -m musicexp benchmark pearce",
            "  python -m musicexp benchmark pearce sets=kinder folding=random model.hidden_size=256 --json",
        ]
    )
