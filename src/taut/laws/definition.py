"""A linear problem in plain arrays, and F by its definition: what the answers of a solver are judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from taut.losses import Huber, Loss, SquaredError
from taut.penalties import Penalty, Separable
from taut.solvers import LinearProblem, as_matrix
from taut.types import Float

INF = float("inf")


class LinearPoint(NamedTuple):
    """Coefficients (p,) or (p, k) and intercept () or (k,)."""

    coef: Float
    intercept: Float


@dataclass(frozen=True, eq=False)
class Linear:
    """The fields of a ``LinearProblem`` with X (n, p) as a dense array."""

    X: Float
    y: Float
    weight: Float
    loss: Loss
    penalty: Penalty
    offset: Float | None = None
    fit_intercept: bool = True
    standardize: bool = True
    penalize_intercept: bool = False

    def problem(self, tol: float, X: object = None) -> LinearProblem:
        """What a solver gets; ``X`` may be the same numbers in another storage."""
        return LinearProblem(
            as_matrix(self.X if X is None else X), self.y, self.weight, self.loss, self.penalty, self.offset,
            self.fit_intercept, self.standardize, self.penalize_intercept, tol,
        )  # fmt: skip

    def sparse(self) -> sp.csc_array:
        """X as a sparse matrix."""
        return sp.csc_array(self.X)

    def rows(self, index: NDArray[np.intp], weight: Float) -> Linear:
        """The problem of the rows ``index`` (repeats allowed) with other weights."""
        offset = None if self.offset is None else self.offset[index]
        return replace(self, X=self.X[index], y=self.y[index], weight=weight, offset=offset)

    def columns(self, index: NDArray[np.intp]) -> Linear:
        """The problem of the columns ``index``, each with its own factor and bounds."""
        return replace(self, X=self.X[:, index], penalty=reordered(self.penalty, index))

    def columns_times(self, factor: Float) -> Linear:
        """Column j multiplied by ``factor[j]`` > 0, its bounds divided by it: the same problem in other units."""
        return replace(self, X=self.X * factor, penalty=bounds_times(self.penalty, 1.0 / factor))


def with_ones(data: Linear) -> Linear:
    """The problem with a column of ones, factor 1 and no bounds, in place of its intercept."""
    p, penalty = data.X.shape[1], data.penalty
    if isinstance(penalty, Separable):
        added = {"factors": 1.0, "lower": -INF, "upper": INF}
        given = {name: getattr(penalty, name) for name in added if getattr(penalty, name) is not None}
        longer = {name: np.append(np.broadcast_to(v, p), added[name]) for name, v in given.items()}
        penalty = replace(penalty, **longer)
    X = np.column_stack([data.X, np.ones(len(data.y))])
    return replace(data, X=X, penalty=penalty, fit_intercept=False, penalize_intercept=False)


def reordered(penalty: Penalty, index: NDArray[np.intp]) -> Penalty:
    """The penalty on coordinates taken in another order."""
    names = ("factors", "lower", "upper") if isinstance(penalty, Separable) else ("groups",)
    arrays = {name: getattr(penalty, name) for name in names}
    return replace(penalty, **{name: v[index] for name, v in arrays.items() if isinstance(v, np.ndarray)})


def bounds_times(penalty: Penalty, factor: Float | float) -> Penalty:
    """The penalty with every bound multiplied by ``factor``."""
    if not isinstance(penalty, Separable):
        return penalty
    bounds = {name: getattr(penalty, name) for name in ("lower", "upper")}
    moved = {name: np.asarray(bound * factor) for name, bound in bounds.items() if bound is not None}
    return replace(penalty, **moved)


class Definition:
    """F = L + c·Ω_{λ/c} as ``docs/mathematics.md`` §1 and §2 define it, written down: dense, centred in place, no short cuts.

    Ω_λ is λΩ but where Ω bends: c is 2/q for squares of q outputs without a ½, and 1 for likelihoods.
    """

    def __init__(self, data: Linear) -> None:
        self.data, self.s = data, data.weight / data.weight.sum()
        self.centred = data.fit_intercept and (data.standardize or not data.penalize_intercept)
        self.center, self.scale = self._units(data.X, data.standardize)
        y = data.y if data.offset is None else (data.y.T - data.offset).T
        scaled = data.standardize and isinstance(data.loss, SquaredError | Huber)
        units = self._units(y, True) if scaled else (np.zeros(()), np.ones(()))
        self.y_center, self.y_scale = units
        self.X = (data.X - self.center) / self.scale
        self.y = (data.y - self.y_center) / self.y_scale if scaled else data.y
        k = data.loss.outputs(data.y)
        self.outputs = (k,) if data.loss.multi_output(data.y) else ()
        shift = np.zeros(len(data.y)) if data.offset is None else data.offset
        self.offset = np.multiply.outer(shift, np.ones(self.outputs)) / self.y_scale
        self.c = 2.0 / k if isinstance(data.loss, SquaredError | Huber) else 1.0
        self.penalty = bounds_times(data.penalty, self.scale / np.max(self.y_scale))

    def _units(self, values: Float, scaled: bool) -> tuple[Float, Float]:
        center = self.s @ values if self.centred else np.zeros(values.shape[1:])
        spread = np.sqrt(self.s @ (values - center) ** 2)
        moving = spread > 1e-13 * np.maximum(np.abs(center), spread)
        return np.asarray(center), np.where(moving, spread, 1.0) if scaled else np.ones(values.shape[1:])

    def point(self, coef: Float, intercept: Float) -> LinearPoint:
        """Coefficients in the units of the data, brought to the scale of F."""
        shift = (intercept - self.y_center + self.center @ coef) / self.y_scale
        # An intercept that is 0 on this scale comes back with rounding, and a penalty has a kink at 0.
        shift = np.where(np.abs(shift) < 1e-12, 0.0, shift)
        return LinearPoint(self._snapped((coef.T * self.scale).T / self.y_scale), shift)

    def _snapped(self, coef: Float) -> Float:
        """Coefficients on a bound lie on it exactly, whatever the change of units did to the last digit."""
        if not isinstance(self.penalty, Separable):
            return coef
        for bound in (self.penalty.lower, self.penalty.upper):
            if bound is not None:
                edge = np.broadcast_to(np.asarray(bound), coef.shape[:1])
                edge = np.multiply.outer(edge, np.ones(coef.shape[1:]))
                coef = np.where(np.isclose(coef, edge, rtol=1e-12, atol=0.0), edge, coef)
        return coef

    def eta(self, at: LinearPoint) -> Float:
        """η on the scale of F."""
        return np.asarray(self.offset + self.X @ at.coef + at.intercept)

    def data_loss(self, at: LinearPoint) -> float:
        """L = Σ s_i ℓ(η_i, y_i)."""
        return float(self.s @ np.asarray(self.data.loss.pointwise(self.eta(at), self.y)))

    def penalty_value(self, lam: float, at: LinearPoint) -> float:
        """λΩ, and the intercept's share where it is penalised."""
        share = lam / self.c
        total = self.c * float((share * self.penalty).value(at.coef))
        own = (
            self.c * float((share * self.of_intercept).value(at.intercept[None]))
            if self.data.penalize_intercept
            else 0.0
        )
        return total + own

    def objective(self, lam: float, at: LinearPoint) -> float:
        """F."""
        return self.data_loss(at) + self.penalty_value(lam, at)

    @property
    def of_intercept(self) -> Penalty:
        """The penalty of one more coordinate with factor 1 and no bounds."""
        penalty = self.data.penalty
        free = (
            {"factors": None, "lower": None, "upper": None}
            if isinstance(penalty, Separable)
            else {"groups": None}
        )
        return replace(penalty, **free)

    def gradient(self, at: LinearPoint) -> LinearPoint:
        """∇L."""
        slope = (np.asarray(self.data.loss.derivative(self.eta(at), self.y)).T * self.s).T
        shift = slope.sum(axis=0) if self.data.fit_intercept else np.zeros(self.outputs)
        return LinearPoint(np.asarray(self.X.T @ slope), np.asarray(shift))

    def residual(self, lam: float, at: LinearPoint) -> float:
        """The largest distance of −∇L to ∂(λΩ), the unpenalised intercept's slope included."""
        gradient, share = LinearPoint(*(part / self.c for part in self.gradient(at))), lam / self.c
        distance = np.asarray((share * self.penalty).distance(at.coef, gradient.coef))
        own = np.abs(gradient.intercept)
        if self.data.penalize_intercept:
            own = np.asarray(
                (share * self.of_intercept).distance(at.intercept[None], gradient.intercept[None])
            )
        return self.c * float(max(distance.max(initial=0.0), own.max(initial=0.0)))

    def descended(self, lam: float, start: LinearPoint, steps: int = 200) -> LinearPoint:
        """Where accelerated proximal gradient steps lead from ``start``, never uphill in F.

        Beck and Teboulle 2009, SIAM J. Imaging Sciences 2, §4 (FISTA), from the best point again where it goes uphill.
        """
        old, point, t, step, stuck = start, start, 1.0, 1.0, 0
        lowest = self.objective(lam, start)
        for _ in range(steps):
            new, step = self._forward_backward(lam, point, step)
            value = self.objective(lam, new)
            if not value < lowest:
                # First without momentum, then with shorter steps, until rounding has the last word.
                step, point, t, stuck = (0.5 * step if point is old else step), old, 1.0, stuck + 1
                if stuck > 10:
                    break
                continue
            following = (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
            blend = (t - 1.0) / following
            point = LinearPoint(*(n + blend * (n - o) for n, o in zip(new, old, strict=True)))
            old, t, lowest, stuck = new, following, value, 0
        return old

    def _forward_backward(self, lam: float, at: LinearPoint, step: float) -> tuple[LinearPoint, float]:
        gradient, value = self.gradient(at), self.data_loss(at)
        weak = self.c * self.penalty.traits.weak_convexity
        step = min(1.5 * step, 0.9 / weak if weak else INF)
        for _ in range(60):
            new = self._backward(lam, at, gradient, step)
            moves = [n - o for n, o in zip(new, at, strict=True)]
            linear = sum(float(np.vdot(g, m)) for g, m in zip(gradient, moves, strict=True))
            square = sum(float(np.vdot(m, m)) for m in moves)
            if self.data_loss(new) <= value + linear + square / (2.0 * step):
                break
            step *= 0.5
        return new, step

    def _backward(self, lam: float, at: LinearPoint, gradient: LinearPoint, step: float) -> LinearPoint:
        share, longer = lam / self.c, self.c * step
        coef = np.asarray((share * self.penalty).prox(at.coef - step * gradient.coef, longer))
        intercept = at.intercept - step * gradient.intercept
        if self.data.penalize_intercept:
            intercept = np.asarray((share * self.of_intercept).prox(intercept[None], longer))[0]
        return LinearPoint(coef, intercept)
