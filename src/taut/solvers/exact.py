"""lam = 0: least squares by QR, Newton otherwise; says where the solution is not unique or does not exist."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from taut.solvers.base import Certificate, LinearProblem, Measure, MemberPath, Progress, Solution
from taut.solvers.certificate import MISSED
from taut.solvers.free import NOT_UNIQUE
from taut.solvers.matrix import Float, Index
from taut.solvers.scaled import ScaledProblem, along, scale_problem


def solve_unpenalised(problem: ScaledProblem, tol: float, columns: Index | None = None) -> Solution:
    """Minimise L alone over ``columns``, by default all that are not excluded; certified by the relative gradient norm."""
    index = included(problem) if columns is None else columns
    base = np.zeros_like(problem.null.eta)
    if problem.offset is not None:
        base = base + along(problem.offset, base)
    lead = [problem.first.intercept[None]] if problem.fit_intercept else []
    start = np.concatenate([*lead, problem.first.coef[index]])
    fit = problem.fit(index, base, start, problem.most(100))
    state = problem.with_free(np.zeros_like(problem.null.coef), index, fit)
    note = fit.note or (NOT_UNIQUE if problem.constant[index].any() else "")
    missed = "" if fit.gradient_norm <= tol else MISSED
    certificate = Certificate(Measure.GRADIENT_NORM, fit.gradient_norm, tol, note or missed)
    return problem.solution(0.0, state, certificate, fit.iterations)


def included(problem: ScaledProblem) -> Index:
    """Columns that the penalty does not fix at zero."""
    table = problem.penalty.table(problem.matrix.shape[1])
    if table is None:
        return np.arange(problem.matrix.shape[1])
    return np.flatnonzero((table.lower < 0.0) | (table.upper > 0.0))


def with_unpenalised(
    problem: LinearProblem, weight: Float, member: MemberPath, progress: Progress | None
) -> MemberPath:
    """``member``'s path with lam = 0 at its end; an interrupt keeps what is finished."""
    done = member
    try:
        scaled = scale_problem(problem, weight)
        exact = solve_unpenalised(scaled, problem.tol)
        if len(member.lambdas) == 0:
            done = MemberPath.stack([exact], scaled.null_loss, scaled.saturated_loss, False)
        else:
            done = member.extended(exact)
        if progress is not None:
            progress(1)
    except KeyboardInterrupt:
        if len(done.lambdas) == 0:
            raise
        return replace(done, interrupted=True)
    return done
