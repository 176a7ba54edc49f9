"""The trainings whose checkpoints questions 3 and 4 ask: the default model and data, learned in windows from anywhere.

Windows from anywhere begin without a memory, so the model has met cut memories in training; one that always carried its
state on has not, and would be judged by what it never saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from runs import REHEARSAL, Found, Place, Plan, trained

from musicexp.api import LoadedRun, load_run
from musicexp.model import MusicLSTM
from musicexp.music import Piece, Side
from musicexp.tokens import Ids
from musicexp.tracking import cache_dir
from musicexp.training import Material, Silent, prepare


@dataclass(frozen=True)
class Size:
    layers: int = 3
    hidden: int = 256
    iterations: int = 800
    every: int = 100
    seeds: int = 3
    files: int = 0


TINY = Size(layers=1, hidden=8, iterations=20, every=10, seeds=2, files=60)


def plans(size: Size, place: Place) -> list[Plan]:
    """A training a seed."""
    words = (
        "dataset=ryans",
        *((f"dataset.limit={size.files}",) if size.files else ()),
        "tokens=notes",
        f"model=lstm{size.layers}",
        f"model.hidden_size={size.hidden}",
        "model.embedding_dim=128",
        "model.dropout=0.2",
        "optimizer=adam",
        "optimizer.clip=1.0",
        "optimizer.schedule=cosine",
        "optimizer.warmup=0",
        "lr=5e-3",
        "batch_size=16",
        f"iterations={size.iterations}",
        "seq_length=100",
        "windows=random",
        "keep=best",
        f"validation.every={size.every}",
        "samples.temperature=[1.0,1.5]",
        "samples.count=4",
        "precision=fp32",
    )
    name = f"report3-lstm{size.layers}-seed"
    prefix = REHEARSAL if place.rehearsal else ""
    return [Plan(f"{prefix}{name}{seed}", "report3", (*words, f"seed={seed}")) for seed in range(size.seeds)]


def checkpoints(place: Place) -> list[Found]:
    """What there is of them, after training what was missing; or the runs that the place names instead."""
    if place.of:
        return [_named(name, place) for name in place.of]
    return trained(plans(TINY if place.rehearsal else Size(), place), place)


def _named(name: str, place: Place) -> Found:
    """
    Raises:
        RunError: there is no such run.
        StoreError: it has no checkpoint yet.
    """
    run = load_run(name, place.uri)
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
