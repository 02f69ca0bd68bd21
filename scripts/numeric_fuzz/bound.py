"""What proves a point to be optimal: a lower bound of F from its dual, and the distance of −∇L to the subdifferential."""

from __future__ import annotations

import numpy as np

from scripts.numeric_fuzz.extended import Long
from scripts.numeric_fuzz.scaled import Task, concave_slope

ORTHOGONAL = 1e-15
"""What may be left of a free coordinate's gradient, of its terms, in a dual point."""
ROUNDED = 1e-3
"""A part of the slopes with nothing fitted whose terms' rounding is in those of an exact fit."""


def lower_bound(task: Task, theta: Long) -> float:
    """D(κt) ≤ min F of a convex task for the row slopes t at θ, made orthogonal to what is free; −inf where that fails.

    D(t) = −Σ_i s_i (ℓ_i*(t_i) − ⟨t_i, base_i⟩) − Ω*(−Aᵀ(s∘t)), κ ≤ 1 the largest at which Ω* is finite. Boyd and Vandenberghe
    2004, *Convex Optimization*, §5.1.6 and §5.7.
    """
    slope = task.loss.slope(task.eta(theta), task.y)
    inside = (theta > task.lower[:, None]) & (theta < task.upper[:, None]) & task.unpenalized[:, None]
    slope = _orthogonal(task, slope, inside)
    pull = -(task.A.T @ (task.s[:, None] * slope))
    began = task.loss.slope(task.base, task.y)
    size = np.abs(task.A).T @ (task.s[:, None] * (np.abs(slope) + ROUNDED * np.abs(began)))
    pull[inside & (np.abs(pull) <= ORTHOGONAL * size)] = 0
    share = _share(task, pull) * task.loss.domain(slope, task.y)
    conjugate = task.loss.conjugate(share * slope, task.y) - share * np.sum(slope * task.base, axis=1)
    return float(-(task.s @ conjugate) - _penalty_conjugate(task, share * pull))


def _orthogonal(task: Task, slope: Long, inside: np.ndarray) -> Long:
    """The slopes less their projection, in the metric of s, on the free columns: it is rounding at a polished point."""
    slope, root = slope.copy(), np.sqrt(task.s)
    for output in range(slope.shape[1]):
        Z = root[:, None] * task.A[:, inside[:, output]]
        norm = np.sqrt(np.sum(Z**2, axis=0))
        Z = Z / np.where(norm > 0, norm, 1)
        inverse = np.linalg.pinv(Z.astype(np.float64), rcond=1e-13)
        for _ in range(2 if Z.shape[1] else 0):
            step = inverse @ (inverse.T @ (Z.T @ (root * slope[:, output])).astype(np.float64))
            slope[:, output] -= (Z @ step.astype(np.longdouble)) / root
    return slope


def _ends(task: Task, pull: Long) -> Long:
    """The bound that a coordinate runs to when it is pulled."""
    return np.where(pull > 0, task.upper[:, None], -task.lower[:, None])


def _share(task: Task, pull: Long) -> np.longdouble:
    """κ."""
    share, size = np.longdouble(1), np.abs(pull)
    ungrouped = np.ones(len(pull), dtype=bool)
    for index, c in task.groups:
        ungrouped[index] = False
        norm = np.sqrt(np.sum(pull[index] ** 2))
        share = min(share, c / norm if norm > c else share)
    strength = np.broadcast_to(task.first[:, None], pull.shape)
    held = ungrouped & (task.second == 0)
    over = held[:, None] & np.isinf(_ends(task, pull)) & (size > strength)
    return min(share, np.min(strength[over] / size[over])) if over.any() else share


def _penalty_conjugate(task: Task, pull: Long) -> np.longdouble:
    """Ω*(pull) = Σ_j sup_w (pull w − first|w| − second w²) over the box; 0 on groups within their balls."""
    ungrouped = np.ones(len(pull), dtype=bool)
    for index, _ in task.groups:
        ungrouped[index] = False
    excess = np.maximum(np.abs(pull) - task.first[:, None], 0) * ungrouped[:, None]
    end, second = _ends(task, pull), task.second[:, None]
    best = np.where(second > 0, excess / np.where(second > 0, 2 * second, 1), np.where(excess > 0, end, 0))
    best = np.minimum(best, end)
    best = np.where(excess > 1e-18 * np.abs(pull), best, 0)
    return np.longdouble(np.sum(np.where(best > 0, best * (excess - second * best), 0)))


def distances(task: Task, theta: Long, gradient: Long) -> Long:
    """Distance of −∇L to the subdifferential of a separable penalty, coordinate by coordinate: (m, k)."""
    size, first = np.abs(theta), task.first[:, None]
    charge = np.broadcast_to(first, theta.shape)
    if task.concave is not None:
        charge = concave_slope(task.concave, size, charge)
    smooth = gradient + 2 * task.second[:, None] * theta
    side = np.sign(theta)
    low, high = np.where(side == 0, -charge, side * charge), np.where(side == 0, charge, side * charge)
    low = np.where(theta <= task.lower[:, None], -np.inf, low)
    high = np.where(theta >= task.upper[:, None], np.inf, high)
    return np.maximum(np.maximum(low + smooth, -smooth - high), 0)
