"""Several devices: the losses of one, one run, exact resuming, and nobody left behind, whoever dies.

On the CPU, where a device is a process and gloo carries what they tell each other. CUDA and nccl need a GPU.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from test_cli import begun
from test_resume import SignalAt, outcome, trained
from tunes import changed, random_ids

import musicexp
from musicexp.cli import main
from musicexp.config import compose
from musicexp.data import IGNORED, Sequences, Windows
from musicexp.errors import Interruption, RunError, SettingError
from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.tracking import MemoryRun, open_store
from musicexp.training import Silent, devices, ranks
from musicexp.training.devices import check_devices, resolved_here
from musicexp.training.material import prepare
from musicexp.training.peers import Peers

Small = Callable[..., list[str]]
TWO = ("trainer.devices=2", "batch_size=4")

several = pytest.mark.skipif(devices._cores() < 2, reason="two devices on the CPU want two cores")

# ---------------------------------------------------------------------------------------------------
# Settings


def test_a_batch_must_be_dealt_out_evenly() -> None:
    with pytest.raises(
        SettingError, match=r"batch_size=16 must be a multiple of trainer.devices=3.*take batch_size=18"
    ):
        compose(["trainer.devices=3"])
    with pytest.raises(SettingError, match=r"trainer.devices must be a whole number, at least 1, not 0"):
        compose(["trainer.devices=0"])


def test_more_devices_than_cores_are_refused_before_there_is_a_run(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["run", *small("trainer.devices=9999", "batch_size=9999", "trainer.accelerator=cpu")]) == 2
    said = capsys.readouterr().err
    assert "trainer.devices=9999, but this process may use" in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("accelerator", ["gpu", "auto"])
def test_more_devices_than_gpus_are_refused(accelerator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    config = compose([f"trainer.accelerator={accelerator}", "trainer.devices=2"])
    with pytest.raises(RunError, match=r"trainer.devices=2, but PyTorch finds 1 CUDA GPU here; ask for"):
        check_devices(config)


def test_a_build_without_gloo_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_backend_available", lambda _: False)
    monkeypatch.setattr(devices, "_cores", lambda: 2)
    with pytest.raises(RunError, match=r"trainer.devices=2, but this build of PyTorch lacks gloo"):
        check_devices(compose(["trainer.devices=2", "trainer.accelerator=cpu"]))


def test_threads_are_shared_out() -> None:
    for threads, each in ((8, 4), (3, 1), (1, 1)):
        assert resolved_here(compose([f"threads={threads}", "trainer.devices=2"])).threads == each


@pytest.mark.parametrize("order", ["contiguous", "random"])
def test_shares_are_the_whole_batch_in_order(order: str) -> None:
    """Batch k is what it is on one device, however many share it; each share knows the tokens of all."""
    pieces = Sequences.of(random_ids(1, 7, 20))
    whole = Windows(pieces, 6, 5, 0, order)  # type: ignore[arg-type]
    shares = [dataclasses.replace(whole, dealt=Peers(number, 3).rows(6)) for number in range(3)]
    for iteration in range(1, 2 * whole.iterations_per_epoch + 2):
        batch, parts = whole.batch(iteration), [share.batch(iteration) for share in shares]
        assert torch.equal(torch.cat([part.inputs_BT for part in parts]), batch.inputs_BT)
        assert torch.equal(torch.cat([part.targets_BT for part in parts]), batch.targets_BT)
        assert {(part.fresh, part.tokens) for part in parts} == {(batch.fresh, batch.tokens)}


# ---------------------------------------------------------------------------------------------------
# Training


@several
@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "order", "off"),
    [("fp32", "contiguous", 1e-5), ("fp64", "contiguous", 1e-12), ("fp64", "random", 1e-12)],
)
def test_two_devices_give_the_losses_of_one(
    small: Small, cache: Path, precision: str, order: str, off: float
) -> None:
    """The mean of two ranks' mean losses, which DDP takes by itself, is another one: their tokens differ."""
    words = small(*TWO, "model.dropout=0", "optimizer.clip=0.1", f"precision={precision}", f"windows={order}")
    config = compose([*words, "iterations=20"])
    ids = prepare(config, cache).ids["train"]
    windows = Windows(ids, 4, config.seq_length, config.seed, config.windows)
    assert windows.iterations_per_epoch < 20, "the border of an epoch must be in it"
    counts = [
        [
            int((windows.batch(k).share(Peers(n, 2).rows(windows.batch_size)).targets_BT != IGNORED).sum())
            for n in range(2)
        ]
        for k in range(1, 21)
    ]
    assert any(first != second for first, second in counts)
    one = trained(compose([*words, "iterations=20", "trainer.devices=1"]), MemoryRun(), cache)
    two = trained(config, MemoryRun(), cache)
    for metric in ("loss/train", "loss/val"):
        assert two.metrics[metric] == pytest.approx(one.metrics[metric], abs=off), metric
    assert len(two.metrics["loss/train"]) == 20


@several
@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_a_signal_stops_all_behind_one_iteration_and_the_run_goes_on(
    small: Small, cache: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With dropout and carried state: each process's own are in the checkpoint. Equal to the last bit.

    Three gradients summed along a ring, as DDP does by itself, were not: the order changed after a resume.
    """
    monkeypatch.setattr(devices, "_cores", lambda: count)
    config = compose(
        small(f"trainer.devices={count}", f"batch_size={2 * count}", "iterations=80", "validation.every=25")
    )
    watching = Silent()
    whole = trained(config, MemoryRun(), cache, watching)
    stopped = MemoryRun()
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=20))
    checkpoint = Checkpoint.from_bytes(stopped.files[CHECKPOINT_FILE], "it")
    assert 20 <= checkpoint.iteration == max(stopped.metrics["loss/train"]) < 80
    assert checkpoint.carried
    assert checkpoint.carried[0].shape == (2, 2 * count, 16)
    streams = {states["torch"].numpy().tobytes() for states in checkpoint.generators}
    assert len(streams) == len(checkpoint.generators) == count, "dropout must differ"
    assert outcome(trained(config, stopped, cache)) == outcome(whole)
    assert sum(f"parameters on cpu x {count}" in line for line in watching.lines) == 1


@several
@pytest.mark.slow
def test_a_divergence_in_one_process_ends_all(
    small: Small, cache: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rows of the second process alone carry a state that is no number."""
    one, two = (
        compose(small(*TWO, "checkpoint.seconds=1e-9", f"trainer.devices={devices}")) for devices in (1, 2)
    )
    begun_with = MemoryRun()
    with pytest.raises(Interruption):
        trained(one, begun_with, cache, SignalAt(iteration=3))
    checkpoint = Checkpoint.from_bytes(begun_with.files[CHECKPOINT_FILE], "it")
    assert checkpoint.carried
    for part in checkpoint.carried:
        part[:, 2:] = torch.nan
    spoilt = changed(checkpoint, config=two, generators=checkpoint.generators * 2)
    run = open_store(store, "musicexp").create_run("spoilt", {})
    run.write(CHECKPOINT_FILE, spoilt.as_bytes())
    run.close("KILLED")
    assert main(["run", "resume=spoilt"]) == 2
    said = capsys.readouterr().err
    assert "training diverged: the loss of iteration 4 is nan" in said
    assert said.count("\n") == 1
    assert musicexp.load_run("spoilt").status == "FAILED"
    assert not psutil.Process().children(recursive=True)


@several
@pytest.mark.slow
def test_ctrl_c_in_a_terminal_is_one_interruption(small: Small, store: str) -> None:
    """A terminal sends SIGINT to every process of the group; a scheduler does so with SIGTERM."""
    words = small(*TWO, "iterations=400", "name=stopped")
    process = begun(["run", *words], "training ", start_new_session=True)
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    os.killpg(process.pid, signal.SIGINT)
    said, complaints = process.communicate(timeout=120)
    assert process.returncode == 130, complaints
    assert complaints == "musicexp: interrupted\n"
    _gone(children)
    run = musicexp.load_run("stopped")
    assert run.status == "KILLED"
    assert said.count("go on with") == 1
    assert run.checkpoint().iteration == run.curve("loss/train")[-1][0] < 400
    found = run._run._client.search_runs(["0", "1", "2"])
    assert len(found) == 1, "however many processes, one run"


@several
@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_process_that_dies_ends_the_others(small: Small, store: str, number: int) -> None:
    process = begun(["run", *small(*TWO, "iterations=2000", "name=lost")], "parameters on")
    children = psutil.Process(process.pid).children()
    [dying] = [child for child in children if child.environ()["LOCAL_RANK"] == str(number)]
    dying.kill()
    _, complaints = process.communicate(timeout=120)
    assert process.returncode == 2, complaints
    assert f"the process of device {number} died (SIGKILL)" in complaints
    assert complaints.count("\n") == 1
    _gone(children)
    assert musicexp.load_run("lost").status == "FAILED"


@several
@pytest.mark.slow
def test_nobody_outlives_the_process_that_was_called(small: Small, store: str) -> None:
    process = begun(["run", *small(*TWO, "iterations=2000")], "parameters on")
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    process.kill()
    process.communicate()
    _gone(children)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "why"),
    [("import nosuchmodule", "No module named 'nosuchmodule'"), ("raise SystemExit(7)", "exit code 7")],
)
def test_a_process_that_cannot_begin_is_one_sentence(
    small: Small, cache: Path, monkeypatch: pytest.MonkeyPatch, program: str, why: str
) -> None:
    monkeypatch.setattr(ranks, "PROGRAM", program)
    with pytest.raises(RunError, match=rf"the process of device \d died \(.*{why}") as caught:
        trained(compose(small(*TWO)), MemoryRun(), cache)
    assert "\n" not in str(caught.value)


def _gone(processes: list[psutil.Process]) -> None:
    """Wait until all have ended, zombies included; end them and complain if they do not."""
    until = time.monotonic() + 20
    while left := [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        if time.monotonic() > until:
            for process in left:
                process.kill()
            pytest.fail(f"{len(left)} of {len(processes)} processes were left behind")
        time.sleep(0.1)
