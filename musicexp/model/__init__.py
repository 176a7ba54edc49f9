"""The model, the paths of its recurrence and its sampler: plain PyTorch, ids in and ids out, no music."""

from musicexp.model.lstm import MusicLSTM, State
from musicexp.model.recurrence import Resolved, recurrence, resolve, this_machine
from musicexp.model.sampling import Drawn, Rules, draw, probabilities, sample
from musicexp.model.steps import Stepper

__all__ = [
    "Drawn",
    "MusicLSTM",
    "Resolved",
    "Rules",
    "State",
    "Stepper",
    "draw",
    "probabilities",
    "recurrence",
    "resolve",
    "sample",
    "this_machine",
]
