"""Laws of certificates: the number that is told is that of what is returned, and a point that is moved has another.

The judge of a moved point is F as it is defined (``taut.laws.definition``). Source: ``docs/mathematics.md`` §8.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from taut.laws.solver_case import TINY, TOL, SolverCase
from taut.penalties import Separable
from taut.solvers import Certificate, certify_point
from taut.types import Float

STEP = 0.1
"""How far a point is moved, in standard deviations of η."""


def returned_law(case: SolverCase) -> None:
    """What a certificate says, the coefficients and intercepts say that were returned: at λ = 0, too."""
    for solution in case.solve(case.data, [*case.lambdas, 0.0]).solutions:
        told = solution.certificate
        found = _certified(case, solution.lam, solution.coef, solution.intercept)
        case.require("a certificate is of the kind of its point's", found.measure is not told.measure)
        case.require("no certificate is less than its point's", found.value, 1.01 * told.value + TINY)


def moved_law(case: SolverCase) -> None:
    """A solution of which any one number is moved is no solution, and its certificate says by how much."""
    for solution in case.path.solutions:
        lam, best = solution.lam, case.judge.point(solution.coef, solution.intercept)
        for coef, intercept in _moved(case, solution.coef, solution.intercept):
            found, at = _certified(case, lam, coef, intercept), case.judge.point(coef, intercept)
            if case.convex:
                lost = (case.judge.objective(lam, at) - case.judge.objective(lam, best)) / case.unit
                case.require("what a move loses is within the gap", lost, found.value + TINY)
            else:
                lost = case.judge.residual(lam, at) / case.pull_size
            # Where classes are told apart for good, a move may lose nothing.
            case.require("what is moved off the optimum is not certified", found.met and lost > 10.0 * TOL)
        for coef in _outside(case, solution.coef):
            found = _certified(case, lam, coef, solution.intercept)
            case.require("what lies beyond a bound is not certified", found.met)


def _certified(case: SolverCase, lam: float, coef: Float, intercept: Float) -> Certificate:
    return certify_point(case.data.problem(TOL), case.data.weight, lam, coef, intercept)


def _moved(case: SolverCase, coef: Float, intercept: Float) -> Iterator[tuple[Float, Float]]:
    """The intercept moved, then a coefficient without and one with a penalty; of several outputs the first one's."""
    step, first = STEP * float(np.max(case.judge.y_scale)), (0,) * (coef.ndim - 1)
    if case.data.fit_intercept:
        other = np.array(intercept)
        other[first] += step
        yield coef, other
    spread, (lower, upper) = _spread(case), _box(case)
    for kind in (case.free, ~case.free & np.isfinite(case.factors)):
        columns = np.flatnonzero(kind & (spread > 0.0))
        for j in case.rng.permutation(columns)[:1]:
            moved = coef.copy()
            up = moved[(j, *first)] + step / spread[j]
            moved[(j, *first)] = up if up <= upper[j] else max(up - 2.0 * step / spread[j], lower[j])
            if not np.array_equal(moved, coef):
                yield moved, intercept


def _outside(case: SolverCase, coef: Float) -> Iterator[Float]:
    """The coefficients with one of them beyond its upper bound, and with one below its lower one."""
    spread, (lower, upper) = _spread(case), _box(case)
    for bound, side in ((upper, 1.0), (lower, -1.0)):
        columns = np.flatnonzero(np.isfinite(bound) & (spread > 0.0))
        for j in case.rng.permutation(columns)[:1]:
            moved = coef.copy()
            moved[j] = bound[j] + side * STEP / spread[j]
            yield moved


def _spread(case: SolverCase) -> Float:
    """The deviations of the columns in the units of the data, 0 where they are constant."""
    data, s = case.data, case.judge.s
    deviation = np.sqrt(s @ (data.X - case.judge.center) ** 2)
    return np.where(deviation > 1e-10 * (1.0 + np.abs(case.judge.center)), deviation, 0.0)


def _box(case: SolverCase) -> tuple[Float, Float]:
    """The bounds of the coefficients in the units of the data."""
    p, penalty = case.data.X.shape[1], case.data.penalty
    table = penalty.table(p) if isinstance(penalty, Separable) else None
    return (np.full(p, -np.inf), np.full(p, np.inf)) if table is None else (table.lower, table.upper)
