"""The loss for counts and other y ≥ 0 with a log link: Poisson's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import xlogy

from taut.arrays import Array
from taut.losses.base import DOMAIN_TOLERANCE, Loss, weighted_mean
from taut.losses.links import Link, LogLink
from taut.losses.targets import numbers, refuse, vector
from taut.types import Float


@final
@dataclass(frozen=True)
class Poisson(Loss):
    """ℓ = e^η − yη, the negative Poisson log-likelihood up to log y! (McCullagh and Nelder 1989, §6.2).

    e^η is held just below the dtype's maximum (see ``LogLink``), so that value and derivatives stay finite.
    With v = u + y:  ℓ*(u) = v log v − v for v ≥ 0, else ∞. Null model: the log of the mean.
    """

    @property
    def link(self) -> Link:
        """The log."""
        return LogLink()

    def pointwise(self, eta: Array, y: Array) -> Array:
        """e^η − yη: (..., n)."""
        eta, y = self.aligned(eta, y)
        return self.link.inverse(eta) - y * eta

    def derivative(self, eta: Array, y: Array) -> Array:
        """e^η − y."""
        eta, y = self.aligned(eta, y)
        return self.link.inverse(eta) - y

    def curvature(self, eta: Array, y: Array) -> Array:
        """e^η."""
        return self.link.inverse(eta)

    def unit_curvature(self, outputs: int) -> float:
        """1."""
        return 1.0

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """log of the weighted mean of y, 0-d; −36.04 where every y is 0."""
        return np.asarray(self.link.forward(weighted_mean(self.check_target(y), weight)))

    def saturated(self, y: Array) -> Float:
        """y − y log y, and 0 at y = 0: (n,)."""
        y = np.asarray(y, dtype=np.float64)
        return np.asarray(y - xlogy(y, y))

    def conjugate(self, u: Array, y: Array) -> Float:
        """v log v − v with v = u + y ≥ 0, else inf: (n,)."""
        y = np.asarray(y, dtype=np.float64)
        v = np.asarray(u, dtype=np.float64) + y
        inside = np.maximum(v, 0.0)
        return np.where(v >= -DOMAIN_TOLERANCE * np.maximum(y, 1.0), xlogy(inside, inside) - inside, np.inf)

    def check_target(self, y: object) -> Float:
        """Finite numbers ≥ 0, (n,)."""
        values = vector(numbers(y, "Poisson"), "Poisson")
        refuse(
            values < 0, values, "Poisson", "y ≥ 0", "counts and rates cannot be negative; try SquaredError"
        )
        return values

    def multi_output(self, y: Array) -> bool:
        """Never."""
        return False

    def outputs(self, y: Array) -> int:
        """1."""
        return 1
