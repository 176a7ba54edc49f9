"""Baselines that count instead of learning, with the LSTM's likelihood interface."""

from musicexp.baselines.ngram import NAMES, NGram

__all__ = ["NAMES", "NGram"]
