"""The store: where it is, how it is made and found again, what it says when something is wrong. Real MLflow throughout."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from musicexp.errors import RunError, StoreError
from musicexp.tracking import cache_dir, charts_link, open_store, store_uri, write_whole

EXPERIMENT = "musicexp"


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MUSICEXP_CACHE", raising=False)
    assert store_uri(None) == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert cache_dir(store_uri(None)) == tmp_path / "mlruns" / "cache"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_uri(None) == "http://127.0.0.1:5000"
    assert cache_dir(store_uri(None)) == tmp_path / "mlruns" / "cache"
    assert store_uri("other/x.db") == f"sqlite:///{tmp_path}/other/x.db"
    assert store_uri("sqlite:///x.db") == f"sqlite:///{tmp_path}/x.db"
    assert store_uri(str(tmp_path)) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MUSICEXP_CACHE", "there")
    assert cache_dir(store_uri(None)) == tmp_path / "there"
    with pytest.raises(StoreError, match="no longer writes; give a path"):
        store_uri("file:./mlruns")


def test_what_was_infinite_is_read_as_infinite(store: str) -> None:
    run = open_store(store, EXPERIMENT).create_run("far", {"musicexp": "run"})
    run.log_metrics({"loss/val": math.inf}, 1)
    run.log_metrics({"loss/val": -math.inf}, 2)
    run.log_metrics({"loss/val": 1e300}, 3)
    run.flush()
    assert [value for _, value, _ in run.history("loss/val")] == [math.inf, -math.inf, 1e300]
    run.close("FINISHED")


def test_a_run_comes_back_as_it_was_left(store: str) -> None:
    opened = open_store(store, EXPERIMENT)
    run = opened.create_run("first", {"musicexp": "run"})
    run.log_params({"lr": 1e-3, "model.num_layers": 3})
    run.set_tags({"seed": 0})
    for iteration in range(1, 2501):
        run.log_metrics({"loss/train": 1 / iteration}, iteration)
    run.log_dataset("tunes", "abc123", "somewhere", "{}")
    run.write("sample_1.mid", b"MThd")
    run.close("FINISHED")

    found = open_store(store, EXPERIMENT, create=False).find("first")
    assert (found.id, found.status, found.tags["seed"]) == (run.id, "FINISHED", "0")
    assert found.curve("loss/train") == [(i, 1 / i) for i in range(1, 2501)]
    assert found.read("sample_1.mid") == b"MThd"
    assert found.has("sample_1.mid")
    assert not found.has("sample_2.mid")
    told = opened.client.get_run(run.id)
    assert told.data.params == {"lr": "0.001", "model.num_layers": "3"}
    assert told.inputs
    assert told.inputs.dataset_inputs[0].dataset.digest == "abc123"


def test_a_reopened_run_logs_no_iteration_twice(store: str) -> None:
    opened = open_store(store, EXPERIMENT)
    run = opened.create_run(None, {})
    for iteration in (1, 2, 3):
        run.log_metrics({"loss/train": 0.5}, iteration)
    run.log_metrics({"loss/val": 0.7}, 2)
    run.close("KILLED")
    again = opened.find(run.id)
    again.reopen()
    for iteration in (2, 3, 4):
        again.log_metrics({"loss/train": 0.5, "loss/val": 0.6}, iteration)
    again.close("FINISHED")
    history = opened.client.get_metric_history(run.id, "loss/train")
    assert sorted(metric.step for metric in history) == [1, 2, 3, 4]
    assert again.curve("loss/val") == [(2, 0.7), (3, 0.6), (4, 0.6)]


def test_params_of_a_resumed_run_stay_as_they_were(store: str) -> None:
    """A run killed before its first checkpoint was resumed with another checkpoint.seconds: MLflow refused the change."""
    opened = open_store(store, EXPERIMENT)
    run = opened.create_run(None, {})
    run.log_params({"checkpoint.seconds": 1.0})
    again = opened.find(run.id)
    again.reopen()
    again.log_params({"checkpoint.seconds": 60.0, "lr": 1})
    assert opened.client.get_run(run.id).data.params == {"checkpoint.seconds": "1.0", "lr": "1"}


def test_runs_are_found_by_id_name_and_last(store: str) -> None:
    opened = open_store(store, EXPERIMENT)
    with pytest.raises(RunError, match="no run yet in experiment musicexp"):
        opened.find("last")
    first, second, twin = (opened.create_run(name, {}) for name in ("a", 'it\'s "b"', "a"))
    assert opened.find(first.id).id == first.id
    assert opened.find(first.id[:12]).id == first.id
    assert opened.find('it\'s "b"').id == second.id
    assert opened.find("last").id == twin.id
    with pytest.raises(RunError, match="2 runs are called 'a'; give the id of one") as caught:
        opened.find("a")
    assert first.id in str(caught.value)
    assert twin.id in str(caught.value)
    for unknown in ("zzz", "<script>alert(1)</script>", "0" * 32, "%", "' OR 1=1"):
        with pytest.raises(RunError, match="no run"):
            opened.find(unknown)


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*`python -m musicexp run` makes one"):
        open_store(f"sqlite:///{tmp_path}/mlflow.db", EXPERIMENT, create=False)
    assert not list(tmp_path.iterdir())


def test_an_experiment_that_is_not_there(store: str) -> None:
    with pytest.raises(RunError, match="there is no experiment 'other'"):
        open_store(store, "other", create=False)


def test_a_store_below_a_file_and_a_store_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be made or opened"):
        open_store(f"sqlite:///{tmp_path}/file/mlflow.db", EXPERIMENT)
    (tmp_path / "mlflow.db").write_text("this is no database, " * 1000)
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        open_store(f"sqlite:///{tmp_path}/mlflow.db", EXPERIMENT)
    assert "\n" not in str(caught.value)


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StoreError, match="no server answers there"):
        open_store("http://127.0.0.1:9", EXPERIMENT)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.ckpt"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_processes_that_make_one_store_at_once(tmp_path: Path) -> None:
    """Two processes that created the schema at once met 'duplicate column name'."""
    code = (
        "import sys; from musicexp.tracking import open_store;"
        "run = open_store(sys.argv[1], 'musicexp').create_run(None, {}); run.log_metrics({'x': 1.0}, 1); run.close('FINISHED')"
    )
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    started = [
        subprocess.Popen([sys.executable, "-c", code, uri], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    opened = open_store(uri, EXPERIMENT, create=False)
    assert len(opened.client.search_runs([opened.experiment_id])) == 2


def test_the_link_to_the_charts() -> None:
    link = charts_link("http://127.0.0.1:5000/", "7")
    assert re.fullmatch(
        r"http://127\.0\.0\.1:5000/#/experiments/7/runs\?workflowType=machine_learning&compareRunsMode=CHART",
        link,
    )
