"""Linear paths of a specification: its engine for all rows of weights at once, member by member where a store keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from taut.path.checkpoints import CheckpointStore, StoredState, member_of, member_part
from taut.path.inputs import check_lambdas
from taut.path.linear import LinearPath, linear_path
from taut.path.spec import PathSpec
from taut.solvers.base import LinearProblem, MemberPath, Progress, Solver
from taut.solvers.choose import solver_for
from taut.solvers.problem.path_solver import PathEngine, Successive, finished
from taut.solvers.problem.resume import Resumable
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

    One per row of ``weights`` (M, n), all on one grid: the given one, or that of the first row's problem.
    """
    problem, rows = spec.first_problem(X, y, weights, offset)
    solver = solver_for(problem, len(rows), spec.solver)
    members = _members(solver, problem, rows, check_lambdas(lambdas), progress, spec.store)
    return [linear_path(problem, m, w) for m, w in zip(members, rows, strict=False)]


def _members(
    solver: Solver,
    problem: LinearProblem,
    rows: Float,
    lambdas: int | Sequence[float] | Float,
    progress: Progress | None,
    store: CheckpointStore | None,
) -> Sequence[MemberPath]:
    """The members' paths, from the store as far as it has them.

    An engine that finishes one member after the other is kept member by member; the others share passes over X, are
    kept as a whole, and go on from a bookmark.
    """
    if store is None:
        return solver.paths(problem, rows, lambdas, progress)
    call = store.call()
    names = [f"{call}-{m}" for m in range(len(rows))]
    known = [None if part is None else member_of(part) for part in map(store.recall, names)]
    if progress is not None:
        progress(sum(len(member.lambdas) for member in known if member is not None))
    if isinstance(solver, Successive):
        return _kept(solver.each(problem, rows, lambdas, progress, known), names, known, store)
    if isinstance(solver, PathEngine):
        alone = _one_by_one(solver, problem, rows, lambdas, progress, known)
        return _kept(alone, names, known, store)
    if all(member is not None for member in known):
        return [member for member in known if member is not None]
    state = f"{call}-state"
    if isinstance(solver, Resumable):
        together = solver.resumed(problem, rows, lambdas, progress, StoredState(store, state))
    else:
        together = solver.paths(problem, rows, lambdas, progress)
    if len(together) < len(rows) or any(member.interrupted for member in together):
        return together
    kept = _kept(together, names, [None] * len(rows), store)
    store.forget(state)
    return kept


def _one_by_one(
    solver: Solver,
    problem: LinearProblem,
    rows: Float,
    lambdas: int | Sequence[float] | Float,
    progress: Progress | None,
    known: Sequence[MemberPath | None],
) -> Iterator[MemberPath]:
    """The members of an engine to which they are nothing to each other; one that is known is not fitted."""
    grid: int | Sequence[float] | Float = lambdas
    for row, member in zip(rows, known, strict=True):
        found = solver.paths(problem, row[None], grid, progress)[0] if member is None else member
        grid = found.lambdas
        yield found


def _kept(
    members: Iterable[MemberPath],
    names: Sequence[str],
    known: Sequence[MemberPath | None],
    store: CheckpointStore,
) -> Sequence[MemberPath]:
    """The members, those kept that are new and whole."""

    def keeping() -> Iterator[MemberPath]:
        for name, before, member in zip(names, known, members, strict=False):
            if before is None and not member.interrupted:
                store.keep(name, member_part(member))
            yield member

    return finished(keeping())
