"""Multiple viewpoints: many PPMs, each of which reads a melody as something else, say together what pitch comes next.

After Conklin and Witten (1995) and IDyOM (Pearce 2005, chapters 6 and 7). A viewpoint turns each note into a symbol: its
interval from the note before, say, with the beat that it falls on. Of a note everything but the pitch is known before
(`MelodyLine`), so each pitch that may come has a symbol, what PPM says of symbols is shared out among their pitches,
and other symbols are left out. Every viewpoint has a long-term and a short-term model (`baselines.ppm`).

IDyOM weighs them by their entropies. Here they are a log-linear pool, p ~ prod p_k^w_k with w_k = exp(a_k) h_k^-b_k, h_k the
relative entropy; a_k and b_k are fitted within what is learned from: a fifth of the pieces at a time is asked about by
models that count the other four (stacking, Wolpert 1992). On Pearce's data that needs .04 to .07 bits a pitch less than
weights by entropy alone (experiments/pearce).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines.melody_line import BEGINS, MelodyLine
from musicexp.baselines.ppm import PPM, Long, PPMSettings
from musicexp.baselines.ppm_escape import Floats, Ints
from musicexp.music.keys import krumhansl_kessler

PARTS = 5
"""Into which what is learned from is cut to fit the pool."""
RIDGE = 1e-3
"""Nats for each unit squared by which a parameter of the pool differs from where it began."""
LEAST = 1e-12
"""A chance below is taken for this one, so that no viewpoint forbids anything for sure."""
SUREST = 0.02
"""A relative entropy below is taken for this one."""
AT_FIRST = 0.5
"""b_k before anything is fitted."""

KNOWN_FROM = 4
"""Notes from which on a key is guessed."""
PITCHES = 256
"""More than there are; codes of what is unlike are this far apart."""
PART, MOST_PARTS = 1 << 20, 3
"""More than any part of a symbol's code can be, and how many parts a code has room for."""

Codes = Callable[[MelodyLine, Ints], Ints]
"""For each note of a line what each pitch of an alphabet would be there: int64 [notes, pitches], not negative."""


@dataclass(frozen=True)
class Viewpoint:
    """What a note is read as.

    Attributes:
        relations: of its pitch to what was there before, names of `RELATIONS`; together they need not tell all pitches apart.
        told: names of `TOLD`.
    """

    relations: tuple[str, ...]
    told: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " x ".join((*self.relations, *self.told))

    def codes(self, line: MelodyLine, alphabet: Ints) -> Ints:
        """What each pitch of an alphabet would be at each note, as one number: int64 [notes, pitches]."""
        found = np.zeros((len(line), len(alphabet)), dtype=np.int64)
        parts = [
            *(RELATIONS[name](line, alphabet) for name in self.relations),
            *(TOLD[name](line)[:, None] for name in self.told),
        ]
        assert len(parts) <= MOST_PARTS
        for part in parts:
            assert part.size == 0 or (part.min() >= 0 and part.max() < PART)
            found = found * PART + part
        return found


# ---------------------------------------------------------------------------------------------------
# What a pitch is to what was there before


def _from(reference: Ints, known: NDArray[np.bool_] | bool, alphabet: Ints, mark: Ints | int = 0) -> Ints:
    """Intervals from a reference, [notes, pitches]; of pitches themselves where it is not known; `mark` tells apart by more."""
    apart = np.where(np.reshape(known, (-1, 1)), alphabet - reference[:, None] + PITCHES, alphabet)
    return np.asarray(apart + 2 * PITCHES * np.reshape(mark, (-1, 1)))


def _pitch(line: MelodyLine, alphabet: Ints) -> Ints:
    return np.broadcast_to(alphabet, (len(line), len(alphabet)))


def _interval(line: MelodyLine, alphabet: Ints, back: int = 1) -> Ints:
    numbers = np.arange(len(line))
    return _from(line.pitch[np.maximum(numbers - back, 0)], numbers >= back, alphabet)


def _wider(line: MelodyLine, alphabet: Ints) -> Ints:
    return _interval(line, alphabet, back=2)


def _from_first(line: MelodyLine, alphabet: Ints) -> Ints:
    return _from(np.repeat(line.pitch[:1], len(line)), np.arange(len(line)) > 0, alphabet)


def _from_tonic(line: MelodyLine, alphabet: Ints) -> Ints:
    tonic = np.full(len(line), line.tonic or 0)
    return _from(tonic, line.tonic is not None, alphabet, int(line.minor))


def _from_phrase(line: MelodyLine, alphabet: Ints) -> Ints:
    """From the first note of the phrase; where one begins, from that of the phrase before."""
    begins = line.phrase & BEGINS > 0
    numbers = np.arange(len(line))
    of = np.where(begins, line.begin[np.maximum(numbers - 1, 0)], line.begin)
    return _from(line.pitch[of], numbers > 0, alphabet, begins.astype(np.int64))


def _from_guessed_tonic(line: MelodyLine, alphabet: Ints) -> Ints:
    """From the tonic of the key that the notes before are likeliest in; from the first note where they are few."""
    numbers = np.arange(len(line))
    keys = guessed_keys(line.pitch)
    guessed = numbers >= KNOWN_FROM
    reference = np.where(guessed, keys % 12, np.repeat(line.pitch[:1], len(line)))
    return _from(reference, numbers > 0, alphabet, np.where(guessed, 1 + keys // 12, 0))


def _heard(line: MelodyLine, alphabet: Ints) -> Ints:
    """1 of the pitches that came before."""
    came = line.pitch[:, None] == alphabet
    return np.asarray((came.cumsum(axis=0) - came > 0).astype(np.int64))


def guessed_keys(pitch: Ints) -> Ints:
    """The key whose profile correlates best with the pitch classes before each note: int64 [notes], tonic + 12 in minor."""
    classes = pitch[:, None] % 12 == np.arange(12)
    before = classes.cumsum(axis=0) - classes
    return np.asarray((before @ krumhansl_kessler().T).argmax(axis=1))


RELATIONS: dict[str, Codes] = {
    "pitch": _pitch,
    "interval": _interval,
    "wider interval": _wider,
    "from first": _from_first,
    "from tonic": _from_tonic,
    "from phrase": _from_phrase,
    "from guessed tonic": _from_guessed_tonic,
    "heard": _heard,
}
TOLD: dict[str, Callable[[MelodyLine], Ints]] = {
    "beat": lambda line: line.beat,
    "position": lambda line: line.position,
    "duration": lambda line: line.duration,
    "phrase": lambda line: line.phrase,
}

PITCHES_ALONE = (
    Viewpoint(("pitch",)),
    Viewpoint(("interval",)),
    Viewpoint(("from first",)),
    Viewpoint(("wider interval",)),
    Viewpoint(("from guessed tonic",)),
    Viewpoint(("interval", "heard")),
)
"""Viewpoints of whoever is told nothing but pitches."""
WITH_RHYTHM = (
    Viewpoint(("from tonic",)),
    Viewpoint(("from tonic",), ("phrase",)),
    Viewpoint(("from tonic",), ("duration",)),
    Viewpoint(("from tonic",), ("beat", "phrase")),
    Viewpoint(("interval",), ("position",)),
    Viewpoint(("interval",), ("duration",)),
    Viewpoint(("interval",), ("phrase",)),
    Viewpoint(("interval",), ("beat", "phrase")),
    Viewpoint(("from phrase",), ("phrase",)),
)
"""Viewpoints of whoever is told key, metre, durations and phrases too."""


# ---------------------------------------------------------------------------------------------------
# The models, and their pool


@dataclass(frozen=True)
class Pool:
    """How much each model is heard.

    Attributes:
        log_weight: a_k, [models].
        sureness: b_k, [models]; above 0 a model is heard the more, the surer it is.
    """

    log_weight: Floats
    sureness: Floats

    def nats(self, said: Floats) -> Floats:
        """What each pitch costs under the pool: [notes, pitches].

        Args:
            said: nats of each model, [notes, pitches, models].
        """
        heard = np.einsum("npk,nk->np", said, self._weights(said))
        return np.asarray(heard + _log_sum_exp(-heard)[:, None])

    def _weights(self, said: Floats) -> Floats:
        return np.exp(self.log_weight - self.sureness * _log_entropies(said))


class MultipleViewpoints:
    """Multiple viewpoints over an alphabet of pitches.

    Example:
        train, test = ([MelodyLine.of(piece) for piece in pieces] for pieces in (known, others))
        alphabet = np.unique(np.concatenate([line.pitch for line in (*train, *test)]))
        nats = MultipleViewpoints(PITCHES_ALONE, alphabet).fit(train).nats(test)
    """

    def __init__(self, views: Sequence[Viewpoint], alphabet: Ints) -> None:
        """
        Args:
            views: such as `PITCHES_ALONE` or `WITH_RHYTHM`.
            alphabet: int64 [pitches], ascending; every pitch asked about or learned from is one of them.
        """
        assert views
        self.views = tuple(views)
        self.alphabet = alphabet
        self.pool = _at_first(2 * len(self.views))
        self._known: list[MelodyLine] = []

    def fit(self, lines: Sequence[MelodyLine]) -> MultipleViewpoints:
        """Learn from melodies, the pool too; what was learned before is forgotten."""
        self._known = list(lines)
        self.pool = _at_first(2 * len(self.views))
        if not self._known:
            return self
        numbers = np.arange(len(self._known))
        held_out = [numbers[part::PARTS] for part in range(min(PARTS, len(numbers)))]
        heard = self._heard(self._known)
        said = np.concatenate(
            [self._said(heard, np.setdiff1d(numbers, part), part, "LTM") for part in held_out]
        )
        came = np.concatenate([self._known[i].pitch for part in held_out for i in part])
        self.pool = _fitted(said, np.searchsorted(self.alphabet, came))
        return self

    def nats(self, lines: Sequence[MelodyLine], long: Long = "LTM") -> list[Floats]:
        """What each pitch of the alphabet would cost at each note: float64 [notes, pitches] by melody.

        Args:
            long: LTM+ goes on learning from the melodies that it is asked about, in their order, as does the published
                figure; the pool stays as it was fitted.
        """
        if not lines:
            return []
        every = [*self._known, *lines]
        numbers = np.arange(len(every))
        known, asked = np.split(numbers, [len(self._known)])
        said = self._said(self._heard(every), known, asked, long)
        return np.split(self.pool.nats(said), np.cumsum([len(line) for line in lines])[:-1])

    def _heard(self, lines: Sequence[MelodyLine]) -> list[_Heard]:
        """
        Raises:
            ValueError: a melody has a pitch that is none of the alphabet.
        """
        strange = np.setdiff1d(np.concatenate([line.pitch for line in lines]), self.alphabet)
        if len(strange):
            raise ValueError(
                f"the pitch {strange[0]} (MIDI number) is not in the alphabet; make it of all melodies, those asked about too"
            )
        return [_Heard.of(view, lines, self.alphabet) for view in self.views]

    def _said(self, heard: Sequence[_Heard], known: Ints, asked: Ints, long: Long) -> Floats:
        """Nats of every viewpoint's long and short model at every note of some melodies, [notes, pitches, models].

        Args:
            heard: the melodies as each viewpoint reads them.
            known: the numbers of those that the long models have counted.
            asked: of those that are asked about.
        """
        kinds = PPMSettings(long, short=False, framed=False), PPMSettings(None, short=True, framed=False)
        models = [one.nats(settings, known, asked) for one in heard for settings in kinds]
        return np.stack(models, axis=-1)


@dataclass(frozen=True)
class _Heard:
    """Melodies as a viewpoint reads them, with their notes' symbols numbered over all of them.

    Attributes:
        symbols: of each note that came, int64 [notes] by melody.
        among: of each pitch that might have come, int64 [notes, pitches] by melody.
        size: how many symbols there are.
    """

    symbols: list[Ints]
    among: list[Ints]
    size: int

    @classmethod
    def of(cls, view: Viewpoint, lines: Sequence[MelodyLine], alphabet: Ints) -> _Heard:
        codes = np.concatenate([view.codes(line, alphabet) for line in lines])
        symbols, numbers = np.unique(codes, return_inverse=True)
        among = np.split(numbers.reshape(codes.shape), np.cumsum([len(line) for line in lines])[:-1])
        came = [
            pitches[np.arange(len(line)), np.searchsorted(alphabet, line.pitch)]
            for pitches, line in zip(among, lines, strict=True)
        ]
        return cls(came, among, len(symbols))

    def nats(self, settings: PPMSettings, known: Ints, asked: Ints) -> Floats:
        """What a PPM of the symbols makes each pitch cost at every note of some melodies, [notes, pitches]."""
        among = [self.among[i] for i in asked]
        ppm = PPM(self.size, settings).fit([self.symbols[i] for i in known])
        nats = np.concatenate(ppm.nats_among([self.symbols[i] for i in asked], among))
        return _distribution(nats + np.log(np.concatenate([_alike(pitches) for pitches in among])))


def _alike(among: Ints) -> Ints:
    """How many pitches share the symbol of each, [notes, pitches]."""
    return np.asarray((among[:, :, None] == among[:, None]).sum(axis=-1))


def _distribution(nats: Floats) -> Floats:
    """Nats of pitches that are a distribution, none above that of `LEAST`."""
    return np.asarray(np.minimum(nats + _log_sum_exp(-nats)[:, None], -np.log(LEAST)))


def _log_sum_exp(values: Floats) -> Floats:
    most = values.max(axis=1, keepdims=True)
    return np.asarray((most + np.log(np.exp(values - most).sum(axis=1, keepdims=True)))[:, 0])


def _log_entropies(said: Floats) -> Floats:
    """Logarithm of each model's relative entropy, [notes, models]."""
    entropy = (np.exp(-said) * said).sum(axis=1) / max(np.log(said.shape[1]), LEAST)
    return np.asarray(np.log(np.clip(entropy, SUREST, 1)))


def _at_first(models: int) -> Pool:
    return Pool(np.full(models, -np.log(models / 2)), np.full(models, AT_FIRST))


def _fitted(said: Floats, came: Ints) -> Pool:
    """The pool under which what came costs least.

    Args:
        said: [notes, pitches, models].
        came: [notes], the number of the pitch.
    """
    from scipy.optimize import minimize

    notes, models = np.arange(len(came)), said.shape[-1]
    first = _at_first(models)
    start = np.concatenate([first.log_weight, first.sureness])
    log_entropies = _log_entropies(said)
    said_of_it = said[notes, came]

    def cost(parameters: Floats) -> tuple[float, Floats]:
        log_weight, sureness = np.split(parameters, 2)
        weights = np.exp(log_weight - sureness * log_entropies)
        heard = np.einsum("npk,nk->np", said, weights)
        nats = heard + _log_sum_exp(-heard)[:, None]
        slope = weights * (said_of_it - np.einsum("np,npk->nk", np.exp(-nats), said))
        away = parameters - start
        gradient = np.concatenate([slope.mean(axis=0), (slope * -log_entropies).mean(axis=0)])
        return float(nats[notes, came].mean() + RIDGE * away @ away), gradient + 2 * RIDGE * away

    found = minimize(cost, start, jac=True, method="L-BFGS-B")
    return Pool(*np.split(found.x, 2))
