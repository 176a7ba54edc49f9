"""Which files a folder holds: all of them, once, whatever they are called and wherever links lead."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from musicexp.errors import MusicError, StoreError
from musicexp.music import reading as reading_module
from musicexp.music.files import Listing, content_key, walk
from musicexp.music.reading import SUFFIXES, content, printable


def wanted(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def walked(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path, trouble in walk(root, wanted) if not trouble)


def listed(root: Path, database: Path, limit: int = 0) -> list[tuple[str, str]]:
    """(name, trouble) of every file."""
    with Listing(database) as listing:
        listing.fill(root, wanted, limit, "symusic")
        found = [(file.name, file.trouble) for file in listing.files(root)]
        assert len(listing) == len(found)
        assert [file.name for file in listing.files(root, 1)] == [name for name, _ in found[1:]]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "music").mkdir()
    return tmp_path / "music"


def test_every_kind_in_any_case_in_order_of_name(folder: Path, tmp_path: Path) -> None:
    names = ["a.mid", "b.MIDI", "c.Kar", "d.abc", "e.musicXML", "f.mxl", "g.XML", "h.krn", "ü ♪ 楽.mid"]
    for name in [*reversed(names), "readme.txt", "mid", ".mid", "._a.mid", "a.mid.bak"]:
        (folder / name).write_text(name)
    (folder / "x.mid").mkdir()  # a folder is a folder
    (folder / "x.mid" / "in it.mid").write_text("")
    expected = [*names[:-1], "x.mid/in it.mid", names[-1]]
    assert listed(folder, tmp_path / "list") == [(name, "") for name in expected]
    assert [name for name, _ in listed(folder, tmp_path / "list", limit=3)] == expected[:3]


def test_names_of_any_bytes_can_be_told_and_stored(folder: Path, tmp_path: Path) -> None:
    """A name that is no UTF-8 could not be printed, and one with a line's end made two lines of a message."""
    for name in (b"caf\xe9.mid", b"two\nlines\x1b[2J.mid"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"x")
    with Listing(tmp_path / "list") as listing:
        listing.fill(folder, wanted, 0, "symusic")
        found = list(listing.files(folder))
        assert listing.fingerprint(folder)
    assert [file.name for file in found] == ["caf\\udce9.mid", "two\\nlines\\x1b[2J.mid"]
    assert all(file.key and file.path.read_bytes() == b"x" for file in found)
    assert printable("ü ♪ 楽\u3000👩‍🎤") == "ü ♪ 楽\u3000👩‍🎤"


def test_links_are_followed_once_and_never_round(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "o.mid").write_text("")
    (folder / "real").mkdir()
    (folder / "real" / "r.mid").write_text("")
    (folder / "a link").symlink_to(folder / "real")  # stands before the real one, and is it
    (folder / "real" / "up").symlink_to(folder)
    (folder / "further up").symlink_to(tmp_path)
    (folder / "out").symlink_to(outside)
    (folder / "self.mid").symlink_to(folder / "self.mid")
    (folder / "gone.mid").symlink_to(folder / "nothing")
    assert walked(folder) == ["gone.mid", "out/deep/o.mid", "real/r.mid", "self.mid"]
    troubles = dict(listed(folder, tmp_path / "list"))
    assert troubles["gone.mid"] == "No such file or directory"
    assert troubles["self.mid"]
    assert troubles["real/r.mid"] == ""


def test_what_is_no_file_is_told_and_not_opened(folder: Path, tmp_path: Path) -> None:
    """To open a pipe waits for ever for a writer; a device has no end."""
    os.mkfifo(folder / "pipe.mid")
    (folder / "zero.mid").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(folder)  # a socket's path is short
        server.bind("socket.mid")
    with (folder / "large.mid").open("wb") as file:
        file.truncate(65 * 2**20)
    assert listed(folder, tmp_path / "list") == [
        ("large.mid", "is 65 MB large, and at most 64 are read"),
        ("pipe.mid", "is no regular file"),
        ("socket.mid", "is no regular file"),
        ("zero.mid", "is no regular file"),
    ]


def test_a_file_that_is_longer_than_it_says_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in /proc say that they are empty."""
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("no /proc here")
    assert content(path)
    monkeypatch.setattr(reading_module, "LARGEST_MEGABYTES", 0)
    with pytest.raises(ValueError, match="at most 0 are read"):
        content(path)


def test_a_folder_that_may_not_be_entered_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the midst of a folder was said to be the cache's."""
    for name in ("closed", "open"):
        (folder / name).mkdir()
        (folder / name / "a.mid").write_text("")
    scan = os.scandir

    def forbidden(path: Path) -> object:
        if path.name in closed:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    closed = ["closed"]
    assert listed(folder, tmp_path / "list") == [("closed", "Permission denied"), ("open/a.mid", "")]
    closed = ["music"]
    with pytest.raises(MusicError, match=r"music cannot be looked into: Permission denied"):
        list(walk(folder, wanted))


def test_a_fingerprint_is_of_names_and_contents(folder: Path, tmp_path: Path) -> None:
    def fingerprint(root: Path = folder) -> str:
        with Listing(tmp_path / "list") as listing:
            listing.fill(root, wanted, 0, "symusic")
            return listing.fingerprint(root)

    (folder / "a.mid").write_text("1")
    first = fingerprint()
    os.utime(folder / "a.mid", (1, 1))
    assert fingerprint() == first
    assert fingerprint(folder.rename(tmp_path / "moved")) == first
    (tmp_path / "moved").rename(folder)
    (folder / "a.mid").rename(folder / "b.mid")
    assert fingerprint() != first
    (folder / "b.mid").rename(folder / "a.mid")
    (folder / "a.mid").write_text("2")
    assert fingerprint() != first


def test_the_key_is_of_content_kind_and_reader(folder: Path) -> None:
    for name, text in (("a.mid", "1"), ("b.MID", "1"), ("a.abc", "1"), ("c.mid", "2")):
        (folder / name).write_text(text)
    keys = {name: content_key(folder / name, "symusic") for name in ("a.mid", "b.MID", "a.abc", "c.mid")}
    assert keys["a.mid"] == keys["b.MID"]
    assert len(set(keys.values())) == 3
    assert content_key(folder / "a.mid", "music21") != keys["a.mid"]
    assert content_key(folder / "a.abc", "music21") == keys["a.abc"]
    assert content_key(folder / "a.mid", "graces") == keys["a.mid"]
    (folder / "a.krn").write_bytes(b"x")
    assert content_key(folder / "a.krn", "graces") != content_key(folder / "a.krn", "symusic")


def test_a_damaged_listing_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("no database, but long enough to be looked at" * 30)
    with pytest.raises(
        StoreError, match=r"the list of files .*list cannot be used: .*; free some disk, or delete"
    ):
        Listing(tmp_path / "list")
