"""A judgement in a terminal: short, and fit for a narrow one."""

from __future__ import annotations

import pytest
from judgements import FAULT, judged, judgement, passage, whole
from rich.cells import cell_len
from test_player import HOSTILE

from musicexp.report.judged_lines import WIDTH, judged_lines


def row(lines: list[str], title: str) -> list[str]:
    [found] = [line for line in lines if line.startswith(title)]
    return found.removeprefix(title).split()


def test_two_temperatures_stand_side_by_side() -> None:
    lines = judged_lines(whole())
    table = [line for line in lines if not line.startswith(("broken", "copied", "heat"))]
    assert max(cell_len(line) for line in table) <= WIDTH
    found = whole().sets
    mean, auc, interval, word = row(lines, "groove similarity")[2:6]
    stand = found[0].stands["groove"]
    assert mean == f"{stand.mean.mean:.2f}".removeprefix("0")
    assert auc == f"{stand.auc.value:.2f}".removeprefix("0")
    assert interval == f"({stand.auc.low:.2f}-{stand.auc.high:.2f})".replace("0.", ".")
    assert word == "less"
    assert row(lines, "groove similarity")[-1] == "alike"


def test_what_gates_the_rest_comes_first() -> None:
    lines = judged_lines(whole())
    order = ["broken", "copied", "music", "longest copy", "repeated 4-grams", "groove similarity", "interval entropy", "less, more:", "heat"]  # fmt: skip
    places = [next(k for k, line in enumerate(lines) if line.startswith(word)) for word in order]
    assert places == sorted(places)
    assert (
        "The temperature is too low for what the model has learned. Try samples.temperature=1.0." in lines[0]
    )
    assert "copied   T1: in 3 of 64 pieces; the longest, 34 notes of sample_19, stands in Fisher's Hornpipe; others from The Rakes of Mallow, Miss Drummond of Perth - Strathspey" in lines  # fmt: skip
    assert (
        lines[-1]
        == "heat     Nearest to the corpus: temperature 0.9; 1 is as near, as far as 24 pieces each can tell."
    )


def test_many_temperatures_stand_below_each_other() -> None:
    lines = judged_lines(judgement(*(judged(f"temperature {k}", float(k)) for k in range(1, 6))))
    assert len([line for line in lines if line.startswith("groove")]) == 3
    assert max(map(cell_len, lines)) <= 110


@pytest.mark.parametrize("name", [*HOSTILE, "中" * 200])
def test_names_do_not_break_the_table(name: str) -> None:
    lines = judged_lines(
        judgement(judged(name, passages=[passage(0, name, name)], faults=[FAULT]), judged(name))
    )
    assert not [
        sign
        for line in lines
        for sign in line
        if sign in "\x00\n\r\u2028\u2029\u202e" or "\ud800" <= sign <= "\udfff"
    ]
    assert all(cell_len(line) <= WIDTH for line in lines if not line.startswith(("copied", "broken")))
    assert row(lines, "groove similarity")


@pytest.mark.parametrize(("pieces", "real"), [(0, 0), (0, 5), (1, 1), (2, 0)])
def test_few_pieces_leave_gaps(pieces: int, real: int) -> None:
    lines = judged_lines(judgement(judged("set", pieces=pieces, real=real), real=real))
    assert not [line for line in lines if "nan" in line]


def test_nothing_judged_is_nothing_told() -> None:
    assert judged_lines(judgement()) == []
