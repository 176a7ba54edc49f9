"""Resuming is exact: whatever stopped a run, going on ends with the losses and melodies of one never stopped."""

from __future__ import annotations

import copy
import os
import signal
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import musicexp
from musicexp.api import check_resume
from musicexp.config import Config, compose
from musicexp.errors import Interruption, RunError
from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.tracking import MemoryRun
from musicexp.training import Signals, Silent, conduct, train

Small = Callable[..., list[str]]


class Snapshots(MemoryRun):
    """A run that remembers how it looked at every write and flush: what SIGKILL would leave at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[tuple[str, MemoryRun]] = []

    def _remember(self, moment: str) -> None:
        fields = ("id", "name", "params", "tags", "metrics", "datasets", "files", "images", "status")
        self.moments.append((moment, MemoryRun(**{key: copy.deepcopy(getattr(self, key)) for key in fields})))

    def flush(self) -> None:
        super().flush()
        self._remember("flush")

    def write(self, name: str, data: bytes) -> None:
        self._remember(f"before {name}")
        super().write(name, data)
        self._remember(f"after {name}")

    def log_metrics(self, metrics: dict[str, float], iteration: int) -> None:  # type: ignore[override]
        super().log_metrics(metrics, iteration)
        if "loss/val" in metrics:
            self._remember(f"validation {iteration}")


class SignalAt(Silent):
    """Sends this process a signal when some iteration or validation is reported."""

    def __init__(self, *, iteration: int = 0, validation: int = 0, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self._iteration, self._validation, self._number = iteration, validation, number

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        if iteration == self._iteration:
            os.kill(os.getpid(), self._number)

    def validation(self, iteration: int, loss: float) -> None:
        if iteration == self._validation:
            os.kill(os.getpid(), self._number)


def trained(config: Config, run: MemoryRun, cache: Path, reporter: Silent | None = None) -> MemoryRun:
    """Train in a run, from its checkpoint if it has one."""
    data = run.files.get(CHECKPOINT_FILE)
    checkpoint = Checkpoint.from_bytes(data, "the checkpoint") if data else None
    with Signals().caught() as signals:
        train(config, run, reporter or Silent(), cache=cache, signals=signals, checkpoint=checkpoint)
    return run


def outcome(run: MemoryRun) -> dict[str, object]:
    """What must be equal to the last bit: every loss, every figure but the clock's, every melody."""
    curves = {key: curve for key, curve in run.metrics.items() if key != "iterations_per_second"}
    melodies = {n: d for n, d in run.files.items() if n.endswith((".mid", "clips.json"))}
    return {"curves": curves, "melodies": melodies, "images": run.images}


@pytest.mark.parametrize("order", ["contiguous", pytest.param("random", marks=pytest.mark.slow)])
def test_two_runs_are_equal_to_the_last_bit(small: Small, cache: Path, order: str) -> None:
    config = compose(small(f"windows={order}"))
    first, second = (trained(config, MemoryRun(), cache) for _ in range(2))
    assert outcome(first) == outcome(second)
    assert len(first.metrics["loss/train"]) == 30
    midi = sorted(name for name in first.files if name.endswith(".mid"))
    assert [name for name in midi if name.startswith("sample_")] == [f"sample_{k}.mid" for k in (1, 2, 3, 4)]
    assert {"reference_1.mid", "reference_3.mid"} <= set(midi), "real music of both sides"


@pytest.mark.slow
def test_another_seed_gives_other_losses(small: Small, cache: Path) -> None:
    first, second = (trained(compose(small(f"seed={seed}")), MemoryRun(), cache) for seed in (0, 1))
    assert first.metrics["loss/train"] != second.metrics["loss/train"]


@pytest.mark.parametrize(
    "more",
    [
        ("windows=contiguous",),
        pytest.param(("windows=random", "optimizer.schedule=constant", "keep=last"), marks=pytest.mark.slow),
    ],
    ids=["contiguous", "random"],
)
def test_a_kill_at_any_moment_loses_nothing(small: Small, cache: Path, more: tuple[str, ...]) -> None:
    """From every state that SIGKILL may leave behind: before, between and after each flush, validation and write."""
    config = compose(small("checkpoint.seconds=1e-9", "iterations=9", *more))
    whole = Snapshots()
    trained(config, whole, cache)
    moments = [kept for kept in whole.moments if not kept[0].endswith((".png", "log.txt"))]
    assert {"flush", "before checkpoint.ckpt", "after checkpoint.ckpt", "validation 7"} <= {
        name for name, _ in moments
    }
    for name, left in moments[:: max(1, len(moments) // 4)]:
        assert outcome(trained(config, left, cache)) == outcome(whole), name


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(SignalAt(iteration=1), marks=pytest.mark.slow),
        SignalAt(iteration=11, number=signal.SIGINT),
        pytest.param(SignalAt(validation=14), marks=pytest.mark.slow),
        pytest.param(SignalAt(iteration=30), marks=pytest.mark.slow),
    ],
    ids=["the first iteration", "mid-epoch", "a validation", "the last iteration"],
)
def test_a_signal_ends_the_iteration_and_the_run_goes_on(small: Small, cache: Path, stop: SignalAt) -> None:
    config = compose(small())
    whole = trained(config, MemoryRun(), cache)
    stopped = MemoryRun()
    with pytest.raises(Interruption):
        trained(config, stopped, cache, stop)
    reached = max(stopped.metrics["loss/train"])
    checkpoint = Checkpoint.from_bytes(stopped.files[CHECKPOINT_FILE], "it")
    assert checkpoint.iteration == reached, "a signal saves where it stops"
    assert outcome(trained(config, stopped, cache)) == outcome(whole)


@pytest.mark.slow
def test_a_stop_at_an_epochs_end(small: Small, cache: Path, tunes: Path) -> None:
    """The batch behind the border opens a new order of the pieces, from a zero state."""
    from musicexp.data import Windows
    from musicexp.training.material import prepare

    config = compose(small())
    ids = prepare(config, cache).ids["train"]
    border = Windows(
        ids, config.batch_size, config.seq_length, config.seed, "contiguous"
    ).iterations_per_epoch
    assert 1 < border < 100
    config = compose(small(f"iterations={border + 5}"))
    whole, stopped = trained(config, MemoryRun(), cache), MemoryRun()
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=border))
    assert outcome(trained(config, stopped, cache)) == outcome(whole)


@pytest.mark.slow
def test_early_stopping_is_resumed_too(small: Small, cache: Path) -> None:
    more = (
        "early_stopping.patience=2",
        "validation.every=1",
        "lr=0.9",
        "optimizer.clip=0",
        "optimizer.schedule=constant",
        "iterations=40",
    )
    config = compose(small(*more))
    whole = trained(config, MemoryRun(), cache)
    last = max(whole.metrics["loss/train"])
    assert last < 40, "these settings must stop early, or the test shows nothing"
    stopped = MemoryRun()
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=last - 1))
    assert outcome(trained(config, stopped, cache)) == outcome(whole)


def test_other_music_is_not_gone_on_with(small: Small, cache: Path, tmp_path: Path, tunes: Path) -> None:
    import shutil

    folder = tmp_path / "music"
    shutil.copytree(tunes, folder)
    config = compose(small(f"dataset.path={folder}"))
    stopped = MemoryRun()
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=5))
    (folder / "tune00.mid").unlink()
    with pytest.raises(RunError, match="has changed since run memory began"):
        trained(config, stopped, cache)


def test_a_diverging_run_says_so(small: Small, cache: Path) -> None:
    """Weight decay that multiplies every weight by -1e7 a step overflows in a few."""
    config = compose(
        small("optimizer=adamw", "optimizer.weight_decay=1e6", "lr=10", "optimizer.schedule=constant")
    )
    with pytest.raises(
        RunError, match=r"training diverged: the loss of iteration \d+ is (nan|inf); lower lr=10"
    ):
        trained(config, MemoryRun(), cache)


@pytest.mark.slow
def test_a_run_goes_on_by_another_path_and_says_so(small: Small, store: str) -> None:
    """A checkpoint of one path is a checkpoint of all; what differs is rounding, and the run tells from where on."""
    words = small("name=moved", "model.dropout=0", "recurrence=torch", "samples.count=0")
    with pytest.raises(Interruption):
        conduct(compose(words), SignalAt(iteration=12))
    reporter = Silent()
    again = ["resume=moved", "recurrence=hoisted"]
    check_resume(compose(again), again)  # the command line refused it beside resume
    result = conduct(compose([*words, *again]), reporter)
    [said] = [line for line in reporter.lines if "behind iteration 12, where it was" in line]
    assert said.startswith("recurrence hoisted, fp32 behind iteration 12, where it was torch, fp32")
    run = musicexp.load_run("moved")
    assert run.tags["resolved.recurrence"] == "torch, from 12 hoisted"
    whole = conduct(
        compose(small("name=whole", "model.dropout=0", "recurrence=torch", "samples.count=0")), Silent()
    )
    moved, still = (
        [loss for _, loss in one.curve("loss/train")] for one in (run, musicexp.load_run(whole.id))
    )
    assert result.iterations == whole.iterations == len(moved)
    np.testing.assert_allclose(moved, still, rtol=0, atol=1e-4)
    with pytest.raises(RunError, match="is finished"):
        conduct(compose([*words, "resume=moved"]), Silent())


@pytest.mark.slow
def test_another_number_format_is_another_run(small: Small, store: str) -> None:
    with pytest.raises(Interruption):
        conduct(compose(small("name=single", "precision=fp32")), SignalAt(iteration=3))
    with pytest.raises(RunError, match="precision=fp64 has other numbers"):
        conduct(compose(small("resume=single", "precision=fp64")), Silent())
    conduct(compose(small("resume=single")), Silent())


def test_a_signal_within_a_weak_reference_is_kept_and_makes_no_noise(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """SIGTERM came while SQLAlchemy's weak reference was called: Python printed a traceback, and nothing was interrupted."""

    class Thing:
        pass

    with Signals().caught() as signals:
        thing = Thing()
        reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
        del thing
        assert reference() is None
        assert signals.came == signal.SIGTERM
    assert "Traceback" not in capfd.readouterr().err
