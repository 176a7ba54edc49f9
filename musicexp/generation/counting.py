"""Counting: the PPM that melodies are drawn with beside the model, and the music that it has counted.

A checkpoint holds no music: who hands on a model hands on no tunes. So the training pieces are opened again where they were
prepared, or prepared again, by the settings that the checkpoint holds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musicexp.baselines import PPM
from musicexp.config import Samples
from musicexp.data import Sequences, TokenStore, prepare_store
from musicexp.errors import MusicError
from musicexp.generation.checkpoint import Checkpoint

MOST_TOKENS = 1_000_000
"""PPM counts so many tokens of training pieces at most, which takes seconds; the pieces lie in an order without meaning."""


def counted(store: TokenStore) -> Sequences:
    """The training pieces that PPM learns from."""
    pieces = store.sequences("train")
    return pieces[: int(np.searchsorted(np.cumsum(pieces.lengths()), MOST_TOKENS, side="right"))]


def ppm_left_out(store: TokenStore) -> str:
    """How much of the training pieces PPM has not counted, in words; "" if it has counted them all."""
    learned, every = len(counted(store)), store.sequences("train")
    if learned == len(every):
        return ""
    return (
        f"has counted {learned:,} of the {len(every):,} training pieces: {MOST_TOKENS:,} tokens are its most"
    )


def ppm_of(store: TokenStore) -> PPM:
    """The default PPM, which is a run's yardstick too, with the training pieces counted."""
    return PPM(len(store.vocabulary)).fit(counted(store))


def ppm_again(checkpoint: Checkpoint, settings: Samples, cache: Path) -> PPM | None:
    """What a run's melodies are drawn with, from its checkpoint alone; None where PPM has no share in them.

    Args:
        cache: the folder of prepared data.

    Raises:
        MusicError: the music that the run learned from is not there, or is another one now.
        StoreError: the cache cannot be used.
    """
    if not settings.ppm:
        return None
    config = checkpoint.config
    remedy = "put it back, or write ppm=0"
    try:
        store = prepare_store(config.dataset, config.split, config.tokens, cache)
    except MusicError as error:
        raise MusicError(
            f"ppm={settings.ppm:g} counts the music that the run learned from, which cannot be read again ({error}); {remedy}"
        ) from error
    found, then = store.summary.identity, checkpoint.data_fingerprint
    if found != then or store.vocabulary.fingerprint != checkpoint.vocabulary.fingerprint:
        raise MusicError(
            f"ppm={settings.ppm:g} counts the music that the run learned from, and {store.summary.where} has changed since (fingerprint {found}, then {then}); {remedy}"
        )
    return ppm_of(store)
