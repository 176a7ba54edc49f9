"""Mixture: two models together, without anything being fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import quickly

from musicexp.metrics.mixture import DEALT_ANEW, SHARES, mixed_nats

NATS = st.lists(st.floats(1e-3, 20), min_size=1, max_size=40)


def test_by_hand() -> None:
    """The first token is the mean over the shares; the second weighs them by what they said of the first."""
    first, second = -np.log([0.5, 0.5]), -np.log([0.25, 1.0])
    shares = np.array(SHARES)
    begun = (1 - shares) * 0.5 + shares * 0.25
    weights = (1 - DEALT_ANEW) * begun / begun.sum() + DEALT_ANEW / len(shares)
    wanted = [begun.mean(), weights @ ((1 - shares) * 0.5 + shares)]
    assert mixed_nats(first, second) == pytest.approx(-np.log(wanted), abs=1e-12)


@quickly
@given(st.data(), NATS)
def test_chances_are_chances(data: st.DataObject, some: list[float]) -> None:
    """Of two distributions over two tokens: what the mixture gives to both sums to one, whatever came before."""
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    first, second = random.dirichlet((1, 1), len(some)), random.dirichlet((1, 1), len(some))
    came = random.integers(0, 2, len(some))
    at = np.arange(len(some))
    for now in range(len(some)):
        chances = []
        for token in (0, 1):
            said = came.copy()
            said[now] = token
            both = -np.log(first[at, said])[: now + 1], -np.log(second[at, said])[: now + 1]
            chances.append(np.exp(-mixed_nats(*both)[now]))
        assert sum(chances) == pytest.approx(1, abs=1e-9)


def test_it_trusts_who_is_right_and_is_never_far_behind() -> None:
    good, bad = np.full(200, 0.5), np.full(200, 3.0)
    assert mixed_nats(good, bad).mean() < 0.53
    assert mixed_nats(bad, good).mean() < 0.75, "the second is trusted by 8 tenths at most"
    changing = np.where(np.arange(200) < 100, good, bad), np.where(np.arange(200) < 100, bad, good)
    assert mixed_nats(*changing).mean() < 0.75, "trust moves within a piece"
    assert (mixed_nats(good, bad) >= 0).all()
