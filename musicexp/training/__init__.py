"""Training: one configuration, one run."""

from musicexp.training.callbacks import Signals
from musicexp.training.conduct import conduct
from musicexp.training.reporter import Reporter, Silent
from musicexp.training.train import RunResult, train

__all__ = ["Reporter", "RunResult", "Signals", "Silent", "conduct", "train"]
