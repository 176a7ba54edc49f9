"""Question 4: why can it learn melody, and how far back does it listen?

    python experiments/report/context.py

The model hears only the last events before each note (0, 1, 2, 4 ... 64, or all of them), and is asked how many nats the
next token costs; n-gram models and PPM of the same order, counted on the same training pieces, are asked the same. Nothing is
trained for it beyond three checkpoints of question 2 (checkpoints.py). Held-out pieces, each read from its beginning; the same tokens
for all.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from checkpoints import checkpoints, chosen, material_of, model_of
from drawings import Series, curves
from memory import RUN, Forgetful, Nats, cut_memory, repeats, whole_memory
from numpy.typing import NDArray
from results import difference, interval, keep_melodies, leave, rows
from runs import Found, Place, asked, missing, place_of

from musicexp.api import LoadedRun
from musicexp.baselines import PPM, NGram, Settings
from musicexp.generation.melody import TOKENS_PER_NOTE
from musicexp.model import sample
from musicexp.music import Piece, write_midi
from musicexp.tokens import BOS, EOS, Ids
from musicexp.training import Material

EVENTS = (0, 1, 2, 4, 8, 16, 32, 64)
ALL = -1
PIECES = 32
"""Test pieces that are asked about, drawn by lot: windows of 64 events cost 64 times as much as reading once."""
SHORT = 4
"""Events that the melodies of the short memory hear."""
WARM = (1, 3)
"""The samples that a run draws at its first temperature, 1.0."""
LARGEST_KEY = 62
"""Bits in which NGram packs a context."""


def main(words: list[str] | None = None) -> None:
    """Train what is missing, and write what is there."""
    place = place_of(__doc__, "4-context", words)
    found = checkpoints(place)
    lines = ["# How far back does it listen?", ""]
    values: dict[str, object] = {}
    figures: dict[str, bytes] = {}
    if any(one.state == "finished" for one in found):
        lines, values, figures = answered(found, place, lines)
    if lacking := missing(found):
        lines += ["", "Not yet measured:", "", *lacking]
    leave(place.out, lines, values, figures)


def answered(
    found: Sequence[Found], place: Place, lines: list[str]
) -> tuple[list[str], dict[str, object], dict[str, bytes]]:
    """Tables, values and figures of the checkpoints that are there."""
    runs = [one.finished for one in found if one.state == "finished"]
    material = material_of(runs[0], place)
    pieces = [material.ids["test"][k] for k in chosen(len(material.ids["test"]), PIECES)]
    again = repeats(pieces)
    cut: dict[int, list[Nats]] = {events: [] for events in (*EVENTS, ALL)}
    for run in runs:
        model = model_of(run)
        whole = whole_memory(model, pieces)
        for events in EVENTS:
            cut[events].append(cut_memory(model, pieces, events, whole))
        cut[ALL].append(whole)
        print(f"asked: {run.name}", flush=True)
    grams = ngrams(material, pieces)
    orders = {events: ppm(material, pieces, Settings(short=False, order=events)) for events in EVENTS}
    orders[ALL] = ppm(material, pieces, Settings(short=False))
    both = ppm(material, pieces, Settings())
    lines += [
        f"{runs[0].config.model.num_layers} x {runs[0].config.model.hidden_size} LSTM on {runs[0].config.dataset.name}, seeds "
        f"{', '.join(str(run.config.seed) for run in runs)}; nats per token of {len(again):,} tokens of {len(pieces)} test pieces, mean and "
        f"95 % interval over the seeds. An n-gram model of order k + 1 and a PPM of order k (long-term model, escape C) look back on k events. `heard before`: the {100 * again.mean():.0f} % "
        f"of the tokens before which the piece repeats {RUN} events; `new`: the others.",
        "",
        *_table(cut, grams, orders, again),
        "",
        "PPM with a short-term model beside, which learns each piece while it reads it and so remembers all of it: "
        f"{both.mean():.3f}; heard before {both[again].mean():.3f}, new {both[~again].mean():.3f}.",
        "",
        *_gains(cut),
    ]
    names = keep_melodies(runs[0], "all-events", place.out, WARM)
    names += forgetful_melodies(runs[0], SHORT, place)
    lines += [
        "",
        f"Melodies of {runs[0].name} at temperature 1, drawn with the same luck: with all its memory, and hearing {SHORT} events: "
        + ", ".join(names),
    ]
    values: dict[str, object] = {
        "tokens": len(again),
        "heard_before": float(again.mean()),
        "lstm": {_word(k): [float(nats.mean()) for nats in each] for k, each in cut.items()},
        "lstm_heard_before": {_word(k): [float(n[again].mean()) for n in each] for k, each in cut.items()},
        "lstm_new": {_word(k): [float(n[~again].mean()) for n in each] for k, each in cut.items()},
        "ngram": grams,
        "ppm": {_word(k): float(nats.mean()) for k, nats in orders.items()},
        "ppm_with_short_term": {
            "all": float(both.mean()),
            "heard_before": float(both[again].mean()),
            "new": float(both[~again].mean()),
        },
    }
    return lines, values, {"context.svg": _figure(cut, grams, orders, again)}


def forgetful_melodies(run: LoadedRun, events: int, place: Place) -> list[str]:
    """Draw as many melodies as `WARM` names, at temperature 1 from the same random streams, with cut memory; their names."""
    checkpoint, count = run.checkpoint(), len(WARM)
    tokenizer, vocabulary, settings = checkpoint.tokenizer, checkpoint.vocabulary, checkpoint.config.samples
    drawn = sample(
        Forgetful(checkpoint.model(), events),
        [tokenizer.grammar(vocabulary) for _ in range(count)],
        [np.random.default_rng((settings.seed, 0, draw)) for draw in range(1, count + 1)],
        [1.0] * count,
        np.full(count, BOS, dtype=np.int64),
        eos=EOS,
        max_notes=settings.max_notes,
        max_tokens=settings.max_notes * TOKENS_PER_NOTE,
    )
    like = Piece.of([], tempo=checkpoint.tempo, metre=checkpoint.metre)
    names = []
    for number, one in enumerate(drawn, start=1):
        path = place.out / "samples" / f"{events}-events-{number}.mid"
        words = vocabulary.decode(one.ids.tolist())
        write_midi(tokenizer.piece(words, path.stem, like=like), path)
        names.append(f"samples/{path.name}")
    return names


def ngrams(material: Material, pieces: Sequence[Ids]) -> dict[int, float]:
    """Nats per token by events looked back on, as far as n-gram models can be counted."""
    size = len(material.vocabulary)
    tokens = sum(len(piece) - 1 for piece in pieces)
    found = {}
    for events in EVENTS:
        if size ** (events + 2) >= 2**LARGEST_KEY:
            break
        model = NGram(events + 1, size).fit(material.ids["train"])
        found[events] = float(model.nll_nats(pieces).sum()) / tokens
    return found


def ppm(material: Material, pieces: Sequence[Ids], settings: Settings) -> Nats:
    """Nats of each predicted token under a PPM that has counted the training pieces: float64 [tokens]."""
    model = PPM(len(material.vocabulary), settings).fit(material.ids["train"])
    return np.concatenate(model.token_nats(pieces))


def _word(events: int) -> str:
    return "all" if events == ALL else str(events)


def _table(
    cut: Mapping[int, Sequence[Nats]],
    grams: Mapping[int, float],
    orders: Mapping[int, Nats],
    again: NDArray[np.bool_],
) -> list[str]:
    body = []
    for events, each in cut.items():
        gram = f"{grams[events]:.3f}" if events in grams else "-"
        means = [float(nats.mean()) for nats in each]
        body.append(
            [_word(events), interval(means), gram, f"{orders[events].mean():.3f}"]
            + [interval([float(nats[where].mean()) for nats in each]) for where in (again, ~again)]
        )
    return rows(["events", "LSTM", "n-gram", "PPM", "LSTM, heard before", "LSTM, new"], body)


def _gains(cut: Mapping[int, Sequence[Nats]]) -> list[str]:
    """What each step of memory is worth, paired by seed."""
    steps = list(cut)
    body = [
        [
            f"{_word(before)} to {_word(after)}",
            difference([float(n.mean()) for n in cut[after]], [float(n.mean()) for n in cut[before]], 4),
        ]
        for before, after in itertools.pairwise(steps)
    ]
    return rows(["more memory", "difference, nats per token"], body)


def _figure(
    cut: Mapping[int, Sequence[Nats]],
    grams: Mapping[int, float],
    orders: Mapping[int, Nats],
    again: NDArray[np.bool_],
) -> bytes:
    """Nats against events looked back on, from one on; `ALL` stands at 128 of the logarithmic axis."""
    at = {events: 128.0 if events == ALL else float(events) for events in cut if events != 0}

    def mean(where: NDArray[np.bool_], arm: int, label: str) -> Series:
        heights = {k: float(np.mean([nats[where].mean() for nats in cut[k]])) for k in at}
        return Series(label, [(at[k], height) for k, height in heights.items()], arm)

    series = [
        mean(np.ones(len(again), dtype=bool), 0, "LSTM"),
        Series("n-gram", [(at[k], nats) for k, nats in grams.items() if k in at], 1),
        Series("PPM", [(at[k], float(orders[k].mean())) for k in at], 2),
        mean(again, 4, "LSTM, heard before"),
        mean(~again, 8, "LSTM, new"),
    ]
    return curves("What memory is worth", series, "events looked back on (128: all)", "nats per token", log=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(asked(main))
