"""Corpora: what is read is kept, what cannot be used is told, and no piece stands on two sides."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import HEAD, melodies, quickly, scale, shifted, sounding

from musicexp.errors import MusicError, StoreError
from musicexp.music import SIDES, Corpus, Piece, Side, Split, read_corpus, split_corpus, write_midi
from musicexp.music import corpus as corpus_module
from musicexp.music.cache import ReadingCache, reading_key
from musicexp.music.reader import Reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three MIDI tunes, one of them below, an ABC book of two, and a file that is no music."""
    folder = tmp_path / "music"
    (folder / "below").mkdir(parents=True)
    write_midi(scale(60, 62, 64), folder / "a.mid")
    write_midi(scale(60, 64, 67), folder / "below" / "b.MID")
    write_midi(scale(72, 71), folder / "ü ♪.midi")
    (folder / "book.abc").write_text(f"{HEAD}CDE\n\n{HEAD}GAB\n", encoding="utf-8")
    (folder / "readme.txt").write_text("no music")
    return folder


def read(folder: Path, cache: Path, limit: int = 0) -> Corpus:
    return read_corpus("mine", None, str(folder), cache, limit=limit, workers=1)


def heard(corpus: Corpus) -> list[tuple[str, list[tuple[int, int, int]]]]:
    return [(piece.name, sounding(piece)) for piece in corpus.pieces]


def never(batches: Sequence[object], workers: int) -> list[dict[str, object]]:
    """Stands for reading where nothing may be left to read."""
    assert not batches, "it was read before"
    return []


# ---------------------------------------------------------------------------------------------------
# Reading


def test_a_folder_is_read_in_order_of_name(folder: Path, tmp_path: Path) -> None:
    corpus = read(folder, tmp_path / "cache")
    names = ["a.mid", "below/b.MID", "book.abc#1", "book.abc#2", "ü ♪.midi"]
    assert [piece.name for piece in corpus.pieces] == names
    assert (corpus.rejected, corpus.notes, corpus.source) == ((), 14, str(folder))


def test_what_was_read_once_is_not_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bad.mid").write_text("no MIDI")
    first = read(folder, tmp_path / "cache")
    monkeypatch.setattr(corpus_module, "_mapped", never)
    second = read(folder, tmp_path / "cache")
    assert heard(second) == heard(first)
    assert second.rejected == first.rejected
    assert second.fingerprint == first.fingerprint
    for one, other in zip(first.pieces, second.pieces, strict=True):
        assert one.notes() == other.notes()
        assert (one.tempo, one.metre, one.key, one.abc) == (other.tempo, other.metre, other.key, other.abc)


def test_renamed_files_keep_their_readings_under_new_names(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bad.mid").write_text("no MIDI")
    first = read(folder, tmp_path / "cache")
    (folder / "book.abc").rename(folder / "below" / "boek.abc")
    (folder / "bad.mid").rename(folder / "worse.mid")
    monkeypatch.setattr(corpus_module, "_mapped", never)
    second = read(folder, tmp_path / "cache")
    assert {piece.name for piece in second.pieces} >= {"below/boek.abc#1", "below/boek.abc#2"}
    assert [what for what, _ in second.rejected] == ["worse.mid"]
    assert second.fingerprint == first.fingerprint


def test_two_files_of_one_content_are_two_pieces(folder: Path, tmp_path: Path) -> None:
    (folder / "copy.mid").write_bytes((folder / "a.mid").read_bytes())
    for _ in range(2):
        corpus = read(folder, tmp_path / "cache")
        same = [
            piece.name
            for piece in corpus.pieces
            if piece.name.endswith(".mid") and sounding(piece) == sounding(corpus.pieces[0])
        ]
        assert same == ["a.mid", "copy.mid"]


def test_the_limit_takes_the_first_files(folder: Path, tmp_path: Path) -> None:
    assert [p.name for p in read(folder, tmp_path / "cache", limit=2).pieces] == ["a.mid", "below/b.MID"]


def test_progress_is_told_to_the_end(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    read_corpus("mine", None, str(folder), tmp_path / "c", progress=lambda *now: told.append(now), workers=1)
    assert told == [(4, 4)]


def test_links_that_lead_nowhere_or_round_are_no_obstacle(folder: Path, tmp_path: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "self.mid").symlink_to(folder / "self.mid")
    (folder / "nothing.mid").symlink_to(folder / "gone.mid")
    corpus = read(folder, tmp_path / "cache")
    assert len(corpus.pieces) == 5
    assert [what for what, _ in corpus.rejected] == ["nothing.mid", "self.mid"]
    assert corpus.rejected[0][1] == "No such file or directory"


def test_a_bundled_collection(tmp_path: Path) -> None:
    corpus = read_corpus("ryans", "ryansMammoth", None, tmp_path, limit=3, workers=1)
    assert (corpus.source, len(corpus.pieces), corpus.pieces[0].name) == (
        "ryansMammoth",
        3,
        "42dHighlandRegimentStrathspey.abc",
    )
    assert all(piece.abc for piece in corpus.pieces)


# ---------------------------------------------------------------------------------------------------
# What cannot be read


@pytest.mark.parametrize(
    ("collection", "make", "sentence"),
    [
        (
            "nosuch",
            None,
            "music21's bundled corpus has no collection 'nosuch' with ABC or MIDI files in it; take dataset=ryans",
        ),
        ("bach", None, "no collection 'bach' with ABC or MIDI files in it"),
        (
            None,
            "missing",
            r"dataset\.path=.*missing: no such folder \(looked in .*\); name a folder of \.mid or \.abc files",
        ),
        (None, "file", r"dataset\.path=.*file is a file; name the folder that holds the music"),
        (None, "empty", r"empty holds no music: looked for \.mid \.midi \.abc files in it and below it"),
        (
            None,
            "bad",
            r"none of the 2 files in .*bad can be used: it is no MIDI file, or a damaged one \(1 times\); holds no note \(1 times\)",
        ),
    ],
)
def test_no_music_is_one_sentence(
    tmp_path: Path, collection: str | None, make: str | None, sentence: str
) -> None:
    path = None if make is None else tmp_path / make
    if make == "file":
        (tmp_path / make).write_text("")
    if make in ("empty", "bad"):
        (tmp_path / make).mkdir()
    if make == "bad":
        (tmp_path / make / "a.mid").write_text("no MIDI")
        write_midi(Piece.of([]), tmp_path / make / "b.mid")
    with pytest.raises(MusicError, match=sentence) as caught:
        read_corpus("x", collection, None if path is None else str(path), tmp_path / "cache", workers=1)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_made_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(
        StoreError, match=r"the cache of read music cannot be made in .*taken: .*set MUSICEXP_CACHE"
    ):
        read(folder, tmp_path / "taken")
    with pytest.raises(StoreError, match=r"cannot be made in .*below: Not a directory"):
        read(folder, tmp_path / "taken" / "below")


@pytest.mark.parametrize("damage", ["text", "rows", "table"])
def test_a_damaged_cache_is_one_sentence(folder: Path, tmp_path: Path, damage: str) -> None:
    """A damaged row ended in a JSONDecodeError."""
    import sqlite3

    read(folder, tmp_path)
    path = tmp_path / "readings.sqlite"
    if damage == "text":
        path.write_text("this is no database, but long enough to be looked at" * 30)
    else:
        db = sqlite3.connect(path)
        with db:
            db.execute(
                "UPDATE readings SET reading = substr(reading, 1, 40)"
                if damage == "rows"
                else "DROP TABLE readings"
            )
            if damage == "table":
                db.execute("CREATE TABLE readings (other TEXT)")
        db.close()
    with pytest.raises(
        StoreError, match=r"readings\.sqlite cannot be used: .*delete that file: it is made again"
    ) as caught:
        read(folder, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_key_is_of_content_and_kind(tmp_path: Path) -> None:
    for name, content in (("a.mid", b"1"), ("b.MID", b"1"), ("a.abc", b"1"), ("c.mid", b"2")):
        (tmp_path / name).write_bytes(content)
    keys = {name: reading_key(tmp_path / name) for name in ("a.mid", "b.MID", "a.abc", "c.mid")}
    assert keys["a.mid"] == keys["b.MID"]
    assert len(set(keys.values())) == 3


def test_two_processes_fill_one_cache(folder: Path, tmp_path: Path) -> None:
    for i in range(40):
        write_midi(scale(40 + i, 41 + i), folder / f"more{i}.mid")
    code = (
        "import sys; from pathlib import Path; from musicexp.music import read_corpus;"
        "print(read_corpus('x', None, sys.argv[1], Path(sys.argv[2]), workers=1).fingerprint)"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(folder), str(tmp_path / "new" / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told == [read(folder, tmp_path / "new" / "cache").fingerprint] * 2
    keys = [reading_key(file) for file in folder.rglob("*.mid")]
    assert len(ReadingCache(tmp_path / "new" / "cache").get(keys)) == len(set(keys))


@pytest.mark.slow
def test_reading_in_several_processes_is_reading_in_one(folder: Path, tmp_path: Path) -> None:
    for i in range(40):
        write_midi(scale(40 + i, 41 + i), folder / f"more{i}.mid")
    several = read_corpus("x", None, str(folder), tmp_path / "several", workers=2)
    assert heard(several) == heard(read(folder, tmp_path / "one"))


# ---------------------------------------------------------------------------------------------------
# Sides


def corpus_of(pieces: Sequence[Piece]) -> Corpus:
    return Corpus("x", "here", tuple(pieces), ())


def sides(split: Split) -> dict[str, Side]:
    return {piece.fingerprint(): side for side in SIDES for piece in split[side]}


MANY = [scale(*range(40, 40 + n), duration=d) for n in range(2, 32) for d in range(1, 11)]


def test_a_split_is_disjoint_complete_and_told_by_its_seed() -> None:
    corpus = corpus_of(MANY)
    split = split_corpus(corpus, seed=0, val=0.1, test=0.1)
    assert sum(len(split[side]) for side in SIDES) == len(MANY) == len(sides(split))
    assert sides(split_corpus(corpus_of(MANY[::-1]), seed=0, val=0.1, test=0.1)) == sides(split)
    assert sides(split_corpus(corpus, seed=1, val=0.1, test=0.1)) != sides(split)
    assert {side: len(split[side]) for side in SIDES} == {"train": 245, "val": 30, "test": 25}
    assert len(split_corpus(corpus, seed=0, val=0.3, test=0.1).val) > 2 * len(split.val)


def test_a_piece_and_its_transpositions_stand_on_one_side() -> None:
    keys = [shifted(piece, semitones=k, steps=24 * k) for piece in MANY[::3] for k in (0, 1, 5)]
    split = split_corpus(corpus_of(keys), seed=0, val=0.2, test=0.2)
    families = {side: {piece.family() for piece in split[side]} for side in SIDES}
    assert sum(len(split[side]) for side in SIDES) == len(keys)
    assert not families["train"] & families["val"]
    assert not families["train"] & families["test"]
    assert not families["val"] & families["test"]


@quickly
@given(st.integers(0, 100), melodies())
def test_another_piece_moves_none_of_those_that_were_there(seed: int, more: Piece) -> None:
    before = sides(split_corpus(corpus_of(MANY), seed=seed, val=0.1, test=0.1))
    after = sides(split_corpus(corpus_of([*MANY, more]), seed=seed, val=0.1, test=0.1))
    assert {piece: after[piece] for piece in before} == before


@quickly
@given(
    st.integers(3, 12),
    st.integers(0, 50),
    st.sampled_from([0.001, 0.1, 0.49]),
    st.sampled_from([0.001, 0.3, 0.49]),
)
def test_no_side_is_empty_from_three_families_on(size: int, seed: int, val: float, test: float) -> None:
    split = split_corpus(corpus_of(MANY[:size]), seed=seed, val=val, test=test)
    assert all(len(split[side]) >= 1 for side in SIDES)
    assert sum(len(split[side]) for side in SIDES) == size


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([scale(60)], "1 different piece that"),
        ([scale(60, 62), scale(62, 64), scale(60)], "2 different pieces that"),
    ],
)
def test_fewer_than_three_families_cannot_be_split(pieces: list[Piece], told: str) -> None:
    with pytest.raises(
        MusicError, match=f"here holds {told} can be used; train, validation and test need one each"
    ):
        split_corpus(corpus_of(pieces), seed=0, val=0.1, test=0.1)


def test_a_fingerprint_is_of_what_sounds() -> None:
    corpus = corpus_of(MANY[:5])
    assert corpus_of(MANY[4::-1]).fingerprint == corpus.fingerprint
    assert corpus_of(MANY[:4]).fingerprint != corpus.fingerprint
    assert corpus_of([*MANY[:4], MANY[3]]).fingerprint != corpus_of(MANY[:4]).fingerprint


def test_a_reader_that_dies_rejects_one_file_and_another_goes_on(tmp_path: Path) -> None:
    """A process pool whose child was killed lost every file that was still to be read."""
    write_midi(MANY[0], tmp_path / "good.mid")
    reader = Reader()
    assert reader.read(tmp_path / "good.mid", "good.mid").pieces
    assert reader._child
    os.kill(reader._child.pid, signal.SIGSTOP)
    os.kill(reader._child.pid, signal.SIGKILL)
    died = reader.read(tmp_path / "good.mid", "good.mid")
    assert died.rejected == [("good.mid", "the reading process died of it (exit code -9)")]
    assert reader.read(tmp_path / "good.mid", "good.mid").pieces
    reader.close()


def test_a_script_without_a_main_guard_may_read(tmp_path: Path) -> None:
    """multiprocessing imported the caller's script anew, which then began to read, and so on."""
    folder = tmp_path / "music"
    folder.mkdir()
    for i, piece in enumerate(MANY * 6):
        write_midi(dataclasses.replace(piece, pitch=piece.pitch % 90 + i % 30), folder / f"{i}.mid")
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom musicexp.music import read_corpus\n"
        f"print('read', len(read_corpus('x', None, {str(folder)!r}, Path({str(tmp_path / 'cache')!r}), workers=2).pieces))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == f"read {len(MANY) * 6}\n", done.stderr
