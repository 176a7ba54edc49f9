"""Mixture: two models together, without anything being fitted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from musicexp.metrics.mixture import DEALT_ANEW, SHARES, SHARPNESS, mixed_nats


def two_models(tokens: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What three symbols cost either, and which came."""
    random = np.random.default_rng(seed)
    first, second = (-np.log(random.dirichlet((1, 1, 1), tokens)) for _ in range(2))
    return first, second, random.integers(0, 3, tokens)


def test_by_hand() -> None:
    """The first token is the mean over the pools; the second weighs them by what they said of the first."""
    p, q = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]]), np.array([[0.2, 0.2, 0.6], [0.3, 0.3, 0.4]])
    said = []
    for share, power in itertools.product(SHARES, SHARPNESS):
        pool = (p ** (1 - share) * q**share) ** power
        said.append((pool / pool.sum(axis=1, keepdims=True))[[0, 1], [2, 1]])
    first, second = np.array(said).T
    weights = (1 - DEALT_ANEW) * first / first.sum() + DEALT_ANEW / len(said)
    wanted = -np.log([first.mean(), weights @ second])
    assert mixed_nats(-np.log(p), -np.log(q), np.array([2, 1])) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_chances_are_chances(seed: int) -> None:
    """What the mixture gives to all symbols sums to one, whatever came before."""
    first, second, came = two_models(12, seed)
    for now in range(12):
        chances = []
        for symbol in range(3):
            said = came[: now + 1].copy()
            said[now] = symbol
            chances.append(np.exp(-mixed_nats(first[: now + 1], second[: now + 1], said)[now]))
        assert sum(chances) == pytest.approx(1, abs=1e-12)


def test_it_trusts_who_is_right_and_trust_comes_and_goes() -> None:
    """Two symbols of which one knows the right one half the time and the other the rest: never far behind who is right."""
    came = np.zeros(200, dtype=np.int64)
    right, wrong = -np.log([0.9, 0.1]), -np.log([0.3, 0.7])
    good, bad = np.tile(right, (200, 1)), np.tile(wrong, (200, 1))
    assert mixed_nats(good, bad, came).mean() < 0.2
    assert mixed_nats(bad, good, came).mean() < 0.25, "the second is trusted by 9 tenths at most"
    half = np.arange(200)[:, None] < 100
    swapped = mixed_nats(np.where(half, good, bad), np.where(half, bad, good), came)
    assert swapped[20:100].mean() < 0.2
    assert swapped[120:].mean() < 0.35


def test_what_one_holds_for_impossible_stays_so() -> None:
    first = np.array([[-np.log(0.5), -np.log(0.5), np.inf]])
    second = -np.log(np.array([[0.1, 0.1, 0.8]]))
    assert np.exp(-mixed_nats(first, second, np.array([0]))) == pytest.approx(0.5)
