"""The squared loss on a working set: the Gram matrix of the columns in use is all that a strength needs."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers._kernels.quadratic import measured
from taut.solvers._kernels.segment import add_violators, anchor, walk
from taut.solvers._kernels.sparse_descent import walk_rows
from taut.solvers.problem.resume import Arrays, give, taken
from taut.solvers.problem.tolerances import EPS
from taut.solvers.working_set.columns import Parts
from taut.solvers.working_set.fold import FoldInputs, FoldState, Kept, RestrictedSolution
from taut.solvers.working_set.gram import UsedGram
from taut.types import Float, Index

_BEYOND = 0.5
"""How far below the weakest strength ahead a column's correlation may lie to be solved for, in steps of the segment."""

_STATE = ("_w", "_q", "_slope", "_c", "_neg_gradient", "_inside", "_tried")


@final
class SquaredFold(FoldState):
    """½ wᵀHw − cᵀw + ½ bᵀb with H = 2X̃ᵀSX̃ and c = 2X̃ᵀSỹ, the intercept eliminated by centring.

    ``gram`` is that of all rows; a fold's H is it less its held-out rows'. H is formed for one segment of strengths at a
    time, on the columns that may enter there; not at all where columns have so few entries that their rows cost less.
    """

    def __init__(self, inputs: FoldInputs, gram: UsedGram) -> None:
        super().__init__(inputs)
        held, target = inputs.held, self.response.target
        self._gram = gram
        self._share = 0.0 if held is None else float(gram.weight[held].sum())
        self._bb = 2.0 * float(self.weight @ target**2)
        # w, q and dw/dλ at the last kept point, its negative row gradients, and which columns the last segment was solved on.
        self._w, self._q, self._c, self._slope = np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0)
        self._neg_gradient = 2.0 * self.weight * target
        self._inside = np.zeros(0, dtype=np.bool_)
        self._tried, self._made = np.inf, 0
        self.start(self._neg_gradient, 0.5 * self._bb, 0.0)  # ½ bᵀb is the variance of ỹ

    def grow(self, fresh: int) -> None:
        """Let the ``fresh`` columns start at 0, with their exact q."""
        new = self.columns.used[-fresh:]
        self._c = np.concatenate([self._c, -self.null_gradient[new]])
        self._w = np.concatenate([self._w, np.zeros(fresh)])
        self._slope = np.concatenate([self._slope, np.zeros(fresh)])
        self._q = np.concatenate([self._q, self.correlate(self._neg_gradient, self._q.size)])
        self._inside = np.concatenate([self._inside, np.zeros(fresh, dtype=np.bool_)])

    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> list[RestrictedSolution]:
        """Every strength of the segment in one call of the kernel; the first may have been tried before."""
        coefs, epochs = np.zeros((lambdas.size, self._w.size)), np.zeros(lambdas.size)
        # By the definition of λ_max there is nothing to solve above it; descent could only add rounding to exact zeros.
        empty = int(np.count_nonzero(lambdas >= self.top))
        if empty < lambdas.size:
            most = self.problem.most(max_epochs) - self._made
            self._descend(lambdas[empty:], 0.9 * tol * self.unit, most, coefs[empty:], epochs[empty:])
        epochs[0] += self._made
        eta = self.predictor(coefs.T)
        residuals = self.response.target[:, None] - eta
        neg_gradients = 2.0 * self.weight[:, None] * residuals
        losses = self.weight @ residuals**2
        return [
            RestrictedSolution(
                coefs[b],
                0.0,
                eta[:, b],
                neg_gradients[:, b],
                float(losses[b]),
                lam=lam,
                epochs=int(epochs[b]),
            )
            for b, lam in enumerate(lambdas.tolist())
        ]

    def _descend(self, lambdas: Float, tol: float, max_epochs: int, coefs: Float, epochs: Float) -> None:
        index = self._near(lambdas)
        found = np.empty((lambdas.size, index.size))
        parts = self.columns.parts(index.size)
        if parts is None:
            self._in_block(index, lambdas, tol, max_epochs, found, epochs)
        else:
            self._in_rows(parts, index, lambdas, tol, max_epochs, found, epochs)
        coefs[:, index] = found

    def _in_block(
        self, index: Index, lambdas: Float, tol: float, max_epochs: int, found: Float, epochs: Float
    ) -> None:
        """Descend on H of these columns, formed for this segment."""
        w, c, table = self._w[index], self._c[index], self.table
        at = self.columns.used[index]
        H = self._gram.block(index, self.standardization.mean[at], self._scale(at), self.held, self._share)
        bb = anchor(H, w, self._q[index], c, self._bb)
        walk(
            H, c, bb, lambdas, self.reached, self._slope[index], w, self._q[index],
            np.take(self.rho(1.0), index, axis=1), table.knee, table.flat, tol, max_epochs,
            found, np.empty(found.shape), np.empty(lambdas.size), epochs,
        )  # fmt: skip

    def _in_rows(
        self, parts: Parts, index: Index, lambdas: Float, tol: float, max_epochs: int, found: Float, epochs: Float
    ) -> None:  # fmt: skip
        """Descend along the entries of these columns, without H."""
        table, at = self.table, self.columns.used[index]
        walk_rows(
            parts, index, self.weight, self.standardization.mean[at], self._scale(at), self._c[index], self._bb,
            lambdas, self.reached, self._slope[index], self._w[index], self._q[index],
            np.take(self.rho(1.0), index, axis=1), table.knee, table.flat, tol, max_epochs, found, epochs,
        )  # fmt: skip

    def _scale(self, at: Index) -> Float:
        """√2/deviation of the columns ``at``: H is 2X̃ᵀSX̃."""
        return np.where(
            self.standardization.moving[at], np.sqrt(2.0) / self.standardization.deviation[at], 0.0
        )

    def _near(self, lambdas: Float) -> Index:
        """Columns in use that have a coefficient, may get one on this segment, or were missed when it was last tried."""
        least = lambdas[-1] - _BEYOND * (min(self.reached, 2.0 * float(lambdas[0])) - lambdas[-1])
        used = self.columns.used
        self._inside |= (self._w != 0.0) | (
            (np.abs(self._q) >= least * self.table.l1[used]) & self._open[used]
        )
        return np.flatnonzero(self._inside)

    def certified(self, point: RestrictedSolution, q: Float) -> Kept:
        """The gap from H's c and bᵀb and the exact q."""
        rho, table = self.rho(point.lam), self.table
        measure = measured(point.coef, q, self._c, self._bb, rho, table.knee, table.flat)
        measure = max(float(measure) + self._slope_cost(point), EPS * point.loss)
        return Kept(point, measure / self.unit, self.held_out(point.eta))

    def _slope_cost(self, point: RestrictedSolution) -> float:
        """What the intercept's own slope g costs: its refit gains g²/4, and a distance is |g|, or the rounding of one."""
        slope = abs(float(point.neg_gradient.sum())) if self.problem.fit_intercept else 0.0
        if self.penalty.traits.convex:
            return 0.25 * slope**2
        return max(slope, 2.0 * EPS * float(np.sqrt(self.weight @ point.eta**2)))

    def improvable(self, kept: Kept, q: Float) -> bool:
        """Go on from ``kept`` on the columns that the segment left out, or from its exact q, while that halves the measure."""
        point = kept.point
        if self.problem.max_iter is not None and point.epochs >= self.problem.max_iter:
            return False
        if add_violators(q, self.rho(point.lam), self._inside):
            return True
        if kept.measure > 0.5 * self._tried:
            return False
        self._tried, self._made = kept.measure, point.epochs
        self._go_to(point, q)
        return True

    def go_on_from(self, point: RestrictedSolution, q: Float) -> None:
        """Let the next segment start at ``point``, with nothing tried yet."""
        self._go_to(point, q)
        self._inside = np.zeros(self._w.size, dtype=np.bool_)
        self._tried, self._made = np.inf, 0

    def saved_of_loss(self) -> Arrays:
        """Its vectors; the Gram matrix is shared, and no part of it."""
        return taken(self, _STATE)

    def resume_of_loss(self, arrays: Arrays) -> None:
        """The vectors as they were when they were saved."""
        give(self, _STATE, arrays)

    def _go_to(self, point: RestrictedSolution, q: Float) -> None:
        step = point.lam - self.reached
        self._slope = (point.coef - self._w) / step if step else np.zeros(self._w.size)
        self._w, self._q, self.reached = point.coef.copy(), q.copy(), point.lam
        self._neg_gradient = np.ascontiguousarray(point.neg_gradient)
