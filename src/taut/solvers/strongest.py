"""The smallest strength at which a path is still empty."""

from __future__ import annotations

import numpy as np

from taut.losses import SquaredError
from taut.solvers.matrix import Float
from taut.solvers.scaled import ScaledProblem, along


def lambda_max(problem: ScaledProblem) -> float:
    """Smallest strength at which every penalised coefficient is zero; inf for L2 alone, which never zeroes one."""
    return float(problem.penalty.lambda_max(null_gradient(problem)))


def grid_top(problem: ScaledProblem) -> float:
    """λ_max; for L2 alone the top of glmnet's grid, 1000·max|g|/(2 sd(y)) for squared loss and 500·max|g| otherwise."""
    top, gradient = lambda_max(problem), null_gradient(problem)
    if np.isfinite(top):
        return top
    largest = float(np.abs(gradient).max(initial=0.0))
    if isinstance(problem.loss, SquaredError):
        spread = float(np.sqrt(np.mean(problem.weight @ _centred(problem) ** 2)))
        return 1000.0 * largest / (2.0 * spread) if spread > 0 else 0.0
    return 500.0 * largest


def null_gradient(problem: ScaledProblem) -> Float:
    """∇L at the null model, zero (up to rounding) on the columns that the penalty leaves free."""
    gradient = problem.correlate(problem.residual(problem.null.eta))
    return np.where(along(problem.free, gradient), 0.0, gradient)


def _centred(problem: ScaledProblem) -> Float:
    y = problem.y
    return y - problem.weight @ y if problem.fit_intercept else y
