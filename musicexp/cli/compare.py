"""`compare`: runs side by side, as a table here and as figures for programs."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from musicexp.errors import SettingError

if TYPE_CHECKING:
    from musicexp.api import Comparing

CSV, JSON, SERVE = "--csv", "--json", "--serve"
FLAGS = (CSV, JSON, SERVE, "--help")
HELP = """python -m musicexp compare RUN RUN ... | study=NAME | experiment=NAME [top=5] [--csv | --json | --serve]

Puts runs side by side: settings that differ first, then figures; what makes a comparison unfair (other data, another
split, another vocabulary) is said. RUN is a run's id, its name, or `last`. Runs of one configuration that differ in
their seed are shown as one, with mean and 95 % interval. Writes a page, too, that needs no network: the same figures,
the loss curves over each other, and all samples with one play head, so that ears can go from run to run in mid-phrase.

Settings:
  study=NAME
      the best configurations of a study by its objective, with all their seeds; pruned trials never
  experiment=NAME
      the best configurations of an MLflow experiment by bits per note on the validation pieces
  top=5
      how many configurations of a study or experiment (a whole number, at least 1 and at most 100)
  out=FILE
      where the page goes; otherwise comparisons/NAME.html beside the store
  port=NUMBER
      of --serve; without it the first free one from 5600 on
  tracking.uri, tracking.experiment
      where the runs are looked for, as in `run`

Flags:
  --csv         print one row a run with every setting and figure, and nothing else
  --json        print the whole comparison, with curves and notes, and nothing else
  --serve       serve the page on this machine alone instead of writing it, so that notes on runs can be written into
                MLflow; Ctrl-C ends it

Examples:
  python -m musicexp compare last baseline
  python -m musicexp compare study=report top=3
  python -m musicexp compare experiment=musicexp --csv > runs.csv"""


def main(words: Sequence[str]) -> int:
    """Compare, and print the table or what a flag asks for."""
    if "--help" in words or "-h" in words:
        print(HELP)
        return 0
    flags = [word for word in words if word.startswith("-")]
    strange = [flag for flag in flags if flag not in FLAGS]
    if strange:
        raise SettingError(
            f"unknown flag {strange[0]}: settings are written setting=value, without dashes; flags are {' '.join(FLAGS)}"
        )
    modes = [flag for flag in (CSV, JSON, SERVE) if flag in flags]
    if len(modes) > 1:
        raise SettingError(f"{modes[0]} and {modes[1]} do not go together; leave one out")
    _check_settings(words, flags)
    from musicexp.api import Comparing

    compared = Comparing([word for word in words if word not in flags])
    from musicexp.report import comparison_csv, comparison_json, show_comparison

    if CSV in flags:
        sys.stdout.write(comparison_csv(compared.comparison))
        return 0
    if JSON in flags:
        sys.stdout.write(comparison_json(compared.comparison))
        return 0
    show_comparison(compared.comparison)
    sys.stdout.flush()
    if SERVE in flags:
        return _serve(compared)
    print(f"\npage     {compared.write()}")
    return 0


def _check_settings(words: Sequence[str], flags: Sequence[str]) -> None:
    given = {word.partition("=")[0] for word in words if "=" in word}
    if "port" in given and SERVE not in flags:
        raise SettingError(f"port goes with {SERVE}, which serves the page; add it, or leave out port")
    for flag in (CSV, JSON, SERVE):
        if "out" in given and flag in flags:
            raise SettingError(f"out says where the page is written, and {flag} writes none; leave one out")


def _serve(compared: Comparing) -> int:
    """Until Ctrl-C, also where a shell in the background had it ignored; SIGTERM too ends the server in order."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    print("\nmaking the page ...", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        compared.serve(lambda address: print(f"open     {address}\nCtrl-C ends it", flush=True))
    return 0
