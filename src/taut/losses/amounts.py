"""The losses for positive amounts, such as costs, with a log link: the gamma's and Tweedie's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import scipy

from taut.arrays import Array, namespace
from taut.losses.base import DOMAIN_TOLERANCE, Loss, OneOutput, weighted_mean
from taut.losses.counts import NO_COUNT
from taut.losses.links import NEVER, Link, LogLink
from taut.losses.targets import numbers, refuse, vector
from taut.losses.traits import LossTraits
from taut.types import Float

GAMMA_TRAITS = LossTraits(lowest=0.0)
_ROOT_STEPS = 60
"""Newton steps for a conjugate, at most: they end at the last digit after some eight."""


@final
@dataclass(frozen=True)
class Gamma(OneOutput):
    """ℓ = y e^−η + η, half the gamma deviance up to a constant, whatever the shape (McCullagh and Nelder 1989, §8.3).

    With v = 1 − u:  ℓ*(u) = v log(v/y) − v for v ≥ 0, else ∞. Null model: the log of the mean. y > 0.
    """

    @property
    def link(self) -> Link:
        """The log."""
        return LogLink()

    @property
    def traits(self) -> LossTraits:
        """y > 0."""
        return GAMMA_TRAITS

    def pointwise(self, eta: Array, y: Array) -> Array:
        """y e^−η + η: (..., n)."""
        return self._ratio(eta, y) + self.aligned(eta, y)[0]

    def derivative(self, eta: Array, y: Array) -> Array:
        """1 − y e^−η."""
        return 1 - self._ratio(eta, y)

    def curvature(self, eta: Array, y: Array) -> Array:
        """y e^−η."""
        return self._ratio(eta, y)

    def saturated(self, y: Array) -> Float:
        """1 + log y: (n,)."""
        return np.asarray(1 + np.log(np.asarray(y, dtype=np.float64)))

    def conjugate(self, u: Array, y: Array) -> Float:
        """v log(v/y) − v with v = 1 − u ≥ 0, else inf: (n,)."""
        v, y = 1 - np.asarray(u, dtype=np.float64), np.asarray(y, dtype=np.float64)
        inside = np.maximum(v, 0.0)
        found = scipy.special.xlogy(inside, inside) - inside * np.log(y) - inside
        return np.where(v >= -DOMAIN_TOLERANCE, found, np.inf)

    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """log Σ s y e^−base, by logsumexp."""
        return _best_shift(1.0, base, y, weight)

    def slope_terms(self, eta: Float, y: Float) -> Float | None:
        """1 and y e^−η, which a start may expect to be far beyond any amount that is there."""
        return np.asarray(1 + self._ratio(eta, y))

    def check_target(self, y: object) -> Float:
        """Finite numbers > 0, (n,)."""
        values = vector(numbers(y, "Gamma"), "Gamma")
        refuse(
            values <= 0, values, "Gamma", "y > 0", "leave such rows out, or try Tweedie, which takes y = 0"
        )
        return values

    def _ratio(self, eta: Array, y: Array) -> Array:
        """y/μ, of which only the whole is held below the dtype's maximum."""
        eta, y = self.aligned(eta, y)
        return self.link.inverse(namespace(eta).log(y) - eta)


@final
@dataclass(frozen=True)
class Tweedie(Loss):
    """ℓ = y e^−aη/a + e^bη/b, a = ``power`` − 1, b = 2 − ``power``: half the Tweedie deviance up to a constant.

    Its variance is μ^power, 1 < power < 2: amounts y ≥ 0 of which some are exactly 0, such as claims (Jørgensen, *J. Royal
    Statistical Society B* 49 (1987), §4). Power 1 is ``Poisson``, 2 is ``Gamma``; beyond, ℓ is not convex in η.
    With v = u/y^b and the root z of e^bz − e^−az = v:  ℓ*(u) = y^b (v(z + log y) − e^−az/a − e^bz/b), and (u log u − u)/b
    at y = 0. Null model: the log of the mean.
    """

    power: float = 1.5

    def __post_init__(self) -> None:
        if not 1.0 < self.power < 2.0:
            raise ValueError(
                f"Tweedie's power must lie between 1 (Poisson) and 2 (Gamma), and it is {self.power!r}"
            )

    @property
    def link(self) -> Link:
        """The log."""
        return LogLink()

    @property
    def traits(self) -> LossTraits:
        """y ≥ 0; where all y are 0 a fit has no minimum."""
        return LossTraits(lowest=0.0, rest=(-NO_COUNT / self._b, np.inf))

    def null(self, y: Array, weight: Array | None = None) -> Float:
        """The log of the weighted mean of y, 0-d; −36.04/b where that is 0: e^bη is then one rounding."""
        mean = weighted_mean(self.check_target(y), weight)
        return np.asarray(self.link.forward(mean) if mean > 0 else NEVER / self._b)

    def pointwise(self, eta: Array, y: Array) -> Array:
        """y e^−aη/a + e^bη/b: (..., n)."""
        falling, rising = self._powers(eta, y)
        return falling + rising

    def derivative(self, eta: Array, y: Array) -> Array:
        """e^bη − y e^−aη."""
        falling, rising = self._powers(eta, y)
        return self._b * rising - self._a * falling

    def curvature(self, eta: Array, y: Array) -> Array:
        """b e^bη + a y e^−aη."""
        falling, rising = self._powers(eta, y)
        return self._b**2 * rising + self._a**2 * falling

    def saturated(self, y: Array) -> Float:
        """y^b/(ab): (n,)."""
        return np.asarray(np.asarray(y, dtype=np.float64) ** self._b / (self._a * self._b))

    def conjugate(self, u: Array, y: Array) -> Float:
        """See the class; at y = 0 inf where u < 0: (n,)."""
        u, y = np.asarray(u, dtype=np.float64), np.asarray(y, dtype=np.float64)
        above = np.maximum(u, 0.0)
        never = np.where(
            u >= -DOMAIN_TOLERANCE, (scipy.special.xlogy(above, above) - above) / self._b, np.inf
        )
        some = np.where(y > 0.0, y, 1.0)
        scale = some**self._b
        v = u / scale
        z = self._root(v)
        value = v * (z + np.log(some)) - np.exp(-self._a * z) / self._a - np.exp(self._b * z) / self._b
        return np.where(y > 0.0, scale * value, never)

    def best_shift(self, base: Float, y: Float, weight: Float) -> Float | None:
        """log Σ s y e^−a·base − log Σ s e^b·base, by logsumexp; −36.04/b in place of log 0."""
        return _best_shift(self._a, base, y, weight)

    def slope_terms(self, eta: Float, y: Float) -> Float | None:
        """Both terms of the slope, which a start may expect to be far beyond any amount that is there."""
        falling, rising = self._powers(eta, y)
        return np.asarray(self._a * falling + self._b * rising)

    def falls_toward(self, y: Float) -> Float | None:
        """Down where there is no amount."""
        return np.where(y == 0.0, -1.0, 0.0)

    def lacking(self, y: Float, weight: Float, labels: Sequence[Any] | None = None) -> str:
        """Amounts above 0, where no row of positive weight has one."""
        return "" if y[weight > 0.0].any() else "no y above 0"

    def check_target(self, y: object) -> Float:
        """Finite numbers ≥ 0, (n,)."""
        values = vector(numbers(y, "Tweedie"), "Tweedie")
        refuse(values < 0, values, "Tweedie", "y ≥ 0", "amounts cannot be negative; try SquaredError")
        return values

    def multi_output(self, y: Array) -> bool:
        """η is (n,), as y is."""
        return False

    def outputs(self, y: Array) -> int:
        """One."""
        return 1

    @property
    def _a(self) -> float:
        return self.power - 1.0

    @property
    def _b(self) -> float:
        return 2.0 - self.power

    def _powers(self, eta: Array, y: Array) -> tuple[Array, Array]:
        """y e^−aη/a and e^bη/b, each as a whole below the dtype's maximum."""
        eta, y = self.aligned(eta, y)
        xp, exp = namespace(eta), self.link.inverse
        some = xp.where(y > 0, y, xp.ones_like(y))
        falling = exp(xp.log(some) - math.log(self._a) - self._a * eta)
        return xp.where(y > 0, falling, xp.zeros_like(falling)), exp(self._b * eta - math.log(self._b))

    def _root(self, v: Float) -> Float:
        """z with e^bz − e^−az = v: w − w^−r = |v| for the larger power w ≥ 1, concave, so that Newton comes from below."""
        up, size = v >= 0.0, np.abs(v)
        r = np.where(up, self._a / self._b, self._b / self._a)
        w = np.maximum(size, 1.0)
        for _ in range(_ROOT_STEPS):
            small = w**-r
            step = (size - w + small) / (1.0 + r * small / w)
            w = w + np.maximum(step, 0.0)
            if not np.any(step > 1e-16 * w):
                break
        return np.where(up, np.log(w) / self._b, -np.log(w) / self._a)


def _best_shift(a: float, base: Float, y: Float, weight: Float) -> Float:
    """t with Σ s (e^((1−a)(base + t)) − y e^−a(base + t)) = 0."""
    counted = weight > 0.0
    s, eta, amount = weight[counted], base[counted], (weight * y)[counted]
    rising = scipy.special.logsumexp((1.0 - a) * eta, b=s)
    falling = scipy.special.logsumexp(-a * eta, b=amount) if amount.any() else NEVER / (1.0 - a)
    return np.asarray(falling - rising)
