"""Linear paths of a specification: one call of the solver that suits it, for all rows of weights at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taut.path.inputs import check_lambdas
from taut.path.linear import LinearPath, linear_path
from taut.path.spec import PathSpec
from taut.solvers import Progress, StoppingSolver, solver_for
from taut.types import Float


def fit_linear(
    spec: PathSpec,
    X: Any,
    y: Any,
    weights: Float,
    lambdas: int | Sequence[float] | Float = 100,
    offset: Any = None,
    progress: Progress | None = None,
) -> list[LinearPath]:
    """The linear paths of a specification, whatever its hidden layers: what a network is compared with.

    One per row of ``weights`` (M, n), all on one grid: the given one, or that of the first row's problem, up to where
    ``spec.stop`` ends it for an engine whose members walk side by side.
    """
    problem, rows = spec.first_problem(X, y, weights, offset)
    solver = solver_for(problem, len(rows), spec.solver)
    store = () if spec.store is None else (spec.store,)  # engines of one's own may know of none
    grid = check_lambdas(lambdas)
    if spec.stop is not None and isinstance(solver, StoppingSolver):
        members = solver.paths(problem, rows, grid, progress, spec.store, spec.stop)
    else:
        members = solver.paths(problem, rows, grid, progress, *store)
    return [linear_path(problem, m, w) for m, w in zip(members, rows, strict=False)]
