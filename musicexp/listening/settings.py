"""What a listening study is made of: its settings with their ranges and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from musicexp.config import build_part
from musicexp.config.settings import setting, settings
from musicexp.errors import SettingError

FEWEST_RUNS, MOST_RUNS = 2, 4
VOTES_A_PAIR = 20
"""Of runs, unless `votes` says otherwise."""
NO_PART_OF_IT = ("votes", "port", "open")
"""Two commands that differ in these alone are about one study."""


@settings
class Listening:
    """What `listen` asks for."""

    votes: int | None = setting(
        "how many votes the study has, fixed when it begins; 20 for each pair of runs if not given",
        at_least=1,
        at_most=5000,
    )
    repeats: float = setting(
        "share of the pairs that are heard a second time, sides exchanged: how well one agrees with oneself; not counted",
        at_least=0,
        at_most=0.5,
    )
    seed: int = setting("which melodies are heard, in which order and on which side", at_least=0)
    seconds: float = setting("length of a clip, cut back to whole bars", at_least=2, at_most=60)
    temperature: float | None = setting(
        "temperature of the melodies; the first one that all runs sampled at if not given", above=0
    )
    tempo: float | None = setting(
        "quarters per minute of every clip; the middle one of the melodies' own if not given",
        at_least=20,
        at_most=400,
    )
    program: int = setting("the General MIDI sound that plays every clip", at_least=0, at_most=127)
    soundfont: str | None = setting("a SoundFont file (.sf2) to play with, as render.soundfont of `run`")
    port: int | None = setting(
        "the port of the page; the first free one from 8765 on if not given", at_least=1, at_most=65535
    )
    open: bool = setting("open the page in the browser")


DEFAULTS: dict[str, Any] = {
    "votes": None,
    "repeats": 0.1,
    "seed": 0,
    "seconds": 15.0,
    "temperature": None,
    "tempo": None,
    "program": 0,
    "soundfont": None,
    "port": None,
    "open": False,
}


def listening_of(given: Mapping[str, Any]) -> Listening:
    """The settings that are given, with the defaults for the others.

    Raises:
        SettingError: one has a wrong type or is out of range.
    """
    return cast(Listening, build_part(Listening, DEFAULTS | dict(given), ""))


def check_number(runs: int) -> None:
    """
    Raises:
        SettingError: so many runs are no study.
    """
    if not FEWEST_RUNS <= runs <= MOST_RUNS:
        named = {0: "none is named", 1: "only one is named"}.get(runs, f"{runs} are named")
        raise SettingError(
            f"listen wants two to four runs, and {named}; name them as in `python -m musicexp listen last baseline`"
        )
