"""The λ grid of a path: log-spaced from the smallest strength at which every penalised coefficient is zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taut.solvers.scaled import ScaledProblem
from taut.solvers.strongest import grid_top

Float = NDArray[np.float64]


def lambda_grid(problem: ScaledProblem, count: int) -> Float:
    """``count`` values log-spaced from λ_max down to λ_max·ε, ε = 1e-4 where n > p and 1e-2 otherwise."""
    top = grid_top(problem)
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
