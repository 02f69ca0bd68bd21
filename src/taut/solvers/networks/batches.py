"""The order of the rows in every epoch of a strength: the same for all members, however many epochs each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from taut.solvers.networks.data_loss import Rows

AT_ONCE = 1 << 16
"""Rows that one block of epochs passes over, at least one epoch: an interrupt is heard between blocks."""
MOST = 16
"""Epochs of a block at most: most strengths are left after so many."""


@dataclass(frozen=True)
class Orders:
    """Permutations of n rows, in blocks of epochs, from a seed and a grid position."""

    seed: int
    index: int

    def block(self, n: int, number: int) -> Rows:
        """(E, n): the orders of epochs number·E to number·E + E − 1."""
        # Members ask for the same blocks one after the other; those of very many rows are drawn anew rather than kept.
        draw = _kept if n <= AT_ONCE else _drawn
        return draw(self.seed, self.index, n, number)


def epochs_at_once(n: int) -> int:
    """E, the epochs of a block."""
    return max(1, min(MOST, AT_ONCE // n))


def _drawn(seed: int, index: int, n: int, number: int) -> Rows:
    same = np.tile(np.arange(n), (epochs_at_once(n), 1))
    orders: Rows = np.random.default_rng([seed, index, number]).permuted(same, axis=1)
    return orders


_kept = lru_cache(maxsize=16)(_drawn)
