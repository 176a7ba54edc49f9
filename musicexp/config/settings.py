"""The settings as frozen dataclasses: for each its type, meaning, unit and range. No defaults: those are YAML's."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal

T = typing.TypeVar("T")

GROUPS = ("dataset", "tokens", "model", "optimizer", "experiment")


def setting(
    meaning: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    changes_result: bool = True,
    before: Any = dataclasses.MISSING,
    unsaid_before: bool = False,
) -> Any:
    """A dataclass field with its meaning and range.

    Args:
        meaning: one line for `--help`, with the unit.
        at_least, above, at_most, below: the range of the number, or of each number of a list.
        changes_result: whether two runs that differ in it may differ in losses or samples; those that
            do not are left out of the signature.
        before: what a run left that knew no such setting; MISSING where that is not known.
        unsaid_before: a signature does not mention the setting where it is `before`, so that runs of before are
            still known by theirs.
    """
    bounds = {"at least": at_least, "above": above, "at most": at_most, "below": below}
    return field(
        metadata={
            "meaning": meaning,
            "bounds": {word: limit for word, limit in bounds.items() if limit is not None},
            "changes_result": changes_result,
            "before": before,
            "unsaid_before": unsaid_before,
        }
    )


@typing.dataclass_transform(frozen_default=True, field_specifiers=(setting,))
def settings(cls: type[T]) -> type[T]:
    """A frozen dataclass whose every field is a `setting` or another settings class."""
    return dataclasses.dataclass(frozen=True)(cls)


@settings
class Dataset:
    name: str = setting("what the data set is called in tables")
    collection: str | None = setting("a collection of music21's bundled corpus, such as ryansMammoth")
    path: str | None = setting(
        "a folder of .mid .midi .kar .abc .musicxml .mxl .xml .krn files, read recursively (with dataset=midi)"
    )
    apart_from: tuple[str, ...] | None = setting(
        "a bundled collection, or several: pieces are left out that share a run of 15 intervals with one of its pieces, in any key",
        before=None,
        unsaid_before=True,
    )
    limit: int = setting("use only the first so many files, in order of name; 0 uses all", at_least=0)
    reader: Literal["symusic", "music21"] = setting(
        "who reads MIDI files: symusic keeps every time as it is; music21 snaps to its own grid, as in the report"
    )
    parts: int | Literal["all", "melody", "skyline"] = setting(
        "which notes: all parts, the likeliest melody's part, the highest notes, or the part of this number from 1",
        at_least=1,
    )
    transpose: tuple[int, ...] = setting(
        "training pieces are heard in other keys too: semitones [lowest,highest], or one number for both ways; 0 does not",
        at_least=-24,
        at_most=24,
    )
    normalise_key: bool = setting("bring every piece to C major or A minor, by music21's key analysis")

    def keys(self) -> list[int]:
        """The semitones that training pieces are moved by, 0 first."""
        low, high = min(self.transpose), max(self.transpose)
        if len(self.transpose) == 1:
            low, high = -abs(low), abs(high)
        return [0, *(key for key in range(low, high + 1) if key)]


@settings
class Split:
    seed: int = setting("which pieces are validation and test pieces; `seed` does not change it", at_least=0)
    val: float = setting("share of the pieces kept for validation", above=0, below=0.5)
    test: float = setting("share of the pieces kept for the test", above=0, below=0.5)
    grouped: bool = setting(
        "keep duplicates (pieces that share a run of 15 intervals) on one side; false flatters the test"
    )
    folds: int = setting("cross-validation in so many folds, of which one is the test; 0 is none", at_least=0)
    fold: int = setting("which fold is the test, from 0", at_least=0)
    table: str | None = setting(
        "written folds instead of split.folds: a table of conf/fold_tables, such as pearce_kinder_random, or the path of a CSV",
        before=None,
    )


@settings
class Tokens:
    kind: Literal["notes", "events", "abc", "pitches", "voice"] = setting(
        "notes: a note, chord or rest with its duration; events: bars, positions, pitches and durations, "
        "which keep several voices whole; abc: a character of ABC notation; pitches: a pitch, without rests and durations; "
        "voice: key and metre, then of each note of one voice its place and duration, and its pitch"
    )
    vocabulary: Literal["corpus", "train"] = setting(
        "whose tokens the model knows: those of the whole data set, or of the training pieces only"
    )
    unknown: Literal["error", "unknown", "nearest"] = setting(
        "what becomes of a token that the model does not know: it is refused, "
        "<unk> stands for it, or the same pitch with the nearest duration does (with pitches the nearest pitch)"
    )


@settings
class Model:
    kind: Literal["lstm", "transformer"] = setting(
        "what computes: an LSTM, or a Transformer decoder", before="lstm", unsaid_before=True
    )
    num_layers: int = setting("LSTM layers, or blocks of the Transformer", at_least=1, at_most=16)
    hidden_size: int = setting(
        "width of each layer; of a Transformer a multiple of model.heads", at_least=1, at_most=16384
    )
    heads: int = setting(
        "of a Transformer: how many places each token looks at apart",
        at_least=1,
        at_most=1024,
        before=4,
        unsaid_before=True,
    )
    embedding_dim: int = setting("width of the embedding in front", at_least=1, at_most=16384)
    dropout: float = setting(
        "dropout after the embedding and after each layer, in training", at_least=0, below=1
    )
    embedding_dropout: float | Literal["same"] = setting(
        "dropout after the embedding, in training, where it is another: same takes model.dropout",
        at_least=0,
        below=1,
        before="same",
    )
    recurrent_dropout: float = setting(
        "the share of the weights from an LSTM layer to itself that is dropped in each iteration; a Transformer has none",
        at_least=0,
        below=1,
        before=0.0,
    )
    viewpoints: bool = setting(
        "the model sees intervals, and what followed in the piece where its last tokens stood, in any key",
        before=False,
    )
    members: int = setting(
        "models that learn the same from different fresh weights, and whose probabilities are averaged",
        at_least=1,
        at_most=64,
        before=1,
    )

    @property
    def called(self) -> str:
        """Its name in tables and sentences."""
        return {"lstm": "LSTM", "transformer": "Transformer"}[self.kind]


@settings
class Optimizer:
    name: Literal["adam", "adamw"] = setting("Adam, or Adam with decoupled weight decay")
    beta1: float = setting("decay of the mean of the gradient", at_least=0, below=1)
    beta2: float = setting("decay of the mean of its square", at_least=0, below=1)
    eps: float = setting("added to the denominator", above=0)
    weight_decay: float = setting("weight decay", at_least=0)
    clip: float = setting("largest norm of the gradient; 0 does not clip", at_least=0)
    schedule: Literal["constant", "cosine"] = setting("how lr goes on: constant, or along a cosine to 0")
    warmup: int = setting("iterations of linear warm-up", at_least=0)


@settings
class Validation:
    every: int = setting("iterations between two validations; 0 validates at the end only", at_least=0)


@settings
class EarlyStopping:
    patience: int = setting("stop after so many validations without a better one; 0 never stops", at_least=0)


@settings
class Samples:
    temperature: tuple[float, ...] = setting("temperatures to sample at; a number is a list of one", above=0)
    count: int = setting("melodies written, over all temperatures", at_least=0, at_most=10000)
    scored: int = setting(
        "melodies judged beside real music at each temperature, those written among them; 0 judges none",
        at_least=0,
        at_most=10000,
        changes_result=False,
    )
    every: int = setting(
        "iterations between two clips that are drawn while the model learns; 0 draws none",
        at_least=0,
        changes_result=False,
    )
    max_notes: int = setting("longest melody, in notes and chords", at_least=1, at_most=100000)
    top_k: int = setting("sample from the k likeliest tokens; 0 from all", at_least=0)
    top_p: float = setting(
        "sample from the likeliest tokens that make up this probability", above=0, at_most=1
    )
    recall: float = setting(
        "how far a melody goes on as it went on before, where its last notes stood already: "
        "1 as often as real held-out pieces do, 0 never",
        at_least=0,
        at_most=1,
        before=0.0,
    )
    ppm: float = setting(
        "the share of PPM, which counts the training pieces and the melody so far, in what is drawn from: "
        "0 the model alone, 1 PPM alone",
        at_least=0,
        at_most=1,
        before=0.0,
        unsaid_before=True,
    )
    seed: int = setting("the seed of every melody's own random stream", at_least=0)
    prime: str | None = setting("a file of music (MIDI, ABC, MusicXML, Humdrum) that is continued")
    prime_notes: int = setting("how many notes of the prime are used, from its start", at_least=1)


@settings
class Render:
    audio: bool = setting(
        "write sample_k.ogg beside each sample_k.mid, and the page that plays them", changes_result=False
    )
    soundfont: str | None = setting(
        "a SoundFont file (.sf2) to play samples with; the one that pretty_midi carries if not given",
        changes_result=False,
    )
    program: int = setting(
        "the General MIDI sound that samples are played with: 0 a grand piano, 40 a violin, 73 a flute",
        at_least=0,
        at_most=127,
        changes_result=False,
    )
    score: bool = setting("engrave score.svg, where verovio is installed", changes_result=False)
    pictures: bool = setting("draw loss.png and roll.png", changes_result=False)


@settings
class Trainer:
    accelerator: Literal["auto", "cpu", "gpu"] = setting(
        "where to train; auto takes a CUDA GPU if there is one"
    )
    devices: int = setting(
        "GPUs, or processes on the CPU, that share the rows of every batch; batch_size must be a multiple",
        at_least=1,
    )


@settings
class Checkpoint:
    seconds: float = setting("seconds between two checkpoints", above=0, changes_result=False)


@settings
class Tracking:
    uri: str | None = setting(
        "the store: a path, sqlite:/// or http address; else MLFLOW_TRACKING_URI, else ./mlruns/mlflow.db",
        changes_result=False,
    )
    experiment: str = setting("the MLflow experiment", changes_result=False)
    system_metrics: bool = setting("log CPU, memory and disk use too", changes_result=False)


@settings
class Config:
    """One run's settings, whole and checked. Built by `compose` or `build`, never by hand."""

    name: str | None = setting("the run's name; generated if not given", changes_result=False)
    experiment: str = setting("the preset that was chosen", changes_result=False)
    seed: int = setting("seed of weights, order of the data and dropout", at_least=0, at_most=2**32 - 1)
    lr: float = setting("learning rate", above=0, at_most=10)
    batch_size: int = setting("windows in an iteration", at_least=1, at_most=65536)
    iterations: int = setting("optimizer steps", at_least=1)
    seq_length: int = setting("tokens in a window", at_least=1, at_most=65536)
    windows: Literal["contiguous", "random"] = setting(
        "contiguous: each row reads on where it stopped, its LSTM state carried over (a Transformer carries nothing); "
        "random: windows anywhere, from a zero state"
    )
    resume: str | None = setting(
        "go on with an interrupted run: its id, name or `last`", changes_result=False
    )
    initial: str | None = setting(
        "begin with the weights of a finished run, as in fine-tuning: its id, name or `last`",
        before=None,
        unsaid_before=True,
    )
    recurrence: Literal["auto", "torch", "hoisted", "native"] = setting(
        "how the LSTM is computed: torch.nn.LSTM, stock operations, or kernels that `make setup` compiles; auto takes the fastest (for a Transformer torch)"
    )
    precision: Literal["auto", "bf16", "fp32", "fp64"] = setting(
        "number format of products in training; auto is bf16 where the CPU has AVX512-BF16, else fp32"
    )
    threads: int | Literal["auto"] = setting(
        "CPU threads, shared out among the devices; auto takes one for each physical core", at_least=1
    )
    keep: Literal["best", "last"] = setting(
        "the weights that are tested, sampled and kept: best validation, or last"
    )
    strict: bool = setting(
        "the first file that cannot be used is an error, instead of being left out", changes_result=False
    )
    dataset: Dataset
    split: Split
    tokens: Tokens
    model: Model
    optimizer: Optimizer
    validation: Validation
    early_stopping: EarlyStopping
    samples: Samples
    render: Render
    trainer: Trainer
    checkpoint: Checkpoint
    tracking: Tracking

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as in config.yaml and in a checkpoint; `build` reads them back."""
        return typing.cast(dict[str, Any], _plain(dataclasses.asdict(self)))

    def flat(self) -> dict[str, Any]:
        """Dotted name -> value, in order of declaration."""
        values = self.as_dict()
        return {dotted: at(values, dotted) for dotted, _ in fields_of(Config)}

    def signature(self, *more: str) -> str:
        """The hash of the settings that change the result, and of `more` (data, code, resolved paths).

        Two runs with one signature on one machine give the same losses and the same melodies.
        """
        values = self.flat()
        settings = {
            dotted: values[dotted]
            for dotted, f in fields_of(Config)
            if f.metadata["changes_result"]
            and not (f.metadata["unsaid_before"] and values[dotted] == f.metadata["before"])
        }
        told = json.dumps([settings, *more], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def fields_of(cls: type, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every leaf setting of a settings class as (dotted name, field), in order of declaration."""
    hints = typing.get_type_hints(cls)
    for f in dataclasses.fields(cls):
        kind = hints[f.name]
        if dataclasses.is_dataclass(kind):
            yield from fields_of(typing.cast(type, kind), f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, f


def kind_of(dotted: str, of: type = Config) -> Any:
    """The type of a setting, given its dotted name."""
    cls: Any = of
    *rooms, leaf = dotted.split(".")
    for room in rooms:
        cls = typing.get_type_hints(cls)[room]
    return typing.get_type_hints(cls)[leaf]


def choices_of(dotted: str, of: type = Config) -> tuple[str, ...]:
    """The values that complete a setting: its literals, true and false; empty where any value may stand."""
    found: list[str] = []
    for kind in alternatives(kind_of(dotted, of)):
        if kind is bool:
            found += ["true", "false"]
        elif typing.get_origin(kind) is Literal:
            found += [str(choice) for choice in typing.get_args(kind)]
    return tuple(found)


def alternatives(kind: Any) -> tuple[Any, ...]:
    return (
        typing.get_args(kind)
        if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
        else (kind,)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def at(values: Mapping[str, Any], dotted: str) -> Any:
    """What lies in nested values under a dotted name; the values themselves under none."""
    for key in dotted.split(".") if dotted else ():
        values = values[key]
    return values
