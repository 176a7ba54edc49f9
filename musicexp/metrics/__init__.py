"""Figures about models and melodies, each with its definition, source and units."""

from musicexp.metrics.likelihood import Likelihood, likelihood, nll_nats

__all__ = ["Likelihood", "likelihood", "nll_nats"]
