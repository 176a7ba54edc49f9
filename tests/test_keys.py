"""Keys: ours is music21's own analysis, to the last bit where lengths are halves of halves."""

from __future__ import annotations

import json
import time
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from conftest import SHARED
from tunes import scale, shifted

from musicexp.music import Note, Piece, read_file
from musicexp.music.collections import collection, corpus_dir
from musicexp.music.keys import AARDEN_ESSEN, MAJOR, MINOR, analysed_key, key_correlations, tonic_shift
from musicexp.music.scores import score_piece


def by_music21(piece: Piece) -> tuple[str, float]:
    """Its key, and how well it correlates, by the very notes of the piece."""
    from music21 import note, stream

    played: Any = stream.Stream()
    for ticks, pitch in zip(piece.exact[1].tolist(), piece.pitch.tolist(), strict=True):
        length = Fraction(ticks, piece.ticks_per_quarter)
        played.append(note.Note(pitch, quarterLength=length))
    found = played.analyze("key")
    return f"{found.tonic.name} {found.mode}", found.correlationCoefficient


def assert_equal(piece: Piece) -> None:
    name, correlation = by_music21(piece)
    assert analysed_key(piece) == name, piece.name
    assert key_correlations(piece).max() == pytest.approx(correlation, abs=1e-12), piece.name


def tunes(name: str, count: int, seed: int = 0) -> list[Piece]:
    """Some pieces of a collection."""
    files = Random(seed).sample(collection(name).paths(), count)
    return [piece for file in files for piece in read_file(file).pieces]


def test_the_weights_are_music21_s() -> None:
    from music21.analysis import discrete

    untyped: Any = discrete
    analysis = untyped.AardenEssen()
    assert {mode: tuple(analysis.getWeights(mode)) for mode in AARDEN_ESSEN} == AARDEN_ESSEN


@pytest.mark.slow
def test_it_is_music21_s_analysis_on_real_tunes() -> None:
    for piece in [*tunes("ryansMammoth", 20), *tunes("chorales", 5)]:
        assert_equal(piece)


@pytest.mark.slow
def test_it_is_music21_s_analysis_on_many_real_tunes() -> None:
    for piece in [*tunes("ryansMammoth", 600, 1), *tunes("chorales", 100, 1), *tunes("kinder", 1)]:
        assert_equal(piece)


@pytest.mark.slow
def test_it_is_nearly_music21_s_analysis_of_the_scores_themselves() -> None:
    """A note that two parts share counts once in a Piece, and twice in music21's score: one key in 100 differs."""
    from music21 import converter

    differ = []
    for file in collection("chorales").paths()[::8]:
        found = converter.parse(file, forceSource=True, storePickle=False).analyze("key")
        piece = score_piece(file, file.name)
        if analysed_key(piece) != f"{found.tonic.name} {found.mode}":
            differ.append(piece)
    assert len(differ) <= 2
    assert all(piece.doubled for piece in differ)


def test_it_is_music21_s_analysis_on_any_notes_and_on_ties() -> None:
    """A few pitch classes of equal lengths correlate with several keys alike."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        pitches = random.permutation(12)[: random.integers(1, 13)] + 60
        name, correlation = by_music21(scale(*pitches.tolist()))
        assert analysed_key(scale(*pitches.tolist())) == name
        assert key_correlations(scale(*pitches.tolist())).max() == correlation


def test_what_has_no_key() -> None:
    assert analysed_key(Piece.of([])) == ""
    assert analysed_key(scale(*range(60, 72))) == by_music21(scale(*range(60, 72)))[0] == "B minor"


def test_reference_values_of_music21() -> None:
    """Of three MIDI files, two melodies and a chorale."""
    file = SHARED / "reference" / "muspy_music21_prettymidi.json"
    if not file.exists():
        pytest.skip("no reference values beside the project")
    for name, told in json.loads(file.read_text())["pieces"].items():
        expected = told["music21_key"]["aarden_essen"]
        tonic, mode = expected["key"].split()
        [piece] = read_file(SHARED / "reference" / "midi" / f"{name}.mid").pieces
        assert len(piece) == told["n_notes"]
        assert analysed_key(piece) == f"{tonic[0].upper()}{tonic[1:]} {mode}", name
        assert key_correlations(piece).max() == pytest.approx(expected["correlation"], abs=1e-12), name


def test_it_moves_with_the_piece() -> None:
    piece = scale(60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60)
    assert [analysed_key(shifted(piece, semitones=n)) for n in range(12)] == [
        f"{name} major" for name in MAJOR
    ]
    minor = scale(60, 62, 63, 65, 67, 68, 67, 71, 72, 67, 63, 60)
    assert [analysed_key(shifted(minor, semitones=n)) for n in range(12)] == [
        f"{name} minor" for name in MINOR
    ]


def test_a_shift_brings_major_to_c_and_minor_to_a() -> None:
    triads = {"major": [0, 4, 7], "minor": [0, 3, 7]}
    for mode, names, target in (("major", MAJOR, 0), ("minor", MINOR, 9)):
        shifts = [tonic_shift(f"{name} {mode}") for name in names]
        assert all((tonic + shift) % 12 == target for tonic, shift in enumerate(shifts))
        assert set(shifts) == set(range(-6, 6))
        for tonic, name in enumerate(names):
            chord = Piece.of(
                [Note(0, 24, 60 + tonic + step + tonic_shift(f"{name} {mode}")) for step in triads[mode]]
            )
            assert not {1, 3, 6, 8, 10} & set((chord.pitch % 12).tolist())


@pytest.mark.parametrize(
    ("key", "semitones"),
    [("C major", 0), ("A minor", 0), ("B- major", 2), ("F# minor", 3), ("F# major", -6), ("C- major", 1), ("D dorian", 0), ("E dorian", -2), ("A mixolydian", -2), ("", 0)],
)  # fmt: skip
def test_shifts(key: str, semitones: int) -> None:
    assert tonic_shift(key) == semitones


@pytest.mark.parametrize("key", ["A", "H minor", "A moll", "Bb major", "minor"])
def test_what_is_no_key_is_an_error(key: str) -> None:
    with pytest.raises(ValueError, match="is no key; one is written as 'A minor'"):
        tonic_shift(key)


def test_it_is_quick() -> None:
    piece = score_piece(corpus_dir() / "bach" / "bwv66.6.mxl", "")
    analysed_key(piece)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(20):
            analysed_key(piece)
        times.append((time.perf_counter() - began) / 20)
    assert min(times) < 300e-6  # about 30 us here


def test_correlations_are_correlations() -> None:
    found = key_correlations(scale(60, 62, 64, 65, 67))
    assert found.shape == (24,)
    assert (np.abs(found) <= 1).all()
    assert all(a != b for a, b in pairwise(found.tolist()))
