"""Collections: each card's files, counts and words are those of the installed music21."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from tunes import fermatas, scale

from musicexp.config import compose
from musicexp.data import prepare_store
from musicexp.errors import MusicError
from musicexp.music import Note, Piece, read_file
from musicexp.music.collections import (
    COLLECTIONS,
    Collection,
    collection,
    collection_names,
    corpus_dir,
    parts,
)
from musicexp.music.tunes import tunes_of


def pieces(card: Collection, files: int | None = None) -> list[Piece]:
    """What the collection holds, or its first files; nothing in it may be rejected."""
    found = []
    for path in card.paths()[:files]:
        reading = read_file(path, reader="graces" if card.graces else "symusic")
        assert reading.rejected == []
        found += [kept for piece in reading.pieces if (kept := card.kept(piece)) is not None]
    return found


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("ryansMammoth", 1059),
        ("airdsAirs", 6),
        ("oneills1850", 39),
        ("essenFolksong", 31),
        ("kinder", 1),
        ("chorales", 408),
        ("sopranos", 185),
        ("pearce_chorales", 185),
        ("bach", 413),
    ],
)
def test_files(name: str, files: int) -> None:
    assert len(collection(name).paths()) == files


@pytest.mark.parametrize("name", ["ryansMammoth", "airdsAirs", "oneills1850", "essenFolksong", "kinder"])
def test_tunes_are_as_many_as_the_card_says(name: str) -> None:
    card = collection(name)
    found = sum(
        1 for path in card.paths() for _ in tunes_of(path.read_text(encoding="utf-8-sig", errors="replace"))
    )
    assert found == card.pieces


def test_kinder_is_the_data_set_of_pearce() -> None:
    """Dataset 7 of his table: 213 melodies, 8,393 events, 27 pitches."""
    found = pieces(collection("kinder"))
    assert (len(found), sum(map(len, found))) == (213, 8393)
    assert len({pitch for piece in found for pitch in piece.pitch.tolist()}) == 27


@pytest.mark.slow
def test_sopranos_are_the_data_set_of_pearce() -> None:
    """Dataset 2 of his table: 185 melodies, 9,227 events (three of them grace notes), 21 pitches."""
    found = pieces(collection("sopranos"))
    assert (len(found), sum(map(len, found))) == (185, 9224)
    assert len({pitch for piece in found for pitch in piece.pitch.tolist()}) == 21
    assert {part for piece in found for part in piece.part.tolist()} == {0}


@pytest.mark.slow
def test_the_phrases_of_the_sopranos() -> None:
    """1,143 fermatas, at least one in each; with the five above a tied note that goes on, all end with one."""
    card = collection("pearce_chorales")
    read = [piece for path in card.paths() for piece in read_file(path, reader="graces").pieces]
    found = [fermatas(kept) for piece in read if (kept := card.kept(piece)) is not None]
    assert (len(found), sum(map(sum, found))) == (185, 1143)
    assert all(marks[-1] for marks in found)


@pytest.mark.slow
def test_chorales_are_as_many_as_the_card_says() -> None:
    found = pieces(collection("chorales"))
    assert len(found) == collection("chorales").pieces == 364
    assert sum(map(len, found)) == 84_737  # ties are joined, and what two parts have is there twice


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ryansMammoth", "airdsAirs", "oneills1850", "essenFolksong"])
def test_tune_books_are_as_many_as_the_card_says(name: str) -> None:
    assert len(pieces(collection(name))) == collection(name).pieces


@pytest.mark.slow
def test_chorales_have_four_parts() -> None:
    card = collection("chorales")
    found = pieces(card, 7)
    assert 0 < len(found) <= 7
    assert all(parts(piece) == 4 for piece in found)
    assert card.kept(Piece.of([Note(0, 24, 60, 80, part) for part in range(5)])) is None
    assert not card.wants("bwv277.krn")
    silent = Piece.of([Note(0, 24, 60)], parts=("S", "A", "T", "B"))
    assert card.kept(silent) is silent


def test_a_soprano_is_the_first_part_alone() -> None:
    card = collection("sopranos")
    both = Piece.of([Note(0, 24, 72), Note(0, 24, 60, part=1)], "bwv300.mxl", parts=("Soprano", "Bass"))
    kept = card.kept(both)
    assert kept is not None
    assert (kept.pitch.tolist(), kept.parts) == ([72], ("Soprano",))
    assert card.kept(Piece.of([Note(0, 24, 60, part=1)])) is None


def test_the_low_note_of_bwv_254_is_read_an_octave_up() -> None:
    card = collection("sopranos")
    for name, pitch in (("bach/bwv254.mxl", 69), ("bach/bwv255.mxl", 57)):
        kept = card.kept(scale(60, 57, name=name))
        assert kept is not None
        assert kept.pitch.tolist() == [60, pitch]
    [piece] = read_file(corpus_dir() / "bach" / "bwv254.mxl").pieces
    kept = card.kept(piece)
    assert kept is not None
    soprano = piece.pitch[piece.part == 0]
    assert (Counter(soprano.tolist())[57], Counter(kept.pitch.tolist())[57]) == (1, 0)
    assert kept.parts == ("Soprano",)


def test_sopranos_wants_one_file_a_number() -> None:
    """Where there is **kern it is taken, whose repeats are written as repeats."""
    numbers = [re.findall(r"\d+", path.name)[0] for path in collection("sopranos").paths()]
    assert sorted(map(int, numbers)) == [n for n in range(253, 439) if n != 267]
    wants = collection("sopranos").wants
    assert [name for name in ("bwv252.mxl", "bwv253.mxl", "bwv267.mxl", "bwv277.mxl", "bwv277.krn", "bwv438.mxl", "bwv439.mxl", "bwv25.6.mxl") if wants(name)] == ["bwv253.mxl", "bwv277.krn", "bwv438.mxl"]  # fmt: skip


def test_every_other_folder_is_a_collection_too() -> None:
    names = collection_names()
    assert names[: len(COLLECTIONS)] == list(COLLECTIONS)
    assert len(names) == len(set(names))
    assert {"bach", "palestrina", "mozart", "trecento", "nottingham-dataset"} <= set(names)
    assert not {"_metadataCache", "__pycache__"} & set(names)
    for name in names:
        assert collection(name).paths()
    card = collection("mozart")
    assert card.wants("k155/movement1.mxl")
    assert not card.wants("k155/movement1.rntxt")
    assert card.kept(scale(60)) is not None
    assert card.pieces is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ryansmammoth", "did you mean ryansMammoth"),
        ("chorale", "did you mean chorales"),
        ("essen", "essenFolksong"),
        ("xyzzy", "it has ryansMammoth, airdsAirs"),
        ("../corpus", "no collection '../corpus'"),
        ("", "no collection ''"),
    ],
)
def test_an_unknown_collection_is_an_error_with_the_nearest_names(name: str, told: str) -> None:
    with pytest.raises(MusicError, match=r"dataset\.path=DIR") as error:
        collection(name)
    assert told in str(error.value)


def test_cards_say_what_music21_says() -> None:
    """The licences are in music21's words, and every transcriber named is named in the files."""
    for file, said in (
        ("license.txt", ["permission of the encoders", "commercial uses or have other restrictions"]),
        ("essenFolksong/license.txt", ["legal status", "is unclear", "Dahlig-Turek", "Seymour Schlien"]),
        (
            "essenFolksong/license.txt",
            ["permission for non-commercial distribution and use of these files in music21"],
        ),
    ):
        text = " ".join((corpus_dir() / file).read_text(encoding="utf-8").split())
        assert all(words in text for words in said)
    for name in ("essenFolksong", "kinder"):
        assert "non-commercial distribution and use of these files in music21" in collection(name).licence
    for name, named in (
        ("airdsAirs", ["Jack Campin", "2009", "James Aird", "1778"]),
        ("ryansMammoth", ["Ray Davies", "John Walsh", "Bob Puckette", "(1883)"]),
        ("oneills1850", ["Bob Safranek", "John Chambers", "Trish O'Neil", "Dan G. Petersen"]),
    ):
        card = collection(name)
        text = "".join(path.read_text(encoding="utf-8", errors="replace") for path in card.paths())
        for word in named:
            assert word in card.source
            assert word in text, (name, word)


def test_nothing_of_the_corpus_lies_in_the_project() -> None:
    names = {path.name for path in corpus_dir().rglob("*") if path.suffix in (".abc", ".mxl", ".krn")}
    ours = {path.name for folder in ("musicexp", "tests", "conf") for path in (ROOT / folder).rglob("*")}
    assert not names & ours


@pytest.mark.slow
def test_what_a_collection_leaves_out_is_counted(tmp_path: Path) -> None:
    """Of 30 of Bach's files 24 were pieces, and nothing was said of the others."""
    config = compose(["dataset=chorales", "dataset.limit=30"])
    found = prepare_store(config.dataset, config.split, config.tokens, tmp_path).summary
    assert (found.files, found.pieces, found.left_out, found.rejected) == (30, 24, 6, 0)
