"""A loss bound to the rows of a problem: what a Newton method asks of it at every step, with a fast way for classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from taut.losses import Logistic, Loss, Multinomial
from taut.solvers._kernels.logistic import logistic_conjugate, logistic_rows, logistic_step
from taut.solvers.problem.curvature import row_curvature
from taut.solvers.problem.tolerances import EPS, FLOOR
from taut.solvers.problem.units import scales_y
from taut.types import Float


def level_of(loss: Loss) -> float:
    """What a weighted mean of ``loss`` is rounded by however small it is: log Σ e^η of classes is that of a number near one."""
    return 4.0 * EPS if isinstance(loss, Logistic | Multinomial) else 0.0


class Rows(ABC):
    """L(η) = Σ_i s_i ℓ(η_i, y_i) for one output."""

    def __init__(self, loss: Loss, target: Float, weight: Float) -> None:
        self.loss, self.target, self.weight = loss, target, weight
        # How far an intercept may have to go: the size of y where η is in its units, an e-fold where η is a logarithm.
        size = float(np.abs(target).max(initial=0.0)) if scales_y(loss) else 0.0
        self.reach = size or 1.0

    @abstractmethod
    def at(self, eta: Float) -> tuple[float, Float]:
        """L, and the pulls −∂L/∂η (n,)."""

    @abstractmethod
    def conjugate(self, pull: Float, shrink: float) -> float:
        """Σ s_i ℓ_i*(−shrink·pull_i/s_i)."""

    def bends(self, eta: Float) -> Float:
        """s ℓ'' of every row (n,): how fast its pull falls with an intercept."""
        return np.asarray(self.weight * row_curvature(self.loss, eta, self.target))

    def curvature(self, eta: Float) -> Float:
        """s_i ℓ''(η_i), bounded away from zero: (n,)."""
        curvature = row_curvature(self.loss, eta, self.target)
        return self.weight * np.maximum(curvature, FLOOR * float(curvature.max()))


@final
class PlainRows(Rows):
    """Any loss, by its own functions."""

    def at(self, eta: Float) -> tuple[float, Float]:
        """Value and derivative."""
        value = float(self.weight @ np.asarray(self.loss.pointwise(eta, self.target)))
        return value, -self.weight * np.asarray(self.loss.derivative(eta, self.target))

    def conjugate(self, pull: Float, shrink: float) -> float:
        """Over the rows that count."""
        rows = self.weight > 0.0
        slope = -shrink * pull[rows] / self.weight[rows]
        return float(self.weight[rows] @ np.asarray(self.loss.conjugate(slope, self.target[rows])))


@final
class LogisticRows(Rows):
    """Binary cross-entropy by compiled sweeps."""

    def at(self, eta: Float) -> tuple[float, Float]:
        """One sweep for both."""
        pull = np.empty_like(eta)
        return logistic_rows(eta, self.target, self.weight, pull), pull

    def step(self, X: Float, move: Float, eta: Float) -> tuple[float, Float, Float]:
        """η += X move in place; L, the pulls and Xᵀ pulls there, reading X (n, m), column-major, once."""
        pull, correlations = np.empty_like(eta), np.zeros(X.shape[1])
        loss = logistic_step(X, move, self.target, self.weight, eta, pull, correlations)
        return loss, pull, correlations

    def conjugate(self, pull: Float, shrink: float) -> float:
        """One sweep."""
        return logistic_conjugate(pull, self.target, self.weight, shrink)


def rows_of(loss: Loss, target: Float, weight: Float) -> Rows:
    """The rows of ``loss``, compiled where they can be."""
    rows = LogisticRows if isinstance(loss, Logistic) else PlainRows
    return rows(loss, np.ascontiguousarray(target), np.ascontiguousarray(weight))
