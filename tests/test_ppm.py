"""PPM: the fast counting is the textbook's, distributions are distributions, and each model knows what it may know."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tunes import quickly, random_ids

from musicexp.baselines import PPM, PPMSettings
from musicexp.baselines import ppm as ppm_module
from musicexp.baselines.ppm import Long
from musicexp.baselines.ppm_tree import LONGEST, Reading, grown
from musicexp.data import sequence
from musicexp.tokens import BOS, PAD, Ids

SIZE = 7

MODELS: list[tuple[Long | None, bool]] = [
    ("LTM", False),
    ("LTM+", False),
    (None, True),
    ("LTM", True),
    ("LTM+", True),
]
VARIANTS = {
    f"{long or 'none'}{' and STM' * short}, order {order}{', bare' * (not framed)}": PPMSettings(
        long, short, order, framed=framed
    )
    for long, short in MODELS
    for order in (None, 0, 2)
    for framed in (True, False)
}
some_variant = st.sampled_from(list(VARIANTS.values()))
thoroughly = hypothesis.settings(max_examples=100, deadline=None, derandomize=True, database=None)


class Slowly:
    """One model of Pearce (2005, section 6.2) with dictionaries: counts of every context, one token at a time."""

    def __init__(self, settings: PPMSettings, symbols: Sequence[int]) -> None:
        self.order, self.symbols = settings.order, symbols
        self.counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)

    def learn(self, context: tuple[int, ...], token: int) -> None:
        for length in range(len(context) + 1):
            self.counts[context[len(context) - length :]][token] += 1

    def chosen(self, context: tuple[int, ...]) -> tuple[int, ...]:
        """The longest known context, or the shortest one with a single follower."""
        best: tuple[int, ...] = ()
        for length in range(len(context) + 1 if self.order is None else min(len(context), self.order) + 1):
            suffix = context[len(context) - length :]
            if suffix not in self.counts:
                break
            best = suffix
            if self.order is None and len(self.counts[suffix]) == 1:
                break
        return best

    def chances(self, context: tuple[int, ...]) -> dict[int, float]:
        state, escape, excluded = self.chosen(context), 1.0, set[int]()
        found = dict.fromkeys(self.symbols, 0.0)
        while True:
            seen = self.counts.get(state, Counter())
            known = sum(count for symbol, count in seen.items() if symbol not in excluded)
            share = known / (known + len(seen)) if known else 0.0
            for symbol in seen:
                found[symbol] += escape * share * seen[symbol] / known if known else 0.0
            escape, excluded = escape * (1 - share), set(seen)
            if not state:
                break
            state = state[1:]
        total = 0.0
        for symbol in self.symbols:
            found[symbol] += escape / (len(self.symbols) + 1 - len(self.counts.get((), ())))
            total += found[symbol]
        return {symbol: chance / total for symbol, chance in found.items()}


def slowly(settings: PPMSettings, train: Sequence[Ids], test: Sequence[Ids]) -> list[list[dict[int, float]]]:
    """The whole distribution at each predicted token of each test piece."""
    first = 1 if settings.framed else 0
    symbols = [s for s in range(SIZE) if not (settings.framed and s in (PAD, BOS))]
    long = Slowly(settings, symbols)
    for piece in train:
        for i in range(first, len(piece)):
            long.learn(tuple(piece[:i].tolist()), int(piece[i]))
    found: list[list[dict[int, float]]] = []
    for piece in test:
        short = Slowly(settings, symbols)
        found.append([])
        for i in range(first, len(piece)):
            context, token = tuple(piece[:i].tolist()), int(piece[i])
            models = [
                model.chances(context) for model in [long] * bool(settings.long) + [short] * settings.short
            ]
            weights = [relative_entropy(model) ** -settings.bias for model in models]
            found[-1].append(
                {
                    s: sum(w * m[s] for w, m in zip(weights, models, strict=True)) / sum(weights)
                    for s in symbols
                }
            )
            short.learn(context, token)
            if settings.long == "LTM+":
                long.learn(context, token)
    return found


def relative_entropy(chances: dict[int, float]) -> float:
    return -math.fsum(p * math.log(p) for p in chances.values()) / math.log(len(chances))


def pieces_of(settings: PPMSettings, seed: int, count: int) -> list[Ids]:
    """Random pieces with something to find: a few tokens, and a repeat of the piece's own beginning."""
    found = [
        np.concatenate([piece[:-1], piece[1 : len(piece) // 2], piece[-1:]])
        for piece in random_ids(seed, count, SIZE)
    ]
    return found if settings.framed else [piece[1:-1] for piece in found]


@quickly
@given(settings=some_variant, seed=st.integers(0, 10**6))
def test_the_fast_counting_is_the_slow_one(settings: PPMSettings, seed: int) -> None:
    compare(settings, seed)


@pytest.mark.slow
@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS)
@thoroughly
@given(seed=st.integers(0, 10**6))
def test_the_fast_counting_of_every_variant_is_the_slow_one(settings: PPMSettings, seed: int) -> None:
    compare(settings, seed)


def compare(settings: PPMSettings, seed: int) -> None:
    train, test = pieces_of(settings, seed, 5), pieces_of(settings, seed + 1, 3)
    first = 1 if settings.framed else 0
    expected = [
        [-math.log(chances[int(token)]) for token, chances in zip(piece[first:], told, strict=True)]
        for piece, told in zip(test, slowly(settings, train, test), strict=True)
    ]
    model = PPM(SIZE, settings).fit(train)
    found = model.token_nats(test)
    assert [nats.tolist() for nats in found] == [pytest.approx(nats, rel=1e-9) for nats in expected]
    assert model.nll_nats(test) == pytest.approx([math.fsum(nats) for nats in expected], rel=1e-9)


@quickly
@given(settings=some_variant, seed=st.integers(0, 10**6))
def test_a_growing_context_tells_the_same_and_sums_to_one(settings: PPMSettings, seed: int) -> None:
    """At every token of a piece; PAD and BOS are never predicted, and everything else may come."""
    train, [test] = pieces_of(settings, seed, 4), pieces_of(settings, seed + 1, 1)
    model = PPM(SIZE, settings).fit(train)
    never = [PAD, BOS] if settings.framed else []
    context, nats = model.context(), []
    for i, token in enumerate(test.tolist()):
        if i or not settings.framed:
            chances = context.probabilities()
            assert chances.sum() == pytest.approx(1, abs=1e-12)
            assert np.flatnonzero(chances == 0).tolist() == never
            assert (chances >= 0).all()
            nats.append(-math.log(chances[token]))
        context.advance(token)
    assert nats == pytest.approx(model.token_nats([test])[0].tolist(), rel=1e-9)


@quickly
@given(settings=some_variant, seed=st.integers(0, 10**6))
def test_what_every_symbol_would_cost(settings: PPMSettings, seed: int) -> None:
    """Of several pieces in their order, from which LTM+ goes on learning; and it is left as it was."""
    train, tests = pieces_of(settings, seed, 4), pieces_of(settings, seed + 1, 3)
    model = PPM(SIZE, settings).fit(train)
    for every, came, piece in zip(model.nats(tests), model.token_nats(tests), tests, strict=True):
        tokens = piece[1:] if settings.framed else piece
        assert every[np.arange(len(tokens)), tokens] == pytest.approx(came, rel=1e-9)
        assert np.exp(-every).sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert model.nats(tests[:1])[0] == pytest.approx(model.nats(tests)[0], rel=1e-12)


@pytest.mark.parametrize("long", ["LTM", "LTM+", None])
def test_a_long_context_grows(long: Long | None) -> None:
    """Behind more tokens than there was room for."""
    piece = sequence(np.random.default_rng(0).integers(3, SIZE, 300))
    model = PPM(SIZE, PPMSettings(long)).fit(random_ids(0, 3, SIZE))
    context, nats = model.context(), []
    for before, token in zip(piece[:-1].tolist(), piece[1:].tolist(), strict=True):
        context.advance(before)
        nats.append(-math.log(context.probabilities()[token]))
    assert nats == pytest.approx(model.token_nats([piece])[0].tolist(), rel=1e-9)


def test_golden_by_hand() -> None:
    """Learned 1 2 1 3, one of four symbols each; asked what comes behind a 1, and for a 2 at the beginning.

    Behind 1 came 2 and 3, once each: 1 / 4 for each, 2 / 4 for what is below. There 1 came twice, and 2 and 3 are known:
    the state has 2 of its 4, and 3 kinds, so count / 5 for each and 3 / 5 for what is below: 1 / (4 + 1 - 3) for all.
    """
    model = PPM(4, PPMSettings("LTM", short=False, order=1, framed=False)).fit([np.array([1, 2, 1, 3])])
    down = 2 / 4
    chances = np.array([0.0, 0.0, 1 / 4, 1 / 4]) + down * (np.array([0, 2, 1, 1]) / 5 + 3 / 5 / 2)
    context = model.context()
    context.advance(1)
    assert context.probabilities() == pytest.approx(chances / chances.sum(), rel=1e-14)
    begin = np.array([0, 2, 1, 1]) / 7 + 3 / 7 / 2
    assert model.token_nats([np.array([2])])[0] == pytest.approx(-np.log(begin[2] / begin.sum()), rel=1e-14)


def test_whoever_has_heard_nothing_finds_everything_as_likely() -> None:
    piece = sequence(np.array([3, 5, 4]))
    assert PPM(SIZE, PPMSettings("LTM", short=False)).fit([]).token_nats([piece])[0] == pytest.approx(
        [math.log(SIZE - 2)] * 4, rel=1e-14
    )
    for settings in VARIANTS.values():
        assert PPM(SIZE, settings).context().probabilities().max() == pytest.approx(
            1 / (SIZE - 2 * settings.framed), rel=1e-14
        )


def test_nothing_asked_is_nothing_told() -> None:
    model = PPM(SIZE).fit(random_ids(0, 3, SIZE))
    assert model.token_nats([]) == []
    assert model.nll_nats([]).shape == (0,)


def test_what_repeats_within_a_piece_gets_cheap_for_a_short_term_model_alone() -> None:
    phrase = [3, 5, 4, 6, 3, 3, 6, 5]
    piece = sequence(np.array(phrase * 4))
    first, *_, last = np.split(PPM(SIZE, PPMSettings(None)).token_nats([piece])[0][:-1], 4)
    assert last.sum() < first.sum() / 3
    other = random_ids(7, 5, SIZE)
    flat = PPM(SIZE, PPMSettings("LTM", short=False)).fit(other).token_nats([piece])[0][:-1]
    assert flat[8:16].sum() == pytest.approx(flat[24:].sum(), rel=0.01)
    assert PPM(SIZE).fit(other).nll_nats([piece])[0] < flat.sum()


def test_only_the_learning_model_knows_the_pieces_before() -> None:
    train, test = random_ids(3, 12, SIZE), random_ids(4, 8, SIZE)
    for long, short in (MODELS[0], MODELS[2], MODELS[3]):
        model = PPM(SIZE, PPMSettings(long, short)).fit(train)
        found = model.nll_nats(test)
        assert model.nll_nats(test[::-1])[::-1] == pytest.approx(found, rel=1e-12)
        assert [model.nll_nats([piece])[0] for piece in test] == pytest.approx(found, rel=1e-12)
        assert PPM(SIZE, PPMSettings(long, short)).fit(train[::-1]).nll_nats(test) == pytest.approx(
            found, rel=1e-12
        )
    learning = PPM(SIZE, PPMSettings("LTM+", short=False)).fit(train)
    once, again = learning.nll_nats([test[0], test[0]])
    assert again < once / 1.5
    assert learning.nll_nats([test[0]])[0] == pytest.approx(
        once, rel=1e-12
    )  # it has not learned from being asked


@pytest.mark.parametrize("settings", [PPMSettings(), PPMSettings("LTM+")])
def test_shares_of_the_work_change_nothing(settings: PPMSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = random_ids(5, 12, SIZE), random_ids(6, 9, SIZE)
    model = PPM(SIZE, settings).fit(train)
    whole = model.nll_nats(test)
    monkeypatch.setattr(ppm_module, "CELLS_AT_ONCE", 50)
    assert model.nll_nats(test) == pytest.approx(whole, rel=1e-12)


def test_what_never_ends_ends() -> None:
    """Two runs of one token: without a longest context the work would be the square of their length."""
    run = [3] * (LONGEST + 50)
    piece = sequence(np.array([*run, 4, *run, 5]))
    assert len(grown(Reading.of([piece], framed=True), SIZE, order=None)) == LONGEST + 1
    nats = PPM(SIZE).fit([piece]).token_nats([piece])[0]
    assert len(nats) == len(piece) - 1
    assert np.isfinite(nats).all()
