"""Views: what a model reads beside its tokens, and what it says of tokens by more than their names.

The columns of `tokens.viewpoints` come in as embeddings that are added to the token's own. They go out as shares of the
logits: every token gets what its interval from the last pitch deserves, and what that from the first one does, whatever
its own number is; and the token that followed before, where the last ones stood, gets what that is worth by how many they
are (a pointer, after Vinyals et al. 2015). So what is learned of one pitch is known of all.

Shape legend: B rows, T tokens, C columns of what is seen, E embedding, H hidden size, V vocabulary, S shares.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from musicexp.tokens import PAD
from musicexp.tokens.viewpoints import LONGEST, Viewpoints

SPREAD = 0.3
"""The standard deviation of fresh embeddings, the tokens' among them: eight and more are added."""


class Views(nn.Module):
    """The weights of viewpoints: of relations between tokens, whatever the tokens are."""

    def __init__(self, viewpoints: Viewpoints, *, embedding_dim: int, hidden_size: int) -> None:
        super().__init__()
        self.viewpoints = viewpoints
        self.embeddings = nn.ParameterList(
            nn.Parameter(torch.randn(size, embedding_dim) * SPREAD) for size in viewpoints.read.values()
        )
        self._sizes = [*(reference.classes for reference in viewpoints.references), len(viewpoints.pointers)]
        self.shares = nn.Linear(hidden_size, sum(self._sizes))
        nn.init.zeros_(self.shares.weight)  # a fresh model knows tokens alone
        nn.init.zeros_(self.shares.bias)
        self.worth = nn.Parameter(torch.zeros(len(viewpoints.pointers), LONGEST + 1))
        for number, reference in enumerate(viewpoints.references):
            self.register_buffer(f"table_{number}", torch.from_numpy(reference.table), persistent=False)

    def seen(self, ids_BT: Tensor) -> Tensor:
        """What is seen behind each token of rows that begin with their pieces: int64 [B, T, C]."""
        rows = [torch.from_numpy(self.viewpoints.of(row.numpy())) for row in ids_BT.cpu()]
        return torch.stack(rows).to(device=ids_BT.device, dtype=torch.int64)

    def read(self, seen_BTC: Tensor) -> Tensor:
        """What is added to the embeddings of the tokens, [B, T, E]."""
        found: Tensor = self.worth.new_zeros(())
        for embedding, column in zip(self.embeddings, self.viewpoints.read, strict=True):
            found = found + nn.functional.embedding(seen_BTC[..., column], embedding)
        return found

    def logits(
        self, hidden_BTH: Tensor, seen_BTC: Tensor, product: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """What is added to the logits of the tokens, [B, T, V].

        Args:
            product: computes `shares`; None for torch's own way.
        """
        *shares, pointed_BTP = (product or self.shares)(hidden_BTH).split(self._sizes, -1)
        found_BTV: Tensor = pointed_BTP.new_zeros(*seen_BTC.shape[:2], len(self.viewpoints))
        for number, (share_BTS, reference) in enumerate(zip(shares, self.viewpoints.references, strict=True)):
            which_BTV = self.get_buffer(f"table_{number}")[seen_BTC[..., reference.column]]
            found_BTV = found_BTV + share_BTS.gather(2, which_BTV)
        for number, pointer in enumerate(self.viewpoints.pointers):
            token_BT = seen_BTC[..., pointer.token]
            worth_BT = pointed_BTP[..., number] + self.worth[number][seen_BTC[..., pointer.matched]]
            worth_BT = worth_BT * (token_BT != PAD)
            found_BTV = found_BTV.scatter_add(2, token_BT[..., None], worth_BT[..., None])
        return found_BTV
