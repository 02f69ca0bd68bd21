"""Proximal Newton on coordinates of a column and an output, with a Hessian that is rebuilt only when it must be.

All classes of a symmetric softmax move together while their Hessian is not too large, else class after class; outputs that
do not touch each other have a Hessian each, and those of the squared loss share one Gram matrix, which makes the method
coordinate descent on working sets; groups move together whatever the loss. Members walk side by side and share every pass
over X.
Lee, Sun and Saunders, *SIAM J. Optimization* 24 (2014), §2 (proximal Newton with inexact Hessians); Friedman, Hastie and
Tibshirani, *J. Statistical Software* 33 (2010), §3-4 (logistic paths, the symmetric multinomial); Tibshirani et al.,
*J. R. Stat. Soc. B* 74 (2012), §3 (strong rules); Massias, Gramfort and Salmon, ICML 2018, §3 (working sets with a gap).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import final

import numpy as np

from taut.solvers._kernels.softmax import gradient_rows, rows_used
from taut.solvers.base import Measure, Solution
from taut.solvers.newton.outputs import Iterate, Outputs
from taut.solvers.newton.parts import NewtonParts, separable_parts
from taut.solvers.newton.restricted import RestrictedProblem
from taut.solvers.problem.certificate import certificate, certify
from taut.solvers.problem.path_solver import GradientRequest, PathEngine
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import FREE_NOT_EXIST
from taut.types import Float, Mask

_ENDLESS = 20
"""Steps at a strength where there is no minimum to come to."""
_PATIENCE = 25
"""Newton steps after which an easier loss, where there is one, shows the way."""


@dataclass(frozen=True)
class ProximalNewton(PathEngine):
    """Newton steps on a working set; ``parts`` says of what, and raises TypeError where a problem is not for them.

    At one λ it makes ``max_newton`` steps at most, each of ``max_epochs`` of descent on its quadratic; where the loss is
    that quadratic, ``max_descent`` epochs in all, and these are the iterations that are counted.
    """

    parts: Callable[[ScaledProblem], NewtonParts] = field(default=separable_parts, repr=False)
    max_newton: int = 200
    max_epochs: int = 1_000
    max_descent: int = 100_000
    max_rounds: int = 50

    def walk(
        self, problem: ScaledProblem, lambdas: list[float], tol: float
    ) -> Iterator[Solution | GradientRequest]:
        """Solve at each λ on the columns looked at, then look at every column."""
        fold = _FoldSolver(problem, self.parts(problem), self)
        for lam in lambdas:
            yield from fold.solve(lam, tol)


@final
class _FoldSolver:
    """One member: where it is on its path, and the models that it keeps."""

    def __init__(self, problem: ScaledProblem, parts: NewtonParts, options: ProximalNewton) -> None:
        self._problem, self._parts, self._rounds = problem, parts, options.max_rounds
        exact = parts.rows.exact
        self._most = problem.most(options.max_descent if exact else options.max_newton)
        if problem.null_note == FREE_NOT_EXIST:
            self._most = min(self._most, _ENDLESS)
        self._epochs = self._most if exact else options.max_epochs
        self._rows: Outputs = parts.rows
        self._open: Mask = ~problem.free & ~problem.constant
        self._gradient = self._matrix(problem.slopes(problem.first)[1])
        self._iterate = self._rows.start()
        self._before = self._iterate.coef
        self._reached = np.inf

    def _matrix(self, gradient: Float) -> Float:
        return np.ascontiguousarray(gradient.reshape(-1, self._rows.classes))

    def solve(self, lam: float, tol: float) -> Iterator[Solution | GradientRequest]:
        """The next λ, from the last and its trend."""
        penalty, most = self._parts.penalty_at(lam), self._most
        ratio = min(max(self._reached / lam, 1.0), 2.0)
        point = RestrictedProblem(self._parts, penalty, self._epochs)
        near = penalty.beyond(penalty.sizes(self._gradient), 2.0 - ratio) & self._open
        start = point.restrict(near | self._kept(), self._iterate)
        iterate = point.extrapolated(start, self._before, tol)
        inner, steps, last = 0.9 * tol, 0, np.inf
        for _ in range(self._rounds):
            iterate, used = self._minimised(point, iterate, inner, ratio, most - steps)
            steps += used
            iterate = self._rows.at(iterate.coef)
            yield from self._ask_for_gradient(iterate)
            wrong = penalty.beyond(penalty.sizes(self._gradient), 1.0) & self._open & ~point.mask
            iterate = point.restrict(point.mask | wrong, iterate)
            value = point.measure(iterate)
            # A gap that a smaller goal does not halve is what rounding has left.
            ended = inner < 1e-3 * tol or value > 0.5 * last
            if value <= tol or steps >= most or (not wrong.any() and ended):
                break
            inner, last = (inner, np.inf) if wrong.any() else (0.1 * inner, value)
        self._before, self._iterate, self._reached = start.coef, iterate, lam
        yield self._solution(lam, point.terms(iterate), value, tol, steps)

    def _minimised(
        self, point: RestrictedProblem, iterate: Iterate, goal: float, ratio: float, most: int
    ) -> tuple[Iterate, int]:
        """``minimise``; where it takes many steps and there is an easier loss, from where that leads."""
        if self._rows.pieces is None:
            return point.minimise(iterate, goal, ratio, most)
        iterate, used = point.minimise(iterate, goal, ratio, min(_PATIENCE, most))
        if used < _PATIENCE:
            return iterate, used
        iterate, more = point.minimise(point.narrowed(iterate, ratio), goal, ratio, most - used)
        return iterate, used + more

    def _solution(
        self, lam: float, terms: tuple[float, float], value: float, tol: float, steps: int
    ) -> Solution:
        """The last iterate; certified from its coefficients where columns have no penalty, for which a basis stood."""
        problem, state = self._problem, self._rows.state(self._iterate)
        if problem.unpenalized.any():
            state = problem.state(state.coef, state.intercept)
            return problem.solution(lam, state, certify(problem, lam, state, tol), steps)
        convex = problem.penalty.traits.convex
        measure = Measure.DUALITY_GAP if convex else Measure.KKT_RESIDUAL
        return problem.solution(lam, state, certificate(problem, measure, value, tol), steps, terms)

    def _kept(self) -> Mask:
        """Columns that have a coefficient, or a place in a Hessian that is still good."""
        rows, mask = self._rows, np.zeros(self._problem.matrix.shape[1], dtype=bool)
        mask[rows.features[rows_used(self._iterate.coef[rows.n_free :])]] = True
        for model in self._parts.models:
            if not model.stale:
                mask[rows.features[model.index // rows.classes - rows.n_free]] = True
        return mask

    def _ask_for_gradient(self, iterate: Iterate) -> Iterator[GradientRequest]:
        """The gradient on all columns, after a pass over X."""
        problem = self._problem
        request = GradientRequest(np.ascontiguousarray(iterate.neg_gradient.T))
        yield request
        units, raw = problem.units, np.ascontiguousarray(request.raw)
        self._gradient = np.empty_like(raw)
        total = np.array([neg_gradient.sum() for neg_gradient in iterate.neg_gradient])
        gradient_rows(raw, total, units.center, units.scale, problem.constant, self._gradient)
