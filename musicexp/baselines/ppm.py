"""PPM: prediction by partial match, the strongest of the models that only count; after IDyOM (Pearce 2005).

A long-term model (LTM) has counted the training pieces. LTM+ goes on learning while it reads what it is asked about, piece
after piece, token after token. A short-term model (STM) begins with nothing in each piece and learns what repeats there.
Long and short are mixed token by token, each weighted by its relative entropy to the power -b. The arithmetic is
`ppm_escape`'s; C*I is `order=None`, C2I is `order=2`. Checked against Pearce's table of bits per pitch (`tests/test_pearce.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines.ppm_context import Context, Learning, Memory, Remembered
from musicexp.baselines.ppm_escape import Floats, Ints, Told, told, weight
from musicexp.baselines.ppm_running import running
from musicexp.baselines.ppm_tree import Level, Reading, grown, remembered
from musicexp.tokens import BOS, PAD, Ids

CELLS_AT_ONCE = 1 << 20
"""Chances held at a time: 8 MB an array."""

PPM_NAME = "ppm"
"""What the settings' default is called beside the LSTM."""

Long = Literal["LTM", "LTM+"]


@dataclass(frozen=True)
class PPMSettings:
    """Which PPM.

    Attributes:
        long: the long-term model, or None for none.
        short: whether there is a short-term model.
        order: tokens of context at most; None for the shortest context with a single follower, PPM*'s rule.
        bias: b, of the mixture of the two.
        framed: whether pieces are BOS ... EOS; else each is symbols alone, its first one predicted, its end not.
    """

    long: Long | None = "LTM"
    short: bool = True
    order: int | None = None
    bias: float = 2.0
    framed: bool = True

    def __post_init__(self) -> None:
        assert self.long or self.short, "a PPM without any model"
        assert self.order is None or self.order >= 0
        assert self.bias >= 0


class PPM:
    """A PPM with the LSTM's likelihood interface. Neither PAD nor BOS is predicted, if pieces are framed."""

    def __init__(self, vocabulary_size: int, settings: PPMSettings | None = None) -> None:
        self.settings = settings or PPMSettings()
        self._size = vocabulary_size
        self._times_V = np.ones(vocabulary_size)
        if self.settings.framed:
            self._times_V[[PAD, BOS]] = 0
        self._learned: list[Ids] = []  # LTM+'s
        self._tree: list[Level] = []  # LTM's
        self.fit([])

    def fit(self, pieces: Sequence[Ids]) -> PPM:
        """Count pieces; what was counted before is forgotten."""
        if self.settings.long == "LTM+":
            self._learned = list(pieces)
        elif self.settings.long == "LTM":
            self._tree = grown(self._reading(pieces), self._size, self.settings.order)
        return self

    def nll_nats(self, pieces: Sequence[Ids]) -> NDArray[np.float64]:
        """Code length of each piece in nats, float64 [pieces]; LTM+ reads them in their order."""
        return np.array([nats.sum() for nats in self.token_nats(pieces)], dtype=np.float64)

    def token_nats(self, pieces: Sequence[Ids]) -> list[Floats]:
        """Code length of each predicted token: a list of float64 [tokens], by piece."""
        reading = self._reading(pieces)
        models: list[Told] = []
        if self.settings.long == "LTM":
            models.append(self._long(reading))
        elif self.settings.long == "LTM+":
            models.append(self._learning(list(pieces)))
        if self.settings.short:
            models.append(self._short(pieces))
        symbols = float(self._times_V.sum())
        weights = [weight(model.entropy_nats, symbols, self.settings.bias) for model in models]
        heard = sum(w * model.chance for w, model in zip(weights, models, strict=True))
        return np.split(-np.log(heard / sum(weights)), reading.ends[:-1]) if len(pieces) else []

    def nats(self, pieces: Sequence[Ids]) -> list[Floats]:
        """What each symbol would cost at each predicted token: float64 [tokens, vocabulary] by piece, inf for what is never
        predicted; LTM+ reads the pieces in their order. Token after token, so that it takes a millisecond each."""
        found, learned = [], list(self._learned)
        for piece in pieces:
            context, rows = self.context(), []
            for token in np.asarray(piece).tolist():
                rows.append(context.probabilities())
                context.advance(token)
            with np.errstate(divide="ignore"):
                found.append(-np.log(np.array(rows[1:] if self.settings.framed else rows)))
            if self.settings.long == "LTM+":
                self._learned.append(piece)
        self._learned = learned
        return found

    def context(self) -> Context:
        """A new piece that grows token by token, asked what comes next; LTM+ knows what it was fitted to, and the piece."""
        memories: list[Memory] = []
        size, order, framed = self._size, self.settings.order, self.settings.framed
        if self.settings.long == "LTM":
            memories.append(Remembered(self._tree, size, order))
        elif self.settings.long == "LTM+":
            memories.append(Learning(order, framed, self._reading(self._learned)))
        if self.settings.short:
            memories.append(Learning(order, framed, self._reading([])))
        return Context(memories, self._times_V, self.settings.bias)

    def _reading(self, pieces: Sequence[Ids]) -> Reading:
        return Reading.of(pieces, self.settings.framed)

    def _long(self, reading: Reading) -> Told:
        predicted, found = len(reading.places), []
        some = max(CELLS_AT_ONCE // self._size, 1)
        for first in range(0, predicted, some):
            asked = np.arange(first, min(first + some, predicted))
            chain = remembered(self._tree, reading, asked, self._size, self.settings.order)
            found.append(told(chain, reading.symbols[asked], self._times_V))
        return _joined(found)

    def _learning(self, pieces: list[Ids]) -> Told:
        found = []
        for first, last in _shares([len(piece) * self._size for piece in pieces]):
            known = [*self._learned, *pieces[:first]]
            reading = self._reading([*known, *pieces[first:last]])
            before = int(reading.ends[len(known) - 1]) if known else 0
            columns = reading.symbols
            chain = running(
                reading,
                before,
                np.zeros_like(columns),
                columns,
                self._size,
                self._size,
                self.settings.order,
            )
            found.append(told(chain, columns[before:], self._times_V))
        return _joined(found)

    def _short(self, pieces: Sequence[Ids]) -> Told:
        """Symbols that a piece does not have are equally likely all along: one column stands for them."""
        held = [np.asarray(piece) for piece in pieces]
        found = []
        for first, last in _shares([len(piece) * (len(np.unique(piece)) + 1) for piece in held]):
            reading = self._reading(held[first:last])
            columns, width = _within(reading, self._size)
            times = np.ones(width + 1)
            times[-1] = self._times_V.sum() - width
            chain = running(reading, 0, reading.pieces, columns, width + 1, self._size, self.settings.order)
            found.append(told(chain, columns, times))
        return _joined(found)


def _within(reading: Reading, size: int) -> tuple[Ints, int]:
    """For each predicted token its number among the symbols of its piece, and how many a piece has at most."""
    pairs, columns = np.unique(reading.pieces * size + reading.symbols, return_inverse=True)
    begins = np.searchsorted(pairs, reading.pieces * size)
    width = int((columns - begins).max(initial=-1)) + 1
    return columns - begins, width


def _shares(costs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pieces first to last of which so many cells are held at once; at least one piece."""
    first, held = 0, 0
    for last, cost in enumerate(costs):
        if held and held + cost > CELLS_AT_ONCE:
            yield first, last
            first, held = last, 0
        held += cost
    if costs:
        yield first, len(costs)


def _joined(found: Sequence[Told]) -> Told:
    none = np.zeros(0)
    return Told(
        np.concatenate([none, *(part.chance for part in found)]),
        np.concatenate([none, *(part.entropy_nats for part in found)]),
    )
