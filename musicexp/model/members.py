"""Members: several models that learn the same from different fresh weights, and speak as one.

What they say is the mean of their probabilities. Their errors differ, so that it is better than the mean of what they say
one by one: of small models on small data by more than anything else that costs as little thought (Dietterich 2000).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from musicexp.model.lstm import MusicLSTM, State
from musicexp.model.recurrence import Recurrence
from musicexp.model.transformer import MusicTransformer
from musicexp.tokens import Viewpoints

Member = MusicLSTM | MusicTransformer
"""A model that is one."""


class Members(nn.Module):
    """An ensemble with the interface of one model. Its state is those of all, layer upon layer: [members x L, B, H]."""

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(
        self, ids_BT: Tensor, state: State | None = None, seen_BTC: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The logarithm of the mean probability [B, T, V] of the token after each input, and the state behind the last."""
        seen_BTC = self._seen(ids_BT, seen_BTC)
        said, states = [], []
        for member, own in zip(members_of(self), self._states(state), strict=True):
            logits_BTV, after = member(ids_BT, own, seen_BTC)
            said.append(logits_BTV.log_softmax(-1))
            states.append(after)
        return torch.stack(said).logsumexp(0) - math.log(len(said)), _together(states)

    def nats(
        self, inputs_BT: Tensor, targets_BT: Tensor, state: State | None, seen_BTC: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The mean over the members of what each needs for the targets: each learns as if alone, since Adam knows no scale."""
        seen_BTC = self._seen(inputs_BT, seen_BTC)
        found, states = [], []
        for member, own in zip(members_of(self), self._states(state), strict=True):
            nats, after = member.nats(inputs_BT, targets_BT, own, seen_BTC)
            found.append(nats)
            states.append(after)
        return torch.stack(found).mean(), _together(states)

    def _seen(self, ids_BT: Tensor, seen_BTC: Tensor | None) -> Tensor | None:
        """What is seen is the same for all: found once."""
        views = members_of(self)[0].views
        return views.seen(ids_BT) if views and seen_BTC is None else seen_BTC

    def _states(self, state: State | None) -> Sequence[State | None]:
        if state is None:
            return [None] * len(self.members)
        hidden, cell = (part.chunk(len(self.members)) for part in state)
        return [State(*own) for own in zip(hidden, cell, strict=True)]

    @property
    def recurrence(self) -> Recurrence | None:
        """How every member's recurrence is computed."""
        return members_of(self)[0].recurrence

    @recurrence.setter
    def recurrence(self, recurrence: Recurrence | None) -> None:
        for member in members_of(self):
            member.recurrence = recurrence

    @property
    def parameters_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


MusicModel = Member | Members
"""Whatever says what comes next: one model or several."""


def members_of(model: MusicModel) -> list[Member]:
    """The models that a model is made of: itself, if it is one."""
    if not isinstance(model, Members):
        return [model]
    found = list(model.members)
    assert all(isinstance(member, Member) for member in found)
    return found  # type: ignore[return-value]  # nn.ModuleList has no type of its members


def viewpoints_of(model: MusicModel) -> Viewpoints | None:
    """What the model sees besides tokens; None if it sees nothing else."""
    views = members_of(model)[0].views
    return views.viewpoints if views else None


def _together(states: Sequence[State]) -> State:
    return State(*(torch.cat(parts) for parts in zip(*states, strict=True)))
