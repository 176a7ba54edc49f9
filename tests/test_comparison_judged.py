"""The music of several runs side by side: every run beside the real music that it learned from."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from compared import compared, side_by_side
from judgements import FAULT, judged, judgement, stands, whole

from musicexp.report.compared_music import MusicSet, music_sets
from musicexp.report.comparison import Comparison
from musicexp.report.comparison_judged import music_rows, music_section
from musicexp.report.comparison_rows import comparison_json
from musicexp.report.comparison_table import show_comparison


def summary() -> dict[str, Any]:
    """summary.json of a run with two temperatures, as it is read again."""
    found: dict[str, Any] = json.loads(json.dumps({"music": whole().as_dict()}))
    return found


def runs(*sets: tuple[MusicSet, ...], **more: Any) -> Comparison:
    return side_by_side([compared(2 * k, judged=one, samples=0, **more) for k, one in enumerate(sets)])


def test_what_a_run_leaves_is_read_again() -> None:
    cold, hot = music_sets(summary())
    assert (cold.key, cold.pieces, cold.copied) == ("T1", 64, 3)
    assert cold.broken == (FAULT.words,)
    told, meant = hot.stands["groove"], whole().sets[1].stands["groove"]
    assert told.auc == pytest.approx(meant.auc, rel=1e-5)
    assert told.band == pytest.approx(meant.band, rel=1e-5)
    assert list(hot.stands) == list(whole().sets[1].stands)


@pytest.mark.parametrize(
    "found",
    [{}, {"music": None}, {"music": {"sets": {}}}, {"music": [1]}, {"music": {"sets": {"T1": None}}},
     {"music": {"sets": {"T1": {"metrics": {"groove": 3, "leaps": {"mean": ["a"], "auc": None}}}}}}],
)  # fmt: skip
def test_a_run_without_a_judgement_leaves_a_gap(found: dict[str, Any]) -> None:
    """One of an older musicexp, one that scored nothing, a damaged file."""
    assert music_sets(found) == ()
    old = runs(music_sets(found), music_sets(summary()))
    assert [cells[0] for _, cells in music_rows(old, few=False)] == [""] * 11
    assert "No run has judged" not in str(music_section(old))
    alone = runs(())
    assert music_rows(alone, few=False) == []
    assert "No run has judged its samples" in str(music_section(alone))


def test_a_damaged_metric_leaves_the_others() -> None:
    found = summary()
    metrics = found["music"]["sets"]["T1"]["metrics"]
    metrics["groove"] = {"mean": [None, None, None]}
    metrics["leaps"]["auc"] = "?"
    metrics["nobody_knows"] = metrics["npvi"]
    cold = music_sets(found)[0]
    assert "groove" not in cold.stands
    assert "nobody_knows" not in cold.stands
    assert cold.stands["leaps"].mean.mean == pytest.approx(
        whole().sets[0].stands["leaps"].mean.mean, rel=1e-5
    )
    assert "nan" not in str(music_section(runs((cold,)))).replace("&nan", "").lower().replace("tonality-", "")


def test_rows_of_a_terminal() -> None:
    rows = dict(music_rows(runs(music_sets(summary()), music_sets(summary())), few=False))
    assert rows["pieces with a copy T1"] == ("3 of 64", "3 of 64")
    stand = whole().sets[0].stands["groove"]
    value, odds = (f"{found:.2f}".removeprefix("0") for found in (stand.mean.mean, stand.auc.value))
    assert rows["groove similarity T1"] == (f"{value}, AUC {odds} less",) * 2
    assert rows["groove similarity T1.5"][0].endswith("alike")
    out = io.StringIO()
    show_comparison(runs(music_sets(summary())), out)
    assert f"groove similarity T1                    {value}, AUC {odds} less" in out.getvalue()


def test_seeds_are_told_by_their_mean() -> None:
    sets = music_sets(summary())
    found = side_by_side([compared(k, judged=sets, samples=0) for k in (0, 1)])
    rows = dict(music_rows(found, few=False))
    assert rows["pieces with a copy T1"] == ("6 of 128",)
    assert rows["groove similarity T1"][0].endswith("± 0")


def test_a_wide_table_has_few_of_them() -> None:
    sets = music_sets(summary())
    assert [heading for heading, _ in music_rows(runs(*[sets] * 5), few=True)] == [
        "pieces with a copy T1",
        "repeated 4-grams T1",
        "groove similarity T1",
    ]


def test_runs_beside_the_same_music_share_a_picture() -> None:
    sets = music_sets(summary())
    page = str(music_section(runs(sets, sets)))
    assert page.count('<svg class="chart band"') == len(sets[0].stands)
    assert ">1 T1<" in page
    assert ">2 T1.5<" in page
    other = music_sets(
        json.loads(json.dumps({"music": judgement(judged("temperature 1", 1.0, real=40)).as_dict()}))
    )
    page = str(music_section(runs(sets, other)))
    assert page.count('<svg class="chart band"') == 2 * len(sets[0].stands)
    assert "learned from different music" in page


def test_json_has_all_of_it() -> None:
    told = json.loads(comparison_json(runs(music_sets(summary()))))
    kept = told["runs"][0]["judged"][0]["stands"]["groove"]
    assert kept["auc"] == pytest.approx(list(whole().sets[0].stands["groove"].auc), rel=1e-5)


def test_names_are_only_names() -> None:
    hostile = MusicSet(
        "<img src=x onerror=alert(1)>", 3, 1, ("<script>alert(2)</script>",), stands(8, 1, 0.0)
    )
    page = str(music_section(runs((hostile,), name="</table><script>alert(3)</script>")))
    assert "<img" not in page
    assert "<script" not in page
