"""The fitness of passages: by libfmp's figures, by the definition step by step, and at a piece's full length."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from conftest import SHARED
from hypothesis import given
from hypothesis import strategies as st
from tunes import quickly

from musicexp.metrics.fitness import MOST_FRAMES, RESOLUTION, Similarity, fitness, scape_plot

PATHS = ((1, 1), (1, 2), (2, 1))

ABAB = (0, 1, 2, 3, 0, 1, 2, 3)
AABA = (0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3)

LEFT_TO_CHANCE = {(4, 1), (4, 3), (4, 11), (5, 2), (5, 10), (6, 2), (6, 10)}
"""Passages of AABA (length, begin) with several best families: libfmp takes another one than we, see `metrics.fitness`."""


def exact_match(sequence: tuple[int, ...]) -> Similarity:
    """1 where two frames are equal, else libfmp's penalty."""
    frames = np.array(sequence)
    return np.where(frames[:, None] == frames, 1.0, -2.0)


def by_definition(similarity: Similarity, begin: int, length: int) -> float:
    """The fitness of one passage, a family at a time: (score, less skipped frames, less steps), the largest first."""
    frames = len(similarity)
    nothing = (-np.inf, 0, 0)
    outside: list[tuple[float, int, int]] = []
    best: dict[tuple[int, int], tuple[float, int, int]] = {}
    for frame in range(frames):
        if frame:
            score, skipped, steps = outside[-1]
            outside.append(max((score, skipped - 1, steps), best.get((frame - 1, length), nothing)))
        else:
            outside.append((0.0, 0, 0))
        for place in range(1, length + 1):
            came = [best.get((frame - down, place - right), nothing) for down, right in PATHS]
            score, skipped, steps = outside[frame] if place == 1 else max(came)
            best[frame, place] = (score + similarity[frame, begin + place - 1], skipped, steps - 1)
    score, skipped, steps = outside[-1]
    score, skipped, steps = max((score, skipped - 1, steps), best[frames - 1, length])
    sigma, gamma = (score - length) / -steps, (frames + skipped - length) / frames
    return 2 * sigma * gamma / (sigma + gamma) if sigma + gamma > 0 else 0.0


@st.composite
def similarities(draw: st.DrawFn, most: int = 9) -> Similarity:
    """Symmetric, 1 on the diagonal, unlike in places; few different values, so that many families tie."""
    frames = draw(st.integers(1, most))
    values = st.sampled_from([-2.0, 0.0, 0.25, 0.5, 1.0])
    found = np.eye(frames)
    for i in range(frames):
        for j in range(i):
            found[i, j] = found[j, i] = draw(values)
    return found


@quickly
@given(similarities())
def test_it_is_the_definition_s_fitness(similarity: Similarity) -> None:
    plot = scape_plot(similarity)
    frames = len(similarity)
    for length in range(1, frames + 1):
        for begin in range(frames - length + 1):
            expected = by_definition(similarity, begin, length)
            assert plot[length - 1, begin] == pytest.approx(expected, abs=1e-12)


def test_scores_are_kept_to_a_millionth() -> None:
    similarity = np.random.default_rng(0).random((7, 7))
    similarity = (similarity + similarity.T) / 2
    np.fill_diagonal(similarity, 1)
    plot = scape_plot(similarity)
    for length, begin in ((1, 3), (2, 0), (3, 2)):
        expected = by_definition(similarity, begin, length)
        assert plot[length - 1, begin] == pytest.approx(expected, abs=8 / RESOLUTION)


def test_the_fittest_passage_is_libfmp_s() -> None:
    """Golden values of libfmp 1.3.0, `compute_fitness_scape_plot` with a penalty of -2."""
    for sequence, expected in ((ABAB, 0.5), (AABA, 0.5714285714285715)):
        plot = scape_plot(exact_match(sequence))
        assert plot.max() == pytest.approx(expected, abs=1e-12)
        assert np.argwhere(plot == plot.max()).tolist()[0] == [3, 0]


def test_libfmp_s_scape_plots_come_out_where_its_choice_is_not_chance() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the peers' figures")
    stored = json.loads((SHARED / "reference" / "libfmp_fitness.json").read_text())
    for case in stored["cases"].values():
        found = scape_plot(exact_match(tuple(case["seq"])), as_libfmp=True)
        assert found.max() == pytest.approx(case["max_fitness"], abs=1e-12)
        theirs = np.array(case["scape_plot_fitness_len_by_start"])
        differing = {
            (length + 1, begin) for length, begin in np.argwhere(abs(found - theirs) > 1e-6).tolist()
        }
        assert differing == (LEFT_TO_CHANCE if tuple(case["seq"]) == AABA else set())
        assert abs(found - theirs).max() < 0.04


def test_libfmp_s_oversight_is_not_ours() -> None:
    """A path that begins with the second frame of a passage does not run through it."""
    similarity: Any = exact_match(AABA)
    passage = np.array([3]), np.array([2])
    assert fitness(similarity, *passage) == [0]
    assert fitness(similarity, *passage, as_libfmp=True) == pytest.approx([1 / 6])


def test_what_never_returns_has_no_fitness_nor_has_the_whole() -> None:
    assert not scape_plot(exact_match(tuple(range(12)))).any()
    assert fitness(exact_match(ABAB), np.array([0]), np.array([8])) == [0]


def test_too_many_frames_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"256 frames; fitness is computed for at most 255"):
        fitness(np.eye(MOST_FRAMES + 1), np.array([0]), np.array([1]))


@pytest.mark.slow
def test_all_passages_of_128_frames_take_seconds_at_most() -> None:
    similarity = exact_match(tuple(np.random.default_rng(0).integers(0, 6, 128).tolist()))
    begun = time.process_time()
    plot = scape_plot(similarity)
    assert time.process_time() - begun < 3
    assert plot.max() < 1
