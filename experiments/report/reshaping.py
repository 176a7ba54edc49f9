"""What a temperature makes of the next-note distribution: p_T(x) is proportional to p(x)^(1/T).

At 1 it is the model's own; as T falls to 0 the likeliest token takes all, as it rises all become alike.

Shape legend: N places in pieces, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from musicexp.model import MusicLSTM
from musicexp.tokens import BOS, PAD, Ids

HELD = 0.9
"""The share of the probability that `tokens` counts tokens for."""

Logprobs = NDArray[np.float64]


class Reshaped(NamedTuple):
    """Means over places.

    Attributes:
        entropy: bits.
        first: the probability of the likeliest token.
        tokens: the fewest tokens that hold nine tenths of the probability.
        nats: what the token that really follows costs.
    """

    entropy: float
    first: float
    tokens: float
    nats: float


def next_logprobs(model: MusicLSTM, pieces: Sequence[Ids]) -> tuple[Logprobs, NDArray[np.int64]]:
    """What the model says behind every token of pieces, and what follows: float64 [N, V], int64 [N].

    What can never follow (PAD, BOS) is left out, as in sampling.
    """
    parts = []
    with torch.inference_mode():
        for piece in pieces:
            logits_BTV, _ = model(torch.tensor(piece[None, :-1]))
            parts.append(logits_BTV[0].double().numpy())
    logits = np.concatenate(parts)
    logits[:, [PAD, BOS]] = -np.inf
    return logits - _log_sum(logits), np.concatenate([piece[1:] for piece in pieces])


def tempered(logprobs_NV: Logprobs, temperature: float) -> Logprobs:
    """The log-probabilities at a temperature: float64 [N, V]."""
    found = logprobs_NV / temperature
    return found - _log_sum(found)


def reshaped(logprobs_NV: Logprobs, followed_N: NDArray[np.int64], temperature: float) -> Reshaped:
    """What is left of the distributions at a temperature."""
    logs = tempered(logprobs_NV, temperature)
    chance = np.exp(logs)
    entropy = -(chance * np.where(chance > 0, logs, 0.0)).sum(axis=1) / np.log(2)
    ordered = -np.sort(-chance, axis=1)
    held = 1 + (np.cumsum(ordered, axis=1) < HELD).sum(axis=1)
    nats = -logs[np.arange(len(logs)), followed_N]
    return Reshaped(
        float(entropy.mean()), float(ordered[:, 0].mean()), float(held.mean()), float(nats.mean())
    )


def _log_sum(logits: Logprobs) -> Logprobs:
    """log sum exp over the vocabulary: float64 [N, 1]."""
    most = logits.max(axis=1, keepdims=True)
    found: Logprobs = most + np.log(np.exp(logits - most).sum(axis=1, keepdims=True))
    return found
