"""Certificates: the duality gap of a convex problem, the distance to the subdifferential of a non-convex one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Penalty
from taut.solvers.base import NO_SOLUTION, Certificate, LinearProblem, Measure
from taut.solvers.problem.curvature import eta_noise
from taut.solvers.problem.intercept import best_intercept
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.problem.tolerances import EPS
from taut.solvers.problem.units import along
from taut.solvers.problem.unpenalized_basis import FreeBasis
from taut.types import Float, Index

_LITTLE = 1e-10
"""Share of what a gap is relative to that columns with bounds, but without penalty, may be short of before a refit."""
_BISECTIONS = 50
"""Of an interval of shares: what is left of it is rounding."""
MISSED = "tolerance not reached: loosen tol, or use a larger lam"


def certify_point(
    problem: LinearProblem, weight: Float, lam: float, coef: Float, intercept: Float
) -> Certificate:
    """The certificate of any coefficients and intercept, in the units of the data, at strength ``lam`` ≥ 0.

    It asks nothing of where they come from: a point that is not optimal, in what is penalised or in what is not, has a
    number that says so, and one outside the bounds, where F is infinite, has an infinite one.
    """
    scaled = scale_problem(problem, weight)
    return certify(scaled, lam, scaled.point(coef, intercept), problem.tol)


def certify(problem: ScaledProblem, lam: float, state: State, tol: float) -> Certificate:
    """The certificate of ``state`` at strength ``lam`` ≥ 0, of the kind that the problem admits."""
    if lam == 0.0:
        value = gradient_norm(problem, state, included(problem))
        return certificate(problem, Measure.GRADIENT_NORM, value, tol)
    if problem.penalty.traits.convex:
        return certificate(problem, Measure.DUALITY_GAP, relative_gap(problem, lam, state), tol)
    return certificate(problem, Measure.KKT_RESIDUAL, relative_distance(problem, lam, state), tol)


def certificate(problem: ScaledProblem, measure: Measure, value: float, tol: float) -> Certificate:
    """A number with what must be said beside it of the null model, whose free part every solution has."""
    return noted(measure, value, tol, problem.null_note)


def noted(measure: Measure, value: float, tol: float, note: str) -> Certificate:
    """A number with its note: that there is no solution is said first, then that the tolerance was missed."""
    known = value <= tol or note.startswith(NO_SOLUTION)
    return Certificate(measure, value, tol, note if known else MISSED)


def relative_gap(problem: ScaledProblem, lam: float, state: State) -> float:
    """(F − D) / (null loss − saturated loss), F at ``state`` and D at a refit of its intercept and free columns.

    F(w, u) − min F is at most what the refit of the free part u gains, F(w, u) − F(w, u′), plus the gap after it, whose
    residual, scaled into the dual's domain, is orthogonal to the free columns (``docs/mathematics.md`` §8). What the
    refit leaves of that is in the number (``free_excess``), as is F's own rounding. Where each output is a problem of its
    own it is the largest of theirs. Fercoq, Gramfort and Salmon, ICML 2015, §2.
    """
    if problem.splits:
        # Each output relative to its own null loss: a mean would hide one that is not solved behind the others.
        count = problem.outputs[0]
        states = (problem.part_state(state, output) for output in range(count))
        gaps = [relative_gap(part, count * lam, own) for part, own in zip(problem.parts, states, strict=True)]
        return max(gaps)
    primal = problem.data_loss(state.eta) + float((lam * problem.penalty).value(state.coef))
    if not np.isfinite(primal):
        return float("inf")
    refitted = problem.polish(state)
    settled = not problem.null_note.startswith(NO_SOLUTION)  # else no refit comes to an end
    if settled and bounded_excess(problem, refitted, problem.slopes(refitted)[1]) > _LITTLE * problem.unit:
        refitted = problem.refit(state)
    residual, gradient = problem.slopes(refitted)
    slack = problem.free_excess(refitted) + bounded_excess(problem, refitted, gradient)
    gap = primal - dual_value(problem, lam, residual, gradient) + slack
    return (max(gap, EPS * abs(primal)) + problem.level) / problem.unit


def bounded_excess(problem: ScaledProblem, state: State, gradient: Float) -> float:
    """Σ|∇_j L|(u + |w_j|) over the columns without penalty that have no bound where −∇_j L points, u of ``eta_unit``."""
    open_ended = _open_ended(problem, gradient)
    return float(np.abs(gradient[open_ended]) @ (problem.eta_unit + np.abs(state.coef[open_ended])))


def _open_ended(problem: ScaledProblem, gradient: Float) -> NDArray[np.bool_]:
    """Entries of columns without penalty, not ``free``, that no bound holds where −∇L points."""
    held = problem.unpenalized & ~problem.free
    if not held.any():
        return np.zeros(gradient.shape, dtype=bool)
    lower, upper = (along(bound, gradient) for bound in problem.penalty.bounds(problem.matrix.shape[1]))
    bound = np.where(gradient < 0.0, upper, lower)
    return np.asarray(along(held, gradient) & np.isinf(bound))


def dual_value(problem: ScaledProblem, lam: float, residual: Float, gradient: Float) -> float:
    """D(θ) = −Σ s_i ℓ_i*(−θ_i/s_i) − Ω*(X̃ᵀθ) at θ = −c·residual, c ≤ 1 the largest that is feasible.

    The free columns, and those with bounds where none holds them, count as orthogonal to θ: what they are short of it is
    the caller's to add.
    """
    penalty = lam * problem.penalty
    orthogonal = along(problem.free, gradient) | _open_ended(problem, gradient)
    correlation = np.where(orthogonal, 0.0, -gradient)
    shrink, conjugate = 1.0, float(penalty.conjugate(correlation))
    if not np.isfinite(conjugate):
        shrink = _feasible_share(problem, lam, correlation) * (1.0 - 1e-14)
        conjugate = float(penalty.conjugate(shrink * correlation))
    return -problem.bound.conjugate(residual, shrink) - conjugate


def _feasible_share(problem: ScaledProblem, lam: float, correlation: Float) -> float:
    """The largest c ≤ 1 at which Ω*(c·correlation) is finite; towards a finite bound it always is."""
    table = (lam * problem.penalty).table(correlation.shape[0])
    if table is None:
        return _share_by_conjugate(lam * problem.penalty, correlation)
    l1, l2, lower, upper = (along(field, correlation) for field in table[:4])
    endless = (l2 == 0.0) & np.isinf(np.where(correlation > 0.0, upper, lower)) & (np.abs(correlation) > l1)
    room = np.broadcast_to(l1, correlation.shape)[endless] / np.abs(correlation[endless])
    return float(room.min(initial=1.0))


def _share_by_conjugate(penalty: Penalty, correlation: Float) -> float:
    """``_feasible_share`` where the penalty has no table: by λ_max where zero is its kink, else by halving an interval."""
    share = min(1.0, 1.0 / (penalty.lambda_max(-correlation) or 1.0))
    if share > 0.0 and np.isfinite(float(penalty.conjugate(share * (1.0 - 1e-14) * correlation))):
        return share
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if np.isfinite(float(penalty.conjugate(middle * correlation))):
            low = middle
        else:
            high = middle
    return low


def relative_distance(problem: ScaledProblem, lam: float, state: State) -> float:
    """The largest distance of −∇_j L to ∂Ω_j, of any output, relative to the gradient at the null model.

    That of the free part, the intercept included, is the length of its gradient in an orthonormal basis. No less than the
    rounding of a gradient is claimed.
    """
    residual, gradient = problem.slopes(state)
    distance = np.asarray((lam * problem.penalty).distance(state.coef, gradient))
    own = float((distance / along(_lengths(problem), distance)).max(initial=0.0))
    if problem.fit_intercept or problem.free.any():
        own = max(own, _longest(problem.free_basis.rows.T @ residual))
    return max(own, eta_noise(problem.bound, state.eta)) / problem.gradient_unit


def _longest(gradient: Float) -> float:
    """The length of a gradient (m,), or the largest of the outputs' (m, k)."""
    return float(np.sqrt(np.sum(np.square(gradient), axis=0)).max(initial=0.0))


def _lengths(problem: ScaledProblem) -> Float:
    """One for penalised columns, whose units are F's, infinite for free ones, else a column's root mean square."""
    held = np.flatnonzero(problem.unpenalized & ~problem.free)
    lengths = np.where(problem.free, np.inf, 1.0)
    squares = problem.weight @ problem.columns(held) ** 2
    lengths[held] = np.sqrt(np.where(squares > 0.0, squares, 1.0))
    return lengths


def gradient_norm(problem: ScaledProblem, state: State, columns: Index) -> float:
    """The length of ∇L in an orthonormal basis of the intercept and ``columns``, relative; inf outside the box.

    So neither units nor dependence of columns matter. Columns that a bound holds are left out, output by output. Relative
    to what the same basis has at the null model, or to a thousandth of what no row gradient that cancels would leave of
    it there or with the intercept alone.
    """
    if not np.isfinite(float(problem.penalty.value(state.coef))):
        return float("inf")
    residual, gradient = (values.reshape(len(values), -1) for values in problem.slopes(state))
    start = problem.slopes(problem.null)[0].reshape(residual.shape)
    held = _blocked(problem, state, problem.slopes(state)[1]).reshape(gradient.shape)[columns]
    own, scale = 0.0, 1e-3 * max(
        _row_norm(problem, start), _row_norm(problem, problem.residual(_constant_eta(problem)))
    )  # fmt: skip
    for moving in np.unique(~held, axis=1).T:
        basis = FreeBasis.of(problem.free_design(columns[moving]), problem.weight).rows
        outputs = (~held == moving[:, None]).all(axis=0)
        own = max(own, _longest(basis.T @ residual[:, outputs]))
        scale = max(scale, _longest(basis.T @ start[:, outputs]))
    return own / (scale or 1.0)


def _blocked(problem: ScaledProblem, state: State, gradient: Float) -> NDArray[np.bool_]:
    """Entries whose bound lies where −∇L points."""
    low, high = (along(bound, gradient) for bound in problem.penalty.bounds(problem.matrix.shape[1]))
    return np.asarray(((state.coef <= low) & (gradient > 0.0)) | ((state.coef >= high) & (gradient < 0.0)))


def _constant_eta(problem: ScaledProblem) -> Float:
    """η of the best intercept alone, where there is one."""
    base = problem.base
    if not problem.fit_intercept:
        return base
    return np.asarray(base + best_intercept(problem.bound, base))


def _row_norm(problem: ScaledProblem, residual: Float) -> float:
    """√Σ r_i²/s_i, an upper bound of |x̃ᵀr|/‖x̃‖; 0 where it is not finite."""
    rows = problem.weight > 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.square(residual[rows]).reshape(int(rows.sum()), -1).sum(axis=1)
        norm = float(np.sqrt(np.sum(squares / problem.weight[rows])))
    return norm if np.isfinite(norm) else 0.0


def included(problem: ScaledProblem) -> Index:
    """Columns that the penalty does not fix at zero."""
    lower, upper = problem.penalty.bounds(problem.matrix.shape[1])
    return np.flatnonzero((lower < 0.0) | (upper > 0.0))
