"""Links: how a linear predictor η becomes a mean, and back; every loss is composed with one.

The names are those of generalized linear models (McCullagh and Nelder 1989, Generalized Linear Models, §2.2).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.arrays import Array, as_float, namespace

NEVER = math.log(np.finfo(np.float64).eps)
"""η where the data say "never" (−36.04): the link of a mean of exactly 0 is −∞, and e^−36 is one rounding."""


@dataclass(frozen=True)
class Link(ABC):
    """A monotone map between the mean μ of y and the predictor η."""

    @abstractmethod
    def inverse(self, eta: Array) -> Array:
        """The mean μ(η), of η's shape, dtype and array kind."""

    @abstractmethod
    def forward(self, mean: Array) -> Array:
        """The predictor η(μ), a NumPy array; finite also at the ends of μ's range (see ``NEVER``)."""


@final
@dataclass(frozen=True)
class IdentityLink(Link):
    """μ = η."""

    def inverse(self, eta: Array) -> Array:
        """η itself."""
        return as_float(eta)

    def forward(self, mean: Array) -> Array:
        """μ itself."""
        return np.asarray(mean, dtype=np.float64)


@final
@dataclass(frozen=True)
class LogitLink(Link):
    """μ = 1 / (1 + e^−η), the sigmoid."""

    def inverse(self, eta: Array) -> Array:
        """The sigmoid, from e^−|η| only: nothing overflows and small probabilities keep all their digits."""
        eta = as_float(eta)
        xp = namespace(eta)
        decay = xp.exp(-xp.abs(eta))
        return xp.where(eta >= 0, 1 / (1 + decay), decay / (1 + decay))

    def forward(self, mean: Array) -> Array:
        """log(μ / (1 − μ)), and ±36.04 where μ is exactly 1 or 0."""
        mean = np.asarray(mean, dtype=np.float64)
        inner = np.where((mean > 0) & (mean < 1), mean, 0.5)
        edge = np.where(mean <= 0, NEVER, np.where(mean >= 1, -NEVER, 0.0))
        return np.log(inner) - np.log1p(-inner) + edge


@final
@dataclass(frozen=True)
class SoftmaxLink(Link):
    """μ_j = e^η_j / Σ_l e^η_l along the last axis."""

    def inverse(self, eta: Array) -> Array:
        """The softmax, shifted by the largest η so that nothing overflows."""
        eta = as_float(eta)
        xp = namespace(eta)
        powers = xp.exp(eta - xp.max(eta, axis=-1, keepdims=True))
        return powers / xp.sum(powers, axis=-1, keepdims=True)

    def forward(self, mean: Array) -> Array:
        """log μ_j, centred to sum to zero (of the many η with this softmax); −36.04 first where μ_j is 0."""
        mean = np.asarray(mean, dtype=np.float64)
        eta = np.where(mean > 0, np.log(np.where(mean > 0, mean, 1.0)), NEVER)
        return eta - np.mean(eta, axis=-1, keepdims=True)


@final
@dataclass(frozen=True)
class LogLink(Link):
    """μ = e^η."""

    def inverse(self, eta: Array) -> Array:
        """e^η, held at a third of the dtype's maximum (from η ≈ 708.8 in float64, 87.7 in float32)."""
        eta = as_float(eta)
        xp = namespace(eta)
        ceiling = math.log(float(xp.finfo(eta.dtype).max)) - 1
        return xp.exp(xp.where(eta < ceiling, eta, xp.full_like(eta, ceiling)))

    def forward(self, mean: Array) -> Array:
        """log μ, and −36.04 where μ is exactly 0."""
        mean = np.asarray(mean, dtype=np.float64)
        return np.where(mean > 0, np.log(np.where(mean > 0, mean, 1.0)), NEVER)
