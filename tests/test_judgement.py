"""A generated set beside real music: what is judged, where it is kept, and that nothing is counted for or against by chance."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import melody
from test_resume import trained

from musicexp.config import compose
from musicexp.errors import StoreError
from musicexp.generation import CHECKPOINT_FILE, Checkpoint, Melody
from musicexp.generation.scored import by_temperature, scored_melodies
from musicexp.metrics.corpus import Corpus, Fold
from musicexp.metrics.information import Expectation
from musicexp.metrics.judgement import Generated, Judgement, judge
from musicexp.metrics.panel import METRICS
from musicexp.music import Note, Piece
from musicexp.tracking import MemoryRun


def moved(
    piece: Piece, semitones: int, begin: int = 0, notes: int | None = None, name: str = "moved"
) -> Piece:
    """Some notes of a piece in another key, from step 0 on."""
    chosen = piece.notes()[begin : None if notes is None else begin + notes]
    first = chosen[0].onset
    return Piece.of(
        [note._replace(onset=note.onset - first, pitch=note.pitch + semitones) for note in chosen], name
    )


def corpus_of(cache: Path, seeds: range = range(30), held_out: int = 10) -> Corpus:
    pieces = tuple(melody(seed) for seed in seeds)
    known = tuple(range(len(pieces) - held_out))
    return Corpus(
        pieces=pieces,
        learned=known,
        folds=(Fold(known, tuple(range(len(known), len(pieces)))),),
        title=lambda place: pieces[place].name,
        cache=cache,
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def judgement(corpus: Corpus) -> Judgement:
    plain = Generated("plain", tuple(melody(seed) for seed in range(100, 116)), temperature=1.0)
    copied = (*plain.pieces[:3], moved(corpus.pieces[7], 3, 5, 25), Piece.of([], "silent"))
    return judge([plain, Generated("with a copy", copied)], corpus)


def test_a_planted_copy_is_found_and_named(judgement: Judgement, corpus: Corpus) -> None:
    """Transposed, and cut out of a training tune: the passage, its source and the interval between them."""
    told = judgement.sets[1]
    [passage] = [passage for passage in told.passages if passage.name == "moved"]
    assert passage.source == corpus.pieces[7].name
    assert passage.copy.notes >= 15
    assert passage.copy.semitones == 3
    cut, original = passage.generated.notes(), passage.original.notes()
    assert [note.pitch - 3 for note in cut] == [note.pitch for note in original]
    assert [note.onset for note in cut] == [note.onset for note in original]


def test_every_metric_has_a_value_for_every_piece(judgement: Judgement) -> None:
    for judged in judgement.sets:
        assert list(judged.values) == list(METRICS)
        assert all(len(found) == len(judged.names) for found in judged.values.values())
    assert all(len(found) == 10 for found in judgement.real.values())


def test_json_holds_no_nan_and_every_piece(judgement: Judgement) -> None:
    told = json.loads(json.dumps(judgement.as_dict(raw=True), allow_nan=False))
    values = told["sets"]["with a copy"]["values"]
    assert values["names"][-1] == "silent"
    assert len(values["groove"]) == 5
    assert "values" not in judgement.as_dict()["sets"]["T1"]


def test_the_order_of_the_pieces_does_not_matter(corpus: Corpus) -> None:
    pieces = tuple(melody(seed) for seed in range(200, 208))
    one, other = (judge([Generated("set", order)], corpus).sets[0] for order in (pieces, pieces[::-1]))
    for name, stand in one.stands.items():
        assert stand.auc.value == pytest.approx(other.stands[name].auc.value, nan_ok=True)
        assert stand.mean.mean == pytest.approx(other.stands[name].mean.mean, nan_ok=True)


def test_values_of_real_pieces_are_kept_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = corpus_of(tmp_path, range(12), 4).values
    monkeypatch.setattr("musicexp.metrics.corpus.values_of", None)  # nothing is measured again
    again = corpus_of(tmp_path, range(12), 4).values
    assert all(np.array_equal(first[name], again[name], equal_nan=True) for name in METRICS)


def test_a_damaged_cache_is_told(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, range(12), 4)
    assert corpus.values
    [kept] = (tmp_path / "judged").iterdir()
    kept.write_bytes(b"PK no archive")
    with pytest.raises(StoreError, match="delete that file"):
        assert corpus_of(tmp_path, range(12), 4).values


def test_what_the_corpus_never_plays_surprises_more_than_what_it_plays_all_the_time() -> None:
    corpus = [melody(seed) for seed in range(20)]
    strange = Piece.of([Note(7 * k, 7, 40 + (k * 13) % 47) for k in range(40)])
    bits, spread = Expectation(corpus).information(
        [melody(50), strange, Piece.of([]), Piece.of([Note(0, 1, 60)])]
    )
    assert bits[0] < bits[1]
    assert spread[0] > 0
    assert math.isnan(bits[2])
    assert math.isnan(bits[3])


def test_information_knows_neither_key_nor_silence_before() -> None:
    corpus = [melody(seed) for seed in range(10)]
    later = Piece.of([note._replace(onset=note.onset + 48) for note in moved(melody(60), 5).notes()])
    (one, other), _ = Expectation(corpus).information([melody(60), later])
    assert one == pytest.approx(other, abs=1e-12)


# ---------------------------------------------------------------------------------------------------
# In a run


def test_a_run_judges_its_samples_and_shows_the_first_of_them(
    small: Callable[..., list[str]], cache: Path
) -> None:
    config = compose(small("samples.scored=6", "samples.count=4", "samples.temperature=[1.0,1.5]"))
    run = trained(config, MemoryRun(), cache)
    told = json.loads(run.read("summary.json"))
    assert list(told["music"]["sets"]) == ["T1", "T1.5"]
    assert told["music"]["sets"]["T1"]["pieces"] == 6
    raw = json.loads(run.read("music.json"))
    assert raw["sets"]["T1.5"]["values"]["names"] == [f"sample_{k}" for k in (2, 4, 6, 8, 10, 12)]
    [logged] = run.metrics["music/groove/T1"].values()
    assert logged == pytest.approx(told["music"]["sets"]["T1"]["metrics"]["groove"]["mean"][0], rel=1e-4)
    unscored = trained(
        dataclasses.replace(config, samples=dataclasses.replace(config.samples, scored=0)), MemoryRun(), cache
    )
    assert json.loads(unscored.read("summary.json"))["music"] is None
    for k in range(1, 5):
        assert unscored.read(f"sample_{k}.mid") == run.read(f"sample_{k}.mid")


def test_a_prime_is_not_judged(small: Callable[..., list[str]], cache: Path, tunes: Path) -> None:
    """Melodies that go on from a training tune would all be called copies of it."""
    run = trained(compose(small("iterations=3", "samples.count=0")), MemoryRun(), cache)
    checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), CHECKPOINT_FILE)
    settings = dataclasses.replace(
        checkpoint.config.samples, prime=str(tunes / "tune03.mid"), prime_notes=6, scored=3
    )
    [(_, first), (_, hotter)] = by_temperature(scored_melodies(checkpoint, settings), settings)
    assert len(first) == len(hotter) == 3
    for found in first:
        assert found.begins > 0
        assert len(found.own) < len(found.piece)
        assert not len(found.own) or found.own.onset[0] >= found.begins


def test_temperatures_keep_their_draws() -> None:
    settings = dataclasses.replace(compose([]).samples, temperature=(0.5, 1.0, 2.0), scored=2)
    drawn = [
        Melody(k, settings.temperature[(k - 1) % 3], (k - 1) // 3 + 1, 0, "eos", Piece.of([]))
        for k in range(1, 10)
    ]
    assert [(t, [m.draw for m in found]) for t, found in by_temperature(drawn, settings)] == [
        (0.5, [1, 2]),
        (1.0, [1, 2]),
        (2.0, [1, 2]),
    ]
