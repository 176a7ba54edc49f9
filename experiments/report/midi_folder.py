"""MIDI files to learn from: a collection that the installed music21 carries, written as MIDI by musicexp itself.

The source report learns from MIDI files, read by music21 into notes and chords. The files lie beside the store of the
runs and are nobody's to hand on; music21 may distribute the collections, which does not mean that we may.
"""

from __future__ import annotations

from pathlib import Path

from runs import Place

from musicexp.music import read_file, write_midi
from musicexp.music.collections import collection

COLLECTION = "ryansMammoth"


def midi_folder(scratch: Path, limit: int = 0, name: str = COLLECTION) -> Path:
    """The folder of a collection's MIDI files, one a piece; written first where it is not there.

    Args:
        scratch: the folder in which it lies.
        limit: only so many files; 0 is all.
    """
    folder = scratch / (f"{name}-{limit}" if limit else name)
    if folder.is_dir():
        return folder
    part = folder.with_name(folder.name + ".part")
    part.mkdir(parents=True, exist_ok=True)
    card = collection(name)
    for path in card.paths()[: limit or None]:
        for number, read in enumerate(read_file(path).pieces):
            piece = card.kept(read)
            if piece is not None and len(piece):
                write_midi(piece, part / f"{path.stem}{f'-{number}' if number else ''}.mid")
    return part.replace(folder)


def midi_words(place: Place, limit: int = 0) -> tuple[str, ...]:
    """The settings that read such a folder as the report's text says: music21's own reading, notes and chords.

    Where nothing is trained, nothing is written.
    """
    folder = midi_folder(place.scratch, limit) if place.train else place.scratch / COLLECTION
    return ("dataset=midi", f"dataset.path={folder}", "dataset.reader=music21", "tokens=notes")
