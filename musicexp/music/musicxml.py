"""The document in a MusicXML file, plain or packed (.mxl), refused before it can do harm.

An XML document of a kilobyte may declare entities that unfold to gigabytes, and so may a zip archive. Neither
is written by any program for music; a plain `<!DOCTYPE ... PUBLIC ...>` is, and nothing is fetched for it.
"""

from __future__ import annotations

import codecs
import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

LARGEST_MEGABYTES = 64
MOST_MEMBERS = 1000
SCORE = "score-partwise"
BY_MEASURES = "score-timewise"
CONTAINER = "META-INF/container.xml"
ZIP = b"PK\x03\x04"


class _Seen(Exception):  # noqa: N818  it is no error
    """The root element has been reached: entities are declared before it or not at all."""


def musicxml_root(data: bytes) -> ElementTree.Element:
    """The root of the score in a file of MusicXML.

    Args:
        data: the whole file; whether it is packed is told by its content, since many are misnamed.

    Raises:
        ValueError: it is empty, no XML, damaged, no MusicXML, declares entities or unfolds to too much.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise ValueError("is empty")
    return _score(_unpacked(data) if data.startswith(ZIP) else data)


def _score(data: bytes) -> ElementTree.Element:
    tag = _first_tag(data)
    if tag == BY_MEASURES:
        raise ValueError(f"is MusicXML by measures (<{tag}>); save it by parts, as <{SCORE}>")
    if tag != SCORE:
        raise ValueError(f"is no MusicXML: its root is <{tag[:60]}>")
    root = _root(data)
    _silence_cues(root)
    _forget_staves_without_notes(root)
    return root


def _silence_cues(root: ElementTree.Element) -> None:
    """Cue notes show what another part plays, and are silent (MusicXML's own definition); music21 plays them."""
    for measure in root.iter("measure"):
        for note in measure.findall("note"):
            pitch = note.find("pitch")
            if note.find("cue") is None or pitch is None or note.find("grace") is not None:
                continue
            if note.find("chord") is not None:
                measure.remove(note)
            else:
                pitch.tag = "rest"
                pitch.clear()


def _forget_staves_without_notes(root: ElementTree.Element) -> None:
    """music21 loses a part that has several staves where no note says on which one it stands."""
    for part in root.iter("part"):
        if part.find("measure/note/staff") is None:
            for attributes in part.iter("attributes"):
                for staves in attributes.findall("staves"):
                    attributes.remove(staves)


def _encoding(data: bytes) -> str | None:
    """What a byte order mark says, whatever the XML declaration behind it says: some programs contradict themselves."""
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _first_tag(data: bytes) -> str:
    """The root's name, read by the parser itself, so that no encoding hides an entity from us."""
    found = ""

    def root(name: str, _attributes: object) -> NoReturn:
        nonlocal found
        found = name
        raise _Seen

    def entity(*_declared: object) -> NoReturn:
        raise ValueError(
            "declares entities in its DOCTYPE, which may unfold to gigabytes and which no score needs"
        )

    parser = expat.ParserCreate(_encoding(data))
    parser.StartElementHandler = root
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(data, True)
    except _Seen:
        return found
    except expat.ExpatError as error:
        raise ValueError(f"is no XML, or damaged: {error}") from error
    except LookupError as error:
        raise ValueError(f"is XML in an encoding that cannot be read: {error}") from error
    raise ValueError("is no XML: it has no element")


def _root(data: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(encoding=_encoding(data)))
    except ElementTree.ParseError as error:
        raise ValueError(f"is damaged XML: {error}") from error


def _unpacked(data: bytes) -> bytes:
    """The score in an archive: what its container names, else its first XML file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bombs(archive.infolist())
            name = _named_by_container(archive) or _first_score(archive)
            return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError) as error:
        raise ValueError(f"is a damaged archive: {error}") from error


def _refuse_bombs(members: list[zipfile.ZipInfo]) -> None:
    """What a member unfolds to is never more than the size declared for it: zipfile reads no further."""
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"is an archive of {len(members):,} files, and at most {MOST_MEMBERS:,} are read")
    size = sum(member.file_size for member in members)
    if size > LARGEST_MEGABYTES * 2**20:
        raise ValueError(
            f"is an archive that unfolds to {size / 2**20:,.0f} MB, and at most {LARGEST_MEGABYTES} are read"
        )
    if any(member.flag_bits & 1 for member in members):
        raise ValueError("is an archive with a password")


def _named_by_container(archive: zipfile.ZipFile) -> str:
    """The full path of the first root file, or "" without a container or without that file."""
    if CONTAINER not in archive.namelist():
        return ""
    container = archive.read(CONTAINER)
    _first_tag(container)
    for element in _root(container).iter():
        name = element.get("full-path", "")
        if element.tag.rpartition("}")[2] == "rootfile" and name in archive.namelist():
            return name
    return ""


def _first_score(archive: zipfile.ZipFile) -> str:
    for name in archive.namelist():
        # A program names an untitled score ".xml", which has no suffix.
        ends = name.lower().endswith((".xml", ".musicxml"))
        if ends and PurePosixPath(name).parts[0] not in ("META-INF", "__MACOSX"):
            return name
    raise ValueError("is an archive without a score: it holds no .xml or .musicxml file")
