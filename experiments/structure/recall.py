"""Does recall bring the default run's structure to that of real music, and what is it worth in bits?

    python experiments/structure/recall.py [--store PATH] [--runs NAME_OR_ID ...] [--seeds 0 1] [--temperatures 0.8 1 1.2]
        [--ppm 0 0.2 0.4]

Trains 800 iterations of the default with each seed (or takes finished runs of the store), and draws 64 melodies at each temperature
from each checkpoint, without recall and with it, and with each share of PPM (samples.ppm). Prints bits per note of the held-out pieces, then for each set the AUC
against all held-out pieces (P(generated > real) + half P(equal), DeLong's 95 % interval) and the mean, with the mean of
the real pieces at the head; and how many melodies came to an end by themselves.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import replace

import numpy as np

from musicexp import run as train_run
from musicexp.generation import CHECKPOINT_FILE, Checkpoint, melodies
from musicexp.metrics.judgement import Generated, Judged, judge
from musicexp.tracking import cache_dir, open_store, store_uri
from musicexp.training.judging import judge as figures_of
from musicexp.training.material import prepare
from musicexp.training.scoring import corpus

MELODIES = 64
METRICS = (
    "repeated_4grams",
    "groove",
    "copied_8grams",
    "longest_copy",
    "structure_short",
    "structure_middle",
    "structure_long",
    "ends_on_tonic",
    "off_eighth",
    "duration_entropy",
    "interval_entropy",
    "pitch_class_entropy",
    "scale_consistency",
)


def main() -> int:
    given = arguments()
    uri = store_uri(given.store)
    for run in given.runs or [trained(seed, given.store) for seed in given.seeds]:
        found = open_store(uri, given.experiment, create=False).find(run)
        print(f"\n## {found.name}\n")
        show(
            Checkpoint.from_bytes(found.read(CHECKPOINT_FILE), found.name), uri, given.temperatures, given.ppm
        )
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--store", default=None)
    parser.add_argument("--experiment", default="musicexp")
    parser.add_argument("--runs", nargs="*", default=[])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--temperatures", nargs="*", type=float, default=[0.8, 0.9, 1.0, 1.1, 1.2, 1.5])
    parser.add_argument("--ppm", nargs="*", type=float, default=[0.0])
    return parser.parse_args()


def trained(seed: int, store: str | None) -> str:
    """The id of a default run with this seed, trained now."""
    where = [f"tracking.uri={store}"] if store else []
    return train_run(
        "iterations=800", f"seed={seed}", f"name=structure-seed{seed}", "samples.scored=0", *where
    ).id


def show(checkpoint: Checkpoint, uri: str, temperatures: list[float], shares: list[float]) -> None:
    """Likelihoods, then a row for each set."""
    cache = cache_dir(uri)
    material = prepare(checkpoint.config, cache)
    figures = figures_of(checkpoint, material, ["val", "test"])
    checkpoint = replace(checkpoint, recall=figures.recall)
    print("| bits per note | validation | test |\n|---|---|---|")
    for name, sides in (("LSTM", figures.likelihoods), ("LSTM with recall", figures.recalling)):
        print(f"| {name} | {sides['val'].bits_per_note:.4f} | {sides['test'].bits_per_note:.4f} |")
    assert figures.recall is not None
    print("\nrecall:", " ".join(f"{weight:.2f}" for weight in figures.recall), "\n")
    real = corpus(material, checkpoint.config, cache)
    means = {name: float(np.nanmean(real.values[name])) for name in METRICS}
    print("| recall | PPM | T | ended |", " | ".join(f"{name} ({means[name]:.2f})" for name in METRICS), "|")
    print("|---" * (4 + len(METRICS)) + "|")
    for recall, share, temperature in itertools.product((0.0, 1.0), shares, temperatures):
        settings = replace(
            checkpoint.config.samples, temperature=(temperature,), count=MELODIES, recall=recall, ppm=share
        )
        begun = time.perf_counter()
        drawn = melodies(checkpoint, settings, material.partner(settings))
        seconds = time.perf_counter() - begun
        pieces = tuple(melody.piece for melody in drawn)
        [judged] = judge([Generated(f"T{temperature:g}", pieces, temperature=temperature)], real).sets
        ended = sum(melody.ended_by == "eos" for melody in drawn)
        print(
            f"| {recall:g} | {share:g} | {temperature:g} | {ended}/{MELODIES} | {row(judged)} | <!-- {seconds:.1f} s -->"
        )
        sys.stdout.flush()


def row(judged: Judged) -> str:
    cells = []
    for name in METRICS:
        stand = judged.stands[name]
        value, low, high = stand.auc
        cells.append(f"{value:.2f} [{low:.2f}, {high:.2f}] {stand.mean.mean:.2f}")
    return " | ".join(cells)


if __name__ == "__main__":
    sys.exit(main())
