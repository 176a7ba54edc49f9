"""What a model says when its memory is cut: nats of every next token behind only the last few.

Shape legend: B windows, T tokens of a window, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from musicexp.model import MusicLSTM
from musicexp.tokens import Ids

TOKENS_AT_ONCE = 8192
RUN = 4
"""Tokens in a row that must have been heard before in the piece for what follows them to count as a repeat."""

Nats = NDArray[np.float64]


def whole_memory(model: MusicLSTM, pieces: Sequence[Ids]) -> Nats:
    """Nats of each predicted token behind all that went before in its piece, piece after piece: float64 [tokens]."""
    return np.concatenate([_following(model, piece[None, :-1], piece[None, 1:])[0] for piece in pieces])


def cut_memory(model: MusicLSTM, pieces: Sequence[Ids], events: int, whole: Nats) -> Nats:
    """Nats of each predicted token where the model starts empty and reads only the last `events` before it.

    With 0 it reads nothing: what the last layer says to an empty state. Where fewer went before, it reads those.

    Args:
        whole: what `whole_memory` gives, for the tokens that have no more before them.
    """
    found = whole.copy()
    start = 0
    for piece in pieces:
        tokens = len(piece) - 1
        if events == 0:
            found[start : start + tokens] = _nothing_read(model)[piece[1:]]
        elif tokens > events:
            windows = np.lib.stride_tricks.sliding_window_view(piece, events + 1)[1:]
            rows = max(1, TOKENS_AT_ONCE // events)
            parts = [
                _last(model, windows[k : k + rows, :-1], windows[k : k + rows, -1])
                for k in range(0, len(windows), rows)
            ]
            found[start + events : start + tokens] = np.concatenate(parts)
        start += tokens
    return found


def _nothing_read(model: MusicLSTM) -> Nats:
    """Nats of every token under an empty state: float64 [V]."""
    with torch.inference_mode():
        found: Nats = (-model.head.bias.double().log_softmax(-1)).numpy()
    return found


def _following(model: MusicLSTM, inputs_BT: NDArray[np.int64], targets_BT: NDArray[np.int64]) -> Nats:
    """Nats of the target behind each input: float64 [B, T]."""
    with torch.inference_mode():
        logits_BTV, _ = model(torch.tensor(inputs_BT))
        nats_BTV = -logits_BTV.double().log_softmax(-1)
        targets = torch.tensor(targets_BT)
        found: Nats = nats_BTV.gather(-1, targets[..., None]).squeeze(-1).numpy()
    return found


def _last(model: MusicLSTM, inputs_BT: NDArray[np.int64], targets_B: NDArray[np.int64]) -> Nats:
    """Nats of the target behind the last input: float64 [B]. Only there is the last layer asked."""
    with torch.inference_mode():
        ids = torch.tensor(inputs_BT)
        hidden_BTH, _ = model.lstm(model.embedding(ids))
        nats_BV = -model.head(hidden_BTH[:, -1]).double().log_softmax(-1)
        targets = torch.tensor(targets_B)
        found: Nats = nats_BV.gather(-1, targets[:, None]).squeeze(-1).numpy()
    return found


def repeats(pieces: Sequence[Ids], run: int = RUN) -> NDArray[np.bool_]:
    """Which predicted tokens follow a run that the piece has had before: bool [tokens]."""
    found = []
    for piece in pieces:
        heard: set[tuple[int, ...]] = set()
        tokens = piece.tolist()
        for at in range(1, len(tokens)):
            before = tuple(tokens[at - run : at]) if at > run else ()  # BOS is no music
            found.append(bool(before) and before in heard)
            heard.add(before)
    return np.array(found, dtype=bool)


class Forgetful:
    """A model as a callable for `musicexp.model.sample` that hears only the last events: ids in, log-probabilities out."""

    def __init__(self, model: MusicLSTM, events: int) -> None:
        """
        Args:
            events: at least 1.
        """
        self._model = model
        self._events = events
        self._heard_BT: NDArray[np.int64] | None = None

    def __call__(self, last_ids_B: NDArray[np.int64]) -> Nats:
        """Log-probabilities [B, V] of what follows the last ids [B] and those before them."""
        heard = [] if self._heard_BT is None else [self._heard_BT]
        self._heard_BT = np.column_stack([*heard, last_ids_B])[:, -self._events :]
        with torch.inference_mode():
            logits_BTV, _ = self._model(torch.tensor(self._heard_BT))
            found: Nats = logits_BTV[:, -1].double().log_softmax(-1).numpy()
        return found
