"""Written folds: a table and a data set belong together, and what a table keeps apart training never hears."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, melody
from searches import search_of
from tunes import scale, shifted

from musicexp.config import Config, Dimension, compose, conf_dir, fold_tables
from musicexp.data import TokenStore, prepare_store
from musicexp.errors import MusicError, SettingError
from musicexp.music import pearce, write_midi
from musicexp.music.fold_table import parsed_table, read_table, written_table
from musicexp.music.split import SIDES, held_out_sides
from musicexp.sweep.together import check_together
from musicexp.tokens import tokenizer

HEAD = "fold,sound,piece\n"
A, B, C = (f"{number:016x}" for number in (10, 11, 2**64 - 1))

LR = Dimension("lr", 1e-4, 1e-1, log=True)

Intervals = tuple[int, ...]


@cache
def settings() -> Config:
    """Of a folder; composed once, since that takes longer than to prepare it."""
    return compose(["dataset=midi", "dataset.path=.", "tokens=pitches"])


def prepared(folder: Path, *, limit: int = 0, keys: int = 0, **split: Any) -> TokenStore:
    """A folder's store, tokens=pitches, with whole duplicate groups on one side unless told otherwise."""
    found = settings()
    dataset = dataclasses.replace(found.dataset, path=str(folder), limit=limit, transpose=(keys,))
    split = {"table": str(split.pop("table"))} | split if "table" in split else split
    sides = dataclasses.replace(found.split, **split)
    return prepare_store(dataset, sides, found.tokens, folder.parent / "cache", workers=1)


def melodies_of(store: TokenStore, *sides: Any) -> list[list[int]]:
    """The pitches of every sequence on some sides, those of other keys too."""
    several = [store.sequences(side) for side in sides]
    found = [
        there.read(int(first) + variant)
        for there in several
        for first, variants in zip(there.first, there.variants, strict=True)
        for variant in range(int(variants))
    ]
    return [[int(token) for token in store.vocabulary.decode(ids.tolist())] for ids in found]


def intervals(melody: list[int]) -> Intervals:
    return tuple(np.diff(melody).tolist())


def runs_of(melody: list[int]) -> set[Intervals]:
    """Runs of 15 intervals, three different ones among them: not by hashes, as the package finds them."""
    found = intervals(melody)
    windows = [found[i : i + 15] for i in range(len(found) - 14)]
    return {window for window in windows if len(set(window)) >= 3}


def heard(store: TokenStore) -> tuple[int, int, int]:
    """Of how many test pieces training or validation has all pitches, all intervals, or a run in any key."""
    known = melodies_of(store, "train", "val")
    runs = set[Intervals]().union(*map(runs_of, known))
    whole, wholes = {tuple(one) for one in known}, set(map(intervals, known))
    tests = melodies_of(store, "test")
    return (
        sum(tuple(one) in whole for one in tests),
        sum(intervals(one) in wholes for one in tests),
        sum(not runs_of(one).isdisjoint(runs) for one in tests),
    )


# ---------------------------------------------------------------------------------------------------
# The table


def test_a_table_is_read_as_it_was_written() -> None:
    fold, sound = np.array([1, 0, 1], dtype=np.int32), np.array([11, 2**64 - 1, 10], dtype=np.uint64)
    text = written_table(fold, sound, ["one, two", "b", "c"])
    found = parsed_table(text, "x")
    assert (found.fold.tolist(), found.sound.tolist(), found.folds) == ([1, 0, 1], sound.tolist(), 2)
    assert found.piece == ("one, two", "b", "c")
    assert parsed_table(text.replace("one, two", "another"), "y").digest == found.digest
    assert parsed_table(text.replace("1,", "0,", 1), "x").digest != found.digest


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "x is no table of folds: its first line must be fold,sound,piece"),
        ("fold;sound;piece\n", "its first line must be"),
        (HEAD, "has no pieces in fold 0"),
        (HEAD + f"0,{A},a\n0,{B},b\n", "has no pieces in fold 1; .* without a gap, and be two at least"),
        (HEAD + f"0,{A},a\n2,{B},b\n", "has no pieces in fold 1"),
        (HEAD + f"0,{A},a\n1,{B}\n", "x, line 3: .* must be a fold from 0, a fingerprint"),
        (HEAD + f"-1,{A},a\n", "x, line 2: "),
        (HEAD + f"0,{A[1:]},a\n", "x, line 2: "),
        (HEAD + f"0,{A.upper()},a\n", "x, line 2: "),
        (HEAD + f"²,{A},a\n", "x, line 2: "),
    ],
)
def test_what_is_no_table_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(MusicError, match=sentence):
        parsed_table(text, "x")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            "pearce_kinder_rndom",
            r"is not known: did you mean split\.table=pearce_kinder_random\? there are pea",
        ),
        (
            "music",
            r"is not known: there are pearce.*; a table of your own is named by its path, DIR/NAME\.csv",
        ),
        ("there/none.csv", r"split\.table=there/none\.csv cannot be read \(looked in .*\): No such file"),
        ("folder.csv", "cannot be read .*: is no regular file"),
        ("latin.csv", "cannot be read .*: is no UTF-8 text"),
    ],
)
def test_a_table_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "latin.csv").write_bytes(HEAD.encode() + b"0,\xe9")
    with pytest.raises(SettingError, match=sentence):
        read_table(table)


def test_pieces_that_sound_the_same_have_a_row_each() -> None:
    found = parsed_table(HEAD + f"0,{A},a\n1,{C},c\n2,{A},again\n", "x")
    sounds = np.array([2**64 - 1, 10, 10], dtype=np.uint64)
    assert found.rows_of(sounds, "here", str).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("sounds", "sentence"),
    [
        ([10, 11], r"x holds 3 pieces and is not of here, which holds 2: 1 piece of it not there \(again first\); a table"),
        ([10, 10, 11, 12, 13], r"which holds 5: 2 pieces there not in it \(one of file 3 first\); a table goes with"),
        ([12, 10, 10], r"1 piece of it not there \(b first\), 1 piece there not in it \(one of file 0 first\)"),
    ],
)  # fmt: skip
def test_another_data_set_is_refused(sounds: list[int], sentence: str) -> None:
    found = parsed_table(HEAD + f"0,{A},a\n1,{B},b\n1,{A},again\n", "x")
    with pytest.raises(MusicError, match=sentence):
        found.rows_of(np.array(sounds, dtype=np.uint64), "here", lambda piece: f"file {piece}")


# ---------------------------------------------------------------------------------------------------
# Sides


def test_what_a_fold_cuts_from_a_group_stays_together() -> None:
    groups = np.array([0, 0, 0, 3, 4, 5], dtype=np.int32)
    again = np.array([0.05, 0.05, 0.05, 0.6, 0.7, 0.8])
    inside = np.array([True, False, False, False, False, True])
    found = held_out_sides(inside, again, groups, 0.1, "fold 0 of x", "here")
    assert [SIDES[side] for side in found] == ["test", "val", "val", "train", "train", "test"]
    for empty in (np.zeros(6, dtype=bool), np.ones(6, dtype=bool)):
        with pytest.raises(MusicError, match="fold 0 of x is empty or all there is, with 4 groups"):
            held_out_sides(empty, again, groups, 0.1, "fold 0 of x", "here")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine tunes; one of them a second time, higher; one that begins as another does; and the cache of their readings."""
    folder = tmp_path_factory.mktemp("tables") / "music"
    folder.mkdir()
    for seed in range(7):
        write_midi(melody(seed), folder / f"{seed}.mid")
    write_midi(shifted(melody(3), semitones=2), folder / "7.mid")
    begun = [int(pitch) for seed in (5, 50) for pitch in tokenizer("pitches").tokens(melody(seed))[:20]]
    write_midi(scale(*begun), folder / "8.mid")
    return folder


def table_of(music: Path, folds: list[int], name: str = "own.csv") -> Path:
    """A table of the folder's pieces, in order of name."""
    sounds = prepared(music).table["sound"]
    path = music.parent / name
    names = [f"{number}.mid" for number in range(len(sounds))]
    path.write_text(written_table(np.array(folds, dtype=np.int32), sounds, names))
    return path


def test_the_pieces_of_a_fold_are_the_test_in_every_key(music: Path) -> None:
    folds = [0, 0, 0, 1, 1, 2, 2, 1, 2]
    path = table_of(music, folds)
    for fold in range(3):
        store = prepared(music, table=path, fold=fold, keys=3)
        assert sorted(store.on("test").tolist()) == [i for i, of in enumerate(folds) if of == fold]
        assert set(store.sides.tolist()) == {0, 1, 2}
        assert len(melodies_of(store, "train")) == 7 * len(store.on("train"))
        assert store.sides.tolist() == store.sides[store.groups].tolist()
        assert heard(store) == (0, 0, 0)


def test_a_table_that_cuts_duplicates_wants_to_be_told(music: Path) -> None:
    path = table_of(music, [0, 0, 0, 1, 1, 2, 2, 0, 0], "cut.csv")
    with pytest.raises(
        MusicError,
        match=r"has duplicates in several folds \(3\.mid in 1 and 7\.mid in 0\), .*write split\.grouped=false",
    ):
        prepared(music, table=path, fold=1)
    store = prepared(music, table=path, fold=1, grouped=False, keys=3)
    assert heard(store) == (1, 1, 1)  # 3.mid is 7.mid two semitones lower
    store = prepared(music, table=path, fold=2, grouped=False)
    assert heard(store) == (0, 0, 1)  # 5.mid begins as 8.mid does


def test_a_changed_table_is_noticed_and_an_equal_one_is_not_prepared_again(music: Path) -> None:
    path = table_of(music, [0, 0, 0, 1, 1, 2, 2, 1, 2], "changing.csv")
    first = prepared(music, table=path)
    path.write_text(path.read_text().replace("0.mid", "renamed.mid"))
    assert prepared(music, table=path).folder == first.folder
    table_of(music, [2, 0, 0, 1, 1, 2, 2, 1, 2], "changing.csv")
    other = prepared(music, table=path)
    assert (len(first.on("test")), len(other.on("test"))) == (3, 2)
    assert first.summary.fingerprint == other.summary.fingerprint == prepared(music).summary.identity
    assert len({first.summary.identity, other.summary.identity, first.summary.fingerprint}) == 3


def test_a_table_of_other_music_names_the_files(music: Path) -> None:
    path = table_of(music, [0, 0, 0, 1, 1, 2, 2, 1, 2], "whole.csv")
    with pytest.raises(
        MusicError, match=r"1 piece of it not there \(8\.mid first\); .*without dataset\.limit"
    ):
        prepared(music, table=path, limit=8)


# ---------------------------------------------------------------------------------------------------
# Settings


def test_what_does_not_go_with_a_table_is_one_sentence(music: Path) -> None:
    with pytest.raises(SettingError, match=r"has folds of its own, so split\.folds=10 does not go with it"):
        compose(["split.table=pearce_kinder_random", "split.folds=10"])
    with pytest.raises(
        SettingError, match=r"split\.fold=10 is not there: split\.table=pearce_kinder_random has"
    ):
        prepared(music, table="pearce_kinder_random", fold=10)


def test_a_sweep_takes_all_folds_of_a_table() -> None:
    base = {"split.table": "pearce_kinder_grouped"}
    check_together(search_of((LR,), base, folds=10))
    check_together(search_of((LR,), base | {"split.fold": 3}))
    with pytest.raises(SettingError, match=r"the table has 10; write folds=10, or leave split\.table out"):
        check_together(search_of((LR,), base, folds=3))
    with pytest.raises(SettingError, match="the sweep sets them for each of its folds"):
        check_together(search_of((LR,), base | {"split.fold": 3}, folds=10))


# ---------------------------------------------------------------------------------------------------
# Those that come with the package


@pytest.fixture
def laws(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script that writes them."""
    monkeypatch.syspath_prepend(str(ROOT / "experiments" / "pearce"))
    yield importlib.import_module("folds")
    del sys.modules["folds"]


def test_tables_are_pearce_s_folds_and_others_that_cut_no_group() -> None:
    assert fold_tables() == [f"{name}_{law}" for name in ("pearce_chorales", "pearce_kinder") for law in ("grouped", "random")]  # fmt: skip
    for number, name in ((2, "pearce_chorales"), (7, "pearce_kinder")):
        random, grouped = (read_table(f"{name}_{law}") for law in ("random", "grouped"))
        assert random.sound.tolist() == grouped.sound.tolist()
        assert len(random.sound) == pearce.DATA_SETS[number].melodies
        for fold, held_out in enumerate(pearce.folds(len(random.sound), 0)):
            assert set(np.flatnonzero(random.fold == fold).tolist()) == set(held_out.tolist())
        assert np.ptp(np.bincount(grouped.fold)) <= 1


def test_groups_go_whole_to_the_fold_that_has_the_fewest(laws: Any) -> None:
    random = np.random.default_rng(0)
    groups = np.array(
        [int(random.integers(0, i + 1)) if i % 3 == 0 else i for i in range(60)], dtype=np.int32
    )
    groups = groups[groups[groups]]
    found = laws.grouped_folds(groups, 5, 0)
    assert found.tolist() == found[groups].tolist()
    sizes = np.bincount(found)
    assert (len(sizes), sizes.sum()) == (5, 60)
    assert np.ptp(sizes) <= np.bincount(groups).max()
    assert (
        found.tolist()
        == laws.grouped_folds(groups, 5, 0).tolist()
        != laws.grouped_folds(groups, 5, 1).tolist()
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("cache")
        patched.setenv("MUSICEXP_CACHE", str(folder))
        yield folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pearce_chorales", "pearce_kinder"])
def test_tables_are_what_their_law_says(laws: Any, kept: Path, name: str) -> None:
    written = dict(laws.tables(name))
    assert list(written) == [f"{name}_random.csv", f"{name}_grouped.csv"]
    for file, text in written.items():
        assert (conf_dir() / "fold_tables" / file).read_text(encoding="utf-8") == text


@pytest.mark.slow
@pytest.mark.parametrize(("number", "name"), [(2, "pearce_chorales"), (7, "pearce_kinder")])
def test_the_ordinary_way_gives_pearce_s_melodies(kept: Path, number: int, name: str) -> None:
    config = compose([f"dataset={name}", "tokens=pitches"])
    store = prepare_store(config.dataset, config.split, config.tokens, kept)
    known = pearce.DATA_SETS[number]
    assert (store.summary.pieces, len(store.vocabulary) - 3) == (known.melodies, known.pitches)
    assert store.summary.notes == known.events
    found = sorted(melodies_of(store, *SIDES))
    assert found == sorted(melody.tolist() for melody in pearce.melodies(number))


HEARD = {
    ("pearce_chorales", "random"): (2, 2, 36),
    ("pearce_chorales", "grouped"): (0, 0, 0),
    ("pearce_kinder", "random"): (0, 0, 23),
    ("pearce_kinder", "grouped"): (0, 0, 0),
}
"""Test pieces of ten folds whose pitches, whose intervals, or a run of whose intervals training (in eleven keys) or
validation has. The random folds are made as the published ones were, where nobody looked for duplicates."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "law"), HEARD)
def test_what_is_tested_and_was_heard_before(kept: Path, name: str, law: str) -> None:
    table, found, tested = f"{name}_{law}", np.zeros(3, dtype=int), 0
    for fold in range(10):
        grouped = f"split.grouped={str(law == 'grouped').lower()}"
        words = [f"dataset={name}", f"split.table={table}", f"split.fold={fold}", grouped]
        config = compose([*words, "tokens=pitches", "dataset.transpose=5"])
        store = prepare_store(config.dataset, config.split, config.tokens, kept)
        of = {side: set(store.table["sound"][store.on(side)].tolist()) for side in SIDES}
        assert of["test"].isdisjoint(of["train"] | of["val"])
        assert len(melodies_of(store, "train")) == 11 * len(store.on("train"))
        if law == "grouped":
            assert store.sides.tolist() == store.sides[store.groups].tolist()
        found += heard(store)
        tested += len(store.on("test"))
    assert tested == len(read_table(table).fold)
    assert tuple(found.tolist()) == HEARD[name, law]
