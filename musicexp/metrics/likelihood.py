"""Likelihood: how many nats and bits a model needs to write music down.

`nll_nats` asks for a model's code length of whole pieces from their first token to EOS, context carried
all the way. `Likelihood` turns sums into the two ratios: nats per token compare models on one vocabulary,
bits per note compare representations (names-and-rules: all the piece's tokens in bits, by the sounding
notes of the piece read, summed over pieces before dividing). An empty set has no ratio: nan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from musicexp.data import IGNORED, padded
from musicexp.model import MusicModel
from musicexp.tokens import Ids

TOKENS_AT_ONCE = 16384


@dataclass(frozen=True)
class Likelihood:
    """Sums over a set of pieces; the ratios come last.

    Attributes:
        nats: the pieces' code length.
        tokens: predicted tokens, EOS included, BOS not.
        notes: sounding notes of the pieces read.
    """

    nats: float
    tokens: int
    notes: int

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.tokens if self.tokens else math.nan

    @property
    def bits_per_note(self) -> float:
        return self.nats / math.log(2) / self.notes if self.notes else math.nan


def nll_nats(model: MusicModel, pieces: Sequence[Ids]) -> NDArray[np.float64]:
    """Code length of each piece in nats under the model: float64 [pieces].

    Args:
        pieces: each BOS ... EOS. The model is put in evaluation mode and back.
    """
    return np.array([nats.sum() for nats in token_nats(model, pieces)])


def token_nats(model: MusicModel, pieces: Sequence[Ids]) -> list[NDArray[np.float64]]:
    """The same token by token: for each piece float64 [tokens], BOS left out."""
    found: list[NDArray[np.float64]] = [np.zeros(0)] * len(pieces)
    for rows, logits_BTV, targets_BT in _said(model, pieces):
        nats_BT = cross_entropy(
            logits_BTV.flatten(0, 1), targets_BT.flatten(), ignore_index=IGNORED, reduction="none"
        ).view(targets_BT.shape)
        for row, nats_T in zip(rows, nats_BT.double().cpu().numpy(), strict=True):
            found[row] = nats_T[: len(pieces[row]) - 1]
    return found


def nats_among(model: MusicModel, pieces: Sequence[Ids], among: Sequence[int]) -> list[NDArray[np.float64]]:
    """What each of some ids would cost where one of them came, if no other could: for each piece float64 [tokens, ids].

    Args:
        among: the ids, in the order in which their costs stand.
    """
    found: list[NDArray[np.float64]] = [np.zeros((0, len(among)))] * len(pieces)
    some = torch.tensor(list(among))
    for rows, logits_BTV, _ in _said(model, pieces):
        nats_BTI = -logits_BTV.index_select(-1, some.to(logits_BTV.device)).double().log_softmax(-1).cpu()
        for row, nats_TI in zip(rows, nats_BTI.numpy(), strict=True):
            found[row] = nats_TI[: len(pieces[row]) - 1][np.isin(pieces[row][1:], among)]
    return found


def _said(model: MusicModel, pieces: Sequence[Ids]) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Some pieces at a time, by number: logits [B, T, V], at least of fp32, and targets [B, T], on the model's device."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for rows in _groups(pieces):
            inputs_BT, targets_BT = padded([pieces[i] for i in rows])
            logits_BTV, _ = model(inputs_BT.to(device))
            exact = logits_BTV if logits_BTV.dtype == torch.float64 else logits_BTV.float()
            yield rows, exact, targets_BT.to(device)
    model.train(was_training)


def _groups(pieces: Sequence[Ids]) -> Iterator[list[int]]:
    """Indices in groups of like length, longest first, so that little is padding."""
    group: list[int] = []
    for i in sorted(range(len(pieces)), key=lambda i: (-len(pieces[i]), i)):
        if group and (len(group) + 1) * len(pieces[group[0]]) > TOKENS_AT_ONCE:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def likelihood(nats: NDArray[np.float64], pieces: Sequence[Ids], notes: int) -> Likelihood:
    """Sums of a set: `nats` of each piece, the pieces themselves (BOS ... EOS), and their sounding notes."""
    return Likelihood(float(nats.sum()), sum(len(piece) - 1 for piece in pieces), notes)
