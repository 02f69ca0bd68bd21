"""Penalties that are a sum over coordinates, Ω(w) = Σ_j ρ(|w_j|; v_j) on a box: the scheme, and L1, L2, ElasticNet.

A new one states the scalar function ρ of a magnitude a ≥ 0 and a factor v: ``magnitude``, its derivative ``slope``, its
prox ``shrink``. Factors, box, subgradients, λ_max and distances follow here, once for all.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self, final

import numpy as np

from taut.arrays import Array, Scalar, along_rows, as_float, is_array, like, namespace, to_numpy
from taut.penalties.base import Float, Kind, Penalty, Table, Traits
from taut.penalties.parameters import PerCoordinate, bound, check_length, number, per_coordinate, resolved, same

INF = float("inf")


class Coordinates(NamedTuple):
    """Factors v and box of the coordinates, numbers or arrays; excluded ones (v = inf) are the box [0, 0] with v = 0."""

    v: Any
    lower: Any
    upper: Any


@dataclass(frozen=True, eq=False, repr=False)
class Separable(Penalty):
    """Σ_j ρ(|w_j|; v_j) for lower_j ≤ w_j ≤ upper_j, inf elsewhere.

    factors v ≥ 0: one number, one per coordinate (p,), or by column name (then ``bind``; columns not named have 1); 0 is
    not penalised, inf is excluded and stays exactly 0.  lower ≤ 0 ≤ upper: likewise, −inf and inf where not named.
    """

    factors: PerCoordinate = field(default=None, kw_only=True)
    lower: PerCoordinate = field(default=None, kw_only=True)
    upper: PerCoordinate = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self._check()
        object.__setattr__(self, "factors", per_coordinate("factors", self.factors, 0.0, INF))
        object.__setattr__(self, "lower", per_coordinate("lower", self.lower, -INF, 0.0))
        object.__setattr__(self, "upper", per_coordinate("upper", self.upper, 0.0, INF))

    @abstractmethod
    def _check(self) -> None:
        """Validate the fields of the class itself."""

    @abstractmethod
    def magnitude(self, a: Array, v: Array | float) -> Array:
        """ρ(a; v) for a ≥ 0."""

    @abstractmethod
    def slope(self, a: Array, v: Array | float) -> Array:
        """ρ′(a; v) for a ≥ 0, at 0 from the right; shaped as a."""

    @abstractmethod
    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """argmin_x (x − z)²/(2·step) + ρ(|x|; v) without a box, per coordinate."""

    def value(self, w: Array) -> Scalar:
        """Σ_j ρ(|w_j|; v_j); inf outside the box."""
        w = as_float(w)
        xp, at = namespace(w), self._on(w)
        total = xp.sum(self.magnitude(xp.abs(w), at.v))
        if not self._boxed:
            return total
        return xp.where(xp.all((w >= at.lower) & (w <= at.upper)), total, like(np.array(INF), w) + 0 * total)

    def gradient(self, w: Array) -> Array:
        """sign(w)·ρ′(|w|; v): 0 where w is 0."""
        w = as_float(w)
        xp = namespace(w)
        return xp.sign(w) * self.slope(xp.abs(w), self._on(w).v)

    def prox(self, z: Array, step: Array | float) -> Array:
        """``shrink``, clipped to the box: exact, since the objective of one coordinate is strictly convex."""
        z = as_float(z)
        at = self._on(z)
        x = self.shrink(z, steps(step, z), at.v)
        return clip(x, at.lower, at.upper) if self._boxed else x

    def lambda_max(self, g0: Array) -> float:
        """max_j |g0_j| / ρ′(0; v_j); only −g0_j that points into the box counts."""
        g = np.asarray(to_numpy(g0), dtype=np.float64)
        at = self._on(g)
        ones = np.ones_like(g)
        pull = np.where(at.upper > 0, np.maximum(-g, 0), 0) + np.where(at.lower < 0, np.maximum(g, 0), 0)
        pull = np.where(self.magnitude(ones, at.v) > 0, pull, 0)
        return smallest_strength(pull[pull > 0], self.slope(0 * ones, at.v)[pull > 0])

    def distance(self, w: Array, g: Array) -> Array:
        """Distance of −g_j to the interval ∂ρ(w_j), which at a bound of the box reaches to infinity."""
        w = as_float(w)
        xp, at, g = namespace(w), self._on(w), like(g, w)
        slope, zero = self.slope(xp.abs(w), at.v), w == 0
        signed = xp.sign(w) * slope
        below = xp.where(zero, -slope, signed) + g
        above = -g - xp.where(zero, slope, signed)
        below = xp.where(w <= at.lower, -INF, below)
        above = xp.where(w >= at.upper, -INF, above)
        gap = clip(xp.maximum(below, above), 0.0, INF)
        return xp.where((w < at.lower) | (w > at.upper), INF, gap)

    def bind(self, names: Sequence[str], sources: Sequence[str] | None = None) -> Self:
        """Factors and box by position: see ``Penalty.bind``."""
        defaults = {"factors": 1.0, "lower": -INF, "upper": INF}
        found = {k: bound(k, getattr(self, k), default, names, sources) for k, default in defaults.items()}
        return replace(self, **found)

    @property
    def _boxed(self) -> bool:
        """Whether any coordinate may be held back by the box or by exclusion."""
        return self.lower is not None or self.upper is not None or self._excludes

    @property
    def _excludes(self) -> bool:
        return self.factors is not None and bool(np.any(np.isinf(resolved("factors", self.factors, 1.0))))

    def _resolved(self, n: int) -> Coordinates:
        v = resolved("factors", self.factors, 1.0)
        lower, upper = resolved("lower", self.lower, -INF), resolved("upper", self.upper, INF)
        for name, values in (("factors", v), ("lower", lower), ("upper", upper)):
            if isinstance(values, np.ndarray):
                check_length(name, values, n)
        if not self._excludes:
            return Coordinates(v, lower, upper)
        out = np.isinf(v)
        return Coordinates(np.where(out, 0.0, v), np.where(out, 0.0, lower), np.where(out, 0.0, upper))

    def _on(self, w: Array) -> Coordinates:
        """The coordinates in the kind and dtype of w, shaped to broadcast along its features."""
        return Coordinates(*(along_rows(x, w) for x in self._resolved(w.shape[0] if w.ndim else 1)))

    def _table(self, n: int, kind: Kind, l1: float, l2: float, gamma: float) -> Table:
        at = self._resolved(n)
        v, lower, upper = (np.array(np.broadcast_to(x, (n,)), dtype=np.float64) for x in at)
        out = np.broadcast_to(np.isinf(resolved("factors", self.factors, 1.0)), (n,))
        return Table(int(kind), np.where(out, INF, l1 * v), l2 * v, lower, upper, gamma)

    def _same_coordinates(self, other: Separable) -> bool:
        return all(same(getattr(self, k), getattr(other, k)) for k in ("factors", "lower", "upper"))


@dataclass(frozen=True, eq=False, repr=False)
class Quadratic(Separable):
    """Σ_j v_j (l1|w_j| + l2 w_j²): the family of L1, L2 and ElasticNet."""

    @property
    @abstractmethod
    def strengths(self) -> tuple[float, float]:
        """(l1, l2)."""

    @property
    def traits(self) -> Traits:
        """Convex and separable; smooth without an L1 part, box or exclusion."""
        return Traits(True, self.strengths[0] == 0 and not self._boxed, True, 0.0)

    def magnitude(self, a: Array, v: Array | float) -> Array:
        """v (l1 a + l2 a²)."""
        l1, l2 = self.strengths
        return (l1 * v) * a if l2 == 0 else (l1 * v) * a + (l2 * v) * a * a

    def slope(self, a: Array, v: Array | float) -> Array:
        """v (l1 + 2 l2 a)."""
        l1, l2 = self.strengths
        return (l1 * v) + (2 * l2 * v) * a

    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """S(z, step·v·l1) / (1 + 2·step·v·l2)."""
        l1, l2 = self.strengths
        x = z if l1 == 0 else soft_threshold(z, step * (l1 * v))
        return x if l2 == 0 else x / (1 + 2 * step * (l2 * v))

    def conjugate(self, u: Array) -> Scalar:
        """Σ_j sup over the box of u_j w − v_j (l1|w| + l2 w²): (|u_j| − v_j l1)₊² / (4 v_j l2) without a box."""
        u = as_float(u)
        xp, at, (l1, l2) = namespace(u), self._on(u), self.strengths
        tolerance = max(1e-12, 8 * float(xp.finfo(u.dtype).eps)) * xp.maximum(xp.max(xp.abs(u)), xp.max(l1 * at.v + 0 * u))
        up = _half_conjugate(u - l1 * at.v, l2 * at.v + 0 * u, at.upper + 0 * u, tolerance)
        down = _half_conjugate(-u - l1 * at.v, l2 * at.v + 0 * u, -at.lower + 0 * u, tolerance)
        return xp.sum(up + down)

    def table(self, n: int) -> Table:
        """QUADRATIC."""
        return self._table(n, Kind.QUADRATIC, *self.strengths, gamma=INF)

    def merged(self, other: Penalty) -> Penalty | None:
        """The ElasticNet with the sum of the strengths, or the same class; None unless factors and box agree."""
        if not (isinstance(other, Quadratic) and self._same_coordinates(other)):
            return None
        l1, l2 = (mine + theirs for mine, theirs in zip(self.strengths, other.strengths, strict=True))
        coordinates = {"factors": self.factors, "lower": self.lower, "upper": self.upper}
        if isinstance(self, L1) and isinstance(other, L1):
            return L1(l1, **coordinates)
        if isinstance(self, L2) and isinstance(other, L2):
            return L2(l2, **coordinates)
        return ElasticNet(1.0, l1, l2, **coordinates)


def _half_conjugate(excess: Array, l2: Array, bound: Array, tolerance: Array) -> Array:
    """sup over 0 ≤ w ≤ bound of excess·w − l2 w², the three arrays of one shape."""
    xp = namespace(excess)
    slack = xp.where((l2 == 0) & (bound == INF), tolerance, 0 * tolerance)
    excess = xp.where(excess > slack, excess, 0 * excess)
    curved = l2 > 0
    peak = xp.where(curved, excess / (2 * xp.where(curved, l2, 1 + l2)), bound)
    w = xp.where(excess > 0, xp.minimum(peak, bound), 0 * excess)
    return xp.where(w == INF, w, excess * xp.where(w == INF, 0 * w, w) - l2 * xp.where(w == INF, 0 * l2, w * w))


def steps(step: Array | float, z: Array) -> Array | float:
    """``step`` ready to compute with z: a float, or an array of its kind and dtype along its features."""
    on_host = not is_array(step) or isinstance(step, np.ndarray)
    if on_host and not np.all(np.asarray(step) >= 0):
        raise ValueError(f"step must be ≥ 0, got {np.min(np.asarray(step)):g}")
    return along_rows(step, z)


def soft_threshold(z: Array, t: Array | float) -> Array:
    """S(z, t) = sign(z)·max(|z| − t, 0), written so that small z give +0 exactly."""
    return z - clip(z, -t, t)


def clip(x: Array, lower: Array | float, upper: Array | float) -> Array:
    """``x`` held within [lower, upper], numbers or arrays that broadcast to x."""
    xp = namespace(x)
    x = xp.where(x < lower, lower, x)
    return xp.where(x > upper, upper, x)


def smallest_strength(pull: Float, slope: Float) -> float:
    """The smallest t with t·slope ≥ pull for all entries, to the last digit: not one rounding error less."""
    if pull.size == 0:
        return 0.0
    if np.any(slope == 0):
        return INF
    t = float(np.max(pull / slope))
    while np.any(t * slope < pull):
        t = float(np.nextafter(t, INF))
    return t


@final
@dataclass(frozen=True, eq=False, repr=False)
class L1(Quadratic):
    """λ Σ_j v_j |w_j|: the lasso (Tibshirani 1996). Its prox S(z, step·λ·v) gives exact zeros."""

    lam: float = 1.0

    @property
    def strengths(self) -> tuple[float, float]:
        """(λ, 0)."""
        return self.lam, 0.0

    def scaled(self, lam: float) -> L1:
        """L1 with strength lam·λ."""
        return replace(self, lam=lam * self.lam)

    def _check(self) -> None:
        object.__setattr__(self, "lam", number("lam", self.lam))


@final
@dataclass(frozen=True, eq=False, repr=False)
class L2(Quadratic):
    """λ Σ_j v_j w_j²: ridge, weight decay (Hoerl and Kennard 1970). No ½: the gradient is 2λ v w."""

    lam: float = 1.0

    @property
    def strengths(self) -> tuple[float, float]:
        """(0, λ)."""
        return 0.0, self.lam

    def scaled(self, lam: float) -> L2:
        """L2 with strength lam·λ."""
        return replace(self, lam=lam * self.lam)

    def _check(self) -> None:
        object.__setattr__(self, "lam", number("lam", self.lam))


@final
@dataclass(frozen=True, eq=False, repr=False)
class ElasticNet(Quadratic):
    """α Σ_j v_j (λ1 |w_j| + λ2 w_j²) (Zou and Hastie 2005). Along a path α moves and λ1 : λ2 stays."""

    alpha: float = 1.0
    lam1: float = 1.0
    lam2: float = 1.0

    @property
    def strengths(self) -> tuple[float, float]:
        """(α λ1, α λ2)."""
        return self.alpha * self.lam1, self.alpha * self.lam2

    def scaled(self, lam: float) -> ElasticNet:
        """ElasticNet with multiplier lam·α."""
        return replace(self, alpha=lam * self.alpha)

    def _check(self) -> None:
        for name in ("alpha", "lam1", "lam2"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
