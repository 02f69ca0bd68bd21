"""lam = 0: least squares by QR, Newton otherwise; says where the solution is not unique or does not exist."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from taut.solvers.base import LinearProblem, Measure, MemberPath, Progress, Solution
from taut.solvers.problem.certificate import gradient_norm, included, noted
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.solvers.problem.unpenalized import CONSTANT_COLUMNS
from taut.types import Float, Index


def solve_unpenalized(problem: ScaledProblem, tol: float, columns: Index | None = None) -> Solution:
    """Minimise L alone over ``columns``, by default all that are not excluded; certified by the relative gradient norm."""
    index = included(problem) if columns is None else columns
    start = problem.unpenalized_coef(problem.first, index)
    fit = problem.fit(index, problem.base, start, problem.most(500))
    state = problem.with_free(np.zeros_like(problem.null.coef), index, fit, problem.base)
    note = fit.note or (CONSTANT_COLUMNS if problem.constant[index].any() else "")
    value = gradient_norm(problem, state, index)
    return problem.solution(0.0, state, noted(Measure.GRADIENT_NORM, value, tol, note), fit.iterations)


def with_unpenalized(
    problem: LinearProblem, weight: Float, member: MemberPath, progress: Progress | None
) -> MemberPath:
    """``member``'s path with lam = 0 at its end; an interrupt keeps what is finished."""
    done = member
    try:
        scaled = scale_problem(problem, weight)
        exact = solve_unpenalized(scaled, problem.tol)
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
