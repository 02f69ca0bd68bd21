"""The contract of every loss: ℓ(η, y) of one row, its derivatives and conjugate, and L of the rows that it is bound to.

A loss composes a link and is otherwise abstract; the classes beside this file are final. Solvers see a bound loss and no y:
a loss whose rows are not independent, such as the partial likelihood of Cox's model, brings one of its own by ``Loss.bind``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from taut.arrays import Array, Scalar, as_float, like, namespace
from taut.defaults import default
from taut.losses.links import Link
from taut.losses.traits import LossTraits
from taut.types import Float

DOMAIN_TOLERANCE = 1e-12
"""How far, relatively, a dual point may lie outside a conjugate's domain and still count as rounding."""
MAJORANT = 1e-3
"""Share of ``Loss.curvature_bound``: so little that Newton's last steps are Newton's, and rows without any hold a step where
no others do."""


def shares(weight: Array | None, rows: Array) -> Array:
    """The row weights s = weight / Σ weight (..., n), like ``rows`` (..., n) in kind and dtype.

    None means 1/n each; Σ weight must be positive.
    """
    if weight is None:
        return namespace(rows).ones_like(rows) / rows.shape[-1]
    weight = like(weight, rows)
    return weight / namespace(weight).sum(weight, axis=-1, keepdims=True)


def weighted_mean(y: Float, weight: Array | None) -> Float:
    """Σ_i s_i y_i over the first axis, s = weight / Σ weight: a 0-d array, or (k,) for y (n, k)."""
    return np.asarray(
        np.average(y, axis=0, weights=None if weight is None else np.asarray(weight, dtype=np.float64))
    )


@dataclass(frozen=True)
class Loss(ABC):
    """A data loss L(η, y) = Σ_i s_i ℓ(η_i, y_i) with s = weight / Σ weight: a weighted mean, never a sum.

    η is (n,), or (n, k) where ``multi_output(y)``; any number of axes may stand before the rows (members of a
    stack: (M, n) or (M, n, k)), and then ``weight`` may be (n,) or (M, n). NumPy, PyTorch and JAX arrays go
    in and the same kind and dtype comes out; y and weight are brought to η's. ``null``, ``saturated``,
    ``conjugate`` and ``check_target`` are for the solvers and compute in NumPy's float64. Where |η| is huge
    (1e4) all results stay finite.
    """

    @property
    @abstractmethod
    def link(self) -> Link:
        """The link between η and the mean."""

    @property
    @default
    def traits(self) -> LossTraits:
        """What may be relied on; by default only what every loss of one smooth number has."""
        return LossTraits()

    @abstractmethod
    def pointwise(self, eta: Array, y: Array) -> Array:
        """ℓ(η_i, y_i) of every row: (..., n)."""

    @abstractmethod
    def derivative(self, eta: Array, y: Array) -> Array:
        """∂ℓ_i/∂η_i of every row, unweighted, shaped as η."""

    @abstractmethod
    def curvature(self, eta: Array, y: Array) -> Array:
        """∂²ℓ_i/∂η_i², unweighted, shaped as η; with several outputs the diagonal of the Hessian."""

    @default
    def unit_curvature(self, outputs: int) -> float:
        """c, where ∂ℓ/∂η = c·(mean − y) near the fit with so many outputs: 1 for likelihoods, 2/q for squares without a ½.

        MCP and SCAD measure how fast they bend against it (``Penalty.at_curvature``); 1 by default.
        """
        return 1.0

    @default
    def bind(self, y: Float, weight: Float, offset: Float | None = None) -> BoundLoss:
        """L of these rows, for the solvers: y as ``check_target`` gives it, ``weight`` (n,) summing to one.

        By default row by row, from ``pointwise`` and its derivatives.
        """
        return RowwiseLoss(self, y, weight, offset)

    @default
    def curvature_bound(self, eta: Array, y: Array) -> Array:
        """A curvature at which one Newton step never raises ℓ, shaped as η; by default ``curvature``.

        Losses with ``traits.smooth`` false have one of their own: the curvature of a parabola through ℓ(η) that lies above ℓ.
        """
        return self.curvature(eta, y)

    @default
    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """argmin_b Σ s_i ℓ(base_i + b, y_i) in closed form, 0-d or (k,); None, the default, where there is none.

        ``weight`` sums to one. Where b is infinite it is such that no row's ℓ can fall further.
        """
        return None

    @default
    def slope_terms(self, eta: Float, y: Float) -> Float | None:
        """How large the terms are that ∂ℓ_i/∂η_i is a difference of, shaped as η, if a bad start can have far larger ones.

        None, the default, if none can.
        """
        return None

    @default
    def falls_toward(self, y: Float) -> Float | None:
        """The sign of the direction of η in which ℓ falls for ever, 0 where it rises both ways: (n,), for one output.

        A linear program finds by it whether a fit without penalty has a minimum; None, the default, where what the fit does
        is to say so. Softmax losses, and those whose ``traits.rest`` is infinite, are not asked.
        """
        return None

    @property
    @default
    def linear_beyond(self) -> float | None:
        """δ where ℓ is the mean over outputs of r² up to |r| = δ and of 2δ|r| − δ² beyond, r = η − y; None, the default, else.

        Such a loss is minimised piece by piece, and reached from those of larger δ, which are its ``in_units``.
        """
        return None

    @default
    def lacking(self, y: Float, weight: Float, labels: Sequence[Any] | None = None) -> str:
        """What rows of positive weight have none of, so that the best constant η is infinite; empty where it is finite.

        For classes "no row of class c", c from ``labels`` (k,) where the codes in y stand for them. Empty by default.
        """
        return ""

    @default
    def in_units(self, scale: float) -> Self:
        """The loss whose ℓ(scale·η, scale·y) is scale²·ℓ(η, y) of this one; by default itself."""
        return self

    @abstractmethod
    def null(self, y: Array, weight: Array | None = None) -> Float:
        """argmin_c Σ_i s_i ℓ(c, y_i): the best constant η, 0-d, or (k,) with several outputs.

        Where the best constant is infinite (all y are 0, say) it is ±36.04: ℓ is then within one rounding of
        its infimum.
        """

    @abstractmethod
    def saturated(self, y: Array) -> Float:
        """inf_η ℓ(η, y_i) of every row: (n,)."""

    @abstractmethod
    def conjugate(self, u: Array, y: Array) -> Float:
        """ℓ*(u_i) = sup_η ⟨u_i, η⟩ − ℓ(η, y_i) of every row: (n,).

        inf outside the domain, with a relative tolerance of 1e-12.
        """

    @abstractmethod
    def check_target(self, y: object) -> Float:
        """``y`` as float64, or a ValueError that names the first value this loss cannot take."""

    @abstractmethod
    def multi_output(self, y: Array) -> bool:
        """Whether η carries an axis of outputs for this y: (n, k) rather than (n,)."""

    @abstractmethod
    def outputs(self, y: Array) -> int:
        """The number of outputs k of η for this y; 1 where η is (n,)."""

    def aligned(self, eta: Array, y: Array) -> tuple[Array, Array]:
        """η as floats and y like η, ready for arithmetic; ValueError where their rows or outputs differ.

        A number η stands for all rows where there is one output.
        """
        eta, outputs, shape = as_float(eta), self.multi_output(y), np.shape(y)
        if len(shape) == 2 and not outputs:
            raise ValueError(f"{self!r} needs y of shape (n,), and it is {shape}: pass one column")
        if len(shape) == 1 and outputs:
            shape = (*shape, *eta.shape[-1:])
        if tuple(eta.shape[-len(shape) :]) != shape and (eta.ndim or outputs):
            raise ValueError(f"eta is {tuple(eta.shape)}, and for this y its shape must end in {shape}")
        return eta, like(y, eta)

    def value(self, eta: Array, y: Array, weight: Array | None = None) -> Scalar:
        """L = Σ_i s_i ℓ(η_i, y_i): a scalar, or one per leading axis (M,)."""
        rows = self.pointwise(eta, y)
        return namespace(rows).sum(shares(weight, rows) * rows, axis=-1)

    def gradient(self, eta: Array, y: Array, weight: Array | None = None) -> Array:
        """∂L/∂η = s_i ∂ℓ_i/∂η_i, shaped as η."""
        slope = self.derivative(eta, y)
        if not self.multi_output(y):
            return shares(weight, slope) * slope
        return shares(weight, slope[..., 0])[..., None] * slope

    def inverse_link(self, eta: Array) -> Array:
        """The mean of y at η, shaped as η."""
        return self.link.inverse(eta)


@dataclass(frozen=True)
class OneOutput(Loss):
    """A loss of y (n,) whose best constant η is the link of y's mean."""

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """The link at the weighted mean of y, 0-d; ±36.04 where that is infinite."""
        return np.asarray(self.link.forward(weighted_mean(self.check_target(y), weight)))

    def multi_output(self, y: Array) -> bool:
        """η is (n,), as y is."""
        return False

    def outputs(self, y: Array) -> int:
        """One."""
        return 1


class BoundLoss(ABC):
    """L(η) for the rows' y (n[, q]), weights s (n,) that sum to one, and an offset (n,) or (n, k) that η already contains.

    η is (n,) or (n, k), row gradients and curvatures are shaped as η; all is float64.
    """

    def __init__(self, loss: Loss, y: Float, weight: Float, offset: Float | None = None) -> None:
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
