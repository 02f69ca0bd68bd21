"""What the network solvers ask of a penalty on the flat parameter vector, and the fast answer for quadratic tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, final

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Kind
from taut.types import Int64, Real

NO_RUNS, NO_GROUPS = np.zeros((0, 2), np.int64), np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class VectorPenalty(ABC):
    """Ω over flat vectors (P,), for every strength ``lam``."""

    @abstractmethod
    def value(self, vector: Real, lam: float) -> float:
        """λΩ(θ)."""

    @abstractmethod
    def gradient(self, vector: Real, lam: float) -> Real:
        """The least-norm subgradient of λΩ (P,)."""

    @abstractmethod
    def prox(self, vector: Real, step: Real | float, lam: float) -> Real:
        """argmin_x ½‖x − z‖²/step + λΩ(x); ``step`` is a number, or one for each weight."""

    @abstractmethod
    def least_norm(self, vector: Real, gradient: Real, lam: float) -> Real:
        """The element of ∇L + ∂λΩ of least norm (P,): zero where stationary, its negative goes downhill."""

    @abstractmethod
    def held(self, vector: Real, heading: Real) -> Real:
        """``vector`` with zeros where a weight left the orthant of ``heading`` (a group its half-space).

        Shapes that are smooth at zero have no such border.
        """

    @abstractmethod
    def largest_step(self, lam: float) -> float:
        """Steps up to this keep the prox a function: inf for convex shapes."""

    @property
    @abstractmethod
    def straight(self) -> bool:
        """Whether the penalty has no curvature on either side of zero."""

    def residual(self, vector: Real, gradient: Real, lam: float) -> Real:
        """The proximal-gradient residual (w − prox(w − t∇L))/t, t = 1 where the shape allows."""
        step = min(1.0, self.largest_step(lam))
        return (vector - self.prox(vector - step * gradient, step, lam)) / step


class Lowered(NamedTuple):
    """A penalty at one strength as a compiled step reads it.

    ``terms`` (2, P): l1 and l2 of the quadratic kind; λ and zeros of the concave kind, with the table's ``knee`` and
    ``flat``; of groups the weight of each coordinate's group, and its l2. Group k is made of the stretches
    ``runs[groups[k] : groups[k + 1]]``, each from a first coordinate to the one after its last.
    """

    kind: int
    terms: NDArray[np.float32]
    knee: float = 0.0
    flat: float = np.inf
    runs: Int64 = NO_RUNS
    groups: Int64 = NO_GROUPS


@dataclass(frozen=True, eq=False)
class TablePenalty(VectorPenalty):
    """A penalty that compiled steps can apply, because plain arrays say all of it."""

    @abstractmethod
    def at(self, lam: float) -> Lowered:
        """The arrays at strength ``lam``, in float32."""

    @abstractmethod
    def take(self, places: NDArray[Any]) -> Self:
        """The penalty on the coordinates ``places`` alone, the others being zero; in float32."""

    @abstractmethod
    def spares(self, places: slice) -> bool:
        """Whether nothing at ``places`` is penalised."""


@final
@dataclass(frozen=True, eq=False)
class QuadraticTable(TablePenalty):
    """Σ_j l1_j|w_j| + l2_j w_j²: l1 and l2 (P,) at strength 1, zero where nothing is penalised, l1 = inf excluded."""

    l1: Real
    l2: Real

    @cached_property
    def _finite(self) -> Real:
        """l1, zero where it is infinite: those weights are zero."""
        finite: Real = np.where(np.isinf(self.l1), 0, self.l1).astype(self.l1.dtype)
        return finite

    @cached_property
    def _excludes(self) -> bool:
        """Whether any l1 is infinite."""
        return bool(np.isinf(self.l1).any())

    @cached_property
    def straight(self) -> bool:
        """Without any l2."""
        return not self.l2.any()

    def _l1(self, lam: float) -> Real:
        """l1 at strength ``lam``; what is excluded stays so at 0."""
        if not self._excludes:
            return lam * self.l1
        return np.where(np.isinf(self.l1), self.l1, lam * self._finite)

    def at(self, lam: float) -> Lowered:
        """l1 and l2."""
        return Lowered(Kind.QUADRATIC, np.stack([self._l1(lam), lam * self.l2]).astype(np.float32))

    def take(self, places: NDArray[Any]) -> QuadraticTable:
        """Those coordinates."""
        return QuadraticTable(self.l1[places].astype(np.float32), self.l2[places].astype(np.float32))

    def spares(self, places: slice) -> bool:
        """No l1 and no l2."""
        return not (self.l1[places].any() or self.l2[places].any())

    def value(self, vector: Real, lam: float) -> float:
        """λ Σ_j l1_j|w_j| + l2_j w_j², excluded weights being zero."""
        return lam * float(self._finite @ np.abs(vector) + self.l2 @ (vector * vector))

    def gradient(self, vector: Real, lam: float) -> Real:
        """λ(l1 sign w + 2 l2 w)."""
        return lam * (self._finite * np.sign(vector) + 2.0 * self.l2 * vector)

    def prox(self, vector: Real, step: Real | float, lam: float) -> Real:
        """S(z, step·λ·l1) / (1 + 2·step·λ·l2)."""
        t = step * self._l1(lam)
        return (vector - _within(vector, t)) / (1.0 + 2.0 * step * (lam * self.l2))

    def least_norm(self, vector: Real, gradient: Real, lam: float) -> Real:
        """∇L + λ(l1 sign w + 2 l2 w), and S(∇L, λ·l1) where w is 0."""
        t = self._l1(lam)
        inside = gradient - _within(gradient, t)
        return np.where(vector != 0, gradient + self.gradient(vector, lam), inside)

    def held(self, vector: Real, heading: Real) -> Real:
        """Zeros where l1 > 0 and the sign changed."""
        return np.where((self.l1 > 0) & (vector * heading <= 0), 0.0, vector)

    def largest_step(self, lam: float) -> float:
        """inf."""
        return float("inf")


def _within(values: Real, bound: Real) -> Real:
    """``values`` held to [−bound, bound]; on arrays as short as these np.clip takes twice the time."""
    held: Real = np.minimum(np.maximum(values, -bound), bound)
    return held
