"""Figures of a trained model: the likelihood of each side of the split, alone and with recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musicexp.generation import Checkpoint
from musicexp.metrics import Likelihood, likelihood, token_nats
from musicexp.metrics.recalling import Followed, fit_recall, recalling_nats
from musicexp.model import MusicModel, Trust, recurrence
from musicexp.music import SIDES, Side
from musicexp.training.devices import choose_device
from musicexp.training.material import Material
from musicexp.training.yardsticks import HELD_OUT


@dataclass(frozen=True)
class Figures:
    """What came of a model.

    Attributes:
        likelihoods: by side, of the model alone; the training side is judged on as many pieces as the validation
            side has.
        recalling: the same for held-out sides, with recall.
        recall: how far what a piece said before is trusted: fitted on the validation pieces, or else as the
            checkpoint has it; None if it has none either.
    """

    likelihoods: dict[Side, Likelihood]
    recalling: dict[Side, Likelihood]
    recall: Trust | None


def judged_model(checkpoint: Checkpoint) -> MusicModel:
    """The model with the kept weights, where and as it was trained."""
    model = checkpoint.model().to(choose_device(checkpoint.config.trainer.accelerator))
    model.recurrence = recurrence(checkpoint.resolved.recurrence, checkpoint.resolved.precision)
    return model


def judge(checkpoint: Checkpoint, material: Material, sides: Sequence[Side] = SIDES) -> Figures:
    """Likelihood of some sides of the split under the kept weights, each read once."""
    model = judged_model(checkpoint)
    found: dict[Side, Likelihood] = {}
    recalling: dict[Side, Likelihood] = {}
    recall = checkpoint.recall
    for side in sorted(
        sides, key=("val", "train", "test").index
    ):  # the validation side tells what recall is worth
        # As many training pieces as validation pieces: enough to see overfitting, and soon done.
        few = len(material.ids["val"]) if side == "train" else None
        pieces, notes = material.ids[side][:few], int(material.notes[side][:few].sum())
        nats = token_nats(model, pieces)
        found[side] = likelihood(np.array([piece.sum() for piece in nats]), pieces, notes)
        if side not in HELD_OUT:
            continue
        alone, followed = np.concatenate([*nats, np.zeros(0)]), Followed.of(pieces)
        if side == "val":
            recall = fit_recall(alone, followed)
        if recall is not None:
            recalling[side] = likelihood(recalling_nats(alone, followed, recall), pieces, notes)
    return Figures({side: found[side] for side in sides}, recalling, recall)
