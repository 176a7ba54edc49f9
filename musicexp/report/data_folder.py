"""The folder of a data page: index.html, data.json, rejected.csv; nothing that is not ours is ever replaced."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musicexp.errors import SettingError, StoreError
from musicexp.report.data_page import data_page
from musicexp.report.description import FORMAT, Card, Description

PAGE, FIGURES, REJECTED = "index.html", "data.json", "rejected.csv"
FILES = (REJECTED, FIGURES, PAGE)
"""In the order in which they are put in place: the page last."""
LONGEST_NAME = 100


def page_folder(parent: Path, card: Card, place: str) -> Path:
    """Where the page of a data set goes if nobody says: below `parent`, under the data set's name.

    A page of the same music is replaced by a newer one; where another music's page or anything else has the name,
    -2, -3 ... is added.

    Args:
        place: as in `Description`.
    """
    name = card.name if card.licence else Path(card.where).name or card.name
    safe = (
        re.sub(r"[^\w.-]+", "_", name).strip("._").encode()[:LONGEST_NAME].decode(errors="ignore") or "data"
    )
    candidate, number = parent / safe, 1
    while not _free_for(candidate, place):
        number += 1
        candidate = parent / f"{safe}-{number}"
    return candidate


def check_folder(folder: Path) -> None:
    """Whether a page may be written there.

    Raises:
        SettingError: it is no folder, or holds an index.html, data.json or rejected.csv that is no data page's.
    """
    for above in (folder, *folder.parents):
        if above.is_dir():
            break
        if above.exists() or above.is_symlink():
            raise SettingError(f"out={folder}: {above} is a file; name a folder")
    strange = [name for name in FILES if (folder / name).exists() or (folder / name).is_symlink()]
    if strange and _told(folder) is None:
        raise SettingError(
            f"out={folder} holds {strange[0]}, which is no data page of musicexp; name another folder, so that nothing is lost"
        )


def write_folder(folder: Path, found: Description) -> Path:
    """Write the page and what belongs to it; all three files are whole before the first is put in place.

    Returns:
        The page.

    Raises:
        SettingError: as `check_folder`.
        StoreError: the disk refuses; nothing is left half-written.
    """
    check_folder(folder)
    content = {
        REJECTED: found.rejected_csv,
        FIGURES: figures_json(found).encode(),
        PAGE: data_page(found).encode(),
    }
    made = [above for above in (folder, *folder.parents) if not above.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(folder, content)
    except BaseException as error:
        for empty in made:
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()
        if not isinstance(error, OSError):
            raise
        raise StoreError(
            f"the data page cannot be written in {folder}: {error.strerror or error}; name another folder with out=DIR"
        ) from error
    return folder / PAGE


def figures_json(found: Description) -> str:
    """What data.json holds."""
    return json.dumps(found.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _put(folder: Path, content: Mapping[str, bytes]) -> None:
    parts = {name: folder / f".{name}.{os.getpid()}.part" for name in content}
    try:
        for name, part in parts.items():
            with part.open("wb") as file:
                file.write(content[name])
                file.flush()
                os.fsync(file.fileno())
        for name, part in parts.items():
            part.replace(folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _free_for(folder: Path, place: str) -> bool:
    if not folder.exists() and not folder.is_symlink():
        return True
    told = _told(folder)
    return told is not None and told.get("place") == place


def _told(folder: Path) -> dict[str, Any] | None:
    """What the data.json of a folder says, if it is one of ours."""
    try:
        told = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and told.get("format") == FORMAT else None
