"""Flags: what a command knows beside settings, which are written without dashes."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.errors import SettingError

JSON = "--json"


def without_json(words: Sequence[str]) -> list[str]:
    """The words of a command whose only flags are --json and --help, without --json.

    Raises:
        SettingError: there is another flag.
    """
    settings = [word for word in words if word != JSON]
    strange = [word for word in settings if word.startswith("-")]
    if strange:
        raise SettingError(
            f"unknown flag {strange[0]}: settings are written setting=value, without dashes; flags are {JSON} --help"
        )
    return settings
