"""The squared loss on a working set: the Gram matrix of the columns in use is all that a strength needs."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers._kernels.path import walk
from taut.solvers._kernels.quadratic import largest_distance, quadratic_gap
from taut.solvers.base import LinearProblem
from taut.solvers.columns import Columns
from taut.solvers.matrix import Float, Index
from taut.solvers.walker import Kept, Point, Standardization, Walker


@final
class SquaredWalker(Walker):
    """½ wᵀHw − cᵀw + ½ bᵀb with H = 2X̃ᵀSX̃ and c = 2X̃ᵀSỹ, the intercept eliminated by centring.

    ``first`` is the member that the shared products are taken for; a fold's are its own less its held-out rows'.
    """

    def __init__(
        self,
        problem: LinearProblem,
        columns: Columns,
        seen: Standardization,
        weight: Float,
        held: Index | None,
        first: Float,
    ) -> None:
        super().__init__(problem, columns, seen, weight, held)
        self._first = first
        self._bb = 2.0 * float(weight @ self.response.target**2)
        self._H = np.zeros((0, 0))
        self._w, self._q, self._c = np.zeros(0), np.zeros(0), np.zeros(0)
        self.start(2.0 * weight * self.response.target)

    @property
    def null_loss(self) -> float:
        """½ bᵀb: the variance of ỹ."""
        return 0.5 * self._bb

    @property
    def saturated_loss(self) -> float:
        """0."""
        return 0.0

    @property
    def squared(self) -> bool:
        """It is."""
        return True

    def grow(self, fresh: int) -> None:
        """Extend H by the last ``fresh`` columns."""
        used, seen = self.columns.used, self.seen
        total, have = used.size, used.size - fresh
        mean, deviation, moving = seen.mean[used], seen.deviation[used], seen.moving[used]
        product = self._cross(fresh) - np.multiply.outer(mean, mean[have:])
        product *= 2.0 / np.multiply.outer(deviation, deviation[have:])
        product[~moving] = 0.0
        product[:, ~moving[have:]] = 0.0
        self._reserve(total, have)
        self._H[:total, have:total] = product
        self._H[have:total, :total] = product.T
        self._c = np.concatenate([self._c, -self.null_gradient[used[have:]]])
        self._w = np.concatenate([self._w, np.zeros(fresh)])
        self._q = self._c - self._H[:total, :total] @ self._w

    def _cross(self, fresh: int) -> Float:
        if self.held is None:
            same = self.weight is self._first or np.array_equal(self.weight, self._first)
            return (
                self.columns.shared_cross(fresh, self._first)
                if same
                else self.columns.cross(fresh, self.weight)
            )
        shared = self.columns.shared_cross(fresh, self._first)
        part = self.columns.cross(fresh, self._first, self.held)
        return (shared - part) / (1.0 - float(self._first[self.held].sum()))

    def _reserve(self, total: int, have: int) -> None:
        """Room for ``total`` columns, doubled when it runs out."""
        if total > self._H.shape[0]:
            room = max(total, min(3 * self._H.shape[0] // 2, self.columns.p), 64)
            H = np.zeros((room, room))
            H[:have, :have] = self._H[:have, :have]
            self._H = H

    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> list[Point]:
        """Every strength of the stretch in one call of the kernel."""
        shape = (lambdas.size, self._w.size)
        coefs, correlations, measures, epochs = (
            np.zeros(shape),
            np.empty(shape),
            np.zeros(shape[0]),
            np.zeros(shape[0]),
        )
        # By the definition of λ_max there is nothing to solve above it; descent could only add rounding to exact zeros.
        empty = int(np.count_nonzero(lambdas >= self.top))
        if empty < lambdas.size:
            previous = min(self.reached, 2.0 * float(lambdas[empty]))
            table = self.table
            walk(
                self._H, self._c, self._bb, lambdas[empty:], previous, self._w.copy(), self._q.copy(),
                self.rho(1.0), table.kind, table.gamma, 0.9 * tol * self.unit, max_epochs,
                coefs[empty:], correlations[empty:], measures[empty:], epochs[empty:],
            )  # fmt: skip
        eta = self.predictor(coefs.T)
        residuals = self.response.target[:, None] - eta
        pulls = 2.0 * self.weight[:, None] * residuals
        losses = self.weight @ residuals**2
        return [
            Point(lam, coefs[b], 0.0, eta[:, b], pulls[:, b], float(losses[b]), int(epochs[b]))
            for b, lam in enumerate(lambdas.tolist())
        ]

    def certified(self, point: Point, q: Float) -> Kept:
        """The gap from H's c and bᵀb and the exact q."""
        rho = self.rho(point.lam)
        if self.table.kind == 0:
            measure = quadratic_gap(point.coef, q, self._c, self._bb, rho)
        else:
            measure = largest_distance(point.coef, q, rho, self.table.kind, self.table.gamma)
        measure = max(float(measure), float(np.finfo(float).eps) * point.loss)
        return Kept(point, measure / self.unit, self._held_out(self.response.target - point.eta))

    def _held_out(self, residual: Float) -> float:
        if self.held is None:
            return np.nan
        share = self._first[self.held]
        return float(share @ residual[self.held] ** 2 / share.sum()) * self.response.scale**2

    def settle(self, point: Point, q: Float) -> None:
        """Go on from ``point``."""
        self._w, self._q = point.coef.copy(), q.copy()
