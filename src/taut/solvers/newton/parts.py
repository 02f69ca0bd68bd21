"""What a Newton method is put together from: rows, a penalty by strength, and one Hessian for all outputs or one for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.losses import Multinomial
from taut.solvers.matrix import Index
from taut.solvers.newton.independent_outputs import OutputRows
from taut.solvers.newton.local_penalty import Shape, table_shapes
from taut.solvers.newton.outputs import PairRows
from taut.solvers.newton.quadratic_model import PairModel
from taut.solvers.newton.softmax_outputs import SoftmaxRows
from taut.solvers.newton.squared_outputs import SquaredRows
from taut.solvers.problem.scaled import ScaledProblem

JOINT = 2_500
"""Pairs of a column and a class that share one Hessian, at most, where classes are coupled."""


@final
@dataclass(eq=False)
class Kit:
    """What a member brings: rows, the penalty by strength, Hessians, when to part them, and an order of columns."""

    rows: PairRows
    shape: Callable[[float], Shape]
    models: list[PairModel]
    ordered: Callable[[Index], Index] = lambda columns: columns
    joint: float = np.inf


def rows_of_outputs(problem: ScaledProblem) -> PairRows:
    """The rows of any loss."""
    if isinstance(problem.loss, Multinomial):
        return SoftmaxRows(problem)
    return SquaredRows(problem) if problem.squared else OutputRows(problem)


def separable_parts(problem: ScaledProblem, joint: int = JOINT) -> Kit:
    """Coordinate by coordinate, for every loss: one Hessian for the classes of a softmax, else one for each output."""
    rows = rows_of_outputs(problem)
    outputs = np.arange(rows.classes)
    groups = [outputs] if rows.coupled else outputs[:, None]
    models = [PairModel(rows, classes) for classes in groups]
    return Kit(rows, table_shapes(problem, rows.classes), models, joint=joint if rows.coupled else np.inf)


def squared_parts(problem: ScaledProblem) -> Kit:
    """``separable_parts`` of the squared loss, by descent on a Gram matrix that all outputs share; TypeError for others."""
    if not problem.squared:
        raise TypeError(f'coordinate descent solves the squared loss, not {problem.loss!r}: use "newton"')
    return separable_parts(problem)


def independent_parts(problem: ScaledProblem) -> Kit:
    """``separable_parts`` where outputs do not touch each other; TypeError for a softmax."""
    if isinstance(problem.loss, Multinomial):
        raise TypeError(
            'Newton steps for one output after the other miss how classes are coupled: use "softmax"'
        )
    return separable_parts(problem)


def softmax_parts(problem: ScaledProblem) -> Kit:
    """``separable_parts`` of a softmax loss; TypeError for others."""
    if not isinstance(problem.loss, Multinomial):
        raise TypeError(f"the softmax engine is for Multinomial, not {problem.loss!r}")
    return separable_parts(problem)
