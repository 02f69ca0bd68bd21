"""Ridge paths of classes whose Hessian is too large to form: Newton's steps by conjugate gradients.

A quadratic penalty leaves no zeros to look for, so every coordinate takes part in every step; the Hessian is never formed, and
a product with it is two passes over X, as cheap as X is sparse.
Nocedal and Wright, *Numerical Optimization* (2nd ed., 2006), §7.1 (inexact Newton and line-search Newton-CG); Komarek and
Moore, AISTATS 2005 (logistic regression by conjugate gradients).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, final

import numpy as np

from taut.solvers.base import LinearProblem, Solution
from taut.solvers.matrix import SparseMatrix
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.intercept import centre
from taut.solvers.problem.line_search import backtrack
from taut.solvers.problem.path_solver import PathEngine
from taut.solvers.problem.rows import LogisticRows, compiled
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaled_penalty import is_ridge, table_of
from taut.solvers.problem.tolerances import rounding
from taut.types import Float

_MANY = 2_500
"""Coordinates of a column and a class from which a Hessian on all of them costs more than products with X."""
_SEVERAL = 200
"""Columns from which it does for a single output, whose curvature is no matrix."""
_TREND = 0.9
"""How much of the last change a strength begins with once more."""
_FORCING = 0.1
"""Share of a gradient that conjugate gradients may leave far from the minimum."""
_REACHED = 0.2
"""Share of the tolerance, as a gap, that they leave near it."""
_CONJUGATE = 200
"""Steps of conjugate gradients, at most."""
_NEAR = 0.9
"""Share of the tolerance that is aimed at: a refit of the intercept may cost some of it."""
_FINE = 1e-15
"""Share of the rows' slopes that the best intercept may leave of their sum."""
_HALVINGS = 40
"""Halvings of a step, at most."""


def takes_ridge(problem: LinearProblem | ScaledProblem) -> bool:
    """Whether it is the cross-entropy of classes with L2 alone, on every column."""
    return problem.loss.traits.cross_entropy and is_ridge(problem.penalty, problem.matrix.shape[1])


def is_large(problem: LinearProblem | ScaledProblem) -> bool:
    """Whether products with X cost less than a Hessian on all coordinates: X is sparse, or these are many."""
    p, outputs = problem.matrix.shape[1], problem.loss.outputs(problem.y)
    return isinstance(problem.matrix, SparseMatrix) or p * outputs > (_MANY if outputs > 1 else _SEVERAL)


@dataclass(frozen=True)
class RidgeNewton(PathEngine):
    """Logistic and softmax losses with L2 alone on every column, and no bounds."""

    max_newton: int = 200

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Every strength from the last and its trend."""
        if not takes_ridge(problem):
            raise TypeError(
                "whole Newton steps are for logistic and softmax losses with L2 alone, without bounds"
            )
        fold = _RidgeFold(problem, problem.most(self.max_newton))
        for lam in lambdas:
            yield fold.solve(lam, tol)


class _Point(NamedTuple):
    """Coefficients (m, k), the intercept's first where there is one, with F, its gradient (m, k) and the state itself."""

    theta: Float
    total: float
    gradient: Float
    state: State


@final
class _RidgeFold:
    """One member on its path."""

    def __init__(self, problem: ScaledProblem, most: int) -> None:
        self._problem, self._most = problem, most
        p = problem.matrix.shape[1]
        self._lead = int(problem.fit_intercept)
        self._l2 = np.concatenate([np.zeros(self._lead), table_of(problem.penalty, p).l2])[:, None]
        self._rows = compiled(problem.bound)
        first = problem.first
        lead = [np.reshape(first.intercept, (1, -1))] if self._lead else []
        self._theta = np.concatenate([*lead, first.coef.reshape(p, -1)])
        self._before = self._theta

    def solve(self, lam: float, tol: float) -> Solution:
        """The next strength."""
        problem, start, steps, aim = self._problem, self._theta, 0, _NEAR * tol
        point = self._at(start, lam)
        if np.any(start != self._before):
            further = self._at(start + _TREND * (start - self._before), lam)
            point = further if further.total < point.total else point
        while True:
            point, used = self._minimised(point, lam, aim * problem.unit, self._most - steps)
            steps += used
            state = self._centred(point.state)
            certificate = certify(problem, lam, state, tol)
            if certificate.value <= tol or steps >= self._most or aim < 1e-6 * tol:
                break
            aim *= 0.01
        self._before, self._theta = start, point.theta
        return problem.solution(lam, state, certificate, steps)

    def _minimised(self, point: _Point, lam: float, goal: float, most: int) -> tuple[_Point, int]:
        """Newton steps until the gap is ``goal``, or F no longer falls."""
        ridge, left = 2.0 * lam * self._l2, self._gap(point.gradient, lam)
        for count in range(most):
            if left <= goal:
                return point, count
            enough = max(_REACHED * goal, _FORCING**2 * left)
            curvature = _Curvature(self._problem, self._lead, point.state)
            move = -curvature.solve(ridge, point.gradient, partial(self._gap, lam=lam), enough)
            found = self._search(point, move, lam)
            if found is None:
                return point, count + 1
            point, left = found, self._gap(found.gradient, lam)
        return point, most

    def _gap(self, gradient: Float, lam: float) -> float:
        """What is between F and its dual where ∇F is ``gradient``: Σ g²/4λ over what is penalised, and Σ|g| of intercepts.

        The former is Fenchel's gap of a quadratic penalty at the dual point of the rows' own slopes.
        """
        own = gradient[self._lead :]
        free = float(np.abs(gradient[: self._lead]).sum())
        return float(np.sum(own**2 / self._l2[self._lead :])) / (4.0 * lam) + free

    def _search(self, point: _Point, move: Float, lam: float) -> _Point | None:
        """Down along ``move``."""
        found = backtrack(
            lambda step: self._at(point.theta + step * move, lam), lambda there: there.total, point.total,
            float(np.vdot(point.gradient, move)), rounding(point.total, self._problem.unit), _HALVINGS,
        )  # fmt: skip
        return None if found is None else found.point

    def _at(self, theta: Float, lam: float) -> _Point:
        problem, outputs = self._problem, bool(self._problem.outputs)
        own = theta[self._lead :]
        intercept = theta[0] if self._lead else np.zeros(theta.shape[1])
        state = problem.state(own if outputs else own[:, 0], intercept if outputs else intercept[0])
        if isinstance(self._rows, LogisticRows):
            loss, pull = self._rows.at(state.eta)
            state.known.update(residual=-pull, gradient=problem.correlate(-pull))
        else:
            loss = problem.data_loss(state.eta)
        residual, gradient = problem.slopes(state)
        lead = [np.reshape(residual.sum(axis=0), (1, -1))] if self._lead else []
        slope = np.concatenate([*lead, gradient.reshape(len(own), -1)]) + 2.0 * lam * self._l2 * theta
        return _Point(theta, loss + lam * float(np.sum(self._l2 * theta**2)), slope, state)

    def _centred(self, state: State) -> State:
        """With the best intercept."""
        if not (isinstance(self._rows, LogisticRows) and self._lead):
            return self._problem.polish(state)
        found = centre(self._rows, state.eta, _FINE)
        return State(state.coef, np.asarray(state.intercept + found.shift), found.eta)


@final
class _Curvature:
    """The Hessian at a point, by the curvature of its rows or the probabilities of classes; a product is two passes over X."""

    def __init__(self, problem: ScaledProblem, lead: int, state: State) -> None:
        self._problem, self._lead, bound = problem, lead, problem.bound
        self._coupled = bound.loss.traits.couples_outputs
        found = bound.loss.inverse_link(state.eta) if self._coupled else bound.curvature(state.eta)
        self._curve = np.asarray(found).reshape(len(state.eta), -1)
        own = self._curve * (1.0 - self._curve) if self._coupled else self._curve
        self._size = np.maximum(bound.weight @ own, np.finfo(float).tiny)

    def _product(self, v: Float) -> Float:
        problem, units = self._problem, self._problem.units
        own = v[self._lead :] / units.scale[:, None]
        eta = problem.matrix.dot(own) - units.center @ own + (v[0] if self._lead else 0.0)
        rows = self._curve * eta
        if self._coupled:
            rows -= self._curve * rows.sum(axis=1, keepdims=True)
        rows *= problem.weight[:, None]
        lead = [rows.sum(axis=0, keepdims=True)] if self._lead else []
        return np.concatenate([*lead, problem.correlate(rows)])

    def solve(self, ridge: Float, gradient: Float, size: Callable[[Float], float], enough: float) -> Float:
        """(H + diag ridge)⁻¹ gradient by conjugate gradients, until the ``size`` of what they leave of it is ``enough``.

        In the metric of columns that all bend as much as the intercept, as standardised ones do on average.
        """
        inverse = 1.0 / (self._size + ridge)
        x, r = np.zeros_like(gradient), gradient.copy()
        z = inverse * r
        d, rz = z, float(np.vdot(r, z))
        for _ in range(_CONJUGATE):
            Hd = self._product(d) + ridge * d
            bend = float(np.vdot(d, Hd))
            if bend <= 0.0:
                break
            step = rz / bend
            x, r = x + step * d, r - step * Hd
            if size(r) <= enough:
                break
            z = inverse * r
            new = float(np.vdot(r, z))
            d, rz = z + new / rz * d, new
        return x if x.any() else inverse * gradient
