"""`sweep`: search for good settings with Optuna."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.errors import SettingError


def main(words: Sequence[str]) -> int:
    """Search as the words say; see `sweep --help`."""
    if "--help" in words or "-h" in words:
        from musicexp.cli.sweep_help import sweep_help

        print(sweep_help())
        return 0
    flags = [word for word in words if word.startswith("-")]
    if flags:
        raise SettingError(
            f"unknown flag {flags[0]}: settings are written setting=value; the one flag is --help"
        )
    from musicexp.sweep import sweep

    sweep(words)
    return 0
