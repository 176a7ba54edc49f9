"""A run as a folder that anybody can open without musicexp: a page, sounds, MIDI, pictures, figures, weights."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from musicexp.errors import MusicexpError, SettingError, StoreError
from musicexp.report.chosen_runs import check_ours
from musicexp.report.compared import compared_run
from musicexp.report.comparison import CURVES, ComparedRun
from musicexp.report.export_page import LICENCE, PAGE, README, export_page, licence_text, readme_text
from musicexp.tracking import MlflowRun, without_password

CHECKPOINT, WEIGHTS = "checkpoint.ckpt", "weights.pt"
CURVES_CSV, METRICS_CSV = "curves.csv", "metrics.csv"
OURS = (PAGE, README, LICENCE, WEIGHTS, CURVES_CSV, METRICS_CSV)
"""Files that are made for the folder, and that no file of the run may be in the way of."""
OF_REFERENCES = re.compile(r"(.*/)?reference[_.].*")
PLAYER = "player.html"
MUSIC = re.compile(r'(<script type="application/json" id="music">)(.*?)(</script>)', re.DOTALL)
WITH_ADDRESSES = ("config.yaml", "log.txt")
EXPECTED = ("config.yaml", "summary.json", CHECKPOINT, "vocabulary.json", "log.txt")
DRAWN = ("loss.png", "roll.png")
"""Expected too, unless the run was told to draw nothing."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: absolute.
        files: names below it, in order.
        missing: sentences about what the run does not have.
    """

    folder: Path
    files: tuple[str, ...]
    missing: tuple[str, ...]


def check_target(folder: Path) -> None:
    """
    Raises:
        SettingError: the folder is a file, or has something in it.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise SettingError(f"{folder} is no folder; name one that is not there yet")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise SettingError(
                f"{folder} holds something already; name a folder that is not there yet, so that nothing is lost"
            )
    except OSError as error:
        raise StoreError(_refused(folder, error)) from error


def export_run(run: MlflowRun, experiment: str, folder: Path, *, references: bool = True) -> Exported:
    """Write a run's folder, whole or not at all.

    Args:
        experiment: the name of its MLflow experiment.
        references: whether real pieces of the data set go along, which may be somebody's property.

    Raises:
        RunError: the run was not trained by musicexp.
        SettingError: as `check_target`.
        StoreError: the place cannot be written, or the store does not answer; nothing is left behind.
    """
    check_ours(run)
    folder = folder.expanduser().absolute()
    check_target(folder)
    found = compared_run(run, experiment)
    names = [name for name in run.all_files() if name not in OURS]
    if not references:
        names = [name for name in names if not OF_REFERENCES.fullmatch(name)]
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        missing = [*found.missing, *_filled(part, run, found, names, references)]
        if folder.exists():
            folder.rmdir()  # it is empty: os.rename takes a folder's place only on some systems
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StoreError(_refused(folder, error)) from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Exported(folder, tuple(files), tuple(missing))


def _refused(folder: Path, error: OSError) -> str:
    return f"{folder} cannot be written: {error.strerror or error}; name another folder, or make its place writable"


def _filled(
    part: Path, run: MlflowRun, found: ComparedRun, names: Sequence[str], references: bool
) -> list[str]:
    """Write everything; sentences about what is not there."""
    missing = []
    told = " ".join(found.missing)
    drawn = () if found.settings.get("render.pictures") is False else DRAWN
    for name in (*EXPECTED, *drawn):
        if name not in names and name not in told:
            missing.append(f"{name} is not there")
    for name in names:
        data: bytes | None = run.read(name)
        assert data is not None
        if name in WITH_ADDRESSES:
            data = without_password(data.decode(errors="replace")).encode()
        if name == PLAYER and not references:
            data = without_references(data)
            if data is None:
                missing.append(f"{PLAYER} is left out: it holds real pieces that cannot be taken out of it")
                continue
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if CHECKPOINT in names:
        missing += _weights(part, run)
    (part / CURVES_CSV).write_text(curves_csv(found), encoding="utf-8")
    (part / METRICS_CSV).write_text(metrics_csv(run), encoding="utf-8")
    (part / LICENCE).write_text(licence_text(found, references), encoding="utf-8")
    here = [*_names(part), PAGE, README]
    (part / README).write_text(readme_text(found, here, missing), encoding="utf-8")
    (part / PAGE).write_text(export_page(found, here, missing), encoding="utf-8")
    return missing


def _names(part: Path) -> list[str]:
    return sorted(path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file())


def _weights(part: Path, run: MlflowRun) -> list[str]:
    """The kept weights as a plain state_dict, which torch alone can read."""
    import torch

    from musicexp.generation import Checkpoint

    try:
        checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT), f"{CHECKPOINT} of run {run.name}")
    except MusicexpError as error:
        return [f"{WEIGHTS} is not written: {error}"]
    buffer = io.BytesIO()
    torch.save(dict(checkpoint.kept), buffer)
    (part / WEIGHTS).write_bytes(buffer.getvalue())
    return []


def without_references(page: bytes) -> bytes | None:
    """A player's page without the real pieces in it; None where they are not found as they should be."""
    text = page.decode(errors="surrogateescape")
    match = MUSIC.search(text)
    try:
        held = json.loads(match[2]) if match else None
    except ValueError:
        return None
    if match is None or not isinstance(held, dict) or not isinstance(held.get("pieces"), list):
        return None
    held["pieces"] = [piece for piece in held["pieces"] if piece.get("group") != "reference"]
    told = json.dumps(held, separators=(",", ":"))
    for sign in "<>&":
        told = told.replace(sign, f"\\u{ord(sign):04x}")
    whole = text[: match.start(2)] + told + text[match.end(2) :]
    return whole.encode(errors="surrogateescape")


# ---------------------------------------------------------------------------------------------------
# Figures as CSV


def curves_csv(found: ComparedRun) -> str:
    """Training and validation loss in nats per token, an iteration a row."""
    rows: dict[int, dict[str, float]] = {}
    for side in CURVES:
        for point in found.curves[side]:
            row = rows.setdefault(
                point.iteration, {"tokens_seen": point.tokens_seen, "seconds": point.seconds}
            )
            row[side] = point.value
    columns = ("tokens_seen", "seconds", *CURVES)
    return _csv(
        ["iteration", *columns],
        [[iteration, *(row.get(name, "") for name in columns)] for iteration, row in sorted(rows.items())],
    )


def metrics_csv(run: MlflowRun) -> str:
    """Every value of every metric as MLflow holds it."""
    return _csv(
        ["metric", "iteration", "value", "logged_ms_since_1970"],
        [[name, *entry] for name in sorted(run.metrics) for entry in run.history(name)],
    )


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    with io.StringIO(newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
        return out.getvalue()
