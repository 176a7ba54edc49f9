"""What a run trains on: pieces as token ids by side of the split, with baselines counted on the same split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines import PPM
from musicexp.config import Config, Samples
from musicexp.data import Sequences, Summary, TokenStore, fold_table, prepare_store
from musicexp.generation import ppm_of, prime_file, read_prime
from musicexp.music import SIDES, Side
from musicexp.music.corpus import Progress, source_of
from musicexp.render.sound import sound_of
from musicexp.tokens import Vocabulary, tokenizer
from musicexp.training.devices import check_devices, resolved_here
from musicexp.training.yardsticks import Yardsticks, yardsticks


@dataclass(frozen=True)
class Material:
    """Everything about the music that training needs; the music itself stays on disk."""

    store: TokenStore

    @property
    def summary(self) -> Summary:
        return self.store.summary

    @property
    def vocabulary(self) -> Vocabulary:
        return self.store.vocabulary

    @cached_property
    def ids(self) -> dict[Side, Sequences]:
        """By side, each piece BOS ... EOS."""
        return {side: self.store.sequences(side) for side in SIDES}

    @cached_property
    def notes(self) -> dict[Side, NDArray[np.int32]]:
        """By side, the sounding notes of each piece as read."""
        return {side: self.store.notes(side) for side in SIDES}

    @cached_property
    def baselines(self) -> Yardsticks:
        """Unigram, bigram, trigram and PPM, counted on the training pieces, on the held-out ones."""
        return yardsticks(self.store)

    @cached_property
    def counting(self) -> PPM:
        """PPM with the training pieces counted, once."""
        return ppm_of(self.store)

    def partner(self, settings: Samples) -> PPM | None:
        """Who draws melodies beside the model; None where PPM has no share in them."""
        return self.counting if settings.ppm else None


def check(config: Config) -> None:
    """Find out, at no cost, whether what the settings name is there: music, prime, devices.

    Raises:
        MusicError: no such folder or collection, no music in it, no such prime.
        SettingError: no such SoundFont, no such table of folds.
        RunError: no such device, recurrence or precision.
    """
    check_devices(config)
    resolved_here(config)
    source_of(config.dataset.collection, config.dataset.path).check()
    for name in config.dataset.apart_from or ():
        source_of(name, None).check()
    fold_table(config.split)
    if config.samples.prime:
        prime_file(config.samples.prime)
    if config.render.audio and config.render.soundfont:
        sound_of(config.render)


def prepare(config: Config, cache: Path, progress: Progress | None = None) -> Material:
    """Read the data set, split it, and turn it into tokens, or open what was made of it before.

    Raises:
        MusicError: the data set is not there, empty, or too small to split.
    """
    store = prepare_store(
        config.dataset, config.split, config.tokens, cache, strict=config.strict, progress=progress
    )
    if config.samples.prime:  # one that does not suit is told now, not when the training is over
        read_prime(
            config.samples.prime,
            config.samples.prime_notes,
            tokenizer(config.tokens.kind),
            store.vocabulary,
            config.tokens.unknown,
        )
    return Material(store)
