"""Units of a linear problem's scale: centres and scales of X and y, bounds, and what is constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss
from taut.penalties import Penalty
from taut.solvers.base import LinearProblem
from taut.solvers.matrix import Matrix
from taut.solvers.problem.tolerances import CONSTANT, is_constant
from taut.types import Float


@dataclass(frozen=True, eq=False)
class Units:
    """Centres and scales of X and y: standardised x̃ = (x − center)/scale, ỹ = (y − y_center)/y_scale."""

    center: Float
    scale: Float
    y_center: Float | float
    y_scale: Float | float


def along(vector: NDArray[Any], like: Float) -> NDArray[Any]:
    """``vector`` shaped to broadcast over the outputs of ``like``, both along the first axis."""
    return vector[:, None] if vector.ndim < like.ndim else vector


def box_of(penalty: Penalty, p: int, bias_column: bool = False) -> tuple[Float, Float] | None:
    """The bounds (p,) of coefficients in the units of the data, the intercept's own entry added; None where there are none."""
    lower, upper = penalty.bounds(p)
    if not np.isfinite([lower, upper]).any():
        return None
    ends = [np.inf] * bias_column
    return np.append(lower, np.negative(ends)), np.append(upper, ends)


def scales_y(loss: Loss) -> bool:
    """Whether the response is standardised with the columns: where the loss is in its units."""
    return loss.traits.in_units_of_y


def exact_mean(y: Float, weight: Float) -> Float:
    """Σ s y (k,) or (), by a second pass over the deviations right to the last digit of y; ``weight`` sums to one."""
    mean = weight @ y
    return np.asarray(mean + weight @ (y - mean))


def about_mean(y: Float, weight: Float) -> tuple[Float, Float]:
    """``exact_mean``, and the deviations from it less what its own last digit lacks: their weighted sum is zero.

    Where one row has nearly all the weight, its distance from the mean is in the digits that the mean lacks.
    """
    mean = exact_mean(y, weight)
    away = y - mean
    return mean, away - weight @ away


def _magnitude(problem: LinearProblem) -> Float:
    """|y| + |offset| row by row: what the rounding of y less its offset is in proportion to."""
    size = np.abs(problem.y)
    return size if problem.offset is None else size + along(np.abs(problem.offset), size)


def response_rounding(problem: LinearProblem, weight: Float) -> Float:
    """The deviation () or (k,) of y less its offset up to which it is constant; ``weight`` sums to one."""
    return np.asarray(CONSTANT * np.sqrt(weight @ _magnitude(problem) ** 2))


def scaled_response(problem: LinearProblem, units: Units, offset: Float | None, weight: Float) -> Float:
    """ỹ; a response that is constant up to rounding, beside its offset, becomes exactly so."""
    y, used = (problem.y - units.y_center) / units.y_scale, weight > 0.0
    shift = np.zeros_like(y) if offset is None else along(offset, y)
    largest = np.abs((y - shift)[used]).max(axis=0)
    flat = largest <= CONSTANT * (_magnitude(problem)[used].max(axis=0) / units.y_scale)
    if np.any(units.y_center):
        # Where one row has nearly all the weight, its distance from the mean is in the digits that the mean itself lacks.
        y = y - weight @ (y - shift)
    return np.where(flat, shift, y)


def units_of(
    problem: LinearProblem, matrix: Matrix, weight: Float, bias_column: bool, powers: bool
) -> tuple[Units, NDArray[np.bool_], Float]:
    """Centres and scales, which columns are constant, and the part of the scales that F knows nothing of.

    Unpenalised columns, whose units are nobody's business, are brought near one by powers of two where the others are
    taken as they are; ``powers`` says whether they may be.
    """
    p = matrix.shape[1]
    # A penalised intercept on data taken as given: centring would move what the penalty acts on.
    centred = problem.fit_intercept and (problem.standardize or not bias_column)
    center = matrix.center(weight) if centred else np.zeros(p)
    deviation = matrix.scale(weight, center)
    constant = is_constant(center, deviation)
    power = np.ones(p)
    if powers and not problem.standardize:
        power[: problem.matrix.shape[1]] = free_powers(problem, deviation[: problem.matrix.shape[1]])
    scale = np.where(constant, 1.0, deviation) if problem.standardize else power.copy()
    if bias_column:
        center[-1], scale[-1], constant[-1] = 0.0, 1.0, False
    if not scales_y(problem.loss):
        return Units(center, scale, 0.0, 1.0), constant, power
    y_center, y_scale, _ = centred_response(problem, weight, centred)
    y_units = (y_center, y_scale) if problem.y.ndim > 1 else (float(y_center), float(y_scale))
    return Units(center, scale, y_units[0], y_units[1] if problem.standardize else 1.0), constant, power


def free_powers(problem: LinearProblem, deviation: Float) -> Float:
    """For columns without penalty, the powers of two next to their deviations, which change no digit; 1 for all others."""
    p = problem.matrix.shape[1]
    moved = problem.penalty.free(p) & (deviation > 0.0)
    return np.where(moved, np.ldexp(1.0, np.frexp(np.where(moved, deviation, 1.0))[1]), 1.0)


def centred_response(problem: LinearProblem, weight: Float, centred: bool) -> tuple[Float, Float, Float]:
    """Mean and deviation, () or (k,), of y less its offset, and the deviations from the mean, shaped as y.

    A response that is constant up to rounding deviates by zero, and its deviation counts as 1.
    """
    y = problem.y if problem.offset is None else problem.y - along(problem.offset, problem.y)
    mean, away = about_mean(y, weight) if centred else (np.zeros(y.shape[1:]), y)
    deviation = np.sqrt(weight @ away**2)
    moving = deviation > response_rounding(problem, weight)
    return mean, np.where(moving, deviation, 1.0), np.where(moving, away, 0.0)
