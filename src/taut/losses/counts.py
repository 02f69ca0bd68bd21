"""The loss for counts and other y ≥ 0 with a log link: Poisson's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import scipy

from taut.arrays import Array
from taut.losses.base import DOMAIN_TOLERANCE, OneOutput
from taut.losses.links import NEVER, Link, LogLink
from taut.losses.targets import numbers, refuse, vector
from taut.losses.traits import LossTraits
from taut.types import Float

NO_COUNT = 20.0
"""−η beyond which a fitted count is 0 to 1e-9."""

POISSON_TRAITS = LossTraits(canonical=True, lowest=0.0, rest=(-NO_COUNT, np.inf))


@final
@dataclass(frozen=True)
class Poisson(OneOutput):
    """ℓ = e^η − yη, the negative Poisson log-likelihood up to log y! (McCullagh and Nelder 1989, §6.2).

    e^η is held just below the dtype's maximum (see ``LogLink``), so that value and derivatives stay finite.
    With v = u + y:  ℓ*(u) = v log v − v for v ≥ 0, else ∞. Null model: the log of the mean.
    """

    @property
    def link(self) -> Link:
        """The log."""
        return LogLink()

    @property
    def traits(self) -> LossTraits:
        """y ≥ 0; where all y are 0 a fit has no minimum."""
        return POISSON_TRAITS

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

    def saturated(self, y: Array) -> Float:
        """y − y log y, and 0 at y = 0: (n,)."""
        y = np.asarray(y, dtype=np.float64)
        return np.asarray(y - scipy.special.xlogy(y, y))

    def conjugate(self, u: Array, y: Array) -> Float:
        """v log v − v with v = u + y ≥ 0, else inf: (n,)."""
        y = np.asarray(y, dtype=np.float64)
        v = np.asarray(u, dtype=np.float64) + y
        inside = np.maximum(v, 0.0)
        return np.where(
            v >= -DOMAIN_TOLERANCE * np.maximum(y, 1.0), scipy.special.xlogy(inside, inside) - inside, np.inf
        )

    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """log Σ s y − log Σ s e^base, by logsumexp; −36.04 in place of log 0."""
        counted = weight > 0.0
        mean = float(weight @ y)
        top = scipy.special.logsumexp(base[counted], b=weight[counted])
        return np.asarray((np.log(mean) if mean > 0.0 else NEVER) - top)

    def slope_terms(self, eta: Float, y: Float) -> Float | None:
        """y and e^η, which a start may expect to be far beyond any count that is there."""
        return np.asarray(y + self.inverse_link(eta))

    def falls_toward(self, y: Float) -> Float | None:
        """Down where there is no count."""
        return np.where(y == 0.0, -1.0, 0.0)

    def lacking(self, y: Float, weight: Float, labels: Sequence[Any] | None = None) -> str:
        """Counts above 0, where no row of positive weight has one."""
        return "" if y[weight > 0.0].any() else "no y above 0"

    def check_target(self, y: object) -> Float:
        """Finite numbers ≥ 0, (n,)."""
        values = vector(numbers(y, "Poisson"), "Poisson")
        refuse(
            values < 0, values, "Poisson", "y ≥ 0", "counts and rates cannot be negative; try SquaredError"
        )
        return values
