"""`compare`: runs side by side, as a table here, as a page, and as figures for programs."""

from __future__ import annotations

import contextlib
import hashlib
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musicexp.config import assignments, spelt
from musicexp.errors import SettingError
from musicexp.tracking import MLRUNS, store_path, store_uri

if TYPE_CHECKING:
    from musicexp.report import Comparison
    from musicexp.report.comparison_page import Page

CSV, JSON, SERVE = "--csv", "--json", "--serve"
FLAGS = (CSV, JSON, SERVE, "--help")
PAGE_SETTINGS = ("out", "port")
LONGEST_NAME = 100
"""Bytes."""
HELP = """python -m musicexp compare RUN RUN ... | study=NAME | experiment=NAME [top=5] [--csv | --json | --serve]

Puts runs side by side: settings that differ first, then figures; what makes a comparison unfair (other data, another
split, another vocabulary) is said. RUN is a run's id, its name, or `last`. Runs of one configuration that differ in
their seed are shown as one, with mean and 95 % interval; configurations that share seeds are compared seed by seed, and
where several settings differ at once, the runs that would tell them apart are named as commands. Writes a page, too,
that needs no network: the same figures, loss curves over each other, and all samples with one play head, so that ears
can go from run to run in mid-phrase.

Settings:
  study=NAME
      the best configurations of a study by its objective, with all their seeds; pruned trials never
  experiment=NAME
      the best configurations of an MLflow experiment by bits per note on the validation pieces
  top=5
      how many configurations of a study or experiment (a whole number, at least 1 and at most 100)
  out=FILE
      where the page goes; otherwise compare/NAME.html beside the store
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


@dataclass(frozen=True)
class Asked:
    """The words of a command line, sorted out.

    Attributes:
        words: what `musicexp.compare` takes.
        out: the page's file; None for the usual place.
        port: of the server; None for the first free one.
        store: the address of the store.
    """

    words: tuple[str, ...]
    flags: tuple[str, ...]
    out: Path | None
    port: int | None
    store: str


def main(words: Sequence[str]) -> int:
    """Compare, and print the table or what a flag asks for."""
    if "--help" in words or "-h" in words:
        print(HELP)
        return 0
    asked = sorted_out(words)
    from musicexp.api import compare

    found = compare(*asked.words)
    from musicexp.report import comparison_csv, comparison_json, show_comparison

    if CSV in asked.flags:
        sys.stdout.write(comparison_csv(found))
        return 0
    if JSON in asked.flags:
        sys.stdout.write(comparison_json(found))
        return 0
    show_comparison(found)
    print("\nmaking the page ...", flush=True)  # twenty runs take ten seconds
    if SERVE in asked.flags:
        return _serve(asked, found)
    print(f"page     {_write(asked, found)}")
    return 0


def _page(found: Comparison) -> Page:
    """The page, with the sound of a run that says nothing of it: one instrument for all."""
    from musicexp.config import compose
    from musicexp.render.sound import sound_of
    from musicexp.report.comparison_page import Page

    return Page(found, sound_of(compose([]).render))


def _write(asked: Asked, found: Comparison) -> Path:
    from musicexp.report.comparison_file import write_page

    return write_page(page_file(asked, found), _page(found).written())


def _serve(asked: Asked, found: Comparison) -> int:
    """Until Ctrl-C, also where a shell in the background had it ignored; SIGTERM too ends the server in order."""
    from musicexp.report.serving import serve
    from musicexp.tracking import open_store

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    store = open_store(asked.store, found.runs[0].experiment, create=False)
    with contextlib.suppress(KeyboardInterrupt):
        serve(
            _page(found), store, asked.port, lambda url: print(f"open     {url}\nCtrl-C ends it", flush=True)
        )
    return 0


def sorted_out(words: Sequence[str]) -> Asked:
    """
    Raises:
        SettingError: a flag is unknown, two do not go together, or out or port cannot be.
    """
    flags = tuple(word for word in words if word.startswith("-"))
    strange = [flag for flag in flags if flag not in FLAGS]
    if strange:
        raise SettingError(
            f"unknown flag {strange[0]}: settings are written setting=value, without dashes; flags are {' '.join(FLAGS)}"
        )
    alone = [flag for flag in (CSV, JSON, SERVE) if flag in flags]
    if len(alone) > 1:
        raise SettingError(f"{alone[0]} and {alone[1]} do not go together; leave one out")
    if alone and any(word.startswith("out=") for word in words):
        raise SettingError(f"out says where the page is written, and {alone[0]} writes none; leave one out")
    mine = [word for word in words if word.partition("=")[0] in PAGE_SETTINGS and "=" in word]
    given = assignments(spelt(mine), PAGE_SETTINGS, "")
    others = tuple(word for word in words if word not in flags and word not in mine)
    places = assignments(spelt([w for w in others if w.startswith("tracking.uri=")]), ["tracking.uri"], "")
    out, port = _out(given), _port(given)
    if port is not None and SERVE not in flags:
        raise SettingError(f"port goes with {SERVE}, which serves the page; add it, or leave out port")
    return Asked(others, flags, out, port, store_uri(places.get("tracking.uri")))


def _out(given: Mapping[str, Any]) -> Path | None:
    if "out" not in given:
        return None
    value = given["out"]
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise SettingError(f"out must be a file's name, not {value!r}")
    path = Path(str(value)).expanduser()
    if path.is_dir():
        raise SettingError(f"out={path} is a folder; name a file, such as {path / 'comparison.html'}")
    from musicexp.report.comparison_file import check_page

    check_page(path)
    return path


def _port(given: Mapping[str, Any]) -> int | None:
    port = given.get("port")
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535):
        raise SettingError(f"port must be a whole number from 1 to 65535, not {port!r}")
    return port


def page_file(asked: Asked, found: Comparison) -> Path:
    """Where the page goes: `out`, else compare/NAME.html beside a local store or below ./mlruns.

    A study or an experiment always has the same file; named runs have one for each choice of runs.
    """
    if asked.out is not None:
        return asked.out
    store = store_path(asked.store)
    name = (
        re.sub(r"[^\w.-]+", "_", found.title).strip("._").encode()[:LONGEST_NAME].decode(errors="ignore")
        or "runs"
    )
    if not any(word.startswith(("study=", "experiment=")) for word in asked.words):
        runs = " ".join(run.id for run in found.runs)
        name += "-" + hashlib.sha256(runs.encode()).hexdigest()[:6]
    return (store.parent if store else Path(MLRUNS).absolute()) / "compare" / f"{name}.html"
