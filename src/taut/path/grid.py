"""The λ grid of a path: log-spaced from the smallest strength at which every penalised coefficient is zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taut.losses import SquaredError
from taut.solvers.scaled import ScaledProblem, along

Float = NDArray[np.float64]


def lambda_max(problem: ScaledProblem) -> float:
    """Smallest strength at which every penalised coefficient is zero; for L2 alone the top of glmnet's grid (MATH §2b)."""
    gradient = null_gradient(problem)
    top = problem.penalty.lambda_max(gradient)
    if np.isfinite(top):
        return float(top)
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


def lambda_grid(problem: ScaledProblem, count: int) -> Float:
    """``count`` values log-spaced from λ_max down to λ_max·ε, ε = 1e-4 where n > p and 1e-2 otherwise."""
    top = lambda_max(problem)
    if top <= 0.0:
        # Nothing correlates with the target: any strength gives the null model, one is enough to say so.
        return np.array([1.0])
    rows, p = int(np.count_nonzero(problem.weight)), problem.matrix.shape[1]
    ratio = 1e-4 if rows > p else 1e-2
    return top * np.geomspace(1.0, ratio, count)


def check_lambdas(lambdas: int | Sequence[float] | Float) -> int | Float:
    """A count ≥ 1, or finite strengths ≥ 0, returned strongest first."""
    if isinstance(lambdas, int | np.integer) and not isinstance(lambdas, bool):
        if lambdas < 1:
            raise ValueError(f"lambdas = {lambdas}: give the number of strengths (at least 1) or the strengths themselves")
        return int(lambdas)
    values = np.asarray(lambdas, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError("lambdas must be a count or a one-dimensional, non-empty list of strengths")
    if not np.isfinite(values).all() or (values < 0).any():
        bad = values[~np.isfinite(values) | (values < 0)][0]
        raise ValueError(f"lambdas contains {bad:g}: every strength must be finite and at least 0")
    return np.unique(values)[::-1].copy()
