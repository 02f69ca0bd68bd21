"""MCP and SCAD: small weights shrink as in the lasso, large ones not at all, at the price of convexity."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Self, final

from taut.arrays import Array, Scalar, any_true, as_float, is_traced, namespace
from taut.penalties.base import Penalty, Table, Traits
from taut.penalties.parameters import number
from taut.penalties.separable import INF, Coordinates, Separable, clip, soft_threshold, steps


@dataclass(frozen=True, eq=False, repr=False)
class WeaklyConvex(Separable):
    """Σ_j ρ(|w_j|; v_j) whose slope is λv up to knee·λv, falls in a straight line and is 0 from flat·λv on.

    A member states its ``knots`` (knee, flat). ``curvature`` c is that of the loss beside it: Ω = c·p(w; λ/c) with p as the
    literature defines it, beside ½(η − y)² or a likelihood; None is 1, and on a path or in an ``Objective`` that of the loss.
    """

    lam: float = 1.0
    curvature: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.curvature is not None:
            object.__setattr__(self, "curvature", number("curvature", self.curvature, above=0.0))

    @property
    @abstractmethod
    def knots(self) -> tuple[float, float]:
        """(knee, flat), in units of λv."""

    @property
    def unit(self) -> float:
        """1/c: what λ is multiplied by where it becomes a magnitude of weights."""
        return 1.0 if self.curvature is None else 1.0 / self.curvature

    @property
    def weak_convexity(self) -> float:
        """1/(flat − knee), the rate at which the slope falls."""
        knee, flat = self.knots
        return 1 / (flat - knee)

    @property
    def traits(self) -> Traits:
        """Not convex; separable."""
        return Traits(convex=False, smooth=False, separable=True, weak_convexity=self.weak_convexity)

    def magnitude(self, a: Array, v: Array | float) -> Array:
        """λv m − (m − knee·λv)₊²/(2(flat − knee)) with m = min(a, flat·λv)."""
        lam, (knee, flat) = self.lam * v, self.knots
        m = clip(a, 0.0, flat * lam)
        past = clip(m - knee * lam, 0.0, INF)
        return lam * m - past * past / (2 * (flat - knee))

    def slope(self, a: Array, v: Array | float) -> Array:
        """(λv − (a − knee·λv)₊/(flat − knee))₊."""
        lam, (knee, flat) = self.lam * v, self.knots
        return clip(lam - clip(a - knee * lam, 0.0, INF) / (flat - knee), 0.0, INF)

    def stretch(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """The closed form of ``shrink`` where step·bend < 1, bend the weak convexity.

        S(z, step·λv) up to |z| = (knee + step)λv, S(z, step·λv(1 + bend·knee))/(1 − step·bend) up to flat·λv, z beyond.
        """
        xp, size, lam = namespace(z), namespace(z).abs(z), self.lam * v
        (knee, flat), bend = self.knots, self.weak_convexity
        bent = soft_threshold(z, step * ((1 + bend * knee) * lam)) / (1 - step * bend)
        small = xp.where(size <= (knee + step) * lam, soft_threshold(z, step * lam), bent)
        return xp.where(size < flat * lam, small, z)

    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """``stretch``; raises ValueError unless step·bend < 1, where minimisers would not be unique.

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

    def prox_at_any_step(self, z: Array, step: Array | float) -> Array:
        """A minimiser of (x − z)²/(2·step) + Ω(x) whatever the step, where ``prox`` refuses steps with step·bend ≥ 1.

        There the objective is concave between the knots, so that a minimiser lies on the near side of the knee or beyond
        the flat's begin (hard thresholding, for MCP at √(step·flat)·λv); of two the one nearer 0.
        """
        z = as_float(z)
        xp, at, t = namespace(z), self._on(z), steps(step, z) + namespace(z).zeros_like(z)
        unique = t * self.weak_convexity < 1
        smooth = clip(self.stretch(z, xp.where(unique, t, 0.0), at.v), at.lower, at.upper)
        return xp.where(unique, smooth, self._jump(z, xp.where(unique, 1.0, t), at))

    def _jump(self, z: Array, t: Array, at: Coordinates) -> Array:
        """The better of the two candidates, within the box."""
        xp, size, lam, (knee, flat) = namespace(z), namespace(z).abs(z), self.lam * at.v, self.knots
        reach = xp.where(z > 0, at.upper + xp.zeros_like(z), -at.lower + xp.zeros_like(z))
        near = xp.minimum(clip(soft_threshold(size, t * lam), 0.0, knee * lam), reach)
        far = xp.minimum(xp.maximum(size, flat * lam + xp.zeros_like(z)), reach)
        costs = [(a - size) ** 2 / (2 * t) + self.magnitude(a, at.v) for a in (near, far)]
        return xp.sign(z) * xp.where(costs[0] <= costs[1], near, far)

    def conjugate(self, u: Array) -> Scalar:
        """Raises ValueError: without convexity the conjugate certifies nothing."""
        raise ValueError(f"{self!r} is not convex, its conjugate certifies nothing: use distance()")

    def merged(self, other: Penalty) -> Penalty | None:
        """None: no sum with a weakly convex penalty stays in the family."""
        return None

    def table(self, n: int) -> Table:
        """CONCAVE."""
        return self._lowered(n, self.lam, 0.0, *self.knots)

    def majorant(self, w: Array) -> Table:
        """The tangent in |w|."""
        return self.tangent(w)

    def at(self, lam: float) -> Self:
        """lam·λ; γ and the curvature stay."""
        return replace(self, lam=lam * self.lam)

    def at_curvature(self, curvature: float) -> Self:
        """Measured against c; itself where its curvature is given."""
        return replace(self, curvature=curvature) if self.curvature is None else self


@final
@dataclass(frozen=True, eq=False, repr=False)
class MCP(WeaklyConvex):
    """Minimax concave penalty Σ_j ∫₀^|w_j| (λv_j − ct/γ)₊ dt, γ > 1 (Zhang 2010, Ann. Statist. 38, §2.1).

    λv|w| − cw²/(2γ) up to |w| = γλv/c, constant γ(λv)²/(2c) beyond; ``lam * p`` keeps γ. c is the ``curvature`` that γ is
    measured against: 1 alone; on a path 2 for the squared and Huber losses (2/q with q outputs), 1 for the others. So γ is
    that of the literature, of R's ncvreg and of skglm, whose squared loss has a ½.
    """

    gamma: float = field(default=3.0, metadata={"above": 1.0})

    @property
    def words(self) -> tuple[str, str]:
        """MCP and its γ."""
        return "MCP", f"γ {self.gamma:g}"

    @property
    def knots(self) -> tuple[float, float]:
        """(0, γ/c)."""
        return 0.0, self.gamma * self.unit


@final
@dataclass(frozen=True, eq=False, repr=False)
class SCAD(WeaklyConvex):
    """Smoothly clipped absolute deviation, γ > 2 (Fan and Li 2001, JASA 96, eq. 2.7 with a = γ).

    Σ_j ∫₀^|w_j| min(λv_j, (γλv_j − ct)₊/(γ − 1)) dt: λv|w| up to λv/c, then bending to the constant
    (γ + 1)(λv)²/(2c) at γλv/c; ``lam * p`` keeps γ. c is the ``curvature`` that γ is measured against, as in ``MCP``: γ is
    that of R's ncvreg and of skglm.
    """

    gamma: float = field(default=3.7, metadata={"above": 2.0})

    @property
    def words(self) -> tuple[str, str]:
        """SCAD and its γ."""
        return "SCAD", f"γ {self.gamma:g}"

    @property
    def knots(self) -> tuple[float, float]:
        """(1/c, γ/c)."""
        return self.unit, self.gamma * self.unit
