"""Sweeps, in this process: every trial a real training in a real store, chosen by the real Optuna."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import musicexp
from musicexp.cli import main
from musicexp.config import compose_search
from musicexp.errors import Interruption, SettingError, StoreError
from musicexp.music.midi import midi_piece
from musicexp.report import Terminal, study_page
from musicexp.sweep import record, trial
from musicexp.sweep.command import begin
from musicexp.sweep.confirmation import begin_confirmation, conclude
from musicexp.sweep.hearing import best_few, heard
from musicexp.sweep.musical import musical_figures, too_much_copied
from musicexp.sweep.study import Study
from musicexp.sweep.together import check_together
from musicexp.sweep.worker import work
from musicexp.tracking import MlflowRun, open_store
from musicexp.training import Silent

Small = Callable[..., list[str]]
SPACE = ("lr=choice(1e-4,1e-3,1e-2,3e-2)", "batch_size=choice(2,3)")


@pytest.fixture
def begun(store: str, small: Small) -> Callable[..., Study]:
    """Begins a study of small runs, or goes on with it."""

    def begin_it(*words: str) -> Study:
        given = {word.partition("=")[0] for word in words}
        settings = [word for word in small("samples.count=0") if word.partition("=")[0] not in given]
        return begin(compose_search([*settings, *words]), Terminal())

    return begin_it


def worked(study: Study) -> list[str]:
    """Let one worker do all there is to do; what it said."""
    said: list[str] = []
    work(study, threads=1, say=said.append)
    return said


def run_of(study: Study, number: int) -> MlflowRun:
    found = record(study).trials[number]
    return open_store(study.place.tracking_uri, study.place.experiment).find(found.runs[-1])


class SignalAt(Silent):
    """Sends this process a signal at an iteration, once."""

    sent = False
    at = 15

    def iteration(self, iteration: int, iterations: int, loss: float) -> None:
        if iteration == self.at and not SignalAt.sent:
            SignalAt.sent = True
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_study_has_exactly_the_trials_asked_for_and_goes_on_to_more(begun: Callable[..., Study]) -> None:
    study = begun(*SPACE, "trials=3")
    worked(study)
    assert [t.state for t in record(study).trials] == ["complete"] * 3
    assert worked(study) == ["this worker is done: 0 trials finished"]
    more = begun(*SPACE, "trials=4")
    assert more.name == study.name
    worked(more)
    assert len(more.finished()) == 4


@pytest.mark.slow
def test_every_trial_is_a_flat_run_of_its_own_without_test_figures(begun: Callable[..., Study]) -> None:
    study = begun(*SPACE, "trials=1")
    worked(study)
    run = run_of(study, 0)
    assert run.status == "FINISHED"
    assert run.name == f"{study.name}-0"
    assert run.tags["study"] == study.name
    assert run.tags["trial"] == "0"
    assert "mlflow.parentRunId" not in run.tags
    assert run.curve("bits_per_note/val")
    assert not run.curve("bits_per_note/test")
    assert not run.curve("baseline/trigram/test")
    assert "test" not in json.loads(run.read("summary.json"))["bits_per_note"]


@pytest.mark.slow
def test_the_best_few_are_heard_and_a_lost_one_leaves_a_gap(begun: Callable[..., Study]) -> None:
    study = begun(*SPACE, "trials=2", "samples.count=4")
    worked(study)
    found, quiet = record(study), study.search.config({}).render
    settings = dataclasses.replace(quiet, audio=True)
    store = open_store(study.place.tracking_uri, study.place.experiment)
    player, missing = heard(found, store, settings)
    assert player is not None
    assert not missing
    music = json.loads(re.findall(r'<script[^>]*id="music"[^>]*>(.*?)</script>', player.decode(), re.S)[0])
    leading, other = (trial.number for trial in best_few(found))
    assert found.best_number == leading
    assert [piece["title"] for piece in music["pieces"]] == [
        f"trial {number}, sample {k}" for number in (leading, other) for k in range(1, 5)
    ]
    read = midi_piece(run_of(study, leading).read("sample_2.mid"), "")
    assert music["pieces"][1]["notes"] == [list(note) for note in read.notes()]
    Path(run_of(study, other).place, "sample_3.mid").unlink()
    player, missing = heard(found, store, settings)
    assert [said.partition(":")[0] for said in missing] == [f"trial {other} cannot be heard"]
    page = study_page(found, player, missing)
    assert heard(found, store, quiet) == (None, [])
    assert f"trial {other} cannot be heard" in page
    assert html.escape('"title":"trial') in page


@pytest.mark.slow
def test_the_command_of_the_leading_trial_gives_its_very_figures(begun: Callable[..., Study]) -> None:
    """Looks at the pruner's marks must not choose weights, or `run` would give another figure."""
    study = begun(*SPACE, "trials=2")
    worked(study)
    found = record(study)
    assert found.best is not None
    result = musicexp.run(*found.best, "threads=1", reporter=Silent())
    number = found.best_number
    assert number is not None
    assert result.likelihoods["val"].bits_per_note == found.trials[number].values[0]


@pytest.mark.slow
def test_an_interrupted_trial_goes_on_and_ends_as_if_never_stopped(
    begun: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = begun(*SPACE, "trials=1", "study=whole")
    worked(whole)
    SignalAt.sent = False
    monkeypatch.setattr(trial, "Silent", SignalAt)
    study = begun(*SPACE, "trials=1", "study=stopped")
    with pytest.raises(Interruption):
        worked(study)
    (stopped,) = record(study).trials
    assert stopped.state == "interrupted"
    assert run_of(study, 0).status == "KILLED"
    worked(begun(*SPACE, "trials=1", "study=stopped"))
    first, second = record(study).trials
    assert second.state == "complete"
    assert second.resume_of == 0
    assert second.runs == first.runs, "it is the same run in MLflow"
    assert run_of(study, 1).tags["trial"] == "1"
    assert run_of(study, 1).tags["resume_of"] == "0"
    assert second.values == record(whole).trials[0].values
    assert second.curve == record(whole).trials[0].curve
    iterations = [iteration for iteration, _ in run_of(study, 1).curve("loss/train")]
    assert iterations == list(range(1, 31)), "no iteration is logged twice"


@pytest.mark.slow
def test_a_pruned_trial_ends_quietly_and_keeps_its_curve(begun: Callable[..., Study]) -> None:
    words = ("lr=choice(1e-2,1e-6,2e-6,3e-6)", "trials=8", "sampler=grid", "batch_size=2,3", "iterations=60")
    study = begun(*words, "pruner=median")
    worked(study)
    found = record(study)
    pruned = [t for t in found.trials if t.state == "pruned"]
    assert len(found.trials) == 8
    assert pruned
    for one in pruned:
        assert one.reason.startswith("median: bits_per_note/val")
        assert one.curve
        assert one.saved_seconds > 0
        run = run_of(study, one.number)
        assert run.status == "FINISHED"
        assert run.tags["pruned"] == one.reason
        assert 60 / 8 <= len(run.curve("loss/train")) < 60, "not before an eighth of its own training"
        assert run.curve("loss/val")
        assert not run.has("checkpoint.ckpt")
        assert not run.has("sample_1.mid")
    marks = {mark for t in found.trials for mark, _ in (t.curve[:-1] if t.values else t.curve)}
    assert marks <= set(study.marks), "all are compared at the same numbers of tokens"
    assert all(t.curve[-1][1] == t.values[0] for t in found.trials if t.values), (
        "a curve ends where its trial does"
    )


@pytest.mark.slow
def test_a_trial_that_cannot_be_trained_fails_with_its_reason_and_the_others_go_on(
    begun: Callable[..., Study], tmp_path: Path
) -> None:
    words = ("trainer.accelerator=choice(cpu,gpu)", "sampler=grid", "trials=2")
    study = begun(*words)
    worked(study)
    states = {t.settings["trainer.accelerator"]: t for t in record(study).trials}
    assert states["cpu"].state == "complete"
    assert states["gpu"].state == "failed"
    assert "PyTorch finds no CUDA GPU here" in states["gpu"].reason


def test_a_study_stops_at_its_most_failures(begun: Callable[..., Study]) -> None:
    study = begun("trainer.accelerator=choice(gpu,cpu)", "sampler=grid", "trials=2", "max_failures=1")
    worked(study)
    assert [t.state for t in record(study).trials] == ["failed"]
    assert "1 trials failed" not in (study.stopped() or "")
    assert "1 trial failed, the last one because: trainer.accelerator=gpu" in (study.stopped() or "")


@pytest.mark.slow
def test_repeated_configurations_are_not_trained_again_and_do_not_count(begun: Callable[..., Study]) -> None:
    study = begun("lr=choice(1e-3,1e-2)", "trials=50", "sampler=random", "pruner=none")
    said = worked(study)
    assert study.target == 2, "there are no more configurations than two"
    assert sum("begins" in line for line in said) == 2
    assert len(study.finished()) == 2


@pytest.mark.slow
def test_too_large_models_are_not_trained(begun: Callable[..., Study]) -> None:
    study = begun("model.hidden_size=choice(8,16,64)", "sampler=random", "trials=3", "max_parameters=20000")
    worked(study)
    found = {t.settings["model.hidden_size"]: t for t in record(study).trials}
    assert found[64].state == "pruned"
    assert not found[64].feasible
    assert not found[64].runs
    assert "parameters are more than 20,000" in found[64].reason
    assert found[16].feasible


@pytest.mark.slow
def test_seeds_are_paired_and_their_mean_is_the_value(begun: Callable[..., Study]) -> None:
    study = begun("lr=choice(1e-3,1e-2)", "sampler=grid", "trials=2", "seeds=2", "pruner=none")
    worked(study)
    for one in record(study).trials:
        assert len(one.runs) == 2
        store = open_store(study.place.tracking_uri, study.place.experiment)
        runs = [store.find(run) for run in one.runs]
        assert [run.tags["seed"] for run in runs] == ["0", "1"]
        assert all(run.tags["resolved.precision"] == "fp32" for run in runs)
        values = [run.curve("bits_per_note/val")[-1][1] for run in runs]
        assert one.values[0] == pytest.approx(sum(values) / 2, abs=1e-12)
        low, high = (one.figures[f"bits_per_note/val/{end}"] for end in ("low", "high"))
        assert low < one.values[0] < high


@pytest.mark.slow
def test_a_confirmation_says_best_and_tests_this_one_alone(begun: Callable[..., Study]) -> None:
    study = begun(*SPACE, "trials=2", "iterations=10")
    worked(study)
    confirming = begin_confirmation(study, "1x2")
    assert confirming is not None
    worked(confirming.study)
    conclude(study, confirming, print)
    found = record(study)
    labels = [candidate.label for candidate in found.confirmed]
    assert sorted(labels) == sorted(["default", f"trial {record_leading(study)}"])
    assert found.confirmed[0].test is not None
    assert all(candidate.test is None for candidate in found.confirmed[1:])
    store = open_store(study.place.tracking_uri, study.place.experiment)
    tested = []
    for one in record(confirming.study).trials:
        run = store.find(one.runs[0])
        assert run.tags["seed"] in ("1", "2"), "seed 0 chose the candidates, so it does not judge them"
        if run.curve("bits_per_note/test"):
            tested.append(one.settings["candidate"])
    assert set(tested) == {labels[0]}
    assert "best" in study_page(found)
    again = begin_confirmation(study, "2x2")
    assert again is not None
    waiting = [t for t in again.study.trials() if t.state.name == "WAITING"]
    assert len(waiting) == 2, (
        "only the configuration that is new is trained; the others were, with these seeds"
    )


def record_leading(study: Study) -> int:
    complete = [t for t in record(study).trials if t.state == "complete"]
    return min(complete, key=lambda t: t.values[0]).number


@pytest.mark.slow
def test_a_study_of_another_definition_is_refused(begun: Callable[..., Study]) -> None:
    begun(*SPACE, "study=mine")
    with pytest.raises(SettingError, match="study mine was begun with other settings"):
        begun("lr=choice(1e-4,1e-3)", "study=mine")


@pytest.mark.slow
def test_studies_lists_what_there_is(begun: Callable[..., Study], capsys: pytest.CaptureFixture[str]) -> None:
    study = begun(*SPACE, "trials=1")
    worked(study)
    capsys.readouterr()
    assert main(["studies"]) == 0
    said = capsys.readouterr().out
    assert study.name in said
    assert "1/1" in said
    assert main(["studies", study.name]) == 0
    assert "python -m musicexp run" in capsys.readouterr().out
    assert main(["studies", "nothing"]) == 2
    assert f"there is no study 'nothing' here; the studies are {study.name}" in capsys.readouterr().err


def test_a_name_of_the_whole_sweep_is_refused(begun: Callable[..., Study]) -> None:
    with pytest.raises(SettingError, match="write study=mine"):
        begun(*SPACE, "name=mine")


def test_mlflows_store_is_no_database_of_studies(begun: Callable[..., Study], store: str) -> None:
    """Optuna made its tables in it, also for `studies`, and ended in a traceback."""
    path = store.removeprefix("sqlite:///")
    with pytest.raises(StoreError, match="is MLflow's store, not a database of studies"):
        begun(*SPACE, f"storage={path}")
    assert main(["studies", f"storage={path}"]) == 2
    with closing(sqlite3.connect(path)) as tables:
        assert not list(tables.execute("SELECT 1 FROM sqlite_master WHERE name = 'studies'"))


@pytest.mark.slow
def test_more_presets_than_trials_are_not_waited_for(begun: Callable[..., Study]) -> None:
    """The study was never over, and the time was said to be."""
    study = begun(
        "lr=interval(1e-4,1e-2)",
        "batch_size=interval(3,12)",
        "trials=1",
        "first=[none,tuned]",
        "iterations=4",
    )
    worked(study)
    assert study.over()


@pytest.mark.slow
def test_a_study_of_melodies_tells_how_many_and_takes_no_copies(begun: Callable[..., Study]) -> None:
    """The objective is |AUC - .5| on validation pieces; the share of copies is a constraint, never part of it."""
    study = begun(*SPACE, "objective=[music/groove,music/interval_entropy]", "samples.scored=20", "trials=2")
    said = worked(study)
    assert any("20 melodies" in line and "music/groove: AUC" in line for line in said)
    for told, frozen in zip(record(study).trials, study.finished(), strict=True):
        assert told.values[0] == pytest.approx(abs(told.figures["music/groove.auc"] - 0.5))
        assert told.figures["scored"] == 20
        assert "20 melodies" in told.note
        copied = told.figures.get("copied_8grams", 0.0) - told.figures.get("copied_8grams/human", 0.0)
        assert frozen.constraints["copied_8grams"] == pytest.approx(copied)
        assert told.feasible == (copied <= 0)
    left = json.loads(run_of(study, 0).read("summary.json"))
    assert left["music"]["heat"] is None, "no test piece is looked at, and no other temperature is tried"


def test_copies_are_infeasible_however_much_they_sound_like_music() -> None:
    stand = {"auc": [0.5, 0.4, 0.6], "mean": [0.3, 0.2, 0.4], "real_mean": [0.1, 0.0, 0.2]}
    music = {"sets": {"T1": {"pieces": 64, "metrics": {"groove": stand, "copied_8grams": stand}}}}
    figures = musical_figures(music)
    assert figures["music/groove"] == 0.0
    assert (figures["music/groove.auc/low"], figures["music/groove.auc/high"]) == (0.4, 0.6)
    assert too_much_copied(figures) == pytest.approx(0.2)
    assert "music/copied_8grams" not in figures
    assert musical_figures(None) == {}
    assert too_much_copied({}) == 0.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("objective=music/groove", "samples.scored=8"), "samples.scored=8 are too few"),
        (("objective=music/groove", "samples.scored=20", "sampler=qmc"), "whose melodies must be no copies"),
        (("objective=music/groove", "samples.scored=20", "pruner=median"), "known at the end only"),
    ],
)
def test_what_a_musical_objective_needs(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(SettingError, match=re.escape(told)):
        check_together(compose_search([*SPACE, *words]))
