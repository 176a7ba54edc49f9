"""Checkpoints: everything that a run needs to go on, and that `generate` needs to write melodies."""

from __future__ import annotations

import dataclasses
import io
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from musicexp.config import Config, Model, recorded
from musicexp.errors import SettingError, StoreError
from musicexp.model import (
    Member,
    Members,
    MusicLSTM,
    MusicModel,
    MusicTransformer,
    Resolved,
    Trust,
    recurrence,
)
from musicexp.tokens import Tokenizer, Viewpoints, Vocabulary, tokenizer

FORMAT = 2
FILE = "checkpoint.ckpt"
DTYPES = {"fp32": torch.float32, "fp64": torch.float64, "bf16": torch.float32}
"""Of weights, states and gradients: bf16 is a matter of products alone."""

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Best:
    """The best validation so far: when, how good (nats per token), and its weights."""

    iteration: int
    nats_per_token: float
    weights: Weights


@dataclass(frozen=True)
class Checkpoint:
    """A training's state behind `iteration`.

    Attributes:
        config: the settings, as composed then; what conf/ says today does not matter.
        weights: the model's state_dict: of an LSTM torch.nn.LSTM's names, whatever computed it.
        optimizer: the optimizer's state_dict.
        carried: the LSTM state carried over windows, (hidden, cell) of all rows, or None; a Transformer's is empty.
        best: the best validation so far.
        bad_validations: how many followed it.
        stopped_early: training ended by early stopping at `iteration`.
        seconds: spent in training so far.
        generators: for each device's process, states of torch's, Python's and numpy's global generators.
        tempo, metre: what melodies of this corpus are written with.
        recall: how far what a melody said before is trusted, fitted when training is over; None before, and in runs
            of before there was recall.
    """

    config: Config
    vocabulary: Vocabulary
    resolved: Resolved
    iteration: int
    weights: Weights
    optimizer: dict[str, Any]
    carried: tuple[Tensor, Tensor] | None
    best: Best | None
    bad_validations: int
    stopped_early: bool
    seconds: float
    generators: list[dict[str, Any]]
    data_fingerprint: str
    tempo: float
    metre: tuple[int, int]
    recall: Trust | None = None

    @property
    def done(self) -> bool:
        """Whether training is over."""
        return self.stopped_early or self.iteration >= self.config.iterations

    @property
    def tokenizer(self) -> Tokenizer:
        return tokenizer(self.config.tokens.kind)

    @property
    def kept(self) -> Weights:
        """The weights that are tested and sampled from: the best validation's, or the last."""
        return self.best.weights if self.config.keep == "best" and self.best is not None else self.weights

    def model(self) -> MusicModel:
        """The model with the kept weights, in evaluation mode, on the CPU, computed by torch's own path."""
        anywhere = dataclasses.replace(self.resolved, recurrence="torch")
        model = new_model(self.vocabulary, self.config.model, anywhere)
        model.load_state_dict(self.kept)
        return model.eval()

    def as_bytes(self) -> bytes:
        values = {
            "format": FORMAT,
            "config": self.config.as_dict(),
            "vocabulary": self.vocabulary.as_dict(),
            "resolved": vars(self.resolved),
            "best": vars(self.best) if self.best else None,
        }
        taken = ("config", "vocabulary", "resolved", "best")
        values |= {key: value for key, value in vars(self).items() if key not in taken}
        buffer = io.BytesIO()
        torch.save(values, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Checkpoint:
        """Read back what `as_bytes` gave. Nothing in the file is executed.

        Args:
            where: what it is called in messages.

        Raises:
            StoreError: it is damaged, of another format, or no checkpoint.
        """
        try:
            values = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises anything at all on damaged bytes
            raise StoreError(
                f"{where} is damaged or no checkpoint of musicexp ({type(error).__name__}); take another run, or train it again"
            ) from error
        if not isinstance(values, dict):
            raise StoreError(f"{where} is no checkpoint of musicexp; take another run")
        found = values.pop("format", None)
        if found != FORMAT:
            raise StoreError(
                f"{where} has checkpoint format {found}, and this version of musicexp reads format {FORMAT}; use the version that wrote it"
            )
        try:
            values |= {
                "config": recorded(values["config"]),
                "vocabulary": Vocabulary.from_dict(values["vocabulary"]),
                "resolved": Resolved(**values["resolved"]),
                "best": Best(**values["best"]) if values["best"] else None,
                "metre": tuple(values["metre"]),
                "recall": tuple(values["recall"]) if values.get("recall") else None,
            }
        except SettingError as error:
            raise StoreError(
                f"{where} holds settings that this version of musicexp does not know: {error}"
            ) from error
        except (KeyError, TypeError) as error:
            raise StoreError(
                f"{where} is damaged: it lacks {error.args[0]!r} or has it in another form; take another run, or train it again"
            ) from error
        try:
            return cls(**values)
        except TypeError as error:
            raise StoreError(
                f"{where} is damaged or of another version of musicexp: {error}; take another run, or train it again"
            ) from error


def new_model(vocabulary: Vocabulary, settings: Model, resolved: Resolved) -> MusicModel:
    """A model with fresh weights from torch's global generator: the same ones, whatever computes it."""
    viewpoints = Viewpoints(vocabulary, tokenizer(vocabulary.kind)) if settings.viewpoints else None
    members = [_new_member(len(vocabulary), settings, viewpoints, resolved) for _ in range(settings.members)]
    model: MusicModel = members[0] if len(members) == 1 else Members(members)
    return model.to(DTYPES[resolved.precision])


def _new_member(size: int, settings: Model, viewpoints: Viewpoints | None, resolved: Resolved) -> Member:
    """One model of a vocabulary of so many tokens."""
    apart = settings.embedding_dropout
    embedding_dropout = settings.dropout if apart == "same" else apart
    if settings.kind == "transformer":
        return MusicTransformer(
            size,
            num_layers=settings.num_layers,
            hidden_size=settings.hidden_size,
            heads=settings.heads,
            embedding_dim=settings.embedding_dim,
            dropout=settings.dropout,
            embedding_dropout=embedding_dropout,
            viewpoints=viewpoints,
        )
    return MusicLSTM(
        size,
        num_layers=settings.num_layers,
        hidden_size=settings.hidden_size,
        embedding_dim=settings.embedding_dim,
        dropout=settings.dropout,
        embedding_dropout=embedding_dropout,
        recurrent_dropout=settings.recurrent_dropout,
        viewpoints=viewpoints,
        recurrence=recurrence(resolved.recurrence, resolved.precision),
    )


def generator_states() -> dict[str, Any]:
    """The states of the global generators, in types that `weights_only` loads."""
    numpy_state = np.random.get_state(legacy=False)
    assert isinstance(numpy_state, dict)
    inner = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in numpy_state["state"].items()
    }
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": random.getstate(),
        "numpy": {**numpy_state, "state": inner},
    }


def restore_generators(states: dict[str, Any]) -> None:
    """Set the global generators to what `generator_states` gave."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
    random.setstate(states["python"])
    numpy_state = states["numpy"]
    key = np.array(numpy_state["state"]["key"], dtype=np.uint32)
    np.random.set_state({**numpy_state, "state": {**numpy_state["state"], "key": key}})
