"""The token store: what is prepared once is there for good, whole after a kill, and the same whatever its files are called."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import melody
from tunes import scale, shifted, sounding

from musicexp.config import Config, compose
from musicexp.data import TokenStore, prepare_store, sequence
from musicexp.data import prepare as prepare_module
from musicexp.data.appending import Appending
from musicexp.data.prepare import music_of
from musicexp.errors import MusicError, StoreError
from musicexp.music import SIDES, Piece, write_midi
from musicexp.tokens import tokenizer


@pytest.fixture(scope="session")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tunes, two of which are one in two keys, and the cache of their readings."""
    place = tmp_path_factory.mktemp("store")
    (place / "music").mkdir()
    for seed in range(11):
        write_midi(melody(seed), place / "music" / f"tune{seed:02}.mid")
    write_midi(shifted(melody(3), semitones=2), place / "music" / "again.mid")
    prepared(place / "music")
    return place


@pytest.fixture
def folder(read_once: Path, tmp_path: Path) -> Path:
    """Those tunes, to change as a test likes; they are read already."""
    shutil.copytree(read_once / "music", tmp_path / "music")
    know(read_once, tmp_path / "cache")
    return tmp_path / "music"


def know(read_once: Path, cache: Path) -> Path:
    """A cache that knows the readings of the twelve tunes and no store."""
    cache.mkdir()
    shutil.copy(read_once / "cache" / "readings.sqlite", cache)
    return cache


def prepared(folder: Path, *more: str, cache: Path | None = None, strict: bool = False) -> TokenStore:
    config = settings(folder, *more)
    cache = cache or folder.parent / "cache"
    return prepare_store(config.dataset, config.split, config.tokens, cache, strict=strict, workers=1)


def settings(folder: Path, *more: str) -> Config:
    return compose(["dataset=midi", f"dataset.path={folder}", *more])


def texts(store: TokenStore) -> dict[str, list[list[str]]]:
    """The tokens of every sequence by side, whatever their ids."""
    return {
        side: sorted(
            store.vocabulary.decode(found.read(number).tolist())
            for first, count in zip(found.first.tolist(), found.variants.tolist(), strict=True)
            for number in range(first, first + count)
        )
        for side in SIDES
        for found in [store.sequences(side)]
    }


def files_of(store: TokenStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.iterdir() if path.suffix == ".bin"}


# ---------------------------------------------------------------------------------------------------
# What is in it


def test_a_store_holds_every_piece_as_its_tokenizer_writes_it(folder: Path) -> None:
    store = prepared(folder)
    spelling = tokenizer("notes")
    expected = sorted(
        spelling.tokens(piece) for _, reading in music_of(store, settings(folder).dataset, folder.parent / "cache")
        for piece in reading.pieces
    )  # fmt: skip
    found = texts(store)
    assert sorted(text for side in SIDES for text in found[side]) == expected
    data = store.summary
    assert (data.pieces, data.files, data.rejected, data.duplicates, data.groups) == (12, 12, 0, 1, 11)
    assert data.notes == sum(int(store.notes(side).sum()) for side in SIDES)
    first = store.sequences("train")[0]
    assert first.tolist() == sequence(first[1:-1]).tolist()


def test_names_and_places_change_nothing_but_names(folder: Path, tmp_path: Path) -> None:
    store = prepared(folder)
    other = tmp_path / "elsewhere"
    (other / "below").mkdir(parents=True)
    for number, file in enumerate(sorted(folder.iterdir(), reverse=True)):
        shutil.copy(file, other / "below" / f"{number} ♪.MID")
    again = prepared(other)
    assert again.summary.fingerprint == store.summary.fingerprint
    for side in SIDES:
        ours, theirs = store.sequences(side), again.sequences(side)
        assert [ours[i].tolist() for i in range(len(ours))] == [
            theirs[i].tolist() for i in range(len(theirs))
        ]


def test_what_was_prepared_is_opened_and_nothing_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = prepared(folder)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was prepared before")

    monkeypatch.setattr(prepare_module, "fill", never)
    assert prepared(folder).folder == store.folder
    with pytest.raises(AssertionError):
        prepared(folder, "split.seed=1")


def test_a_file_more_moves_only_its_group_and_that_is_said(folder: Path) -> None:
    before = prepared(folder)
    assert before.summary.moved == ""
    both = scale(*melody(0).pitch.tolist(), *melody(1).pitch.tolist())
    write_midi(both, folder / "medley.mid")
    after = prepared(folder)
    assert after.summary.fingerprint != before.summary.fingerprint
    assert "1 piece of new music came and 0 pieces went" in after.summary.moved
    sides = {int(c): int(s) for c, s in zip(before.table["content"], before.sides, strict=True)}
    moved = [
        sides.get(int(c), int(s)) != int(s) for c, s in zip(after.table["content"], after.sides, strict=True)
    ]
    assert f"{sum(moved)} of the others changed sides" in after.summary.moved
    assert sum(moved) <= 2


# ---------------------------------------------------------------------------------------------------
# Keys


def test_training_pieces_are_heard_in_other_keys_and_no_others_are(folder: Path) -> None:
    plain, moved = texts(prepared(folder)), texts(prepared(folder, "dataset.transpose=[-1,2]"))
    assert (moved["val"], moved["test"]) == (plain["val"], plain["test"])
    assert len(moved["train"]) == 4 * len(plain["train"])
    spelling = tokenizer("notes")
    for text in plain["train"]:
        piece = spelling.piece(text)
        for semitones in (-1, 0, 1, 2):
            assert spelling.tokens(shifted(piece, semitones=semitones)) in moved["train"]


def test_a_transposition_out_of_range_is_left_out_and_counted(tmp_path: Path) -> None:
    for low in (0, 40, 50, 60, 70):
        write_midi(scale(low, low + 3, low + 9, low + 2, duration=12 + low), tmp_path / f"{low}.mid")
    store = prepared(tmp_path, "dataset.transpose=2")
    lowest = store.table["notes"][store.on("train")].size * 5 - store.sequences("train").variants.sum()
    assert store.summary.transposed_out == lowest
    assert lowest in (0, 2)


def test_normalised_keys_are_c_and_a(tmp_path: Path) -> None:
    major = [0, 4, 7, 12, 11, 9, 7, 5, 4, 2, 0, 7, 0]
    for number, tonic in enumerate((58, 62, 65)):
        write_midi(scale(*(tonic + p for p in major), duration=12 + number), tmp_path / f"{tonic}.mid")
    store = prepared(tmp_path, "dataset.normalise_key=true")
    dataset = settings(tmp_path, "dataset.normalise_key=true").dataset
    pieces = [p for _, reading in music_of(store, dataset, tmp_path.parent / "cache") for p in reading.pieces]
    assert [sorted(set((piece.pitch % 12).tolist())) for piece in pieces] == [[0, 2, 4, 5, 7, 9, 11]] * 3


def test_parts_are_chosen(tmp_path: Path) -> None:
    for number in range(3):
        tune = [note._replace(part=1) for note in melody(number).notes()]
        bass = [
            note._replace(pitch=note.pitch - 24, part=0) for note in scale(*range(60, 72 + number)).notes()
        ]
        write_midi(Piece.of([*tune, *bass]), tmp_path / f"{number}.mid")
    write_midi(scale(60, 62), tmp_path / "one part.mid")
    second = prepared(tmp_path, "dataset.parts=2")
    assert list(second.rejected()) == [("one part.mid", "has no note in part 2; its parts are 1")]
    melodies = {tuple(sounding(piece)) for piece in all_of(second, tmp_path, "dataset.parts=2")}
    assert melodies == {tuple(sounding(melody(number))) for number in range(3)}
    top = all_of(prepared(tmp_path, "dataset.parts=skyline"), tmp_path, "dataset.parts=skyline")
    assert all(len(set(piece.onset.tolist())) == len(piece) for piece in top)
    assert all((piece.onset[1:] >= piece.onset[:-1] + piece.duration[:-1]).all() for piece in top)


def all_of(store: TokenStore, folder: Path, *more: str) -> list[Piece]:
    cache = folder.parent / "cache"
    return [
        p for _, reading in music_of(store, settings(folder, *more).dataset, cache) for p in reading.pieces
    ]


# ---------------------------------------------------------------------------------------------------
# Vocabulary and split


def test_a_vocabulary_of_the_training_pieces_alone(tmp_path: Path) -> None:
    for number in range(12):
        write_midi(
            scale(*range(40 + number, 52 + number), duration=6 + 3 * number), tmp_path / f"{number}.mid"
        )
    whole = prepared(tmp_path)
    nearest = prepared(tmp_path, "tokens.vocabulary=train", "split.test=.3")
    assert len(nearest.vocabulary) < len(whole.vocabulary)
    assert nearest.summary.replaced > 0
    trained = np.unique(np.concatenate([np.asarray(s) for s in nearest.sequences("train")]))
    assert len(trained) == len(nearest.vocabulary) - 1  # all but padding
    unknown = prepared(tmp_path, "tokens.vocabulary=train", "tokens.unknown=unknown", "split.test=.3")
    assert unknown.summary.replaced == nearest.summary.replaced
    assert unknown.vocabulary.unknown is not None
    counted = sum(int((ids == unknown.vocabulary.unknown).sum()) for ids in unknown.sequences("test"))
    counted += sum(int((ids == unknown.vocabulary.unknown).sum()) for ids in unknown.sequences("val"))
    assert counted == unknown.summary.replaced
    with pytest.raises(
        MusicError, match=r"held-out piece cannot be written .*train with tokens\.vocabulary=corpus"
    ):
        prepared(tmp_path, "tokens.vocabulary=train", "tokens.unknown=error", "split.test=.3")


def test_duplicates_may_stand_apart_if_that_is_asked_for(tmp_path: Path) -> None:
    for number in range(12):  # one phrase in all, with other notes around it
        around = melody(number).pitch.tolist()
        write_midi(scale(*around, *melody(99).pitch.tolist(), *around[::-1]), tmp_path / f"{number}.mid")
    with pytest.raises(MusicError, match="holds 1 different piece that can be used"):
        prepared(tmp_path)
    apart = prepared(tmp_path, "split.grouped=false")
    assert (apart.summary.groups, apart.summary.duplicates) == (1, 11)
    assert set(apart.sides.tolist()) == {0, 1, 2}


@pytest.mark.slow
def test_folds_are_of_whole_groups(folder: Path) -> None:
    tested: list[int] = []
    for fold in range(3):
        store = prepared(folder, "split.folds=3", f"split.fold={fold}")
        tested += store.table["content"][store.on("test")].tolist()
        assert set(store.sides.tolist()) == {0, 1, 2}
    assert len(tested) == len(set(tested)) == 12


# ---------------------------------------------------------------------------------------------------
# What goes wrong


def test_the_first_rejection_is_an_error_if_nothing_may_pass(folder: Path) -> None:
    (folder / "bad.mid").write_text("no MIDI")
    for _ in range(2):  # read now, and known from the cache
        with pytest.raises(MusicError, match=r"^bad\.mid cannot be used: it is no MIDI file.*strict=true"):
            prepared(folder, strict=True)
    store = prepared(folder)
    assert store.summary.rejected == 1
    assert store.rejected_csv().decode().splitlines() == [
        "file,reason",
        'bad.mid,"it is no MIDI file, or a damaged one"',
    ]
    with pytest.raises(MusicError, match="strict=true"):  # from the store that is there
        prepared(folder, strict=True)


@pytest.mark.parametrize("damage", ["tokens.bin", "sides.bin", "store.json", "pieces.bin"])
def test_a_damaged_store_is_one_sentence(folder: Path, damage: str) -> None:
    store = prepared(folder)
    path = store.folder / damage
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(
        StoreError, match=r"the prepared data in .* are damaged .*; delete that folder"
    ) as caught:
        prepared(folder)
    assert "\n" not in str(caught.value)


def test_a_cache_that_may_not_be_written_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match=r"taken.*set MUSICEXP_CACHE to another folder"):
        prepared(folder, cache=tmp_path / "taken")


@pytest.mark.parametrize("at", range(1, 9))
def test_a_preparation_goes_on_where_it_was_killed(
    folder: Path, read_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The same bytes, from wherever a kill left its files."""
    whole = files_of(prepared(folder))
    cut = know(read_once, tmp_path / "cut")
    monkeypatch.setattr("musicexp.data.survey.COMMIT_EVERY", 3)
    monkeypatch.setattr("musicexp.data.writing.COMMIT_EVERY", 3)
    commit, writes = Appending.commit, iter(range(1, 100))

    def killed(self: Appending, state: dict[str, object]) -> None:
        if next(writes) == at:
            self.write("first.bin" if "names" in state else "pieces.bin", b"half a rec")
            raise KeyboardInterrupt
        commit(self, state)

    monkeypatch.setattr(Appending, "commit", killed)
    with pytest.raises(KeyboardInterrupt):
        prepared(folder, cache=cut)
    monkeypatch.setattr(Appending, "commit", commit)
    assert files_of(prepared(folder, cache=cut)) == whole


@pytest.mark.slow
def test_a_killed_process_leaves_what_it_read(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(400):
        write_midi(dataclasses.replace(melody(seed)), folder / f"{seed}.mid")
    code = (
        "import sys; from pathlib import Path; from musicexp.config import compose; from musicexp.data import prepare_store\n"
        "c = compose(['dataset=midi', 'dataset.path=' + sys.argv[1]])\n"
        "def told(what, ready, whole):\n"
        "    print(what, ready, flush=True)\n"
        "prepare_store(c.dataset, c.split, c.tokens, Path(sys.argv[2]), progress=told, workers=1)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "cache")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    said = [next(child.stdout) for _ in range(4)]
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert said[-1].startswith("reading the music")
    told: list[tuple[str, int, int]] = []
    config = settings(folder)
    prepare_store(
        config.dataset, config.split, config.tokens, tmp_path / "cache",
        progress=lambda *now: told.append(now), workers=1,
    )  # fmt: skip
    first = next(ready for what, ready, _ in told if what == "reading the music")
    assert first > int(said[-1].split()[-1])
    assert told[-1] == ("writing tokens", 400, 400)
