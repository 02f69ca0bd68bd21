"""The scheme of penalties that are a sum over coordinates, Ω(w) = Σ_j ρ(|w_j|; v_j) on a box.

A penalty states the scalar function ρ of a magnitude a ≥ 0 and a factor v: ``magnitude``, its derivative
``slope``, its prox ``shrink``. Factors, box, subgradients, λ_max and distances follow here for all of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Self

import numpy as np

from taut.arrays import Array, Scalar, along_rows, as_float, is_array, like, namespace, to_numpy
from taut.penalties.base import Penalty, Table
from taut.penalties.parameters import (
    PerCoordinate,
    bound,
    check_length,
    number,
    per_coordinate,
    resolved,
    same,
)
from taut.types import Float

INF = float("inf")


class Coordinates(NamedTuple):
    """Factors and box as numbers or arrays; an excluded coordinate has v = 0 on the box [0, 0]."""

    v: Any
    lower: Any
    upper: Any


@dataclass(frozen=True, eq=False, repr=False)
class Separable(Penalty):
    """Σ_j ρ(|w_j|; v_j) where lower_j ≤ w_j ≤ upper_j, inf elsewhere.

    ``factors`` v_j ≥ 0: one number, one per coordinate (p,), or by column name (then ``bind``; 1 where not
    named); 0 is not penalised, inf is excluded and stays exactly 0.  ``lower`` ≤ 0 ≤ ``upper``: likewise, no
    bound where not named.
    """

    factors: PerCoordinate = field(default=None, kw_only=True)
    lower: PerCoordinate = field(default=None, kw_only=True)
    upper: PerCoordinate = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            f.name: number(f.name, getattr(self, f.name), **f.metadata) for f in fields(self) if not f.kw_only
        }
        checked["factors"] = per_coordinate("factors", self.factors, 0.0, INF)
        checked["lower"] = per_coordinate("lower", self.lower, -INF, 0.0)
        checked["upper"] = per_coordinate("upper", self.upper, 0.0, INF)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @abstractmethod
    def magnitude(self, a: Array, v: Array | float) -> Array:
        """ρ(a; v) for a ≥ 0."""

    @abstractmethod
    def slope(self, a: Array, v: Array | float) -> Array:
        """ρ′(a; v) for a ≥ 0, from the right at 0; shaped as a."""

    @abstractmethod
    def shrink(self, z: Array, step: Array | float, v: Array | float) -> Array:
        """argmin_x (x − z)²/(2·step) + ρ(|x|; v), without a box."""

    def value(self, w: Array) -> Scalar:
        """Σ_j ρ(|w_j|; v_j); inf outside the box."""
        w = as_float(w)
        xp, at = namespace(w), self._on(w)
        total = xp.sum(self.magnitude(xp.abs(w), at.v))
        return xp.where(xp.all((w >= at.lower) & (w <= at.upper)), total, INF) if self._boxed else total

    def gradient(self, w: Array) -> Array:
        """sign(w)·ρ′(|w|; v): 0 where w is 0."""
        w = as_float(w)
        xp = namespace(w)
        return xp.sign(w) * self.slope(xp.abs(w), self._on(w).v)

    def prox(self, z: Array, step: Array | float) -> Array:
        """``shrink``, then clipped to the box: exact, since one coordinate's objective is strictly convex."""
        z = as_float(z)
        at = self._on(z)
        x = self.shrink(z, steps(step, z), at.v)
        return clip(x, at.lower, at.upper) if self._boxed else x

    def lambda_max(self, g0: Array) -> float:
        """max_j |g0_j| / ρ′(0; v_j), where only a −g0_j that points into the box counts."""
        g = finite(g0)
        at, ones = self._on(g), np.ones_like(g)
        pull = np.where(np.where(g < 0, at.upper, -at.lower) > 0, np.abs(g), 0.0)
        counts = (pull > 0) & (self.magnitude(ones, at.v) > 0)
        return smallest_strength(pull[counts], lambda t: self.at(t).slope(0 * ones, at.v)[counts])

    def distance(self, w: Array, g: Array) -> Array:
        """Distance of −g_j to the interval of subgradients, which a bound of the box opens to infinity."""
        w = as_float(w)
        xp, at, g = namespace(w), self._on(w), like(g, w)
        slope, side = self.slope(xp.abs(w), at.v), xp.sign(w)
        low = xp.where(w <= at.lower, -INF, xp.where(side == 0, -slope, side * slope))
        high = xp.where(w >= at.upper, INF, xp.where(side == 0, slope, side * slope))
        gap = clip(xp.maximum(low + g, -g - high), 0.0, INF)
        return xp.where((w < at.lower) | (w > at.upper), INF, gap)

    def bind(self, names: Sequence[str], sources: Sequence[str] | None = None) -> Self:
        """Factors and box by position; where a column is not named it has factor 1 and no bound."""
        defaults = {"factors": 1.0, "lower": -INF, "upper": INF}
        found = {k: bound(k, getattr(self, k), default, names, sources) for k, default in defaults.items()}
        return replace(self, **found)

    def _shares_coordinates(self, other: Separable) -> bool:
        return all(same(getattr(self, name), getattr(other, name)) for name in ("factors", "lower", "upper"))

    @property
    def _excludes(self) -> bool:
        return self.factors is not None and bool(np.any(np.isinf(resolved("factors", self.factors, 1.0))))

    @property
    def _boxed(self) -> bool:
        return self.lower is not None or self.upper is not None or self._excludes

    def _coordinates(self, n: int) -> Coordinates:
        """Factors and box for n features, numbers where no array was given."""
        v = resolved("factors", self.factors, 1.0)
        lower, upper = resolved("lower", self.lower, -INF), resolved("upper", self.upper, INF)
        for name, values in (("factors", v), ("lower", lower), ("upper", upper)):
            if isinstance(values, np.ndarray):
                check_length(name, values, n)
        if not self._excludes:
            return Coordinates(v, lower, upper)
        out = np.isinf(v)
        return Coordinates(*(np.where(out, 0.0, x) for x in (v, lower, upper)))

    def _on(self, w: Array) -> Coordinates:
        """The coordinates in the kind and dtype of w, shaped to broadcast along its features."""
        return Coordinates(*(along_rows(x, w) for x in self._coordinates(w.shape[0] if w.ndim else 1)))

    def _lowered(self, n: int, l1: float, l2: float, knee: float, flat: float) -> Table:
        """The table whose entries are l1·v and l2·v."""
        v, lower, upper = (np.array(np.broadcast_to(x, (n,)), dtype=np.float64) for x in self._coordinates(n))
        out = np.isinf(resolved("factors", self.factors, 1.0))
        return Table(np.where(out, INF, l1 * v), l2 * v, lower, upper, knee, flat)


def steps(step: Array | float, z: Array) -> Array | float:
    """``step`` ready to compute with z: a float, or an array of z's kind and dtype along its features."""
    on_host = not is_array(step) or isinstance(step, np.ndarray)  # looking into others may wait for a device
    if on_host and not np.all(np.asarray(step) >= 0):
        raise ValueError(f"step must be ≥ 0, got {np.min(np.asarray(step)):g}")
    return along_rows(step, z)


def soft_threshold(z: Array, t: Array | float) -> Array:
    """S(z, t) = sign(z)·max(|z| − t, 0), written so that |z| ≤ t gives +0 exactly."""
    return z - clip(z, -t, t)


def clip(x: Array, lower: Array | float, upper: Array | float) -> Array:
    """``x`` held within [lower, upper], numbers or arrays that broadcast to x."""
    xp = namespace(x)
    x = xp.where(x < lower, lower, x)
    return xp.where(x > upper, upper, x)


def finite(g0: Array) -> Float:
    """``g0`` as float64 on the host; raises ValueError where an entry is NaN or infinite."""
    g = np.asarray(to_numpy(g0), dtype=np.float64)
    if not np.all(np.isfinite(g)):
        raise ValueError(
            "lambda_max needs a finite gradient, got NaN or inf: check the data of the null model"
        )
    return g


def smallest_strength(pull: Float, slopes: Callable[[float], Float]) -> float:
    """The smallest t with slopes(t) ≥ pull throughout; slopes are proportional to t up to rounding.

    Rounding goes up: where the quotient falls short in floating point, t grows by 1, 2, 4, … last digits.
    """
    if pull.size == 0:
        return 0.0
    slope, digits = slopes(1.0), float(np.finfo(np.float64).eps)
    t = float(np.max(pull / slope)) if np.all(slope > 0) else INF
    while np.isfinite(t) and np.any(slopes(t) < pull):
        t, digits = t * (1 + digits), 2 * digits
    return t
