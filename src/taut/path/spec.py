"""The specification of a path, and what it is fitted with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from taut.losses import Loss, SquaredError
from taut.network import Params, as_activation
from taut.objective import PerLayer
from taut.path.base import Float, Path
from taut.path.inputs import (
    check_lambdas,
    check_members,
    check_offset,
    check_penalty,
    check_response,
    check_rows,
    check_tol,
    check_weights,
    moderate,
)
from taut.path.journal import Journal, StateOf, member_of, member_part
from taut.path.linear import LinearPath, linear_path
from taut.penalties import L1, Penalty
from taut.solvers.base import LinearProblem, MemberPath, Progress, Solver
from taut.solvers.choose import solver_for
from taut.solvers.matrix import as_matrix
from taut.solvers.networks.layer_penalties import Shapes
from taut.solvers.networks.settings import Training
from taut.solvers.problem.grid import grid_for
from taut.solvers.problem.path_solver import PathEngine, Successive, finished
from taut.solvers.problem.resume import Resumable
from taut.solvers.problem.scaling import scale_problem


@dataclass(frozen=True)
class PathSpec:
    """What to fit along λ: the loss, the penalty's shape, the architecture and the numerical settings.

    ``layer_penalties`` and ``bias_penalties`` are those of a network's layers where they are not ``penalty`` (see
    ``shapes``).  ``solver`` forces the engine of a linear model (see ``solver_for``), ``max_iter`` bounds its iterations at
    every λ.
    ``journal`` is no part of what is fitted: finished parts are kept there, and those it holds are not fitted again;
    nor is ``start``, one network in the units of the data from which training begins.
    """

    loss: Loss = field(default_factory=SquaredError)
    penalty: Penalty = field(default_factory=L1)
    hidden: tuple[int, ...] = ()
    skip: bool = True
    activation: str = "relu"
    fit_intercept: bool = True
    penalize_biases: bool = False
    standardize: bool = True
    tol: float = 1e-6
    random_state: int | None = None
    training: Training = field(default_factory=Training)
    solver: str | Solver | None = None
    layer_penalties: PerLayer = None
    bias_penalties: PerLayer = None
    journal: Journal | None = field(default=None, compare=False, repr=False)
    start: Params | None = field(default=None, compare=False, repr=False)
    max_iter: int | None = None

    def __post_init__(self) -> None:
        as_activation(self.activation)  # a linear model has one too, in the network that it is part of
        biases = self.shapes.biases
        if biases is not None:  # as the linear model within has it
            object.__setattr__(self, "penalize_biases", biases[-1] is not None)

    @property
    def shapes(self) -> Shapes:
        """What acts on which layer; raises where the lists do not suit the layers."""
        return Shapes.of(self.penalty, self.layer_penalties, self.bias_penalties, len(self.hidden))

    @property
    def linear(self) -> PathSpec:
        """The linear model of this specification: what a network is compared with."""
        if not self.hidden:
            return self
        return replace(self, hidden=(), layer_penalties=None, bias_penalties=None)

    def fit(
        self,
        X: Any,
        y: Any,
        weights: Float,
        lambdas: int | Sequence[float] | Float = 100,
        offset: Any = None,
        progress: Progress | None = None,
        linear: Sequence[LinearPath] | None = None,
    ) -> list[Path]:
        """One path per row of ``weights`` (M, n), all on one grid: the given one, or that of the first row's problem.

        ``linear``: the paths of ``fit_linear`` on the same grid where they are known, which spares a network to solve
        them again.
        """
        if self.hidden:
            from taut.path.network import fit_network_paths  # the network engine is imported where it is used

            return list(fit_network_paths(self, X, y, weights, lambdas, offset, progress, linear))
        return list(self.fit_linear(X, y, weights, lambdas, offset, progress))

    def fit_linear(
        self,
        X: Any,
        y: Any,
        weights: Float,
        lambdas: int | Sequence[float] | Float = 100,
        offset: Any = None,
        progress: Progress | None = None,
    ) -> list[LinearPath]:
        """The linear paths of this specification, whatever its hidden layers: what a network is compared with."""
        problem, rows = self.first_problem(X, y, weights, offset)
        solver = solver_for(problem, len(rows), self.solver)
        members = _members(solver, problem, rows, check_lambdas(lambdas), progress, self.journal)
        return [linear_path(problem, m, w) for m, w in zip(members, rows, strict=False)]

    @property
    def free_intercept(self) -> bool:
        """Whether there is an intercept that no penalty holds: where no constant is best, it has no bound."""
        return self.fit_intercept and not self.penalize_biases

    def first_problem(
        self, X: Any, y: Any, weights: Float, offset: Any = None
    ) -> tuple[LinearProblem, Float]:
        """The validated problem of the first row of ``weights`` (M, n), and all rows of them, in one moderate unit."""
        matrix, rows = as_matrix(X), np.asarray(weights, dtype=np.float64)
        check_weights(rows, matrix.shape[0])
        rows, _ = moderate(rows)
        problem = self.linear_problem(matrix, y, rows[0], offset)
        if self.free_intercept:
            check_members(problem.y, rows, self.loss)
        return problem, rows

    def linear_problem(self, X: Any, y: Any, weight: Float, offset: Any = None) -> LinearProblem:
        """The validated linear problem over these arrays."""
        matrix = as_matrix(X)
        n = matrix.shape[0]
        target = self.loss.check_target(y)
        check_rows("y", target.shape[0], n)
        if n == 0 or matrix.shape[1] == 0:
            raise ValueError(f"X has shape {matrix.shape}: a fit needs at least one row and one column")
        shift = None if offset is None else check_offset(offset, n)
        check_response(target, weight, self.loss, shift, self.free_intercept)
        return LinearProblem(
            matrix, target, weight, self.loss, check_penalty(self.penalty), shift, self.fit_intercept,
            self.standardize, self.penalize_biases, check_tol(self.tol), self.max_iter,
        )  # fmt: skip

    def grid(self, problem: LinearProblem, lambdas: int | Sequence[float] | Float) -> Float:
        """The strengths: as given, or log-spaced from the problem's own λ_max."""
        return grid_for(scale_problem(problem, problem.weight), check_lambdas(lambdas))


def _members(
    solver: Solver,
    problem: LinearProblem,
    rows: Float,
    lambdas: int | Sequence[float] | Float,
    progress: Progress | None,
    journal: Journal | None,
) -> Sequence[MemberPath]:
    """The members' paths, from the journal as far as it has them.

    An engine that finishes one member after the other is kept member by member; the others share passes over X, are
    kept as a whole, and go on from a bookmark.
    """
    if journal is None:
        return solver.paths(problem, rows, lambdas, progress)
    call = journal.call()
    names = [f"{call}-{m}" for m in range(len(rows))]
    known = [None if part is None else member_of(part) for part in map(journal.recall, names)]
    if progress is not None:
        progress(sum(len(member.lambdas) for member in known if member is not None))
    if isinstance(solver, Successive):
        return _kept(solver.each(problem, rows, lambdas, progress, known), names, known, journal)
    if isinstance(solver, PathEngine):
        alone = _one_by_one(solver, problem, rows, lambdas, progress, known)
        return _kept(alone, names, known, journal)
    if all(member is not None for member in known):
        return [member for member in known if member is not None]
    state = f"{call}-state"
    if isinstance(solver, Resumable):
        together = solver.resumed(problem, rows, lambdas, progress, StateOf(journal, state))
    else:
        together = solver.paths(problem, rows, lambdas, progress)
    if len(together) < len(rows) or any(member.interrupted for member in together):
        return together
    kept = _kept(together, names, [None] * len(rows), journal)
    journal.forget(state)
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
    members: Iterable[MemberPath], names: Sequence[str], known: Sequence[MemberPath | None], journal: Journal
) -> Sequence[MemberPath]:
    """The members, those kept that are new and whole."""

    def keeping() -> Iterator[MemberPath]:
        for name, before, member in zip(names, known, members, strict=False):
            if before is None and not member.interrupted:
                journal.keep(name, member_part(member))
            yield member

    return finished(keeping())


def strength_count(lambdas: Any, hidden: Sequence[int]) -> Any:
    """``lambdas`` as given; for None 100 strengths, or 30 for a network, whose every strength is a training of its own."""
    return lambdas if lambdas is not None else (30 if hidden else 100)
