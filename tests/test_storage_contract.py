"""What the sweep takes from Optuna beyond its promises, held against the installed version: one wrapper, one contract.

If an upgrade breaks one of these, musicexp/sweep/storage.py is the only file to mend.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from musicexp.errors import StoreError
from musicexp.sweep import storage as module
from musicexp.sweep.storage import Storage, shown_url, storage_url, surely_dead, this_process


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(f"sqlite:///{tmp_path / 'optuna.db'}")


@pytest.fixture
def study(storage: Storage) -> optuna.Study:
    return optuna.create_study(storage=storage.shared, study_name="it")


def claimed(storage: Storage, study: optuna.Study) -> int:
    with storage.alone("it"):
        return storage.claim(study)


def test_a_claimed_trial_runs_and_bears_its_worker_before_anything_is_chosen(
    storage: Storage, study: optuna.Study
) -> None:
    trial_id = claimed(storage, study)
    (trial,) = study.get_trials()
    assert trial.state == TrialState.RUNNING
    assert trial.user_attrs == {"worker": this_process()}
    assert trial.params == {}
    taken = storage.taken_up(study, trial_id)
    assert 0 <= taken.suggest_float("x", 0, 1) <= 1
    study.tell(taken, 1.0)
    assert study.get_trials()[0].state == TrialState.COMPLETE


def test_a_waiting_trial_is_claimed_first_and_keeps_what_was_chosen(
    storage: Storage, study: optuna.Study
) -> None:
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "x": optuna.distributions.FloatDistribution(0, 1)
    }
    study.add_trial(
        optuna.create_trial(state=TrialState.WAITING, params={"x": 0.25}, distributions=distributions)
    )
    trial = storage.taken_up(study, claimed(storage, study))
    assert trial.number == 0
    assert trial.suggest_float("x", 0, 1) == 0.25


def test_a_claim_of_another_process_is_seen_at_once(storage: Storage, study: optuna.Study) -> None:
    """Optuna caches trials; a claim that counted by a stale cache would overshoot."""
    other = Storage(storage.url)
    held = optuna.load_study(study_name="it", storage=other.shared)
    assert held.get_trials(deepcopy=False) == []
    claimed(storage, study)
    assert [t.state for t in held.get_trials(deepcopy=False)] == [TrialState.RUNNING]


@pytest.mark.slow
def test_a_trial_is_heard_while_it_trains_and_lost_when_it_is_silent(
    storage: Storage, study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial_id = claimed(storage, study)
    storage._backend.heartbeat_interval, storage._backend.grace_period = 1, 1
    monkeypatch.setattr(module, "surely_dead", lambda _: False)
    with storage.heard(trial_id):
        time.sleep(2.5)
        assert storage.lost(study) == []
        threads = [t for t in threading.enumerate() if "record_heartbeat" in repr(t)]
    time.sleep(2.5)
    assert not any(t.is_alive() for t in threads)
    assert [t.number for t in storage.lost(study)] == [0]


def test_the_trial_of_a_dead_process_of_this_machine_is_lost_at_once(
    storage: Storage, study: optuna.Study
) -> None:
    """Without a minute's wait for its heartbeat: the same command, given again at once, goes on with it."""
    trial_id = claimed(storage, study)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        began = psutil.Process(process.pid).create_time()
        storage.shared.set_trial_user_attr(
            trial_id, "worker", f"{socket.gethostname()} {process.pid} {began:.2f}"
        )
        assert storage.lost(study) == []
        process.kill()
        process.wait()
        assert [t.number for t in storage.lost(study)] == [0]


def test_a_trial_claimed_by_nobody_is_lost(storage: Storage, study: optuna.Study) -> None:
    """Its worker was killed between Optuna's making it and its naming itself, while it held the lock."""
    study.ask()
    assert [t.number for t in storage.lost(study)] == [0]


def test_a_trial_is_failed_once(storage: Storage, study: optuna.Study) -> None:
    trial_id = claimed(storage, study)
    assert storage.fail(trial_id, {"reason": "lost"})
    assert not storage.fail(trial_id, {"reason": "lost again"})
    (trial,) = study.get_trials()
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["reason"] == "lost"


def test_a_process_of_another_machine_is_never_surely_dead() -> None:
    assert not surely_dead("elsewhere 1 0.00")
    host, pid, _ = this_process().rsplit(" ", 2)
    assert surely_dead(f"{host} {pid} 1.00"), "another process that had the same number before"
    assert not surely_dead(this_process())


def test_reading_does_not_wait_for_writing(storage: Storage) -> None:
    with storage._backend.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        (None, "sqlite:////store/optuna.db"),
        ("/elsewhere/s.db", "sqlite:////elsewhere/s.db"),
        ("sqlite:////elsewhere/s.db", "sqlite:////elsewhere/s.db"),
        ("postgresql://me@host/db", "postgresql+psycopg://me@host/db"),
        ("postgresql+psycopg://me:secret@host/db", "postgresql+psycopg://me:secret@host/db"),
    ],
)
def test_where_studies_lie(setting: str | None, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSICEXP_STORAGE", raising=False)
    assert storage_url(setting, "sqlite:////store/mlflow.db") == url
    monkeypatch.setenv("MUSICEXP_STORAGE", "/told/s.db")
    assert storage_url(setting, "sqlite:////store/mlflow.db") == (url if setting else "sqlite:////told/s.db")


def test_an_address_that_workers_cannot_share_is_refused_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"storage=mysql://me:\*\*\*@host/db is of a kind"):
        storage_url("mysql://me:secret@host/db", "sqlite:////store/mlflow.db")
    assert "secret" not in shown_url("postgresql+psycopg://me:secret@host/db")


def test_no_studies_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"there are no studies at .*none\.db: `python -m musicexp sweep` makes one"
    ):
        Storage(f"sqlite:///{tmp_path / 'none.db'}", create=False)
