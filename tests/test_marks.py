"""Marks: trials are compared at equal tokens or seconds, whatever their batch size, and each mark is met once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searches import Composed, search_of

from musicexp.config import Dimension
from musicexp.sweep.marks import (
    FIRST_SHARE,
    LARGEST,
    MOST,
    Milestones,
    marks,
    shortest_and_longest,
    tokens_of,
)
from musicexp.sweep.samplers import WHOLE, pruner

SIZES = st.integers(1, 65536)


@st.composite
def dimensions(draw: st.DrawFn) -> tuple[Dimension, ...]:
    """Some of the settings that tokens depend on, as choices or as intervals."""
    found = []
    for name in draw(
        st.lists(st.sampled_from(["batch_size", "seq_length", "iterations"]), unique=True, min_size=1)
    ):
        one, other = draw(st.tuples(SIZES, SIZES).filter(lambda pair: pair[0] != pair[1]))
        if draw(st.booleans()):
            found.append(Dimension(name, choices=(one, other)))
        else:
            found.append(Dimension(name, float(min(one, other)), float(max(one, other)), whole=True))
    return tuple(found)


@settings(deadline=None, max_examples=50)
@given(dimensions())
def test_the_laws_of_marks(swept: tuple[Dimension, ...]) -> None:
    """Marks were rounded up, so that the last could be the end of the longest training, where nothing is saved."""
    search = search_of(swept)
    chosen = {d.name: d.corners() for d in swept}
    lists = [
        chosen.get(name, (usual,))
        for name, usual in (("batch_size", 16), ("seq_length", 100), ("iterations", 1000))
    ]
    corners = [math.prod(int(value) for value in values) for values in itertools.product(*lists)]
    assert tokens_of(search.config({d.name: d.corners()[0] for d in swept})) == corners[0]
    found = marks(search, "tokens")
    assert list(found) == sorted(set(found))
    assert shortest_and_longest(search) == (min(corners), max(corners))
    assert all(1 <= mark < max(corners) for mark in found)
    assert all(mark <= LARGEST for mark in found)
    if min(corners) >= FIRST_SHARE:
        assert found[0] <= min(corners) / FIRST_SHARE
    assert len(found) <= MOST + 1


def test_marks_depend_on_the_space_alone() -> None:
    """All workers and all continuations have the same."""
    space = (Dimension("batch_size", choices=(8, 64)), Dimension("lr", 1e-4, 1e-2, log=True))
    first = marks(search_of(space), "tokens")
    assert first == marks(search_of(space, workers=2, trials=99, timeout=5.0, sampler_seed=3), "tokens")
    assert first != marks(search_of(space, {"seq_length": 50}), "tokens")


def test_marks_in_seconds_rise_from_seconds_to_a_day() -> None:
    found = marks(search_of((Dimension("lr", 1e-4, 1e-2),)), "seconds")
    assert list(found) == sorted(set(found))
    assert found[0] == 2
    assert found[-1] <= 86400


def test_dozens_of_choices_are_not_multiplied_out() -> None:
    """Thirty choices of each of three settings were composed 27,000 times, for many minutes."""
    asked = []

    class Counted(Composed):
        def config(self, chosen: Mapping[str, object] | None = None):  # type: ignore[no-untyped-def]
            asked.append(chosen)
            return super().config(chosen)

    names = ("batch_size", "seq_length", "iterations")
    plain = search_of([Dimension(name, choices=tuple(range(10, 40))) for name in names])
    counted = Counted(plain.sweep, plain.name, plain.dimensions, plain.words, plain.needs_limit)
    assert shortest_and_longest(counted) == (1000, 39**3)
    assert len(asked) < 5


@pytest.mark.parametrize("batch_size", [8, 12, 64])
def test_every_batch_size_meets_the_same_marks(batch_size: int) -> None:
    search = search_of((Dimension("batch_size", choices=(8, 12, 64)),), {"seq_length": 10, "iterations": 100})
    all_marks = marks(search, "tokens")
    milestones, met = Milestones(all_marks), []
    for iteration in range(1, 101):
        spent = iteration * batch_size * 10
        if milestones.passed(spent):
            met.append(milestones.take(spent))
    seen = [mark for mark in all_marks if mark <= 100 * batch_size * 10]
    assert set(met) <= set(seen)
    assert met[-1] == seen[-1]
    # No mark is left out but those that one iteration jumps over together.
    assert len(met) >= len(seen) - sum(b - a < batch_size * 10 for a, b in itertools.pairwise(seen))


RISING = st.lists(st.integers(1, 10_000), unique=True).map(sorted)


@settings(deadline=None, max_examples=50)
@given(RISING, st.lists(st.integers(1, 4000), min_size=1))
def test_milestones_pass_each_mark_once_and_in_order(rising: list[int], strides: list[int]) -> None:
    milestones, taken = Milestones(rising), []
    spent = 0
    for stride in strides:
        before, spent = spent, spent + stride
        new = [mark for mark in rising if before < mark <= spent]
        assert milestones.passed(spent) == bool(new)
        if new:
            # An iteration that jumps over several marks stands for the last of them.
            assert milestones.take(spent) == new[-1]
            taken.append(new[-1])
        assert not milestones.passed(spent)
    assert taken == sorted(set(taken))


@settings(deadline=None, max_examples=50)
@given(RISING, st.integers(0, 10_000))
def test_a_training_that_goes_on_skips_what_it_has_passed(rising: list[int], spent: int) -> None:
    milestones = Milestones(rising)
    milestones.skip(spent)
    assert not milestones.passed(spent)
    left = [mark for mark in rising if mark > spent]
    assert milestones.passed(10_000) == bool(left)
    if left:
        assert milestones.passed(left[0])
        assert milestones.take(left[0]) == left[0]


def test_a_trial_is_compared_with_those_that_are_to_see_as_many_tokens() -> None:
    """In its middle a long training is behind short ones that are nearly done, and was ended for that."""
    study = optuna.create_study(pruner=pruner("median", [100, 200, 400]))
    for _ in range(6):  # short trainings, done with 200 tokens, far better there than a long one can be
        short = study.ask()
        short.set_user_attr(WHOLE, 200)
        short.report(1.0, 100)
        study.tell(short, 1.0)
    long = study.ask()
    long.set_user_attr(WHOLE, 800)
    long.report(2.0, 100)
    assert not long.should_prune()
    for _ in range(6):
        other = study.ask()
        other.set_user_attr(WHOLE, 800)
        other.report(1.5, 100)
        study.tell(other, 1.0)
    assert long.should_prune()
    better = study.ask()
    better.set_user_attr(WHOLE, 800)
    better.report(1.4, 100)
    assert not better.should_prune()
