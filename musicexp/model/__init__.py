"""The model and its sampler: plain PyTorch, ids in and ids out, no music."""

from musicexp.model.lstm import MusicLSTM, State
from musicexp.model.sampling import Drawn, Rules, draw, probabilities, sample

__all__ = ["Drawn", "MusicLSTM", "Rules", "State", "draw", "probabilities", "sample"]
