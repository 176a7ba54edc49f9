"""What `tune=true` found for each fold of a table: conf/tuned/TABLE.yaml, kept with the time that it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musicexp.config import conf_dir, to_yaml
from musicexp.errors import SettingError, StoreError

WHAT_SECONDS = "# seconds: of training in the fold's search, in which its test pieces had no part.\n"


@dataclass(frozen=True)
class Tuned:
    """The tuned settings of a table's folds.

    Attributes:
        folds: by fold, words such as "lr=0.0021".
        seconds: by fold, of training in its search, all trials together.
        trials: by fold, how many configurations were tried.
    """

    folds: Mapping[int, tuple[str, ...]]
    seconds: Mapping[int, float]
    trials: Mapping[int, int]

    def words(self, fold: int) -> tuple[str, ...]:
        """What was found for a fold; none where it was not tuned."""
        return self.folds.get(fold, ())


def tuned_path(table: str) -> Path:
    """Where the tuned settings of a table lie."""
    return conf_dir() / "tuned" / f"{table}.yaml"


def read_tuned(table: str) -> Tuned | None:
    """The tuned settings of a table; None where it was not tuned.

    Raises:
        SettingError: the file cannot be read or holds something else.
    """
    import yaml

    path = tuned_path(table)
    try:
        if not path.exists():
            return None
        values: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        folds = {int(fold): tuple(map(str, one["settings"])) for fold, one in values["folds"].items()}
        seconds = {int(fold): float(one["seconds"]) for fold, one in values["folds"].items()}
        trials = {int(fold): int(one["trials"]) for fold, one in values["folds"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise SettingError(
            f"the tuned settings {path} cannot be read ({type(error).__name__}); mend the file, delete it, or write tuned=false"
        ) from error
    return Tuned(folds, seconds, trials)


def write_tuned(table: str, tuned: Tuned, command: str) -> Path:
    """Keep the tuned settings of a table.

    Args:
        command: that found them, for people.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = tuned_path(table)
    values = {
        str(fold): {
            "settings": list(words),
            "seconds": round(tuned.seconds[fold], 1),
            "trials": tuned.trials[fold],
        }
        for fold, words in sorted(tuned.folds.items())
    }
    text = f"# Found by: {command}\n{WHAT_SECONDS}{to_yaml({'folds': values})}"
    try:
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StoreError(
            f"the tuned settings cannot be kept in {path}: {error.strerror or error}; make the folder writable"
        ) from error
    return path
