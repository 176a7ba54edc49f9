"""What a run leaves when its training is over: final figures, melodies, real pieces, pictures and the summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from musicexp.generation import CHECKPOINT_FILE, Checkpoint, Melody
from musicexp.generation.hearing import clip_entries, sample_entries
from musicexp.metrics import Likelihood
from musicexp.metrics.judgement import Judgement
from musicexp.music import Side
from musicexp.render import loss_picture, roll_picture
from musicexp.render.judged import PAGE, judged_page
from musicexp.render.performance import performance
from musicexp.render.sound import sound_of
from musicexp.tracking import Run
from musicexp.training.judging import Figures
from musicexp.training.learning import clip_index, learned
from musicexp.training.references import Reference, reference_entries
from musicexp.training.scoring import MUSIC_FILE, music_figures
from musicexp.training.yardsticks import HELD_OUT

Likelihoods = Mapping[Side, Likelihood]

ALWAYS = ("config.yaml", "vocabulary.json", "log.txt")
PERHAPS = (CHECKPOINT_FILE, "diff.patch", "rejected.csv")
"""Files at the root of the run's artifacts that were left before, or will be when the run is closed."""


@dataclass(frozen=True)
class Outcome:
    """What came of a training.

    Attributes:
        figures: likelihoods by side, and what recall is worth.
        baselines: by name, then by held-out side.
        melodies: sample_1 ... as drawn.
        references: real pieces to hear beside them.
        judgement: scored samples beside real music.
    """

    checkpoint: Checkpoint
    figures: Figures
    baselines: Mapping[str, Likelihoods]
    melodies: Sequence[Melody]
    references: Sequence[Reference] = ()
    judgement: Judgement | None = None


def log_figures(run: Run, outcome: Outcome) -> None:
    """The final figures as metrics at the last iteration."""
    checkpoint = outcome.checkpoint
    figures = {
        f"nll_nats/{side}": found.nats_per_token for side, found in outcome.figures.likelihoods.items()
    }
    figures |= {
        f"bits_per_note/{side}": found.bits_per_note
        for side, found in outcome.figures.likelihoods.items()
        if side in HELD_OUT
    }
    figures |= {
        f"baseline/{name}/{side}": found.nats_per_token
        for name, sides in outcome.baselines.items()
        for side, found in sides.items()
    }
    for side, found in outcome.figures.recalling.items():
        figures[f"recall/nll_nats/{side}"] = found.nats_per_token
        figures[f"recall/bits_per_note/{side}"] = found.bits_per_note
    if checkpoint.seconds:
        figures["iterations_per_second"] = checkpoint.iteration / checkpoint.seconds
    if outcome.judgement:
        figures |= music_figures(outcome.judgement)
    run.log_metrics(figures, checkpoint.iteration)
    run.flush()


def leave(run: Run, outcome: Outcome, say: Callable[[str], None]) -> list[str]:
    """Write melodies, real pieces, sounds, pictures and the summary; return the names of all the files at the root of the run.

    Args:
        say: is told what was wanted and cannot be made.
    """
    entries = [*sample_entries(outcome.melodies), *clip_entries(learned(run))]
    if entries:  # real music is played for comparison; a run without a melody has nothing to compare with it
        entries += reference_entries(outcome.references)
    played, remarks = performance(run.name, entries, outcome.checkpoint.config.render)
    for remark in remarks:
        say(f"render   {remark}")
    files = heard(outcome) | played | seen(run, outcome)
    if outcome.judgement:
        render = outcome.checkpoint.config.render
        sound = sound_of(render) if render.audio else None
        files[PAGE] = judged_page(run.name, outcome.judgement, sound)
        files[MUSIC_FILE] = json.dumps(outcome.judgement.as_dict(raw=True)).encode()
    files["summary.json"] = json.dumps(summary(run, outcome), indent=1).encode()
    for name, data in files.items():
        run.write(name, data)
    return sorted([*ALWAYS, *(name for name in PERHAPS if run.has(name)), *files])


def heard(outcome: Outcome) -> dict[str, bytes]:
    """What can be played, by name."""
    drawn = {melody.file: melody.midi() for melody in outcome.melodies}
    return drawn | {reference.file: reference.midi() for reference in outcome.references}


def seen(run: Run, outcome: Outcome) -> dict[str, bytes]:
    """What can be looked at, by name. A run that was ended early has no roll of melodies that it does not have."""
    if not outcome.checkpoint.config.render.pictures:
        return {}
    levels = {name: sides["val"].nats_per_token for name, sides in outcome.baselines.items()}
    title = f"{run.name}: loss in nats per token"
    files = {"loss.png": loss_picture(run.curve("loss/train"), run.curve("loss/val"), levels, title)}
    captions = [
        (
            f"{m.file}  T={m.temperature:g}{f', PPM {m.ppm:g}' if m.ppm else ''}, {len(m.piece)} notes, ended by {m.ended_by}",
            m.piece,
        )
        for m in outcome.melodies
    ]
    if outcome.checkpoint.done or captions:
        files["roll.png"] = roll_picture(captions)
    return files


def summary(run: Run, outcome: Outcome) -> dict[str, Any]:
    """The run in figures, for programs."""
    checkpoint = outcome.checkpoint
    return {
        "run": {"id": run.id, "name": run.name, "experiment": checkpoint.config.experiment},
        "iterations": checkpoint.iteration,
        "best_iteration": checkpoint.best.iteration if checkpoint.best else None,
        "stopped_early": checkpoint.stopped_early,
        "nll_nats": {side: found.nats_per_token for side, found in outcome.figures.likelihoods.items()},
        "bits_per_note": {
            side: found.bits_per_note
            for side, found in outcome.figures.likelihoods.items()
            if side in HELD_OUT
        },
        "recall": {
            "weights": checkpoint.recall,
            "nll_nats": {side: found.nats_per_token for side, found in outcome.figures.recalling.items()},
            "bits_per_note": {side: found.bits_per_note for side, found in outcome.figures.recalling.items()},
        },
        "baseline_nll_nats": {
            name: {side: found.nats_per_token for side, found in sides.items()}
            for name, sides in outcome.baselines.items()
        },
        "seconds": checkpoint.seconds,
        "parameters": sum(weight.numel() for weight in checkpoint.weights.values()),
        "samples": {melody.file: melody.as_dict() for melody in outcome.melodies},
        "references": {reference.file: reference.as_dict() for reference in outcome.references},
        "clips": clip_index(run),
        "music": outcome.judgement.as_dict() if outcome.judgement else None,
    }
