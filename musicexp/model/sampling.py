"""Sampling: ids -> ids. Knows a callable that gives log-probabilities, and nothing of music.

Every sequence draws from a random stream of its own by inverse CDF in float64, so that what it draws does
not depend on how many others are drawn beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Logprobs = NDArray[np.float64]
NextLogprobs = Callable[[NDArray[np.int64]], Logprobs]
"""Takes the last ids, int64 [B], remembers them, and gives the log-probabilities of the next, float64 [B, V]."""


class Rules(Protocol):
    """What one sequence may say next."""

    def allowed(self) -> NDArray[np.bool_]: ...

    def advance(self, token_id: int) -> None: ...

    @property
    def notes(self) -> int: ...


@dataclass(frozen=True)
class Drawn:
    """One sampled sequence.

    Attributes:
        ids: what was drawn, int64, without the prime and without EOS.
        ended_by: "eos" if the model ended it, "length" if it was cut.
    """

    ids: NDArray[np.int64]
    ended_by: Literal["eos", "length"]


def sample(
    next_logprobs: NextLogprobs,
    rules: Sequence[Rules],
    streams: Sequence[np.random.Generator],
    temperatures: Sequence[float],
    first_ids: NDArray[np.int64],
    *,
    eos: int,
    max_notes: int,
    max_tokens: int,
    top_k: int = 0,
    top_p: float = 1.0,
) -> list[Drawn]:
    """Draw len(rules) sequences side by side.

    Args:
        rules, streams, temperatures: one for each sequence.
        first_ids: int64 [B], the last id of each prime (BOS without one); the callable knows those before.
        max_notes: a sequence is cut when its rules count so many notes drawn here.
        max_tokens: and at so many tokens, whatever they are.
        top_k: draw from the k likeliest allowed ids; 0 from all.
        top_p: draw from the fewest likeliest allowed ids that hold this probability.
    """
    count = len(rules)
    drawn: list[list[int]] = [[] for _ in range(count)]
    ended: list[Literal["eos", "length"] | None] = [None] * count
    before = [rule.notes for rule in rules]
    last = first_ids.copy()
    for _ in range(max_tokens):
        if all(ended):
            break
        logprobs = next_logprobs(last)
        for row in range(count):
            if ended[row]:
                continue
            token = draw(
                logprobs[row], rules[row].allowed(), temperatures[row], streams[row].random(), top_k, top_p
            )
            last[row] = token
            if token == eos:
                ended[row] = "eos"
                continue
            drawn[row].append(token)
            rules[row].advance(token)
            if rules[row].notes - before[row] >= max_notes:
                ended[row] = "length"
    return [
        Drawn(np.array(ids, dtype=np.int64), end or "length") for ids, end in zip(drawn, ended, strict=True)
    ]


def draw(
    logprobs: Logprobs,
    allowed: NDArray[np.bool_],
    temperature: float,
    uniform: float,
    top_k: int,
    top_p: float,
) -> int:
    """The id at the point `uniform` in [0, 1) of the tempered, masked and truncated distribution."""
    weights = probabilities(logprobs, allowed, temperature, top_k, top_p)
    cumulative = np.cumsum(weights)
    at = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
    # Rounding may lead behind the last id that has any weight.
    return min(at, int(np.flatnonzero(weights)[-1]))


def probabilities(
    logprobs: Logprobs, allowed: NDArray[np.bool_], temperature: float, top_k: int = 0, top_p: float = 1.0
) -> NDArray[np.float64]:
    """The distribution that is drawn from, float64 [V]: tempered, then masked, then truncated; ties by id."""
    masked = np.where(allowed, np.asarray(logprobs, dtype=np.float64), -np.inf)
    with np.errstate(over="ignore"):  # near temperature 0 all but the likeliest are infinitely unlikely
        weights: NDArray[np.float64] = np.exp((masked - masked.max()) / temperature)
    weights /= weights.sum()
    if top_k or top_p < 1:
        order = np.argsort(-weights, kind="stable")
        kept = len(order)
        if top_k:
            kept = min(kept, top_k)
        if top_p < 1:
            kept = min(kept, int(np.searchsorted(np.cumsum(weights[order]), top_p, side="left")) + 1)
        weights[order[kept:]] = 0.0
        weights /= weights.sum()
    return weights
