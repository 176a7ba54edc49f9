"""The panel beside its peers: muspy 0.5.0, MusDr b034cf8, amads 1.4.0 and music21 10.5 on three pieces of music21's corpus.

The pieces are read from the corpus, since they are not ours to give on; the figures are the peers' own.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache

import numpy as np
import pytest
from conftest import SHARED

from musicexp.metrics.harmony import harmony
from musicexp.metrics.lines import Line, bars_of, entropy_bits, line_of
from musicexp.metrics.melody import mean_interval
from musicexp.metrics.panel import measured
from musicexp.metrics.rhythm import groove_similarity, npvi, struck_positions
from musicexp.metrics.tonality import best_correlation, scale_consistency
from musicexp.music import Note, Piece, read_file
from musicexp.music.collections import corpus_dir
from musicexp.music.tunes import read_abc, tunes_of

PIECES = ("airdsAirs_book1_0", "bwv269_soprano", "bwv66_6")
MELODIES = PIECES[:2]

MUSPY = {
    "scale_consistency": (1.0, 1.0, 0.9386503067484663),
    "pitch_class_entropy": (2.4614279075211254, 2.2607017896839223, 2.9672431007937536),
}
MUSPY_GROOVE_RES12 = (0.9733072916666666, 0.9761904761904762, 0.9513888888888888)
MUSPY_POLYPHONY = 3.8333333333333335
MUSDR = {
    "pitch_class_entropy_1bar": (1.5468136518667668, 0.875581845495651, 2.537244313504108),
    "pitch_class_entropy_4bars": (2.2289168102805386, 2.064863679641059, 2.871732806128701),
}
MUSDR_GS = (0.9836189516129032, 0.9866071428571429, 0.9730902777777778)
MUSIC21_KRUMHANSL_KESSLER = (0.7391248171120173, 0.816134020538069, 0.8154708925762492)
JSYMBOLIC_M2 = {"bwv269_soprano": 2.0327868852459017}
AMADS_NPVI = (25.149700598802383, 57.59562841530056)
AMADS_INTERVAL_ENTROPY = (0.47375496359382135, 0.43357672375821404)
AMADS_MEAN_ABSOLUTE_INTERVAL = (2.1676646706586826, 2.0327868852459017)
AMADS_BEST_KEY = (0.6958220281454428, 0.7713487460088406)


def said_twice(piece: Piece, begin: int, end: int) -> Piece:
    """The piece with the notes from one step to another repeated, as music21 plays a repeat."""
    length = end - begin
    notes = [n if n.onset < end else n._replace(onset=n.onset + length) for n in piece.notes()]
    again = [n._replace(onset=n.onset + length) for n in piece.notes() if begin <= n.onset < end]
    return Piece.of([*notes, *again], metre=piece.metre)


@cache
def peers_piece(name: str) -> Piece:
    """What the peers were given."""
    if name == "bwv66_6":
        return read_file(corpus_dir() / "bach/bwv66.6.mxl").pieces[0]
    if name == "bwv269_soprano":
        [chorale] = read_file(corpus_dir() / "bach/bwv269.mxl").pieces
        return said_twice(chorale.only(chorale.part == 0), 0, 21 * 24)
    text = (corpus_dir() / "airdsAirs/book1.abc").read_text(encoding="utf-8")
    tune = read_abc(next(tunes_of(text)))
    return said_twice(said_twice(tune, 32 * 24, 64 * 24), 0, 32 * 24)


def test_these_are_the_pieces_that_the_peers_were_given() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the peers' files")
    for name in PIECES:
        [given] = read_file(SHARED / "reference" / "midi" / f"{name}.mid").pieces
        for column in ("onset", "duration", "pitch"):
            assert np.array_equal(getattr(given, column), getattr(peers_piece(name), column)), name


@pytest.mark.parametrize("number", range(3), ids=PIECES)
def test_values_are_the_peers_where_the_definition_is(number: int) -> None:
    values = measured(peers_piece(PIECES[number]))
    for metric, theirs in (MUSPY | MUSDR).items():
        assert values[metric] == pytest.approx(theirs[number], abs=1e-12), metric
    assert values["key_clarity"] == pytest.approx(MUSIC21_KRUMHANSL_KESSLER[number], abs=1e-12)


@pytest.mark.parametrize("number", range(3), ids=PIECES)
def test_groove_at_64_positions_is_musdr_s(number: int) -> None:
    assert groove_similarity(peers_piece(PIECES[number]), 64) == pytest.approx(MUSDR_GS[number], abs=1e-12)


@pytest.mark.parametrize("number", range(3), ids=PIECES)
def test_groove_of_neighbouring_bars_and_an_empty_one_is_muspy_s(number: int) -> None:
    """muspy 0.5.0's `groove_consistency`, at 12 steps a quarter: not ours, but made of the same onsets."""
    piece = peers_piece(PIECES[number])
    bars = bars_of(piece)
    positions = bars.steps // 2
    struck = np.vstack([struck_positions(piece, bars, positions), np.zeros(positions, dtype=bool)])
    alike = (struck[1:] == struck[:-1]).mean()
    assert alike == pytest.approx(MUSPY_GROOVE_RES12[number], abs=1e-12)


def test_voices_are_muspy_s_polyphony() -> None:
    assert harmony(peers_piece("bwv66_6"))["voices"] == pytest.approx(MUSPY_POLYPHONY, abs=1e-12)


def test_a_harmonic_minor_scale_is_muspy_s_too() -> None:
    notes = [Note(24 * i, 24, pitch) for i, pitch in enumerate((57, 59, 60, 62, 64, 65, 68, 69))]
    assert scale_consistency(Piece.of(notes)) == 0.875


@pytest.mark.parametrize("number", range(2), ids=MELODIES)
def test_melodies_are_amads(number: int) -> None:
    line = line_of(peers_piece(MELODIES[number]))
    assert npvi(line) == pytest.approx(AMADS_NPVI[number], abs=1e-12)
    assert mean_interval(line) == pytest.approx(AMADS_MEAN_ABSOLUTE_INTERVAL[number], abs=1e-12)
    assert mean_interval(line) == pytest.approx(
        JSYMBOLIC_M2.get(MELODIES[number], mean_interval(line)), abs=1e-12
    )
    # FANTASTIC's entropy: of intervals without direction, of 23 that there could be.
    sizes = np.bincount(np.abs(np.diff(line.pitch)))
    assert entropy_bits(sizes) / np.log2(23) == pytest.approx(AMADS_INTERVAL_ENTROPY[number], abs=1e-12)
    # amads weights pitch classes by how often they come.
    times = np.bincount(line.pitch % 12, minlength=12).astype(float)
    assert best_correlation(times) == pytest.approx(AMADS_BEST_KEY[number], abs=1e-12)


def test_the_figures_here_are_those_of_the_peers_files() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the peers' files")
    folder = SHARED / "reference"
    muspy = json.loads((folder / "muspy_music21_prettymidi.json").read_text())["pieces"]
    musdr = json.loads((folder / "musdr_H_GS.json").read_text())["pieces"]
    amads = json.loads((folder / "amads.json").read_text())["pieces"]
    for number, name in enumerate(PIECES):
        for metric, values in MUSPY.items():
            assert muspy[name]["muspy"][metric] == values[number]
        assert muspy[name]["muspy"]["groove_consistency_res12"] == MUSPY_GROOVE_RES12[number]
        key = muspy[name]["music21_key"]["krumhansl_kessler"]
        assert key["correlation"] == MUSIC21_KRUMHANSL_KESSLER[number]
        assert (musdr[name]["H1"], musdr[name]["H4"], musdr[name]["GS"]) == (
            *(values[number] for values in MUSDR.values()),
            MUSDR_GS[number],
        )
    for number, name in enumerate(MELODIES):
        assert amads[name]["nPVI_durations"] == AMADS_NPVI[number]
        given = Line(*(np.zeros(0, dtype=np.int32),) * 2, np.array(amads[name]["pitches"], dtype=np.int32))
        assert np.array_equal(given.pitch, line_of(peers_piece(name)).pitch)


def test_a_melody_over_chords_is_read_without_them() -> None:
    melody = peers_piece("bwv269_soprano")
    below = [n._replace(pitch=n.pitch - 16, part=1) for n in melody.notes()]
    both = dataclasses.replace(Piece.of([*melody.notes(), *below]), metre=melody.metre)
    assert np.array_equal(line_of(both).pitch, line_of(melody).pitch)
