"""The panel: each metric's values by hand, by its peers, and the laws it keeps."""

from __future__ import annotations

import math

import pytest
from tunes import scale

from musicexp.metrics.lines import line_of
from musicexp.metrics.panel import METRICS, measured
from musicexp.metrics.rhythm import groove_similarity, off_eighth
from musicexp.metrics.structure import repeated_grams
from musicexp.music import Note, Piece


def rhythm_of(*onsets: int, metre: tuple[int, int] = (4, 4)) -> Piece:
    """One pitch at these sixteenths."""
    return Piece.of([Note(6 * onset, 6, 60) for onset in onsets], metre=metre)


def test_every_value_has_its_metric_and_every_metric_says_what_it_asks() -> None:
    assert set(measured(scale(60, 62))) <= set(METRICS)
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.asks.endswith(".")
        assert metric.source
        assert "better" not in metric.asks


def test_aspects_are_shown_in_the_panel_s_order() -> None:
    order = ["novelty", "structure", "rhythm", "melody", "tonality", "harmony"]
    assert sorted(METRICS.values(), key=lambda metric: order.index(metric.aspect)) == list(METRICS.values())


def test_a_figure_that_comes_again_in_another_key_is_repeated() -> None:
    figure = (60, 62, 64, 65, 67)
    assert repeated_grams(line_of(scale(*figure, *(pitch + 7 for pitch in figure)))) == pytest.approx(2 / 6)
    assert math.isnan(repeated_grams(line_of(scale(60, 62, 64, 65))))
    assert repeated_grams(line_of(scale(*figure))) == 0


def test_groove_is_one_less_the_positions_in_which_two_bars_differ() -> None:
    bars = rhythm_of(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 42, 44)
    # The third bar differs from each of the others at one of 16 positions.
    assert groove_similarity(bars) == pytest.approx(1 - (0 + 1 + 1) / 3 / 16)
    assert math.isnan(groove_similarity(rhythm_of(0, 4)))


def test_the_eighth_grid_lies_where_most_onsets_are() -> None:
    assert off_eighth(rhythm_of(0, 2, 4, 5)) == 0.25
    assert off_eighth(rhythm_of(1, 3, 5, 6)) == 0.25
