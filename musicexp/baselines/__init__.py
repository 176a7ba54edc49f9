"""Baselines that count instead of learning, with the LSTM's likelihood interface."""

from musicexp.baselines.ngram import NAMES, NGram
from musicexp.baselines.ppm import PPM, PPM_NAME, PPMSettings

__all__ = ["NAMES", "PPM", "PPM_NAME", "NGram", "PPMSettings"]
