"""Scoring: a run's samples beside the real pieces that its model has not learned from.

Real pieces are judged as their tokens have them, turned back into music by the very code that makes melodies of what
is drawn, so that what tokens leave out counts neither for nor against a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from musicexp.config import Config
from musicexp.generation import Checkpoint, Melody
from musicexp.generation.melody import drawn_words
from musicexp.generation.scored import by_temperature
from musicexp.generation.temperatures import melodies_at
from musicexp.metrics.corpus import Corpus, Fold
from musicexp.metrics.heat import DRAWN, TEMPERATURES, Heat, heat
from musicexp.metrics.judgement import Generated, Judgement, judge
from musicexp.music import SIDES, Piece, Side
from musicexp.music.reading import piece_title
from musicexp.tokens import tokenizer
from musicexp.training.material import Material
from musicexp.training.references import read_piece
from musicexp.training.yardsticks import HELD_OUT

MUSIC_FILE = "music.json"
MOST_LEARNED = 20_000
"""Training pieces that copies are searched in: the first ones in order of content, which is none of music."""
FEWEST_REAL = 8
"""Held-out pieces with which temperatures are compared: fewer tell none of them apart."""
MOST_REAL = 1_000
"""Held-out pieces that are judged, likewise."""


def score(
    material: Material, checkpoint: Checkpoint, cache: Path, drawn: Sequence[Melody], sides: Sequence[Side]
) -> Judgement | None:
    """Judge the scored samples of a run; None where nothing is scored or no side is held out.

    Where all sides are asked for, the same model is drawn from at other temperatures too: a trial of a sweep, whose
    test pieces nobody looks at, does without.

    Args:
        drawn: as `scored_melodies` draws them.
        sides: those of the split whose figures are computed.

    Raises:
        StoreError: the cache of real values cannot be used.
    """
    config = checkpoint.config
    held_out = [side for side in HELD_OUT if side in sides]
    if not config.samples.scored or not held_out or not drawn:
        return None
    sets = [
        Generated(
            title=drawn_words(temperature, config.samples.ppm),
            pieces=tuple(melody.own for melody in melodies),
            ended_by=tuple(melody.ended_by for melody in melodies),
            temperature=temperature,
        )
        for temperature, melodies in by_temperature(drawn, config.samples)
    ]
    beside = corpus(material, config, cache, held_out)
    swept = _heat(checkpoint, material, beside) if set(SIDES) <= set(sides) else None
    return judge(sets, beside, swept)


def _heat(checkpoint: Checkpoint, material: Material, beside: Corpus) -> Heat | None:
    real = [beside.pieces[place] for place in beside.judged]
    if len(real) < FEWEST_REAL:
        return None
    settings = checkpoint.config.samples
    drawn = melodies_at(checkpoint, settings, TEMPERATURES, DRAWN, material.partner(settings))
    own = {temperature: [melody.own for melody in found] for temperature, found in drawn.items()}
    return heat(own, real, beside.values)


def corpus(material: Material, config: Config, cache: Path, held_out: Sequence[Side] = HELD_OUT) -> Corpus:
    """The data set of a run: the training pieces as learned, and held-out ones as what real music is like."""
    learned = list(_pieces(material, config, "train", MOST_LEARNED))
    judged = [
        piece for side in held_out for piece in _pieces(material, config, side, MOST_REAL // len(held_out))
    ]
    known = tuple(range(len(learned)))
    numbers = material.store.on("train")

    def title(place: int) -> str:
        return piece_title(read_piece(material, config, cache, int(numbers[place])).name)

    return Corpus(
        pieces=(*learned, *judged),
        learned=known,
        folds=(Fold(known, tuple(range(len(learned), len(learned) + len(judged)))),),
        title=title,
        cache=cache,
    )


def _pieces(material: Material, config: Config, side: Side, most: int) -> Iterator[Piece]:
    """Pieces of a side, as a model that writes them without a fault would be heard."""
    spelling, vocabulary, data = tokenizer(config.tokens.kind), material.vocabulary, material.summary
    like = Piece.of([], tempo=data.tempo, metre=data.metre)
    for number, ids in zip(range(most), material.ids[side], strict=False):
        yield spelling.piece(vocabulary.decode(ids[1:-1].tolist()), f"{side} {number + 1}", like=like)


def music_figures(judgement: Judgement) -> dict[str, float]:
    """What the store keeps of a judgement: mean, AUC and overlap of every metric that has a value."""
    found: dict[str, float] = {}
    for judged in judgement.sets:
        for name, stand in judged.stands.items():
            figures = {"": stand.mean.mean, ".auc": stand.auc.value, ".oa": stand.oa}
            found |= {f"music/{name}{what}/{judged.key}": value for what, value in figures.items()}
        found[f"music/distinct_4grams/{judged.key}"] = judged.distinct
        found[f"music/edit_distance/{judged.key}"] = judged.edit_distance
    return {name: value for name, value in found.items() if value == value}  # MLflow's pages choke on nan
