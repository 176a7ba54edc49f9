"""A sweep survives what happens to processes: kills, signals, time limits, memory. Real processes, real signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from musicexp.report.study import Study as Plain
from musicexp.sweep import load_study, open_storage, record

Small = Callable[..., list[str]]
PATIENCE = 180.0
SPACE = ("lr=tag(log,interval(1e-4,3e-2))", "batch_size=choice(2,3)")
# Long enough to be killed in the middle, with a checkpoint every half second to go on from.
LONG = ("iterations=600", "validation.every=100", "checkpoint.seconds=0.5", "samples.count=0", "pruner=none")

pytestmark = pytest.mark.slow


@contextmanager
def sweeping(small: Small, folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A sweep in a process of its own, which is gone at the end of the block, and its workers with it."""
    by_name = {word.partition("=")[0]: word for word in (*small(*LONG), *SPACE, *words)}
    with (folder / "said.txt").open("a") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "musicexp", "sweep", *by_name.values(), "study=it"],
            cwd=folder,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        workers: list[psutil.Process] = []
        try:
            yield process
            workers = workers_of(process)
        finally:
            for one in [*workers, process]:
                if one.poll() is None if isinstance(one, subprocess.Popen) else one.is_running():
                    one.kill()
            process.wait()


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children()
    except psutil.NoSuchProcess:
        return []
    return [c for c in children if "worker" in c.cmdline()]


def state() -> Plain:
    return record(load_study(open_storage(None, None), "it"))


def until(true: Callable[[], bool], folder: Path, process: subprocess.Popen[str] | None = None) -> None:
    """Wait, with patience, but not for ever, and not for a process that has ended."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, said(folder)
        assert process is None or process.poll() is None, said(folder)
        time.sleep(0.2)


def said(folder: Path) -> str:
    return (folder / "said.txt").read_text()


def a_checkpoint_of(folder: Path, trial: int) -> Callable[[], bool]:
    """Whether a running trial has left a checkpoint to go on from."""

    def there() -> bool:
        if not (folder / "mlruns" / "optuna.db").exists() or "begins: " not in said(folder):
            return False
        return any(
            t.number == trial
            and t.runs
            and any((folder / "mlruns" / "artifacts").glob(f"**/{t.runs[-1]}/artifacts/checkpoint.ckpt"))
            for t in state().trials
        )

    return there


def test_a_killed_worker_loses_no_trial(store: str, small: Small, tmp_path: Path) -> None:
    """One of two workers is killed in mid-trial: exactly the asked number finishes, the lost one is resumed and tagged."""
    with sweeping(small, tmp_path, "trials=4", "workers=2") as process:
        until(a_checkpoint_of(tmp_path, 0), tmp_path, process)
        victim = psutil.Process(
            int(load_study(open_storage(None, None), "it").trials()[0].user_attrs["worker"].split()[-2])
        )
        assert victim.pid in {w.pid for w in workers_of(process)}
        victim.kill()
        until(lambda: process.poll() is not None, tmp_path)
    assert process.returncode == 0, said(tmp_path)
    found = state()
    assert sum(t.state in ("complete", "pruned") for t in found.trials) == 4
    lost = [t for t in found.trials if t.state == "interrupted"]
    assert [t.number for t in lost] == [0]
    assert lost[0].reason == "its worker died"
    (resumed,) = [t for t in found.trials if t.resume_of == 0]
    assert resumed.state == "complete"
    assert resumed.runs == lost[0].runs
    assert resumed.settings == lost[0].settings
    assert "a worker died (SIGKILL); another takes its place" in said(tmp_path)


def test_after_a_kill_of_everything_the_same_command_goes_on(
    store: str, small: Small, tmp_path: Path
) -> None:
    """On to the same total; nothing that was finished is trained again."""
    with sweeping(small, tmp_path, "trials=4", "workers=2") as process:
        until(lambda: bool(re.search("trial . complete", said(tmp_path))), tmp_path, process)
        before = [t for t in state().trials if t.state == "complete"]
        for one in [*workers_of(process), psutil.Process(process.pid)]:
            one.kill()
        process.wait()
    assert before
    with sweeping(small, tmp_path, "trials=4", "workers=2") as process:
        until(lambda: process.poll() is not None, tmp_path)
    assert process.returncode == 0, said(tmp_path)
    found = state()
    assert sum(t.state == "complete" for t in found.trials) == 4
    for trial in before:
        assert trial in found.trials, "a finished trial stays as it was"
    finished = [t.runs for t in found.trials if t.state == "complete"]
    assert len(set(finished)) == 4


def test_a_killed_sweep_takes_its_workers_with_it(store: str, small: Small, tmp_path: Path) -> None:
    """The sweep alone is killed: its workers notice, save what they train and end."""
    with sweeping(small, tmp_path, "trials=4", "workers=2", "iterations=100000") as process:
        until(a_checkpoint_of(tmp_path, 0), tmp_path, process)
        workers = workers_of(process)
        assert len(workers) == 2
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(workers, timeout=60)
        for one in alive:
            one.kill()
        assert not alive
    states = {t.state for t in state().trials}
    assert states <= {"interrupted"}


def test_at_ctrl_c_running_trials_are_kept_and_go_on_next_time(
    store: str, small: Small, tmp_path: Path
) -> None:
    with sweeping(small, tmp_path, "trials=2", "workers=2") as process:
        until(a_checkpoint_of(tmp_path, 1), tmp_path, process)
        process.send_signal(signal.SIGINT)
        until(lambda: process.poll() is not None, tmp_path)
    assert process.returncode == 130, said(tmp_path)
    assert "the same command goes on" in said(tmp_path)
    assert "Traceback" not in said(tmp_path)
    kept = [t for t in state().trials if t.state == "interrupted"]
    assert kept
    with sweeping(small, tmp_path, "trials=2", "workers=2") as process:
        until(lambda: process.poll() is not None, tmp_path)
    assert process.returncode == 0, said(tmp_path)
    found = state()
    assert sum(t.state == "complete" for t in found.trials) == 2
    for trial in kept:
        (resumed,) = [t for t in found.trials if t.resume_of == trial.number]
        assert resumed.runs == trial.runs


def test_when_the_time_is_over_what_runs_is_kept(store: str, small: Small, tmp_path: Path) -> None:
    with sweeping(small, tmp_path, "trials=2", "workers=1", "iterations=100000", "timeout=20") as process:
        until(lambda: process.poll() is not None, tmp_path)
    assert process.returncode == 0, said(tmp_path)
    assert "the time is over with 0 of 2 trials; the same command goes on" in said(tmp_path)
    assert [t.state for t in state().trials] == ["interrupted"]


def test_a_trial_without_memory_fails_with_its_reason(store: str, small: Small, tmp_path: Path) -> None:
    """Under a limit on memory, the larger of two models cannot be made; the smaller is trained all the same."""
    changed = (
        "samples.count=0",
        "iterations=4",
        "validation.every=0",
        "model.hidden_size=8,6000",
        "sampler=grid",
    )
    words = list({word.partition("=")[0]: word for word in (*small(), *changed)}.values())
    limit = 5 * 2**30
    done = subprocess.run(
        [sys.executable, "-c", f"import resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit})); "
         "from musicexp.cli import main; sys.exit(main(sys.argv[1:]))",
         "sweep", *words, "study=it", "trials=2", "workers=1", "max_failures=2"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    by_size = {t.settings["model.hidden_size"]: t for t in state().trials}
    assert by_size[8].state == "complete"
    assert by_size[6000].state == "failed"
    assert by_size[6000].reason.startswith("memory ran out")
