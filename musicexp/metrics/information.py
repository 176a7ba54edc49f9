"""Information content: how surprising a melody is to somebody who knows the corpus.

IC(e) = -log2 p(e | what came before), under a model that counts (Pearce 2005). The events are those that copying is
measured by: the interval from the note before and the time until the next, so that neither key nor tempo counts. The
model is PPM, unbounded, learned from the corpus alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines import PPM, PPMSettings
from musicexp.metrics.lines import line_of
from musicexp.music import Piece
from musicexp.tokens import BOS, EOS, PAD, Ids

FIRST = max(PAD, BOS, EOS) + 1
"""The first id that is an event; the one before it stands for whatever the corpus never has."""


class Expectation:
    """What somebody who knows a corpus expects of the next note."""

    def __init__(self, corpus: Sequence[Piece]) -> None:
        events = [_events(piece) for piece in corpus]
        known = np.unique(np.concatenate([*events, np.zeros(0, dtype=np.int64)]))
        self._ids = {event: FIRST + 1 + place for place, event in enumerate(known.tolist())}
        self._model = PPM(len(known) + FIRST + 1, PPMSettings(short=False)).fit(
            [self._sequence(found) for found in events]
        )

    def information(self, pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation over a piece's notes, in bits: float64 [pieces] each.

        The first note has no interval and is not counted. A piece of fewer than two notes has no mean, and one of
        fewer than three no deviation: nan.
        """
        nats = self._model.token_nats([self._sequence(_events(piece)) for piece in pieces])
        bits = [found[:-1] / math.log(2) for found in nats]  # without the end, which is no note
        mean = [float(found.mean()) if len(found) else math.nan for found in bits]
        spread = [float(found.std()) if len(found) > 1 else math.nan for found in bits]
        return np.array(mean), np.array(spread)

    def _sequence(self, events: NDArray[np.int64]) -> Ids:
        ids = [self._ids.get(event, FIRST) for event in events.tolist()]
        return np.array([BOS, *ids, EOS], dtype=np.int64)


def _events(piece: Piece) -> NDArray[np.int64]:
    """For each note of the line but the first, its interval and the time since that one, as one number."""
    read = line_of(piece)
    onset, pitch = read.onset.astype(np.int64), read.pitch.astype(np.int64)
    found: NDArray[np.int64] = (onset[1:] - onset[:-1]) * 256 + (pitch[1:] - pitch[:-1]) + 128
    return found
