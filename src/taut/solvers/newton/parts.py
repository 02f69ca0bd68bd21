"""What a Newton method is put together from: rows, a penalty by strength, and one Hessian for all outputs or one for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.solvers.newton.independent_outputs import IndependentOutputs
from taut.solvers.newton.local_penalty import LocalPenalty, separable_penalties
from taut.solvers.newton.outputs import Outputs
from taut.solvers.newton.quadratic_model import QuadraticModel
from taut.solvers.newton.softmax_outputs import SoftmaxOutputs
from taut.solvers.newton.squared_outputs import SquaredOutputs
from taut.solvers.problem.scaled import ScaledProblem
from taut.types import Index

JOINT = 2_500
"""Coordinates of a column and a class that share one Hessian, at most, where classes are coupled."""


@final
@dataclass(eq=False)
class NewtonParts:
    """What a member brings: rows, the penalty by strength, Hessians, when to part them, and an order of columns."""

    rows: Outputs
    penalty_at: Callable[[float], LocalPenalty]
    models: list[QuadraticModel]
    ordered: Callable[[Index], Index] = lambda columns: columns
    joint: float = np.inf


def outputs_for(problem: ScaledProblem) -> Outputs:
    """The rows of a problem with the curvature that its loss has: coupled classes, squares, or outputs on their own."""
    if problem.loss.traits.couples_outputs:
        return SoftmaxOutputs(problem)
    return SquaredOutputs(problem) if problem.squared else IndependentOutputs(problem)


def separable_parts(problem: ScaledProblem, joint: int = JOINT) -> NewtonParts:
    """Coordinate by coordinate, for every loss: one Hessian for the classes of a softmax, else one for each output."""
    rows = outputs_for(problem)
    outputs = np.arange(rows.classes)
    groups = [outputs] if rows.coupled else outputs[:, None]
    models = [QuadraticModel(rows, classes) for classes in groups]
    return NewtonParts(
        rows, separable_penalties(problem, rows.classes), models, joint=joint if rows.coupled else np.inf
    )


def squared_parts(problem: ScaledProblem) -> NewtonParts:
    """``separable_parts`` of the squared loss, by descent on a Gram matrix that all outputs share; TypeError for others."""
    if not problem.squared:
        raise TypeError(f'coordinate descent solves the squared loss, not {problem.loss!r}: use "newton"')
    return separable_parts(problem)


def independent_parts(problem: ScaledProblem) -> NewtonParts:
    """``separable_parts`` where outputs do not touch each other; TypeError for a softmax."""
    if problem.loss.traits.couples_outputs:
        raise TypeError(
            'Newton steps for one output after the other miss how classes are coupled: use "softmax"'
        )
    return separable_parts(problem)


def softmax_parts(problem: ScaledProblem) -> NewtonParts:
    """``separable_parts`` of a softmax loss; TypeError for others."""
    if not problem.loss.traits.couples_outputs:
        raise TypeError(f"the softmax engine is for coupled classes, not {problem.loss!r}")
    return separable_parts(problem)
