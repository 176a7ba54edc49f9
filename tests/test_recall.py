"""Recall: what a sequence said before, how far that is trusted, and what comes of it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_resume import trained
from test_sampling import EOS, Free, Walk
from tunes import quickly

from musicexp.config import compose, recorded
from musicexp.generation import Checkpoint, melodies
from musicexp.metrics.recalling import Followed, fit_recall, recalling_nats
from musicexp.model import LONGEST, USUAL, Memory, Trust, sample
from musicexp.model.recall import mixed
from musicexp.tokens import BOS
from musicexp.tracking import MemoryRun

TEXTS = st.lists(st.integers(3, 6), max_size=60)


def remembered(ids: list[int]) -> Memory:
    memory = Memory()
    for token in ids:
        memory.take(token)
    return memory


def by_hand(ids: list[int]) -> tuple[int, dict[int, float]]:
    """The longest run of last tokens that stands before, and what follows it there, by looking everywhere."""
    for length in range(min(LONGEST, len(ids)), 0, -1):
        last = ids[-length:]
        after = [ids[k + length] for k in range(len(ids) - length) if ids[k : k + length] == last]
        if after:
            return length, {token: after.count(token) / len(after) for token in after}
    return 0, {}


# ---------------------------------------------------------------------------------------------------
# Memory


def test_what_followed_the_longest_run_is_recalled() -> None:
    found = remembered([3, 4, 5, 9, 4, 5, 3, 7, 4, 5]).recalled()
    assert found is not None
    assert (found.matched, found.ids.tolist(), found.shares.tolist()) == (2, [9, 3], [0.5, 0.5])
    assert remembered([3, 4, 5]).recalled() is None
    assert remembered([]).recalled() is None


@quickly
@given(TEXTS)
def test_a_memory_finds_what_looking_everywhere_finds(ids: list[int]) -> None:
    memory, (length, shares) = remembered(ids), by_hand(ids)
    found = memory.recalled()
    assert (found.matched if found else 0) == length
    assert (dict(zip(found.ids.tolist(), found.shares.tolist(), strict=True)) if found else {}) == shares
    for token in range(3, 8):
        assert memory.chance(token) == (length, shares.get(token, 0.0))


@quickly
@given(st.lists(st.integers(3, 6), min_size=1, max_size=40), st.lists(st.booleans(), min_size=4, max_size=4))
def test_a_mixture_is_a_distribution_over_what_may_come(ids: list[int], may: list[bool]) -> None:
    allowed = np.array([False, False, True, *may])
    own = np.where(allowed, 1.0, 0.0) / allowed.sum()
    recalled = remembered([*ids, *ids]).recalled()
    assert recalled is not None
    found = mixed(own, recalled, USUAL, allowed)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert (found[~allowed] == 0).all()
    assert (found >= 0).all()


# ---------------------------------------------------------------------------------------------------
# Fitting


def repeating(share: float, pieces: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Sequences that go on as they went on before with this probability, and by a uniform draw of 20 tokens else."""
    found = []
    for _ in range(pieces):
        memory, ids = Memory(), [BOS]
        for _ in range(100):
            recalled = memory.recalled()
            if recalled is not None and random.random() < share:
                token = int(random.choice(recalled.ids, p=recalled.shares))
            else:
                token = int(random.integers(3, 23))
            memory.take(token)
            ids.append(token)
        found.append(np.array(ids))
    return found


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_fitting_finds_how_often_sequences_repeat_themselves(share: float) -> None:
    followed = Followed.of(repeating(share, 25, np.random.default_rng(3)))
    nats = np.full(len(followed.matched), math.log(20))
    trust = fit_recall(nats, followed)
    assert len(trust) == LONGEST
    for length in range(1, 4):
        assert trust[length - 1] == pytest.approx(share, abs=0.07), length
    alone, recalling = nats.sum(), recalling_nats(nats, followed, trust).sum()
    assert recalling < alone


def test_what_never_repeats_is_not_trusted_and_what_was_not_seen_keeps_the_usual_weight() -> None:
    pieces = [np.array([BOS, *np.random.default_rng(k).integers(3, 23, 200)]) for k in range(20)]
    followed = Followed.of(pieces)
    trust = fit_recall(np.full(len(followed.matched), math.log(20)), followed)
    assert max(trust[:2]) < 0.05
    assert trust[-1] == pytest.approx(USUAL[-1])
    assert fit_recall(np.zeros(0), Followed.of([])) == pytest.approx(USUAL)


@quickly
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=4))
def test_the_code_length_is_that_of_the_distributions_drawn_from(texts: list[list[int]]) -> None:
    size, random = 8, np.random.default_rng(len(texts))
    pieces = [np.array([BOS, *text, EOS]) for text in texts]
    own = [random.dirichlet(np.ones(size), len(piece) - 1) for piece in pieces]
    wanted, nats = [], []
    for piece, chances in zip(pieces, own, strict=True):
        memory, total = Memory(), 0.0
        for token, chance in zip(piece[1:].tolist(), chances, strict=True):
            recalled = memory.recalled()
            total -= math.log((mixed(chance, recalled, USUAL) if recalled else chance)[token])
            memory.take(token)
        wanted.append(total)
        nats.append(-np.log(chances[np.arange(len(chances)), piece[1:]]))
    found = recalling_nats(np.concatenate(nats), Followed.of(pieces), USUAL)
    assert found == pytest.approx(wanted, rel=1e-9)


def test_no_piece_has_no_code_length() -> None:
    assert recalling_nats(np.zeros(0), Followed.of([]), USUAL).shape == (0,)


# ---------------------------------------------------------------------------------------------------
# Sampling


def walked(
    trust: Trust | None, before: list[int], temperature: float = 1.0, rows: int = 3
) -> list[list[int]]:
    found = sample(
        *(Walk(9, rows, eos=-30.0), [Free(9) for _ in range(rows)]),
        [np.random.default_rng(seed) for seed in range(rows)],
        [temperature] * rows,
        np.full(rows, BOS),
        eos=EOS,
        max_notes=20,
        max_tokens=20,
        recall=trust,
        memories=[remembered(before) for _ in range(rows)],
    )
    return [one.ids.tolist() for one in found]


def test_full_trust_repeats_at_every_temperature_and_no_trust_changes_nothing() -> None:
    for temperature in (0.5, 1.0, 5.0):
        assert walked((1.0,) * LONGEST, [3, 4, 5, 3, 4, 5], temperature) == [([3, 4, 5] * 7)[:20]] * 3
    assert walked((0.0,) * LONGEST, [3, 4, 5, 3]) == walked(None, [3, 4, 5, 3])


def test_a_row_that_recalls_does_not_depend_on_the_others() -> None:
    assert walked(USUAL, [3, 4, 5, 3], rows=5)[:2] == walked(USUAL, [3, 4, 5, 3], rows=2)


def repeats(ids: list[int]) -> int:
    return sum(ids[k : k + 3] in [ids[j : j + 3] for j in range(k)] for k in range(len(ids)))


def test_more_trust_is_more_repetition() -> None:
    little, much = (
        sum(map(repeats, walked(tuple(share * w for w in USUAL), [], rows=40))) for share in (0.2, 1.0)
    )
    assert much > 2 * little


# ---------------------------------------------------------------------------------------------------
# A run


def test_a_run_fits_recall_and_melodies_use_it(small: Callable[..., list[str]], cache: Path) -> None:
    run = trained(compose(small("samples.scored=0")), MemoryRun(), cache)
    told = json.loads(run.read("summary.json"))["recall"]
    checkpoint = Checkpoint.from_bytes(run.read("checkpoint.ckpt"), "here")
    assert checkpoint.recall == pytest.approx(told["weights"])
    assert set(told["nll_nats"]) == set(told["bits_per_note"]) == {"val", "test"}
    assert list(run.metrics["recall/nll_nats/val"].values()) == [told["nll_nats"]["val"]]
    settings = checkpoint.config.samples
    with_it = [m.midi() for m in melodies(checkpoint, settings)]
    assert [run.read(f"sample_{k}.mid") for k in range(1, 5)] == with_it
    assert with_it != [m.midi() for m in melodies(checkpoint, dataclasses.replace(settings, recall=0.0))]


def test_runs_of_before_recall_nothing() -> None:
    old = compose([]).as_dict()
    del old["samples"]["recall"]
    assert recorded(old).samples.recall == 0
    assert compose(["experiment=original"]).samples.recall == 0
    assert compose([]).samples.recall == 1
