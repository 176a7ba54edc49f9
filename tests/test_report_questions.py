"""The source report's questions (experiments/report): what their tables are made of, and that each script runs."""

from __future__ import annotations

import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT

from musicexp.model import MusicLSTM

FOLDER = ROOT / "experiments" / "report"


@pytest.fixture
def question(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module of experiments/report by name, as its scripts see it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]


def test_effects_of_a_made_up_factorial_are_found_again(question: Any) -> None:
    # 5 + 2 a - 3 b + 1 a b + 0 c, levels 0 and 1: the effect of a at the mean of b is 2 + 1/2, and a x b is half of 1.
    cells = {(a, b, c): 5 + 2 * a - 3 * b + a * b for a in (0, 1) for b in (0, 1) for c in (0, 1)}
    found = question("effects").effects(cells, ("a", "b", "c"))
    wanted = {"a": 2.5, "b": -2.5, "c": 0.0, "a x b": 0.5, "a x c": 0.0, "b x c": 0.0, "a x b x c": 0.0}
    assert list(found) == list(wanted)
    assert found == pytest.approx(wanted)


def test_a_missing_cell_is_no_effect(question: Any) -> None:
    with pytest.raises(ValueError, match=r"\(1, 1\)"):
        question("effects").effects({(0, 0): 1.0, (0, 1): 1.0, (1, 0): 1.0}, ("a", "b"))


@pytest.mark.parametrize(
    ("offers", "wanted"),
    [
        ([], []),
        ([(1.0, 5.0), (2.0, 4.0), (3.0, 4.5), (4.0, 1.0)], [0, 1, 3]),
        ([(2.0, 3.0), (1.0, 3.0)], [1]),  # dearer and no better
        ([(1.0, 3.0), (1.0, 2.0), (1.0, 2.0)], [1]),  # of equal ones the first
    ],
)
def test_pareto_front(question: Any, offers: list[tuple[float, float]], wanted: list[int]) -> None:
    assert question("pareto").front(offers) == wanted


def test_nothing_beats_what_is_on_the_front_and_something_all_else(question: Any) -> None:
    offers = [tuple(pair) for pair in np.random.default_rng(3).integers(0, 8, (60, 2)).tolist()]
    on = question("pareto").front(offers)

    def beaten(one: tuple[float, ...]) -> bool:
        return any(o[0] <= one[0] and o[1] <= one[1] and o != one for o in offers)

    assert not any(beaten(offers[k]) for k in on)
    assert all(beaten(offers[k]) or offers[k] in [offers[n] for n in on] for k in range(len(offers)))


def small_model(vocabulary: int = 9) -> MusicLSTM:
    torch.manual_seed(1)
    return MusicLSTM(vocabulary, num_layers=2, hidden_size=6, embedding_dim=4, dropout=0.0).eval()


def test_memory_is_cut_where_it_says(question: Any) -> None:
    memory, model = question("memory"), small_model()
    pieces = [np.array([1, 4, 5, 6, 7, 8, 4, 2]), np.array([1, 5, 2])]
    whole = memory.whole_memory(model, pieces)
    assert len(whole) == 9
    with torch.inference_mode():
        for events in (1, 3):
            cut = memory.cut_memory(model, pieces, events, whole)
            at = 0
            for piece in pieces:
                for k in range(1, len(piece)):
                    logits, _ = model(torch.tensor(piece[None, max(0, k - events) : k]))
                    wanted = -float(logits[0, -1].double().log_softmax(-1)[piece[k]])
                    assert cut[at] == pytest.approx(wanted, abs=1e-6)
                    at += 1
    assert memory.cut_memory(model, pieces, 50, whole) == pytest.approx(whole)
    none = memory.cut_memory(model, pieces, 0, whole)
    assert none[0] == none[5] == pytest.approx(-float(model.head.bias.detach().double().log_softmax(-1)[4]))


def test_who_hears_all_events_is_the_model_and_who_hears_two_forgets(question: Any) -> None:
    model, ids = small_model(), np.array([[1, 4, 5, 6], [1, 7, 8, 4]])
    all_, two = (question("memory").Forgetful(model, events) for events in (99, 2))
    for column in ids.T:
        whole, short = all_(column), two(column)
    with torch.inference_mode():
        wanted, after_two = (model(torch.tensor(x))[0][:, -1].double().log_softmax(-1).numpy() for x in (ids, ids[:, 2:]))  # fmt: skip
    assert whole == pytest.approx(wanted)
    assert short == pytest.approx(after_two)
    assert np.abs(whole - short).max() > 1e-6


def test_a_repeat_is_a_run_heard_before_in_the_same_piece(question: Any) -> None:
    piece = np.array([1, 4, 5, 6, 7, 9, 4, 5, 6, 7, 8, 2])
    again = question("memory").repeats([piece, piece])
    # Token 10 (the 8) follows 4 5 6 7, heard before; the second piece begins without having heard the first.
    assert again.tolist() == ([False] * 9 + [True, False]) * 2


def test_temperature_sharpens_and_flattens(question: Any) -> None:
    shaping, model = question("reshaping"), small_model()
    logprobs, followed = shaping.next_logprobs(model, [np.array([1, 4, 5, 6, 2])])
    assert followed.tolist() == [4, 5, 6, 2]
    own = shaping.reshaped(logprobs, followed, 1.0)
    chances = np.exp(logprobs)
    assert chances.sum(axis=1) == pytest.approx(np.ones(4))
    assert chances[:, :2].max() == 0  # PAD and BOS can never follow
    assert own.nats == pytest.approx(-logprobs[np.arange(4), followed].mean())
    cold, hot = shaping.reshaped(logprobs, followed, 0.01), shaping.reshaped(logprobs, followed, 1e6)
    assert cold.entropy < own.entropy < hot.entropy == pytest.approx(math.log2(7))
    assert cold.first > own.first > hot.first == pytest.approx(1 / 7)


SCRIPTS = {
    "presets": ("Smoother, and lower?", "curves.svg"),
    "factorial": ("What the tuned value does", "curves.svg"),
    "temperature": ("next-note distribution", "panel.svg"),
    "context": ("more memory", "context.svg"),
    "depth": ("Pareto front", "pareto.svg"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_each_question_is_answered_by_one_command(
    name: str, question: Any, store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, out = question(name), tmp_path / "out"
    script.main(["--rehearse", "--out", str(out)])
    assert "trains: rehearsal-report" in capsys.readouterr().out
    table = (out / "table.md").read_text(encoding="utf-8")
    words, figure = SCRIPTS[name]
    assert words in table
    assert "Not yet measured" not in table
    assert b"<svg" in (out / figure).read_bytes()
    assert json.loads((out / "values.json").read_text(encoding="utf-8"))
    assert len(list((out / "samples").glob("*.mid"))) >= 2
    # Once more: nothing is trained again, and what is measured is the same but for seconds.
    script.main(["--rehearse", "--out", str(out)])
    assert "trains" not in capsys.readouterr().out
    if name != "depth":
        assert (out / "table.md").read_text(encoding="utf-8") == table


@pytest.mark.slow
def test_what_is_missing_is_told_and_nothing_is_made_of_it(question: Any, store: str, tmp_path: Path) -> None:
    for name in SCRIPTS:
        out = tmp_path / name
        question(name).main(["--no-training", "--rehearse", "--out", str(out)])
        table = (out / "table.md").read_text(encoding="utf-8")
        assert "not begun; `python -m musicexp run name=rehearsal-report" in table
        assert not (out / "samples").exists()


@pytest.mark.slow
def test_a_run_of_other_settings_is_not_taken_for_the_planned_one(
    question: Any, store: str, tmp_path: Path
) -> None:
    runs = question("runs")
    place = runs.Place(store, tmp_path, True, True)
    plan = runs.Plan("one", "some", ("dataset=ryans", "dataset.limit=40", "model=lstm1", "model.hidden_size=8", "iterations=3", "lr=1e-3"))  # fmt: skip
    [found] = runs.trained([plan], place)
    assert found.state == "finished"
    assert found.run.config.iterations == 3
    other = runs.Plan("one", "some", (*plan.words[:-1], "lr=2e-3"))
    with pytest.raises(Exception, match=r"has lr=0\.001, and the question wants 0\.002"):
        runs.look(other, place)
