"""One file of music in: what its suffix says it is decides who reads it; nothing in it makes us fall."""

from __future__ import annotations

import math
import os
import re
import stat
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePath
from typing import Literal, NamedTuple

import numpy as np

from musicexp.music.midi import midi_piece
from musicexp.music.piece import Piece, Reading
from musicexp.music.tunes import read_abc, tunes_of

READER_VERSION = 9
"""Counts up when the same file would give other Pieces: it is part of the cache's key."""

ABC_SUFFIXES = (".abc",)
MIDI_SUFFIXES = (".mid", ".midi", ".kar")
SCORE_SUFFIXES = (".musicxml", ".mxl", ".xml", ".krn")
SUFFIXES = (*MIDI_SUFFIXES, *ABC_SUFFIXES, *SCORE_SUFFIXES)

LARGEST_MEGABYTES = 64
MOST_TUNES = 100_000
LONGEST_REASON = 200

MidiReader = Literal["symusic", "music21"]
Manner = MidiReader | Literal["graces"]
"""Who reads MIDI files; `graces`: as symusic, but the grace notes of scores are notes (`music.scores`)."""


class Answer(NamedTuple):
    """What came of reading.

    Attributes:
        lasting: whether it would be the same another day; False where time, memory, the disk or a death ended it.
    """

    reading: Reading
    lasting: bool


def read_file(path: Path, name: str | None = None, reader: Manner = "symusic") -> Reading:
    """Read one file here, in this process, with no limit of time or memory: `Reader` keeps those.

    Never raises for what is in the file, unless memory ends: the reason is in the Reading.

    Args:
        path: a file with one of `SUFFIXES`; an ABC book gives one Piece a tune.
        name: what the pieces are called after; the file's name by default.
        reader: who reads MIDI files, or how scores are read.
    """
    whole = Reading(name or path.name)
    for found, _ in readings_of(path, whole.source, reader):
        whole.pieces += found.pieces
        whole.rejected += found.rejected
    return whole


def readings_of(path: Path, source: str, reader: Manner, first: int = 0) -> Iterator[Answer]:
    """What a file holds, one tune at a time; the pieces of one file of scores come together.

    Args:
        first: how many to pass over.

    Raises:
        MemoryError: the file needs more than there is.
    """
    tunes: list[str] | list[None]
    try:
        data = content(path)
        # A file of scores is read at once.
        tunes = _tunes(data) if path.suffix.lower() in ABC_SUFFIXES else [None]
    except Exception as error:  # noqa: BLE001
        yield _without(Reading(source), source, error)
        return
    for number, tune in enumerate(tunes[first:], start=first + 1):
        name = source if len(tunes) == 1 else f"{source}#{number}"
        found = Reading(source)
        try:
            for piece in _pieces(path, data, tune, name, reader):
                _refuse_illegal(piece)
                found.add(piece)
        except Exception as error:  # noqa: BLE001  music21 raises anything at all on bad files
            yield _without(found, name, error)
        else:
            yield Answer(found, lasting=True)


def _tunes(data: bytes) -> list[str]:
    tunes = list(islice(tunes_of(data.decode("utf-8-sig", errors="replace")), MOST_TUNES + 1))
    if not tunes:
        raise ValueError("holds no tune: an ABC tune begins with a line X:1 and has a line K:")
    if len(tunes) > MOST_TUNES:
        raise ValueError(f"holds more than {MOST_TUNES:,} tunes; cut the book in pieces")
    return tunes


def _without(found: Reading, what: str, error: Exception) -> Answer:
    """What was found, without what an error ended."""
    cause: BaseException | None = error
    while cause is not None:  # music21 catches what it can, and says something else
        if isinstance(cause, MemoryError):
            raise MemoryError from error
        cause = cause.__cause__ or cause.__context__
    found.rejected.append((what, reason(error)))
    return Answer(found, lasting=not isinstance(error, OSError | ImportError))


def _pieces(path: Path, data: bytes, tune: str | None, name: str, reader: Manner) -> list[Piece]:
    if tune is not None:
        if "\nK:" not in tune:
            raise ValueError("the tune has no line K:, behind which its notes begin")
        return [read_abc(tune, name)]
    if path.suffix.lower() in MIDI_SUFFIXES and reader != "music21":
        return [midi_piece(data, name)]
    from musicexp.music.scores import score_pieces

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score_pieces(path, name, graces=reader == "graces")


def _refuse_illegal(piece: Piece) -> None:
    """Whoever read it: no tokenizer and no cache has to doubt a Piece.

    Raises:
        ValueError: a note that MIDI cannot say, or a tempo that is none.
    """
    if not 0 < piece.tempo < math.inf:
        raise ValueError(f"has a tempo of {piece.tempo} quarters a minute")
    if not len(piece):
        return
    if piece.onset[0] < 0 or piece.duration.min() < 1:
        raise ValueError("has a note before its beginning or of no length, as damaged files do")
    # A number below 0 is a very large one without its sign, so that one look is enough.
    if (piece.pitch | piece.velocity).view(np.uint32).max() > 127 or piece.velocity.min() < 1:
        for what, values, least in (("pitch", piece.pitch, 0), ("velocity", piece.velocity, 1)):
            wrong = values[(values < least) | (values > 127)]
            if len(wrong):
                raise ValueError(f"has a note of {what} {wrong[0]}, and MIDI knows {least} to 127")


def content(path: Path) -> bytes:
    """The bytes of a file, if it is one and is not too large for music.

    Raises:
        ValueError: a folder, a pipe or a device, which may never end, or a file too large.
        OSError: it is not there, or may not be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # not even opened: that does something to some devices
        raise ValueError("is no regular file")
    most = LARGEST_MEGABYTES * 2**20
    # Should it have become a pipe by now: without that flag, opening one waits for somebody who writes.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(size + 1) if size <= most else b""
        while len(data) > size and len(data) <= most and (more := file.read(1 << 16)):
            data += more  # files in /proc are longer than they say
    if size > most or len(data) > most:
        size = max(size, len(data))
        raise ValueError(f"is {size / 2**20:,.0f} MB large, and at most {LARGEST_MEGABYTES} are read")
    return data or b""


def reason(error: Exception) -> str:
    """Why something could not be used, in a line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = printable(" ".join(str(error).split()))[:LONGEST_REASON]
    if type(error) in (ValueError, TimeoutError) and text:  # a sentence of ours, or as good as one
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def printable(text: str) -> str:
    """Text that can be printed and stored in a line, whatever it was made of: a file's name may be any bytes."""
    return re.sub(
        "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]",
        lambda found: found[0].encode("unicode_escape").decode(),
        text,
    )


def piece_title(name: str) -> str:
    """The name of a piece without the suffix of its file, if it ends with one."""
    return name.removesuffix(PurePath(name).suffix) if PurePath(name).suffix.lower() in SUFFIXES else name
