"""Multiple viewpoints: distributions, nothing known too early, alike in every key, and the arithmetic by hand."""

from __future__ import annotations

import math

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicexp.baselines import PITCHES_ALONE, PPM, WITH_RHYTHM, MelodyLine, MultipleViewpoints, PPMSettings
from musicexp.baselines import multiple_viewpoints as module
from musicexp.baselines.melody_line import BEGINS, FIRST, OFF, ON
from musicexp.baselines.multiple_viewpoints import RELATIONS, TOLD, Viewpoint, guessed_keys
from musicexp.music import Note, Piece

ALPHABET = np.arange(55, 80)
EVERY = (*PITCHES_ALONE, *WITH_RHYTHM)
carefully = hypothesis.settings(max_examples=25, deadline=None, derandomize=True, database=None)
seldom = hypothesis.settings(carefully, max_examples=5)


@st.composite
def pieces(draw: st.DrawFn, least: int = 1) -> Piece:
    """A voice that may begin with an upbeat, in a key or none."""
    notes, onset = [], 0
    for _ in range(draw(st.integers(least, 12))):
        duration = draw(st.sampled_from([12, 24, 48]))
        notes.append(Note(onset, duration, draw(st.integers(60, 72))))
        onset += duration + draw(st.sampled_from([0, 0, 24]))
    key = draw(st.sampled_from(["", "C major", "A minor", "F major"]))
    metre = draw(st.sampled_from([(4, 4), (3, 4), (6, 8)]))
    return Piece.of(notes, metre=metre, upbeat=draw(st.sampled_from([0, 24])), key=key)


lines = pieces().map(MelodyLine.of)


def tune(*pitches: int, key: str = "C major") -> MelodyLine:
    return MelodyLine.of(Piece.of([Note(24 * i, 24, pitch) for i, pitch in enumerate(pitches)], key=key))


def related(name: str, line: MelodyLine, pitch: int) -> list[int]:
    found: list[int] = RELATIONS[name](line, np.array([pitch]))[:, 0].tolist()
    return found


# ---------------------------------------------------------------------------------------------------
# What a line is, and what pitches are in it


def test_a_line_knows_beats_and_cuts_what_overlaps() -> None:
    notes = [Note(0, 24, 60), Note(24, 36, 62), Note(48, 12, 64), Note(60, 60, 65), Note(120, 24, 67)]
    line = MelodyLine.of(Piece.of(notes, metre=(4, 4), upbeat=24, key="E- major"))
    assert line.pitch.tolist() == [60, 62, 64, 65, 67]
    assert line.duration.tolist() == [24, 24, 12, 60, 24]
    assert line.position.tolist() == [72, 0, 24, 36, 0]
    assert line.beat.tolist() == [ON, FIRST, ON, OFF, FIRST]
    assert (line.tonic, line.minor) == (3, False)
    assert line.phrase.tolist() == [BEGINS, 0, 0, 0, 0]


def test_of_several_voices_the_highest_notes_stay() -> None:
    line = MelodyLine.of(Piece.of([Note(0, 48, 60), Note(0, 24, 67), Note(24, 24, 65)]))
    assert line.pitch.tolist() == [67, 65]
    assert line.tonic is None


def test_relations_by_hand() -> None:
    line = tune(60, 64, 62, 60)
    assert np.ptp(related("pitch", line, 62)) == 0
    ups = related("interval", line, 62)
    assert ups[1] - ups[2] == (62 - 60) - (62 - 64)
    assert ups[0] != ups[1], "a first note has no interval"
    assert related("wider interval", line, 62)[2] == ups[1], "two semitones above the one before the last"
    assert len(set(related("from first", line, 62)[1:])) == 1
    assert related("heard", line, 60) == [0, 1, 1, 1]
    assert related("heard", line, 62) == [0, 0, 0, 1]
    tonic = related("from tonic", line, 62)
    assert tonic == related("from tonic", tune(61, 65, 63, 61, key="C# major"), 63)
    assert tonic != related("from tonic", tune(60, 64, 62, 60, key="C minor"), 62)


def test_a_key_is_guessed_from_what_came_before() -> None:
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60])
    assert guessed_keys(scale)[-1] == 0
    assert guessed_keys(scale + 5)[-1] == 5
    assert guessed_keys(np.array([57, 59, 60, 62, 64, 68, 69, 64, 60, 57]))[-1] == 9 + 12


@carefully
@given(line=lines, semitones=st.integers(-5, 5))
@pytest.mark.parametrize("name", sorted(set(RELATIONS) - {"pitch", "from guessed tonic"}))
def test_relations_are_alike_in_every_key(name: str, line: MelodyLine, semitones: int) -> None:
    """But for a first note, which has nothing before it."""
    moved = MelodyLine(
        line.pitch + semitones,
        line.duration,
        line.position,
        line.beat,
        line.phrase,
        line.begin,
        None if line.tonic is None else line.tonic + semitones,
        line.minor,
    )
    if name == "from tonic" and line.tonic is None:
        return
    here, there = RELATIONS[name](line, ALPHABET), RELATIONS[name](moved, ALPHABET + semitones)
    kinds = [np.unique(both, return_inverse=True)[1] for both in (here[1:], there[1:])]
    assert (kinds[0] == kinds[1]).all()


@carefully
@given(line=lines, other=lines)
def test_nothing_is_known_of_a_pitch_before_it_comes(line: MelodyLine, other: MelodyLine) -> None:
    """Of the last note another pitch: no code at it, or before it, is another."""
    pitch = line.pitch.copy()
    pitch[-1] = other.pitch[0]
    changed = MelodyLine(
        pitch,
        line.duration,
        line.position,
        line.beat,
        line.phrase,
        line.begin,
        line.tonic,
        line.minor,
    )
    for view in EVERY:
        if len(line) > 1:
            assert (view.codes(line, ALPHABET) == view.codes(changed, ALPHABET)).all(), view.name


# ---------------------------------------------------------------------------------------------------
# What they say


@seldom
@given(known=st.lists(lines, min_size=2, max_size=6), asked=st.lists(lines, min_size=1, max_size=3))
@pytest.mark.parametrize("views", [PITCHES_ALONE, WITH_RHYTHM])
def test_it_says_distributions(
    views: tuple[Viewpoint, ...], known: list[MelodyLine], asked: list[MelodyLine]
) -> None:
    model = MultipleViewpoints(views, ALPHABET).fit(known)
    for long in ("LTM", "LTM+"):
        found = model.nats(asked, long)
        assert [nats.shape for nats in found] == [(len(line), len(ALPHABET)) for line in asked]
        for nats in found:
            assert np.exp(-nats).sum(axis=1) == pytest.approx(np.ones(len(nats)), abs=1e-9)


def test_a_melody_tells_ltm_plus_about_the_next_and_ltm_nothing() -> None:
    first, second = tune(60, 62, 64, 65, 67, 65), tune(60, 62, 64, 65, 67, 65)
    model = MultipleViewpoints(PITCHES_ALONE, ALPHABET).fit([tune(72, 70, 68), tune(72, 70, 68, 72)])
    alone = model.nats([second])[0]
    assert model.nats([first, second])[1] == pytest.approx(alone)
    came = np.arange(len(second)), np.searchsorted(ALPHABET, second.pitch)
    plus = model.nats([first, second], "LTM+")[1]
    assert plus[came].sum() < alone[came].sum()


def test_one_viewpoint_of_pitches_is_ppm() -> None:
    """Whose long and short model the pool raises to its powers."""
    known, asked = [tune(60, 62, 64, 62, 60), tune(64, 62, 60, 62, 64)], tune(60, 62, 64, 62)
    model = MultipleViewpoints((Viewpoint(("pitch",)),), ALPHABET).fit(known)
    wanted = np.zeros((len(asked), len(ALPHABET)))
    for number, settings in enumerate(
        (PPMSettings("LTM", short=False, framed=False), PPMSettings(None, short=True, framed=False))
    ):
        ids = [np.searchsorted(ALPHABET, line.pitch) for line in (*known, asked)]
        (nats,) = PPM(len(ALPHABET), settings).fit(ids[:2]).nats(ids[2:])
        entropy = (np.exp(-nats) * nats).sum(axis=1) / math.log(len(ALPHABET))
        weight = np.exp(model.pool.log_weight[number]) * entropy ** -model.pool.sureness[number]
        wanted -= weight[:, None] * nats
    chances = np.exp(wanted)
    (found,) = model.nats([asked])
    assert np.exp(-found) == pytest.approx(chances / chances.sum(axis=1, keepdims=True), rel=1e-9)


def test_pitches_that_are_one_symbol_share_its_chance() -> None:
    """A viewpoint that tells heard from unheard says nothing more."""
    model = MultipleViewpoints((Viewpoint(("heard",)),), np.array([60, 62, 64, 65])).fit(
        [tune(60, 60, 62, 60), tune(60, 62, 62, 62)]
    )
    (nats,) = model.nats([tune(60, 62, 64)])
    assert np.ptp(nats[0]) == pytest.approx(0, abs=1e-12)
    assert nats[2, 0] == pytest.approx(nats[2, 1])
    assert nats[2, 2] == pytest.approx(nats[2, 3])
    assert nats[2, 0] < nats[2, 2]


def test_the_pool_is_fitted_downhill_and_its_slope_is_right() -> None:
    rng = np.random.default_rng(0)
    said = -np.log(rng.dirichlet(np.ones(5), size=(40, 3)).transpose(0, 2, 1))
    came = rng.integers(5, size=40)
    said[np.arange(40), came, 0] = 0.1  # the first model knows
    said[..., 0] += np.log(np.exp(-said[..., 0]).sum(axis=1, keepdims=True))
    found = module._fitted(said, came)
    weights = np.exp(found.log_weight)
    assert weights[0] > 3 * weights[1:].max()

    def cost(pool: module.Pool) -> float:
        away = np.concatenate([pool.log_weight, pool.sureness]) - np.concatenate(
            [np.full(3, -math.log(1.5)), np.full(3, 0.5)]
        )
        return float(pool.nats(said)[np.arange(40), came].mean() + module.RIDGE * away @ away)

    best = cost(found)
    for number in range(3):
        for step in (-0.05, 0.05):
            moved = found.log_weight + step * (np.arange(3) == number)
            surer = found.sureness + step * (np.arange(3) == number)
            assert cost(module.Pool(moved, found.sureness)) > best
            assert cost(module.Pool(found.log_weight, surer)) > best


@pytest.mark.parametrize("count", [0, 1])
def test_who_has_learned_next_to_nothing_still_says_something(count: int) -> None:
    model = MultipleViewpoints(WITH_RHYTHM, ALPHABET).fit([tune(60, 62, 64)] * count)
    (nats,) = model.nats([tune(60, 62)])
    assert np.isfinite(nats).all()
    assert model.nats([]) == []


def test_a_pitch_outside_the_alphabet_is_named() -> None:
    """It was taken for its neighbour, or ended in an index that is out of bounds."""
    model = MultipleViewpoints(PITCHES_ALONE, np.array([60, 62, 64])).fit([tune(60, 62, 64)])
    with pytest.raises(
        ValueError, match=r"the pitch 61 \(MIDI number\) is not in the alphabet; make it of all"
    ):
        model.nats([tune(60, 61)])


def test_names_are_known_and_no_two_viewpoints_are_one() -> None:
    for views in (PITCHES_ALONE, WITH_RHYTHM):
        assert len({view.name for view in views}) == len(views)
    for view in EVERY:
        assert set(view.relations) <= set(RELATIONS)
        assert set(view.told) <= set(TOLD)
    assert not any(view.told or "from tonic" in view.relations for view in PITCHES_ALONE)
