"""What the network solvers ask of a penalty on the flat parameter vector, and the fast answer for quadratic tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.solvers.layout import Vector


@dataclass(frozen=True, eq=False)
class VectorPenalty(ABC):
    """Ω over flat vectors (P,), for every strength ``lam``."""

    @abstractmethod
    def value(self, vector: Vector, lam: float) -> float:
        """λΩ(θ)."""

    @abstractmethod
    def gradient(self, vector: Vector, lam: float) -> Vector:
        """The least-norm subgradient of λΩ (P,)."""

    @abstractmethod
    def prox(self, vector: Vector, step: Vector | float, lam: float) -> Vector:
        """argmin_x ½‖x − z‖²/step + λΩ(x): exact for any ``step`` that ``pooled`` made, or a number."""

    @abstractmethod
    def least_norm(self, vector: Vector, gradient: Vector, lam: float) -> Vector:
        """The element of ∇L + ∂λΩ of least norm (P,): zero where stationary, its negative goes downhill."""

    @abstractmethod
    def held(self, vector: Vector, heading: Vector) -> Vector:
        """``vector`` with zeros where a weight left the orthant of ``heading`` (a group its half-space).

        Shapes that are smooth at zero have no such border.
        """

    @abstractmethod
    def largest_step(self, lam: float) -> float:
        """Steps up to this keep the prox a function: inf for convex shapes."""

    @abstractmethod
    def pooled(self, squares: Vector) -> Vector:
        """Adam's second moments averaged within groups: a metric in which the groups' prox is exact."""

    def residual(self, vector: Vector, gradient: Vector, lam: float) -> Vector:
        """The proximal-gradient residual (w − prox(w − t∇L))/t, t = 1 where the shape allows."""
        step = min(1.0, self.largest_step(lam))
        return (vector - self.prox(vector - step * gradient, step, lam)) / step


@final
@dataclass(frozen=True, eq=False)
class QuadraticTable(VectorPenalty):
    """Σ_j l1_j|w_j| + l2_j w_j²: l1 and l2 (P,) at strength 1, zero where nothing is penalised, l1 = inf excluded."""

    l1: Vector
    l2: Vector

    def at(self, lam: float) -> tuple[Vector, Vector]:
        """l1 and l2 at strength ``lam``; what is excluded stays so at 0."""
        return np.where(
            np.isinf(self.l1), self.l1, lam * np.where(np.isinf(self.l1), 0.0, self.l1)
        ), lam * self.l2

    def value(self, vector: Vector, lam: float) -> float:
        """λ Σ_j l1_j|w_j| + l2_j w_j², excluded weights being zero."""
        size = np.abs(vector)
        l1 = np.where(size > 0, self.l1, 0.0)
        return lam * float(l1 @ size + self.l2 @ (size * size))

    def gradient(self, vector: Vector, lam: float) -> Vector:
        """λ(l1 sign w + 2 l2 w)."""
        sign = np.sign(vector)
        return lam * (np.where(sign != 0, self.l1, 0.0) * sign + 2.0 * self.l2 * vector)

    def prox(self, vector: Vector, step: Vector | float, lam: float) -> Vector:
        """S(z, step·λ·l1) / (1 + 2·step·λ·l2)."""
        l1, l2 = self.at(lam)
        t = step * l1
        return (vector - np.clip(vector, -t, t)) / (1.0 + 2.0 * step * l2)

    def least_norm(self, vector: Vector, gradient: Vector, lam: float) -> Vector:
        """∇L + λ(l1 sign w + 2 l2 w), and S(∇L, λ·l1) where w is 0."""
        t, _ = self.at(lam)
        inside = gradient - np.clip(gradient, -t, t)
        return np.where(vector != 0, gradient + self.gradient(vector, lam), inside)

    def held(self, vector: Vector, heading: Vector) -> Vector:
        """Zeros where l1 > 0 and the sign changed."""
        return np.where((self.l1 > 0) & (vector * heading <= 0), 0.0, vector)

    def largest_step(self, lam: float) -> float:
        """inf."""
        return float("inf")

    def pooled(self, squares: Vector) -> Vector:
        """The squares as they are."""
        return squares
