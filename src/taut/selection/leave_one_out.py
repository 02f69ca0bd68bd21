"""Leave-one-out scores of a ridge path, from its closed form: as many folds as rows for the price of one fit."""

from __future__ import annotations

import numpy as np

from taut.path import PathSpec
from taut.selection.data import Data
from taut.selection.folds import Float
from taut.selection.held_out import Measure
from taut.selection.scores import Scores
from taut.solvers.base import LinearProblem
from taut.solvers.closed_ridge import ClosedRidge, require_squares
from taut.solvers.scaled import scale_problem


def require_ridge(spec: PathSpec, data: Data) -> LinearProblem:
    """The ridge problem of ``spec`` on these rows; ValueError where it is none: before anything is fitted."""
    if spec.hidden:
        raise ValueError("leave-one-out in closed form is ridge's: use hidden=() or lam='cv'")
    problem = spec.linear_problem(data.X, data.y, data.weight, data.offset)
    require_squares(scale_problem(problem, problem.weight))
    return problem


def leave_one_out_scores(spec: PathSpec, data: Data, lambdas: Float) -> Scores:
    """``Scores`` of n folds of one row each, exact for standardisation held fixed; rows of no weight have no say.

    A row of weight two is one row, left out as a whole. Raises ValueError unless ``spec`` is a ridge: the squared loss,
    L2 alone, no bounds, no hidden layers.
    """
    held = ClosedRidge.of(require_ridge(spec, data)).leave_one_out(lambdas)
    measure = Measure.of(spec, data.y, data.weight)
    losses = np.stack([measure.rows(held[:, index], data.y) for index in range(len(lambdas))], axis=1)
    return Scores(lambdas, losses, data.weight, 1.0, losses, held)
