"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from taut.solvers.base import LinearProblem, Solver
from taut.solvers.matrix import DenseMatrix
from taut.solvers.problem.scaled_penalty import has_row_groups, is_ridge

ENGINES = {
    "moments": "moments.solver.GramPath",
    "working-set": "working_set.solver.WorkingSet",
    "rotated-ridge": "ridge.rotated_solver.RotatedRidge",
    "coordinate-descent": "newton.solver.ProximalNewton newton.parts.squared_parts",
    "newton": "newton.solver.ProximalNewton newton.parts.independent_parts",
    "softmax": "newton.solver.ProximalNewton newton.parts.softmax_parts",
    "small-newton": "newton.small_solver.SmallNewton",
    "ridge-newton": "newton.ridge_solver.RidgeNewton",
    "group-descent": "groups.descent_solver.GroupDescent",
    "group-newton": "newton.solver.ProximalNewton groups.newton_parts.group_parts",
    "majorization": "newton.majorization.Majorization",
    "proximal-gradient": "first_order.proximal_gradient.ProximalGradient",
}
"""The engines of linear models by the names that force them: where each lives, imported when chosen, and what it is given.

Four are Newton's method, with parts for a kind of problem.
"""

_FEW = 300
"""Columns up to which all moments cost less than working sets, however few the rows."""
_SEVERAL = 1_100
"""Columns of a dense table up to which they do where there are at least half as many rows."""


def solver_for(problem: LinearProblem, members: int = 1, forced: str | Solver | None = None) -> Solver:
    """Second moments for squared problems that are tall or of some hundred columns, exact Newton steps for few rows and
    columns of classes, working sets where solutions are sparse, proximal Newton for the rest.

    Groups have engines of their own, and so have concave penalties that no kernel knows; any other penalty without a table
    goes to the accelerated proximal gradient. ``forced``, an engine or its name, is taken as it is, and raises where the
    problem is not one for it.
    """
    if forced is not None:
        return forced if isinstance(forced, Solver) else _named(forced)
    if problem.penalty.table(problem.matrix.shape[1]) is None:
        return _without_table(problem)
    if problem.loss.traits.constant_curvature and _tall(problem, members):
        return _named("moments")
    return _by_size(problem)


def _named(name: str) -> Solver:
    if name not in ENGINES:
        raise ValueError(f"solver must be one of {', '.join(ENGINES)}, or None to choose; got {name!r}")
    make, *parts = map(_found, ENGINES[name].split())
    engine: Solver = make(*parts)
    return engine


def _found(place: str) -> Any:
    """What is called by the last word of ``place`` in the module that the others name."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"taut.solvers.{module}"), name)


def _without_table(problem: LinearProblem) -> Solver:
    """Descent on whole groups for the squared loss of one output, else Newton steps on them; first order for other shapes."""
    from taut.solvers.groups.descent_solver import takes_groups
    from taut.solvers.newton.majorization import takes_majorants

    p, outputs = problem.matrix.shape[1], problem.loss.outputs(problem.y)
    if not has_row_groups(problem.penalty, p, outputs):
        return _named("majorization" if takes_majorants(problem) else "proximal-gradient")
    descends = problem.loss.traits.constant_curvature and takes_groups(problem)
    return _named("group-descent" if descends else "group-newton")


def _by_size(problem: LinearProblem) -> Solver:
    """Exact steps on a small table of classes, working sets where solutions are sparse (but for lines with next to no
    curvature), a rotation for wide ridges, Newton steps for all else."""
    if problem.loss.traits.cross_entropy:
        from taut.solvers.newton.small_solver import takes_small

        if takes_small(problem):
            return _named("small-newton")
    from taut.solvers.newton.pieces import is_nearly_absolute
    from taut.solvers.working_set.solver import leaves_zeros

    if leaves_zeros(problem) and not is_nearly_absolute(problem):
        return _named("working-set")
    return _dense_steps(problem)


def _dense_steps(problem: LinearProblem) -> Solver:
    """Where no coefficient is expected to be zero."""
    from taut.solvers.newton.ridge_solver import is_large, takes_ridge
    from taut.solvers.newton.solver import ProximalNewton

    if takes_ridge(problem) and is_large(problem) and not _wide_dense(problem):
        return _named("ridge-newton")
    return _named("rotated-ridge") if _wide_ridge(problem) else ProximalNewton()


def _tall(problem: LinearProblem, members: int) -> bool:
    """Whether all p² moments are cheaper than working sets, and the members' blocks are not too large.

    A table of some hundred columns is done before a working set has found out which of them it needs.
    """
    n, p = problem.matrix.shape
    dense = isinstance(problem.matrix, DenseMatrix)
    few = p <= _FEW or (p <= _SEVERAL and 2 * n >= p and dense and not _wide_ridge(problem))
    if not ((few or (p <= 4_000 and n >= 2 * p)) and members * p <= max(n, 20_000)):
        return False
    from taut.solvers.moments.solver import takes_moments

    return takes_moments(problem)


def _wide_dense(problem: LinearProblem) -> bool:
    """Where a rotation pays: more columns than rows, none of them sparse."""
    n, p = problem.matrix.shape
    return p > n and isinstance(problem.matrix, DenseMatrix)


def _wide_ridge(problem: LinearProblem) -> bool:
    """L2 alone on more columns than rows."""
    n, p = problem.matrix.shape
    return p > n and is_ridge(problem.penalty, p) and not problem.penalize_intercept
