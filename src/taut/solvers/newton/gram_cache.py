"""Gram matrices: X̃ᵀSX̃ over the columns that were ever asked for, grown as a path goes on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.units import along
from taut.types import Float, Index


class GramCache:
    """2X̃ᵀSX̃/q and 2X̃ᵀSỹ/q of the squared loss with q outputs, restricted to the columns seen so far.

    ``turn`` may replace new columns (n, m), weighted by the rows and without their free part, by combinations of them.
    """

    def __init__(
        self, problem: ScaledProblem, weight: Float, turn: Callable[[Index, Float], Float] | None = None
    ) -> None:
        n, p = problem.matrix.shape
        self._problem, self._turn = problem, turn
        self._root = np.sqrt(weight)
        self._free = np.ascontiguousarray(problem.free_basis.rows * self._root[:, None])
        self._slot = np.full(p, -1, dtype=np.intp)
        self._columns = np.empty((n, 0), order="F")
        self._gram = np.empty((0, 0))
        self._size = 0
        # The last block that was asked for: at neighbouring strengths it is the same one.
        self._last: tuple[Index, Float] = np.zeros(0, dtype=np.intp), np.zeros((0, 0))
        self._target = self._weighted_target()
        self._share = 1.0 / self._target.shape[1]
        self._correlations = np.empty((0, self._target.shape[1]))
        self._squares = self._share * 2.0 * np.sum(self._target**2, axis=0)

    def quadratic(self, index: Index, output: int) -> tuple[Float, Float, float]:
        """H, c and bᵀb of ½‖Aw − b‖² for the columns ``index``: the data loss of one output without its free constant."""
        self.grow(index[self._slot[index] < 0])
        slots = self._slot[index]
        if not np.array_equal(slots, self._last[0]):
            self._last = slots, np.ascontiguousarray(self._gram[np.ix_(slots, slots)])
        H = self._last[1]
        return H, self._correlations[slots, output].copy(), float(self._squares[output])

    def whole(self) -> tuple[Float, Float, float]:
        """H, c and bᵀb of all columns seen, of one output; H with room for more."""
        return self._gram, self._correlations[: self._size, 0], float(self._squares[0])

    def residual(self, w: Float) -> Float:
        """b − Aw in the rows' weights, for w (m,) on the columns seen."""
        used = np.flatnonzero(w)
        return np.asarray(self._target[:, 0] - self._columns[:, used] @ w[used])

    def correlate(self, residual: Float) -> Float:
        """2Aᵀ residual on the columns seen."""
        return np.asarray(2.0 * self._share * (self._columns[:, : self._size].T @ residual))

    def along_target(self, residual: Float) -> float:
        """bᵀ residual."""
        return float(self._target[:, 0] @ residual)

    def pulls(self, residual: Float) -> Float:
        """−∂L/∂η of a residual in the rows' weights."""
        return np.asarray(2.0 * self._share * self._root * residual)

    def _weighted_target(self) -> Float:
        problem = self._problem
        y = problem.y if problem.offset is None else problem.y - along(problem.offset, problem.y)
        return self._without_free((y.T * self._root).T.reshape(y.shape[0], -1))

    def _without_free(self, block: Float) -> Float:
        """Intercept and free columns projected out (Frisch and Waugh, *Econometrica* 1 (1933)): they are fitted exactly."""
        return block - self._free @ (self._free.T @ block) if self._free.shape[1] else block

    def grow(self, new: Index) -> None:
        """Take columns in, behind those that are there."""
        if new.size == 0:
            return
        block = self._without_free(self._problem.columns(new) * self._root[:, None])
        block = block if self._turn is None else self._turn(new, block)
        total = self._size + new.size
        self._reserve(total)
        self._columns[:, self._size : total] = block
        # The first columns with themselves: BLAS then computes half.
        last = block if self._size else self._columns[:, :total]
        product = self._columns[:, :total].T @ last
        product *= 2.0 * self._share
        self._gram[:total, self._size : total] = product
        self._gram[self._size : total, :total] = product.T
        self._correlations[self._size : total] = 2.0 * self._share * (block.T @ self._target)
        self._slot[new] = np.arange(self._size, total)
        self._size = total

    def _reserve(self, total: int) -> None:
        """Room for ``total`` columns, doubled when it runs out, so that growing costs a constant per column."""
        room = self._gram.shape[0]
        if total <= room:
            return
        room = min(max(total, 2 * room, 64), self._slot.size)
        columns, gram = np.empty((self._columns.shape[0], room), order="F"), np.empty((room, room))
        columns[:, : self._size] = self._columns[:, : self._size]
        gram[: self._size, : self._size] = self._gram[: self._size, : self._size]
        correlations = np.empty((room, self._correlations.shape[1]))
        correlations[: self._size] = self._correlations[: self._size]
        self._columns, self._gram, self._correlations = columns, gram, correlations
