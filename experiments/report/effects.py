"""Main effects and interactions of a full factorial of two levels each, seed by seed.

The effect of a factor is the mean of the cells at its second level less that of those at its first; the interaction of
two is half the difference between the effect of one at the other's second and at its first level, and so on (Box,
Hunter & Hunter): with -1 and +1 for the levels, the mean over all cells of value times signs, doubled. Every seed has
all cells and gives one value of each effect, so that Student's t over seeds is a paired interval.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, product

Cell = tuple[int, ...]
"""For each factor its level, 0 or 1."""


def effects(cells: Mapping[Cell, float], factors: Sequence[str]) -> dict[str, float]:
    """Every effect of one seed by name, such as "lr" or "lr x batch"; the factors alone come first.

    Raises:
        ValueError: a cell lacks.
    """
    wanted = list(product((0, 1), repeat=len(factors)))
    lacking = [cell for cell in wanted if cell not in cells]
    if lacking:
        raise ValueError(f"no value of the cells {lacking}: without them nothing can be told apart")
    found = {}
    for size in range(1, len(factors) + 1):
        for chosen in combinations(range(len(factors)), size):
            signed = (cells[cell] * math.prod(2 * cell[k] - 1 for k in chosen) for cell in wanted)
            found[" x ".join(factors[k] for k in chosen)] = 2 * math.fsum(signed) / len(wanted)
    return found
