"""`listen`: the ear decides between runs, blind, on a page of this machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from musicexp.errors import SettingError

RESULT = "--result"
FLAGS = (RESULT, "--help")
PLACES = ("tracking.uri", "tracking.experiment")


def main(words: Sequence[str]) -> int:
    """Serve the study until Ctrl-C, or print its result."""
    if "--help" in words or "-h" in words:
        print(listen_help())
        return 0
    from musicexp.config import assignments, compose
    from musicexp.listening.settings import check_number, listening_of

    flags = [word for word in words if word.startswith("-")]
    strange = [flag for flag in flags if flag not in FLAGS]
    if strange:
        raise SettingError(
            f"unknown flag {strange[0]}: settings are written setting=value, without dashes; flags are {' '.join(FLAGS)}"
        )
    given = assignments(
        [word for word in words if "=" in word and word not in flags],
        listen_settings(),
        "`python -m musicexp listen --help` lists every setting",
    )
    settings = listening_of({key: value for key, value in given.items() if key not in PLACES})
    runs = [word for word in words if "=" not in word and word not in flags]
    check_number(len(runs))

    from musicexp.listening.conduct import find_runs, listen, show_result

    experiment = given.get("tracking.experiment") or compose([]).tracking.experiment
    found = find_runs(runs, given.get("tracking.uri"), experiment)
    if RESULT in flags:
        print("\n".join(show_result(found, settings)))
        return 0
    listen(found, settings, lambda line: print(line, flush=True))
    return 0


def listen_settings() -> list[str]:
    """The names that `listen` knows."""
    from musicexp.listening.settings import Listening

    return [*(f.name for f in dataclasses.fields(Listening)), *PLACES]


def listen_help() -> str:
    """What `listen --help` prints."""
    from musicexp.config import range_of
    from musicexp.listening.settings import DEFAULTS, Listening

    lines = [
        "python -m musicexp listen RUN RUN [RUN [RUN]] [setting=value ...] [--result]",
        "",
        "A page on which one hears clips of two to four runs side by side, without knowing whose they are, and says",
        "which one is better. RUN is a run's id, its name, or `last`. Every vote is on the disk before the next pair",
        "comes; Ctrl-C ends it, and the same command goes on. When all votes are in, the page says what they come to and",
        "which run was which, and the runs bear it in MLflow (listening/...). More votes= then begin a second part.",
        "",
        "Settings with their defaults:",
    ]
    for f in dataclasses.fields(Listening):
        value = DEFAULTS[f.name]
        shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else f"{value:g}"
        lines += [f"  {f.name}={shown}", f"      {f.metadata['meaning']} ({range_of(f.name, Listening)})"]
    lines += [
        "  tracking.uri, tracking.experiment",
        "      where the runs are looked for, as in `run`",
        "",
        "Flags:",
        "  --result      print the result; refused as long as votes are missing",
        "",
        "Keys on the page: space plays, A or left prefers A, B or right prefers B, 0 or down says no difference,",
        "1 and 2 play A and B, Z takes the last vote back.",
        "",
        "Examples:",
        "  python -m musicexp listen last baseline",
        "  python -m musicexp listen one two three votes=90 temperature=1.0",
    ]
    return "\n".join(lines)
