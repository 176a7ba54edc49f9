"""`complete`: what may stand at the cursor, one candidate a line. The scripts of `completion` call it.

It runs at every press of the tab key, so it imports nothing heavy, and an error shows nothing in the
prompt. `MUSICEXP_DEBUG=1 python -m musicexp complete run model=` shows it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from musicexp.api import COMPARE_SETTINGS, EVALUATE_SETTINGS, EXPORT_SETTINGS, PLACES, generate_settings
from musicexp.benchmark import settings as of_benchmarks
from musicexp.cli import COMMANDS, DONE, MORE, compare
from musicexp.cli.completion import SHELLS
from musicexp.cli.listen import listen_settings
from musicexp.cli.run import TAKES_A_WORD
from musicexp.config import GROUPS, Config, Sweep, choices_of, fields_of, fold_tables, options_of
from musicexp.errors import StoreError
from musicexp.tracking import store_path, store_uri

DEBUG = "MUSICEXP_DEBUG"
RUNS_SHOWN = 20
LOCK_SECONDS = 0.1
MUSIC = (".mid", ".midi", ".abc")
SOUNDFONTS = (".sf2", ".sf3")
STORES = (".db", ".sqlite", ".sqlite3")
FOLDERS_AND = {
    "dataset.path": (),
    "out": (),
    "prime": MUSIC,
    "samples.prime": MUSIC,
    "soundfont": SOUNDFONTS,
    "tracking.uri": STORES,
    "storage": STORES,
}
"""The settings that name a place -> the endings of the files offered beside the folders."""
DATA_FLAGS = EVALUATE_FLAGS = BENCHMARK_FLAGS = ("--json", "--help")
RUN_FLAGS = ("--multirun", "--cfg", "--info", "--help")
BESIDE_RESUME = ("resume", "tracking.", "checkpoint.")
UI_SETTINGS = ("port", *PLACES)
WORKER_SETTINGS = ("storage", "threads", "timeout", *PLACES)
STUDIES_SETTINGS = ("storage", "tracking.uri")
OF_MANY = ("study", "experiment")
"""Settings of `compare` that choose its runs."""
LISTEN_FLAGS = ("--result", "--help")
OF_A_SWEEP = ("search", *(dotted for dotted, _ in fields_of(Sweep)))
NAME_A_RUN = ("resume", "initial")
"""Settings whose value is a run."""
NOT_IN_A_SWEEP = ("name", "resume")


def main(words: Sequence[str]) -> int:
    """Print the candidates for the last of the words; nothing at all if that goes wrong."""
    try:
        for candidate in candidates(words):
            print(candidate)
    except Exception:  # whatever it is, a traceback in somebody's half-typed line is worse
        if os.environ.get(DEBUG):
            raise
    return DONE


def candidates(words: Sequence[str]) -> list[str]:
    """What the last word may become, each candidate beginning with it.

    Args:
        words: the command line behind `musicexp`, without quotes, up to the cursor; the last word may be empty.

    Returns:
        Whole words. One that ends in `=` or `/` is to be typed on, so no blank belongs behind it.
    """
    *before, current = words or [""]
    if not before:
        found: Iterable[str] = (*COMMANDS, *MORE, "--help", "--version")
    elif before[0] in OF_COMMAND:
        found = OF_COMMAND[before[0]](before[1:], current)
    else:
        found = ("--help",) if before[0] in COMMANDS | MORE else ()
    return [word for word in found if word.startswith(current) and "\n" not in word]


# ---------------------------------------------------------------------------------------------------
# Commands: each takes the words behind the command and the one at the cursor


def _run(before: Sequence[str], current: str) -> list[str]:
    behind = before[-1] if before else ""
    if behind in ("--cfg", "-c"):
        return ["job"]
    if behind in TAKES_A_WORD:
        return []
    names = [*GROUPS, *(dotted for dotted, _ in fields_of(Config) if dotted not in GROUPS)]
    if "resume" in _given(before):
        names = [name for name in names if name.startswith(BESIDE_RESUME)]
    return [*_settings(names, before, current), *(flag for flag in RUN_FLAGS if flag not in before)]


def _data(before: Sequence[str], current: str) -> list[str]:
    names = [
        *GROUPS,
        *(dotted for dotted, _ in fields_of(Config) if dotted not in (*GROUPS, "resume")),
        "out",
    ]
    return [*_settings(names, before, current), *(flag for flag in DATA_FLAGS if flag not in before)]


def _generate(before: Sequence[str], current: str) -> list[str]:
    if not before:
        # A word with = in it is taken for a setting there.
        return ["last", *(name for name in run_names(current) if "=" not in name), "--help"]
    return [*_settings(generate_settings(), before, current), "--help"]


def _compare(before: Sequence[str], current: str) -> list[str]:
    given = _given(before)
    flags = [flag for flag in compare.FLAGS if flag not in before]
    names = [
        name
        for name in (*COMPARE_SETTINGS, *compare.PAGE_SETTINGS)
        if name not in OF_MANY or not set(OF_MANY) & set(given)
    ]
    if any("=" not in word and word not in compare.FLAGS for word in before):
        names = [*compare.PAGE_SETTINGS, *PLACES]  # runs are named, so nothing is chosen from
    runs = (
        []
        if set(OF_MANY) & set(given)
        else ["last", *(name for name in run_names(current) if "=" not in name)]
    )
    return [*(run for run in runs if run not in before), *_settings(names, before, current), *flags]


def _evaluate(before: Sequence[str], current: str) -> list[str]:
    folders = [] if any("=" not in word for word in before) else _places(current, ())
    return [*folders, *_settings(EVALUATE_SETTINGS, before, current), *EVALUATE_FLAGS]


def _benchmark(before: Sequence[str], current: str) -> list[str]:
    named = any("=" not in word and not word.startswith("-") for word in before)
    names = [*of_benchmarks.SETTINGS, *of_benchmarks.beside()]
    flags = [flag for flag in BENCHMARK_FLAGS if flag not in before]
    return [*(() if named else of_benchmarks.NAMES), *_settings(names, before, current), *flags]


def _export(before: Sequence[str], current: str) -> list[str]:
    if not before:
        return ["last", *(name for name in run_names(current) if "=" not in name), "--help"]
    folders = [] if any("=" not in word for word in before[1:]) else _places(current, ())
    return [*folders, *_settings(EXPORT_SETTINGS, before, current), "--help"]


def _listen(before: Sequence[str], current: str) -> list[str]:
    flags = [flag for flag in LISTEN_FLAGS if flag not in before]
    named = [word for word in before if "=" not in word and not word.startswith("-")]
    runs = ["last", *(name for name in run_names(current) if "=" not in name)] if len(named) < 4 else []
    return [
        *(run for run in runs if run not in named),
        *_settings(listen_settings(), before, current),
        *flags,
    ]


def _sweep(before: Sequence[str], current: str) -> list[str]:
    of_runs = [*GROUPS, *(dotted for dotted, _ in fields_of(Config) if dotted not in GROUPS)]
    names = [*OF_A_SWEEP, *(name for name in of_runs if name not in NOT_IN_A_SWEEP)]
    return [*_settings(names, before, current), "--help"]


def _worker(before: Sequence[str], current: str) -> list[str]:
    studies = [] if any("=" not in word for word in before) else study_names(current)
    return [*studies, *_settings(WORKER_SETTINGS, before, current), "--help"]


def _studies(before: Sequence[str], current: str) -> list[str]:
    studies = [] if any("=" not in word for word in before) else study_names(current)
    return [*studies, *_settings(STUDIES_SETTINGS, before, current), "--json", "--help"]


def _ui(before: Sequence[str], current: str) -> list[str]:
    return [*_settings(UI_SETTINGS, before, current), "--help"]


def _completion(before: Sequence[str], _: str) -> list[str]:
    return [] if before else [*SHELLS, "--help"]


OF_COMMAND: dict[str, Callable[[Sequence[str], str], list[str]]] = {
    "run": _run,
    "data": _data,
    "generate": _generate,
    "sweep": _sweep,
    "compare": _compare,
    "evaluate": _evaluate,
    "benchmark": _benchmark,
    "export": _export,
    "listen": _listen,
    "worker": _worker,
    "studies": _studies,
    "ui": _ui,
    "completion": _completion,
}


# ---------------------------------------------------------------------------------------------------
# Settings and their values


def _settings(names: Sequence[str], before: Sequence[str], current: str) -> list[str]:
    """`name=` for each name not yet given or, once `=` is typed, `name=value` for each value known."""
    bare = current.lstrip("+")
    pluses = current[: len(current) - len(bare)]
    name, equals, typed = bare.partition("=")
    if not equals:
        given = _given(before)
        return [f"{pluses}{name}=" for name in names if name not in given]
    if name not in names:
        return []
    return [f"{pluses}{name}={value}" for value in _values(name, typed, before)]


def _given(words: Sequence[str]) -> dict[str, str]:
    pairs = (word.lstrip("+").partition("=") for word in words if "=" in word)
    return {name: value for name, _, value in pairs}


def _values(name: str, typed: str, before: Sequence[str]) -> list[str]:
    if name in GROUPS:
        return _one_more(options_of(name), typed)
    if name in FOLDERS_AND:
        return _places(typed, FOLDERS_AND[name])
    if name == "split.table":
        return [*_one_more(fold_tables(), typed), *_places(typed, (".csv",))]
    if name in NAME_A_RUN:
        uri = _given(before).get("tracking.uri")
        return ["last", *(_escaped(run) for run in run_names(_unescaped(typed), uri) if _plain(run))]
    if name == "study":
        return study_names(typed)
    if name == "reference":
        named = [option for option in options_of("dataset") if option not in ("midi", "music21")]
        return [*named, *_places(typed, ())]
    if name == "references":
        return ["true", "false"]
    if name == "open":
        return _one_more(("true", "false"), typed)
    if name == "search":
        return options_of("search")
    if name in of_benchmarks.CHOICES:
        return _one_more(of_benchmarks.CHOICES[name], typed)
    for of in (Config, Sweep):
        if name in dict(fields_of(of)):
            return _one_more(choices_of(name, of), typed)
    return []


def _one_more(choices: Sequence[str], typed: str) -> list[str]:
    """The choices, or for a multirun's `lstm1,` the list with one more of those that it lacks."""
    head, comma, _ = typed.rpartition(",")
    return [head + comma + choice for choice in choices if choice not in head.split(",")]


def _places(typed: str, endings: tuple[str, ...]) -> list[str]:
    """Folders and files of these endings that begin as typed, in Hydra's spelling.

    In quotes ('"my fol') any name may stand; without them, only what Hydra reads without.
    """
    quote = typed[0] if typed[:1] in ("'", '"') else ""
    scheme = "sqlite:///" if typed.startswith("sqlite:///") else ""
    folder, slash, begun = typed.removeprefix(quote or scheme).rpartition("/")
    if not quote:
        folder, begun = _unescaped(folder), _unescaped(begun)
        if folder and not _plain(folder):
            return []
    found = []
    try:
        entries = sorted(os.scandir(os.path.expanduser(folder) + slash or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    head = typed[: typed.rfind("/") + 1] if slash else quote or scheme
    for entry in entries:
        name = entry.name
        hidden = name.startswith(".") and not begun.startswith(".")
        if hidden or not name.startswith(begun) or not (quote or _plain(name)):
            continue
        spelt = head + (name if quote else _escaped(name))
        if entry.is_dir():
            found.append(spelt + "/")
        elif name.lower().endswith(endings):
            found.append(spelt + quote)
    return found


def _plain(text: str) -> bool:
    """Whether Hydra's grammar reads a value without quotes, given the escapes of `_escaped`."""
    return re.fullmatch(r"[\w/+.%*@?|:\\()\[\]{},= -]+", text, re.ASCII) is not None and text == text.strip()


def _escaped(text: str) -> str:
    return re.sub(r"([\\()\[\]{},=])", r"\\\1", text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\()\[\]{},=: ])", r"\1", text)


# ---------------------------------------------------------------------------------------------------
# Runs


def run_names(begun: str, uri: str | None = None) -> list[str]:
    """Names of runs in a local store, the newest first; none if it is not there, locked or damaged.

    The database is read as it is, because importing MLflow takes longer than anybody waits for a tab.

    Args:
        begun: how the names begin.
        uri: the setting tracking.uri, if it is given.
    """
    import sqlite3
    from contextlib import closing

    try:
        path = store_path(store_uri((uri or "").strip("'\"") or None))
        if path is None or not path.is_file():
            return []
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)) as store:
            return [name for (name,) in store.execute(NEWEST, {"begun": begun, "shown": RUNS_SHOWN})]
    except (sqlite3.Error, OSError, StoreError):
        return []


def study_names(begun: str) -> list[str]:
    """Names of studies in the database beside the local store, read like `run_names`."""
    import sqlite3
    from contextlib import closing

    try:
        store = store_path(store_uri(None))
        path = store.with_name("optuna.db") if store else None
        if path is None or not path.is_file():
            return []
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=LOCK_SECONDS)) as studies:
            found = studies.execute("SELECT study_name FROM studies ORDER BY study_id DESC")
            return [name for (name,) in found if name.startswith(begun)][:RUNS_SHOWN]
    except (sqlite3.Error, OSError, StoreError):
        return []


NEWEST = """
SELECT runs.name FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id
WHERE runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active'
  AND runs.name <> '' AND substr(runs.name, 1, length(:begun)) = :begun
GROUP BY runs.name ORDER BY max(runs.start_time) DESC LIMIT :shown
"""
