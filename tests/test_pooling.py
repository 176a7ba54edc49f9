"""Pooling: a model and PPM draw a melody together, and what comes of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_generation import TUNES, samples, written
from test_resume import trained
from test_sampling import EOS, Free, Walk
from tunes import checkpoint, quickly, random_ids, scale

from musicexp.api import generate_settings
from musicexp.baselines import PPM, PPMSettings
from musicexp.baselines import ppm_context as growing
from musicexp.baselines.ppm_escape import distribution, floor, passed_down
from musicexp.config import Samples, compose, recorded
from musicexp.data import sequence
from musicexp.errors import MusicError
from musicexp.generation import Checkpoint, Melody, melodies, ppm_again, read_prime
from musicexp.generation.hearing import sample_entries
from musicexp.generation.scored import scored_melodies
from musicexp.model import chosen, pooled, probabilities, sample
from musicexp.music import write_midi
from musicexp.tokens import BOS, tokenizer
from musicexp.tracking import MemoryRun
from musicexp.training import scoring
from musicexp.training.material import prepare

SHARES = st.floats(0.05, 1)
Floats = NDArray[np.float64]


def distributions(seed: int, rows: int = 3, size: int = 7) -> tuple[Floats, Floats]:
    """Of a model, and of a partner that never says 0 or 1."""
    random = np.random.default_rng(seed)
    own, other = random.dirichlet(np.ones(size), rows), random.dirichlet(np.ones(size), rows)
    other[:, :2] = 0
    return own, other / other.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------------------------------------------
# The pool


@quickly
@given(st.integers(0, 1000), SHARES)
def test_a_pool_is_the_geometric_mean_made_a_distribution(seed: int, share: float) -> None:
    own, other = distributions(seed)
    found = np.exp(pooled(np.log(own), other, share))
    wanted = own ** (1 - share) * other**share
    assert found == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True), rel=1e-12)
    assert (found[:, :2] == 0).all()


def test_a_golden_pool() -> None:
    found = np.exp(pooled(np.log([[0.5, 0.5]]), np.array([[0.9, 0.1]]), 0.5))
    assert found == pytest.approx(
        np.array([[0.75, 0.25]]), rel=1e-14
    )  # the square roots of .45 and .05 are as 3 to 1


def test_the_whole_share_is_the_partner_s_whatever_the_model_says() -> None:
    never = np.array([[0.0, -np.inf, 0.0]])
    assert np.exp(pooled(never, np.array([[0.0, 0.25, 0.75]]), 1.0)) == pytest.approx(
        np.array([[0.0, 0.25, 0.75]]), rel=1e-14
    )


def test_a_row_does_not_depend_on_the_others() -> None:
    own, other = distributions(3, rows=5, size=441)
    whole = pooled(np.log(own), other, 0.3)
    for row in range(5):
        assert np.array_equal(pooled(np.log(own[row : row + 1]), other[row : row + 1], 0.3)[0], whole[row])


@quickly
@given(st.integers(0, 1000), SHARES, st.floats(0.3, 3))
def test_temperature_and_masks_may_come_before_or_behind(seed: int, share: float, temperature: float) -> None:
    own, other = distributions(seed)
    allowed, hot = np.ones(own.shape, dtype=bool), np.full(len(own), temperature)
    allowed[:, [0, 1, 4]] = False
    behind = probabilities(pooled(np.log(own), other, share), allowed, hot)
    with np.errstate(divide="ignore"):
        before = probabilities(np.log(own), allowed, hot), probabilities(np.log(other), allowed, hot)
        assert behind == pytest.approx(np.exp(pooled(np.log(before[0]), before[1], share)), abs=1e-12)


# ---------------------------------------------------------------------------------------------------
# Sampling


class Leaning:
    """A partner who would say one token again and again, and never what lies outside of some."""

    def __init__(self, size: int, *likely: int) -> None:
        self.chances = np.full(size, 0.01)
        self.chances[:2] = 0
        self.chances[list(likely)] = 1
        self.chances /= self.chances.sum()
        self.heard: list[int] = []

    def advance(self, token: int) -> None:
        self.heard.append(token)

    def probabilities(self) -> Floats:
        return self.chances


def walked(
    share: float, partners: list[Leaning], rules: list[Free] | None = None, temperature: float = 1.0
) -> list[list[int]]:
    rows = len(partners)
    found = sample(
        *(Walk(9, rows, eos=-30.0), rules or [Free(9) for _ in range(rows)]),
        [np.random.default_rng(seed) for seed in range(rows)],
        [temperature] * rows,
        np.full(rows, BOS),
        eos=EOS,
        max_notes=40,
        max_tokens=40,
        share=share,
        partners=partners,
    )
    return [one.ids.tolist() for one in found]


def test_the_whole_share_draws_from_the_partner_alone() -> None:
    partner = Leaning(9, 3, 5)
    random, wanted = np.random.default_rng(0), []
    for _ in range(40):
        wanted.append(int(chosen(partner.chances[None], np.array([random.random()]))[0]))
    ids = wanted[: wanted.index(EOS)] if EOS in wanted else wanted
    assert walked(1.0, [partner]) == [ids]
    assert partner.heard == ids


def test_no_share_asks_nobody() -> None:
    partners = [Leaning(9, 3) for _ in range(2)]
    assert walked(0.0, partners) == walked(0.0, [Leaning(9, 7) for _ in range(2)])
    assert not partners[0].heard


def test_a_larger_share_is_heard_more() -> None:
    often = [walked(share, [Leaning(9, 3)])[0].count(3) for share in (0.0, 0.3, 0.9)]
    assert often[0] < often[1] < often[2]


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_what_is_forbidden_is_never_drawn(share: float) -> None:
    rules = [Free(9) for _ in range(3)]
    for rule in rules:
        rule.mask[[2, 3, 5]] = False
    found = walked(share, [Leaning(9, 3, 5) for _ in range(3)], rules, temperature=0.2)
    assert all(len(ids) == 40 and not {2, 3, 5} & set(ids) for ids in found)


# ---------------------------------------------------------------------------------------------------
# Melodies


def learned(found: Checkpoint) -> PPM:
    """PPM that has counted the tunes."""
    spelling, vocabulary = found.tokenizer, found.vocabulary
    pieces = [sequence(vocabulary.encode(spelling.tokens(piece))) for piece in TUNES]
    return PPM(len(vocabulary)).fit(pieces)


@pytest.mark.parametrize("kind", ["notes", "abc"])
def test_a_melody_does_not_depend_on_how_many_there_are(kind: str) -> None:
    found = checkpoint(kind, pieces=TUNES)
    ppm = learned(found)

    def drawn(**more: object) -> list[tuple[str, bytes, str]]:
        return written(melodies(found, samples(**{"ppm": 0.5, "recall": 1.0} | more), ppm))

    four = drawn()
    assert drawn() == four
    assert drawn(count=19)[:4] == four
    assert drawn(count=1) == four[:1]
    assert drawn(ppm=0.0) != four
    assert drawn(ppm=0.0) == written(melodies(found, samples(recall=1.0)))


def test_ppm_alone_reads_the_prime_and_draws_what_the_grammar_allows(tmp_path: Path) -> None:
    """Against a loop that asks a PPM of its own, token after token."""
    write_midi(scale(60, 62, duration=24), tmp_path / "p.mid")
    tunes = (*TUNES, scale(60, 62, 64, 60, 62, 65, duration=24))
    found = checkpoint(pieces=tunes)
    spelling, vocabulary = tokenizer("notes"), found.vocabulary
    ppm = PPM(len(vocabulary)).fit([sequence(vocabulary.encode(spelling.tokens(tune))) for tune in tunes])
    settings = samples(prime=str(tmp_path / "p.mid"), count=6, temperature=(0.9,), ppm=1.0)
    prime, _ = read_prime(str(tmp_path / "p.mid"), 4, spelling, vocabulary, "error")
    for melody in melodies(found, settings, ppm):
        context, rules, ids = ppm.context(), spelling.grammar(vocabulary), list(prime)
        context.advance(BOS)
        for token in prime.tolist():
            context.advance(token)
            rules.advance(token)
        random, before = np.random.default_rng((0, 0, melody.draw)), rules.notes
        while rules.notes - before < 12:
            with np.errstate(divide="ignore"):
                weights = probabilities(
                    np.log(context.probabilities()[None]), rules.allowed()[None], np.array([0.9])
                )
            token = int(chosen(weights, np.array([random.random()]))[0])
            if token == EOS:
                break
            ids.append(token)
            context.advance(token)
            rules.advance(token)
        assert melody.piece.fingerprint() == spelling.piece(vocabulary.decode(ids)).fingerprint()


def test_melodies_say_ppm_s_share_and_only_where_it_has_one() -> None:
    found = checkpoint(pieces=TUNES)
    with_it, without = (melodies(found, samples(count=1, ppm=w), learned(found))[0] for w in (0.25, 0.0))
    assert with_it.as_dict()["ppm"] == 0.25
    assert "ppm" not in without.as_dict()
    [told], [untold] = sample_entries([with_it]), sample_entries([without])
    assert set(told.facts) - set(untold.facts) >= {("PPM's share", "0.25")}
    assert (with_it.drawn, without.drawn) == ("temperature 1 with PPM's share 0.25", "temperature 1")


# ---------------------------------------------------------------------------------------------------
# A run


def test_a_run_draws_with_ppm_and_its_checkpoint_draws_the_same(
    small: Callable[..., list[str]], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temperature sweep draws as the run does, too."""
    asked: list[float] = []

    def swept(_: Checkpoint, settings: Samples, *more: object) -> dict[float, list[Melody]]:
        assert isinstance(more[-1], PPM)
        asked.append(settings.ppm)
        return {}

    monkeypatch.setattr(scoring, "FEWEST_REAL", 1)
    monkeypatch.setattr(scoring, "heat", lambda *_: None)
    monkeypatch.setattr(scoring, "melodies_at", swept)
    config = compose(small("samples.scored=3", "samples.ppm=0.3"))
    run = trained(config, MemoryRun(), cache)
    found = Checkpoint.from_bytes(run.read("checkpoint.ckpt"), "here")
    settings = found.config.samples
    ppm = ppm_again(found, settings, cache)
    again = scored_melodies(found, settings, ppm)[:4]
    assert [run.read(f"sample_{k}.mid") for k in range(1, 5)] == [m.midi() for m in again]
    alone = dataclasses.replace(settings, ppm=0.0)
    assert ppm_again(found, alone, cache) is None
    assert [m.midi() for m in again] != [m.midi() for m in melodies(found, alone)]
    assert {told["ppm"] for told in json.loads(run.read("summary.json"))["samples"].values()} == {0.3}
    assert asked == [0.3]


def test_ppm_counts_the_training_pieces_once(small: Callable[..., list[str]], cache: Path) -> None:
    material = prepare(compose(small()), cache)
    settings = compose(["samples.ppm=0.1"]).samples
    assert material.partner(compose([]).samples) is None
    ppm = material.partner(settings)
    assert ppm is material.partner(settings)
    assert ppm is not None
    pieces = list(material.ids["train"])
    assert ppm.settings == PPMSettings()
    assert (
        ppm.nll_nats(pieces).tolist() == PPM(len(material.vocabulary)).fit(pieces).nll_nats(pieces).tolist()
    )


def test_music_that_is_gone_or_another_is_one_sentence(
    small: Callable[..., list[str]], tunes: Path, tmp_path: Path
) -> None:
    folder, cache = tmp_path / "music", tmp_path / "cache"
    shutil.copytree(tunes, folder)
    run = trained(
        compose(small("iterations=2", f"dataset.path={folder}", "samples.count=0")), MemoryRun(), cache
    )
    found = Checkpoint.from_bytes(run.read("checkpoint.ckpt"), "here")
    settings = dataclasses.replace(found.config.samples, ppm=0.25)
    assert ppm_again(found, settings, cache) is not None
    next(folder.glob("*.mid")).unlink()
    changed = r"^ppm=0\.25 counts the music that the run learned from, and .*music has changed since \(fingerprint \w+, then \w+\); put it back, or write ppm=0$"
    with pytest.raises(MusicError, match=changed):
        ppm_again(found, settings, cache)
    shutil.rmtree(folder)
    gone = r"^ppm=0\.25 counts the music that the run learned from, which cannot be read again \(.*music.*\); put it back, or write ppm=0$"
    with pytest.raises(MusicError, match=gone) as caught:
        ppm_again(found, settings, cache)
    assert "\n" not in str(caught.value)
    assert ppm_again(found, dataclasses.replace(settings, ppm=0.0), cache) is None


# ---------------------------------------------------------------------------------------------------
# Settings


def test_runs_of_before_and_runs_without_keep_their_signature() -> None:
    old = compose([]).as_dict()
    del old["samples"]["ppm"]
    assert recorded(old).samples.ppm == compose([]).samples.ppm == 0
    assert recorded(old).signature() == compose([]).signature()
    assert compose(["samples.ppm=0.2"]).signature() != compose([]).signature()
    assert "ppm" in generate_settings()


# ---------------------------------------------------------------------------------------------------
# The growing context


@quickly
@given(st.integers(0, 10**6), st.sampled_from([None, 2]))
def test_what_followed_gives_what_whole_rows_of_counts_give(seed: int, order: int | None) -> None:
    """The arithmetic on what followed alone, against `ppm_escape`'s on all symbols."""
    size = 9
    model = PPM(size, PPMSettings(order=order)).fit(random_ids(seed, 4, size))
    times = np.ones(size)
    times[:2] = 0
    for memory in model.context()._memories:
        context = growing.Context([memory], times, 2.0)
        for token in random_ids(seed + 1, 1, size)[0].tolist():
            context.advance(token)
            rows = []
            for symbols, counts in memory.followers():
                rows.append(np.zeros((1, size)))
                rows[-1][0, symbols] = counts
            below = floor(rows[0], times)
            for now, longer in itertools.pairwise(rows):
                below = passed_down(now, longer, below)
            wanted = distribution(rows[-1], below, times)[0] * times
            assert context.probabilities() == pytest.approx(wanted, rel=1e-12)
            assert math.fsum(context.probabilities()) == pytest.approx(1, abs=1e-12)
