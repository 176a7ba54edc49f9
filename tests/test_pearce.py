"""PPM against a table that everybody can check: bits per pitch of Pearce (2005), on what music21 carries."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from musicexp.baselines import PITCHES_ALONE, PPM, Long, MelodyLine, MultipleViewpoints, PPMSettings
from musicexp.errors import MusicError
from musicexp.music import Note, Piece, pearce, read_file
from musicexp.music.collections import collection, corpus_dir

CELLS = {
    "C2I": (
        PPMSettings("LTM", short=False, order=2, framed=False),
        {2: 2.563, 7: 2.613},
        {2: 2.553001, 7: 2.607134},
    ),
    "LTM": (PPMSettings("LTM", short=False, framed=False), {2: 2.444, 7: 2.428}, {2: 2.432086, 7: 2.420753}),
    "LTM+": (
        PPMSettings("LTM+", short=False, framed=False),
        {2: 2.375, 7: 2.237},
        {2: 2.348031, 7: 2.210425},
    ),
    "LTM+ and STM": (PPMSettings("LTM+", framed=False), {2: 2.347, 7: 2.106}, {2: 2.317278, 7: 2.061813}),
}
"""PPMSettings, Pearce's figures by data set, and ours."""

QUICK = ("LTM", 7)
"""The one that is always looked at; to read the chorales takes longer than to count them."""


@cache
def melodies(number: int) -> list[np.ndarray]:
    """With pitches as symbols from 0."""
    found = pearce.melodies(number)
    alphabet = np.unique(np.concatenate(found))
    return [np.searchsorted(alphabet, melody) for melody in found]


def bits_per_pitch(number: int, settings: PPMSettings) -> list[float]:
    """Of each fold."""
    every = melodies(number)
    size = pearce.DATA_SETS[number].pitches
    bits = []
    for held_out in pearce.folds(len(every)):
        train = [every[i] for i in sorted(set(range(len(every))) - set(held_out.tolist()))]
        nats = PPM(size, settings).fit(train).token_nats([every[i] for i in held_out])
        bits.append(float(np.concatenate(nats).mean() / np.log(2)))
    return bits


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param(cell, number, marks=[] if (cell, number) == QUICK else pytest.mark.slow)
        for cell in CELLS
        for number in pearce.DATA_SETS
    ],
)
def test_published_cells(cell: str, number: int) -> None:
    """The mean of ten folds is within .05 bits of the published cell; ours stays as it is."""
    settings, published, ours = CELLS[cell]
    bits = bits_per_pitch(number, settings)
    assert np.mean(bits) == pytest.approx(published[number], abs=0.05)
    assert np.mean(bits) == pytest.approx(ours[number], abs=1e-6)
    assert np.std(bits, ddof=1) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("number", pearce.DATA_SETS)
def test_the_data_sets_are_his(number: int) -> None:
    found, known = pearce.melodies(number), pearce.DATA_SETS[number]
    assert (len(found), sum(map(len, found))) == (known.melodies, known.events)
    assert len(np.unique(np.concatenate(found))) == known.pitches


def test_grace_notes_stand_before_what_they_adorn() -> None:
    """BWV 315: one, which takes a step from the note behind it; all other notes are those of the sopranos."""
    path = corpus_dir() / "bach" / "bwv315.mxl"
    graced = collection("pearce_chorales").kept(read_file(path, reader="graces").pieces[0])
    plain = collection("sopranos").kept(read_file(path).pieces[0])
    assert graced is not None
    assert plain is not None
    assert (graced.grace_notes, plain.grace_notes, len(graced)) == (0, 1, len(plain) + 1)
    with_it, without = graced.notes(), plain.notes()
    at = next(i for i, (one, other) in enumerate(zip(with_it, without, strict=False)) if one != other)
    grace, adorned = with_it[at : at + 2]
    assert (grace.onset, grace.duration, adorned.onset) == (without[at].onset, 1, without[at].onset + 1)
    assert adorned._replace(onset=grace.onset, duration=adorned.duration + 1) == without[at]
    assert with_it[:at] + with_it[at + 2 :] == without[:at] + without[at + 1 :]


def test_another_music21_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pearce, "_melodies", lambda _: [np.array([60, 62])])
    with pytest.raises(
        MusicError, match="213 melodies, 8,393 events and 27 pitches; the installed music21 gives 1, 2 and 2"
    ):
        pearce.melodies(7)


def test_folds_hold_out_each_melody_once() -> None:
    found = pearce.folds(213)
    assert len(found) == 10
    assert sorted(np.concatenate(found).tolist()) == list(range(213))
    assert {len(fold) for fold in found} == {21, 22}
    assert all((a == b).all() for a, b in zip(found, pearce.folds(213), strict=True))


@pytest.mark.slow
def test_multiple_viewpoints_need_fewer_bits_than_any_published_cell() -> None:
    """With pitches alone, on the same folds: the published figure is 2.106."""
    every = [MelodyLine.of(Piece.of(quarters(melody))) for melody in pearce.melodies(7)]
    alphabet = np.unique(np.concatenate([line.pitch for line in every]))
    bits: dict[Long, list[float]] = {"LTM": [], "LTM+": []}
    for held_out in pearce.folds(len(every)):
        train = [every[i] for i in sorted(set(range(len(every))) - set(held_out.tolist()))]
        test = [every[i] for i in held_out]
        model = MultipleViewpoints(PITCHES_ALONE, alphabet).fit(train)
        came = np.searchsorted(alphabet, np.concatenate([line.pitch for line in test]))
        for long, of in bits.items():
            nats = np.concatenate(model.nats(test, long))
            of.append(float(nats[np.arange(len(came)), came].mean() / np.log(2)))
    assert np.mean(bits["LTM"]) == pytest.approx(1.912, abs=0.002)
    assert np.mean(bits["LTM+"]) == pytest.approx(1.851, abs=0.002)


def quarters(pitches: np.ndarray) -> list[Note]:
    return [Note(24 * i, 24, pitch) for i, pitch in enumerate(pitches.tolist())]
