"""The figure of one fold: bits a pitch of its test pieces, of the trained model and of PPM, piece by piece.

Every pitch is asked for, a piece's first one too, among the pitches of the data set alone: no model is asked whether
a piece ends, and none loses chances to an end, a beginning or a pitch that only transposed pieces have. A model that reads
key, metre and rhythm too (`reads=rhythm`) is asked for pitches alone, each behind its own rhythm. PPM reads pitches and
nothing else, multiple viewpoints what the model is told; both have counted all that it could know of the fold, its training
and its validation pieces, in their own keys.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musicexp.baselines import (
    PITCHES_ALONE,
    PPM,
    WITH_RHYTHM,
    Long,
    MelodyLine,
    MultipleViewpoints,
    PPMSettings,
)
from musicexp.data import TokenStore
from musicexp.errors import StoreError
from musicexp.generation import Checkpoint
from musicexp.metrics import nats_among
from musicexp.metrics.mixture import mixed_nats
from musicexp.music import SIDES
from musicexp.tokens import Ids, tokenizer
from musicexp.training import Material, judged_model

FILE = "benchmark.json"
METRIC = "benchmark/bits_per_pitch"
FORMAT = 4
"""Counts up when the same model and pieces would give other figures; what an older one says is then measured again."""

PPMS = {
    "PPM, LTM and STM": PPMSettings("LTM", framed=False),
    "PPM, LTM+ and STM": PPMSettings("LTM+", framed=False),
}
"""Those that the model stands beside: one that knows the training part and the piece, one that goes on learning from
every test piece that it has read."""
VIEWPOINTS: dict[str, Long] = {"viewpoints": "LTM", "viewpoints, LTM+": "LTM+"}
"""Multiple viewpoints (`baselines.multiple_viewpoints`), long-term and short-term, that know as much as either PPM."""
VIEWS = {"pitches": PITCHES_ALONE, "voice": WITH_RHYTHM}
"""Which they are, by `tokens.kind`: none is told what the model is not."""


@dataclass(frozen=True)
class PieceFigure:
    """A test piece.

    Attributes:
        name: as its fold's table calls it.
        sound: its fingerprint, 16 hex digits.
        bits: by model, of all its pitches together.
    """

    name: str
    sound: str
    pitches: int
    bits: dict[str, float]


@dataclass(frozen=True)
class FoldFigure:
    """What one fold gave.

    Attributes:
        run: its id.
        seconds: of training.
        threads: that it trained with.
    """

    run: str
    pieces: tuple[PieceFigure, ...]
    seconds: float
    parameters: int
    threads: int

    @property
    def pitches(self) -> int:
        return sum(piece.pitches for piece in self.pieces)

    def bits_per_pitch(self, model: str) -> float:
        """Bits of all pieces by pitches of all pieces."""
        return math.fsum(piece.bits[model] for piece in self.pieces) / self.pitches

    def as_json(self) -> str:
        """What is left in the run."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1)


OURS = "LSTM"
"""What the trained model is called in a fold's file, whatever it is; `standing.Cell.called` says what it is."""

MIXED = {name: f"{OURS} with {name}" for name in VIEWPOINTS}
"""What the model is called where viewpoints speak too (`metrics.mixture`); by their name."""


def measured(
    run: str, checkpoint: Checkpoint, material: Material, rows: Sequence[tuple[int, str]]
) -> FoldFigure:
    """Measure a trained model and PPM on the test pieces of its fold.

    Args:
        run: its id.
        rows: sound and name of each test piece, in the order in which PPM reads them.
    """
    store = material.store
    numbers = in_order(store, [sound for sound, _ in rows])
    alphabet = pitches_of(store)
    tests = [store.piece(number) for number in numbers]
    known = [piece for side in SIDES[:2] for piece in material.ids[side]]
    counted, symbols = ([_symbols(piece, alphabet) for piece in pieces] for pieces in (known, tests))
    model = nats_among(judged_model(checkpoint), tests, alphabet.tolist())
    said = {OURS: model}
    for name, settings in PPMS.items():
        said[name] = PPM(len(alphabet), settings).fit(counted).nats(symbols)
    said |= _said_by_viewpoints(store, alphabet, known, tests)
    nats = {name: [_of(*both) for both in zip(of, symbols, strict=True)] for name, of in said.items()}
    for name, mixed in MIXED.items():
        nats[mixed] = [mixed_nats(*all_three) for all_three in zip(model, said[name], symbols, strict=True)]
    bits = {name: [float(piece.sum()) / math.log(2) for piece in of] for name, of in nats.items()}
    return FoldFigure(
        run,
        tuple(
            PieceFigure(
                rows[i][1],
                f"{rows[i][0]:016x}",
                len(pitches),
                {name: of[i] for name, of in bits.items()},
            )
            for i, pitches in enumerate(symbols)
        ),
        checkpoint.seconds,
        sum(weight.numel() for weight in checkpoint.weights.values()),
        checkpoint.resolved.threads,
    )


def _said_by_viewpoints(
    store: TokenStore, alphabet: NDArray[np.int64], known: Sequence[Ids], tests: Sequence[Ids]
) -> dict[str, list[NDArray[np.float64]]]:
    """What each pitch would cost under multiple viewpoints at each note of the tests, by their name."""
    spelling, vocabulary = tokenizer(store.vocabulary.kind), store.vocabulary
    pitches = [spelling.parted(vocabulary.tokens[i]).pitch for i in alphabet.tolist()]

    def lines(pieces: Sequence[Ids]) -> list[MelodyLine]:
        return [MelodyLine.of(spelling.piece(vocabulary.decode(piece[1:-1]))) for piece in pieces]

    model = MultipleViewpoints(VIEWS[vocabulary.kind], np.array(pitches)).fit(lines(known))
    asked = lines(tests)
    return {name: model.nats(asked, long) for name, long in VIEWPOINTS.items()}


def pitches_of(store: TokenStore) -> NDArray[np.int64]:
    """The ids of the pitches that the pieces of a data set have in their own keys, in order."""
    spelling, names = tokenizer(store.vocabulary.kind), store.vocabulary.tokens
    there = np.unique(np.concatenate([piece[1:-1] for side in SIDES for piece in store.sequences(side)]))
    return np.array([i for i in there.tolist() if spelling.parted(names[i]).pitch is not None])


def read_figure(data: bytes, where: str) -> FoldFigure | None:
    """A fold's figure as it was left; None if it was measured in another way.

    Raises:
        StoreError: it is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(data)
        if values.pop("format") != FORMAT:
            return None
        pieces = tuple(PieceFigure(**piece) for piece in values.pop("pieces"))
        return FoldFigure(pieces=pieces, **values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"{where} is damaged ({error}); delete that run: its fold is trained again"
        ) from error


def in_order(store: TokenStore, sounds: Sequence[int]) -> list[int]:
    """The numbers of the test pieces in the order of their sounds; those that sound the same in the order of the store."""
    tests = np.sort(store.on("test"))
    there = store.table["sound"][tests]
    mine, theirs = (
        np.argsort(np.array(sounds, dtype=np.uint64), kind="stable"),
        np.argsort(there, kind="stable"),
    )
    found = np.empty(len(sounds), dtype=np.int64)
    found[mine] = tests[theirs]
    assert (store.table["sound"][found] == np.array(sounds, dtype=np.uint64)).all(), (
        "not the fold's own pieces"
    )
    return [int(number) for number in found]


def _of(nats: NDArray[np.float64], came: Ids) -> NDArray[np.float64]:
    """What the symbols cost that came, of what each would have cost."""
    return np.asarray(nats[np.arange(len(came)), came])


def _symbols(piece: Ids, alphabet: NDArray[np.int64]) -> Ids:
    """The pitches of a piece as numbers from 0."""
    return np.searchsorted(alphabet, piece[np.isin(piece, alphabet)])
