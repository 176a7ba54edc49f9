"""Figures about models and melodies, each with its definition, source and units."""

from musicexp.metrics.likelihood import Likelihood, likelihood, nll_nats
from musicexp.metrics.roundtrip import RoundTrip, roundtrip

__all__ = ["Likelihood", "RoundTrip", "likelihood", "nll_nats", "roundtrip"]
