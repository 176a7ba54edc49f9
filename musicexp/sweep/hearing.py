"""The samples of a study's best few trials, for the study's page."""

from __future__ import annotations

import json
from collections.abc import Iterator

from musicexp.config import Render
from musicexp.errors import MusicexpError
from musicexp.music.midi import midi_piece
from musicexp.render.player import PlayerPiece, player_page
from musicexp.render.sound import sound_of
from musicexp.report.study import Study, Trial
from musicexp.report.study_facts import figure, leading, ranked, settings_words
from musicexp.tracking import MlflowRun, Store
from musicexp.wording import count

FEW = 3
"""Trials that are heard."""
SAMPLES = 4
"""Of each, the first ones: chosen by nobody."""


def best_few(study: Study) -> list[Trial]:
    """The trial that the study names as its best or leading one, and those that follow it in rank."""
    first = leading(study)
    others = [trial for trial in ranked(study) if first is None or trial.number != first.number]
    return [*([first] if first is not None else []), *others][:FEW]


def heard(study: Study, store: Store, settings: Render) -> tuple[bytes | None, list[str]]:
    """A page that plays the first samples of the best few trials, and what could not be found for it.

    Returns:
        None where there is nothing to play, or no sound is wanted.
    """
    if not settings.audio:
        return None, []
    entries: list[PlayerPiece] = []
    missing: list[str] = []
    for trial in best_few(study):
        try:
            entries += list(_samples(study, trial, store.find(trial.runs[0])))
        except (MusicexpError, ValueError, IndexError) as error:
            # A run may have been deleted since: the page is that of a study and has a gap, as its tables have.
            missing.append(f"trial {trial.number} cannot be heard: {error}")
    if not any(len(entry.piece) for entry in entries):
        return None, missing
    title = f"{study.name}: the best {count(len({e.id.split()[0] for e in entries}), 'trial')}"
    return player_page(title, entries, sound_of(settings)), missing


def _samples(study: Study, trial: Trial, run: MlflowRun) -> Iterator[PlayerPiece]:
    told = json.loads(run.read("summary.json"))["samples"]
    metric = study.objectives[0].metric
    for file, facts in list(told.items())[:SAMPLES]:
        number = file.removeprefix("sample_").removesuffix(".mid")
        yield PlayerPiece(
            id=f"trial_{trial.number} sample_{number}",
            title=f"trial {trial.number}, sample {number}",
            group="samples",
            piece=midi_piece(run.read(file), file),
            facts=(
                ("settings", settings_words(trial.settings)),
                (metric, figure(trial.values[0])),
                ("temperature", f"{facts['temperature']:g}"),
                ("notes", str(facts["notes"])),
                ("ended by", str(facts["ended_by"])),
            ),
        )
