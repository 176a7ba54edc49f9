"""Figures about models and melodies, each with its definition, source and units."""

from musicexp.metrics.intervals import Interval, paired, student_t
from musicexp.metrics.likelihood import Likelihood, likelihood, nats_among, nll_nats, token_nats
from musicexp.metrics.roundtrip import RoundTrip, roundtrip

__all__ = [
    "Interval",
    "Likelihood",
    "RoundTrip",
    "likelihood",
    "nats_among",
    "nll_nats",
    "paired",
    "roundtrip",
    "student_t",
    "token_nats",
]
