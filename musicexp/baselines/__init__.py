"""Baselines that count instead of learning, with the LSTM's likelihood interface."""

from musicexp.baselines.melody_line import MelodyLine
from musicexp.baselines.multiple_viewpoints import PITCHES_ALONE, WITH_RHYTHM, MultipleViewpoints, Viewpoint
from musicexp.baselines.ngram import NAMES, NGram
from musicexp.baselines.ppm import PPM, PPM_NAME, Long, PPMSettings

__all__ = [
    "NAMES",
    "PITCHES_ALONE",
    "PPM",
    "PPM_NAME",
    "WITH_RHYTHM",
    "Long",
    "MelodyLine",
    "MultipleViewpoints",
    "NGram",
    "PPMSettings",
    "Viewpoint",
]
