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

from musicexp.model.pooling import Partner, pooled
from musicexp.model.recall import Memory, Trust, mixed

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
    recall: Trust | None = None,
    memories: Sequence[Memory] = (),
    share: float = 0.0,
    partners: Sequence[Partner] = (),
) -> list[Drawn]:
    """Draw len(rules) sequences side by side.

    Temperature, top_k and top_p shape what the callable proposes, or the pool of that and what partners propose; what is
    recalled comes as often as it did.

    Args:
        rules, streams, temperatures: one for each sequence.
        first_ids: int64 [B], the last id of each prime (BOS without one); the callable knows those before.
        max_notes: a sequence is cut when its rules count so many notes drawn here.
        max_tokens: and at so many tokens, whatever they are.
        top_k: draw from the k likeliest allowed ids; 0 from all.
        top_p: draw from the fewest likeliest allowed ids that hold this probability.
        recall: how far what followed before is trusted; None recalls nothing.
        memories: one for each sequence, if it recalls; they know its prime without BOS.
        share: how far partners are heard; 0 asks none.
        partners: one for each sequence, if they are heard; they know BOS and its prime.
    """
    count = len(rules)
    drawn: list[list[int]] = [[] for _ in range(count)]
    ended: list[Literal["eos", "length"] | None] = [None] * count
    before = [rule.notes for rule in rules]
    last = first_ids.copy()
    going = list(range(count))
    for _ in range(max_tokens):
        if not going:
            break
        logprobs = next_logprobs(last)
        if len(going) < count:
            logprobs = logprobs[going]
        if share:
            said = np.stack([partners[row].probabilities() for row in going])
            logprobs = pooled(logprobs, said, share)
        allowed = np.stack([rules[row].allowed() for row in going])
        weights = probabilities(
            logprobs,
            allowed,
            np.array([temperatures[row] for row in going]),
            top_k,
            top_p,
        )
        if recall is not None:
            for place, row in enumerate(going):
                recalled = memories[row].recalled()
                if recalled is not None:
                    weights[place] = mixed(weights[place], recalled, recall, allowed[place])
        tokens = chosen(weights, np.array([streams[row].random() for row in going]))
        for row, token in zip(going, tokens.tolist(), strict=True):
            last[row] = token
            if token == eos:
                ended[row] = "eos"
                continue
            drawn[row].append(token)
            rules[row].advance(token)
            if recall is not None:
                memories[row].take(token)
            if share:
                partners[row].advance(token)
            if rules[row].notes - before[row] >= max_notes:
                ended[row] = "length"
        going = [row for row in going if not ended[row]]
    return [
        Drawn(np.array(ids, dtype=np.int64), end or "length") for ids, end in zip(drawn, ended, strict=True)
    ]


def chosen(weights: NDArray[np.float64], uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row the id at its point `uniforms` [B] in [0, 1) of its distribution [B, V], whatever the other rows."""
    cumulative = np.cumsum(weights, axis=1)
    at = (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(axis=1)
    # Rounding may lead behind the last id that has any weight.
    last = weights.shape[1] - 1 - (weights[:, ::-1] > 0).argmax(axis=1)
    found: NDArray[np.int64] = np.minimum(at, last)
    return found


def probabilities(
    logprobs: Logprobs,
    allowed: NDArray[np.bool_],
    temperatures: NDArray[np.float64],
    top_k: int = 0,
    top_p: float = 1.0,
) -> NDArray[np.float64]:
    """The distributions that are drawn from, float64 [B, V]: tempered, then masked, then truncated; ties by id."""
    masked = np.where(allowed, np.asarray(logprobs, dtype=np.float64), -np.inf)
    masked -= masked.max(axis=1, keepdims=True)
    with np.errstate(over="ignore"):  # near temperature 0 all but the likeliest are infinitely unlikely
        masked /= temperatures[:, None]
    weights = np.exp(masked, out=masked)
    weights /= weights.sum(axis=1, keepdims=True)
    if top_k or top_p < 1:
        order = np.argsort(-weights, axis=1, kind="stable")
        sorted_weights = np.take_along_axis(weights, order, axis=1)
        cut = np.zeros(weights.shape, dtype=bool)
        if top_k:
            cut[:, top_k:] = True
        if top_p < 1:
            # The fewest that hold so much: the one that reaches it is kept, those behind it are not.
            cut[:, 1:] |= np.cumsum(sorted_weights, axis=1)[:, :-1] >= top_p
        sorted_weights[cut] = 0.0
        np.put_along_axis(weights, order, sorted_weights, axis=1)
        weights /= weights.sum(axis=1, keepdims=True)
    return weights
