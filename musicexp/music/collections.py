"""The collections that the installed music21 carries: which files each is made of, and what is known of it.

They are read where they lie and never copied: music21 may distribute them, which does not mean that we may.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musicexp.errors import MusicError
from musicexp.music.piece import Piece
from musicexp.music.reading import SUFFIXES

MOST_NAMES = 3

NOT_FOR_SALE = (
    "the Essen folk songs may be used for non-commercial purposes only, and so may what is made of them"
)
PERMITTED = (
    "distributed with music21 with the permission of the encoders and as United States copyright law permits; "
    "some files may not be used commercially or have other restrictions: see music21's corpus/license.txt and the heads of the files"
)
NON_COMMERCIAL = (
    "of unclear legal status, since many people typed it in; Ewa Dahlig-Turek gave permission for the "
    "non-commercial distribution and use of these files in music21, and Seymour Schlien for that of his ABC: "
    "see music21's corpus/essenFolksong/license.txt"
)

SOPRANOS = r"bwv(277|281|366)\.krn|bwv(25[3-9]|2[6-9]\d|3\d\d|4[0-2]\d|43[0-8])(?<!267|277|281|366)\.mxl"
"""Pearce's 9,227 events are reached with the **kern where there is one, which writes repeats as repeats, and with
the three grace notes, which a Piece drops and counts unless the card says that they are notes."""


def _whole(piece: Piece) -> Piece:
    return piece


def _of_four_parts(piece: Piece) -> Piece | None:
    return piece if parts(piece) == 4 else None


def _soprano(piece: Piece) -> Piece | None:
    """The first part; the one A3 of a soprano, in BWV 254, stands an octave too low in this edition."""
    first = piece.part == 0
    if not first.any():
        return None
    found = piece.only(first, parts=piece.parts[:1])
    low = (found.pitch == 57) & ("bwv254" in piece.name)
    return found.only(np.ones(len(found), dtype=bool), pitch=found.pitch + 12 * low.astype(np.int32))


@dataclass(frozen=True)
class Collection:
    """A collection's card.

    Attributes:
        name: what `dataset.collection` calls it.
        title: what people call it.
        folder: where its files lie in `corpus_dir()`.
        licence: what music21 says of it, for the reader of a report.
        source: book, year, and who transcribed it, as far as the files or music21 tell.
        pieces: how many it holds as music21 10.5 carries it; None where nobody has counted.
        files: the names that belong to it, as a regular expression of the whole name.
        graces: whether grace notes are notes of it, each 1/24 quarter long, instead of being dropped and counted.
        keep: makes of a piece read what belongs to the collection, or None if it does not.
        warning: what everybody who uses it is told, or "".
    """

    name: str
    title: str
    folder: str
    licence: str = PERMITTED
    source: str = "see the heads of the files"
    pieces: int | None = None
    files: str = ".*"
    graces: bool = False
    keep: Callable[[Piece], Piece | None] = _whole
    warning: str = ""

    def wants(self, file: str) -> bool:
        """Whether a file of the folder belongs to it, by its name."""
        name = file.rpartition("/")[2]
        return Path(name).suffix.lower() in SUFFIXES and re.fullmatch(self.files, name) is not None

    def kept(self, piece: Piece) -> Piece | None:
        """The piece as it stands in the collection; None if it is left out."""
        return self.keep(piece)

    def paths(self) -> list[Path]:
        """Its files, in order of name."""
        return sorted(path for path in _files(corpus_dir() / self.folder) if self.wants(path.name))


COLLECTIONS: dict[str, Collection] = {
    collection.name: collection
    for collection in (
        Collection(
            "ryansMammoth",
            "Ryan's Mammoth Collection",
            "ryansMammoth",
            source="fiddle tunes of Ryan's Mammoth Collection (1883), also known as Cole's 1000 Fiddle Tunes; transcribed by Ray Davies, John Walsh, Bob Puckette and others",
            pieces=1059,
        ),
        Collection(
            "airdsAirs",
            "Aird's Airs",
            "airdsAirs",
            source="A Selection of Scotch, English, Irish and Foreign Airs, six volumes, Glasgow, James Aird, from 1778; transcribed by Jack Campin, 2009",
            pieces=1180,
        ),
        Collection(
            "oneills1850",
            "O'Neill's 1850",
            "oneills1850",
            source="O'Neill's Music of Ireland; transcribed by Henrik Norbeck, Bob Safranek, John Chambers, Trish O'Neil, Dan G. Petersen and others",
            pieces=2009,
        ),
        Collection(
            "essenFolksong",
            "Essen Folksong Collection",
            "essenFolksong",
            licence=NON_COMMERCIAL,
            warning=NOT_FOR_SALE,
            source="encoded under the supervision of Helmut Schaffrath, continued by Ewa Dahlig-Turek, turned into ABC by Seymour Schlien",
            pieces=8514,
        ),
        Collection(
            "kinder",
            "German children's songs (Essen Folksong Collection)",
            "essenFolksong",
            licence=NON_COMMERCIAL,
            warning=NOT_FOR_SALE,
            source="the Essen collection's kinder0, the seventh data set of Pearce (2005); turned into ABC by Seymour Schlien",
            pieces=213,
            files=r"kinder0\.abc",
        ),
        Collection(
            "chorales",
            "Bach's chorales in four parts",
            "bach",
            source="Johann Sebastian Bach; the MusicXML does not name the edition",
            pieces=364,
            files=r".*\.mxl",  # three of the folder's other files are the same chorales once more
            keep=_of_four_parts,
        ),
        Collection(
            "sopranos",
            "Melodies of Bach's chorales",
            "bach",
            source="Johann Sebastian Bach, the sopranos of BWV 253 to 438 but 267, the second data set of Pearce (2005); the MusicXML does not name the edition",
            pieces=185,
            files=SOPRANOS,
            keep=_soprano,
        ),
        Collection(
            "pearce_chorales",
            "Melodies of Bach's chorales, grace notes among them",
            "bach",
            source="Johann Sebastian Bach, the sopranos of BWV 253 to 438 but 267 with their three grace notes, the second data set of Pearce (2005); the MusicXML does not name the edition",
            pieces=185,
            files=SOPRANOS,
            graces=True,
            keep=_soprano,
        ),
    )
}
"""Those that were counted and checked. Every other folder of music21's corpus is a collection too."""


def collection(name: str) -> Collection:
    """The card of a collection: one of `COLLECTIONS`, or a folder of music21's corpus as a whole.

    Raises:
        MusicError: there is none of that name.
    """
    if name in COLLECTIONS:
        return COLLECTIONS[name]
    names = collection_names()
    if name in names:
        return Collection(name, f"the folder {name} of music21's corpus", name)
    lowered = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=MOST_NAMES, cutoff=0.5)
    told = [lowered[found] for found in near]
    raise MusicError(
        f"music21's corpus has no collection {name!r}"
        + (f"; did you mean {' or '.join(told)}?" if told else f"; it has {', '.join(names)}.")
        + " A folder of your own is read with dataset=midi dataset.path=DIR"
    )


def collection_names() -> list[str]:
    """Those of `COLLECTIONS`, then every other folder of music21's corpus that holds files we can read."""
    others = (folder for folder in sorted(corpus_dir().iterdir()) if folder.is_dir())
    return [*COLLECTIONS, *(f.name for f in others if f.name not in COLLECTIONS and any(_files(f)))]


def corpus_dir() -> Path:
    """The folder of the collections that the installed music21 carries."""
    import importlib.util

    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "corpus"


def parts(piece: Piece) -> int:
    """How many parts the piece's source has, as far as the Piece knows: one without notes may lack."""
    return max(len(piece.parts), int(piece.part.max(initial=-1)) + 1)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        for name in names:
            if Path(name).suffix.lower() in SUFFIXES:
                yield Path(place, name)
