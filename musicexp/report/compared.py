"""A run read out of its store for a comparison. What is gone leaves a gap and a sentence, never an error."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from musicexp.config import read_config
from musicexp.errors import StoreError
from musicexp.music import Piece
from musicexp.music.midi import midi_piece
from musicexp.report.compared_music import music_sets
from musicexp.report.comparison import CURVES, FIGURES, ComparedRun, ComparedSample, Reference, Side
from musicexp.report.pace import points
from musicexp.report.run_words import gone, state_words
from musicexp.tracking import MlflowRun, without_password

SAMPLE, REFERENCE = re.compile(r"sample_(\d+)\.mid"), re.compile(r"reference_(\d+)\.mid")
NOTE = "mlflow.note.content"
CODE = {
    "commit": "git.commit",
    "dirty": "git.dirty",
    "fingerprint": "musicexp.code",
    "version": "musicexp.version",
}
RESOLVED = ("recurrence", "precision", "threads")
TABLES = ("nll_nats", "bits_per_note")
"""Figures that summary.json holds by side."""


def compared_run(run: MlflowRun, experiment: str) -> ComparedRun:
    """Everything of a run that a comparison shows.

    Args:
        experiment: the name of its MLflow experiment.

    Raises:
        StoreError: the store itself does not answer.
    """
    files = run.files()
    settings, missing = _settings(run, files)
    summary, words = _summary(run, files)
    missing += words
    curves = _curves(run, settings, summary)
    samples, words = _samples(run, files, summary, settings)
    missing += words
    references, words = _references(run, files, summary)
    missing += words
    tags = run.tags
    return ComparedRun(
        id=run.id,
        name=run.name,
        status=run.status,
        experiment=experiment,
        started=_moment(run.started_ms),
        seed=_whole(settings.get("seed", tags.get("seed"))),
        tags=tags,
        settings=settings,
        curves=curves,
        baselines=_baselines(run, summary),
        figures=_figures(run, summary, curves),
        samples=samples,
        references=references,
        missing=(*state_words(run, curves), *missing),
        fingerprints={
            "data": tags.get("data_fingerprint", ""),
            "vocabulary": tags.get("vocabulary_fingerprint", ""),
        },
        code={key: tags.get(tag, "") for key, tag in CODE.items()},
        versions=_beginning(tags, "version."),
        machine=_beginning(tags, "machine."),
        resolved={key: tags.get(f"resolved.{key}", "") for key in RESOLVED},
        study=tags.get("study", ""),
        trial=_whole(tags.get("trial")),
        note=tags.get(NOTE, ""),
        music=_music(run),
        judged=music_sets(summary),
    )


def _settings(run: MlflowRun, files: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """From config.yaml, else from what MLflow's database holds of them."""
    kept = {name: _read_back(without_password(text)) for name, text in run.params.items()}
    instead = "its settings are taken from MLflow's params" if kept else "its settings are unknown"
    if "config.yaml" not in files:
        return kept, [gone(run, "config.yaml", instead)]
    try:
        config = read_config(run.read("config.yaml"), f"config.yaml of run {run.name} ({run.id})")
    except StoreError as error:
        return kept, [f"{error}; {instead}"]
    settings = config.flat()
    if settings["tracking.uri"]:
        settings["tracking.uri"] = without_password(settings["tracking.uri"])
    return settings, []


def _read_back(text: str) -> Any:
    """A value that was written with str(): numbers, lists, None and truth values again, other text as it is."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _summary(run: MlflowRun, files: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    if "summary.json" not in files:
        words = [gone(run, "summary.json", "some figures are unknown")] if run.status == "FINISHED" else []
        return {}, words
    try:
        found = json.loads(run.read("summary.json"))
    except (ValueError, StoreError) as error:
        return {}, [f"summary.json is damaged and cannot be read ({error}); some figures are unknown"]
    if not isinstance(found, dict):
        return {}, ["summary.json is damaged: it holds no figures; some are unknown"]
    return found, []


def _curves(
    run: MlflowRun, settings: Mapping[str, Any], summary: Mapping[str, Any]
) -> dict[Side, tuple[Any, ...]]:
    logged = {side: run.history(f"loss/{side}") for side in CURVES}
    sizes = settings.get("batch_size"), settings.get("seq_length")
    tokens = sizes[0] * sizes[1] if all(isinstance(size, int) for size in sizes) else 0  # type: ignore[operator]
    return points(logged, tokens, _number(summary.get("seconds")))


def _baselines(run: MlflowRun, summary: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, sides in _mapping(summary.get("baseline_nll_nats")).items():
        value = _number(_mapping(sides).get("val"))
        found |= {name: value} if value is not None else {}
    for key, value in run.metrics.items():
        parts = key.split("/")
        if parts[0] == "baseline" and parts[-1] == "val" and len(parts) == 3 and math.isfinite(value):
            found.setdefault(parts[1], value)
    return found


def _figures(
    run: MlflowRun, summary: Mapping[str, Any], curves: Mapping[Side, Sequence[Any]]
) -> dict[str, float]:
    """What MLflow holds, then what summary.json adds, then what the curves tell."""
    told: dict[str, Any] = dict(summary)
    for kind in TABLES:
        told |= {f"{kind}/{side}": value for side, value in _mapping(summary.get(kind)).items()}
    ends = [points[-1] for points in curves.values() if points]
    reached = (
        {"iterations": max(e.iteration for e in ends), "seconds": max(e.seconds for e in ends)}
        if ends
        else {}
    )
    found: dict[str, float] = {}
    for name in FIGURES:
        values = [_number(source.get(name)) for source in (run.metrics, told, reached)]
        known = next((value for value in values if value is not None), None)
        found |= {name: known} if known is not None else {}
    return found


def _music(run: MlflowRun) -> dict[str, float]:
    """What was measured of its samples."""
    return {
        name: value
        for name, value in run.metrics.items()
        if name.startswith("music/") and math.isfinite(value)
    }


@dataclass(frozen=True)
class _Told:
    """What summary.json says of a file."""

    facts: Mapping[str, Any]

    def number(self, name: str) -> float | None:
        return _number(self.facts.get(name))

    def whole(self, name: str) -> int | None:
        return _whole(self.facts.get(name))


def _samples(
    run: MlflowRun, files: Sequence[str], summary: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[tuple[ComparedSample, ...], list[str]]:
    told = _mapping(summary.get("samples"))
    expected = _numbered(SAMPLE, [*told, *files])
    if not summary and run.status == "FINISHED" and "pruned" not in run.tags:
        count = _whole(settings.get("samples.count")) or 0
        expected |= {k: f"sample_{k}.mid" for k in range(1, count + 1)}
    pieces, missing = _pieces(run, files, expected)
    prime = str(settings.get("samples.prime") or "")
    found = []
    for number, file in sorted(expected.items()):
        facts, piece = _Told(_mapping(told.get(file))), pieces[number]
        found.append(
            ComparedSample(
                number=number,
                file=file,
                temperature=facts.number("temperature"),
                draw=facts.whole("draw"),
                seed=facts.whole("seed"),
                prime=prime,
                notes=facts.whole("notes") if piece is None else len(piece),
                quarters=facts.number("quarters") if piece is None else piece.quarters,
                ended_by=str(facts.facts.get("ended_by", "")),
                piece=piece,
            )
        )
    return tuple(found), missing


def _references(
    run: MlflowRun, files: Sequence[str], summary: Mapping[str, Any]
) -> tuple[tuple[Reference, ...], list[str]]:
    told = _mapping(summary.get("references"))
    expected = _numbered(REFERENCE, [*told, *files])
    pieces, missing = _pieces(run, files, expected)
    found = []
    for number, file in sorted(expected.items()):
        facts = _mapping(told.get(file))
        title = str(facts.get("title") or facts.get("name") or file.removesuffix(".mid"))
        found.append(Reference(number, file, title, facts, pieces[number]))
    return tuple(found), missing


def _numbered(pattern: re.Pattern[str], names: Sequence[str]) -> dict[int, str]:
    matches = [match for name in names if (match := pattern.fullmatch(name))]
    return {int(match[1]): match[0] for match in matches}


def _pieces(
    run: MlflowRun, files: Sequence[str], expected: Mapping[int, str]
) -> tuple[dict[int, Piece | None], list[str]]:
    """Each file's notes, or None and a sentence."""
    found: dict[int, Piece | None] = dict.fromkeys(expected)
    lost, missing = [], []
    for number, file in sorted(expected.items()):
        if file not in files:
            lost.append(file)
            continue
        try:
            found[number] = midi_piece(run.read(file), file.removesuffix(".mid"))
        except ValueError as error:
            missing.append(f"{file} cannot be read as music: {error}")
        except StoreError as error:
            missing.append(str(error))
    if lost:
        missing.insert(0, gone(run, ", ".join(lost), "cannot be heard"))
    return found, missing


# ---------------------------------------------------------------------------------------------------
# Values that may be anything, since files are


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _beginning(tags: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in tags.items() if key.startswith(prefix)}


def _moment(milliseconds: int) -> str:
    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
