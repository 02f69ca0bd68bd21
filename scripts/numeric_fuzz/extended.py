"""The losses by their definitions, in NumPy's long double: values, slopes, curvatures, conjugates of single rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

Long = NDArray[np.longdouble]
Double = NDArray[np.float64]

ROUNDING = 1e-15
"""How far a dual point may be out of a conjugate's domain because it has been made orthogonal to the free columns."""
ZERO, ONE, TWO = np.longdouble(0), np.longdouble(1), np.longdouble(2)


def long(values: Any) -> Long:
    """``values`` in extended precision."""
    return np.asarray(values, dtype=np.longdouble)


def x_log_x(v: Long) -> Long:
    """v log v, and 0 at v = 0."""
    return np.where(v > 0, v * np.log(np.where(v > 0, v, ONE)), ZERO)


class RowLoss(ABC):
    """ℓ(η, y) of every row for η (n, k), y (n, k): y is always a matrix here, of class shares for a softmax."""

    @abstractmethod
    def value(self, eta: Long, y: Long) -> Long:
        """ℓ: (n,)."""

    @abstractmethod
    def terms(self, eta: Long, y: Long) -> Long:
        """The size of what is added up in ℓ, which its rounding is relative to: (n,)."""

    @abstractmethod
    def slope(self, eta: Long, y: Long) -> Long:
        """∂ℓ/∂η: (n, k)."""

    @abstractmethod
    def curvature(self, eta: Long, y: Long) -> Long:
        """∂²ℓ/∂η²: (n, k), of a softmax the diagonal."""

    @abstractmethod
    def conjugate(self, u: Long, y: Long) -> Long:
        """sup_η ⟨u, η⟩ − ℓ(η, y), inf outside of its domain: (n,)."""

    @abstractmethod
    def saturated(self, y: Long) -> Long:
        """inf_η ℓ(η, y): (n,)."""

    def domain(self, u: Long, y: Long) -> np.longdouble:
        """The part of u that the conjugate's domain holds; of slopes it is all of them, but for rounding."""
        return ONE

    def bend(self, eta: Long, y: Long) -> Long:
        """The largest curvature near η: (n, k)."""
        return self.curvature(eta, y)

    def hessian(self, eta: Long, y: Long) -> Double:
        """∂²ℓ/∂η∂ηᵀ in double precision: (n, k, k)."""
        diagonal = self.curvature(eta, y).astype(np.float64)
        return diagonal[:, :, None] * np.eye(diagonal.shape[1])


@final
@dataclass(frozen=True)
class Squared(RowLoss):
    """mean_j (η_j − y_j)²."""

    def value(self, eta: Long, y: Long) -> Long:
        """mean_j r_j²."""
        return np.mean((eta - y) ** 2, axis=1)

    def terms(self, eta: Long, y: Long) -> Long:
        """The loss itself."""
        return self.value(eta, y)

    def slope(self, eta: Long, y: Long) -> Long:
        """2r/q."""
        return TWO * (eta - y) / y.shape[1]

    def curvature(self, eta: Long, y: Long) -> Long:
        """2/q."""
        return np.full_like(eta, TWO / y.shape[1])

    def conjugate(self, u: Long, y: Long) -> Long:
        """Σ_j u_j y_j + q u_j²/4."""
        return np.sum(u * y + y.shape[1] * u**2 / 4, axis=1)

    def saturated(self, y: Long) -> Long:
        """0."""
        return np.zeros(len(y), dtype=np.longdouble)


@final
@dataclass(frozen=True)
class HuberLoss(RowLoss):
    """mean_j of r² up to |r| = δ and 2δ|r| − δ² beyond."""

    delta: float

    def value(self, eta: Long, y: Long) -> Long:
        """The two branches."""
        size, delta = np.abs(eta - y), np.longdouble(self.delta)
        return np.mean(np.where(size <= delta, size**2, delta * (2 * size - delta)), axis=1)

    def terms(self, eta: Long, y: Long) -> Long:
        """The loss itself."""
        return self.value(eta, y)

    def slope(self, eta: Long, y: Long) -> Long:
        """2 clip(r, −δ, δ)/q."""
        return TWO * np.clip(eta - y, -self.delta, self.delta) / y.shape[1]

    def curvature(self, eta: Long, y: Long) -> Long:
        """2/q inside, 0 outside."""
        return np.where(np.abs(eta - y) < self.delta, TWO / y.shape[1], ZERO)

    def bend(self, eta: Long, y: Long) -> Long:
        """2/q."""
        return np.full_like(eta, TWO / y.shape[1])

    def conjugate(self, u: Long, y: Long) -> Long:
        """As for squares where |q u_j| ≤ 2δ."""
        q = y.shape[1]
        inside = np.all(np.abs(q * u) <= 2 * self.delta * (ONE + np.longdouble(1e-17)), axis=1)
        return np.where(inside, np.sum(u * y + q * u**2 / 4, axis=1), np.inf)

    def saturated(self, y: Long) -> Long:
        """0."""
        return np.zeros(len(y), dtype=np.longdouble)

    def domain(self, u: Long, y: Long) -> np.longdouble:
        """2δ / max|q u|, at most 1."""
        return min(ONE, (TWO * self.delta) / max(np.abs(y.shape[1] * u).max(), np.longdouble(1e-300)))


@final
@dataclass(frozen=True)
class BinaryEntropy(RowLoss):
    """log(1 + e^η) − yη for y in [0, 1]."""

    def value(self, eta: Long, y: Long) -> Long:
        """log1p(e^−|η|) + max(η, 0) − yη."""
        value = np.log1p(np.exp(-np.abs(eta))) + np.where(eta >= 0, (1 - y) * eta, -y * eta)
        return value[:, 0]

    def terms(self, eta: Long, y: Long) -> Long:
        """The loss itself: no sum in it cancels."""
        return self.value(eta, y)

    def slope(self, eta: Long, y: Long) -> Long:
        """p − y."""
        decay = np.exp(-np.abs(eta))
        return np.where(eta >= 0, (1 - y) - y * decay, (1 - y) * decay - y) / (1 + decay)

    def curvature(self, eta: Long, y: Long) -> Long:
        """p(1 − p)."""
        decay = np.exp(-np.abs(eta))
        return decay / (1 + decay) ** 2

    def conjugate(self, u: Long, y: Long) -> Long:
        """v log v + (1 − v) log(1 − v), v = u + y in [0, 1]."""
        v = (u + y)[:, 0]
        inside = np.clip(v, ZERO, ONE)
        return np.where(np.abs(v - inside) <= ROUNDING, x_log_x(inside) + x_log_x(1 - inside), np.inf)

    def saturated(self, y: Long) -> Long:
        """The entropy of y."""
        return -(x_log_x(y) + x_log_x(1 - y))[:, 0]


@final
@dataclass(frozen=True)
class Softmax(RowLoss):
    """logsumexp(η) − Σ_j π_j η_j."""

    def value(self, eta: Long, y: Long) -> Long:
        """log Σ_j e^(η_j − m) + Σ_j π_j (m − η_j), m = max_j η_j."""
        below = eta - eta.max(axis=1, keepdims=True)
        return np.log(np.sum(np.exp(below), axis=1)) - np.sum(y * below, axis=1)

    def terms(self, eta: Long, y: Long) -> Long:
        """The loss itself: both of its terms are positive."""
        return self.value(eta, y)

    def shares(self, eta: Long) -> Long:
        """softmax(η)."""
        mass = np.exp(eta - eta.max(axis=1, keepdims=True))
        return mass / mass.sum(axis=1, keepdims=True)

    def slope(self, eta: Long, y: Long) -> Long:
        """p − π."""
        return self.shares(eta) - y

    def curvature(self, eta: Long, y: Long) -> Long:
        """p(1 − p)."""
        p = self.shares(eta)
        return p * (1 - p)

    def conjugate(self, u: Long, y: Long) -> Long:
        """Σ_j v_j log v_j, v = u + π on the simplex."""
        v = u + y
        inside = np.maximum(v, ZERO)
        domain = np.all(v >= -ROUNDING, axis=1) & (np.abs(v.sum(axis=1) - 1) <= ROUNDING)
        return np.where(domain, np.sum(x_log_x(inside), axis=1), np.inf)

    def saturated(self, y: Long) -> Long:
        """The entropy of π."""
        return -np.sum(x_log_x(y), axis=1)

    def hessian(self, eta: Long, y: Long) -> Double:
        """diag(p) − ppᵀ."""
        p = self.shares(eta).astype(np.float64)
        return p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]


@final
@dataclass(frozen=True)
class Counts(RowLoss):
    """e^η − yη."""

    def value(self, eta: Long, y: Long) -> Long:
        """e^η − yη; inf where e^η overflows long double."""
        return (np.exp(eta) - y * eta)[:, 0]

    def terms(self, eta: Long, y: Long) -> Long:
        """e^η + |yη|."""
        return (np.exp(eta) + np.abs(y * eta))[:, 0]

    def slope(self, eta: Long, y: Long) -> Long:
        """e^η − y."""
        return np.exp(eta) - y

    def curvature(self, eta: Long, y: Long) -> Long:
        """e^η."""
        return np.exp(eta)

    def conjugate(self, u: Long, y: Long) -> Long:
        """v log v − v, v = u + y ≥ 0."""
        v = (u + y)[:, 0]
        inside = np.maximum(v, ZERO)
        return np.where(v >= -ROUNDING * np.maximum(y[:, 0], ONE), x_log_x(inside) - inside, np.inf)

    def saturated(self, y: Long) -> Long:
        """y − y log y."""
        return (y - x_log_x(y))[:, 0]


def row_loss(name: str, delta: float) -> RowLoss:
    """The loss of that name."""
    if name == "huber":
        return HuberLoss(delta)
    return {
        "squared": Squared(), "logistic": BinaryEntropy(), "multinomial": Softmax(), "poisson": Counts(),
    }[name]  # fmt: skip
