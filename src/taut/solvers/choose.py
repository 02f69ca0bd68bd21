"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

from taut.losses import SquaredError
from taut.solvers.base import LinearProblem, Solver
from taut.solvers.coordinate import CoordinateDescent
from taut.solvers.newton import ProximalNewton
from taut.solvers.proximal_gradient import ProximalGradient


def solver_for(problem: LinearProblem) -> Solver:
    """Coordinate descent for the squared loss, proximal Newton for the others, proximal gradient for what is not separable."""
    if not problem.penalty.traits.separable:
        return ProximalGradient()
    return CoordinateDescent() if isinstance(problem.loss, SquaredError) else ProximalNewton()
