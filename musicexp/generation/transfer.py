"""A model that begins with the weights of another run: by token what belongs to tokens, as they are all others."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from musicexp.config import Config
from musicexp.config.build import shown
from musicexp.errors import RunError, SettingError
from musicexp.generation.checkpoint import Checkpoint, Weights, new_model
from musicexp.model import MusicModel, Resolved
from musicexp.tokens import Vocabulary

SHAPES = (
    "model.kind",
    "model.num_layers",
    "model.hidden_size",
    "model.embedding_dim",
    "model.viewpoints",
    "model.members",
)
"""The settings of a model that give its weights their shapes."""
OF_TOKENS = re.compile(r"(members\.\d+\.)?(embedding\.weight|head\.weight|head\.bias)")
"""The weights that have a row for each token."""


def check_alike(config: Config, begun_with: Checkpoint, run: str) -> None:
    """
    Args:
        run: what the run of the checkpoint is called in messages.

    Raises:
        SettingError: the weights suit no model of these settings.
    """
    mine, theirs = config.flat(), begun_with.config.flat()
    heads = ["model.heads"] if config.model.kind == "transformer" else []
    others = [name for name in ("tokens.kind", *SHAPES, *heads) if mine[name] != theirs[name]]
    if not others:
        return
    there = " and ".join(f"{name}={_shown(theirs[name])}" for name in others)
    here = " and ".join(f"{name}={_shown(mine[name])}" for name in others)
    raise SettingError(
        f"initial={config.initial}: run {run} has {there}, where this one has {here}; "
        "weights go only to a model of the same kind and sizes with the same kind of tokens: give that run's settings, or leave out initial"
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) else shown(value)


def check_fitting(
    config: Config, vocabulary: Vocabulary, resolved: Resolved, begun_with: Checkpoint, run: str
) -> None:
    """
    Raises:
        RunError: tokens of one vocabulary tell what those of the other do not (keys, phrases, rests), so that the models see
            different things.
    """
    with torch.device("meta"):
        wanted = new_model(vocabulary, config.model, resolved).state_dict()
    given = begun_with.kept
    shared = [name for name in wanted if not OF_TOKENS.fullmatch(name)]
    if wanted.keys() != given.keys() or any(wanted[name].shape != given[name].shape for name in shared):
        raise RunError(
            f"initial={config.initial}: the model of run {run} sees other things than this one, since only one of the two vocabularies "
            "tells keys, or phrases, or has tokens without a pitch; take a run on music whose tokens tell the same, or write model.viewpoints=false in both"
        )


def fresh_tokens(vocabulary: Vocabulary, begun_with: Checkpoint) -> list[str]:
    """The tokens of a vocabulary that a run did not know."""
    return [token for token in vocabulary.tokens if token not in begun_with.vocabulary]


def take_weights(model: MusicModel, vocabulary: Vocabulary, begun_with: Checkpoint) -> None:
    """Give a fresh model the weights that a run kept; rows of tokens that it did not know stay fresh."""
    weights: Weights = dict(_transferred(model.state_dict(), vocabulary, begun_with))
    model.load_state_dict(weights)


def _transferred(
    fresh: Weights, vocabulary: Vocabulary, begun_with: Checkpoint
) -> Iterator[tuple[str, Tensor]]:
    places = {token: number for number, token in enumerate(begun_with.vocabulary.tokens)}
    known = [number for number, token in enumerate(vocabulary.tokens) if token in places]
    there = [places[vocabulary.tokens[number]] for number in known]
    for name, value in begun_with.kept.items():
        if OF_TOKENS.fullmatch(name):
            rows = fresh[name].clone()
            rows[known] = value[there].to(rows)
            yield name, rows
        else:
            yield name, value
