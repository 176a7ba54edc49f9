"""`sweep` from its first check to its summary, and `worker`, which joins a study from any machine."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from musicexp.config import Search, Sweep, assignments, compose_search
from musicexp.config.space import word
from musicexp.errors import MusicexpError, SettingError
from musicexp.report import Terminal
from musicexp.sweep.confirmation import begin_confirmation, conclude
from musicexp.sweep.cost import cost_lines
from musicexp.sweep.crew import Crew, Process
from musicexp.sweep.first import prepare_study
from musicexp.sweep.live import Live
from musicexp.sweep.samplers import check_installed
from musicexp.sweep.storage import VARIABLE, Storage, shown_url, storage_url
from musicexp.sweep.study import Place, Study, load_study, open_study
from musicexp.sweep.summary import Summary
from musicexp.sweep.together import check_together
from musicexp.sweep.worker import TIED, tie_to_parent, work
from musicexp.tracking import cache_dir, open_store, store_uri
from musicexp.training import check, cpu_threads, prepare, settled
from musicexp.wording import count

WORKER_SETTINGS = ("storage", "threads", "timeout", "tracking.uri", "tracking.experiment")
WORKER_HINT = "`python -m musicexp worker --help` lists every setting"


@dataclass(frozen=True)
class Shares:
    """How a machine's cores are shared out."""

    workers: int
    threads: int


def shares(sweep: Sweep) -> Shares:
    """Workers, and threads for each, on this machine: one thread each does most (benchmarks/sharing_cores.md)."""
    cores = cpu_threads()
    workers = min(cores if sweep.workers == "auto" else sweep.workers, max(sweep.trials, 1))
    return Shares(workers, max(1, cores // workers))


def sweep(words: Sequence[str]) -> Study:
    """Search: begin the study or go on with it, until it has the trials asked for; then sum up.

    Raises:
        MusicexpError: in one sentence, whatever is wrong.
        Interruption: a signal came; the same command goes on.
    """
    terminal = Terminal()
    search = _begun_alike(compose_search(words))
    if search.needs_limit:
        for line in cost_lines(search, shares(search.sweep).workers):
            terminal.say(line)
    check_together(search)
    check_installed(search.sweep)
    study = begin(search, terminal)
    summary = Summary(study)
    deadline = None if search.sweep.timeout is None else time.monotonic() + search.sweep.timeout - _age()
    try:
        over = searched(study, search.sweep, deadline, terminal)
        confirming = None
        if over and search.sweep.confirm and study.stopped() is None:
            confirming = begin_confirmation(study, search.sweep.confirm)
            if confirming is not None:
                terminal.say(f"confirming {confirming.told}")
                over = searched(confirming.study, search.sweep, deadline, terminal)
                if over and not confirming.concluded:
                    conclude(study, confirming, terminal.say)
    except BaseException as error:
        try:
            summary.write("KILLED")
        except MusicexpError as another:
            error.add_note(f"and the study's page could not be written: {another}")
        terminal.say("what is finished is kept; the same command goes on")
        raise
    summary.write("FINISHED" if over else "KILLED")
    for line in summary.lines():
        terminal.say(line)
    if (why := study.stopped()) is not None:
        terminal.say(f"stopped: {why}")
    elif not over:
        terminal.say(
            f"the time is over with {len(study.finished())} of {study.target} trials; the same command goes on"
        )
    return study


def _begun_alike(search: Search) -> Search:
    """The same search with `initial` as an id, so that `last` and a name mean one run for all trials."""
    given = search.config()
    if given.initial is None or any(dimension.name == "initial" for dimension in search.dimensions):
        return search
    others = [text for text in search.words if text.partition("=")[0] != "initial"]
    run = settled(given).initial
    assert run is not None
    return dataclasses.replace(search, words=(*others, word("initial", run)))


def begin(search: Search, terminal: Terminal) -> Study:
    """Everything before the first worker: checks, stores, data prepared once, the study, its first trials."""
    config = search.config()
    if config.name is not None:
        raise SettingError(
            f"name={config.name} goes with `run`; trials are named after their study: write study={config.name}"
        )
    check(config)
    uri = store_uri(config.tracking.uri)
    url = storage_url(search.sweep.storage, uri)
    _check_launcher(search.sweep, url, uri)
    terminal.say(f"store    {uri}")
    terminal.say(f"studies  {shown_url(url)}")
    open_store(uri, config.tracking.experiment)
    prepare(config, cache_dir(uri), terminal.preparing)
    storage = Storage(url)
    study, before = open_study(storage, search, Place(uri, config.tracking.experiment))
    prepare_study(study, terminal.say)
    study.limit(search.sweep)
    done = len(study.finished())
    state = (
        f"goes on with {done} of {study.target} trials finished"
        if before
        else f"begins: {count(study.target, 'trial')}"
    )
    if study.target < search.sweep.trials:
        terminal.say(
            f"         the space has {count(study.target, 'configuration')}, so there will be no more trials"
        )
    together = shares(search.sweep)
    own = search.config().threads
    threads = together.threads if own == "auto" else own
    terminal.say(
        f"study    {study.name} {state}, {search.sweep.sampler}, {study.pruner} pruner at equal {search.sweep.budget}, "
        f"{count(together.workers, 'worker')} with {count(threads, 'thread')} each"
    )
    return study


def searched(study: Study, sweep: Sweep, deadline: float | None, terminal: Terminal) -> bool:
    """Let workers train until the study is over, or the time is; whether it is over.

    Raises:
        Interruption: a signal came.
    """
    if study.over():
        return True
    together = shares(sweep)
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        return False
    words = [
        study.name,
        f"threads={together.threads}",
        *([f"timeout={left:.1f}"] if left is not None else []),
    ]
    if sweep.launcher == "ray":
        from musicexp.sweep.ray_launcher import on_ray

        on_ray(study, words, together.workers, sweep.ray.address, terminal.say)
        return study.over()
    command = [sys.executable, "-m", "musicexp", "worker", *words, TIED]
    environment = os.environ | {VARIABLE: study.storage.url}
    live = Live(study, terminal)
    crew = Crew(
        lambda said: Process(command, environment, said), together.workers, lambda: len(study.finished())
    )
    with live:
        crew.run(live.heard, live.tick)
    return study.over()


def worker(words: Sequence[str]) -> int:
    """Join a study: `worker STUDY storage=... threads=...`; return how many trials this worker finished."""
    tied = TIED in words
    names = [word for word in words if "=" not in word and word != TIED]
    if len(names) != 1:
        raise SettingError(
            "worker wants the name of one study, as in `python -m musicexp worker STUDY`; `python -m musicexp studies` lists them"
        )
    given = assignments([word for word in words if "=" in word], WORKER_SETTINGS, WORKER_HINT)
    for name in ("threads", "timeout"):
        value = given.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0
        ):
            raise SettingError(f"{name} must be a number above 0, not {value!r}")
    if tied:
        tie_to_parent()
    storage = open_storage(given.get("storage"), given.get("tracking.uri"))
    study = load_study(storage, names[0])
    if given.get("tracking.uri") or given.get("tracking.experiment"):
        study.place = Place(
            store_uri(given.get("tracking.uri") or study.place.tracking_uri),
            given.get("tracking.experiment") or study.place.experiment,
        )
    threads = given.get("threads")
    return work(
        study,
        threads=int(threads) if threads is not None else cpu_threads(),
        seconds=None if given.get("timeout") is None else given["timeout"] - _age(),
        say=lambda line: print(line, flush=True),
    )


def _age() -> float:
    """Seconds since this process began: its imports are part of the time that it was given."""
    import psutil

    return time.time() - float(psutil.Process().create_time())


def open_storage(storage: str | None, tracking_uri: str | None, *, create: bool = False) -> Storage:
    """The studies' database of a command: the setting, else $MUSICEXP_STORAGE, else beside the store."""
    return Storage(storage_url(storage, store_uri(tracking_uri)), create=create)


def _check_launcher(sweep: Sweep, url: str, uri: str) -> None:
    if sweep.launcher == "ray":
        from musicexp.sweep.ray_launcher import check_ray

        check_ray(url, uri, sweep.ray.address)
