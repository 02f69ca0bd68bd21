"""The Gram matrix of a squared loss, X̃ᵀSX̃ over the columns that were ever asked for, grown as a path goes on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from taut.solvers.problem.scaled import ScaledProblem
from taut.types import Float, Index


class GramCache:
    """2X̃ᵀSX̃ and 2X̃ᵀSỹ of the squared loss with one output, on the columns seen so far, in the order in which they came.

    ``turn`` replaces new columns (n, m), weighted by the rows and without their free part, by combinations of them.
    """

    def __init__(self, problem: ScaledProblem, turn: Callable[[Index, Float], Float]) -> None:
        n, self._p = problem.matrix.shape
        self._problem, self._turn = problem, turn
        self._root = np.sqrt(problem.weight)
        self._free = np.ascontiguousarray(problem.free_basis.rows * self._root[:, None])
        self._columns = np.empty((n, 0), order="F")
        self._gram = np.empty((0, 0))
        self._size = 0
        y = problem.y if problem.offset is None else problem.y - problem.offset
        self._target = self._without_free(y * self._root)
        self._correlations = np.empty(0)

    def whole(self) -> tuple[Float, Float, float]:
        """H, c and bᵀb of ½‖Aw − b‖² for all columns seen, free columns fitted; H has room for more."""
        return self._gram, self._correlations[: self._size], 2.0 * float(np.sum(self._target**2))

    def residual(self, w: Float) -> Float:
        """b − Aw (n,) in the rows' weights, for w (m,) on the columns seen."""
        used = np.flatnonzero(w)
        return np.asarray(self._target - self._columns[:, used] @ w[used])

    def correlate(self, residual: Float) -> Float:
        """2Aᵀ residual (m,) on the columns seen."""
        return np.asarray(2.0 * (self._columns[:, : self._size].T @ residual))

    def along_target(self, residual: Float) -> float:
        """bᵀ residual, b the target in the rows' weights."""
        return float(self._target @ residual)

    def neg_gradients(self, residual: Float) -> Float:
        """−∂L/∂η (n,) of a residual in the rows' weights."""
        return np.asarray(2.0 * self._root * residual)

    def _without_free(self, block: Float) -> Float:
        """Intercept and free columns projected out (Frisch and Waugh, *Econometrica* 1 (1933)): they are fitted exactly."""
        return block - self._free @ (self._free.T @ block) if self._free.shape[1] else block

    def grow(self, new: Index) -> None:
        """Take columns in, behind those that are there."""
        block = self._turn(new, self._without_free(self._problem.columns(new) * self._root[:, None]))
        total = self._size + new.size
        self._reserve(total)
        self._columns[:, self._size : total] = block
        # The first columns with themselves: BLAS then computes half.
        last = block if self._size else self._columns[:, :total]
        product = self._columns[:, :total].T @ last
        product *= 2.0
        self._gram[:total, self._size : total] = product
        self._gram[self._size : total, :total] = product.T
        self._correlations[self._size : total] = 2.0 * (block.T @ self._target)
        self._size = total

    def _reserve(self, total: int) -> None:
        """Room for ``total`` columns, doubled when it runs out, so that growing costs a constant per column."""
        room = self._gram.shape[0]
        if total <= room:
            return
        room = min(max(total, 2 * room, 64), self._p)
        columns, gram = np.empty((self._columns.shape[0], room), order="F"), np.empty((room, room))
        columns[:, : self._size] = self._columns[:, : self._size]
        gram[: self._size, : self._size] = self._gram[: self._size, : self._size]
        correlations = np.empty(room)
        correlations[: self._size] = self._correlations[: self._size]
        self._columns, self._gram, self._correlations = columns, gram, correlations
