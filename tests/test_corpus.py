"""Corpora: what is read is kept, what cannot be used is told, and what cannot be trusted another day is not kept."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tunes import HEAD, scale, sounding

from musicexp.config import compose
from musicexp.data import prepare_store
from musicexp.errors import MusicError, StoreError
from musicexp.music import Piece, Reading, write_midi
from musicexp.music import corpus as corpus_module
from musicexp.music import reader as reader_module
from musicexp.music.cache import ReadingCache
from musicexp.music.corpus import fill, readings, source_of
from musicexp.music.files import Listing

HANG = """
import sys; sys.path[:] = sys.argv[3:]
from musicexp.music import reader, reading
whole = reading.read_abc
def read_abc(tune, name):
    while "hang" in tune:
        pass
    return whole(tune, name)
reading.read_abc = read_abc
import music21.abcFormat  # not in the first tune's time
reader.serve(1.0, int(sys.argv[2]))
"""
"""A child for which a tune may last too long."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three MIDI tunes, one of them below, an ABC book of two, and a file that is no music."""
    folder = tmp_path / "music"
    (folder / "below").mkdir(parents=True)
    write_midi(scale(60, 62, 64), folder / "a.mid")
    write_midi(scale(60, 64, 67), folder / "below" / "b.MID")
    write_midi(scale(72, 71), folder / "ü ♪.midi")
    (folder / "book.abc").write_text(f"{HEAD}CDE\n\n{HEAD}GAB\n", encoding="utf-8")
    (folder / "bad.mid").write_text("no music")
    return folder


def read(folder: Path, cache: Path, workers: int = 1, limit: int = 0) -> list[Reading]:
    """As `prepare_store` reads."""
    source, known = source_of(None, str(folder)), ReadingCache(cache)
    with Listing(cache / "list") as listing:
        listing.fill(source.root, source.wanted, limit, "symusic")
        fill(listing, source, known, "symusic", lambda *_: None, workers)
        return [reading for _, reading in readings(listing, source, known)]


def heard(found: list[Reading]) -> list[tuple[str, list[tuple[int, int, int]]]]:
    return [(piece.name, sounding(piece)) for reading in found for piece in reading.pieces]


def rejected(found: list[Reading]) -> list[tuple[str, str]]:
    return [pair for reading in found for pair in reading.rejected]


def never(*_: object) -> None:
    raise AssertionError("it was read before")


# ---------------------------------------------------------------------------------------------------
# Read once


def test_what_was_read_once_is_not_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(folder, tmp_path / "cache")
    names = ["a.mid", "below/b.MID", "book.abc#1", "book.abc#2", "ü ♪.midi"]
    assert [name for name, _ in heard(first)] == names
    assert rejected(first) == [("bad.mid", "it is no MIDI file, or a damaged one")]
    monkeypatch.setattr(reader_module.Reader, "_started", never)
    second = read(folder, tmp_path / "cache")
    assert heard(second) == heard(first)
    assert rejected(second) == rejected(first)
    for one, other in zip(first, second, strict=True):
        for piece, again in zip(one.pieces, other.pieces, strict=True):
            assert piece.notes() == again.notes()
            assert (piece.tempo, piece.metre, piece.key, piece.abc) == (
                again.tempo, again.metre, again.key, again.abc,
            )  # fmt: skip
    assert [name for name, _ in heard(read(folder, tmp_path / "cache", limit=2))] == ["a.mid"]


def test_a_reading_keeps_ticks_and_fermatas(tmp_path: Path) -> None:
    """Of each column where it is there, whatever others are: pieces with and without, in one reading."""
    plain = scale(60, 62, 64)
    marked = dataclasses.replace(plain, fermata=np.array([False, True, True]))
    onset, duration = np.arange(3), np.ones(3, dtype=np.int64)
    moved = [
        dataclasses.replace(each, onset_ticks=onset, duration_ticks=duration) for each in (plain, marked)
    ]
    pieces = [marked, plain, *moved]
    cache = ReadingCache(tmp_path)
    cache.put({"key": Reading("source", pieces)})
    for piece, again in zip(pieces, cache.get(["key"])["key"].pieces, strict=True):
        for field in dataclasses.fields(Piece):
            mine, its = getattr(piece, field.name), getattr(again, field.name)
            assert np.array_equal(mine, its), field.name
            assert getattr(mine, "dtype", None) == getattr(its, "dtype", None), field.name


def test_renamed_files_keep_their_readings_under_new_names(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(folder, tmp_path / "cache")
    (folder / "book.abc").rename(folder / "below" / "boek.abc")
    (folder / "bad.mid").rename(folder / "worse.mid")
    (folder / "copy.mid").write_bytes((folder / "a.mid").read_bytes())  # of one content, and two pieces
    monkeypatch.setattr(reader_module.Reader, "_started", never)
    second = read(folder, tmp_path / "cache")
    assert [what for what, _ in rejected(second)] == ["worse.mid"]
    renamed = dict(heard(second))
    assert renamed["below/boek.abc#2"] == dict(heard(first))["book.abc#2"]
    assert renamed["copy.mid"] == renamed["a.mid"]


@pytest.mark.slow
def test_two_processes_fill_one_cache(folder: Path, tmp_path: Path) -> None:
    """Each with two children; what is there twice is read once."""
    for i in range(40):
        write_midi(scale(40 + i // 2, 41 + i // 2), folder / f"more{i}.mid")
    code = (
        "import sys; from pathlib import Path\n"
        "from musicexp.music.cache import ReadingCache\n"
        "from musicexp.music.corpus import fill, readings, source_of\n"
        "from musicexp.music.files import Listing\n"
        "source, known = source_of(None, sys.argv[1]), ReadingCache(Path(sys.argv[2]))\n"
        "with Listing(Path(sys.argv[3])) as listing:\n"
        "    listing.fill(source.root, source.wanted, 0, 'symusic')\n"
        "    fill(listing, source, known, 'symusic', lambda *_: None, 2)\n"
        "    print(sum(len(r.pieces) for _, r in readings(listing, source, known)))\n"
    )
    # A script without a main guard at that, which multiprocessing would have called again and again.
    (tmp_path / "script.py").write_text(code)
    cache = tmp_path / "new" / "cache"
    both = [
        subprocess.Popen(
            [sys.executable, "-W", "error", tmp_path / "script.py", folder, cache, tmp_path / f"list{i}"],
            stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        )
        for i in range(2)
    ]  # fmt: skip
    assert [process.communicate(timeout=60)[0] for process in both] == ["45\n", "45\n"]
    names = [name for name, _ in heard(read(folder, cache))]
    assert len(names) == 45
    assert names == sorted(names, key=str.encode)


# ---------------------------------------------------------------------------------------------------
# What is not kept


@pytest.mark.slow
def test_a_tune_that_took_too_long_today_may_be_read_tomorrow(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its whole book was lost, and a second file of that content ended in a KeyError."""
    text = f"{HEAD}CDE\n\n{HEAD}GAB % hang\n"
    for name in ("book.abc", "copy.abc"):
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(reader_module, "PROGRAM", HANG)
    today = read(folder, tmp_path / "cache", workers=2)
    names = {name for name, _ in heard(today)}
    assert {"book.abc#1", "copy.abc#1"} <= names
    assert not {"book.abc#2", "copy.abc#2"} & names
    assert {what: "took more than" in why for what, why in rejected(today)} == {
        "bad.mid": False,
        "book.abc#2": True,
        "copy.abc#2": True,
    }
    monkeypatch.undo()
    assert {"book.abc#2", "copy.abc#2"} <= {name for name, _ in heard(read(folder, tmp_path / "cache"))}


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_file_that_changes_between_listing_and_reading_spoils_nothing(
    folder: Path, tmp_path: Path, change: str
) -> None:
    """The notes of the new content were kept for the old one's key, and 'no such file' as a fault of its content."""
    before = (folder / "a.mid").read_bytes()
    source, known = source_of(None, str(folder)), ReadingCache(tmp_path / "cache")
    with Listing(tmp_path / "list") as listing:
        listing.fill(source.root, source.wanted, 0, "symusic")
        if change == "gone":
            (folder / "a.mid").unlink()
        else:
            write_midi(scale(80, 81, 82, 83), folder / "a.mid")
        fill(listing, source, known, "symusic", lambda *_: None, 1)
        why = dict(rejected([reading for _, reading in readings(listing, source, known)]))["a.mid"]
        assert why.startswith("No such file" if change == "gone" else "changed while it was read")
    (folder / "a.mid").write_bytes(before)
    assert dict(heard(read(folder, tmp_path / "cache")))["a.mid"] == sounding(scale(60, 62, 64))


# ---------------------------------------------------------------------------------------------------
# What is told


@pytest.mark.parametrize("damage", ["text", "rows", "table", "gone"])
def test_a_damaged_cache_is_one_sentence(folder: Path, tmp_path: Path, damage: str) -> None:
    """A damaged row ended in a JSONDecodeError; one that is gone in a KeyError."""
    source, known, path = source_of(None, str(folder)), ReadingCache(tmp_path), tmp_path / "readings.sqlite"
    with Listing(tmp_path / "list") as listing:
        listing.fill(source.root, source.wanted, 0, "symusic")
        known.put({file.key: Reading("x", [scale(60)]) for file in listing.files(source.root)})
    if damage == "text":
        path.write_text("this is no database, but long enough to be looked at" * 30)
    else:
        db = sqlite3.connect(path)
        with db:
            if damage == "rows":
                db.execute("UPDATE readings SET reading = substr(reading, 1, 40)")
            elif damage == "gone":
                db.execute("DELETE FROM readings")
            else:
                db.execute("DROP TABLE readings")
                db.execute("CREATE TABLE readings (other TEXT)")
        db.close()
    told = "no longer has a.mid; delete" if damage == "gone" else "cannot be used: .*delete that file"
    with (
        pytest.raises(
            StoreError, match=rf"readings\.sqlite {told}.*: it is made again from the music"
        ) as caught,
        Listing(tmp_path / "list") as listing,
    ):
        list(readings(listing, source, ReadingCache(tmp_path)))
    assert "\n" not in str(caught.value)


def prepare(folder: str | None, cache: Path, collection: str = "null") -> None:
    config = compose(["dataset=midi", f"dataset.path={folder or 'x'}"])
    dataset = config.dataset
    if collection != "null":
        dataset = compose(["dataset=ryans", f"dataset.collection={collection}"]).dataset
    prepare_store(dataset, config.split, config.tokens, cache, workers=1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        ("missing", r"dataset\.path=.*missing: no such folder \(looked in .*\); name a folder of \.mid .*\.krn files"),
        ("file", r"dataset\.path=.*file is a file; name the folder that holds the music"),
        ("x" * 300, r"dataset\.path=x+ cannot be looked into: File name too long"),
        ("~nobody-of-this-name/x", r"cannot be looked into: RuntimeError: Could not determine home"),
        ("empty", r"empty holds no music: looked for \.mid .* \.krn files in it and below it"),
    ],
)  # fmt: skip
def test_no_music_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str, sentence: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MusicError, match=sentence) as caught:
        prepare(make, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_an_unknown_collection_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MusicError, match=r"no collection 'ryansMamoth'; did you mean ryansMammoth"):
        prepare(None, tmp_path, "ryansMamoth")


def test_no_usable_piece_is_told_with_the_three_commonest_reasons(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(9):
        path = folder / f"{number}.mid"
        if number < 4:
            path.write_text(f"no MIDI {number}")
        elif number < 7:
            write_midi(Piece.of([], str(number)), path)
        elif number < 8:
            path.symlink_to(folder / "nothing")
        else:
            (folder / "x.abc").write_text("C D E")
            path.symlink_to("/dev/zero")
            (folder / "y.abc").write_text("no tune either")
    with pytest.raises(MusicError) as caught:
        prepare(str(folder), tmp_path / "cache")
    assert str(caught.value) == (
        f"none of the 11 files in {folder} can be used: it is no MIDI file, or a damaged one (4 times); "
        "holds no note (3 times); "
        "holds no tune: an ABC tune begins with a line X:1 and has a line K: (2 times)"
    )


def test_the_first_rejection_ends_reading_if_nothing_may_pass(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was read by then is kept."""
    source, known = source_of(None, str(folder)), ReadingCache(tmp_path / "cache")
    with Listing(tmp_path / "list") as listing:
        listing.fill(source.root, source.wanted, 0, "symusic")
        with pytest.raises(
            MusicError, match=r"^bad\.mid cannot be used: it is no MIDI file.*\(strict=true lets"
        ):
            fill(listing, source, known, "symusic", lambda *_: None, 1, strict=True)
        keys = [file.key for file in listing.files(source.root)]
    assert len(known.get(keys)) == 2
    monkeypatch.setattr(corpus_module, "ANSWERS_KEPT", 1)
    told: list[tuple[str, int, int]] = []
    with Listing(tmp_path / "list") as listing:
        fill(listing, source, known, "symusic", lambda *now: told.append(now), 1)
    assert [ready for _, ready, _ in told] == [3, 4, 5]
    assert told[-1] == ("reading the music", 5, 5)
