"""The full-batch finish of a network: monotone quasi-Newton descent on F = L + λΩ that keeps exact zeros.

A limited-memory direction from the least-norm subgradient, and every trial point is held to the orthant that
it starts in: a weight that would change sign (a group that would leave its half-space) becomes exactly zero.
Andrew and Gao, ICML 2007 (orthant-wise L-BFGS); Chen et al., arXiv:2009.12078, §3 (half-spaces for groups).
Only a trial with a lower F is taken, so F never rises, and what is left is reported as a stationarity
residual.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from taut.solvers.networks.flat_penalty import VectorPenalty
from taut.solvers.networks.lbfgs import LimitedMemory
from taut.types import Real

SUFFICIENT = 1e-4
"""The share of the decrease foretold by the slope that a step must bring (Armijo)."""
NO_STEP = 1e-30
HALVINGS = 20
"""How often a step is halved before the direction is given up."""


class Smooth(Protocol):
    """The data loss over flat vectors."""

    @abstractmethod
    def value_and_gradient(self, vector: Real) -> tuple[float, Real]:
        """L(θ) and ∇L(θ) (P,)."""


@dataclass(frozen=True, eq=False)
class TrainedPoint:
    """Parameters θ (P,), the two terms of F, ∇L, and the largest entry of the proximal-gradient residual."""

    vector: Real
    data: float
    penalty: float
    gradient: Real
    residual: float

    @property
    def total(self) -> float:
        """The objective F = L + λΩ."""
        return self.data + self.penalty


def evaluate(smooth: Smooth, penalties: VectorPenalty, lam: float, vector: Real) -> TrainedPoint:
    """F, ∇L and the stationarity residual at ``vector``."""
    return point_at(vector, *smooth.value_and_gradient(vector), penalties, lam)


def point_at(vector: Real, data: float, gradient: Real, penalties: VectorPenalty, lam: float) -> TrainedPoint:
    """The point at ``vector`` of which L and ∇L are known."""
    residual = float(np.abs(penalties.residual(vector, gradient, lam)).max(initial=0.0))
    return TrainedPoint(vector, data, penalties.value(vector, lam), gradient, residual)


def descend(
    smooth: Smooth,
    penalties: VectorPenalty,
    lam: float,
    vector: Real,
    iterations: Iterable[int],
    tol: float,
) -> TrainedPoint:
    """From ``vector`` until the residual is at most ``tol``, the ``iterations`` are used up or no step lowers F."""
    point = evaluate(smooth, penalties, lam, admissible(penalties, lam, vector))
    memory = LimitedMemory(vector)
    for _ in iterations:
        if point.residual <= tol:
            break
        new = _quasi_newton_step(smooth, penalties, lam, point, memory)
        if new is None:
            memory.forget()
            new = _proximal_step(smooth, penalties, lam, point)
        if new is None:
            break
        memory.remember(new.vector - point.vector, _change(penalties, lam, point, new))
        point = new
    return point


def _change(penalties: VectorPenalty, lam: float, old: TrainedPoint, new: TrainedPoint) -> Real:
    """The change of ∇L, and of the penalty's slope on weights that stayed on one side of zero: curvature."""
    change: Real = new.gradient - old.gradient
    if penalties.straight:
        return change
    slopes = penalties.gradient(new.vector, lam) - penalties.gradient(old.vector, lam)
    return change + np.where(old.vector * new.vector > 0, slopes, 0.0)


def admissible(penalties: VectorPenalty, lam: float, vector: Real) -> Real:
    """Excluded coordinates and an absent intercept are only ever zero; a prox with hardly a step puts them there."""
    return penalties.prox(vector, NO_STEP, lam)


def _quasi_newton_step(
    smooth: Smooth, penalties: VectorPenalty, lam: float, point: TrainedPoint, memory: LimitedMemory
) -> TrainedPoint | None:
    slope = penalties.least_norm(point.vector, point.gradient, lam)
    direction = -memory.times(slope)
    direction[direction * slope >= 0] = 0.0
    heading = np.where(point.vector != 0, point.vector, -slope)
    step = 1.0 if len(memory) else min(1.0, 1.0 / max(float(np.abs(slope).sum()), 1e-300))
    for _ in range(HALVINGS):
        trial = penalties.held(point.vector + step * direction, heading)
        foretold = float(slope @ (trial - point.vector))
        new = _if_lower(smooth, penalties, lam, trial, point.total + SUFFICIENT * foretold)
        if new is not None and foretold < 0:
            return new
        step *= 0.5
    return None


def _proximal_step(
    smooth: Smooth, penalties: VectorPenalty, lam: float, point: TrainedPoint
) -> TrainedPoint | None:
    step = min(1.0, penalties.largest_step(lam))
    for _ in range(2 * HALVINGS):
        trial = penalties.prox(point.vector - step * point.gradient, step, lam)
        move = trial - point.vector
        new = _if_lower(smooth, penalties, lam, trial, point.total - SUFFICIENT * float(move @ move) / step)
        if new is not None and move.any():
            return new
        step *= 0.5
    return None


def _if_lower(
    smooth: Smooth, penalties: VectorPenalty, lam: float, trial: Real, bound: float
) -> TrainedPoint | None:
    """The point at ``trial`` if F ≤ ``bound`` there."""
    data, gradient = smooth.value_and_gradient(trial)
    if not data + penalties.value(trial, lam) <= bound:
        return None
    return point_at(trial, data, gradient, penalties, lam)
