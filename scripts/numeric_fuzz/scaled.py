"""F by its definition on the scale where λ lives, in extended precision: standardised columns, penalties with their boxes.

The conventions are those of ``docs/mathematics.md``: a weighted mean of losses, columns centred (where an unpenalised
intercept, or standardisation, makes room for that) and divided by their deviations, y likewise for squared and Huber losses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.numeric_fuzz.extended import Double, Long, RowLoss, long, row_loss
from scripts.numeric_fuzz.problems import Problem

CONSTANT = 4.0 * float(np.finfo(np.float64).eps)
"""A deviation below this part of a column's size is rounding: the column is constant."""
EPS = float(np.finfo(np.float64).eps)

Groups = tuple[tuple[NDArray[np.intp], np.longdouble], ...]


class Concave(NamedTuple):
    """MCP or SCAD: its γ, and the curvature c of the loss that its knots are measured in."""

    kind: str
    gamma: float
    c: float


@dataclass(frozen=True, eq=False)
class Task:
    """minimise Σ_i s_i ℓ(base_i + a_iᵀθ, y_i) + Σ_j (first_j |θ_j| + second_j θ_j²) + Σ_g c_g ‖θ_g‖ on a box, θ (m, k)."""

    A: Long
    base: Long
    y: Long
    s: Long
    loss: RowLoss
    first: Long
    second: Long
    lower: Long
    upper: Long
    groups: Groups = ()
    concave: Concave | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(m, k)."""
        return self.A.shape[1], self.y.shape[1]

    def eta(self, theta: Long) -> Long:
        """base + Aθ."""
        return self.base + self.A @ theta

    def data_loss(self, theta: Long) -> np.longdouble:
        """Σ s ℓ."""
        return np.longdouble(self.s @ self.loss.value(self.eta(theta), self.y))

    def penalty(self, theta: Long) -> np.longdouble:
        """Ω."""
        size = np.abs(theta)
        if self.concave is not None:
            return np.longdouble(concave_value(self.concave, size, self.first[:, None]).sum())
        total = np.sum(self.first[:, None] * size) + np.sum(self.second[:, None] * theta**2)
        for index, c in self.groups:
            total = total + c * np.sqrt(np.sum(theta[index] ** 2))
        return np.longdouble(total)

    def objective(self, theta: Long) -> np.longdouble:
        """F."""
        return self.data_loss(theta) + self.penalty(theta)

    def slope(self, theta: Long) -> Long:
        """s ∘ ∂ℓ/∂η: (n, k)."""
        return self.s[:, None] * self.loss.slope(self.eta(theta), self.y)

    def gradient(self, theta: Long) -> Long:
        """∇L: (m, k)."""
        return self.A.T @ self.slope(theta)

    @cached_property
    def fixed(self) -> NDArray[np.bool_]:
        """Coordinates that the box holds at 0: (m,)."""
        return (self.lower == 0) & (self.upper == 0)

    @cached_property
    def unpenalized(self) -> NDArray[np.bool_]:
        """Coordinates that nothing charges for and that may move: (m,)."""
        free = (self.first == 0) & (self.second == 0) & ~self.fixed
        for index, _ in self.groups:
            free[index] = False
        return free

    def clipped(self, theta: Long) -> Long:
        """θ held to the box."""
        return np.clip(theta, self.lower[:, None], self.upper[:, None])


def concave_value(concave: Concave, size: Long, lam: Long) -> Long:
    """c·p(|w|; λ/c, γ) of MCP (Zhang 2010) and SCAD (Fan and Li 2001)."""
    kind, gamma, c = concave
    knot = lam / c
    if kind == "mcp":
        m = np.minimum(size, gamma * knot)
        return c * (knot * m - m**2 / (2 * gamma))
    m = np.clip(size, knot, gamma * knot)
    return c * (knot * np.minimum(size, knot) + (m - knot) * (gamma * knot - (m + knot) / 2) / (gamma - 1))


def concave_slope(concave: Concave, size: Long, lam: Long) -> Long:
    """Its derivative."""
    kind, gamma, c = concave
    if kind == "mcp":
        return np.maximum(lam - c * size / gamma, 0)
    return np.clip(c * (gamma * lam / c - size) / (gamma - 1), 0, lam)


class Scaled:
    """The problem of one vector of row weights on F's scale: units, and the ``Task`` of every strength."""

    def __init__(self, problem: Problem, curvature: float, weight: Double | None = None) -> None:
        self.problem, self.curvature = problem, curvature
        given = long(problem.rows_weight if weight is None else weight)
        self.rows = given > 0
        self.s = given[self.rows] / given[self.rows].sum()
        self.X = long(problem.X)[self.rows]
        self.loss = row_loss(problem.loss, problem.delta)
        self.scales_y = problem.loss in ("squared", "huber")
        self.centred = problem.fit_intercept and (problem.standardize or not problem.penalize_intercept)
        self.center, deviation = self._moments(self.X)
        self.constant = ~(deviation > CONSTANT * np.maximum(np.abs(self.center), deviation))
        moving = problem.standardize & ~self.constant
        self.scale = np.where(moving, deviation, np.longdouble(1))
        self._set_response()
        self.base = np.broadcast_to(self.offset[:, None] / self.y_scale, self.y.shape)
        tilde = np.where(self.constant, 0, (self.X - self.center) / self.scale)
        ones = np.ones((len(tilde), int(problem.fit_intercept)), dtype=np.longdouble)
        self.A = np.concatenate([tilde, ones], axis=1)

    def _moments(self, values: Long) -> tuple[Long, Long]:
        """Weighted means (0 where nothing is centred) and deviations from them."""
        center = self.s @ values if self.centred else np.zeros(values.shape[1:], dtype=np.longdouble)
        return center, np.sqrt(self.s @ (values - center) ** 2)

    def _set_response(self) -> None:
        problem = self.problem
        y = long(problem.y)[self.rows]
        rows = y.shape[0]
        self.offset = np.zeros(rows, dtype=np.longdouble)
        if problem.offset is not None:
            self.offset = long(problem.offset)[self.rows]
        if problem.loss == "multinomial" and y.ndim == 1:
            y = long(y[:, None] == np.arange(problem.outputs))
        elif problem.loss == "multinomial":
            y = y / y.sum(axis=1, keepdims=True)
        self.matrix_y = y[:, None] if y.ndim == 1 else y
        self.y_center = np.zeros(self.matrix_y.shape[1], dtype=np.longdouble)
        self.y_scale = np.ones(self.matrix_y.shape[1], dtype=np.longdouble)
        if self.scales_y:
            center, deviation = self._moments(self.matrix_y - self.offset[:, None])
            self.y_center = center
            moving = deviation > CONSTANT * np.maximum(np.abs(center), deviation)
            if problem.standardize:
                self.y_scale = np.where(moving, deviation, np.longdouble(1))
            shift = self.offset[:, None]
            flat = np.where(moving, self.matrix_y, self.y_center + shift)
            self.y = (flat - self.y_center) / self.y_scale
            if self.centred:
                # Where one row has nearly all the weight, its distance from the mean is in the digits that the mean lacks.
                self.y = self.y - self.s @ (self.y - shift / self.y_scale)
        else:
            self.y = self.matrix_y

    @cached_property
    def _shape(self) -> tuple[Long, Long, Long, Long, Groups]:
        """Strengths at λ = 1, box and groups on F's scale, the intercept's last where there is one."""
        shape, p = self.problem.shape, self.problem.X.shape[1]
        factors = long(np.ones(p) if shape.factors is None else shape.factors)
        out = np.isinf(factors)
        factors = np.where(out, 0, factors)
        lower = long(np.full(p, -np.inf) if shape.lower is None else shape.lower)
        upper = long(np.full(p, np.inf) if shape.upper is None else shape.upper)
        unit = self.scale / self.y_scale.max()
        lower, upper = (np.where(out, 0, edge * unit) for edge in (lower, upper))
        own = np.longdouble(self.problem.penalize_intercept)
        if self.problem.fit_intercept:
            factors = np.append(factors, own)
            lower, upper = np.append(lower, -np.inf), np.append(upper, np.inf)
        groups: Groups = ()
        if shape.grouped:
            labels = np.arange(p) if shape.labels is None else shape.labels
            if self.problem.fit_intercept:
                labels = np.append(labels, labels.max() + 1 if own else -1)
            found = [np.flatnonzero(labels == label) for label in np.unique(labels[labels >= 0])]
            k = self.problem.outputs
            groups = tuple((index, np.sqrt(np.longdouble(len(index) * k))) for index in found)
            factors = np.zeros_like(factors)
        return factors, long(lower), long(upper), long(factors > 0), groups

    def task(self, lam: float) -> Task:
        """F at the strength ``lam``."""
        shape, strength = self.problem.shape, np.longdouble(lam)
        factors, lower, upper, _, groups = self._shape
        concave = None
        if not shape.convex and lam > 0:
            concave = Concave(shape.kind, shape.gamma, self.curvature)
        groups = tuple((index, strength * shape.first * c) for index, c in groups) if lam > 0 else ()
        first, second = (strength * np.longdouble(part) * factors for part in (shape.first, shape.second))
        return Task(
            self.A, self.base, self.y, self.s, self.loss, first, second, lower, upper, groups, concave
        )

    @cached_property
    def charged(self) -> NDArray[np.bool_]:
        """Coordinates that the penalty charges for or holds at 0, at any λ > 0."""
        return ~self.task(1.0).unpenalized

    @cached_property
    def excluded(self) -> NDArray[np.bool_]:
        """Coordinates of factor ∞."""
        factors = self.problem.shape.factors
        out = np.zeros(self.problem.X.shape[1], dtype=bool) if factors is None else np.isinf(factors)
        return np.append(out, False) if self.problem.fit_intercept else out

    @cached_property
    def null_task(self) -> Task:
        """The same without the coordinates that are charged for."""
        bare = self.task(0.0)
        lower, upper = (np.where(self.charged, 0, edge) for edge in (bare.lower, bare.upper))
        return replace(bare, lower=lower, upper=upper)

    @property
    def y_size(self) -> float:
        """How large the numbers are whose mean y's centre is: an offset may be far larger than what it leaves."""
        offset = 0.0 if self.problem.offset is None else float(np.abs(self.problem.offset).max())
        return float(np.abs(self.problem.y).max()) + offset

    def point(self, coef: Double, intercept: Double) -> Long:
        """Coefficients and intercept in the units of the data as θ, put on a bound that they miss by rounding."""
        w, b = long(coef).reshape(self.problem.X.shape[1], -1), long(intercept).reshape(-1)
        theta = (w * self.scale[:, None]) / self.y_scale
        if self.problem.fit_intercept:
            terms = np.stack([b, -self.y_center, self.center @ w])
            shift = terms.sum(axis=0)
            if self.problem.penalize_intercept:
                size = np.abs(b) + np.abs(self.y_center) + self.mean_size @ np.abs(w) + self.y_size
                shift = np.where(np.abs(shift) <= 8 * EPS * size, 0, shift)
            theta = np.concatenate([theta, (shift / self.y_scale)[None]])
        return theta

    @cached_property
    def mean_size(self) -> Long:
        """Σ s|x| where columns are centred: what the rounding of their means, which double precision told, is relative to."""
        return self.s @ np.abs(self.X) if self.centred else np.zeros_like(self.center)

    def snapped(self, task: Task, theta: Long) -> Long:
        """θ on the bounds of the box that it misses by a few last digits; beyond them it stays."""
        for edge in (task.lower, task.upper):
            near = (
                np.abs(theta - np.where(np.isfinite(edge), edge, 0)[:, None])
                <= 8 * EPS * np.abs(edge)[:, None]
            )
            theta = np.where(np.isfinite(edge)[:, None] & near, edge[:, None], theta)
        return theta

    def eta(self, coef: Double, intercept: Double) -> Long:
        """η on F's scale, from what was returned and nothing else: the constant columns count."""
        w, b = long(coef).reshape(self.problem.X.shape[1], -1), long(intercept).reshape(-1)
        return self.base + (self.X @ w + b - self.y_center) / self.y_scale

    def eta_rounding(self, coef: Double, intercept: Double) -> Long:
        """How far η may be off because coefficients are told in double precision: (n, k)."""
        w, b = np.abs(long(coef).reshape(self.problem.X.shape[1], -1)), np.abs(long(intercept).reshape(-1))
        size = np.abs(self.X) @ w + np.abs(self.center) @ w + b + np.abs(self.y_center)
        return 4 * EPS * (size / self.y_scale + np.abs(self.base))
