"""What `tune=true` found for each fold of a table: conf/tuned/TABLE.yaml, kept with the time that it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musicexp.config import conf_dir, to_yaml
from musicexp.errors import SettingError, StoreError

HEAD = "# Found by: {command}\n# seconds: of training in the fold's search, in which its test pieces had no part.\n"


@dataclass(frozen=True)
class Tuned:
    """What was found for one fold.

    Attributes:
        settings: words such as "lr=0.0021".
        seconds: of training in its search, all trials together.
        trials: how many configurations were tried.
        study: the name of the search.
    """

    settings: tuple[str, ...]
    seconds: float
    trials: int
    study: str


ByFold = Mapping[int, Tuned]


def tuned_path(table: str) -> Path:
    """Where the tuned settings of a table lie."""
    return conf_dir() / "tuned" / f"{table}.yaml"


def read_tuned(table: str) -> ByFold:
    """The tuned settings of a table's folds; none where it was not tuned.

    Raises:
        SettingError: the file cannot be read or holds something else.
    """
    import yaml

    path = tuned_path(table)
    try:
        if not path.exists():
            return {}
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            int(fold): Tuned(
                tuple(map(str, one["settings"])), float(one["seconds"]), int(one["trials"]), str(one["study"])
            )
            for fold, one in values["folds"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise SettingError(
            f"the tuned settings {path} cannot be read ({type(error).__name__}); mend the file, delete it, or write tuned=false"
        ) from error


def write_tuned(table: str, tuned: ByFold, command: str) -> Path:
    """Keep the tuned settings of a table.

    Args:
        command: that found them, for people.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = tuned_path(table)
    folds = {
        str(fold): {key: list(value) if key == "settings" else value for key, value in vars(one).items()}
        for fold, one in sorted(tuned.items())
    }
    try:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(HEAD.format(command=command) + to_yaml({"folds": folds}), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"the tuned settings cannot be kept in {path}: {error.strerror or error}; make the folder writable"
        ) from error
    return path
