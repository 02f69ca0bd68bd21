"""Certificates: the duality gap of a convex problem, the distance to the subdifferential of a non-convex one."""

from __future__ import annotations

import numpy as np

from taut.solvers.base import Certificate, Measure
from taut.solvers.matrix import Float
from taut.solvers.scaled import ScaledProblem, State, along

MISSED = "tolerance not reached: loosen tol, or use a larger lam"

_REFITTED = 1e-10
"""Gradient of a refitted coefficient, of the largest at the null model, that passes for zero."""


def certify(problem: ScaledProblem, lam: float, state: State, tol: float) -> Certificate:
    """The certificate of ``state`` at strength ``lam`` > 0, of the kind that the problem admits."""
    if problem.penalty.traits.convex:
        measure, value = Measure.DUALITY_GAP, relative_gap(problem, lam, state)
    else:
        measure, value = Measure.KKT_RESIDUAL, relative_distance(problem, lam, state)
    return Certificate(measure, value, tol, problem.null_note if value <= tol else MISSED)


def rounding(value: float, unit: float) -> float:
    """How much of a change of F near ``value`` may be rounding.

    η's own rounding is in the loss, however small that has become beside the null model's, whose size is ``unit``.
    """
    return max(1e-14 * abs(value), 1e-15 * unit)


def accepts(fall: float, step: float, promised: float, level: float) -> bool:
    """Whether F, changed by ``fall``, has kept a share of what ``step`` of a move has promised (Lee et al. 2014, eq. 2.18).

    A whole step may also change F by no more than rounding, ``level``.
    """
    return fall <= 1e-3 * step * promised or (step == 1.0 and abs(fall) <= level)


def relative_gap(problem: ScaledProblem, lam: float, state: State) -> float:
    """(F − D) / (null loss − saturated loss), D at the residual scaled into the dual's domain (``docs/mathematics.md`` §8).

    ``state`` must have its intercept and free columns refitted (``ScaledProblem.polish``), so that the residual is
    orthogonal to them. F − D bounds F − min F from above; no less than the rounding of F is claimed. Fercoq, Gramfort
    and Salmon, ICML 2015, §2.
    """
    residual, gradient = problem.slopes(state)
    primal = problem.data_loss(state.eta) + float((lam * problem.penalty).value(state.coef))
    gap = primal - dual_value(problem, lam, residual, gradient)
    return max(gap, float(np.finfo(float).eps) * abs(primal)) / problem.unit


def dual_value(problem: ScaledProblem, lam: float, residual: Float, gradient: Float) -> float:
    """D(θ) = −Σ s_i ℓ_i*(−θ_i/s_i) − Ω*(X̃ᵀθ) at θ = −c·residual, c ≤ 1 the largest that is feasible."""
    penalty = lam * problem.penalty
    # What no penalty holds has been refitted, so that its gradient is rounding unless a bound holds it.
    rounding = np.abs(gradient) <= _REFITTED * problem.pull
    refitted = along(problem.free, gradient) | (along(problem.unpenalised, gradient) & rounding)
    correlation = np.where(refitted, 0.0, -gradient)
    shrink, conjugate = 1.0, float(penalty.conjugate(correlation))
    if not np.isfinite(conjugate):
        shrink = _feasible_share(problem, lam, correlation) * (1.0 - 1e-14)
        conjugate = float(penalty.conjugate(shrink * correlation))
    return -_loss_conjugate(problem, shrink * residual) - conjugate


def _feasible_share(problem: ScaledProblem, lam: float, correlation: Float) -> float:
    """The largest c ≤ 1 at which Ω*(c·correlation) is finite; towards a finite bound it always is."""
    table = (lam * problem.penalty).table(correlation.shape[0])
    if table is None:
        return min(1.0, lam / problem.penalty.lambda_max(-correlation))
    l1, l2, lower, upper = (along(field, correlation) for field in table[:4])
    endless = (l2 == 0.0) & np.isinf(np.where(correlation > 0.0, upper, lower)) & (np.abs(correlation) > l1)
    room = np.broadcast_to(l1, correlation.shape)[endless] / np.abs(correlation[endless])
    return float(room.min(initial=1.0))


def _loss_conjugate(problem: ScaledProblem, residual: Float) -> float:
    """Σ s_i ℓ_i*(u_i) with u = residual/s, for ℓ_i as a function of η without its offset."""
    rows = problem.weight > 0
    weight = problem.weight[rows]
    slope = residual[rows] / along(weight, residual)
    value = float(weight @ np.asarray(problem.loss.conjugate(slope, problem.y[rows])))
    return (
        value if problem.offset is None else value - float(np.sum(residual * along(problem.offset, residual)))
    )


def relative_distance(problem: ScaledProblem, lam: float, state: State) -> float:
    """max_j dist(−∇_j L, ∂Ω_j) relative to the gradient at the null model."""
    gradient = problem.slopes(state)[1]
    distance = np.asarray((lam * problem.penalty).distance(state.coef, gradient))
    return float(distance.max(initial=0.0)) / problem.pull
