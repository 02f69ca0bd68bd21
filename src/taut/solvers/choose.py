"""Which engine solves which linear problem; the table is explained in docs/solvers.md."""

from __future__ import annotations

from collections.abc import Callable

from taut.losses import Multinomial, SquaredError
from taut.penalties import GroupLasso
from taut.solvers.base import LinearProblem, Solver
from taut.solvers.first_order.proximal_gradient import ProximalGradient
from taut.solvers.groups.descent_solver import GroupDescent, takes_groups
from taut.solvers.groups.newton_solver import GroupNewton
from taut.solvers.moments.solver import GramPath, takes_moments
from taut.solvers.newton.coordinate import CoordinateDescent
from taut.solvers.newton.newton import ProximalNewton
from taut.solvers.newton.small_solver import SmallNewton, takes_small
from taut.solvers.newton.softmax import SoftmaxNewton
from taut.solvers.problem.scaled_penalty import is_ridge
from taut.solvers.ridge.rotated_solver import RotatedRidge
from taut.solvers.working_set.solver import WorkingSet, leaves_zeros

ENGINES: dict[str, Callable[[], Solver]] = {
    "moments": GramPath,
    "working-set": WorkingSet,
    "rotated-ridge": RotatedRidge,
    "coordinate-descent": CoordinateDescent,
    "newton": ProximalNewton,
    "softmax": SoftmaxNewton,
    "small-newton": SmallNewton,
    "group-descent": GroupDescent,
    "group-newton": GroupNewton,
    "proximal-gradient": ProximalGradient,
}
"""The engines of linear models by the names that force them."""


def solver_for(problem: LinearProblem, members: int = 1, forced: str | Solver | None = None) -> Solver:
    """Second moments for tall squared problems, exact Newton steps for few rows and columns of classes, working sets where
    solutions are sparse, proximal Newton for the rest.

    Groups have engines of their own; any other penalty that is not a sum over coordinates goes to the accelerated proximal
    gradient. ``forced``, an engine or its name, is taken as it is, and raises where the problem is not one for it.
    """
    if forced is not None:
        return forced if isinstance(forced, Solver) else _named(forced)
    if not problem.penalty.traits.separable:
        return _by_groups(problem) if isinstance(problem.penalty, GroupLasso) else ProximalGradient()
    if isinstance(problem.loss, SquaredError) and _tall(problem, members):
        return GramPath()
    return SmallNewton() if takes_small(problem) else _by_size(problem)


def _named(name: str) -> Solver:
    if name not in ENGINES:
        raise ValueError(f"solver must be one of {', '.join(ENGINES)}, or None to choose; got {name!r}")
    return ENGINES[name]()


def _by_groups(problem: LinearProblem) -> Solver:
    """By the loss."""
    squared = isinstance(problem.loss, SquaredError)
    return GroupDescent() if squared and takes_groups(problem) else GroupNewton()


def _by_size(problem: LinearProblem) -> Solver:
    """By what is sparse, and what is wide."""
    if leaves_zeros(problem):
        return WorkingSet()
    return RotatedRidge() if _wide_ridge(problem) else plain_solver(problem)


def plain_solver(problem: LinearProblem) -> Solver:
    """By the loss alone; these begin at the problem's ``start``."""
    if isinstance(problem.loss, Multinomial):
        return SoftmaxNewton()
    return CoordinateDescent() if isinstance(problem.loss, SquaredError) else ProximalNewton()


def _tall(problem: LinearProblem, members: int) -> bool:
    """Whether all p² moments are cheaper than working sets, and the members' blocks no larger than X itself."""
    n, p = problem.matrix.shape
    if not takes_moments(problem):
        return False
    return p <= 4_000 and (n >= 2 * p or p <= 64) and members * p <= max(n, 20_000)


def _wide_ridge(problem: LinearProblem) -> bool:
    """L2 alone on more columns than rows."""
    n, p = problem.matrix.shape
    return p > n and is_ridge(problem.penalty, p) and not problem.penalize_intercept
