"""Sweeps: studies of many runs, chosen by Optuna, pruned, shared by any number of workers, gone on with after a kill.

    study = sweep(["lr=tag(log,interval(1e-4,1e-2))", "trials=20"])

A study lives in Optuna's database; every trial is a run in MLflow. Only this room imports optuna.
"""

from musicexp.sweep.command import WORKER_SETTINGS, open_storage, sweep, worker
from musicexp.sweep.listing import study_rows
from musicexp.sweep.record import record
from musicexp.sweep.study import Study, load_study

__all__ = [
    "WORKER_SETTINGS",
    "Study",
    "load_study",
    "open_storage",
    "record",
    "study_rows",
    "sweep",
    "worker",
]
