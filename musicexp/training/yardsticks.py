"""What counting reaches on the held-out pieces of a data set: counted once, kept beside the prepared data.

PPM is the strongest of them that is still asked what the LSTM is: LTM and STM, C*I, b = 2 (`baselines.ppm`). It has
counted the training pieces, as the LSTM has learned from them, and within a piece it goes on counting, as the LSTM
carries its state; but nothing passes from one held-out piece to the next, which LTM+ would allow.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines import NAMES, PPM_NAME, NGram
from musicexp.data import Sequences, TokenStore
from musicexp.errors import StoreError
from musicexp.generation.counting import ppm_of
from musicexp.metrics import Likelihood, likelihood
from musicexp.music import Side

HELD_OUT: tuple[Side, Side] = ("val", "test")

VERSION = 1
"""Counts up when the same pieces would give other figures."""

Yardsticks = dict[str, dict[Side, Likelihood]]
"""By name, then by held-out side."""


class _Counting(Protocol):
    def nll_nats(self, pieces: Sequences) -> NDArray[np.float64]: ...


def yardsticks(store: TokenStore) -> Yardsticks:
    """Unigram, bigram, trigram and PPM of a prepared data set; from its folder if they were counted before.

    Raises:
        StoreError: they cannot be kept there.
    """
    place = store.folder / f"baselines-{VERSION}.json"
    kept = _kept(place)
    if kept is not None:
        return kept
    found: Yardsticks = {}
    for name, model in _models(store):
        found[name] = {}
        for side in HELD_OUT:
            pieces = store.sequences(side)
            found[name][side] = likelihood(model.nll_nats(pieces), pieces, int(store.notes(side).sum()))
    _keep(place, found)
    return found


def _models(store: TokenStore) -> Iterator[tuple[str, _Counting]]:
    size, pieces = len(store.vocabulary), store.sequences("train")
    for order, name in NAMES.items():
        yield name, NGram(order, size).fit(pieces)
    yield PPM_NAME, ppm_of(store)


def _kept(place: Path) -> Yardsticks | None:
    """None where there are none, or what is there is of no use: it is counted again."""
    try:
        values: Mapping[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return {name: {side: Likelihood(*sides[side]) for side in HELD_OUT} for name, sides in values.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _keep(place: Path, found: Yardsticks) -> None:
    told = {name: {side: astuple(value) for side, value in sides.items()} for name, sides in found.items()}
    try:
        part = place.with_suffix(f".{uuid.uuid4().hex}.part")  # several workers may count at once
        part.write_text(json.dumps(told), encoding="utf-8")
        part.replace(place)
    except OSError as error:
        raise StoreError(
            f"the baselines cannot be kept in {place.parent}: {error.strerror or error}; make it writable, or set MUSICEXP_CACHE to another folder"
        ) from error
