"""Hearing a model learn: clips change nothing, none is lost or kept twice; real pieces stand beside what was made."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import melody
from PIL import Image
from test_resume import SignalAt, Snapshots, outcome, trained
from tunes import scale

from musicexp.config import compose
from musicexp.errors import Interruption, StoreError
from musicexp.generation import Clip, Clips, generator_states, new_model
from musicexp.generation.clip import CLIP_BARS, CLIP_NOTES, key
from musicexp.metrics import Likelihood
from musicexp.music import Note, Piece, write_midi
from musicexp.music.excerpt import bar_steps, first_bars, whole_bars
from musicexp.music.midi import midi_piece
from musicexp.render import clip_picture
from musicexp.tokens.notes import NotesTokenizer
from musicexp.tracking import MemoryRun, open_store
from musicexp.training import Role, Signals, Silent, learned, prepare, references, train
from musicexp.training.devices import resolved_here
from musicexp.training.learning import INDEX, keep_clips

Small = Callable[..., list[str]]


def clip(iteration: int, temperature: float = 1.0, *pitches: int) -> Clip:
    return Clip(iteration, temperature, 2.5, "length", scale(*(pitches or (60, 62, 64))))


def notes(piece: Piece) -> list[Note]:
    return piece.notes()


# ---------------------------------------------------------------------------------------------------
# Excerpts


def test_a_piece_is_cut_at_a_bar_line_and_its_notes_with_it() -> None:
    """Three bars of 3/4; the note that sounds over the second bar line ends there."""
    piece = Piece.of([Note(0, 72, 60), Note(72, 48, 62), Note(120, 48, 64), Note(168, 48, 65)], metre=(3, 4))
    assert bar_steps(piece) == 72
    cut = first_bars(piece, 2)
    assert notes(cut) == [Note(0, 72, 60), Note(72, 48, 62), Note(120, 24, 64)]
    assert cut.metre == (3, 4)
    assert first_bars(piece, 3) is piece
    assert first_bars(Piece.of([]), 1).quarters == 0


@pytest.mark.parametrize(("most", "bars"), [(1, 1), (2, 1), (3, 2), (4, 3), (99, 3)])
def test_bars_hold_at_most_so_many_notes_and_chords(most: int, bars: int) -> None:
    """A chord counts as one, and there is a bar at least, be it too full."""
    piece = Piece.of([Note(at, 24, pitch) for at in (0, 24, 96, 192) for pitch in (60, 64, 67)])
    assert whole_bars(piece, most) == bars


def test_odd_metres_have_bars_of_no_whole_steps() -> None:
    piece = Piece.of([Note(at, 1, 60) for at in range(0, 40, 4)], metre=(5, 64))
    assert bar_steps(piece) == 7.5
    assert [note.onset for note in notes(first_bars(piece, 1))] == [0, 4]


# ---------------------------------------------------------------------------------------------------
# Drawing


def clips_of(small: Small, cache: Path, *more: str) -> tuple[Clips, torch.nn.Module]:
    config = compose(small(*more))
    material, resolved = prepare(config, cache), resolved_here(config)
    torch.manual_seed(1)
    model = new_model(material.vocabulary, config.model, resolved)
    data = material.summary
    return Clips.of(config, material.vocabulary, resolved, tempo=data.tempo, metre=data.metre), model


def test_drawing_leaves_every_generator_and_the_model_as_they_were(small: Small, cache: Path) -> None:
    clips, model = clips_of(small, cache, "samples.max_notes=256")
    model.train()
    before, weights = generator_states(), {n: w.clone() for n, w in model.state_dict().items()}
    drawn = clips.draw(model, 5, 3.0)  # type: ignore[arg-type]
    after = generator_states()
    assert torch.equal(before.pop("torch"), after.pop("torch"))
    assert before == after
    assert model.training
    assert all(torch.equal(weights[name], now) for name, now in model.state_dict().items())
    assert [(c.iteration, c.temperature, c.loss) for c in drawn] == [(5, 1.0, 3.0), (5, 1.5, 3.0)]
    for each in drawn:
        assert 0 < len(np.unique(each.piece.onset)) <= CLIP_NOTES
        assert each.piece.quarters <= CLIP_BARS * bar_steps(each.piece) / 24
    again = clips.draw(model, 6, 3.0)  # type: ignore[arg-type]
    assert [notes(c.piece) for c in again] == [notes(c.piece) for c in drawn], "other music is other weights"


def test_clips_are_of_the_first_temperatures_and_of_none_twice(small: Small, cache: Path) -> None:
    for given, places in (
        ("[1.5,0.5,2.0]", ["learning/T1.5", "learning/T0.5"]),
        ("[1.0,1.0000001,2.0]", ["learning/T1"]),
        ("1e6", ["learning/T1e06"]),
    ):
        clips, model = clips_of(small, cache, f"samples.temperature={given}", "samples.count=0")
        assert [c.key for c in clips.draw(model, 1, 1.0)] == places  # type: ignore[arg-type]
    assert re.fullmatch(r"[\w\-./ ]+", key(1e30)), "MLflow's page takes no other letters"


# ---------------------------------------------------------------------------------------------------
# Keeping


def test_clips_are_found_again_as_they_were_heard() -> None:
    run = MemoryRun()
    for iteration in (1_000_000, 20, 3):
        keep_clips(run, [clip(iteration), clip(iteration, 1.5, 70, 72)])
    found = learned(run)
    assert [(c.temperature, c.iteration) for c in found] == [
        (t, i) for t in (1.0, 1.5) for i in (3, 20, 1_000_000)
    ]
    assert notes(found[0].piece) == notes(clip(3).piece)
    assert (found[0].loss, found[0].ended_by) == (2.5, "length")
    assert found[0].file == "learning/T1/iteration_000003.mid"
    assert set(run.images) == {(f"learning/T{t}", i) for t in ("1", "1.5") for i in (3, 20, 1_000_000)}
    assert learned(MemoryRun()) == []


def test_what_is_missing_or_damaged_is_said() -> None:
    run = MemoryRun(name="mine")
    keep_clips(run, [clip(3)])
    kept = run.files[INDEX]
    run.files[INDEX] = kept[:-9]
    with pytest.raises(StoreError, match=r"learning/clips.json of run mine .* is damaged"):
        learned(run)
    run.files[INDEX] = json.dumps({clip(3).file: {"iteration": 3}}).encode()
    with pytest.raises(StoreError, match=r"iteration_000003.mid of run mine .* is damaged"):
        learned(run)
    run.files[INDEX] = kept
    del run.files[clip(3).file]
    with pytest.raises(StoreError, match=r"iteration_000003\.mid of run mine cannot be read"):
        learned(run)


def test_pictures_bear_the_names_that_mlflow_gives_them(store: str) -> None:
    """MLflow's page reads key and step in a file's name, and shows the copy whose name ends with 'compressed'."""
    opened = open_store(store, "clips")
    ours, theirs = opened.create_run("ours", {}), opened.create_run("theirs", {})
    png = clip_picture("a clip", scale(60, 64))
    ours.log_image("learning/T1.5", 20, png)
    with Image.open(io.BytesIO(png)) as picture:
        opened.client.log_image(theirs.id, picture, key="learning/T1.5", step=20)

    def names(run_id: str) -> list[str]:
        found = [each.path for each in opened.client.list_artifacts(run_id, "images")]
        return sorted(re.sub(r"\+\d+\+[0-9a-f-]{36}", "+TIME+ID", name) for name in found)

    assert (
        names(ours.id)
        == names(theirs.id)
        == [f"images/learning~T1.5+step+20+timestamp+TIME+ID{end}" for end in ("+compressed.webp", ".png")]
    )
    tags = [opened.client.get_run(run.id).data.tags["mlflow.loggedImages"] for run in (ours, theirs)]
    assert tags == ["True", "True"]

    # A run that goes on, here behind a kill between the two files, has no picture twice.
    [whole] = Path(ours.place, "images").glob("*.png")
    assert whole.read_bytes() == png
    whole.unlink()
    again = opened.find("ours")
    again.reopen()
    again.log_image("learning/T1.5", 20, png)
    again.log_image("learning/T1", 20, png)
    assert whole.read_bytes() == png
    assert len(names(ours.id)) == 4
    with Image.open(whole.with_name(whole.stem + "+compressed.webp")) as shown:
        assert shown.size == (640, 520), "not 256 pixels, at which no name of a pitch can be read"


# ---------------------------------------------------------------------------------------------------
# Training


@pytest.mark.slow
def test_clips_change_nothing_and_survive_an_interruption(small: Small, cache: Path) -> None:
    still = trained(compose(small("iterations=17")), MemoryRun(), cache)
    config = compose(
        small("iterations=17", "samples.every=5", "keep=last", "samples.max_notes=100", "samples.recall=0")
    )
    heard, stopped = MemoryRun(), MemoryRun()
    trained(config, heard, cache)
    assert still.metrics["loss/train"] == heard.metrics["loss/train"]
    assert still.metrics["loss/val"] == heard.metrics["loss/val"]
    assert not still.images
    assert INDEX not in still.files
    assert sorted(heard.images) == [(f"learning/T{t}", i) for t in ("1", "1.5") for i in (0, 5, 10, 15, 17)]
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=10))
    assert outcome(trained(config, stopped, cache)) == outcome(heard)
    # The last clip is how the sample begins, since neither recalls anything.
    last, sample = (
        midi_piece(heard.files[name], name) for name in ("learning/T1/iteration_000017.mid", "sample_1.mid")
    )
    begun = sum(onset < last.onset[-1] for onset in last.onset)
    assert begun > 5
    assert notes(sample)[:begun] == notes(last)[:begun]
    summary = json.loads(heard.files["summary.json"])
    assert set(summary["clips"]) == {name for name in heard.files if name.startswith("learning/T")}
    losses = {c["iteration"]: c["loss"] for c in summary["clips"].values()}
    assert losses == {0: None} | {i: heard.metrics["loss/train"][i] for i in (5, 10, 15, 17)}


@pytest.mark.slow
def test_samples_are_the_same_with_clips_and_without(small: Small, cache: Path) -> None:
    with_clips, without = (
        trained(compose(small(f"samples.every={every}")), MemoryRun(), cache) for every in (5, 0)
    )
    both = outcome(with_clips), outcome(without)
    assert both[0]["curves"] == both[1]["curves"]
    for name, data in without.files.items():
        if name.endswith(".mid"):
            assert with_clips.files[name] == data, name


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_no_clip(small: Small, cache: Path) -> None:
    config = compose(small("checkpoint.seconds=1e-9", "iterations=6", "samples.every=2"))
    whole = Snapshots()
    trained(config, whole, cache)
    among = [moment for moment in whole.moments if "learning/" in moment[0]]
    assert len(among) == 4 * 2 * 3, "two clips and their index, four times, before and after"
    for name, left in among[::3]:
        assert outcome(trained(config, left, cache)) == outcome(whole), name


@pytest.mark.slow
def test_early_stopping_ends_with_a_clip(small: Small, cache: Path) -> None:
    more = ("early_stopping.patience=2", "validation.every=1", "lr=0.9", "optimizer.clip=0", "iterations=40")
    run = trained(
        compose(small(*more, "optimizer.schedule=constant", "samples.every=1000")), MemoryRun(), cache
    )
    last = max(run.metrics["loss/train"])
    assert last < 40
    assert {iteration for _, iteration in run.images} == {0, last}


class Ending:
    """A watch that ends a run behind its seventh iteration."""

    def due(self, iteration: int, seconds: float) -> bool:
        return iteration == 7

    def look(self, iteration: int, seconds: float, found: Likelihood) -> str:
        return "it is hopeless"


@pytest.mark.slow
def test_a_pruned_trial_keeps_the_clips_that_it_has(small: Small, cache: Path) -> None:
    run, config = MemoryRun(), compose(small("samples.every=3"))
    with Signals().caught() as signals:
        result = train(config, run, Silent(), cache=cache, signals=signals, role=Role(watch=Ending()))
    assert result.pruned
    assert {c.iteration for c in learned(run)} == {0, 3, 6}
    assert result.clips == 6


@pytest.mark.slow
def test_two_devices_draw_the_same_clips_once(small: Small, cache: Path) -> None:
    from musicexp.training import devices

    if devices._cores() < 2:
        pytest.skip("two devices on the CPU want two cores")
    words = ("trainer.devices=2", "batch_size=4", "trainer.accelerator=cpu", "iterations=12")
    still = trained(compose(small(*words)), MemoryRun(), cache)
    config = compose(small(*words, "samples.every=5"))
    heard, stopped = trained(config, MemoryRun(), cache), MemoryRun()
    assert heard.metrics["loss/train"] == still.metrics["loss/train"]
    assert sorted({iteration for _, iteration in heard.images}) == [0, 5, 10, 12]
    assert len(heard.images) == 8
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=6))
    assert outcome(trained(config, stopped, cache)) == outcome(heard)


# ---------------------------------------------------------------------------------------------------
# References


def test_references_are_real_pieces_of_both_sides_as_tokens_have_them(small: Small, cache: Path) -> None:
    config = compose(small("samples.max_notes=256"))
    material = prepare(config, cache)
    found = references(material, config, cache)
    assert [(r.number, r.side) for r in found] == [(1, "train"), (2, "train"), (3, "val"), (4, "val")][
        : len(found)
    ]
    assert len(found) >= 3
    for each in found:
        original = melody(int(each.title.removeprefix("tune")))
        spelling = NotesTokenizer()
        assert notes(each.piece) == notes(spelling.piece(spelling.tokens(original)))
        assert each.whole
        assert (each.notes_read, each.notes_kept) == (len(original), len(each.piece))
        assert each.licence == ""
    assert [r.title for r in references(material, config, cache)] == [r.title for r in found]


def test_two_pieces_of_unlike_length_are_both_heard(tmp_path: Path, cache: Path) -> None:
    """Neither lies between the quartiles of the two."""
    folder = tmp_path / "tunes"
    folder.mkdir()
    for seed in range(6):
        write_midi(melody(seed, 40 + 8 * seed), folder / f"tune{seed}.mid")
    words = ["dataset=midi", f"dataset.path={folder}", "split.val=0.2", "threads=1"]
    config = compose(words)
    material = prepare(config, cache)
    assert len(material.ids["val"]) == 2
    assert [r.number for r in references(material, config, cache)] == [1, 2, 3, 4]


def test_references_are_chosen_by_the_seed_of_samples_alone(small: Small, cache: Path) -> None:
    def titles(*more: str) -> tuple[str, ...]:
        config = compose(small(*more))
        return tuple(r.title for r in references(prepare(config, cache), config, cache))

    assert titles("seed=5", "model.hidden_size=8", "samples.max_notes=9") == titles()
    assert len({titles(f"samples.seed={seed}") for seed in range(3)}) > 1


def test_a_long_reference_ends_at_a_bar_line(small: Small, cache: Path) -> None:
    config = compose(small("samples.max_notes=8"))
    for each in references(prepare(config, cache), config, cache):
        assert not each.whole
        onsets = np.unique(each.piece.onset)
        assert 0 < len(onsets) <= 8
        original = melody(int(each.title.removeprefix("tune")))
        later = original.onset[original.onset > onsets[-1]]
        assert later[0] >= whole_bars(each.piece, 8) * bar_steps(each.piece), (
            "nothing is left out within a bar"
        )
        assert each.notes_kept == each.notes_read == len(original)


def test_a_run_leaves_its_references_and_names_them(small: Small, cache: Path) -> None:
    run = trained(compose(small("iterations=2", "samples.count=0")), MemoryRun(), cache)
    told = json.loads(run.files["summary.json"])["references"]
    assert set(told) == {name for name in run.files if name.startswith("reference_")}
    for name, known in told.items():
        assert len(midi_piece(run.files[name], name)) == known["notes"] > 0
        assert known["side"] == ("train" if name in ("reference_1.mid", "reference_2.mid") else "val")
