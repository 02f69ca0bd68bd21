"""Logistic and softmax paths on small tables: Newton's steps with an exact Hessian each, four compiled calls to a step.

Where products cost next to nothing, a path costs what surrounds them. A Hessian built anew converges quadratically, so that
few steps reach the last digits; nothing is screened, kept or updated.
Lee, Sun and Saunders, *SIAM J. Optimization* 24 (2014), §2 (proximal Newton methods and their line search).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from taut.losses import probabilities
from taut.solvers._kernels.face import minimise
from taut.solvers._kernels.newton import penalty_sum
from taut.solvers._kernels.small_newton import arrive, hessian, look, near, search
from taut.solvers.base import LinearProblem, Measure, Solution
from taut.solvers.problem.certificate import certificate, certify
from taut.solvers.problem.line_search import extrapolated
from taut.solvers.problem.path_solver import PathEngine
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.solvers.problem.scaled_penalty import is_ridge, table_of, unpenalized
from taut.solvers.problem.tolerances import rounding
from taut.solvers.problem.units import along
from taut.solvers.problem.unpenalized_basis import FreeBasis
from taut.types import Float, Index

_SMALL = 4_000_000
"""n (pk)², twice the products of a Hessian on all coordinates, up to which it costs less than what surrounds a step."""
_ROWS = 2_000
"""Rows beyond which sweeps over them are the time where there is an L1 part, and fewer Hessians no loss."""
_STALLED = 3
"""Steps that are tried after F has stopped to fall: the gap may still shrink."""
_EXACT = 1e-4
"""How far from its minimiser a model is left, as a share of how far it was at first."""
_DIGITS = 1e-10
"""Gaps from which all digits of the coefficients are asked for."""
_SETTLE = 5
"""Steps to them at most."""
_SETTLED = 1e-10
"""Steps, as a share of the largest coefficient, that are the last."""


@dataclass(frozen=True)
class SmallNewton(PathEngine):
    """Classes on a small table; a convex separable penalty, and columns without one that have no bounds."""

    max_newton: int = 100
    max_epochs: int = 1_000

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Every strength from the last and its trend, on all columns."""
        if not _suits(problem):
            raise TypeError(
                "small-table Newton steps are for logistic and softmax losses with L1 or L2, and no bounds "
                "where there is neither"
            )
        fold = _Fold(problem, self)
        for lam in lambdas:
            yield fold.solve(lam, tol)


def takes_small(problem: LinearProblem) -> bool:
    """Whether it is a problem for ``SmallNewton``, and small."""
    n, p = problem.matrix.shape
    pairs = p * problem.loss.outputs(problem.y)
    few = n * pairs**2 <= _SMALL and (n <= _ROWS or is_ridge(problem.penalty, p))
    # A bound that may bind counts the steps of the engines that begin where the last fit with such a bound has ended.
    return few and problem.most(SmallNewton.max_newton) >= SmallNewton.max_newton and _suits(problem)


def _suits(problem: LinearProblem | ScaledProblem) -> bool:
    p = problem.matrix.shape[1]
    table = problem.penalty.table(p)
    return (
        problem.loss.traits.cross_entropy
        and table is not None
        and table.convex
        and bool(((table.l1 > 0.0) | (table.l2 > 0.0) | unpenalized(problem.penalty, p)).all())
    )


@final
class _Data(NamedTuple):
    """What does not change along a path, as ``_kernels.classes`` describes it."""

    Z: Float
    target: Float
    weight: Float
    base: Float
    first: int

    @staticmethod
    def of(problem: ScaledProblem, basis: FreeBasis) -> _Data:
        """The rows of positive weight, the free columns replaced by ``basis``."""
        rows, first = problem.weight > 0.0, int(problem.fit_intercept)
        y = problem.y[rows]
        blank = np.zeros((y.shape[0], problem.outputs[0] if problem.outputs else 1))
        target = np.asarray(probabilities(y, blank)) if problem.outputs else y[:, None]
        base = blank if problem.offset is None else blank + along(problem.offset[rows], blank)
        columns = problem.columns(np.arange(problem.matrix.shape[1]))
        # An orthonormal basis of the free columns stands for them, whose units and dependence then matter to no step.
        columns[:, problem.free] = 0.0
        columns[:, problem.free_columns[: basis.back.shape[1]]] = basis.rows
        Z = np.concatenate([np.ones((first, y.shape[0])), columns[rows].T])
        Z, target, base = (np.ascontiguousarray(a, dtype=np.float64) for a in (Z, target.T, base.T))
        return _Data(Z, target, problem.weight[rows], base, first)


@final
class _SmallIterate(NamedTuple):
    """A point: coefficients (k·m,), η and negative row gradients −∂L/∂η (k, n), L."""

    theta: Float
    eta: Float
    neg_gradient: Float
    loss: float


@final
class _Fold:
    """One member on its path: where it is, and the buffers of its steps."""

    def __init__(self, problem: ScaledProblem, options: SmallNewton) -> None:
        self._basis = FreeBasis.of(problem.columns(problem.free_columns), problem.weight)
        self._problem, self._options, self._data = problem, options, _Data.of(problem, self._basis)
        self._classes = self._data.target.shape[0]
        free = np.array([[0.0], [0.0], [-np.inf], [np.inf]])[:, : self._data.first]
        own = table_of(problem.penalty, problem.matrix.shape[1]).terms()
        # What a basis of fewer columns leaves over of the free ones is zero, and stays there.
        own[2:, np.setdiff1d(problem.free_columns, self._leading)] = 0.0
        terms = np.concatenate([free, own], axis=1)
        self._shape = np.tile(terms, (1, self._classes))
        theta = np.zeros((self._classes, terms.shape[1]))
        theta[:, : self._data.first] = np.reshape(problem.null.intercept, (-1, 1))
        own = problem.null.coef[problem.free_columns].reshape(-1, self._classes)
        theta[:, self._data.first + self._leading] = (self._basis.forward @ own).T
        self._iterate = self._at(theta.ravel())
        self._before, self._reached = self._iterate.theta, np.inf
        self._q = np.empty(theta.size)

    def _at(self, theta: Float) -> _SmallIterate:
        eta, neg_gradient = np.empty_like(self._data.target), np.empty_like(self._data.target)
        return _SmallIterate(theta, eta, neg_gradient, arrive(*self._data, theta, eta, neg_gradient))

    def solve(self, lam: float, tol: float) -> Solution:
        """The solution at the next strength, from the last one and its trend."""
        rho = self._shape.copy()
        rho[:2] *= lam
        ratio = min(max(self._reached / lam, 1.0), 2.0)
        last, start = self._before, self._iterate
        begin, _ = self._search(start, rho, self._trend(start.theta, last), 0.0, 1)
        iterate, gap, steps = self._newton(begin, rho, 1.5 - 0.5 * ratio, 0.9 * tol)
        if gap <= tol <= _DIGITS:
            iterate, gap = self._settle(iterate, gap, rho, tol)
        self._before, self._iterate, self._reached = start.theta, iterate, lam
        problem, state = self._problem, self._state(iterate)
        if problem.free.any():
            state = problem.state(state.coef, state.intercept)
            return problem.solution(lam, state, certify(problem, lam, state, tol), steps)
        found = certificate(problem, Measure.DUALITY_GAP, gap, tol)
        return problem.solution(lam, state, found, steps, (iterate.loss, _penalty(iterate.theta, rho)))

    @property
    def _leading(self) -> Index:
        """The free columns in whose places the basis stands."""
        return self._problem.free_columns[: self._basis.back.shape[1]]

    def _trend(self, theta: Float, before: Float) -> Float:
        """The last change once more; a sign that would flip becomes 0."""
        return np.where(self._shape[0] > 0.0, extrapolated(theta, before) - theta, theta - before)

    def _newton(
        self, iterate: _SmallIterate, rho: Float, share: float, goal: float
    ) -> tuple[_SmallIterate, float, int]:
        """Until the relative gap is at most ``goal``, or F and gap no longer move; who is beyond ``share`` of λ takes part."""
        count, stalled, gap = 0, 0, self._gap(iterate, rho)
        most = self._problem.most(self._options.max_newton)
        while gap > goal and stalled <= _STALLED and count < most:
            move = self._step(iterate, rho, share)
            gain = _penalty(iterate.theta, rho) - _penalty(iterate.theta + move, rho) + float(self._q @ move)
            iterate, fall = self._search(iterate, rho, move, max(gain, 0.0), 30)
            count, gap = count + 1, self._gap(iterate, rho)
            stalled = 0 if fall > 0.0 else stalled + 1
            if fall == -np.inf:
                break
        return iterate, gap, count

    def _settle(
        self, iterate: _SmallIterate, gap: float, rho: Float, tol: float
    ) -> tuple[_SmallIterate, float]:
        """Whole steps while each is less than half the last: where little curves F, the gap says little of the coefficients."""
        last = np.inf
        for _ in range(_SETTLE):
            move = self._step(iterate, rho, 0.0)
            size = float(np.abs(move).max())
            there = self._at(iterate.theta + move)
            found = self._gap(there, rho)
            if not (size <= 0.5 * last and found <= tol):  # not a number is no improvement
                break
            iterate, gap, last = there, found, size
            if size <= _SETTLED * float(np.abs(iterate.theta).max()):
                break
        return iterate, gap

    def _gap(self, iterate: _SmallIterate, rho: Float) -> float:
        """Relative; ``_q`` becomes −∇L at ``iterate``."""
        gap = look(*self._data[:4], iterate.loss, iterate.theta, iterate.neg_gradient, rho, self._q)
        return float(gap) / self._problem.unit

    def _step(self, iterate: _SmallIterate, rho: Float, share: float) -> Float:
        """To the minimiser of the quadratic at ``iterate``."""
        theta, q = iterate.theta, self._q
        index, lead = near(theta, q, rho, share, self._data.first, self._classes)
        H = hessian(*self._data[:3], iterate.neg_gradient, index, lead)
        w, move = theta[index], np.zeros_like(theta)
        minimise(H, lead, w, q[index], np.take(rho, index, axis=1), _EXACT, self._options.max_epochs)
        move[index] = w - theta[index]
        return move

    def _search(
        self, iterate: _SmallIterate, rho: Float, move: Float, gain: float, most: int
    ) -> tuple[_SmallIterate, float]:
        """Down along ``move``, halved at most ``most`` times, and by how much; −inf where nowhere."""
        theta, eta, neg_gradient = (np.empty_like(values) for values in iterate[:3])
        before = iterate.loss + _penalty(iterate.theta, rho)
        level = rounding(before, self._problem.unit)
        loss, fall = search(
            *self._data, rho, iterate.theta, move, before, gain, level, most, theta, eta, neg_gradient
        )
        return (_SmallIterate(theta, eta, neg_gradient, loss) if fall > -np.inf else iterate), fall

    def _state(self, iterate: _SmallIterate) -> State:
        """In the shape of the problem's own points."""
        theta = iterate.theta.reshape(self._classes, -1)
        first = self._data.first
        coef, intercept = theta[:, first:].T.copy(), theta[:, :first].sum(axis=1)
        coef[self._problem.free_columns] = self._basis.coefficients(coef[self._leading])
        if not self._problem.outputs:
            return State(coef[:, 0], intercept[0], iterate.eta[0])
        return State(coef, intercept, np.ascontiguousarray(iterate.eta.T))


def _penalty(theta: Float, rho: Float) -> float:
    """λΩ of the coordinates ``theta``, from the terms ``rho`` (4, ·) at λ."""
    return float(penalty_sum(theta, rho, 0, np.inf))
