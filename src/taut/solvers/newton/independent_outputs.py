"""The rows of losses whose outputs do not touch each other: squared, logistic, Poisson, Huber."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.losses import Multinomial
from taut.solvers.newton.huber_pieces import HuberPieces
from taut.solvers.newton.outputs import PairRows, Place
from taut.solvers.problem.curvature import row_curvature, solve_bent
from taut.solvers.problem.intercept import centre
from taut.solvers.problem.rows import rows_of
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.tolerances import FLOOR
from taut.solvers.problem.units import along
from taut.types import Float, Index


@final
class OutputRows(PairRows):
    """Σ_i s_i ℓ(η_i, y_i); ``curve`` is s ℓ''."""

    def __init__(self, problem: ScaledProblem) -> None:
        if isinstance(problem.loss, Multinomial):
            raise TypeError("the classes of a softmax are coupled: use SoftmaxRows")
        super().__init__(problem)
        self._count = problem.weight > 0.0
        self.bind(problem)

    def bind(self, problem: ScaledProblem) -> None:
        """Compiled rows where there are some, and a Huber loss's pieces."""
        self.problem, self.pieces = problem, HuberPieces.of(problem.loss, problem.y, problem.weight)
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

    def conjugate(self, pull: Float, shrink: float) -> float:
        """Over the rows that count."""
        shift = shrink * float(np.vdot(pull, self.base)) if self.problem.offset is not None else 0.0
        if self._one is not None:
            return self._one.conjugate(pull[0], shrink) + shift
        weight, rows = self.weight[self._count], pull.T[self._count]
        slope = -shrink * rows / along(weight, rows)
        return shift + float(
            weight @ np.asarray(self.problem.loss.conjugate(slope, self.problem.y[self._count]))
        )

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
        if self.problem.squared:
            return self._alike(left, right, curve[0])
        k, G = self.classes, np.zeros((left.size, right.size))
        for c, row in enumerate(curve):
            own, other = np.flatnonzero(left % k == c), np.flatnonzero(right % k == c)
            G[np.ix_(own, other)] = self._gram(left[own] // k, right[other] // k, row)
        return G

    def _alike(self, left: Index, right: Index, row: Float) -> Float:
        """All outputs have one curvature: each product of two columns is taken once."""
        k = self.classes
        ours, at = np.unique(left // k, return_inverse=True)
        theirs, to = (ours, at) if left is right else np.unique(right // k, return_inverse=True)
        gram = self._gram(ours, theirs, row)[np.ix_(at, to)]
        return np.where(np.equal.outer(left % k, right % k), gram, 0.0) if k > 1 else gram

    def _gram(self, left: Index, right: Index, row: Float) -> Float:
        root = np.sqrt(row)
        A = self.design[left] * root
        return np.asarray(A @ (A if left is right else self.design[right] * root).T)

    def residual_square(self, pull: Float, curve: Float, classes: Index) -> float:
        """Σ pull²/curve."""
        part, row = pull[classes], curve[classes]
        # The quotient first: a square of large row gradients may be beyond all numbers.
        return float(np.sum(part * np.divide(part, row, out=np.zeros_like(part), where=row > 0.0)))
