"""Leave-one-out scores of a ridge path, from its closed form: as many folds as rows for the price of one fit."""

from __future__ import annotations

import numpy as np

from taut.path import PathSpec
from taut.selection.conflict import OptionConflict
from taut.selection.data import Data
from taut.selection.held_out import HeldOutLoss
from taut.selection.scores import Scores
from taut.solvers import ClosedRidge
from taut.types import Float


def closed_ridge(spec: PathSpec, data: Data) -> ClosedRidge:
    """The ridge of ``spec`` on these rows, decomposed; ValueError where it is none: before anything is fitted."""
    if spec.hidden:
        raise OptionConflict("leave-one-out in closed form is ridge's: use hidden=() or lam='cv'")
    return ClosedRidge.of(spec.linear_problem(data.X, data.y, data.weight, data.offset))


def leave_one_out_scores(
    spec: PathSpec, data: Data, lambdas: Float, closed: ClosedRidge | None = None
) -> Scores:
    """``Scores`` of n folds of one row each, exact for standardisation held fixed; rows of no weight have no say.

    A row of weight two is one row, left out as a whole. ``closed`` is ``closed_ridge(spec, data)`` where it is there.
    Raises ValueError unless ``spec`` is a ridge: the squared loss, L2 alone, no bounds, no hidden layers.
    """
    held = (closed_ridge(spec, data) if closed is None else closed).leave_one_out(lambdas)
    measure = HeldOutLoss.of(spec, data)
    losses = np.stack([measure.rows(held[:, index], data.y) for index in range(len(lambdas))], axis=1)
    return Scores(lambdas, losses, data.weight, 1.0, losses, held)
