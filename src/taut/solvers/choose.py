"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

import numpy as np

from taut.losses import Multinomial, SquaredError
from taut.solvers.base import LinearProblem, Solver
from taut.solvers.coordinate import CoordinateDescent
from taut.solvers.gram_path import GramPath, takes_moments
from taut.solvers.newton import ProximalNewton
from taut.solvers.proximal_gradient import ProximalGradient
from taut.solvers.rotated_ridge import RotatedRidge
from taut.solvers.working_set import WorkingSet


def solver_for(problem: LinearProblem, members: int = 1) -> Solver:
    """Second moments for tall squared problems, working sets where solutions are sparse, proximal Newton for the rest.

    Penalties that are not a sum over coordinates go to the accelerated proximal gradient.
    """
    if not problem.penalty.traits.separable:
        return ProximalGradient()
    squared = isinstance(problem.loss, SquaredError)
    if squared and _tall(problem, members):
        return GramPath()
    if _sparse_solutions(problem):
        return WorkingSet()
    if _wide_ridge(problem):
        return RotatedRidge()
    return CoordinateDescent() if squared else ProximalNewton()


def _tall(problem: LinearProblem, members: int) -> bool:
    """Whether all p² moments are cheaper than working sets, and the members' blocks no larger than X itself."""
    n, p = problem.matrix.shape
    if not takes_moments(problem):
        return False
    return p <= 4_000 and (n >= 2 * p or p <= 64) and members * p <= max(n, 20_000)


def _sparse_solutions(problem: LinearProblem) -> bool:
    """One output, no unpenalised columns, and a penalty that leaves columns at zero: what a working set lives on."""
    table = problem.penalty.table(problem.matrix.shape[1])
    one_output = problem.y.ndim == 1 and not isinstance(problem.loss, Multinomial)
    return (
        one_output and table is not None and bool((table.l1 > 0.0).all()) and not problem.penalize_intercept
    )


def _wide_ridge(problem: LinearProblem) -> bool:
    """L2 alone, without bounds or unpenalised columns, on more columns than rows."""
    n, p = problem.matrix.shape
    table = problem.penalty.table(p)
    if table is None or p <= n or problem.penalize_intercept:
        return False
    unbounded = bool(np.isinf(table.lower).all() and np.isinf(table.upper).all())
    return unbounded and bool((table.l1 == 0.0).all() and (table.l2 > 0.0).all())
