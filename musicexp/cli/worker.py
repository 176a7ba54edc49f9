"""`worker`: join a study, from this machine or another."""

from __future__ import annotations

from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Train trials of a study until it is over."""
    if "--help" in words or "-h" in words:
        from musicexp.cli.sweep_help import worker_help

        print(worker_help())
        return 0
    from musicexp.sweep import worker

    worker(words)
    return 0
