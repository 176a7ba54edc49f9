"""How fast tokens are drawn, against torch.nn.LSTM called once a token: ratios, in turns in one process.

Printed and written to benchmarks/sampling_speed.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from tables import Row, write_table
from torch import nn

import musicexp.model.steps as steps
from musicexp.model import MusicLSTM, Stepper, sample
from musicexp.model.native import load

VOCABULARY, EMBEDDING, TOKENS, REPEATS = 120, 256, 200, 7
EOS = 2
CASES = [
    (1, 1024, 1, "at least 15", "at least 20"),
    (3, 512, 1, "", ""),
    (3, 256, 4, "", ""),
    (3, 512, 64, "at least 3.5", "at least 3.5"),
]


class Free:
    """Rules of music without music: everything may follow but PAD, BOS and EOS."""

    def __init__(self) -> None:
        self.notes = 0
        self._allowed = np.ones(VOCABULARY, dtype=bool)
        self._allowed[:3] = False

    def allowed(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return self._allowed

    def advance(self, token_id: int) -> None:
        self.notes += 1


def plain(model: MusicLSTM, rows: int) -> None:
    """What people write: the model called with one token, softmax, multinomial."""
    model.lstm.eval()
    with torch.no_grad():
        ids, state = torch.ones(rows, 1, dtype=torch.int64), None
        for _ in range(TOKENS):
            hidden, state = model.lstm(model.embedding(ids), state)
            ids = torch.multinomial(nn.functional.softmax(model.head(hidden)[:, -1], -1), 1)


def ours(stepper: Stepper, rows: int) -> None:
    """The whole sampler: steps, grammar, a random stream for each melody."""
    sample(
        stepper,
        [Free() for _ in range(rows)],
        [np.random.default_rng((0, row)) for row in range(rows)],
        [1.0] * rows,
        np.ones(rows, dtype=np.int64),
        eos=EOS,
        max_notes=TOKENS,
        max_tokens=TOKENS,
    )


def stock(model: MusicLSTM) -> Stepper:
    """A stepper as it is without compiled kernels."""
    real = steps.load
    steps.load = lambda: None
    try:
        return Stepper(model)
    finally:
        steps.load = real


def rows() -> Iterator[Row]:
    for layers, hidden, many, aim, native_aim in CASES:
        model = MusicLSTM(
            VOCABULARY, num_layers=layers, hidden_size=hidden, embedding_dim=EMBEDDING, dropout=0.0
        ).eval()
        ways: dict[str, Callable[[], None]] = {
            "plain": partial(plain, model, many),
            "stock operations": partial(ours, stock(model), many),
        }
        if load():
            ways["native"] = partial(ours, Stepper(model), many)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for repeat in range(REPEATS + 1):
            for name, way in ways.items():
                begun = time.perf_counter()
                way()
                if repeat:
                    seconds[name].append(time.perf_counter() - begun)
        name = f"{layers}x{hidden}, {many} melod{'y' if many == 1 else 'ies'}"
        drawn = many * TOKENS / statistics.median(seconds["plain"])
        yield Row(f"{name}: nn.LSTM once a token", f"{drawn:,.0f} tokens/s")
        for way, wanted in (("stock operations", aim), ("native", native_aim)):
            if way in seconds:
                ratios = sorted(a / b for a, b in zip(seconds["plain"], seconds[way], strict=True))
                spread = f"{ratios[REPEATS // 4]:.1f} - {ratios[-1 - REPEATS // 4]:.1f}"
                tokens = many * TOKENS / statistics.median(seconds[way])
                figure = f"{statistics.median(ratios):.1f} times ({tokens:,.0f} tokens/s)"
                yield Row(f"{name}: {way}", figure, spread, wanted)


def main() -> None:
    """Measure, print, write."""
    kernels = load()
    how = (
        f"`make bench`, {REPEATS} turns of {TOKENS} tokens, fp32; native kernels: "
        f"{kernels.instruction_set if kernels else 'not built'}. Ours is the whole sampler with a grammar and a random "
        "stream for each melody; the plain loop draws by torch.multinomial. The spread is the middle half."
    )
    write_table(__file__, "Speed of sampling", how, list(rows()))


if __name__ == "__main__":
    sys.exit(main())
