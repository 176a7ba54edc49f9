"""The real `benchmark pearce`: real processes, real signals, real music."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musicexp.benchmark import figure, folds, plan, pretraining, tuned, tuning
from musicexp.benchmark.figure import OURS, PPMS
from musicexp.data.prepare import music_of
from musicexp.music import pearce
from musicexp.music.similar import runs
from musicexp.report import Terminal
from musicexp.tracking import cache_dir
from musicexp.training import prepare

pytestmark = pytest.mark.slow

QUICK = ("benchmark", "pearce", "quick=true")
# Long enough to be stopped in the middle.
LONGER = (*QUICK, "iterations=150", "checkpoint.seconds=0.3")
# What it learns first reads thousands of songs, and is stopped in the middle too.
FIRST = (*QUICK, "pretrained=true", "checkpoint.seconds=0.3")
PATIENCE = 600.0


def begun(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "musicexp", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, out + errors
    return out


def table(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended(begun(*words, "--json")))
    return found


def what_is_learnt(told: dict[str, Any]) -> list[Any]:
    return [(cell["set"], cell["folding"], cell["folds"], cell["bits"]) for cell in told["cells"]]


def test_it_trains_two_folds_and_prints_them(store: str) -> None:
    told = ended(begun(*QUICK))
    assert "kinder, random folds" in told
    assert "in 2 folds of ten (0, 1)" in told
    again = table(*QUICK)
    (cell,) = again["cells"]
    assert cell["pieces"] == sum(len(held_out) for held_out in pearce.folds(213)[:2])
    assert cell["pitches"] == sum(
        len(pearce.melodies(7)[i]) for held_out in pearce.folds(213)[:2] for i in held_out
    )
    assert f"{cell['mean'][OURS]:.3f}" in told, "the same runs, not trained again"
    wanted = plan.read_plan(["quick=true"])
    place = folds.place_of(wanted)
    runs = place.store.runs({folds.TAG: "pearce"})
    assert sorted(run.name for run in runs) == ["pearce-kinder-random-0", "pearce-kinder-random-1"]
    for run in runs:
        bits = cell["bits"][OURS][int(run.tags["benchmark.fold"])]
        assert run.metrics[figure.METRIC] == pytest.approx(bits)


def test_a_fold_that_is_trained_already_is_only_measured(store: str) -> None:
    """It said "2 to train" and measured, where another version had measured before."""
    before = table(*QUICK)
    place = folds.place_of(plan.read_plan(["quick=true"]))
    for run in place.store.runs({folds.TAG: "pearce"}):
        of_before = {**json.loads(run.read(figure.FILE)), "format": figure.FORMAT - 1}
        run.write(figure.FILE, json.dumps(of_before).encode())
    told = ended(begun(*QUICK))
    assert "folds    2 trained already, to measure, " in told
    assert "to train" not in told
    assert what_is_learnt(table(*QUICK)) == what_is_learnt(before)
    assert len(place.store.runs({folds.TAG: "pearce"})) == 2


def test_stopped_in_the_middle_it_goes_on_to_the_same_figures(store: str, tmp_path: Path) -> None:
    """SIGINT while both folds train, then while one is being trained after the other, then to the end."""
    whole = table(*LONGER, f"tracking.uri={tmp_path / 'never stopped' / 'mlflow.db'}")
    wanted = plan.read_plan(list(LONGER[2:]))
    place = folds.place_of(wanted)
    process = begun(*LONGER)
    until_saved(place, process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + errors
    assert "0 of 2 folds trained; all is kept, and the same command goes on" in out
    assert "Traceback" not in errors
    before = {run.id for run in place.store.runs({folds.TAG: "pearce"})}
    assert before
    assert not folds.finished(wanted, place)
    after = ended(begun(*LONGER, "workers=1"))
    assert "goes on" in after
    assert what_is_learnt(table(*LONGER)) == what_is_learnt(whole)
    assert before <= {run.id for run in place.store.runs({folds.TAG: "pearce"})}
    assert len(folds.finished(wanted, place)) == len(place.store.runs({folds.TAG: "pearce"})) == 2


def until_saved(place: folds.Place, process: subprocess.Popen[str]) -> None:
    """Wait until some fold has left a checkpoint to go on from."""
    end = time.monotonic() + PATIENCE
    while True:
        runs = place.store.runs({folds.TAG: "pearce"})
        if any(run.has("checkpoint.ckpt") for run in runs):
            return
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


def test_ppm_beside_it_is_the_one_that_stands_beside_the_published_table(store: str) -> None:
    """On the same folds, LTM and STM gives what counting Pearce's melodies by hand gives."""
    from musicexp.baselines import PPM

    (cell,) = table(*QUICK)["cells"]
    every = pearce.melodies(7)
    alphabet = np.unique(np.concatenate(every))
    symbols = [np.searchsorted(alphabet, melody) for melody in every]
    for number, held_out in enumerate(pearce.folds(213)[:2]):
        train = [symbols[i] for i in sorted(set(range(213)) - set(held_out.tolist()))]
        name = "PPM, LTM and STM"
        nats = PPM(len(alphabet), PPMS[name]).fit(train).token_nats([symbols[i] for i in held_out])
        by_hand = float(np.concatenate(nats).mean() / np.log(2))
        assert cell["bits"][name][number] == pytest.approx(by_hand, rel=1e-9)


def test_a_search_knows_nothing_of_what_its_fold_tests(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leads is kept, no trial has a test figure, and a fold that was searched is not searched again."""
    monkeypatch.setattr(tuned, "conf_dir", lambda: tmp_path)
    words = ["sets=kinder", "folding=grouped", "folds=4", "iterations=40", "tune=true", "trials=2"]
    terminal = Terminal(io.StringIO())
    tuning.tune(plan.read_plan(words), "it", terminal)
    found = tuned.read_tuned("pearce_kinder_grouped")[4]
    assert found.trials == 2
    assert [word.partition("=")[0] for word in found.settings] == ["lr", "model.dropout", "model.hidden_size"]
    place = folds.place_of(plan.read_plan(words))
    trials = place.store.runs({"study": found.study, "musicexp": "trial"})
    assert len(trials) == 2
    for run in trials:
        assert "bits_per_note/val" in run.metrics
        assert "bits_per_note/test" not in run.metrics
        assert (run.params["split.table"], run.params["split.fold"]) == ("pearce_kinder_grouped", "4")
    best = min(trials, key=lambda run: run.metrics["bits_per_note/val"])
    assert f"lr={best.params['lr']}" in found.settings
    tuning.tune(plan.read_plan(words), "it", terminal)
    assert len(place.store.runs({"study": found.study, "musicexp": "trial"})) == 2
    assert terminal.text().count("tuning   kinder grouped fold 4") == 1
    used = plan.read_plan(words[:4]).config(plan.Fold("kinder", "grouped", 4))
    assert f"lr={used.lr}" in found.settings


@pytest.mark.parametrize("of", ["chorales", "kinder"])
def test_nothing_of_the_test_is_trained_or_searched_with(of: str, store: str) -> None:
    """In every fold, for the training and for the search inside it, transposed or not."""
    for words in (["tuned=false"], ["tuned=false", tuning.HELD_BACK]):
        wanted = plan.read_plan([f"sets={of}", "dataset.transpose=5", *words])
        tested: dict[str, list[int]] = {}
        for fold in wanted.every:
            config = wanted.config(fold)
            held = prepare(config, cache_dir(store)).store
            test, train, val = (held.on(side) for side in ("test", "train", "val"))
            assert not set(test) & {*train, *val}
            assert len(test) + len(train) + len(val) == len(held.table)
            tested.setdefault(fold.folding, []).extend(test.tolist())
            learnt_from = held.sequences("train")
            assert len(learnt_from) == len(train), "each training piece in its keys, and nothing else"
            assert (learnt_from.variants > 1).all()
            if fold.folding == "grouped":
                assert not set(held.groups[test]) & set(held.groups[[*train, *val]])
                assert not set(held.table["family"][test]) & set(held.table["family"][[*train, *val]])
        for numbers in tested.values():
            assert sorted(numbers) == list(range(len(held.table))), "each piece is tested once"


def test_what_was_learned_first_is_trained_once_and_every_fold_begins_with_it(store: str) -> None:
    """Stopped in mid-training it goes on; its run is none of the folds."""
    process = begun(*FIRST)
    wanted = plan.read_plan(list(FIRST[2:]))
    place = folds.place_of(wanted)
    until_saved(place, process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + errors
    assert "what was learned is kept, and the same command goes on" in out
    told = ended(begun(*FIRST))
    assert "first    kinder: goes on to learn from " in told
    (first,) = place.store.runs({pretraining.KIND: "true"})
    melodies = int(first.tags[pretraining.MELODIES])
    assert f"has learned from {melodies:,} other melodies first" in told
    assert melodies > 8000
    every = [run for run in place.store.runs({folds.TAG: "pearce"}) if run.id != first.id]
    assert [run.tags["initial.run"] for run in every] == [first.id] * 2
    assert not first.has(figure.FILE)
    (cell,) = table(*FIRST)["cells"]
    assert cell["learned_first"] == melodies
    assert cell["folds"] == [0, 1]
    assert len(place.store.runs({folds.TAG: "pearce"})) == 3, "found again, not trained again"


def test_no_test_melody_is_among_what_is_learned_first(store: str) -> None:
    """Nor one that shares a run with one of them in another key."""
    wanted = plan.read_plan(["pretrained=true", "sets=kinder", "folding=random"])
    config = wanted.pretraining_config("kinder")
    cache = cache_dir(store)
    learned = prepare(config, cache).store.table["sound"]
    asked = {sound for fold in wanted.every for sound, _ in folds.rows_of(fold)}
    assert len(asked) == 213
    assert not asked & set(learned.tolist())
    test = wanted.config(wanted.every[0])
    known = np.unique(
        np.concatenate(
            [runs(p) for _, r in music_of(prepare(test, cache).store, test.dataset, cache) for p in r.pieces]
        )
    )
    for _, reading in music_of(prepare(config, cache).store, config.dataset, cache):
        assert not any(np.isin(runs(piece), known).any() for piece in reading.pieces)
