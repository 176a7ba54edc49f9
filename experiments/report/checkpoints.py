"""The checkpoints that questions 3 and 4 ask: three seeds of question 2's best combination; nothing more is trained.

They learned in windows from anywhere, which begin without a memory: such a model has met cut memories in training. One
that always carried its state on has not, and would be judged by what it never saw.
"""

from __future__ import annotations

import factorial
import numpy as np
from runs import Found, Place, Plan, trained

from musicexp.api import LoadedRun, load_run
from musicexp.model import MusicLSTM
from musicexp.music import Piece, Side
from musicexp.tokens import Ids
from musicexp.tracking import cache_dir
from musicexp.training import Material, Silent, prepare

BEST = (0, 1)
"""The original learning rate and the tuned batch size: of question 2's combinations the one of lowest loss."""

ALWAYS_THERE = "Default"
"""An experiment that every store has: runs are looked for in all of them, but one must be named."""


def checkpoints(place: Place) -> list[Found]:
    """What there is of them, after training what was missing; or the runs that the place names instead."""
    if place.of:
        return [_named(name, place) for name in place.of]
    size = factorial.TINY if place.rehearsal else factorial.Size()
    return trained([factorial.plan(size, place, *BEST, seed) for seed in range(size.seeds)], place)


def _named(name: str, place: Place) -> Found:
    """
    Raises:
        RunError: there is no such run.
        StoreError: it has no checkpoint yet.
    """
    run = load_run(name, place.uri, ALWAYS_THERE)
    run.checkpoint()
    return Found(Plan(name, run.config.tracking.experiment, ()), "finished", run)


def material_of(run: LoadedRun, place: Place) -> Material:
    """What a run learned from and is asked about, as it was prepared for it."""
    return prepare(run.config, cache_dir(place.uri), Silent().preparing)


def model_of(run: LoadedRun) -> MusicLSTM:
    """The model with the weights that the run kept."""
    return run.checkpoint().model()


def chosen(pieces: int, most: int, seed: int = 0) -> list[int]:
    """At most so many numbers of pieces, drawn by a seed of its own, in order."""
    drawn = np.random.default_rng(seed).permutation(pieces)[:most]
    return sorted(drawn.tolist())


def music(material: Material, run: LoadedRun, side: Side) -> list[Piece]:
    """The pieces of a side, as the model reads them."""
    tokenizer = run.checkpoint().tokenizer
    like = Piece.of([])
    found = []
    for number, ids in enumerate(material.ids[side], start=1):
        words = material.vocabulary.decode(_inner(ids).tolist())
        found.append(tokenizer.piece(words, f"{side}{number}", like=like))
    return found


def _inner(ids: Ids) -> Ids:
    """Without BOS and EOS."""
    return ids[1:-1]
