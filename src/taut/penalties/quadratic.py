"""L1, L2 and ElasticNet: Ω(w) = Σ_j v_j (l1 |w_j| + l2 w_j²), with no hidden ½ and no hidden 1/n."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self, final

from taut.arrays import Array, Scalar, any_true, as_float, namespace
from taut.penalties.base import Penalty, Table, Traits
from taut.penalties.separable import INF, Separable, clip, soft_threshold


@dataclass(frozen=True, eq=False, repr=False)
class Quadratic(Separable):
    """The family Σ_j v_j (l1 |w_j| + l2 w_j²) on a box; a member says what its ``strengths`` (l1, l2) are."""

    @property
    @abstractmethod
    def strengths(self) -> tuple[float, float]:
        """(l1, l2)."""

    @property
    def traits(self) -> Traits:
        """Convex and separable; smooth without an L1 part, a box and exclusions."""
        smooth = any_true(self.strengths[0] == 0) and not self._boxed
        return Traits(convex=True, smooth=smooth, separable=True, weak_convexity=0.0)

    def magnitude(self, a: Array, v: Array | float) -> Array:
        """v (l1 a + l2 a²)."""
        l1, l2 = self.strengths
        return (l1 * v) * a + (l2 * v) * a * a

    def slope(self, a: Array, v: Array | float) -> Array:
        """v (l1 + 2 l2 a)."""
        l1, l2 = self.strengths
        return (l1 * v) + (2 * l2 * v) * a

    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """S(z, step·v·l1) / (1 + 2·step·v·l2)."""
        l1, l2 = self.strengths
        x = z if any_true(l1 == 0) else soft_threshold(z, step * (l1 * v))
        return x if any_true(l2 == 0) else x / (1 + 2 * step * (l2 * v))

    def conjugate(self, u: Array) -> Scalar:
        """Σ_j sup over the box of u_j w − v_j (l1|w| + l2 w²).

        Without a box a term is (|u_j| − v_j l1)₊²/(4 v_j l2); where v_j l2 = 0 and w is unbounded towards u_j
        it is 0 for |u_j| ≤ v_j l1, else inf.
        """
        u = as_float(u)
        xp, at = namespace(u), self._on(u)
        l1, l2 = (strength * at.v + 0 * u for strength in self.strengths)
        reach = xp.where(u > 0, at.upper + 0 * u, -at.lower + 0 * u)
        excess = clip(xp.abs(u) - l1, 0.0, INF)
        endless = (l2 == 0) & (reach == INF)
        w = xp.where(l2 == 0, reach, excess / (2 * xp.where(l2 == 0, 1.0, l2)))
        w = xp.where(endless, 0.0, clip(w, 0.0, reach))
        infeasible = xp.any(endless & (excess > self._tolerance(u, l1)))
        return xp.where(infeasible, INF, xp.sum(excess * w - l2 * w * w))

    def table(self, n: int) -> Table:
        """QUADRATIC."""
        return self._lowered(n, *self.strengths, knee=0.0, flat=INF)

    def merged(self, other: Penalty) -> Penalty | None:
        """The strengths add up where factors and box are the same."""
        if not (isinstance(other, Quadratic) and self._shares_coordinates(other)):
            return None
        l1, l2 = (mine + theirs for mine, theirs in zip(self.strengths, other.strengths, strict=True))
        coordinates: dict[str, Any] = {"factors": self.factors, "lower": self.lower, "upper": self.upper}
        if isinstance(self, L1) and isinstance(other, L1):
            return L1(l1, **coordinates)
        if isinstance(self, L2) and isinstance(other, L2):
            return L2(l2, **coordinates)
        return ElasticNet(1.0, l1, l2, **coordinates)

    def _tolerance(self, u: Array, l1: Array) -> Array:
        """By how much |u_j| may exceed its bound: relative to the bound, or to ‖u‖ where the bound is 0."""
        xp = namespace(u)
        relative = max(1e-12, 8 * float(xp.finfo(u.dtype).eps))
        largest = xp.max(xp.abs(u)) if u.shape[0] else xp.sum(u)
        shares = u / xp.where(
            largest > 0, largest, xp.ones_like(largest)
        )  # squares of u itself may be beyond all numbers
        return relative * xp.where(l1 > 0, l1, self.strengths[0] + largest * xp.sqrt(xp.sum(shares * shares)))


@final
@dataclass(frozen=True, eq=False, repr=False)
class L1(Quadratic):
    """λ Σ_j v_j |w_j|: the lasso (Tibshirani 1996). Its prox S(z, step·λ·v) gives exact zeros."""

    lam: float = 1.0

    @property
    def strengths(self) -> tuple[float, float]:
        """(λ, 0)."""
        return self.lam, 0.0

    @property
    def words(self) -> tuple[str, str]:
        """The lasso."""
        return "lasso", ""

    def at(self, lam: float) -> Self:
        """L1(lam·λ)."""
        return replace(self, lam=lam * self.lam)


@final
@dataclass(frozen=True, eq=False, repr=False)
class L2(Quadratic):
    """λ Σ_j v_j w_j²: ridge, weight decay (Hoerl and Kennard 1970). No ½: the gradient is 2 λ v w."""

    lam: float = 1.0

    @property
    def strengths(self) -> tuple[float, float]:
        """(0, λ)."""
        return 0.0, self.lam

    @property
    def words(self) -> tuple[str, str]:
        """Ridge."""
        return "ridge", ""

    def at(self, lam: float) -> Self:
        """L2(lam·λ)."""
        return replace(self, lam=lam * self.lam)


@final
@dataclass(frozen=True, eq=False, repr=False)
class ElasticNet(Quadratic):
    """α Σ_j v_j (λ1 |w_j| + λ2 w_j²) (Zou and Hastie 2005). Along a path α moves; λ1 : λ2 stays."""

    alpha: float = 1.0
    lam1: float = 1.0
    lam2: float = 1.0

    @property
    def strengths(self) -> tuple[float, float]:
        """(α λ1, α λ2)."""
        return self.alpha * self.lam1, self.alpha * self.lam2

    @property
    def words(self) -> tuple[str, str]:
        """The elastic net and its mix."""
        return "elastic net", f"λ1:λ2 {self.lam1:g}:{self.lam2:g}"

    def at(self, lam: float) -> Self:
        """ElasticNet(lam·α, λ1, λ2)."""
        return replace(self, alpha=lam * self.alpha)
