"""The Gram matrix of the columns in use, and blocks of it for a member that sees them in its own way."""

from __future__ import annotations

from typing import Any

import numpy as np

from taut.solvers._kernels.segment import standardise_block
from taut.solvers.working_set.columns import Columns
from taut.types import Float, Index


class UsedGram:
    """Σ s z zᵀ over all rows with weights s that sum to one, grown as columns come into use; folds share one."""

    def __init__(self, columns: Columns, weight: Float) -> None:
        self.weight = weight
        self._columns, self._dtype = columns, columns.precision
        self._room: Any = np.empty((0, 0), self._dtype)
        self.grown: list[int] = []

    def block(self, index: Index, mean: Float, scale: Float, held: Index | None, held_weight: float) -> Float:
        """X̃ᵀSX̃ of the used columns ``index`` without the rows ``held``: x̃ = (z − mean)·scale, the other s summing to one."""
        self.grow()
        part: Any = np.empty((0, 0), self._dtype)
        if held is not None:
            part = self._columns.gram_of_rows(held, self.weight, index)
        block: Any = np.empty((index.size, index.size), self._dtype)
        standardise_block(self._room, index, part, 1.0 / (1.0 - held_weight), mean, scale, block)
        return np.asarray(block)

    def grow(self) -> None:
        """By the columns that came into use since the last time; ``grown`` are the sizes that it had."""
        total, have = self._columns.used.size, self.grown[-1] if self.grown else 0
        if total == have:
            return
        product = self._columns.cross(total - have, self.weight)
        if total > self._room.shape[0]:
            # Half as much again, so that copying costs a constant per entry.
            side = max(total, min(3 * self._room.shape[0] // 2, self._columns.p), 64)
            room = np.empty((side, side), self._dtype)
            room[:have, :have] = self._room[:have, :have]
            self._room = room
        self._room[:total, have:total] = product
        self._room[have:total, :total] = product.T
        self.grown.append(total)


def grow_again(columns: Columns, grams: list[UsedGram], used: Index, sizes: list[list[int]]) -> None:
    """Bring the columns ``used`` into use, and every Gram matrix to its last size by the same products as before."""
    for total in sorted({used.size}.union(*sizes)):
        columns.add(used[columns.used.size : total])
        for gram, grown in zip(grams, sizes, strict=True):
            if total in grown:
                gram.grow()
