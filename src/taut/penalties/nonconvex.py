"""MCP and SCAD: small weights shrink as in the lasso, large ones not at all, at the price of convexity."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Self, final

from taut.arrays import Array, Scalar, any_true, is_traced, namespace
from taut.penalties.base import Kind, Penalty, Table, Traits
from taut.penalties.separable import INF, Separable, clip, soft_threshold


@dataclass(frozen=True, eq=False, repr=False)
class WeaklyConvex(Separable):
    """Separable penalties that are convex once c‖w‖²/2 is added; a member states this ``weak_convexity``."""

    @property
    @abstractmethod
    def weak_convexity(self) -> float:
        """c."""

    @abstractmethod
    def stretch(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """The closed form of ``shrink`` where step·c < 1."""

    @property
    def traits(self) -> Traits:
        """Not convex; separable."""
        return Traits(convex=False, smooth=False, separable=True, weak_convexity=self.weak_convexity)

    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """``stretch``; raises ValueError unless step·c < 1, where minimisers would not be unique.

        Under JAX's jit, where an array of steps cannot be looked at, the result is NaN there instead.
        """
        beyond = step * self.weak_convexity >= 1
        if any_true(beyond):
            limit = 1 / self.weak_convexity
            raise ValueError(
                f"the prox of {self!r} needs a step < {limit:g}: take a smaller one or a larger gamma"
            )
        x = self.stretch(z, step, v)
        return namespace(z).where(beyond, float("nan"), x) if is_traced(beyond) else x

    def conjugate(self, u: Array) -> Scalar:
        """Raises ValueError: without convexity the conjugate certifies nothing."""
        raise ValueError(f"{self!r} is not convex, its conjugate certifies nothing: use distance()")

    def merged(self, other: Penalty) -> Penalty | None:
        """None: no sum with a weakly convex penalty stays in the family."""
        return None


@final
@dataclass(frozen=True, eq=False, repr=False)
class MCP(WeaklyConvex):
    """Minimax concave penalty Σ_j ∫₀^|w_j| (λv_j − t/γ)₊ dt, γ > 1 (Zhang 2010, Ann. Statist. 38, §2.1).

    λv|w| − w²/(2γ) up to |w| = γλv, constant γ(λv)²/2 beyond. ``lam * p`` keeps γ.
    """

    lam: float = 1.0
    gamma: float = field(default=3.0, metadata={"above": 1.0})

    @property
    def weak_convexity(self) -> float:
        """1/γ."""
        return 1 / self.gamma

    def magnitude(self, a: Array, v: Array | float) -> Array:
        """λv m − m²/(2γ) with m = min(a, γλv)."""
        m = clip(a, 0.0, self.gamma * (self.lam * v))
        return (self.lam * v) * m - m * m / (2 * self.gamma)

    def slope(self, a: Array, v: Array | float) -> Array:
        """(λv − a/γ)₊."""
        return clip(self.lam * v - a / self.gamma, 0.0, INF)

    def stretch(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """S(z, step·λv) / (1 − step/γ) up to |z| = γλv, z beyond."""
        xp = namespace(z)
        near = soft_threshold(z, step * (self.lam * v)) / (1 - step / self.gamma)
        return xp.where(xp.abs(z) < self.gamma * (self.lam * v), near, z)

    def table(self, n: int) -> Table:
        """MCP."""
        return self._lowered(n, Kind.MCP, self.lam, 0.0, self.gamma)

    def at(self, lam: float) -> Self:
        """MCP(lam·λ, γ)."""
        return replace(self, lam=lam * self.lam)


@final
@dataclass(frozen=True, eq=False, repr=False)
class SCAD(WeaklyConvex):
    """Smoothly clipped absolute deviation, γ > 2 (Fan and Li 2001, JASA 96, eq. 2.7 with a = γ).

    Σ_j ∫₀^|w_j| min(λv_j, (γλv_j − t)₊/(γ − 1)) dt: λv|w| up to λv, then bending to the constant
    (γ + 1)(λv)²/2 at γλv. ``lam * p`` keeps γ.
    """

    lam: float = 1.0
    gamma: float = field(default=3.7, metadata={"above": 2.0})

    @property
    def weak_convexity(self) -> float:
        """1/(γ − 1)."""
        return 1 / (self.gamma - 1)

    def magnitude(self, a: Array, v: Array | float) -> Array:
        """λv min(a, λv) + [γλv (m − λv) − (m² − (λv)²)/2]/(γ − 1) with m = a held within [λv, γλv]."""
        lam, top = self.lam * v, self.gamma * (self.lam * v)
        m = clip(a, lam, top)
        return lam * clip(a, 0.0, lam) + (m - lam) * (top - (m + lam) / 2) / (self.gamma - 1)

    def slope(self, a: Array, v: Array | float) -> Array:
        """(γλv − a)/(γ − 1) held within [0, λv]."""
        lam = self.lam * v
        return clip((self.gamma * lam - a) / (self.gamma - 1), 0.0, lam)

    def stretch(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """S(z, step·λv) up to |z| = (1 + step)λv, S(z, step·cγλv)/(1 − step·c) up to γλv, z beyond."""
        xp, size, lam, c = namespace(z), namespace(z).abs(z), self.lam * v, self.weak_convexity
        bent = soft_threshold(z, step * (c * self.gamma * lam)) / (1 - step * c)
        small = xp.where(size <= (1 + step) * lam, soft_threshold(z, step * lam), bent)
        return xp.where(size < self.gamma * lam, small, z)

    def table(self, n: int) -> Table:
        """SCAD."""
        return self._lowered(n, Kind.SCAD, self.lam, 0.0, self.gamma)

    def at(self, lam: float) -> Self:
        """SCAD(lam·λ, γ)."""
        return replace(self, lam=lam * self.lam)
