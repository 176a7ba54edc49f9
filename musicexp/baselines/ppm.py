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
        return _by_piece(self._nats(pieces, reading, reading.symbols[:, None])[:, 0], reading)

    def nats(self, pieces: Sequence[Ids]) -> list[Floats]:
        """What each symbol would cost at each predicted token: float64 [tokens, vocabulary] by piece, inf for what is never
        predicted; LTM+ reads the pieces in their order."""
        reading = self._reading(pieces)
        every = np.broadcast_to(np.arange(self._size), (len(reading.places), self._size))
        found = self._nats(pieces, reading, every)
        found[:, self._times_V == 0] = np.inf
        return _by_piece(found, reading)

    def nats_among(self, pieces: Sequence[Ids], among: Sequence[Ids]) -> list[Floats]:
        """What some symbols would cost at each predicted token: float64 [tokens, symbols] by piece.

        Args:
            among: for each piece int64 [tokens, symbols], which symbols are asked about; as many at each token.
        """
        reading = self._reading(pieces)
        return _by_piece(self._nats(pieces, reading, np.concatenate(among)), reading) if len(pieces) else []

    def _nats(self, pieces: Sequence[Ids], reading: Reading, asked_TN: Ints) -> Floats:
        """The cost of symbols at each token of all pieces, [tokens, symbols]."""
        models: list[Told] = []
        if self.settings.long == "LTM":
            models.append(self._long(reading, asked_TN))
        elif self.settings.long == "LTM+":
            models.append(self._learning(list(pieces), reading, asked_TN))
        if self.settings.short:
            models.append(self._short(pieces, reading, asked_TN))
        if len(models) == 1:
            return np.asarray(-np.log(models[0].chances))
        symbols = float(self._times_V.sum())
        weights = [weight(model.entropy_nats, symbols, self.settings.bias) for model in models]
        heard = sum(w[:, None] * model.chances for w, model in zip(weights, models, strict=True))
        return np.asarray(-np.log(heard / np.sum(weights, axis=0)[:, None]))

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

    def _long(self, reading: Reading, asked_TN: Ints) -> Told:
        predicted, found = len(reading.places), []
        some = max(CELLS_AT_ONCE // self._size, 1)
        for first in range(0, predicted, some):
            tokens = np.arange(first, min(first + some, predicted))
            chain = remembered(self._tree, reading, tokens, self._size, self.settings.order)
            found.append(told(chain, asked_TN[tokens], self._times_V))
        return _joined(found, asked_TN)

    def _learning(self, pieces: list[Ids], whole: Reading, asked_TN: Ints) -> Told:
        found = []
        for first, last, tokens in _shares([len(piece) * self._size for piece in pieces], whole):
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
            found.append(told(chain, asked_TN[tokens], self._times_V))
        return _joined(found, asked_TN)

    def _short(self, pieces: Sequence[Ids], whole: Reading, asked_TN: Ints) -> Told:
        """Symbols that a piece does not have are equally likely all along: one column stands for them."""
        held = [np.asarray(piece) for piece in pieces]
        costs = [len(piece) * (len(np.unique(piece)) + 1) for piece in held]
        found = []
        for first, last, tokens in _shares(costs, whole):
            reading = self._reading(held[first:last])
            there = _Within(reading, self._size)
            times = np.ones(there.width + 1)
            times[-1] = self._times_V.sum() - there.width
            came = there.columns(reading.symbols[:, None])[:, 0]
            size, order = self._size, self.settings.order
            chain = running(reading, 0, reading.pieces, came, there.width + 1, size, order)
            found.append(told(chain, there.columns(asked_TN[tokens]), times))
        return _joined(found, asked_TN)


class _Within:
    """For each predicted token the symbols of its piece, numbered from 0.

    Attributes:
        width: how many a piece has at most.
    """

    def __init__(self, reading: Reading, size: int) -> None:
        self._base = reading.pieces * size
        self._pairs = np.unique(self._base + reading.symbols)
        self._begins = np.searchsorted(self._pairs, self._base)
        ends = np.searchsorted(self._pairs, self._base + size)
        self.width = int((ends - self._begins).max(initial=0))

    def columns(self, symbols_TN: Ints) -> Ints:
        """The numbers of symbols at each token, [tokens, symbols]; `width` of those that its piece does not have."""
        keys = self._base[:, None] + symbols_TN
        places = np.minimum(np.searchsorted(self._pairs, keys), max(len(self._pairs) - 1, 0))
        there = self._pairs[places] == keys if len(self._pairs) else np.zeros(keys.shape, dtype=bool)
        return np.where(there, places - self._begins[:, None], self.width)


def _by_piece(found: Floats, reading: Reading) -> list[Floats]:
    return np.split(found, reading.ends[:-1]) if len(reading.ends) else []


def _shares(costs: Sequence[int], whole: Reading) -> Iterator[tuple[int, int, slice]]:
    """Pieces first to last of which so many cells are held at once, at least one piece, and their predicted tokens."""
    ends = np.concatenate([[0], whole.ends]).tolist()
    first, held = 0, 0
    for last, cost in enumerate(costs):
        if held and held + cost > CELLS_AT_ONCE:
            yield first, last, slice(ends[first], ends[last])
            first, held = last, 0
        held += cost
    if costs:
        yield first, len(costs), slice(ends[first], ends[-1])


def _joined(found: Sequence[Told], asked_TN: Ints) -> Told:
    if not found:
        return Told(np.zeros(asked_TN.shape), np.zeros(len(asked_TN)))
    return Told(
        np.concatenate([part.chances for part in found]),
        np.concatenate([part.entropy_nats for part in found]),
    )
