"""Melodies: a model, a tokenizer and sampling settings become Pieces and MIDI files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musicexp.baselines import PPM
from musicexp.baselines.ppm_context import Context
from musicexp.config import Samples
from musicexp.errors import MusicError
from musicexp.generation.checkpoint import Checkpoint
from musicexp.model import USUAL, Drawn, Memory, MusicModel, Stepper, Trust, sample, this_machine
from musicexp.music import STEPS_PER_QUARTER, Piece, midi_bytes
from musicexp.music.bar_lines import written_upbeat
from musicexp.music.reader import Reader, Request
from musicexp.music.reading import SUFFIXES
from musicexp.tokens import BOS, EOS, Grammar, Ids, Tokenizer, UnknownRule, Vocabulary, encode_known

AT_ONCE = 256
"""Melodies drawn side by side."""
TOKENS_PER_NOTE = 16
"""A melody is cut after so many tokens per allowed note or chord: characters, rests and bars are tokens too, and
of events a chord of four is nine."""


@dataclass(frozen=True)
class Melody:
    """One sampled melody and where it came from.

    Attributes:
        number: k of sample_k, from 1.
        draw: which draw of its temperature, from 1.
        ended_by: "eos" or "length".
        begins: where what the model wrote begins, in steps of 1/24 quarter; before it is the prime.
        ppm: the share of PPM in what it was drawn from.
    """

    number: int
    temperature: float
    draw: int
    seed: int
    ended_by: str
    piece: Piece
    begins: int = 0
    ppm: float = 0.0

    @property
    def own(self) -> Piece:
        """What the model wrote: the piece without its prime."""
        return self.piece.only(self.piece.onset >= self.begins) if self.begins else self.piece

    @property
    def drawn(self) -> str:
        """How, in words: "temperature 1", or "temperature 1 with PPM's share 0.2"."""
        return drawn_words(self.temperature, self.ppm)

    @property
    def file(self) -> str:
        return f"sample_{self.number}.mid"

    def midi(self) -> bytes:
        return midi_bytes(self.piece)

    def as_dict(self) -> dict[str, Any]:
        return {
            "temperature": self.temperature,
            "seed": self.seed,
            "draw": self.draw,
            "notes": len(self.piece),
            "quarters": self.piece.quarters,
            "ended_by": self.ended_by,
            **({"ppm": self.ppm} if self.ppm else {}),
        }


def drawn_words(temperature: float, ppm: float) -> str:
    """How melodies were drawn; of PPM nothing is said where it had no share."""
    return f"temperature {temperature:g}" + (f" with PPM's share {ppm:g}" if ppm else "")


@dataclass(frozen=True)
class Beginning:
    """What melodies begin with.

    Attributes:
        ids: token ids of the prime, int64; none without one.
        like: a piece whose tempo, metre and key they take where their tokens name none.
    """

    ids: Ids
    like: Piece


def beginning(
    settings: Samples,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    unknown: UnknownRule,
    *,
    tempo: float,
    metre: tuple[int, int],
) -> Beginning:
    """The prime that the settings name, or nothing but a tempo and a metre.

    Raises:
        MusicError: the prime cannot be read or does not fit the vocabulary.
    """
    if not settings.prime:
        return Beginning(np.empty(0, dtype=np.int64), Piece.of([], tempo=tempo, metre=metre))
    return Beginning(*read_prime(settings.prime, settings.prime_notes, tokenizer, vocabulary, unknown))


def melodies(checkpoint: Checkpoint, settings: Samples, ppm: PPM | None = None) -> list[Melody]:
    """The melodies sample_1 ... sample_count under the kept weights.

    Args:
        ppm: it has counted the pieces that the checkpoint learned from (`ppm_of`); wanted where settings.ppm is not 0.

    Raises:
        MusicError: the prime cannot be read or does not fit the run's vocabulary.
    """
    tokenizer, vocabulary = checkpoint.tokenizer, checkpoint.vocabulary
    begun = beginning(
        settings,
        tokenizer,
        vocabulary,
        checkpoint.config.tokens.unknown,
        tempo=checkpoint.tempo,
        metre=checkpoint.metre,
    )
    bf16 = checkpoint.resolved.precision == "bf16"
    return drawn_from(
        *(checkpoint.model(), tokenizer, vocabulary, settings, begun),
        bf16=bf16,
        recall=checkpoint.recall or USUAL,
        ppm=ppm,
    )


def drawn_from(
    model: MusicModel,
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    settings: Samples,
    begun: Beginning,
    *,
    bf16: bool,
    recall: Trust | None,
    ppm: PPM | None,
) -> list[Melody]:
    """Melodies of a model as it is; no global random generator is drawn from.

    sample_k is draw ceil(k / n) of temperature (k - 1) mod n of n temperatures, and draws from its own
    random stream (seed, index of the temperature, draw): the first ones stay the same when more are asked for.

    Where settings.ppm is not 0 the model's distribution gives way to the pool of its own and PPM's (`model.pooling`), before
    all else: temperature, top_k, top_p and the grammar act on what both say, and recall is mixed in at last, as it is
    without PPM. Each melody has a PPM context of its own, which has read the prime as the model has.

    Args:
        model: on the CPU.
        bf16: the model was trained with products of bf16 numbers, and is asked with them where the CPU has them.
        recall: how far what a melody said before is trusted where settings.recall is 1; None: not at all.
        ppm: whose share settings.ppm is.
    """
    assert ppm is not None or not settings.ppm, "a share of a PPM that is not there"
    found: list[Melody] = []
    begins = _steps(tokenizer, vocabulary, begun)
    numbers = list(range(1, settings.count + 1))
    for start in range(0, len(numbers), AT_ONCE):
        places = [_place(number, settings) for number in numbers[start : start + AT_ONCE]]
        rules = [tokenizer.grammar(vocabulary) for _ in places]
        stepper = Stepper(model, bf16=bf16 and this_machine("cpu").bf16)
        for (index, draw), drawn in zip(
            places, _drawn(stepper, rules, settings, places, begun.ids, recall, ppm), strict=True
        ):
            number = len(found) + 1
            tokens = vocabulary.decode(np.concatenate([begun.ids, drawn.ids]).tolist())
            piece = tokenizer.piece(tokens, f"sample_{number}", like=begun.like)
            found.append(
                Melody(
                    number=number,
                    temperature=settings.temperature[index],
                    draw=draw,
                    seed=settings.seed,
                    ended_by=drawn.ended_by,
                    piece=piece,
                    begins=begins,
                    ppm=settings.ppm,
                )
            )
    return found


def _steps(tokenizer: Tokenizer, vocabulary: Vocabulary, begun: Beginning) -> int:
    """How long the prime is, in steps of 1/24 quarter."""
    if not len(begun.ids):
        return 0
    prime = tokenizer.piece(vocabulary.decode(begun.ids.tolist()), like=begun.like)
    return round(prime.quarters * STEPS_PER_QUARTER)


def _place(number: int, settings: Samples) -> tuple[int, int]:
    """(index of the temperature, draw from 1) of sample_number."""
    several = len(settings.temperature)
    return (number - 1) % several, math.ceil(number / several)


def _drawn(
    stepper: Stepper,
    rules: Sequence[Grammar],
    settings: Samples,
    places: Sequence[tuple[int, int]],
    prime: Ids,
    recall: Trust | None,
    ppm: PPM | None,
) -> list[Drawn]:
    memories = [Memory() for _ in places]
    for rule, memory in zip(rules, memories, strict=True):
        for token in prime.tolist():
            rule.advance(token)
            memory.take(token)
    begun = np.tile(np.concatenate([[BOS], prime]).astype(np.int64), (len(places), 1))
    partners = [_reader(ppm, begun[0]) for _ in places] if ppm and settings.ppm else []
    stepper.read(begun[:, :-1])
    return sample(
        stepper,
        rules,
        [np.random.default_rng((settings.seed, index, draw)) for index, draw in places],
        [settings.temperature[index] for index, _ in places],
        begun[:, -1].copy(),
        eos=EOS,
        max_notes=settings.max_notes,
        max_tokens=settings.max_notes * TOKENS_PER_NOTE,
        top_k=settings.top_k,
        top_p=settings.top_p,
        recall=tuple(settings.recall * weight for weight in recall) if recall and settings.recall else None,
        memories=memories,
        share=settings.ppm,
        partners=partners,
    )


def _reader(ppm: PPM, ids: Ids) -> Context:
    """PPM in a piece that begins so."""
    context = ppm.context()
    for token in ids.tolist():
        context.advance(token)
    return context


def prime_file(prime: str) -> Path:
    """Where the prime is.

    Raises:
        MusicError: it is not there, or is a folder.
    """
    path = Path(prime).expanduser()
    if path.is_dir():
        raise MusicError(f"prime={prime} is a folder; name a file of music ({' '.join(SUFFIXES)})")
    if not path.is_file():
        raise MusicError(
            f"prime={prime}: no such file (looked in {Path.cwd()}); name a file of music ({' '.join(SUFFIXES)})"
        )
    return path


def read_prime(
    prime: str, notes: int, tokenizer: Tokenizer, vocabulary: Vocabulary, unknown: UnknownRule
) -> tuple[Ids, Piece]:
    """Token ids of the first notes and chords of a file of music, and the piece that they are.

    Args:
        unknown: what becomes of a token that the vocabulary lacks.

    Raises:
        MusicError: the file cannot be read, or has what the vocabulary lacks and `unknown` refuses.
    """
    path = prime_file(prime)
    with Reader() as reader:
        [answer] = reader.read([Request(path, path.name)])
    reading = answer.reading
    if not reading.pieces:
        raise MusicError(
            f"prime={prime} cannot be used: {reading.rejected[0][1]}; name another file of music ({' '.join(SUFFIXES)})"
        )
    piece = reading.pieces[0].merged()
    onsets = np.unique(piece.onset)[:notes]
    kept = piece.only(piece.onset <= onsets[-1])
    first = Piece.of(
        [note._replace(onset=note.onset - int(onsets[0])) for note in kept.notes()],
        fermata=kept.fermata,
        tempo=piece.tempo,
        metre=piece.metre,
        key=piece.key,
        upbeat=None if onsets[0] else written_upbeat(piece),
    )
    try:
        ids, strange = encode_known(tokenizer, tokenizer.tokens(first), vocabulary, unknown)
        if strange and unknown == "unknown":  # nothing can be heard of them, nor continued
            raise MusicError(
                f"{strange} of its {len(ids)} tokens are none that the model knows; take another melody, or train with tokens.unknown=nearest"
            )
    except MusicError as error:
        raise MusicError(f"prime={prime} does not suit this run: {error}") from error
    return ids, first
