"""The file of a comparison's page; nothing that is no such page is ever replaced."""

from __future__ import annotations

from pathlib import Path

from musicexp.errors import SettingError, StoreError
from musicexp.report.comparison_page import MARK
from musicexp.tracking import write_whole

HEAD_BYTES = 4_000
"""Of a page in which its mark stands."""


def check_page(path: Path) -> None:
    """Whether the page may be written there.

    Raises:
        SettingError: there is a file that is no comparison page.
    """
    if path.is_dir():
        raise SettingError(
            f"out={path} is a folder; name a file in it, such as out={path / 'comparison.html'}"
        )
    if not _replaceable(path):
        raise SettingError(f"out={path} is no comparison page of musicexp; name another file, so that nothing is lost")  # fmt: skip


def write_page(path: Path, page: bytes) -> Path:
    """Write the page, whole or not at all.

    Raises:
        SettingError: as `check_page`.
        StoreError: the disk refuses.
    """
    check_page(path)
    try:
        write_whole(path, page)
    except OSError as error:
        raise StoreError(f"the page cannot be written to {path}: {error.strerror or error}") from error
    return path


def _replaceable(path: Path) -> bool:
    if not path.exists() and not path.is_symlink():
        return True
    if not path.is_file() or path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(HEAD_BYTES)
    except OSError:
        return False
