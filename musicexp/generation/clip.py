"""Clips: how melodies begin under the weights that a model has while it learns."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

from musicexp.config import Config, Samples
from musicexp.generation.melody import Beginning, beginning, drawn_from
from musicexp.model import MusicModel, Resolved
from musicexp.music import Piece, midi_bytes
from musicexp.music.excerpt import first_bars
from musicexp.tokens import Tokenizer, Vocabulary, tokenizer

CLIP_NOTES = 64
"""Notes and chords that are drawn at most."""
CLIP_BARS = 16
"""What is kept of them: half a minute at the usual tempo."""
CLIP_TEMPERATURES = 2
"""Of the temperatures of samples, so many are drawn at: the first ones."""
FOLDER = "learning"


@dataclass(frozen=True)
class Clip:
    """One clip, and the moment of training that it is of.

    Attributes:
        iteration: how many the model has had; 0 for one that has learned nothing yet.
        loss: of that iteration, in nats per token; None for iteration 0.
        ended_by: "eos", or "length" if it was cut.
    """

    iteration: int
    temperature: float
    loss: float | None
    ended_by: str
    piece: Piece

    @property
    def key(self) -> str:
        """What all clips of one temperature have in common: "learning/T1.5"."""
        return key(self.temperature)

    @property
    def file(self) -> str:
        """Where its MIDI lies among the artifacts of the run."""
        return f"{self.key}/iteration_{self.iteration:06d}.mid"

    def midi(self) -> bytes:
        return midi_bytes(self.piece)

    def as_dict(self) -> dict[str, Any]:
        return {
            "iteration": self.iteration,
            "temperature": self.temperature,
            "loss": self.loss,
            "notes": len(self.piece),
            "quarters": self.piece.quarters,
            "ended_by": self.ended_by,
            "tempo": self.piece.tempo,
            "metre": list(self.piece.metre),
        }


def key(temperature: float) -> str:
    """The place of a temperature's clips; without the + of 1e+06, which is no letter of a picture's name in MLflow."""
    return f"{FOLDER}/T{temperature:g}".replace("+", "")


@dataclass(frozen=True)
class Clips:
    """Draws clips, always from the same random streams: what differs between two of them is what was learned.

    They are the streams of each temperature's first sample. A clip recalls nothing, and PPM has no share in it: what is
    heard is what the network itself has learned so far. Nothing is drawn from the generators that training draws from.

    Attributes:
        settings: of as many samples as there are clips at a time, one for each temperature.
    """

    settings: Samples
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    begun: Beginning
    bf16: bool

    @classmethod
    def of(
        cls,
        config: Config,
        vocabulary: Vocabulary,
        resolved: Resolved,
        *,
        tempo: float,
        metre: tuple[int, int],
    ) -> Clips:
        """
        Raises:
            MusicError: the prime cannot be read or does not fit the vocabulary.
        """
        samples, spelling = config.samples, tokenizer(config.tokens.kind)
        several = len({key(temperature) for temperature in samples.temperature[:CLIP_TEMPERATURES]})
        settings = dataclasses.replace(
            samples, count=several, max_notes=min(samples.max_notes, CLIP_NOTES), ppm=0.0
        )
        begun = beginning(samples, spelling, vocabulary, config.tokens.unknown, tempo=tempo, metre=metre)
        return cls(settings, spelling, vocabulary, begun, resolved.precision == "bf16")

    def draw(self, model: MusicModel, iteration: int, loss: float | None) -> list[Clip]:
        """A clip for each temperature, under the model's current weights.

        Args:
            model: on any device, in any mode; it is left as it is.
        """
        if next(model.parameters()).device.type != "cpu":
            model = copy.deepcopy(model).cpu()
        drawn = drawn_from(
            *(model, self.tokenizer, self.vocabulary, self.settings, self.begun),
            bf16=self.bf16,
            recall=None,
            ppm=None,
        )
        return [
            Clip(iteration, m.temperature, loss, m.ended_by, first_bars(m.piece, CLIP_BARS)) for m in drawn
        ]
