"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

from taut.solvers.base import LinearProblem, Solver
from taut.solvers.proximal_gradient import ProximalGradient


def solver_for(problem: LinearProblem) -> Solver:
    """The engine for ``problem``."""
    del problem
    return ProximalGradient()
