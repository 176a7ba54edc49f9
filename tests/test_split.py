"""Duplicates and splits: no tune stands on two sides, and another file moves only what it joins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tunes import melodies, polyphony, quickly, scale, shifted

from musicexp.errors import MusicError
from musicexp.music import SIDES, Note, Piece
from musicexp.music.similar import ENTRY, RUN, groups, runs
from musicexp.music.split import Sides, fold_sides, places, sides


def long_tune(seed: int, notes: int = 40) -> Piece:
    """Random enough that two of them share no run."""
    random = np.random.default_rng(seed)
    return scale(*random.integers(48, 84, notes).tolist(), name=f"tune {seed}")


MANY = [long_tune(seed) for seed in range(60)]


def grouped(pieces: Sequence[Piece], folder: Path) -> list[int]:
    """For each piece the number of its group's first piece."""
    entries = []
    for number, piece in enumerate(pieces):
        found = runs(piece)
        mine = np.empty(len(found), dtype=ENTRY)
        mine["hash"], mine["piece"] = found, number
        entries.append(mine)
    (folder / "runs.bin").write_bytes(np.concatenate(entries).tobytes())
    first: list[int] = groups(folder / "runs.bin", len(pieces)).tolist()
    return first


def sounds(pieces: Sequence[Piece]) -> NDArray[np.uint64]:
    return np.array([int(piece.fingerprint(), 16) for piece in pieces], dtype=np.uint64)


def split(pieces: Sequence[Piece], folder: Path, seed: int = 0, val: float = 0.1, test: float = 0.1) -> Sides:
    found = np.array(grouped(pieces, folder), dtype=np.int32)
    return sides(places(sounds(pieces), found, seed), found, val, test, "here")


# ---------------------------------------------------------------------------------------------------
# Duplicates


@quickly
@given(piece=polyphony(max_notes=40), semitones=st.integers(-30, 30), steps=st.integers(0, 200))
def test_a_piece_in_another_key_is_in_its_group(
    tmp_path_factory: pytest.TempPathFactory, piece: Piece, semitones: int, steps: int
) -> None:
    moved = shifted(piece, steps=steps, semitones=semitones)
    assert grouped([piece, long_tune(1), moved], tmp_path_factory.mktemp("runs")) == [0, 1, 0]


def test_a_run_of_intervals_joins_whatever_stands_around_it(tmp_path: Path) -> None:
    """Another beginning, another rhythm, another key and an accompaniment hid a copied phrase."""
    phrase = MANY[0].pitch[10 : 10 + RUN + 1].tolist()
    before, after = MANY[1].pitch.tolist(), MANY[2].pitch.tolist()
    copied = scale(*before, *(pitch + 5 for pitch in phrase), *after, duration=7)
    bass = [Note(24 * beat, 24, 30 + beat % 5, part=1) for beat in range(30)]
    assert grouped([MANY[0], copied], tmp_path) == [0, 0]
    assert grouped([MANY[0], Piece.of([*copied.notes(), *bass])], tmp_path) == [0, 0]
    short = scale(*before, *phrase[:-1], phrase[-1] + 1, *after)
    assert grouped([MANY[0], short], tmp_path) == [0, 1]


def test_a_trill_or_a_repeated_note_is_no_likeness(tmp_path: Path) -> None:
    trill = [60, 62] * 20
    pieces = [scale(*trill, *MANY[0].pitch.tolist()), scale(*trill, *MANY[1].pitch.tolist())]
    assert grouped(pieces, tmp_path) == [0, 1]
    assert grouped([scale(*trill), scale(*trill)], tmp_path) == [0, 0]


def test_groups_flow_together_by_what_joins_them(tmp_path: Path) -> None:
    both = scale(*MANY[7].pitch.tolist(), *MANY[3].pitch.tolist())
    found = grouped([*MANY[:10], both], tmp_path)
    assert found == [0, 1, 2, 3, 4, 5, 6, 3, 8, 9, 3]
    order = [10, *range(10)]
    again = grouped([[*MANY[:10], both][i] for i in order], tmp_path)
    assert again == [0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10]


def test_many_hashes_are_looked_at_in_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [*MANY, *(shifted(piece, semitones=3) for piece in MANY[::4])]
    whole = grouped(pieces, tmp_path)
    monkeypatch.setattr("musicexp.music.similar.AT_ONCE", 64)
    assert grouped(pieces, tmp_path) == whole
    assert whole[60:] == list(range(0, 60, 4))


# ---------------------------------------------------------------------------------------------------
# Splits


def test_a_split_depends_on_content_and_seed_alone(tmp_path: Path) -> None:
    found = split(MANY, tmp_path, val=0.2, test=0.3)
    assert split(MANY[::-1], tmp_path, val=0.2, test=0.3).tolist() == found.tolist()[::-1]
    assert split(MANY, tmp_path, seed=1, val=0.2, test=0.3).tolist() != found.tolist()
    counts = [int((found == side).sum()) for side in range(3)]
    assert sum(counts) == 60
    assert 20 <= counts[0] <= 40, counts


@quickly
@given(seed=st.integers(0, 100), more=melodies(max_notes=30), copies=st.lists(st.integers(0, 59), max_size=2))
@pytest.mark.slow
def test_another_piece_moves_only_the_groups_that_it_joins(
    tmp_path_factory: pytest.TempPathFactory, seed: int, more: Piece, copies: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    parts = [MANY[number] for number in copies] or [more]
    joining = scale(*(pitch for part in parts for pitch in part.pitch.tolist()))
    before, after = split(MANY, folder, seed), split([*MANY, joining], folder, seed)
    kept = [number for number in range(60) if number not in copies]
    assert before[kept].tolist() == after[:60][kept].tolist()
    assert len({int(after[number]) for number in [*copies, 60]}) == 1


@quickly
@given(
    size=st.integers(3, 12),
    seed=st.integers(0, 50),
    val=st.sampled_from([0.001, 0.1, 0.49]),
    test=st.sampled_from([0.001, 0.3, 0.49]),
)
def test_no_side_is_empty_from_three_groups_on(
    tmp_path_factory: pytest.TempPathFactory, size: int, seed: int, val: float, test: float
) -> None:
    found = split(MANY[:size], tmp_path_factory.mktemp("runs"), seed, val, test)
    assert set(found.tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([scale(60)], "1 different piece that"),
        ([scale(60, 62), scale(62, 64), scale(60)], "2 different pieces that"),
    ],
)
def test_fewer_than_three_groups_cannot_be_split(tmp_path: Path, pieces: list[Piece], told: str) -> None:
    with pytest.raises(
        MusicError, match=f"here holds {told} can be used; train, validation and test need one each"
    ):
        split(pieces, tmp_path)


# ---------------------------------------------------------------------------------------------------
# Folds


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_each_piece_is_tested_in_one_fold_and_its_copies_in_the_same(tmp_path: Path, folds: int) -> None:
    pieces = [*MANY, *(shifted(piece, semitones=2) for piece in MANY[::3])]
    found = np.array(grouped(pieces, tmp_path), dtype=np.int32)
    where = places(sounds(pieces), found, 0)
    tested = np.zeros(len(pieces), dtype=int)
    for fold in range(folds):
        again = places(sounds(pieces), found, 0, salt=f"{fold}")
        of = fold_sides(where, again, found, 0.2, folds, fold, "here")
        assert set(of.tolist()) == {0, 1, 2}
        tested += of == SIDES.index("test")
        assert of.tolist() == of[found].tolist()
    assert tested.tolist() == [1] * len(pieces)


def test_a_fold_without_pieces_is_refused(tmp_path: Path) -> None:
    found = np.arange(3, dtype=np.int32)
    where = np.array([0.1, 0.2, 0.9])
    with pytest.raises(MusicError, match=r"fold 5 of 10 of here is empty or all there is, with 3 groups"):
        fold_sides(where, where, found, 0.1, 10, 5, "here")
