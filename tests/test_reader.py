"""Reading in child processes: whatever a file does to its reader, it costs that file and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest
from tunes import scale

from musicexp.errors import MusicError
from musicexp.music import reader as reader_module
from musicexp.music import write_midi
from musicexp.music.reader import Reader, Request, read_with

FAKE = """
import sys; sys.path[:] = sys.argv[3:]
import os, signal, time
from musicexp.music import reader, reading
from musicexp.music.piece import Note, Piece

def pieces(path, data, tune, name, *_):
    told = tune or data.decode()
    if "slow" in told:
        time.sleep(0.2)
    if "hang" in told:
        while True:
            pass
    if "die" in told:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "leave" in told:
        sys.exit(3)
    if "eat" in told:
        bytearray(1 << 40)
    if "swallow" in told:
        try:
            bytearray(1 << 40)
        except MemoryError:
            raise KeyError("something else")
    if "disk" in told:
        raise OSError(5, "Input/output error")
    if "talk" in told:
        print("x" * 100000, flush=True)
        sys.stdin.read()
    return [Piece.of([Note(0, 12, 60)], name)]

reading._pieces = pieces
reader.serve(float(sys.argv[1]), int(sys.argv[2]))
"""
"""A child whose reading does to it what the file says."""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setattr(reader_module, "PROGRAM", FAKE)
    with Reader(limit_seconds=0.5, limit_megabytes=1024) as reader:
        yield reader


def asked(folder: Path, *words: str) -> list[Request]:
    """Files that say these words."""
    found = []
    for number, word in enumerate(words):
        path = folder / f"{number}.mid"
        path.write_text(word)
        found.append(Request(path, f"{number} {word}"))
    return found


def book(folder: Path, *words: str) -> Request:
    (folder / "book.abc").write_text("\n".join(f"X:1\nT:{word}\nK:C\nC\n" for word in words))
    return Request(folder / "book.abc", "book")


# ---------------------------------------------------------------------------------------------------
# Limits and deaths


@pytest.mark.slow
def test_what_ends_its_reader_costs_one_file(fake: Reader, tmp_path: Path) -> None:
    """A child that died lost what was asked behind it; want of memory was kept as the file's own fault."""
    words = ("good", "hang", "good", "die", "eat", "swallow", "good", "leave", "disk", "talk", "good")
    answers = list(fake.read(asked(tmp_path, *words)))
    reasons = {
        "hang": "reading it took more than 0.5 s",
        "die": "the process that read it died of it (SIGSEGV)",
        "eat": "needs more than 1,024 MB of memory to be read",
        "swallow": "needs more than 1,024 MB of memory to be read",
        "leave": "the process that read it died of it (exit code 3)",
        "disk": "Input/output error",
    }
    for number, (word, answer) in enumerate(zip(words, answers, strict=True)):
        name = f"{number} {word}"
        assert answer.reading.rejected == ([(name, reasons[word])] if word in reasons else [])
        assert [piece.name for piece in answer.reading.pieces] == ([] if word in reasons else [name])
        assert answer.lasting == (word not in reasons)


@pytest.mark.slow
def test_the_other_tunes_of_a_book_survive(fake: Reader, tmp_path: Path) -> None:
    """A book was cut off after a minute in all, and lost as a whole if one tune killed its reader."""
    requests = [book(tmp_path, "slow", "hang", "slow", "die", "slow"), *asked(tmp_path, "good")]
    first, second = fake.read(requests)
    assert [piece.name for piece in first.reading.pieces] == ["book#1", "book#3", "book#5"]
    assert [what for what, _ in first.reading.rejected] == ["book#2", "book#4"]
    assert not first.lasting
    assert second.lasting


@pytest.mark.slow
def test_a_book_does_not_kill_readers_for_ever(
    fake: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was passed over is named."""
    monkeypatch.setattr(reader_module, "MOST_DEATHS", 2)
    [answer] = fake.read([book(tmp_path, "die", "good", "die", "good")])
    assert [piece.name for piece in answer.reading.pieces] == ["book#2"]
    *_, (what, why) = answer.reading.rejected
    assert (what, why) == ("book", "was not read from tune 4 on: 2 others ended their readers")
    monkeypatch.setattr(reader_module, "MOST_DEATHS", 10)
    [answer] = fake.read([book(tmp_path, "die")])
    assert [what for what, _ in answer.reading.rejected] == ["book"]


@pytest.mark.slow
def test_a_slow_listener_costs_nobody_his_time(fake: Reader, tmp_path: Path) -> None:
    """The time a file had ran while its answer lay waiting. Whoever stops listening hears no old answers."""
    requests = asked(tmp_path, *["good"] * 4)
    for answer in fake.read(requests[:2]):
        time.sleep(0.7)
        assert answer.reading.pieces
    next(fake.read(requests))
    assert [answer.reading.source for answer in fake.read(requests[2:])] == ["2 good", "3 good"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_children_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    """A child that hangs does not ask whether anybody still listens."""
    [request] = asked(tmp_path, "hang")
    code = (
        "import sys; from pathlib import Path; from musicexp.music import reader\n"
        "reader.PROGRAM = sys.argv[1]\n"
        f"asked = reader.Reader({60 if how == signal.SIGINT else 1})\n"
        "asked.ask(iter([reader.Request(Path(sys.argv[2]), 'x')]))\n"
        "print(asked._child.pid, flush=True)\n"
        "list(reader.read_with([asked], []))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, FAKE, str(request.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.5)
    parent.send_signal(how)
    parent.communicate()
    for _ in range(100):
        if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    child.kill()
    pytest.fail("the child outlived its parent")


@pytest.mark.parametrize(
    ("program", "megabytes", "why"),
    [
        ("import nosuchmodule", 1024, "No module named 'nosuchmodule'"),
        ("raise SystemExit(7)", 1024, "exit code 7"),
        (reader_module.PROGRAM, 60, "failed to map segment|Error"),
    ],
)
def test_a_reader_that_cannot_start_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, megabytes: int, why: str
) -> None:
    """Every file was rejected for it, each after another try."""
    monkeypatch.setattr(reader_module, "PROGRAM", program)
    with (
        Reader(limit_megabytes=megabytes) as reader,
        pytest.raises(
            MusicError, match=rf"the process that reads music cannot be started: .*({why})"
        ) as caught,
    ):
        list(reader.read(asked(tmp_path, *["good"] * 3)))
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------
# Real reading


@pytest.mark.slow
def test_many_requests_are_answered_in_order(tmp_path: Path) -> None:
    """More than a pipe holds was once asked before anything was heard; names are any bytes."""
    folder = tmp_path / ("long" * 50)
    folder.mkdir()
    names = [os.fsdecode(b"caf\xe9 %d.mid" % number) for number in range(300)]
    requests = [Request(folder / name, name) for name in names]
    for number, request in enumerate(requests):
        if number % 3:
            write_midi(scale(60, 60 + number % 30), request.path)
    several = [Reader(), Reader()]
    try:
        answers = list(several[0].read(requests))
        assert [answer.reading.source for answer in answers] == names
        assert [len(answer.reading.pieces) for answer in answers] == [int(n % 3 > 0) for n in range(300)]
        assert not answers[0].lasting  # a file that is not there may be there tomorrow
        together = list(read_with(several, requests))
        assert sorted(request.source for request, _ in together) == sorted(names)
        assert all(request.source == answer.reading.source for request, answer in together)
    finally:
        for reader in several:
            reader.close()


def test_where_we_are_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child started in a folder with a json.py imported that one. Relative paths are ours, not the child's."""
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "below").mkdir()
    write_midi(scale(60), tmp_path / "below" / "a.mid")
    monkeypatch.chdir(tmp_path)
    with Reader() as reader:
        for place, path in ((tmp_path, "below/a.mid"), (tmp_path / "below", "a.mid")):
            os.chdir(place)
            [answer] = reader.read([Request(Path(path), "a")])
            assert answer.reading.pieces


def test_readers_of_several_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    for number in range(40):
        write_midi(scale(40 + number), tmp_path / f"{number}.mid")
    found: dict[int, list[int]] = {}

    def read(which: int) -> None:
        with Reader() as reader:
            requests = [Request(tmp_path / f"{number}.mid", "x") for number in range(which, 40, 2)]
            found[which] = [answer.reading.pieces[0].notes()[0].pitch for answer in reader.read(requests)]

    threads = [Thread(target=read, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {which: [*range(40 + which, 80, 2)] for which in range(2)}
