"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from taut.solvers.base import LinearProblem, Solver
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.groups.descent_solver import GroupDescent, takes_groups
from taut.solvers.groups.newton_parts import group_parts
from taut.solvers.matrix import DenseMatrix
from taut.solvers.moments.solver import GramPath, takes_moments
from taut.solvers.newton.majorization import Majorization, takes_majorants
from taut.solvers.newton.parts import independent_parts, softmax_parts, squared_parts
from taut.solvers.newton.ridge_solver import RidgeNewton, is_large, takes_ridge
from taut.solvers.newton.small_solver import SmallNewton, takes_small
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.scaled_penalty import has_row_groups, is_ridge
from taut.solvers.ridge.rotated_solver import RotatedRidge
from taut.solvers.working_set.solver import WorkingSet, leaves_zeros

ENGINES: dict[str, Callable[[], Solver]] = {
    "moments": GramPath,
    "working-set": WorkingSet,
    "rotated-ridge": RotatedRidge,
    "coordinate-descent": partial(ProximalNewton, squared_parts),
    "newton": partial(ProximalNewton, independent_parts),
    "softmax": partial(ProximalNewton, softmax_parts),
    "small-newton": SmallNewton,
    "ridge-newton": RidgeNewton,
    "group-descent": GroupDescent,
    "group-newton": partial(ProximalNewton, group_parts),
    "majorization": Majorization,
    "proximal-gradient": ProximalGradient,
}
"""The engines of linear models by the names that force them: four are Newton's method, with parts for a kind of problem."""

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
    p = problem.matrix.shape[1]
    if problem.penalty.table(p) is None:
        grouped = has_row_groups(problem.penalty, p, problem.loss.outputs(problem.y))
        if grouped:
            return _by_groups(problem)
        return Majorization() if takes_majorants(problem) else ProximalGradient()
    if problem.loss.traits.constant_curvature and _tall(problem, members):
        return GramPath()
    return SmallNewton() if takes_small(problem) else _by_size(problem)


def _named(name: str) -> Solver:
    if name not in ENGINES:
        raise ValueError(f"solver must be one of {', '.join(ENGINES)}, or None to choose; got {name!r}")
    return ENGINES[name]()


def _by_groups(problem: LinearProblem) -> Solver:
    """Descent on whole groups for the squared loss of one output, else Newton steps on them."""
    squared = problem.loss.traits.constant_curvature
    return GroupDescent() if squared and takes_groups(problem) else ProximalNewton(group_parts)


def _by_size(problem: LinearProblem) -> Solver:
    """Working sets where solutions are sparse, a rotation for wide ridges, Newton steps for all else."""
    if leaves_zeros(problem):
        return WorkingSet()
    if takes_ridge(problem) and is_large(problem) and not _wide_dense(problem):
        return RidgeNewton()
    return RotatedRidge() if _wide_ridge(problem) else ProximalNewton()


def _tall(problem: LinearProblem, members: int) -> bool:
    """Whether all p² moments are cheaper than working sets, and the members' blocks are not too large.

    A table of some hundred columns is done before a working set has found out which of them it needs.
    """
    n, p = problem.matrix.shape
    if not takes_moments(problem):
        return False
    dense = isinstance(problem.matrix, DenseMatrix)
    few = p <= _FEW or (p <= _SEVERAL and 2 * n >= p and dense and not _wide_ridge(problem))
    return (few or (p <= 4_000 and n >= 2 * p)) and members * p <= max(n, 20_000)


def _wide_dense(problem: LinearProblem) -> bool:
    """Where a rotation pays: more columns than rows, none of them sparse."""
    n, p = problem.matrix.shape
    return p > n and isinstance(problem.matrix, DenseMatrix)


def _wide_ridge(problem: LinearProblem) -> bool:
    """L2 alone on more columns than rows."""
    n, p = problem.matrix.shape
    return p > n and is_ridge(problem.penalty, p) and not problem.penalize_intercept
