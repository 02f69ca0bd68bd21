"""The problem on the scale where F, λ and tol live: standardised columns, scaled response, null model, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Huber, Loss, Multinomial, SquaredError
from taut.penalties import Penalty
from taut.solvers.base import Certificate, LinearProblem, Solution
from taut.solvers.bounded import fit_bounded
from taut.solvers.free import NOT_EXIST, FreeFit, fit_free
from taut.solvers.matrix import Float, Index, Matrix
from taut.solvers.penalty_units import penalty_in_scaled_units, unpenalised, without_penalty

_CONSTANT = 1e-13
"""A column whose deviation is below this fraction of its size is constant up to rounding."""
_EXACT = 1e-14
"""A null model whose loss exceeds the saturated one by less than this fraction is exact up to rounding."""


@dataclass(frozen=True, eq=False)
class Units:
    """Centres and scales of X and y: standardised x̃ = (x − center)/scale, ỹ = (y − y_center)/y_scale."""

    center: Float
    scale: Float
    y_center: Float | float
    y_scale: Float | float


@dataclass(frozen=True, eq=False)
class State:
    """A point of the scaled problem: coefficients (p[, k]), intercept () or (k,), and η (n[, k]) that they give."""

    coef: Float
    intercept: Float
    eta: Float
    known: dict[str, Float] = field(default_factory=dict, repr=False)
    """What ``ScaledProblem.slopes`` has computed of it."""


@dataclass(frozen=True, eq=False)
class ScaledProblem:
    """One row-weight vector's problem on F's scale, with its null model.

    ``weight`` sums to one; ``constant`` columns are zero once centred, rounding included; ``free`` holds the columns
    that the penalty leaves alone (factor 0); ``null`` is the model with only those and the intercept.
    """

    matrix: Matrix
    units: Units
    constant: NDArray[np.bool_]
    weight: Float
    y: Float
    offset: Float | None
    loss: Loss
    penalty: Penalty
    fit_intercept: bool
    bias_column: bool
    free: NDArray[np.bool_]
    null: State
    null_loss: float
    saturated_loss: float
    null_note: str
    max_iter: int | None = None
    start: Float | None = None

    def most(self, usual: int) -> int:
        """Iterations at one λ, at most."""
        return usual if self.max_iter is None else self.max_iter

    @property
    def outputs(self) -> tuple[int, ...]:
        """Trailing shape of η: () for one output, (k,) for k."""
        return self.null.eta.shape[1:]

    @property
    def reference(self) -> float:
        """Null loss minus saturated loss: what a gap is relative to."""
        return self.null_loss - self.saturated_loss

    @cached_property
    def unit(self) -> float:
        """What a gap is relative to: ``reference``, or where the null model is exact the loss's own size."""
        start = abs(self.data_loss(self.eta(np.zeros_like(self.null.coef), np.zeros(self.outputs))))
        size = abs(self.null_loss) + abs(self.saturated_loss)
        if self.reference > _EXACT * size + _EXACT**2 * start:
            return self.reference
        return size + start or 1.0

    @cached_property
    def first(self) -> State:
        """Where a walk begins: the null model, or ``start`` with the intercept and the unpenalised columns refitted."""
        if self.start is None:
            return self.null
        coef = np.asarray(self.start * along(self.units.scale, self.start) / self.units.y_scale)
        coef[self.constant] = 0.0
        return self.polish(self.state(coef, self.null.intercept))

    @cached_property
    def unpenalised(self) -> NDArray[np.bool_]:
        """Columns with no penalty, whether ``free`` or held by bounds."""
        return without_penalty(self.penalty, self.matrix.shape[1])

    @property
    def squared(self) -> bool:
        """Whether the loss is the squared one."""
        return isinstance(self.loss, SquaredError)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows that count, and columns."""
        return int(np.count_nonzero(self.weight)), self.matrix.shape[1]

    @cached_property
    def null_gradient(self) -> Float:
        """∇L at the null model over the penalised columns, 0 (where a bound does not hold them) on the others."""
        gradient = self.slopes(self.null)[1]
        return np.where(along(self.unpenalised, gradient), 0.0, gradient)

    @property
    def pull(self) -> float:
        """max|∇L| at the null model: what a distance to the subdifferential is relative to."""
        return float(np.abs(self.null_gradient).max(initial=0.0)) or 1.0

    def eta(self, coef: Float, intercept: Float) -> Float:
        """offset + X̃ coef + intercept."""
        weights = coef / along(self.units.scale, coef)
        eta = self.matrix.dot(weights) + (intercept - self.units.center @ weights)
        return np.asarray(eta if self.offset is None else eta + along(self.offset, eta))

    def state(self, coef: Float, intercept: Float) -> State:
        """The point with its η."""
        return State(coef, np.asarray(intercept), self.eta(coef, intercept))

    def states(self, coefs: Float, intercepts: Float) -> list[State]:
        """Points (L, p[, k]) and (L[, k]) with η and slopes: two passes over X for all of them."""
        count, p = coefs.shape[:2]
        weights = np.moveaxis(coefs, 0, -1).reshape(p, -1) / self.units.scale[:, None]
        shift = np.moveaxis(intercepts, 0, -1).ravel() - self.units.center @ weights
        etas = self._split((self.matrix.dot(weights) + shift).T, count)
        if self.offset is not None:
            etas += along(self.offset, etas[0])
        residuals = [self.residual(eta) for eta in etas]
        rows = np.stack(residuals, axis=-1).reshape(self.weight.size, -1)
        gradients = self._split(self.correlate(rows).T, count)
        return [
            State(coef, intercept, eta, {"residual": residual, "gradient": gradient})
            for coef, intercept, eta, residual, gradient in zip(
                coefs, intercepts, etas, residuals, gradients, strict=True
            )
        ]

    def _split(self, flat: Float, count: int) -> Float:
        """(k·count, n) as (count, n[, k])."""
        parts = flat.reshape(*self.outputs, count, -1)
        return np.ascontiguousarray(np.moveaxis(parts, 0, -1) if self.outputs else parts)

    def correlate(self, residual: Float) -> Float:
        """X̃ᵀ residual, with the centring done implicitly."""
        total = residual.sum(axis=0)
        raw = self.matrix.transpose_dot(residual) - np.multiply.outer(self.units.center, total)
        raw[self.constant] = 0.0
        return np.asarray(raw / along(self.units.scale, raw))

    def columns(self, index: Index) -> Float:
        """Standardised columns as a dense Fortran-ordered array."""
        values = self.matrix.columns(index)
        values -= self.units.center[index]
        values /= self.units.scale[index]
        values[:, self.constant[index]] = 0.0
        return values

    def data_loss(self, eta: Float) -> float:
        """L on F's scale."""
        return float(self.weight @ self.loss.pointwise(eta, self.y))

    def residual(self, eta: Float) -> Float:
        """Row gradients s ∘ ℓ'(η): their correlation with X̃ is ∇L."""
        slope = np.asarray(self.loss.derivative(eta, self.y))
        return np.asarray(slope * along(self.weight, slope))

    def slopes(self, state: State) -> tuple[Float, Float]:
        """Row gradients (``residual``) and ∇L at ``state``: one pass over X, however often they are asked for."""
        if not state.known:
            residual = self.residual(state.eta)
            state.known.update(residual=residual, gradient=self.correlate(residual))
        return state.known["residual"], state.known["gradient"]

    def polish(self, state: State, iterations: int = 50) -> State:
        """Refit the intercept and the unpenalised columns exactly, everything else held: what a dual point needs."""
        if not self.fit_intercept and not self.unpenalised.any():
            return state
        index = np.flatnonzero(self.unpenalised)
        rest = state.coef.copy()
        rest[index] = 0.0
        lead = [state.intercept[None]] if self.fit_intercept else []
        start = np.concatenate([*lead, state.coef[index]])
        base = self.eta(rest, np.zeros_like(state.intercept))
        return self.with_free(rest, index, self.fit(index, base, start, iterations))

    def fit(self, index: Index, base: Float, start: Float, iterations: int = 100) -> FreeFit:
        """The best coefficients of the intercept and the columns ``index``, within their bounds, without any penalty."""
        design, table = self.free_design(index), self.penalty.table(self.matrix.shape[1])
        if table is None or not np.isfinite([table.lower[index], table.upper[index]]).any():
            return fit_free(self.loss, design, base, self.y, self.weight, start, iterations)
        lead = np.full(int(self.fit_intercept), np.inf)
        bounds = np.concatenate([-lead, table.lower[index]]), np.concatenate([lead, table.upper[index]])
        return fit_bounded(self.loss, design, base, self.y, self.weight, bounds, start, iterations)

    def free_design(self, index: Index) -> Float:
        """Intercept (where fitted) and the standardised columns ``index``: the design of an unpenalised fit."""
        lead = np.ones((self.matrix.shape[0], int(self.fit_intercept)))
        return np.asfortranarray(np.concatenate([lead, self.columns(index)], axis=1))

    def with_free(self, rest: Float, index: Index, fit: FreeFit) -> State:
        """``rest`` with the coefficients of an unpenalised fit of the intercept and the columns ``index`` filled in."""
        lead = int(self.fit_intercept)
        coef = rest.copy()
        coef[index] = fit.coef[lead:]
        return self.state(coef, fit.coef[0] if lead else np.zeros(self.outputs))

    def solution(
        self, lam: float, state: State, certificate: Certificate, iterations: int,
        terms: tuple[float, float] | None = None,
    ) -> Solution:  # fmt: skip
        """A state at strength ``lam`` back in the units of the data; ``terms`` are L and Ω there, where they are known."""
        y_scale, units = self.units.y_scale, self.units
        coef = state.coef / along(units.scale, state.coef) * y_scale
        intercept = np.asarray(units.y_center + state.intercept * y_scale - units.center @ coef)
        if isinstance(self.loss, Multinomial) and self.fit_intercept:
            # A constant added to every class changes no probability: intercepts are told with mean zero.
            intercept = intercept - intercept.mean()
        standardized = state.coef
        if self.bias_column:
            intercept, coef, standardized = np.asarray(intercept + coef[-1]), coef[:-1], standardized[:-1]
        if terms is None:
            value = float((lam * self.penalty).value(state.coef)) if lam > 0 else 0.0
            terms = self.data_loss(state.eta), value
        return Solution(lam, coef, intercept, standardized, *terms, certificate, iterations)


def along(vector: NDArray[Any], like: Float) -> NDArray[Any]:
    """``vector`` shaped to broadcast over the outputs of ``like``, both along the first axis."""
    return vector[:, None] if vector.ndim < like.ndim else vector


def scale_problem(problem: LinearProblem, weight: Float) -> ScaledProblem:
    """Standardise by ``weight``'s own moments and fit the null model."""
    weight = weight / weight.sum()
    matrix = (
        problem.matrix.with_ones() if problem.penalize_intercept and problem.fit_intercept else problem.matrix
    )
    bias_column = matrix is not problem.matrix
    units, constant = _units(problem, matrix, weight, bias_column)
    offset = (
        None if problem.offset is None else np.multiply.outer(problem.offset, 1.0 / np.asarray(units.y_scale))
    )
    y = _scaled_response(problem, units, offset, weight > 0) if scales_y(problem.loss) else problem.y
    penalty = penalty_in_scaled_units(problem.penalty, units.scale, units.y_scale, bias_column)
    bare = ScaledProblem(
        matrix, units, constant, weight, y, offset, problem.loss, penalty, problem.fit_intercept and not bias_column,
        bias_column, unpenalised(penalty, matrix.shape[1]), _blank_state(problem, matrix, y), 0.0, 0.0, "",
        problem.max_iter, problem.start,
    )  # fmt: skip
    return _with_null(bare)


def _with_null(bare: ScaledProblem) -> ScaledProblem:
    zero = bare.null
    index = np.flatnonzero(bare.unpenalised)
    start = np.zeros((int(bare.fit_intercept) + index.size, *bare.outputs))
    base = (
        np.zeros_like(zero.eta)
        if bare.offset is None
        else np.zeros_like(zero.eta) + along(bare.offset, zero.eta)
    )
    if bare.fit_intercept and not bare.squared:
        shift = 0.0 if bare.offset is None else bare.weight @ bare.offset
        start[0] = np.asarray(bare.loss.null(bare.y, bare.weight)) - shift
    fit = bare.fit(index, base, start)
    null = bare.with_free(zero.coef, index, fit)
    saturated = float(bare.weight @ np.asarray(bare.loss.saturated(bare.y)))
    return replace(
        bare,
        null=null,
        null_loss=bare.data_loss(null.eta),
        saturated_loss=saturated,
        null_note=_null_words(bare) if fit.note == NOT_EXIST else fit.note,
    )


def _null_words(bare: ScaledProblem) -> str:
    """Why a null model does not exist: a larger λ changes nothing about it."""
    if isinstance(bare.loss, Multinomial):
        coded = bare.y.ndim == 1
        gone = [
            j
            for j in range(*bare.outputs)
            if not bare.weight[(bare.y == j) if coded else bare.y[:, j] > 0].any()
        ]
        if gone:
            return f"does not exist: class {gone[0]} has no row of positive weight; leave its rows out"
    elif not np.ptp(bare.y[bare.weight > 0]):
        return "does not exist: y is the same in every row that counts, and its intercept grows without bound"
    return "does not exist: the columns without a penalty separate the data; give them a penalty"


def _blank_state(problem: LinearProblem, matrix: Matrix, y: Float) -> State:
    k = problem.loss.outputs(y)
    outputs = (k,) if k > 1 or y.ndim == 2 else ()
    return State(
        np.zeros((matrix.shape[1], *outputs)), np.zeros(outputs), np.zeros((matrix.shape[0], *outputs))
    )


def scales_y(loss: Loss) -> bool:
    """Whether the response is standardised with the columns: where the loss is in its units."""
    return isinstance(loss, SquaredError | Huber)


def _scaled_response(
    problem: LinearProblem, units: Units, offset: Float | None, rows: NDArray[np.bool_]
) -> Float:
    """ỹ; a response that is constant up to rounding, beside its offset, becomes exactly so."""
    y = (problem.y - units.y_center) / units.y_scale
    shift = np.zeros_like(y) if offset is None else along(offset, y)
    largest = np.abs((y - shift)[rows]).max(axis=0)
    flat = largest <= _CONSTANT * np.abs(np.asarray(units.y_center) / units.y_scale)
    return np.where(flat, shift, y)


def _units(
    problem: LinearProblem, matrix: Matrix, weight: Float, bias_column: bool
) -> tuple[Units, NDArray[np.bool_]]:
    """Centres and scales, and which columns are constant."""
    p = matrix.shape[1]
    # A penalised intercept on data taken as given: centring would move what the penalty acts on.
    centred = problem.fit_intercept and (problem.standardize or not bias_column)
    center = matrix.center(weight) if centred else np.zeros(p)
    deviation = matrix.scale(weight, center)
    constant = ~(deviation > _CONSTANT * np.maximum(np.abs(center), deviation))
    scale = np.where(constant, 1.0, deviation) if problem.standardize else np.ones(p)
    if bias_column:
        center[-1], scale[-1], constant[-1] = 0.0, 1.0, False
    if not scales_y(problem.loss):
        return Units(center, scale, 0.0, 1.0), constant
    y_center, y_scale = _response_units(problem, weight, centred)
    return Units(center, scale, y_center, y_scale if problem.standardize else 1.0), constant


def _response_units(
    problem: LinearProblem, weight: Float, centred: bool
) -> tuple[Float | float, Float | float]:
    y = problem.y if problem.offset is None else problem.y - along(problem.offset, problem.y)
    mean = weight @ y if centred else np.zeros(y.shape[1:])
    deviation = np.sqrt(weight @ (y - mean) ** 2)
    scale = np.where(deviation > _CONSTANT * np.maximum(np.abs(mean), deviation), deviation, 1.0)
    return (float(mean), float(scale)) if y.ndim == 1 else (mean, scale)
