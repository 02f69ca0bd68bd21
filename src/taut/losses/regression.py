"""Losses for a continuous y, which may have several outputs: squared error and Huber's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np

from taut.arrays import Array, as_float, namespace
from taut.losses.base import DOMAIN_TOLERANCE, Loss, shares, weighted_mean
from taut.losses.links import IdentityLink, Link
from taut.losses.targets import numbers, vector_or_matrix
from taut.losses.traits import LossTraits
from taut.types import Float

SQUARED_ERROR_TRAITS = LossTraits(
    constant_curvature=True, canonical=True, in_units_of_y=True, several_outputs=True
)
_LOST = 1e-14
"""δ over the largest |y| below which y ± δ has no digit of δ to speak of."""
HUBER_TRAITS = LossTraits(smooth=False, canonical=True, in_units_of_y=True, several_outputs=True)


def mean_outputs(rows: Array, y: Array) -> Array:
    """The mean over the outputs where y (n, q) has them: (..., n, q) → (..., n)."""
    return namespace(rows).mean(rows, axis=-1) if np.ndim(y) == 2 else rows


def sum_outputs(rows: Float) -> Float:
    """The sum over the outputs where there are any: (n, q) → (n,)."""
    return np.sum(rows, axis=1) if rows.ndim == 2 else rows


def n_outputs(y: Array) -> int:
    """q for y (n, q), 1 for y (n,)."""
    return int(np.shape(y)[1]) if np.ndim(y) == 2 else 1


@dataclass(frozen=True)
class ResidualLoss(Loss):
    """A mean over outputs of a function of r = η − y, r² near 0: η is the mean of y (n,) or (n, q), in the units of y."""

    @property
    def link(self) -> Link:
        """The identity."""
        return IdentityLink()

    def unit_curvature(self, outputs: int) -> float:
        """2 / q."""
        return 2 / outputs

    def saturated(self, y: Array) -> Float:
        """0 for every row."""
        return np.zeros(len(y))

    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """The null model of y − base."""
        return np.asarray(self.null(y - base, weight))

    def check_target(self, y: object) -> Float:
        """Finite numbers, (n,) or (n, q)."""
        name = type(self).__name__
        return vector_or_matrix(numbers(y, name), name)

    def multi_output(self, y: Array) -> bool:
        """Whether y is (n, q)."""
        return np.ndim(y) == 2

    def outputs(self, y: Array) -> int:
        """q for y (n, q), else 1."""
        return n_outputs(y)


@final
@dataclass(frozen=True)
class SquaredError(ResidualLoss):
    """ℓ = mean over outputs of (η − y)²: the mean squared error, with no ½.

    ℓ*(u) = Σ_j u_j y_j + q u_j²/4 for q outputs. Null model: the mean.
    """

    @property
    def traits(self) -> LossTraits:
        """One curvature everywhere; η in the units of y, of which there may be several."""
        return SQUARED_ERROR_TRAITS

    def pointwise(self, eta: Array, y: Array) -> Array:
        """(η − y)², mean over outputs: (..., n)."""
        eta, target = self.aligned(eta, y)
        return mean_outputs((eta - target) ** 2, y)

    def derivative(self, eta: Array, y: Array) -> Array:
        """2(η − y) / q, shaped as η."""
        eta, target = self.aligned(eta, y)
        return (eta - target) * (2 / n_outputs(y))

    def curvature(self, eta: Array, y: Array) -> Array:
        """2 / q, shaped as η."""
        eta = as_float(eta)
        return namespace(eta).full_like(eta, 2 / n_outputs(y))

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """The weighted mean of y: 0-d or (q,)."""
        return weighted_mean(self.check_target(y), weight)

    def conjugate(self, u: Array, y: Array) -> Float:
        """Σ_j u_j y_j + q u_j²/4: (n,)."""
        u, y = np.asarray(u, dtype=np.float64), np.asarray(y, dtype=np.float64)
        return sum_outputs(u * y + n_outputs(y) * u**2 / 4)


@final
@dataclass(frozen=True)
class Huber(ResidualLoss):
    """ℓ = mean over outputs of r² where |r| ≤ δ and 2δ|r| − δ² beyond, r = η − y (Huber 1964, but no ½).

    ℓ*(u) = Σ_j u_j y_j + q u_j²/4 while every |q u_j| ≤ 2δ, else ∞. ``delta`` is in the units of y; 1.345
    standard deviations of normal noise give 95% efficiency (Huber and Ronchetti 2009, Robust Statistics).
    """

    delta: float = 1.345

    def __post_init__(self) -> None:
        if not (math.isfinite(self.delta) and self.delta > 0):
            raise ValueError(
                f"Huber needs a finite delta > 0, and it is {self.delta!r}: the |residual| where squares end"
            )

    @property
    def traits(self) -> LossTraits:
        """η in the units of y, of which there may be several; the curvature falls to 0 at δ."""
        return HUBER_TRAITS

    def pointwise(self, eta: Array, y: Array) -> Array:
        """With c = clip(r, −δ, δ) both branches are c(2r − c); mean over outputs: (..., n)."""
        r = self._residual(eta, y)
        clipped = self._clipped(r)
        return mean_outputs(clipped * (2 * r - clipped), y)

    def derivative(self, eta: Array, y: Array) -> Array:
        """2 clip(r, −δ, δ) / q, shaped as η."""
        r = self._residual(eta, y)
        return self._clipped(r) * (2 / n_outputs(y))

    def curvature(self, eta: Array, y: Array) -> Array:
        """2 / q where |r| ≤ δ, else 0."""
        r = self._residual(eta, y)
        xp = namespace(r)
        return xp.where(xp.abs(r) <= self.delta, xp.full_like(r, 2 / n_outputs(y)), xp.zeros_like(r))

    def curvature_bound(self, eta: Array, y: Array) -> Array:
        """That of the parabola through ℓ(η) that lies above ℓ, 2δ/(q·max(|r|, δ)), shaped as η."""
        r = self._residual(eta, y)
        xp = namespace(r)
        return (2 / n_outputs(y)) * self.delta / xp.maximum(xp.abs(r), xp.full_like(r, self.delta))

    @property
    def linear_beyond(self) -> float | None:
        """δ."""
        return self.delta

    def in_units(self, scale: float) -> Self:
        """Huber(scale·δ)."""
        return replace(self, delta=self.delta * scale)

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """Huber's M-estimate of location: 0-d or (q,), the midpoint where an interval is optimal."""
        y = self.check_target(y)
        s = shares(weight, np.empty(len(y)))
        if y.ndim == 1:
            return np.asarray(location(y, s, self.delta))
        return np.asarray([location(column, s, self.delta) for column in y.T])

    def conjugate(self, u: Array, y: Array) -> Float:
        """Σ_j u_j y_j + q u_j²/4 on |q u_j| ≤ 2δ, else inf: (n,)."""
        u, y = np.asarray(u, dtype=np.float64), np.asarray(y, dtype=np.float64)
        q, inside = n_outputs(y), 2 * self.delta * (1 + DOMAIN_TOLERANCE)
        return sum_outputs(np.where(np.abs(q * u) <= inside, u * y + q * u**2 / 4, np.inf))

    def _clipped(self, r: Array) -> Array:
        """clip(r, −δ, δ); on arrays as short as these the standard's own clip takes six times as long."""
        xp = namespace(r)
        end = xp.full_like(r, self.delta)
        return xp.minimum(xp.maximum(r, -end), end)

    def _residual(self, eta: Array, y: Array) -> Array:
        eta, target = self.aligned(eta, y)
        return eta - target


def location(y: Float, s: Float, delta: float) -> float:
    """argmin_c Σ_i s_i h_δ(c − y_i) exactly: the midpoint of the zeros of its piecewise linear derivative."""
    positive = s > 0
    y, s = y[positive], s[positive]
    if delta <= _LOST * float(np.abs(y).max(initial=0.0)):
        return median(y, s)
    return (first_zero(y, s, delta) - first_zero(-y, s, delta)) / 2


def median(y: Float, s: Float) -> float:
    """argmin_c Σ_i s_i |c − y_i|, the midpoint where an interval is optimal; s sums to one."""
    order = np.argsort(y)
    y, below = y[order], np.cumsum(s[order])
    ends = np.searchsorted(below, 0.5 + np.array([-1e-15, 1e-15]) * len(y))
    return float(y[np.minimum(ends, len(y) - 1)].mean())


def first_zero(y: Float, s: Float, delta: float) -> float:
    """The smallest zero of ψ(c) = Σ_i s_i clip(c − y_i, −δ, δ), rising from −δ to δ with kinks y_i ± δ."""
    kinks = np.concatenate([y - delta, y + delta])
    order = np.argsort(kinks)
    kinks, slopes = kinks[order], np.cumsum(np.concatenate([s, -s])[order])
    psi = -delta + np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(kinks))])
    last = int(np.argmax(psi >= -1e-13 * delta))  # a flat zero comes out of the sums as rounding
    inside = np.abs((kinks[last - 1] + kinks[last]) / 2 - y) < delta
    start = float(kinks[last])
    excess = float(np.sum(s * np.clip(start - y, -delta, delta)))
    return start - excess / float(np.sum(s[inside]))
