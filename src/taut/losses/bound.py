"""A loss bound to rows: L(η) = Σ_i s_i ℓ(η_i, y_i) with its row gradients, curvatures and conjugate, as solvers ask for them.

Solvers see no y: a loss whose rows are not independent, such as the partial likelihood of Cox's model, brings a bound loss of
its own by ``Loss.bind``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from taut.arrays import Array
from taut.defaults import default
from taut.losses.traits import LossTraits

Float = NDArray[np.float64]

MAJORANT = 1e-3
"""Share of ``Loss.curvature_bound``: so little that Newton's last steps are Newton's, and rows without any hold a step where
no others do."""


class RowLoss(Protocol):
    """What a bound loss asks of ℓ: the members of ``Loss``."""

    @property
    def traits(self) -> LossTraits:
        """What may be relied on."""

    def pointwise(self, eta: Array, y: Array) -> Array:
        """ℓ of every row."""

    def derivative(self, eta: Array, y: Array) -> Array:
        """∂ℓ/∂η of every row."""

    def curvature(self, eta: Array, y: Array) -> Array:
        """∂²ℓ/∂η² of every row."""

    def curvature_bound(self, eta: Array, y: Array) -> Array:
        """A curvature at which a Newton step never raises ℓ."""

    def inverse_link(self, eta: Array) -> Array:
        """The mean of y."""

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """The best constant η."""

    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """The best number to add to η in closed form."""

    def outputs(self, y: Array) -> int:
        """The number of outputs."""

    def slope_terms(self, eta: Float, y: Float) -> Float | None:
        """Size of what ∂ℓ/∂η is a difference of."""

    def falls_toward(self, y: Float) -> Float | None:
        """The sign of the direction of η in which ℓ falls for ever."""

    def saturated(self, y: Array) -> Float:
        """inf ℓ of every row."""

    def conjugate(self, u: Array, y: Array) -> Float:
        """ℓ* of every row."""


class BoundLoss(ABC):
    """L(η) for the rows' y (n[, q]), weights s (n,) that sum to one, and an offset (n,) or (n, k) that η already contains.

    η is (n,) or (n, k), row gradients and curvatures are shaped as η; all is float64.
    """

    def __init__(self, loss: RowLoss, y: Float, weight: Float, offset: Float | None = None) -> None:
        self.loss, self.y, self.weight, self.offset, self.traits = loss, y, weight, offset, loss.traits
        # How far an intercept may have to go: the size of y where η is in its units, an e-fold where η is a logarithm.
        size = float(np.abs(y).max(initial=0.0)) if self.traits.in_units_of_y else 0.0
        self.reach = size or 1.0

    @abstractmethod
    def value(self, eta: Float) -> float:
        """L."""

    @abstractmethod
    def gradient(self, eta: Float) -> Float:
        """∂L/∂η, the row gradients s ∘ ℓ'(η): their correlation with a column is L's slope in its coefficient."""

    @abstractmethod
    def curvature(self, eta: Float, share: float = MAJORANT) -> Float:
        """∂²L/∂η_i² per unit of the row's weight, ≥ 0; where ℓ'' has jumps, at least a ``share`` of a majorant's."""

    @abstractmethod
    def conjugate(self, u: Float, share: float = 1.0) -> float:
        """Σ_i s_i ℓ_i*(share·u_i/s_i) over rows that count, ℓ_i as a function of η without its offset; u shaped as η."""

    @abstractmethod
    def saturated(self) -> float:
        """inf L."""

    @default
    def at(self, eta: Float) -> tuple[float, Float]:
        """L, and the negative row gradients −∂L/∂η."""
        return self.value(eta), -self.gradient(eta)

    def floored_curvature(self, eta: Float, floor: float) -> Float:
        """s ∘ ``curvature`` (n,), no row having less than the share ``floor`` of the largest."""
        curvature = self.curvature(eta)
        return np.asarray(self.weight * np.maximum(curvature, floor * float(curvature.max())))


def along_outputs(vector: Float, eta: Float) -> Float:
    """``vector`` (n,) shaped to broadcast over the outputs of ``eta`` (n[, k])."""
    return vector[:, None] if vector.ndim < eta.ndim else vector


@final
class RowwiseLoss(BoundLoss):
    """Rows that have nothing to do with each other, by ℓ's own functions."""

    def value(self, eta: Float) -> float:
        """Σ s ℓ."""
        return float(self.weight @ np.asarray(self.loss.pointwise(eta, self.y)))

    def gradient(self, eta: Float) -> Float:
        """s ∘ ℓ'."""
        slope = np.asarray(self.loss.derivative(eta, self.y))
        return np.asarray(slope * along_outputs(self.weight, slope))

    def curvature(self, eta: Float, share: float = MAJORANT) -> Float:
        """ℓ''; a step on the whole majorant, share 1, never raises the loss."""
        curvature = np.asarray(self.loss.curvature(eta, self.y))
        if self.traits.smooth:
            return curvature
        return np.asarray(np.maximum(curvature, share * np.asarray(self.loss.curvature_bound(eta, self.y))))

    def conjugate(self, u: Float, share: float = 1.0) -> float:
        """Row by row."""
        rows = self.weight > 0.0
        weight, part = self.weight[rows], share * u[rows]
        value = float(
            weight @ np.asarray(self.loss.conjugate(part / along_outputs(weight, part), self.y[rows]))
        )
        if self.offset is None:
            return value
        return value - share * float(np.sum(u * along_outputs(self.offset, u)))

    def saturated(self) -> float:
        """Σ s inf ℓ."""
        return float(self.weight @ np.asarray(self.loss.saturated(self.y)))
