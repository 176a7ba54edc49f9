"""Sampling: inverse CDF in float64, and every sequence by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tunes import quickly

from musicexp.model import chosen, probabilities, sample

EOS = 2
LOGITS = st.lists(st.floats(-30, 5), min_size=4, max_size=12)


def drawn_once(
    logprobs: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    temperature: float,
    uniform: float,
    top_k: int,
    top_p: float,
) -> int:
    """What one row draws."""
    weights = probabilities(logprobs[None], allowed[None], np.array([temperature]), top_k, top_p)
    return int(chosen(weights, np.array([uniform]))[0])


def weights_of(
    logprobs: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    temperature: float,
    top_k: int = 0,
    top_p: float = 1.0,
) -> NDArray[np.float64]:
    """`probabilities` of one row."""
    found: NDArray[np.float64] = probabilities(
        logprobs[None], allowed[None], np.array([temperature]), top_k, top_p
    )[0]
    return found


def everything(size: int) -> NDArray[np.bool_]:
    return np.ones(size, dtype=bool)


class Free:
    """Rules that forbid PAD and BOS and count every token as a note."""

    def __init__(self, size: int) -> None:
        self.notes = 0
        self.mask = everything(size)
        self.mask[:2] = False

    def allowed(self) -> NDArray[np.bool_]:
        return self.mask

    def advance(self, token_id: int) -> None:
        self.notes += 1


class Walk:
    """A fake model whose distribution depends on all ids of its row so far, and on no other row."""

    def __init__(self, size: int, rows: int, eos: float = -1.0) -> None:
        self.table = np.random.default_rng(7).normal(size=(size, size))
        self.table[:, EOS] = eos
        self.sum = np.zeros((rows, size))

    def __call__(self, last: NDArray[np.int64]) -> NDArray[np.float64]:
        self.sum = 0.5 * self.sum + self.table[last]
        logprobs: NDArray[np.float64] = self.sum - np.log(np.exp(self.sum).sum(axis=1, keepdims=True))
        return logprobs


def drawn(
    seeds: list[int], temperatures: list[float] | None = None, **more: int
) -> list[tuple[list[int], str]]:
    limits = {"max_notes": 30, "max_tokens": 100} | more
    rows = len(seeds)
    found = sample(
        Walk(9, rows),
        [Free(9) for _ in seeds],
        [np.random.default_rng(seed) for seed in seeds],
        temperatures or [1.0] * rows,
        np.ones(rows, dtype=np.int64),
        eos=EOS,
        max_notes=limits["max_notes"],
        max_tokens=limits["max_tokens"],
    )
    return [(one.ids.tolist(), one.ended_by) for one in found]


# ---------------------------------------------------------------------------------------------------
# One draw


@quickly
@given(LOGITS, st.floats(0, 1, exclude_max=True), st.floats(0.2, 4))
def test_a_draw_is_where_the_cumulative_sum_passes_the_uniform_number(
    logits: list[float], uniform: float, temperature: float
) -> None:
    weights = [math.exp((logit - max(logits)) / temperature) for logit in logits]
    total, at, passed = math.fsum(weights), 0, weights[0]
    while passed <= uniform * total and at < len(weights) - 1:
        at += 1
        passed += weights[at]
    got = drawn_once(np.array(logits), everything(len(logits)), temperature, uniform, 0, 1.0)
    edge = min(abs(math.fsum(weights[:i]) / total - uniform) for i in range(len(weights) + 1))
    assert got == at or edge < 1e-12


def test_draws_have_the_frequencies_of_the_distribution() -> None:
    logprobs = np.log([0.5, 0.3, 0.2])
    grid = (np.arange(1000) + 0.5) / 1000
    counts = np.bincount([drawn_once(logprobs, everything(3), 1.0, u, 0, 1.0) for u in grid])
    assert counts.tolist() == [500, 300, 200]


@quickly
@given(LOGITS, st.data())
def test_what_is_forbidden_is_never_drawn(logits: list[float], data: st.DataObject) -> None:
    size = len(logits)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    allowed[data.draw(st.integers(0, size - 1))] = True
    top_k, top_p = data.draw(st.integers(0, 4)), data.draw(st.floats(0.01, 1))
    temperature = data.draw(st.sampled_from([1e-300, 0.01, 1.0, 100.0, 1e300]))
    for uniform in (0.0, 0.5, math.nextafter(1, 0)):
        assert allowed[drawn_once(np.array(logits), allowed, temperature, uniform, top_k, top_p)]
    found = weights_of(np.array(logits), allowed, temperature, top_k, top_p)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert (found[~allowed] == 0).all()


def test_top_k_and_top_p_keep_the_likeliest() -> None:
    logprobs, any_id = np.log([0.1, 0.4, 0.2, 0.2, 0.1]), everything(5)

    def kept(top_k: int = 0, top_p: float = 1.0) -> list[int]:
        return np.flatnonzero(weights_of(logprobs, any_id, 1.0, top_k, top_p)).tolist()

    assert kept(top_k=1) == [1]
    assert kept(top_k=2) == [1, 2], "of equals the first id"
    assert kept(top_k=99) == kept() == [0, 1, 2, 3, 4]
    assert kept(top_p=0.4) == [1]
    assert kept(top_p=0.41) == [1, 2]
    assert kept(top_p=0.79) == [1, 2, 3]
    assert kept(top_p=1e-9) == [1]
    assert kept(top_k=2, top_p=0.9) == [1, 2]
    assert weights_of(logprobs, any_id, 1.0, top_k=2).tolist() == pytest.approx([0, 2 / 3, 1 / 3, 0, 0])
    allowed = np.array([True, False, True, True, True])
    assert np.flatnonzero(weights_of(logprobs, allowed, 1.0, top_k=1)).tolist() == [2]
    assert weights_of(logprobs, any_id, 2.0) == pytest.approx(
        np.sqrt(np.exp(logprobs)) / np.sqrt(np.exp(logprobs)).sum()
    )


def test_temperatures_near_their_ends() -> None:
    """A temperature of 1e-310 made every weight 0 / 0."""
    logprobs = np.log([0.2, 0.5, 0.3])
    assert weights_of(logprobs, everything(3), 1e-310).tolist() == [0, 1, 0]
    assert weights_of(logprobs, everything(3), 1e300) == pytest.approx([1 / 3] * 3)


@quickly
@given(st.integers(1, 9), st.integers(3, 12), st.integers(0, 4), st.floats(0.2, 1), st.integers(0, 99))
def test_a_row_of_a_draw_does_not_depend_on_the_others(
    rows: int, size: int, top_k: int, top_p: float, seed: int
) -> None:
    """To the last bit: a melody is the same however many are drawn beside it."""
    random = np.random.default_rng(seed)
    logprobs, allowed = random.normal(size=(rows, size)) * 5, random.random((rows, size)) < 0.7
    allowed[:, 0] = True
    temperatures, uniforms = random.uniform(0.3, 3, rows), random.random(rows)
    together = chosen(probabilities(logprobs, allowed, temperatures, top_k, top_p), uniforms)
    weights = probabilities(logprobs, allowed, temperatures, top_k, top_p)
    for row in range(rows):
        alone = logprobs[row], allowed[row], temperatures[row]
        assert (weights_of(*alone, top_k, top_p) == weights[row]).all()
        assert drawn_once(*alone, uniforms[row], top_k, top_p) == together[row]


# ---------------------------------------------------------------------------------------------------
# Several sequences


def test_a_sequence_does_not_depend_on_those_beside_it() -> None:
    """With one random stream for a batch, asking for one melody more changed all of them."""
    together = drawn([0, 1, 2, 3], [1.0, 1.5, 0.7, 1.0])
    assert [drawn([0])[0], drawn([1], [1.5])[0], drawn([2], [0.7])[0]] == together[:3]
    assert drawn([3, 0])[::-1] == [together[0], together[3]]
    assert len({tuple(ids) for ids, _ in together}) == 4


def test_how_sequences_end() -> None:
    many = drawn(list(range(40)))
    assert {end for _, end in many} == {"eos", "length"}
    for ids, end in many:
        assert EOS not in ids
        assert set(ids) <= set(range(3, 9))
        assert (len(ids) == 30) if end == "length" else (len(ids) < 30)
    shorter = drawn(list(range(40)), max_notes=5)
    assert [ids for ids, _ in shorter] == [ids[:5] for ids, _ in many]
    cut = drawn(list(range(40)), max_tokens=3)
    assert [ids for ids, _ in cut] == [ids[:3] for ids, _ in many]
    assert {end for ids, end in cut if len(ids) == 3} <= {"length"}


def test_notes_of_the_prime_do_not_count() -> None:
    rules = Free(9)
    rules.notes = 1000
    [found] = sample(
        Walk(9, 1, eos=-99), [rules], [np.random.default_rng(0)], [1.0], np.ones(1, dtype=np.int64),
        eos=EOS, max_notes=4, max_tokens=100,
    )  # fmt: skip
    assert (len(found.ids), found.ended_by) == (4, "length")


def test_no_sequence_is_no_sequence() -> None:
    assert drawn([]) == []
    assert drawn([0], max_tokens=0) == [([], "length")]
