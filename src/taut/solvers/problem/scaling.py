"""From a problem in the units of the data to the scaled one: standardise by a member's own moments, fit the null model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from taut.solvers.base import LinearProblem
from taut.solvers.matrix import Matrix
from taut.solvers.problem.intercept import best_intercept, check_null_loss
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaled_penalty import penalty_in_scaled_units, unpenalized
from taut.solvers.problem.units import box_of, scaled_response, scales_y, units_of
from taut.solvers.problem.unpenalized import CONSTANT_COLUMNS, NOT_EXIST
from taut.types import Float

FREE_NOT_EXIST = (
    "does not exist: what is not penalised, the intercept included, separates the data and grows without bound; "
    "penalise it, or leave out such columns or classes"
)


def scale_problem(problem: LinearProblem, weight: Float, powers: bool = True) -> ScaledProblem:
    """Standardise by ``weight``'s own moments and fit the null model; ``powers`` says whether ``free_powers`` may act."""
    weight = weight / weight.sum()
    matrix = (
        problem.matrix.with_ones() if problem.penalize_intercept and problem.fit_intercept else problem.matrix
    )
    bias_column = matrix is not problem.matrix
    units, constant, power = units_of(problem, matrix, weight, bias_column, powers)
    offset = (
        None if problem.offset is None else np.multiply.outer(problem.offset, 1.0 / np.asarray(units.y_scale))
    )
    y = scaled_response(problem, units, offset, weight) if scales_y(problem.loss) else problem.y
    penalty = penalty_in_scaled_units(problem.penalty, units.scale, units.y_scale, bias_column)
    bare = ScaledProblem(
        matrix, units, constant, weight, y, offset, problem.loss, penalty, problem.fit_intercept and not bias_column,
        bias_column, unpenalized(penalty, matrix.shape[1]), _blank_state(problem, matrix, y), 0.0, 0.0, "",
        problem.max_iter, problem.start, box_of(problem.penalty, problem.matrix.shape[1], bias_column),
        power,
    )  # fmt: skip
    return _with_null(bare)


def _with_null(bare: ScaledProblem) -> ScaledProblem:
    zero = bare.null
    index = np.flatnonzero(bare.unpenalized)
    start = np.zeros((int(bare.fit_intercept) + index.size, *bare.outputs))
    base = bare.base
    if bare.fit_intercept and not bare.squared:
        start[0] = best_intercept(bare.bound, base)
    fit = bare.fit(index, base, start)
    null = bare.with_free(zero.coef, index, fit, base)
    note = FREE_NOT_EXIST if fit.note == NOT_EXIST else fit.note
    note = note or (CONSTANT_COLUMNS if bare.constant[index].any() else "")
    loss, least = check_null_loss(bare.data_loss(null.eta)), bare.bound.saturated()
    return replace(bare, null=null, null_loss=loss, saturated_loss=least, null_note=note)


def _blank_state(problem: LinearProblem, matrix: Matrix, y: Float) -> State:
    k = problem.loss.outputs(y)
    outputs = (k,) if k > 1 or y.ndim == 2 else ()
    return State(
        np.zeros((matrix.shape[1], *outputs)), np.zeros(outputs), np.zeros((matrix.shape[0], *outputs))
    )
