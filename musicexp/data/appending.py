"""Files that are only appended to, with a note of how far they came: after a kill, what is behind it is cut off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from musicexp.errors import StoreError


class Appending:
    """Several files that grow together. Use as a context manager.

    Attributes:
        state: what the last `commit` noted, or what was given at first.
    """

    def __init__(self, folder: Path, stage: str, names: Sequence[str], state: dict[str, Any]) -> None:
        """
        Args:
            stage: what the note is called; it lies beside the files.
            state: what is noted as long as nothing was committed.
        """
        self._folder = folder
        self._note = folder / f"{stage}.json"
        self.state, sizes = state, dict.fromkeys(names, 0)
        if self._note.exists():
            noted = json.loads(self._note.read_text(encoding="utf-8"))
            if all(_size(folder / name) >= size for name, size in noted["sizes"].items()):
                self.state, sizes = noted["state"], noted["sizes"]
        self._files: dict[str, BinaryIO] = {}
        for name in names:
            path = folder / name
            path.touch()
            file = path.open("r+b")
            file.truncate(sizes[name])
            file.seek(sizes[name])
            self._files[name] = file

    def __enter__(self) -> Appending:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def write(self, name: str, data: bytes) -> None:
        """
        Raises:
            StoreError: the disk is full.
        """
        try:
            self._files[name].write(data)
        except OSError as error:
            raise self._unusable(error) from error

    def commit(self, state: dict[str, Any]) -> None:
        """Note how far the files came; all of it or, if the process dies, none.

        Raises:
            StoreError: the disk is full.
        """
        try:
            for file in self._files.values():
                file.flush()
            sizes = {name: file.tell() for name, file in self._files.items()}
            fresh = self._note.with_suffix(".new")
            fresh.write_text(json.dumps({"state": state, "sizes": sizes}), encoding="utf-8")
            fresh.replace(self._note)
        except OSError as error:
            raise self._unusable(error) from error
        self.state = state

    def _unusable(self, error: OSError) -> StoreError:
        return StoreError(
            f"the prepared data cannot be written in {self._folder}: {error.strerror or error}; free some disk, or set MUSICEXP_CACHE to another folder"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1
