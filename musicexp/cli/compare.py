"""`compare`: runs side by side, as a table here and as figures for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from musicexp.errors import SettingError

CSV, JSON = "--csv", "--json"
FLAGS = (CSV, JSON, "--help")
HELP = """python -m musicexp compare RUN RUN ... | study=NAME | experiment=NAME [top=5] [--csv | --json]

Puts runs side by side: settings that differ first, then figures; what makes a comparison unfair (other data, another
split, another vocabulary) is said. RUN is a run's id, its name, or `last`. Runs of one configuration that differ in
their seed are shown as one, with mean and 95 % interval.

Settings:
  study=NAME
      the best configurations of a study by its objective, with all their seeds; pruned trials never
  experiment=NAME
      the best configurations of an MLflow experiment by bits per note on the validation pieces
  top=5
      how many configurations of a study or experiment (a whole number, at least 1 and at most 100)
  tracking.uri, tracking.experiment
      where the runs are looked for, as in `run`

Flags:
  --csv         print one row a run with every setting and figure, and nothing else
  --json        print the whole comparison, with curves and notes, and nothing else

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
    if CSV in flags and JSON in flags:
        raise SettingError(f"{CSV} and {JSON} both want standard output for themselves; leave one out")
    from musicexp.api import compare

    found = compare(*(word for word in words if word not in flags))
    from musicexp.report import comparison_csv, comparison_json, show_comparison

    if CSV in flags:
        sys.stdout.write(comparison_csv(found))
    elif JSON in flags:
        sys.stdout.write(comparison_json(found))
    else:
        show_comparison(found)
    return 0
