"""Windows: batch k is a pure function, and an epoch reads everything once."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tunes import quickly

from musicexp.data import IGNORED, Batch, Sequences, Windows, padded, sequence
from musicexp.tokens import BOS, EOS, PAD

Order = Literal["contiguous", "random"]
ORDERS: tuple[Order, Order] = ("contiguous", "random")


def windows(
    lengths: list[int],
    batch_size: int,
    seq_length: int,
    seed: int = 0,
    order: Order = "contiguous",
    first: int = 1,
) -> Windows:
    """Pieces of those lengths, every token of which is another id."""
    ids = iter(range(3, 10**6))
    pieces = Sequences.of(sequence(np.array(list(islice(ids, n)), dtype=np.int64)) for n in lengths)
    return Windows(pieces, batch_size, seq_length, seed, order, first)


corpora = st.builds(
    windows,
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(1, 7),
    st.integers(1, 30),
    st.integers(0, 5),
    st.sampled_from(ORDERS),
)


def equal(one: Batch, other: Batch) -> bool:
    return (
        torch.equal(one.inputs_BT, other.inputs_BT)
        and torch.equal(one.targets_BT, other.targets_BT)
        and (one.fresh, one.tokens) == (other.fresh, other.tokens)
    )


def test_a_sequence_is_bos_tokens_eos() -> None:
    assert sequence(np.array([7, 8])).tolist() == [BOS, 7, 8, EOS]
    assert sequence(np.array([], dtype=np.int64)).tolist() == [BOS, EOS]


@quickly
@given(corpora)
def test_a_batch_depends_on_its_iteration_alone(found: Windows) -> None:
    """A resumed DataLoader starts its shuffle again."""
    count = 2 * found.iterations_per_epoch + 3
    run = list(islice(found, count))
    for k in range(1, count + 1):
        assert equal(found.batch(k), run[k - 1])
    middle = found.iterations_per_epoch + 1
    later = Windows(found.pieces, found.batch_size, found.seq_length, found.seed, found.order, middle)
    assert all(equal(a, b) for a, b in zip(islice(later, 3), run[middle - 1 :], strict=False))


@quickly
@given(corpora)
def test_targets_are_the_next_inputs_and_none_where_nothing_is_to_predict(found: Windows) -> None:
    for batch in islice(found, found.iterations_per_epoch + 1):
        inputs, targets = batch.inputs_BT, batch.targets_BT
        assert inputs.shape == targets.shape
        assert inputs.shape[0] == found.batch_size
        assert inputs.dtype == targets.dtype == torch.int64
        assert batch.tokens == int((targets != IGNORED).sum())
        assert not ((targets == PAD) | (targets == BOS)).any()
        after = inputs[:, 1:]
        expected = torch.where((after == PAD) | (after == BOS), torch.tensor(IGNORED), after)
        assert torch.equal(targets[:, :-1], expected)
        assert (targets[inputs == PAD] == IGNORED).all()


@quickly
@given(corpora)
def test_an_epoch_reads_every_token_of_every_piece_once(found: Windows) -> None:
    found = Windows(found.pieces, found.batch_size, found.seq_length, found.seed, "contiguous")
    pairs = Counter(pair for piece in found.pieces for pair in pairwise(piece.tolist()))
    batches = iter(found)
    for _ in range(2):
        epoch = list(islice(batches, found.iterations_per_epoch))
        assert [batch.fresh for batch in epoch] == [True] + [False] * (len(epoch) - 1)
        read = Counter(
            (int(i), int(t))
            for batch in epoch
            for i, t in zip(batch.inputs_BT.flatten(), batch.targets_BT.flatten(), strict=True)
            if t != IGNORED
        )
        assert read == pairs


@quickly
@given(corpora)
def test_a_row_reads_on_from_batch_to_batch(found: Windows) -> None:
    found = Windows(found.pieces, found.batch_size, found.seq_length, found.seed, "contiguous")
    epoch = list(islice(found, found.iterations_per_epoch))
    for row in range(found.batch_size):
        stretch = torch.cat([batch.inputs_BT[row] for batch in epoch])
        targets = torch.cat([batch.targets_BT[row] for batch in epoch])
        counted = targets[:-1] != IGNORED
        assert torch.equal(stretch[1:][counted], targets[:-1][counted])


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    found = windows([5] * 30, 1, 200)
    first, second = islice(found, 2)
    assert found.iterations_per_epoch == 2 or not torch.equal(first.inputs_BT, second.inputs_BT)
    assert not equal(first, windows([5] * 30, 1, 200, seed=1).batch(1))
    assert equal(first, windows([5] * 30, 1, 200).batch(1))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("lengths", "batch_size", "seq_length"), [([1], 9, 50), ([3], 1, 1000), ([1, 1], 64, 1)]
)
def test_corpora_smaller_than_a_batch(
    order: Order, lengths: list[int], batch_size: int, seq_length: int
) -> None:
    found = windows(lengths, batch_size, seq_length, order=order)
    assert found.iterations_per_epoch == 1
    batch = found.batch(1)
    assert batch.inputs_BT.shape[0] == batch_size
    assert batch.inputs_BT.shape[1] <= seq_length
    assert batch.tokens > 0


@pytest.mark.parametrize(
    ("lengths", "batch", "seq", "iterations"), [([98], 1, 99, 1), ([99], 1, 99, 2), ([500, 500], 4, 100, 3)]
)
def test_iterations_per_epoch(lengths: list[int], batch: int, seq: int, iterations: int) -> None:
    assert windows(lengths, batch, seq).iterations_per_epoch == iterations


def in_keys(variants: list[int], lengths: list[int]) -> Sequences:
    """Pieces in several keys: sequence v of piece p is full of the token 100 p + v + 3."""
    rows = [
        sequence(np.full(length + v, 100 * p + v + 3))
        for p, (count, length) in enumerate(zip(variants, lengths, strict=True))
        for v in range(count)
    ]
    held = Sequences.of(rows)
    counts = np.array(variants)
    return Sequences(held.tokens, held.starts, np.cumsum(counts) - counts, counts)


@quickly
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(1, 12),
    st.integers(0, 9),
)
def test_an_epoch_has_each_piece_once_in_one_of_its_keys(
    pieces: list[tuple[int, int]], batch_size: int, seq_length: int, seed: int
) -> None:
    found = Windows(
        in_keys([v for v, _ in pieces], [n for _, n in pieces]), batch_size, seq_length, seed, "contiguous"
    )
    batches = iter(found)
    for epoch in range(3):
        read: Counter[int] = Counter()
        for k in range(found.iterations_per_epoch):
            batch = next(batches)
            assert equal(batch, found.batch(1 + epoch * found.iterations_per_epoch + k))
            read.update(batch.targets_BT[batch.targets_BT > EOS].tolist())
        assert sorted((token - 3) // 100 for token in read) == list(range(len(pieces)))
        for token, times in read.items():
            piece, variant = divmod(token - 3, 100)
            assert variant < pieces[piece][0]
            assert times == pieces[piece][1] + variant


def test_every_key_comes_in_time() -> None:
    found = Windows(in_keys([5, 5], [4, 4]), 1, 100, 0, "contiguous")
    heard = {t for batch in islice(found, 40) for t in batch.targets_BT[batch.targets_BT > EOS].tolist()}
    assert heard == {100 * p + v + 3 for p in (0, 1) for v in range(5)}
    random = Windows(in_keys([5, 5], [4, 4]), 8, 5, 0, "random")
    heard = {t for batch in islice(random, 40) for t in batch.targets_BT[batch.targets_BT > EOS].tolist()}
    assert heard == {100 * p + v + 3 for p in (0, 1) for v in range(5)}


def test_random_windows_start_everywhere_and_from_a_zero_state() -> None:
    found = windows([6, 3], 64, 4, order="random")
    stream = np.concatenate(found.pieces)
    starts = set()
    for batch in islice(found, 5):
        assert batch.fresh
        for row in batch.inputs_BT.numpy():
            [at] = [i for i in range(len(stream) - 4) if (stream[i : i + 4] == row).all()]
            starts.add(at)
    assert starts == set(range(len(stream) - 4))


def test_whole_pieces_side_by_side() -> None:
    inputs, targets = padded([sequence(np.array([5, 6])), sequence(np.array([7]))])
    assert inputs.tolist() == [[BOS, 5, 6], [BOS, 7, EOS]]
    assert targets.tolist() == [[5, 6, EOS], [7, EOS, IGNORED]]
