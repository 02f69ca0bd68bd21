"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

from taut.losses import SquaredError
from taut.solvers.base import LinearProblem, Solver
from taut.solvers.coordinate import CoordinateDescent
from taut.solvers.gram_path import GramPath
from taut.solvers.newton import ProximalNewton
from taut.solvers.proximal_gradient import ProximalGradient


def solver_for(problem: LinearProblem, members: int = 1) -> Solver:
    """Second moments for tall squared problems, working sets for wide ones, proximal Newton for the other losses.

    Penalties that are not a sum over coordinates go to the accelerated proximal gradient.
    """
    if not problem.penalty.traits.separable:
        return ProximalGradient()
    if not isinstance(problem.loss, SquaredError):
        return ProximalNewton()
    return GramPath() if _tall(problem, members) else CoordinateDescent()


def _tall(problem: LinearProblem, members: int) -> bool:
    """Whether all p² moments are cheaper than working sets, and the members' blocks no larger than X itself."""
    n, p = problem.matrix.shape
    if problem.penalize_intercept and problem.fit_intercept:
        return False
    return p <= 4_000 and (n >= 2 * p or p <= 64) and members * p <= max(n, 20_000)
