"""The problem on the scale where F, λ and tol live: standardised columns, scaled response, null model, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import BoundLoss, Loss
from taut.penalties import Penalty
from taut.solvers.base import Certificate, Solution
from taut.solvers.matrix import Matrix
from taut.solvers.problem.rows import compiled, level_of
from taut.solvers.problem.scaled_penalty import excluded
from taut.solvers.problem.tolerances import EPS, gap_unit, gradient_unit
from taut.solvers.problem.units import Units, along, scales_y
from taut.solvers.problem.unpenalized import FreeFit, fit_free
from taut.solvers.problem.unpenalized_basis import FreeBasis
from taut.solvers.problem.unpenalized_in_box import fit_bounded
from taut.types import Float, Index

_STATIONARY = 1e-13
"""What a refit may leave to gain, of what a gap is relative to, before it is made again."""


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
    box: tuple[Float, Float] | None = None
    power: Float | float = 1.0

    def most(self, usual: int) -> int:
        """Iterations at one λ, at most."""
        return usual if self.max_iter is None else self.max_iter

    @cached_property
    def bound(self) -> BoundLoss:
        """The loss of these rows, which says all that is asked of it."""
        return compiled(self.loss.bind(self.y, self.weight, self.offset))

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
        """What a gap is relative to: ``reference``, or where the null model is exact the loss's own size.

        Of offsets in y's units the rounding is left; those of a log link may expect counts that no fit ever meets again.
        """
        start = abs(self.data_loss(self.base)) if scales_y(self.loss) else 0.0
        return gap_unit(self.reference, abs(self.null_loss) + abs(self.saturated_loss), start)

    @cached_property
    def level(self) -> float:
        """What rounding may leave of a gap, however small it is told: that of the loss, and that of the centres of columns.

        Where a penalised intercept is beside centred columns, a centre's last digit, in units of the column's deviation, is in
        each gradient, and a coefficient may have to go as far as ``eta_unit`` for it.
        """
        own = level_of(self.loss)
        if not self.bias_column:
            return own
        far = float(np.max(np.abs(self.units.center) / self.units.scale, initial=0.0))
        return own + EPS * far * float(np.abs(self.slopes(self.null)[0]).sum()) * self.eta_unit

    @cached_property
    def first(self) -> State:
        """Where a walk begins: the null model, or ``start`` with the intercept and the unpenalised columns refitted."""
        if self.start is None:
            return self.null
        coef = np.asarray(self.start * along(self.units.scale, self.start) / self.units.y_scale)
        coef[self.constant] = 0.0
        return self.polish(self.state(coef, self.null.intercept))

    @cached_property
    def unpenalized(self) -> NDArray[np.bool_]:
        """Columns with no penalty, whether ``free`` or held by bounds."""
        return self.penalty.free(self.matrix.shape[1])

    @property
    def splits(self) -> bool:
        """Whether every output is a problem of its own: a mean over outputs, and a penalty that is a sum over coefficients."""
        return bool(self.outputs) and scales_y(self.loss) and self.penalty.traits.separable

    @cached_property
    def parts(self) -> tuple[ScaledProblem, ...]:
        """The problem of each output where it ``splits``: its own loss, and for every λ the strength λ times their number."""
        return tuple(self._part(output) for output in range(self.outputs[0]))

    @property
    def output_units(self) -> Float:
        """What the gap of each output's share of F is relative to: (k,); that of F itself where they do not split."""
        if not self.splits:
            return np.full(max((1, *self.outputs)), self.unit)
        return np.array([part.unit for part in self.parts]) / self.outputs[0]

    def _part(self, output: int) -> ScaledProblem:
        null = State(self.null.coef[:, output], self.null.intercept[output], self.null.eta[:, output])
        offset = self.offset if self.offset is None or self.offset.ndim == 1 else self.offset[:, output]
        y_center, y_scale = (
            np.broadcast_to(unit, self.outputs)[output] for unit in (self.units.y_center, self.units.y_scale)
        )
        units = replace(self.units, y_center=y_center, y_scale=y_scale)
        part = replace(self, units=units, y=self.y[:, output], offset=offset, null=null, start=None)
        part = replace(part, null_loss=part.data_loss(null.eta), saturated_loss=0.0)
        part.__dict__["free_basis"] = self.free_basis
        return part

    def part_state(self, state: State, output: int) -> State:
        """One output of a point, as ``parts`` see it."""
        residual, gradient = (self.outputs[0] * values[:, output] for values in self.slopes(state))
        known = {"residual": residual, "gradient": gradient}
        return State(state.coef[:, output], state.intercept[output], state.eta[:, output], known)

    @property
    def squared(self) -> bool:
        """Whether the loss is the squared one."""
        return self.loss.traits.constant_curvature

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows that count, and columns."""
        return int(np.count_nonzero(self.weight)), self.matrix.shape[1]

    @cached_property
    def null_gradient(self) -> Float:
        """∇L at the null model over the columns that a penalty charges for, 0 on those without one and on excluded ones."""
        gradient = self.slopes(self.null)[1]
        left_out = self.unpenalized | excluded(self.penalty, self.matrix.shape[1])
        return np.where(along(left_out, gradient), 0.0, gradient)

    @property
    def gradient_unit(self) -> float:
        """max|∇L| at the null model: what a distance to the subdifferential is relative to."""
        return gradient_unit(self.null_gradient)

    @property
    def base(self) -> Float:
        """η of no coefficient and no intercept: the offset, shaped as η."""
        blank = np.zeros_like(self.null.eta)
        return blank if self.offset is None else blank + along(self.offset, blank)

    def eta(self, coef: Float, intercept: Float) -> Float:
        """offset + X̃ coef + intercept."""
        weights = coef / along(self.units.scale, coef)
        eta = self.matrix.dot(weights) + (intercept - self.units.center @ weights)
        return np.asarray(eta if self.offset is None else eta + along(self.offset, eta))

    def state(self, coef: Float, intercept: Float) -> State:
        """The point of these coefficients and this intercept, with its η."""
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
        """The data loss L at η, on F's scale."""
        return self.bound.value(eta)

    def residual(self, eta: Float) -> Float:
        """Row gradients s ∘ ℓ'(η): their correlation with X̃ is ∇L."""
        return self.bound.gradient(eta)

    def slopes(self, state: State) -> tuple[Float, Float]:
        """Row gradients (``residual``) and ∇L at ``state``: one pass over X, however often they are asked for."""
        if not state.known:
            residual = self.residual(state.eta)
            state.known.update(residual=residual, gradient=self.correlate(residual))
        return state.known["residual"], state.known["gradient"]

    @cached_property
    def eta_unit(self) -> float:
        """How far a coefficient may at least have to go: the size of y where η is in its units, one where η is a logarithm."""
        if not scales_y(self.loss):
            return 1.0
        y = self.y if self.offset is None else self.y - along(self.offset, self.y)
        return float(np.abs(y[self.weight > 0.0]).max(initial=0.0)) or 1.0

    def refit(self, state: State) -> State:
        """All columns without penalty, those with bounds too, fitted again with everything else held."""
        index, start = np.flatnonzero(self.unpenalized), self.unpenalized_coef(state, self.unpenalized)
        rest, base = self._without(state, index)
        return self.with_free(rest, index, self.fit(index, base, start), base)

    def unpenalized_coef(self, state: State, columns: NDArray[Any]) -> Float:
        """The intercept (where fitted) and the coefficients of ``columns``: (m[, k])."""
        lead = [state.intercept[None]] if self.fit_intercept else []
        return np.concatenate([*lead, state.coef[columns]])

    def _without(self, state: State, index: Index) -> tuple[Float, Float]:
        """The coefficients with zeros at ``index``, and the η that they give without an intercept."""
        rest = state.coef.copy()
        rest[index] = 0.0
        return rest, self.eta(rest, np.zeros_like(state.intercept))

    @cached_property
    def free_columns(self) -> Index:
        """The columns that are fitted without penalty and without bounds."""
        return np.flatnonzero(self.free)

    @cached_property
    def free_basis(self) -> FreeBasis:
        """An orthonormal basis of the intercept and the free columns."""
        return FreeBasis.of(self.free_design(self.free_columns), self.weight)

    def free_coef(self, state: State) -> Float:
        """The intercept (where fitted) and the free columns' coefficients: (m[, k])."""
        return self.unpenalized_coef(state, self.free_columns)

    def free_excess(self, state: State) -> float:
        """What is left to gain by a refit of the free part, to first order: Σ|QᵀS∇ℓ|(u + |γ|) in its basis, u of ``eta_unit``.

        It is rounding after a refit; where a refit has failed, it says so.
        """
        if not self.fit_intercept and not self.free.any():
            return 0.0
        basis = self.free_basis
        gradient = basis.rows.T @ self.slopes(state)[0]
        reach = self.eta_unit + np.abs(basis.forward @ self.free_coef(state))
        return float(np.sum(np.abs(gradient) * reach))

    def polish(self, state: State, iterations: int = 500) -> State:
        """Refit the intercept and the free columns exactly, everything else held: what a dual point needs."""
        if not self.fit_intercept and not self.free.any():
            return state
        if self.free_excess(state) <= _STATIONARY * self.unit:
            return state
        index = self.free_columns
        rest, base = self._without(state, index)
        design, start = self.free_design(index), self.free_coef(state)
        fit = fit_free(self.bound, design, base, start, iterations, self.free_basis)
        return self.with_free(rest, index, fit, base)

    def fit(self, index: Index, base: Float, start: Float, iterations: int = 500) -> FreeFit:
        """The best coefficients of the intercept and the columns ``index``, within their bounds, without any penalty."""
        design = self.free_design(index)
        lower, upper = (bound[index] for bound in self.penalty.bounds(self.matrix.shape[1]))
        if not np.isfinite([lower, upper]).any():
            return fit_free(self.bound, design, base, start, iterations)
        lead = np.full(int(self.fit_intercept), np.inf)
        bounds = np.concatenate([-lead, lower]), np.concatenate([lead, upper])
        return fit_bounded(self.bound, design, base, bounds, start, iterations)

    def free_design(self, index: Index) -> Float:
        """Intercept (where fitted) and the standardised columns ``index``: the design of an unpenalised fit.

        Their means are zero to the last digit: what a centre lacks of them would count as a part of an intercept.
        """
        lead = np.ones((self.matrix.shape[0], int(self.fit_intercept)))
        values = self.columns(index)
        centred = np.flatnonzero(self.units.center[index])
        values[:, centred] -= self.weight @ values[:, centred]
        return np.asfortranarray(np.concatenate([lead, values], axis=1))

    def with_free(self, rest: Float, index: Index, fit: FreeFit, base: Float) -> State:
        """``rest`` with the coefficients of an unpenalised fit of the intercept and the columns ``index`` filled in.

        η comes from ``base``, that of ``rest``, and from centred columns: dependent ones have coefficients so large that
        their product with X as it is would be rounding.
        """
        lead = int(self.fit_intercept)
        coef = rest.copy()
        coef[index] = fit.coef[lead:]
        intercept = fit.coef[0] if lead else np.zeros(self.outputs)
        return State(coef, np.asarray(intercept), base + self.free_design(index) @ fit.coef)

    def solution(
        self, lam: float, state: State, certificate: Certificate, iterations: int,
        terms: tuple[float, float] | None = None,
    ) -> Solution:  # fmt: skip
        """A state at strength ``lam`` back in the units of the data; ``terms`` are L and Ω there, where they are known."""
        y_scale, units = self.units.y_scale, self.units
        coef = self._boxed(state.coef / along(units.scale, state.coef) * y_scale)
        intercept = np.asarray(units.y_center + state.intercept * y_scale - units.center @ coef)
        if self.loss.traits.couples_outputs and self.fit_intercept:
            # A constant added to every class changes no probability: intercepts are told with mean zero.
            intercept = intercept - intercept.mean()
        standardized = state.coef / along(np.asarray(self.power), state.coef)
        if self.bias_column:
            intercept, coef, standardized = np.asarray(intercept + coef[-1]), coef[:-1], standardized[:-1]
        if terms is None:
            value = float((lam * self.penalty).value(state.coef)) if lam > 0 else 0.0
            terms = self.data_loss(state.eta), value
        return Solution(lam, coef, intercept, standardized, *terms, certificate, iterations)

    def point(self, coef: Float, intercept: Float) -> State:
        """Coefficients and intercept in the units of the data on F's scale: what ``solution`` has made of a state.

        What lies next to a bound, or to 0 where the intercept is penalised, by no more than rounding lies on it.
        """
        units, features = self.units, slice(0, coef.shape[0])
        y_scale = np.asarray(units.y_scale)
        shift = (intercept - units.y_center + units.center[features] @ coef) / y_scale
        if self.bias_column:
            # A mean is rounded as what it is the mean of: a column's numbers may be far larger.
            mean = np.where(units.center[features] != 0.0, np.hypot(units.center, units.scale)[features], 0.0)
            size = (np.abs(intercept) + np.abs(units.y_center) + mean @ np.abs(coef)) / y_scale
            shift = np.where(np.abs(shift) <= 1e-13 * size, 0.0, shift)
            coef, shift = np.concatenate([coef, shift[None] * y_scale]), np.zeros_like(shift)
        scaled = coef * along(units.scale, coef) / y_scale
        for bound in self.penalty.bounds(self.matrix.shape[1]):
            end = np.broadcast_to(along(bound, scaled), scaled.shape)
            scaled = np.where(np.isclose(scaled, end, rtol=1e-12, atol=0.0), end, scaled)
        return self.state(scaled, shift)

    def _boxed(self, coef: Float) -> Float:
        """Coefficients in the units of the data within the bounds as they were given, to the last digit."""
        return coef if self.box is None else np.clip(coef, *(along(bound, coef) for bound in self.box))
