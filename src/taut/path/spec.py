"""The specification of a path, and what it is fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import taut.solvers as solvers
from taut.losses import Loss, SquaredError
from taut.network import Params, as_activation
from taut.objective import PerLayer
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
from taut.penalties import L1, Penalty
from taut.solvers import Training, as_matrix
from taut.types import Float

if TYPE_CHECKING:
    from taut.solvers import CheckpointStore, EarlyStop, LinearProblem, Shapes, Solver


@dataclass(frozen=True)
class PathSpec:
    """What to fit along λ: the loss, the penalty's shape, the architecture and the numerical settings.

    ``layer_penalties`` and ``bias_penalties`` are those of a network's layers where they are not ``penalty`` (see
    ``shapes``).  ``solver`` forces the engine of a linear model (see ``solver_for``), ``max_iter`` bounds its iterations at
    every λ.
    ``store`` is no part of what is fitted: finished parts are kept there, and those it holds are not fitted again;
    nor is ``start``, one network in the units of the data from which training begins; ``stop`` may end the paths of a linear
    model before their grid does.
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
    store: CheckpointStore | None = field(default=None, compare=False, repr=False)
    start: Params | None = field(default=None, compare=False, repr=False)
    stop: EarlyStop | None = field(default=None, compare=False, repr=False)
    max_iter: int | None = None

    def __post_init__(self) -> None:
        as_activation(self.activation)  # a linear model has one too, in the network that it is part of
        biases = self.shapes.biases
        if biases is not None:  # as the linear model within has it
            object.__setattr__(self, "penalize_biases", biases[-1] is not None)

    @property
    def shapes(self) -> Shapes:
        """What acts on which layer; raises where the lists do not suit the layers."""
        return solvers.Shapes.of(self.penalty, self.layer_penalties, self.bias_penalties, len(self.hidden))

    @property
    def linear(self) -> PathSpec:
        """The linear model of this specification: what a network is compared with."""
        if not self.hidden:
            return self
        return replace(self, hidden=(), layer_penalties=None, bias_penalties=None)

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
        return solvers.LinearProblem(
            matrix, target, weight, self.loss, check_penalty(self.penalty), shift, self.fit_intercept,
            self.standardize, self.penalize_biases, check_tol(self.tol), self.max_iter,
        )  # fmt: skip

    def grid(self, problem: LinearProblem, lambdas: int | Sequence[float] | Float) -> Float:
        """The strengths: as given, or log-spaced from the problem's own λ_max."""
        return solvers.grid_for(solvers.scale_problem(problem, problem.weight), check_lambdas(lambdas))


def strength_count(lambdas: Any, hidden: Sequence[int]) -> Any:
    """``lambdas`` as given; for None 100 strengths, or 30 for a network, whose every strength is a training of its own."""
    return lambdas if lambdas is not None else (30 if hidden else 100)
