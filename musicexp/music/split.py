"""Splits and folds: which side a piece stands on depends on its group and a seed, never on its place or name."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from musicexp.errors import MusicError

Side = Literal["train", "val", "test"]
SIDES: tuple[Side, Side, Side] = ("train", "val", "test")

Sides = NDArray[np.uint8]
"""Numbers into SIDES: uint8 [pieces]."""


def places(
    sounds: NDArray[np.uint64], groups: NDArray[np.int32], seed: int, salt: str = ""
) -> NDArray[np.float64]:
    """Where each piece stands in [0, 1): the hash of its group's smallest fingerprint. float64 [pieces].

    Another piece moves only the groups that it joins, and those only if its fingerprint is their smallest
    or if it brings two of them together.

    Args:
        sounds: the pieces' fingerprints.
        groups: for each piece the number of its group's first piece.
    """
    smallest = sounds.copy()
    np.minimum.at(smallest, groups, sounds)
    found = np.zeros(len(sounds))
    firsts = np.flatnonzero(groups == np.arange(len(groups)))
    for first in firsts:  # as a list they would take five times the memory
        told = f"{seed} {salt}{int(smallest[first]):016x}"
        found[first] = int(hashlib.sha256(told.encode()).hexdigest()[:13], 16) / 16**13
    return found[groups]


def sides(
    places: NDArray[np.float64], groups: NDArray[np.int32], val: float, test: float, where: str
) -> Sides:
    """Test below `test`, validation below `test + val`, the rest training: uint8 [pieces].

    In a corpus so small that a side would stay empty, the groups next to it are taken.

    Args:
        where: what the corpus is called in messages.

    Raises:
        MusicError: fewer than three groups.
    """
    firsts = _firsts(groups, where)
    order = firsts[np.lexsort((firsts, places[firsts]))]
    tests = min(max(int((places[order] < test).sum()), 1), len(order) - 2)
    vals = int(((places[order] >= test) & (places[order] < test + val)).sum())
    vals = min(max(vals, 1), len(order) - 1 - tests)
    found = np.zeros(len(groups), dtype=np.uint8)
    found[order[:tests]] = SIDES.index("test")
    found[order[tests : tests + vals]] = SIDES.index("val")
    return found[groups]


def fold_sides(
    places: NDArray[np.float64],
    again: NDArray[np.float64],
    groups: NDArray[np.int32],
    val: float,
    folds: int,
    fold: int,
    where: str,
) -> Sides:
    """One fold of a cross-validation: its pieces are the test, some of the others the validation. uint8 [pieces].

    Args:
        places: a piece's fold is the whole part of its place times `folds`.
        again: places by another hash; a piece of another fold is for validation if it stands below `val`.

    Raises:
        MusicError: fewer groups than folds, or no group falls into this one.
    """
    inside = (places * folds).astype(np.int64) == fold
    return held_out_sides(inside, again, groups, val, f"fold {fold} of {folds} of {where}", where)


def held_out_sides(
    inside: NDArray[np.bool_],
    again: NDArray[np.float64],
    groups: NDArray[np.int32],
    val: float,
    fold: str,
    where: str,
) -> Sides:
    """The pieces of a fold are the test, some of the others the validation: uint8 [pieces].

    A group may stand on both sides of the fold, as in published folds; those of it that are not in the fold stay together.

    Args:
        inside: which pieces are in the fold: bool [pieces].
        fold: what it is called in messages.

    Raises:
        MusicError: no piece is in it, or too few are not.
    """
    firsts = _firsts(groups, where)
    outside = np.flatnonzero(~inside)
    others = outside[np.unique(groups[outside], return_index=True)[1]]
    if not inside.any() or len(others) < 2:
        raise MusicError(
            f"{fold} is empty or all there is, with {len(firsts)} groups of pieces; take fewer folds"
        )
    found = np.where(inside, np.uint8(SIDES.index("test")), np.uint8(SIDES.index("train")))
    order = others[np.lexsort((others, again[others]))]
    vals = min(max(int((again[order] < val).sum()), 1), len(order) - 1)
    chosen = np.zeros(len(groups), dtype=bool)
    chosen[groups[order[:vals]]] = True
    found[chosen[groups] & ~inside] = SIDES.index("val")
    return found.astype(np.uint8)


def _firsts(groups: NDArray[np.int32], where: str) -> NDArray[np.int64]:
    firsts = np.flatnonzero(groups == np.arange(len(groups)))
    if len(firsts) < len(SIDES):
        raise MusicError(
            f"{where} holds {len(firsts)} different piece{'s' * (len(firsts) != 1)} that can be used; train, validation and test need one each, so at least 3"
        )
    return firsts
