"""Bound losses with a compiled way: binary cross-entropy in one sweep over its rows."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.losses import MAJORANT, BoundLoss, Loss, probabilities
from taut.solvers._kernels.logistic import (
    logistic_conjugate,
    logistic_curvature,
    logistic_rows,
    logistic_step,
)
from taut.solvers._kernels.softmax import softmax_rows
from taut.solvers.problem.tolerances import EPS
from taut.types import Float


def level_of(loss: Loss) -> float:
    """What a weighted mean of ``loss`` is rounded by however small it is: log Σ e^η of classes is that of a number near one."""
    return 4.0 * EPS if loss.traits.cross_entropy else 0.0


@final
class LogisticRows(BoundLoss):
    """Binary cross-entropy by compiled sweeps, for one output and no offset."""

    def value(self, eta: Float) -> float:
        """L, by one sweep over the rows."""
        return self.at(eta)[0]

    def gradient(self, eta: Float) -> Float:
        """The row gradients, by one sweep over the rows."""
        return -self.at(eta)[1]

    def at(self, eta: Float) -> tuple[float, Float]:
        """L and the negative row gradients, by one sweep over the rows."""
        pull = np.empty_like(eta)
        return logistic_rows(eta, self.y, self.weight, pull), pull

    def step(self, X: Float, move: Float, eta: Float) -> tuple[float, Float, Float]:
        """η += X move in place; L, the pulls and Xᵀ pulls there, reading X (n, m), column-major, once."""
        pull, correlations = np.empty_like(eta), np.zeros(X.shape[1])
        loss = logistic_step(X, move, self.y, self.weight, eta, pull, correlations)
        return loss, pull, correlations

    def curvature(self, eta: Float, share: float = MAJORANT) -> Float:
        """p(1 − p), which has no jumps."""
        del share
        bends = np.empty_like(eta)
        logistic_curvature(eta, bends)
        return bends

    def conjugate(self, u: Float, share: float = 1.0) -> float:
        """The conjugate of the mean, by one sweep over the rows."""
        return logistic_conjugate(u, self.y, self.weight, -share)

    def saturated(self) -> float:
        """The weighted mean of y's entropy, which no fit undercuts."""
        return float(self.weight @ np.asarray(self.loss.saturated(self.y)))


@final
class SoftmaxRows(BoundLoss):
    """Cross-entropy of several classes by compiled sweeps; what is not asked in every step is ``plain``'s."""

    def __init__(self, plain: BoundLoss) -> None:
        super().__init__(plain.loss, plain.y, plain.weight, plain.offset)
        self._plain = plain
        blank = np.empty((len(plain.y), plain.loss.outputs(plain.y)))
        self._target = np.ascontiguousarray(np.asarray(probabilities(plain.y, blank)).T)

    def value(self, eta: Float) -> float:
        """L, by one sweep over the rows."""
        return self.at(eta)[0]

    def gradient(self, eta: Float) -> Float:
        """The row gradients (n, k), by one sweep over the rows."""
        return -self.at(eta)[1]

    def at(self, eta: Float) -> tuple[float, Float]:
        """L and the negative row gradients (n, k), by one sweep over the rows."""
        pull = np.empty_like(self._target)
        loss = float(softmax_rows(np.ascontiguousarray(eta.T), self._target, self.weight, pull))
        return loss, np.ascontiguousarray(pull.T)

    def curvature(self, eta: Float, share: float = MAJORANT) -> Float:
        """p(1 − p), which has no jumps."""
        return self._plain.curvature(eta, share)

    def conjugate(self, u: Float, share: float = 1.0) -> float:
        """The conjugate of the mean, row by row."""
        return self._plain.conjugate(u, share)

    def saturated(self) -> float:
        """The weighted mean of y's entropy, which no fit undercuts."""
        return self._plain.saturated()


def rows_of(loss: Loss, y: Float, weight: Float) -> BoundLoss:
    """``loss`` bound to the rows of one output, compiled where it can be."""
    return compiled(loss.bind(np.ascontiguousarray(y), np.ascontiguousarray(weight)))


def compiled(bound: BoundLoss) -> BoundLoss:
    """The same by a compiled way where there is one."""
    traits = bound.loss.traits
    if traits.cross_entropy and traits.couples_outputs:
        return SoftmaxRows(bound)
    if traits.cross_entropy and not traits.couples_outputs and bound.offset is None:
        return LogisticRows(bound.loss, np.ascontiguousarray(bound.y), np.ascontiguousarray(bound.weight))
    return bound
