"""MCP or SCAD on the flat parameter vector, with one strength per coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Kind, WeaklyConvex
from taut.solvers.networks.flat_penalty import Lowered, TablePenalty
from taut.types import Real

SAFE = 0.9
"""The share of the largest step below which the prox is a function that steps stay within."""


@final
@dataclass(frozen=True, eq=False)
class ConcaveTable(TablePenalty):
    """Σ_j ρ(|w_j|; v_j): ``shape`` with λ = 1 and no factors, v (P,) zero where nothing is penalised, inf excluded."""

    shape: WeaklyConvex
    v: Real

    @cached_property
    def _finite(self) -> Real:
        """v, zero where it is infinite: those weights are zero."""
        finite: Real = np.where(np.isinf(self.v), 0, self.v).astype(self.v.dtype)
        return finite

    def at(self, lam: float) -> Lowered:
        """λv; what is excluded stays so at 0."""
        strengths = np.where(np.isinf(self.v), self.v, lam * self._finite)
        terms = np.stack([strengths, np.zeros_like(strengths)]).astype(np.float32)
        return Lowered(Kind.CONCAVE, terms, *self.shape.knots)

    def take(self, places: NDArray[Any]) -> ConcaveTable:
        """Those coordinates."""
        return ConcaveTable(self.shape, self.v[places].astype(np.float32))

    def spares(self, places: slice) -> bool:
        """No v."""
        return not self.v[places].any()

    @property
    def straight(self) -> bool:
        """That is what makes the shape concave."""
        return False

    def value(self, vector: Real, lam: float) -> float:
        """Σ_j ρ(|w_j|; λv_j)."""
        return float(self.shape.at(lam).magnitude(np.abs(vector), self._finite).sum())

    def gradient(self, vector: Real, lam: float) -> Real:
        """ρ'(|w|; λv) sign w."""
        slope: Real = np.sign(vector) * self.shape.at(lam).slope(np.abs(vector), self._finite)
        return slope

    def prox(self, vector: Real, step: Real | float, lam: float) -> Real:
        """The shape's own, and zero where a weight is excluded."""
        moved = self.shape.at(lam).stretch(vector, step, self._finite)
        return np.where(np.isinf(self.v), 0.0, moved).astype(vector.dtype)

    def least_norm(self, vector: Real, gradient: Real, lam: float) -> Real:
        """∇L + ρ'(|w|) sign w, and S(∇L, λv) where w is 0."""
        t = np.where(np.isinf(self.v), self.v, lam * self._finite)
        inside = gradient - np.clip(gradient, -t, t)
        return np.where(vector != 0, gradient + self.gradient(vector, lam), inside)

    def held(self, vector: Real, heading: Real) -> Real:
        """Zeros where v > 0 and the sign changed."""
        return np.where((self.v > 0) & (vector * heading <= 0), 0.0, vector)

    def largest_step(self, lam: float) -> float:
        """Short of where the prox would have two values."""
        return SAFE / self.shape.weak_convexity
