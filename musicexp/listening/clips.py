"""The clips of a study: melodies of its runs, drawn alike, cut at the same bar, at one tempo and velocity.

What a run wrote itself (sample_k.mid) is taken where all runs of the study sampled alike; everything else is drawn
from the checkpoints with one and the same setting of sampling, those of the first run.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from musicexp.config import Config, Samples, read_config
from musicexp.errors import RunError, SettingError
from musicexp.music import STEPS_PER_QUARTER, Note, Piece
from musicexp.music.midi import midi_piece
from musicexp.music.piece import DEFAULT_VELOCITY
from musicexp.report.html import visible
from musicexp.tracking import Run, cache_dir, store_uri

CHECKPOINT_FILE = "checkpoint.ckpt"
CONFIG_FILE = "config.yaml"
RING_SECONDS = 1.0
"""How long the last note may ring behind the bar where clips are cut, fading."""
NO_MATTER = ("count", "every", "temperature")
"""Settings of sampling that change no draw of a temperature, the place of the temperature apart."""


@dataclass(frozen=True)
class Source:
    """A run that melodies are taken from.

    Attributes:
        uri: of the store that it is in, as `store_uri` takes it.
    """

    run: Run
    config: Config
    uri: str | None = None

    @property
    def name(self) -> str:
        """What the terminal calls it."""
        return f"{visible(self.run.name)} ({self.run.id[:8]})"


@dataclass(frozen=True)
class Drawing:
    """How melodies are drawn, the same for all runs of a study.

    Attributes:
        samples: the settings; `temperature` holds the place of the one that is heard.
        place: which of its temperatures, from 0.
        own: whether the runs' own files are such draws.
    """

    samples: Samples
    place: int
    own: bool

    @property
    def temperature(self) -> float:
        return self.samples.temperature[self.place]

    def number(self, draw: int) -> int:
        """k of sample_k, for a draw from 1."""
        return (draw - 1) * len(self.samples.temperature) + self.place + 1


def source_of(run: Run, uri: str | None = None) -> Source:
    """A run with its settings.

    Raises:
        StoreError: its config.yaml is gone or unreadable.
    """
    config = read_config(run.read(CONFIG_FILE), f"{CONFIG_FILE} of run {visible(run.name)} ({run.id})")
    return Source(run, config, uri)


def drawing_of(sources: Sequence[Source], temperature: float | None) -> Drawing:
    """How the melodies of these runs are drawn.

    Args:
        temperature: the wanted one; None takes the first that all runs sampled at.
    """
    settings = [source.config.samples for source in sources]
    first = settings[0]
    if temperature is None:
        shared = [t for t in first.temperature if all(t in other.temperature for other in settings)]
        temperature = shared[0] if shared else first.temperature[0]
    alike = len({_what_matters(one) for one in settings}) == 1
    places = {
        one.temperature.index(temperature) if temperature in one.temperature else None for one in settings
    }
    if alike and len(places) == 1 and None not in places:
        return Drawing(first, first.temperature.index(temperature), own=True)
    return Drawing(dataclasses.replace(first, temperature=(temperature,)), 0, own=False)


def _what_matters(samples: Samples) -> tuple[object, ...]:
    fields = dataclasses.asdict(samples)
    return tuple(value for key, value in fields.items() if key not in NO_MATTER)


def written(source: Source, drawing: Drawing) -> int:
    """How many draws the run wrote itself: 1, 2, ... without a gap."""
    draw = 0
    while drawing.own and source.run.has(f"sample_{drawing.number(draw + 1)}.mid"):
        draw += 1
    return draw


def check_enough(sources: Sequence[Source], drawing: Drawing, draws: int) -> None:
    """
    Raises:
        RunError: a run has too few melodies, and no checkpoint to draw more from.
    """
    for source in sources:
        there = written(source, drawing)
        if there >= draws or source.run.has(CHECKPOINT_FILE):
            continue
        least = min(draws, max(1, there))
        if not drawing.own or not there:
            raise RunError(
                f"run {source.name} has no checkpoint and no melodies at temperature {drawing.temperature:g} that were drawn like the other runs' ones: there is nothing of it to hear; take another run, or another temperature="
            )
        raise RunError(
            f"run {source.name} has {there} of the {draws} melodies at temperature {drawing.temperature:g} that are wanted, and no checkpoint to draw more from; ask for fewer votes ({least} for each pair of runs at most), or take another run"
        )


def melodies_of(source: Source, drawing: Drawing, draws: Iterable[int]) -> dict[int, Piece]:
    """Melodies of a run by their draw.

    Raises:
        StoreError: the checkpoint is damaged.
        MusicError: PPM has a share, and the music that it counts is gone.
        RunError: a melody's file is damaged.
    """
    wanted = sorted(draws)
    there = written(source, drawing)
    found = {draw: _read(source, f"sample_{drawing.number(draw)}.mid") for draw in wanted if draw <= there}
    missing = [draw for draw in wanted if draw > there]
    if missing:
        from musicexp.generation import Checkpoint, melodies, ppm_again

        where = f"{CHECKPOINT_FILE} of run {visible(source.run.name)}"
        checkpoint = Checkpoint.from_bytes(source.run.read(CHECKPOINT_FILE), where)
        settings = dataclasses.replace(drawing.samples, count=drawing.number(missing[-1]))
        ppm = ppm_again(checkpoint, settings, cache_dir(store_uri(source.uri)))
        drawn = melodies(checkpoint, settings, ppm)
        found |= {draw: drawn[drawing.number(draw) - 1].piece for draw in missing}
    return found


def _read(source: Source, name: str) -> Piece:
    try:
        return midi_piece(source.run.read(name), name)
    except ValueError as error:
        raise RunError(
            f"{name} of run {source.name} cannot be heard: {error}; take another run, or write its samples again"
        ) from error


def check_different(sources: Sequence[Source], melodies: Sequence[dict[int, Piece]]) -> None:
    """
    Raises:
        RunError: two runs wrote the same, note for note.
    """
    heard = [tuple(one[draw].fingerprint() for draw in sorted(one)) for one in melodies]
    for k, one in enumerate(heard):
        if one in heard[:k]:
            other = sources[heard.index(one)]
            raise RunError(
                f"runs {other.name} and {sources[k].name} wrote the same melodies, note for note, so there is no difference to hear; take runs that differ in a setting or a seed"
            )


@dataclass(frozen=True)
class Cut:
    """Where clips end.

    Attributes:
        steps: 1/24 quarters from the bar of the first note on.
        tempo: quarters per minute.
    """

    steps: int
    bar: int
    tempo: float

    @property
    def seconds(self) -> float:
        """Of a clip as it is heard, the ringing of its last note included."""
        return self.steps / STEPS_PER_QUARTER * 60 / self.tempo + RING_SECONDS


def cut_of(pieces: Sequence[Piece], seconds: float, tempo: float | None) -> Cut:
    """Where all clips are cut: as many whole bars as fit into so many seconds, at least one.

    Args:
        pieces: of all runs; the bar is the first one's, the tempo the middle one of theirs if none is given.

    Raises:
        SettingError: no bar fits.
    """
    quarters_a_minute = tempo or float(statistics.median_low([piece.tempo for piece in pieces]))
    beats, unit = pieces[0].metre
    bar = max(1, round(beats * 4 * STEPS_PER_QUARTER / unit))
    fit = seconds * quarters_a_minute / 60 * STEPS_PER_QUARTER
    bars = math.floor(fit / bar + 1e-9)
    if not bars:
        needed = bar / STEPS_PER_QUARTER * 60 / quarters_a_minute
        raise SettingError(
            f"seconds={seconds:g} is less than one bar ({needed:.3g} s at {quarters_a_minute:g} quarters a minute); take seconds={math.ceil(needed)} or more"
        )
    return Cut(bars * bar, bar, quarters_a_minute)


def clip_of(piece: Piece, cut: Cut) -> Piece:
    """What is heard of a melody: from the bar of its first note to the cut, in one voice's loudness, at the study's tempo."""
    begin = int(piece.onset[0]) // cut.bar * cut.bar if len(piece) else 0
    onset = np.maximum(piece.onset - begin, 0)
    notes = [
        Note(at, min(duration, cut.steps - at), pitch, DEFAULT_VELOCITY, part)
        for at, duration, pitch, part in zip(
            onset.tolist(), piece.duration.tolist(), piece.pitch.tolist(), piece.part.tolist(), strict=True
        )
        if at < cut.steps
    ]
    return Piece.of(notes, tempo=cut.tempo, metre=piece.metre)
