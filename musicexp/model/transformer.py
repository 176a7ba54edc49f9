"""A peer of the LSTM: a small Transformer decoder with the same interface. Plain PyTorch, ids in and ids out.

Pre-norm blocks of causal self-attention and an MLP (Vaswani et al. 2017; Xiong et al. 2020). Where a token stands is
known only by how far it is from others, which is what music repeats by (Shaw et al. 2018; Huang et al. 2018): here as one
learned number for each head and distance, added to the scores (Raffel et al. 2020), which begins as the slopes of Press et
al. (2022), so that distances longer than any training window are not strange. A token looks at its own piece alone.

Shape legend: B rows, T tokens, C columns of what is seen, V vocabulary, E embedding, W width, N heads, D width of a head,
K tokens looked at: those read before and those of this pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from musicexp.model.lstm import State, code_length
from musicexp.model.recurrence import Recurrence
from musicexp.model.views import SPREAD, Views
from musicexp.tokens import BOS
from musicexp.tokens.viewpoints import Viewpoints

FAR = 128
"""Tokens: what is further away is as far as this."""

QUERIES_AT_ONCE = 256
"""Tokens that look back at once: the scores of a whole long piece would take memory by the square of its length."""


class Past:
    """What was read so far: the keys and values of every block, and which piece each token belongs to.

    Room doubles as it fills, so that a token costs no copy of those before it. For inference alone.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.pieces_BK: Tensor | None = None
        self._rooms: dict[int, Tensor] = {}

    def with_new(self, block: int, new_2BNTD: Tensor) -> Tensor:
        """Keys and values of a block, those of the new tokens last: [2, B, N, K, D]. `tokens` does not count them yet."""
        end = self.tokens + new_2BNTD.shape[3]
        room = self._rooms.get(block)
        if room is None or room.shape[3] < end:
            larger = new_2BNTD.new_empty(*new_2BNTD.shape[:3], max(2 * end, 64), new_2BNTD.shape[4])
            if room is not None:
                larger[..., : self.tokens, :] = room[..., : self.tokens, :]
            room = self._rooms[block] = larger
        room[..., self.tokens : end, :] = new_2BNTD
        return room[..., :end, :]


class Block(nn.Module):
    """Causal self-attention, then an MLP; each reads what was normed and adds to what it read."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.before_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        self.distances_NF = nn.Parameter(-slopes[:, None] * torch.arange(FAR + 1))

    def forward(self, values_BTW: Tensor, pieces_BK: Tensor, number: int, past: Past | None) -> Tensor:
        """
        Args:
            pieces_BK: which piece each token is of, those of `past` first.
            number: of this block, by which `past` knows it.
        """
        rows, tokens, width = values_BTW.shape
        made = self.queries_keys_values(self.before_attention(values_BTW))
        made_3BNTD = made.view(rows, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        both_2BNKD = past.with_new(number, made_3BNTD[1:]) if past else made_3BNTD[1:]
        found_BTW = (
            self._looked(made_3BNTD[0], both_2BNKD[0], both_2BNKD[1], pieces_BK).transpose(1, 2).flatten(2)
        )
        values_BTW = values_BTW + self.dropout(self.attended(found_BTW))
        added: Tensor = self.dropout(self.mlp(self.before_mlp(values_BTW)))
        return values_BTW + added

    def _looked(
        self, queries_BNTD: Tensor, keys_BNKD: Tensor, values_BNKD: Tensor, pieces_BK: Tensor
    ) -> Tensor:
        """What every query finds, [B, N, T, D]; so many queries at a time, each group among what is not behind it."""
        tokens, known = queries_BNTD.shape[2], keys_BNKD.shape[2]
        first = known - tokens
        places = torch.arange(known, device=pieces_BK.device)
        found = []
        for begin in range(0, tokens, QUERIES_AT_ONCE):
            end = min(begin + QUERIES_AT_ONCE, tokens)
            mine, theirs = places[first + begin : first + end], places[: first + end]
            back_TK = mine[:, None] - theirs
            bias_NTK = self.distances_NF[:, back_TK.clamp(0, FAR)]
            same_BTK = pieces_BK[:, mine, None] == pieces_BK[:, None, : first + end]
            hidden_B1TK = ~(same_BTK & (back_TK >= 0))[:, None]
            found.append(
                scaled_dot_product_attention(
                    queries_BNTD[:, :, begin:end],
                    keys_BNKD[:, :, : first + end],
                    values_BNKD[:, :, : first + end],
                    attn_mask=bias_NTK.masked_fill(hidden_B1TK, -torch.inf),
                    dropout_p=self.dropout.p if self.training else 0.0,
                )
            )
        return torch.cat(found, 2)


class MusicTransformer(nn.Module):
    """Next-token logits of token sequences. Nothing is carried: every pass begins anew, unless a `Past` is given."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        num_layers: int,
        hidden_size: int,
        heads: int,
        embedding_dim: int,
        dropout: float,
        embedding_dropout: float | None = None,
        viewpoints: Viewpoints | None = None,
    ) -> None:
        """
        Args:
            hidden_size: the width, a multiple of `heads`.
            embedding_dim: where it is another than the width, a linear layer stands between.
            dropout: of what is looked at, of what each half of a block adds, and in front of the head.
            embedding_dropout: None for `dropout`.
            viewpoints: of the vocabulary, if the model is to see them.
        """
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_dim)
        self.embedding_dropout = nn.Dropout(dropout if embedding_dropout is None else embedding_dropout)
        self.widened = (
            nn.Linear(embedding_dim, hidden_size, bias=False)
            if embedding_dim != hidden_size
            else nn.Identity()
        )
        self.blocks = nn.ModuleList(Block(hidden_size, heads, dropout) for _ in range(num_layers))
        self.before_head = nn.LayerNorm(hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, vocabulary_size)
        self.recurrence: Recurrence | None = None  # an LSTM's: there is none here
        self.views: Views | None = None
        if viewpoints:
            self.views = Views(viewpoints, embedding_dim=embedding_dim, hidden_size=hidden_size)
            with torch.no_grad():
                self.embedding.weight *= SPREAD

    def forward(
        self,
        ids_BT: Tensor,
        state: State | None = None,
        seen_BTC: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor, State]:
        """Logits [B, T, V] for the token after each input, and a state that holds nothing.

        Args:
            state: is not read.
            seen_BTC: what is seen behind each token; None where every row begins with its piece.
            past: what was read before these ids, which are added to it.
        """
        values_BTE = self.embedding(ids_BT)
        if self.views:
            seen_BTC = self.views.seen(ids_BT) if seen_BTC is None else seen_BTC
            values_BTE = values_BTE + self.views.read(seen_BTC)
        values_BTW = self.widened(self.embedding_dropout(values_BTE))
        pieces_BK = _pieces(ids_BT, past)
        for number, block in enumerate(self.blocks):
            values_BTW = block(values_BTW, pieces_BK, number, past)
        if past is not None:
            past.tokens, past.pieces_BK = pieces_BK.shape[1], pieces_BK
        hidden_BTW = self.dropout(self.before_head(values_BTW))
        logits_BTV: Tensor = self.head(hidden_BTW)
        if self.views:
            assert seen_BTC is not None
            logits_BTV = logits_BTV + self.views.logits(hidden_BTW, seen_BTC)
        nothing = logits_BTV.new_zeros(0, len(ids_BT), 0)
        return logits_BTV, State(nothing, nothing)

    def nats(
        self, inputs_BT: Tensor, targets_BT: Tensor, state: State | None, seen_BTC: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """The code length of targets, summed: what training makes small. Where a target is `IGNORED` nothing counts."""
        logits_BTV, after = self(inputs_BT, state, seen_BTC)
        return code_length(logits_BTV, targets_BT), after

    @property
    def parameters_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


def _pieces(ids_BT: Tensor, past: Past | None) -> Tensor:
    """A number for each token's piece, which counts up with every BOS: [B, K]."""
    pieces_BT = (ids_BT == BOS).cumsum(1)
    if past is None or past.pieces_BK is None:
        return pieces_BT
    return torch.cat([past.pieces_BK, past.pieces_BK[:, -1:] + pieces_BT], 1)
