"""The rows of losses whose outputs do not touch each other: logistic, Poisson, Huber."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers.newton.outputs import Iterate, Outputs
from taut.solvers.newton.pieces import Pieces
from taut.solvers.problem.curvature import row_bends, solve_bent
from taut.solvers.problem.intercept import centre
from taut.solvers.problem.rows import rows_of
from taut.solvers.problem.scaled import ScaledProblem
from taut.types import Float, Index


@final
class IndependentOutputs(Outputs):
    """Σ_i s_i ℓ(η_i, y_i); ``curve`` is s ℓ''."""

    coupled = False

    def bind(self, problem: ScaledProblem) -> None:
        """Compiled rows where there are some, and a piecewise loss's pieces."""
        self.problem, self.pieces = problem, Pieces.of(problem.loss, problem.y, problem.weight)
        targets = problem.y.reshape(problem.y.shape[0], -1).T
        self._each = [rows_of(problem.loss, target, problem.weight) for target in targets]
        self._one = None if problem.outputs else self._each[0]

    def value(self, eta: Float, neg_gradient: Float) -> float:
        """L, and the negative row gradients; by compiled rows where there is one output."""
        if self._one is not None:
            loss, neg_gradient[0] = self._one.at(eta[0])
            return loss
        np.negative(self.problem.residual(eta.T).T, out=neg_gradient)
        return self.problem.data_loss(eta.T)

    def centred(self, coef: Float, eta: Float, fine: float) -> Iterate | None:
        """With an intercept and nothing else that is free, the roots of monotone sums, one for each output."""
        if self.n_free != 1 or not self.problem.fit_intercept:
            return None
        own = [centre(rows, values, fine) for rows, values in zip(self._each, eta, strict=True)]
        coef = coef.copy()
        coef[0] += [one.shift for one in own]
        if self._one is not None:
            return Iterate(coef, own[0].eta[None], own[0].pull[None], own[0].loss)
        eta, neg_gradient = np.stack([one.eta for one in own]), np.empty_like(eta)
        return Iterate(coef, eta, neg_gradient, self.value(eta, neg_gradient))

    def losses(self, iterate: Iterate) -> Float:
        """Each output's share of L (k,), which is a mean over outputs."""
        if self._one is not None:
            return np.array([iterate.loss])
        return (
            np.array([rows.at(eta)[0] for rows, eta in zip(self._each, iterate.eta, strict=True)])
            / self.classes
        )

    def conjugates(self, iterate: Iterate, shrink: Float) -> Float:
        """Each output's own: of a mean over k of them, a kth of its conjugate at k times its negative row gradients."""
        k, neg_gradients = (
            self.classes,
            iterate.neg_gradient if self._one is not None else self.classes * iterate.neg_gradient,
        )
        each = zip(self._each, neg_gradients, shrink.tolist(), strict=True)
        values = np.array([rows.conjugate(neg_gradient, -share) for rows, neg_gradient, share in each]) / k
        if self.problem.offset is None:
            return values
        return np.asarray(values + shrink * np.einsum("kn,kn->k", iterate.neg_gradient, self.base))

    def curve(self, iterate: Iterate) -> Float:
        """s ℓ'' (k, n), bounded away from zero in every output where a row's slope is not as small."""
        return self._curvature(iterate.eta, iterate.neg_gradient)

    def _curvature(self, eta: Float, neg_gradient: Float) -> Float:
        shaped, own = (eta.T, neg_gradient.T) if self.problem.outputs else (eta[0], neg_gradient[0])
        return row_bends(self.problem.bound, shaped, own, self.caution).T.reshape(eta.shape)

    def free_step(self, eta: Float, neg_gradient: Float, gradient: Float) -> Float:
        """Newton's step of each output alone, by its own Hessian."""
        free, step = self.design[: self.n_free], np.empty_like(gradient)
        for c, row in enumerate(self._curvature(eta, neg_gradient)):
            step[:, c] = solve_bent((free * row) @ free.T, gradient[:, c])
        return step

    def products(self, left: Index, right: Index, curve: Float) -> Float:
        """Σ curve x x' within an output, 0 between outputs."""
        k, G = self.classes, np.zeros((left.size, right.size))
        for c, row in enumerate(curve):
            own, other = np.flatnonzero(left % k == c), np.flatnonzero(right % k == c)
            G[np.ix_(own, other)] = self._gram(left[own] // k, right[other] // k, row)
        return G

    def _gram(self, left: Index, right: Index, row: Float) -> Float:
        root = np.sqrt(row)
        A = self.design[left] * root
        return np.asarray(A @ (A if left is right else self.design[right] * root).T)

    def residual_square(self, neg_gradient: Float, curve: Float, classes: Index) -> float:
        """Σ g²/curve over rows and classes, g the negative row gradients."""
        part, row = neg_gradient[classes], curve[classes]
        # The quotient first: a square of large row gradients may be beyond all numbers.
        return float(np.sum(part * np.divide(part, row, out=np.zeros_like(part), where=row > 0.0)))
