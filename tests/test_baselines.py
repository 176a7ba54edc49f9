"""N-grams: the fast counting is the formula's."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import quickly, random_ids

from musicexp.baselines import NAMES, NGram
from musicexp.data import sequence
from musicexp.tokens import BOS, EOS, Ids

SIZE = 7


class Slowly:
    """Interpolated Witten-Bell, as it stands in the docstring: one token and one dictionary at a time."""

    def __init__(self, order: int, pieces: Sequence[Ids]) -> None:
        self.order = order
        self.counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for piece in pieces:
            for context, token in self.tokens(piece):
                for length in range(order):
                    self.counts[context[len(context) - length :]][token] += 1

    def tokens(self, piece: Ids) -> list[tuple[tuple[int, ...], int]]:
        led = [BOS] * max(self.order - 2, 0) + piece.tolist()
        start = len(led) - len(piece) + 1
        return [(tuple(led[i - self.order + 1 : i]), led[i]) for i in range(start, len(led))]

    def chance(self, context: tuple[int, ...], token: int) -> float:
        below = self.chance(context[1:], token) if context else 1 / (SIZE - 2)
        seen = self.counts.get(context, Counter())
        total, kinds = sum(seen.values()), len(seen)
        return (seen[token] + kinds * below) / (total + kinds) if total else below

    def nll_nats(self, piece: Ids) -> float:
        return -math.fsum(math.log(self.chance(context, token)) for context, token in self.tokens(piece))


@pytest.mark.parametrize("order", NAMES)
@quickly
@given(seed=st.integers(0, 10**6))
def test_the_fast_counting_is_the_formula(order: int, seed: int) -> None:
    train, test = random_ids(seed, 6, SIZE), random_ids(seed + 1, 4, SIZE)
    reference = Slowly(order, train)
    found = NGram(order, SIZE).fit(train).nll_nats([*test, *train])
    assert found == pytest.approx([reference.nll_nats(piece) for piece in [*test, *train]], rel=1e-12)


@pytest.mark.parametrize("order", NAMES)
def test_probabilities_sum_to_one(order: int) -> None:
    """Over what can be predicted: every id but PAD and BOS."""
    model = NGram(order, SIZE).fit(random_ids(0, 8, SIZE))
    for begin in ([BOS], [BOS, 3], [BOS, 4, 5], [BOS, 6, 6, 6]):
        shorter = model.nll_nats([np.array(begin)])[0] if len(begin) > 1 else 0.0
        after = model.nll_nats([np.array([*begin, token]) for token in range(EOS, SIZE)])
        assert math.fsum(np.exp(shorter - after)) == pytest.approx(1, abs=1e-12)


def test_an_order_of_nothing_is_uniform() -> None:
    """Over the five ids that can be predicted, whatever was counted."""
    piece = sequence(np.array([3, 4, 4]))
    assert NGram(0, SIZE).fit([piece]).nll_nats([piece, piece[:2]]) == pytest.approx(
        [4 * math.log(5), math.log(5)], rel=1e-14
    )


def test_the_order_of_the_pieces_does_not_count() -> None:
    train, test = random_ids(3, 20, SIZE), random_ids(4, 9, SIZE)
    found = NGram(3, SIZE).fit(train).nll_nats(test)
    assert (NGram(3, SIZE).fit(train[::-1]).nll_nats(test[::-1])[::-1] == found).all()
    assert [NGram(3, SIZE).fit(train).nll_nats([piece])[0] for piece in test] == found.tolist()


def test_golden_by_hand() -> None:
    """Two tokens 3 4, EOS: counts 1 each of 3 kinds, so (1 + 3/5) / 6 each for a unigram over five ids."""
    piece = sequence(np.array([3, 4]))
    assert NGram(1, SIZE).fit([piece]).nll_nats([piece])[0] == pytest.approx(
        -3 * math.log(1.6 / 6), rel=1e-14
    )
    lower = 1.6 / 6
    assert NGram(2, SIZE).fit([piece]).nll_nats([piece])[0] == pytest.approx(
        -3 * math.log((1 + lower) / 2), rel=1e-14
    )


def test_more_context_tells_more_where_there_is_something_to_tell() -> None:
    train = [sequence(np.array([3, 4, 5, 6] * 10)) for _ in range(5)]
    nats = [NGram(order, SIZE).fit(train).nll_nats(train).sum() for order in (1, 2)]
    assert nats[1] < nats[0] / 4
