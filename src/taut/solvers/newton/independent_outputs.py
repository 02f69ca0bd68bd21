"""The rows of losses whose outputs do not touch each other: logistic, Poisson, Huber."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers.matrix import Float, Index
from taut.solvers.newton.outputs import PairRows, Place
from taut.solvers.problem.curvature import row_curvature, solve_bent
from taut.solvers.problem.intercept import centre
from taut.solvers.problem.rows import rows_of
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.tolerances import FLOOR


@final
class OutputRows(PairRows):
    """Σ_i s_i ℓ(η_i, y_i); ``curve`` is s ℓ''."""

    coupled = False

    def __init__(self, problem: ScaledProblem) -> None:
        super().__init__(problem)
        targets = problem.y.reshape(problem.y.shape[0], -1).T
        self._each = [rows_of(problem.loss, target, problem.weight) for target in targets]
        self._one = None if problem.outputs else self._each[0]

    def value(self, eta: Float, pull: Float) -> float:
        """One output has compiled rows."""
        if self._one is not None:
            loss, pull[0] = self._one.at(eta[0])
            return loss
        np.negative(self.problem.residual(eta.T).T, out=pull)
        return self.problem.data_loss(eta.T)

    def centred(self, coef: Float, eta: Float, fine: float) -> Place | None:
        """With an intercept and nothing else that is free, the roots of monotone sums, one for each output."""
        if self.lead != 1 or not self.problem.fit_intercept:
            return None
        own = [centre(rows, values, fine) for rows, values in zip(self._each, eta, strict=True)]
        coef = coef.copy()
        coef[0] += [one.shift for one in own]
        if self._one is not None:
            return Place(coef, own[0].eta[None], own[0].pull[None], own[0].loss)
        eta, pull = np.stack([one.eta for one in own]), np.empty_like(eta)
        return Place(coef, eta, pull, self.value(eta, pull))

    def losses(self, place: Place) -> Float:
        """L is a mean over outputs."""
        if self._one is not None:
            return np.array([place.loss])
        return (
            np.array([rows.at(eta)[0] for rows, eta in zip(self._each, place.eta, strict=True)])
            / self.classes
        )

    def conjugates(self, place: Place, shrink: Float) -> Float:
        """Each output's own: of a mean over k of them, a kth of its conjugate at k times its pulls."""
        k, pulls = self.classes, place.pull if self._one is not None else self.classes * place.pull
        each = zip(self._each, pulls, shrink.tolist(), strict=True)
        values = np.array([rows.conjugate(pull, share) for rows, pull, share in each]) / k
        if self.problem.offset is None:
            return values
        return np.asarray(values + shrink * np.einsum("kn,kn->k", place.pull, self.base))

    def curve(self, place: Place) -> Float:
        """s ℓ'', bounded away from zero."""
        return self._curvature(place.eta)

    def _curvature(self, eta: Float) -> Float:
        shaped = eta.T if self.problem.outputs else eta[0]
        curvature = np.asarray(row_curvature(self.problem.loss, shaped, self.problem.y, self.caution))
        curvature = curvature.T.reshape(eta.shape)
        floor = FLOOR * curvature.max(axis=1, keepdims=True)
        return np.asarray(self.weight * np.maximum(curvature, floor))

    def lead_step(self, eta: Float, pull: Float, gradient: Float) -> Float:
        """Output by output."""
        lead, step = self.design[: self.lead], np.empty_like(gradient)
        for c, row in enumerate(self._curvature(eta)):
            step[:, c] = solve_bent((lead * row) @ lead.T, gradient[:, c])
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

    def residual_square(self, pull: Float, curve: Float, classes: Index) -> float:
        """Σ pull²/curve."""
        part, row = pull[classes], curve[classes]
        # The quotient first: a square of large row gradients may be beyond all numbers.
        return float(np.sum(part * np.divide(part, row, out=np.zeros_like(part), where=row > 0.0)))
