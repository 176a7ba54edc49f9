"""`dataset.apart_from`: what a model learns from says nothing beforehand of what it is asked about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import melody
from tunes import shifted

from musicexp.config import Config, compose, recorded
from musicexp.data import TokenStore, prepare_store
from musicexp.data.prepare import music_of
from musicexp.errors import MusicError
from musicexp.music import Piece, write_midi
from musicexp.music.similar import runs
from musicexp.report.data_lines import remarks
from musicexp.report.describe import describe
from musicexp.training.introduction import data_lines
from musicexp.training.material import check, prepare

OWN = 12


@pytest.fixture(scope="module")
def children(cache: Path) -> list[Piece]:
    """The German children's songs."""
    config = compose(["dataset=pearce_kinder"])
    return pieces(config, cache)


def pieces(config: Config, cache: Path) -> list[Piece]:
    return [
        piece for _, found in music_of(made(config, cache), config.dataset, cache) for piece in found.pieces
    ]


def made(config: Config, cache: Path) -> TokenStore:
    return prepare_store(config.dataset, config.split, config.tokens, cache, workers=1)


@pytest.fixture(scope="module")
def folder(children: list[Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tunes of our own among children's songs: in another key, with another ending, and one too short to hold a run."""
    place = tmp_path_factory.mktemp("mixed")
    for seed in range(OWN):
        write_midi(melody(seed), place / f"own{seed:02}.mid")
    long = [piece for piece in children if len(piece) > 40][:3]
    for number, piece in enumerate(long):
        write_midi(shifted(piece, semitones=number - 2), place / f"moved{number}.mid")
    begun = long[0].only(np.arange(len(long[0])) < 30)
    write_midi(begun, place / "begun.mid")
    short = min(children, key=len)
    assert len(short) <= 16
    write_midi(shifted(short, semitones=3), place / "short.mid")
    return place


def settings(folder: Path, *more: str) -> Config:
    return compose(["dataset=midi", f"dataset.path={folder}", *more])


def test_no_piece_is_left_that_shares_a_run(folder: Path, children: list[Piece], cache: Path) -> None:
    whole = pieces(settings(folder), cache)
    assert len(whole) == OWN + 5
    config = settings(folder, "dataset.apart_from=kinder")
    left = pieces(config, cache)
    known = np.unique(np.concatenate([runs(piece) for piece in children]))
    assert sorted(piece.name for piece in left) == [f"own{seed:02}.mid" for seed in range(OWN)]
    for piece in whole:
        shared = bool(np.isin(runs(piece), known).any())
        assert shared != any(piece.name == other.name for other in left)
    store = made(config, cache)
    assert store.summary.pieces == OWN
    assert store.summary.apart == 5
    assert len(store.table) == len(store.sides) == OWN


def test_it_is_told_how_many_and_why(folder: Path, cache: Path) -> None:
    config = settings(folder, "dataset.apart_from=kinder")
    why = "5 pieces left out that share a run of 15 intervals with a piece of kinder, in any key"
    assert f"         {why}" in data_lines(config, prepare(config, cache))
    found = describe(config, ["dataset=midi"], cache)
    assert f"{why}." in remarks(found)
    assert json.loads(json.dumps(found.as_dict()))["apart"] == 5


def test_it_is_another_data_set_and_without_it_the_same_as_before(folder: Path, cache: Path) -> None:
    plain, apart = settings(folder), settings(folder, "dataset.apart_from=kinder")
    stores = [made(config, cache) for config in (plain, apart)]
    assert stores[0].folder != stores[1].folder
    assert stores[0].summary.identity != stores[1].summary.identity
    assert plain.signature() != apart.signature()
    of_before = plain.as_dict()
    del of_before["dataset"]["apart_from"]
    assert recorded(of_before).signature() == plain.signature()
    assert made(apart, cache).folder == stores[1].folder


def test_several_collections(folder: Path, cache: Path) -> None:
    config = settings(folder, "dataset.apart_from=[kinder,pearce_chorales]")
    assert config.dataset.apart_from == ("kinder", "pearce_chorales")
    assert made(config, cache).summary.apart == 5


def test_a_collection_that_is_not_there_is_refused_at_once(folder: Path) -> None:
    with pytest.raises(MusicError, match=r"no collection 'kindr'; did you mean kinder\?"):
        check(settings(folder, "dataset.apart_from=kindr"))


def test_where_nothing_is_left_it_is_said_why(cache: Path) -> None:
    with pytest.raises(
        MusicError, match=r"dataset\.apart_from=kinder leaves nothing of kinder: all of its 213"
    ):
        made(compose(["dataset=pearce_kinder", "dataset.apart_from=kinder"]), cache)


@pytest.mark.slow
@pytest.mark.parametrize("collection", ["kinder", "pearce_chorales"])
def test_what_is_learned_first_holds_no_test_piece_nor_one_like_it(collection: str, cache: Path) -> None:
    """The leak that would make pre-training look good: Essen's kinder0 is the very set that is asked about."""
    asked = pieces(compose(["dataset=music21", f"dataset.collection={collection}"]), cache)
    config = compose(["dataset=essen", f"dataset.apart_from={collection}", "tokens=pitches"])
    learned = pieces(config, cache)
    assert not {piece.name for piece in learned} & {piece.name for piece in asked}
    known = np.unique(np.concatenate([runs(piece) for piece in asked]))
    for piece in learned:
        assert not np.isin(runs(piece), known).any()
    store = made(config, cache)
    assert store.summary.pieces + store.summary.apart == 8514
    assert len(learned) == store.summary.pieces
