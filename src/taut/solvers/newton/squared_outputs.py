"""The rows of the squared loss, which is its own quadratic: all outputs share one Gram matrix, and nothing is built twice."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers.newton.outputs import Iterate, Outputs
from taut.solvers.problem.scaled import ScaledProblem
from taut.types import Float, Index


@final
class SquaredOutputs(Outputs):
    """Σ_i s_i Σ_c (η_ic − y_ic)²/k; ``curve`` is 2s/k, whatever η."""

    coupled = False
    exact = True

    def __init__(self, problem: ScaledProblem) -> None:
        super().__init__(problem)
        self._target = np.ascontiguousarray(problem.y.reshape(problem.y.shape[0], -1).T)
        self._bend = 2.0 / self.classes * self.weight
        self._products = np.empty((0, 0))
        self._known = np.zeros(0, dtype=bool)

    def value(self, eta: Float, neg_gradient: Float) -> float:
        """L, and the negative row gradients, from the residuals."""
        residual = self._target - eta
        np.multiply(residual, self._bend, out=neg_gradient)
        return 0.5 * float(np.vdot(residual, neg_gradient))

    def losses(self, iterate: Iterate) -> Float:
        """From the negative row gradients, which are the residuals times 2s/k."""
        return np.asarray(0.5 * np.einsum("ki,ki->k", self._target - iterate.eta, iterate.neg_gradient))

    def centred(self, coef: Float, eta: Float, fine: float) -> Iterate:
        """The unpenalised columns are orthonormal in the metric of the weights: they go to their optimum at once."""
        neg_gradient = np.empty_like(eta)
        loss, free = self.value(eta, neg_gradient), self.design[: self.n_free]
        for _ in range(2 if self.n_free else 0):
            gradient = free @ neg_gradient.T
            if float(np.abs(gradient).max()) <= fine * float(np.abs(neg_gradient).sum()):
                break
            step = 0.5 * self.classes * gradient
            coef = coef.copy()
            coef[: self.n_free] += step
            eta = eta + step.T @ free
            loss = self.value(eta, neg_gradient)
        return Iterate(coef, eta, neg_gradient, loss)

    def conjugates(self, iterate: Iterate, shrink: Float) -> Float:
        """Σ s ℓ* = a²L − a⟨neg_gradient, y − o⟩ at a times the negative row gradients of a point with loss L."""
        cross = np.einsum("ki,ki->k", iterate.neg_gradient, self._target - self.base)
        return np.asarray(shrink * (shrink * self.losses(iterate) - cross))

    def curve(self, iterate: Iterate) -> Float:
        """2s/k (k, n), which is the same at every iterate."""
        return np.broadcast_to(self._bend, iterate.eta.shape)

    def free_step(self, eta: Float, neg_gradient: Float, gradient: Float) -> Float:
        """Newton's own; the basis is orthonormal."""
        return 0.5 * self.classes * gradient

    def products(self, left: Index, right: Index, curve: Float) -> Float:
        """Σ curve x x' within an output, 0 between outputs."""
        k = self.classes
        self._learn(np.concatenate([left, right]) // k if left is not right else left // k)
        gram = self._products[np.ix_(left // k, right // k)]
        outputs = np.concatenate([left % k, right % k])
        if outputs.size and np.ptp(outputs):
            gram *= np.equal.outer(left % k, right % k)
        return gram

    def _learn(self, columns: Index) -> None:
        """Products of these columns with all that are in use; each is computed once, and serves every output."""
        total = self.design.shape[0]
        self._reserve(total)
        new = columns[~self._known[columns]]
        if not new.size:
            return
        new = np.unique(new)
        block = (self.design[new] * self._bend) @ self.design.T
        self._products[new, :total] = block
        self._products[:total, new] = block.T
        self._known[new] = True

    def _reserve(self, total: int) -> None:
        have = self._known.size
        if total <= have:
            return
        room = np.zeros((max(total, min(2 * have, self.n_free + self.slot.size)),) * 2)
        room[:have, :have] = self._products
        known = np.zeros(len(room), dtype=bool)
        known[:have] = self._known
        self._products, self._known = room, known

    def residual_square(self, neg_gradient: Float, curve: Float, classes: Index) -> float:
        """Twice the loss of these classes."""
        part = neg_gradient[classes]
        return float(
            np.sum(part * np.divide(part, self._bend, out=np.zeros_like(part), where=self._bend > 0.0))
        )
