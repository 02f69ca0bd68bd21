"""Proximal Newton on pairs of a column and a class, with a Hessian that is rebuilt only when it must be.

All classes of a symmetric softmax move together while their Hessian is not too large, else class after class; groups move
together whatever the loss. Members walk side by side and share every pass over X.
Lee, Sun and Saunders, *SIAM J. Optimization* 24 (2014), §2 (proximal Newton with inexact Hessians); Tibshirani et al.,
*J. R. Stat. Soc. B* 74 (2012), §3 (strong rules).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.solvers._kernels.softmax import gradient_rows, rows_used
from taut.solvers.base import Measure, Solution
from taut.solvers.newton.outputs import PairRows, Place
from taut.solvers.newton.restricted import Kit, Strength
from taut.solvers.problem.certificate import certificate, certify
from taut.solvers.problem.path_solver import Pass, PathEngine
from taut.solvers.problem.scaled import ScaledProblem
from taut.types import Float, Mask

_PATIENCE = 25
"""Newton steps after which an easier loss, where there is one, shows the way."""


@dataclass(frozen=True)
class PairNewton(PathEngine):
    """The options; what is solved is said by the engines that derive from it."""

    max_newton: int = 200
    max_epochs: int = 1_000
    max_rounds: int = 50

    @abstractmethod
    def kit(self, problem: ScaledProblem) -> Kit:
        """Rows, penalty and models of one member; TypeError where the engine is not for it."""

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution | Pass]:
        """Solve at each λ on the columns in focus, then look at every column."""
        walker = _Walker(problem, self.kit(problem), self)
        for lam in lambdas:
            yield from walker.solve(lam, tol)


@final
class _Walker:
    """One member: where it is on its path, and the models that it keeps."""

    def __init__(self, problem: ScaledProblem, kit: Kit, options: PairNewton) -> None:
        self._problem, self._kit, self._options = problem, kit, options
        self._rows: PairRows = kit.rows
        self._open: Mask = ~problem.free & ~problem.constant
        self._gradient = self._matrix(problem.slopes(problem.first)[1])
        self._place = self._rows.start()
        self._before = self._place.coef
        self._reached = np.inf

    def _matrix(self, gradient: Float) -> Float:
        return np.ascontiguousarray(gradient.reshape(-1, self._rows.classes))

    def solve(self, lam: float, tol: float) -> Iterator[Solution | Pass]:
        """The next λ, from the last and its trend."""
        options, shape = self._options, self._kit.shape(lam)
        ratio = min(max(self._reached / lam, 1.0), 2.0)
        point, most = Strength(self._kit, shape, options.max_epochs), self._problem.most(options.max_newton)
        near = shape.beyond(shape.sizes(self._gradient), 2.0 - ratio) & self._open
        start = point.focus(near | self._kept(), self._place)
        place = point.ahead(start, self._before, tol)
        inner, steps = 0.9 * tol, 0
        for _ in range(options.max_rounds):
            place, used = point.minimise(place, inner, ratio, min(_PATIENCE, most - steps))
            if used >= _PATIENCE and self._rows.pieces is not None:
                place, more = point.minimise(point.narrowed(place, ratio), inner, ratio, most - steps - used)
                used += more
            steps += used
            place = self._rows.at(place.coef)
            yield from self._see(place)
            wrong = shape.beyond(shape.sizes(self._gradient), 1.0) & self._open & ~point.mask
            place = point.focus(point.mask | wrong, place)
            value = point.measure(place)
            if value <= tol or steps >= most or (not wrong.any() and inner < 1e-3 * tol):
                break
            inner *= 1.0 if wrong.any() else 0.1
        self._before, self._place, self._reached = start.coef, place, lam
        yield self._solution(lam, point.terms(place), value, tol, steps)

    def _solution(
        self, lam: float, terms: tuple[float, float], value: float, tol: float, steps: int
    ) -> Solution:
        """The last place; certified from its coefficients where columns have no penalty, for which a basis or bounds stood."""
        problem, state = self._problem, self._rows.state(self._place)
        if problem.unpenalised.any():
            state = problem.state(state.coef, state.intercept)
            return problem.solution(lam, state, certify(problem, lam, state, tol), steps)
        convex = problem.penalty.traits.convex
        measure = Measure.DUALITY_GAP if convex else Measure.KKT_RESIDUAL
        return problem.solution(lam, state, certificate(problem, measure, value, tol), steps, terms)

    def _kept(self) -> Mask:
        """Columns that have a coefficient, or a place in a Hessian that is still good."""
        rows, mask = self._rows, np.zeros(self._problem.matrix.shape[1], dtype=bool)
        mask[rows.features[rows_used(self._place.coef[rows.lead :])]] = True
        for model in self._kit.models:
            if not model.stale:
                mask[rows.features[model.index // rows.classes - rows.lead]] = True
        return mask

    def _see(self, place: Place) -> Iterator[Pass]:
        """The gradient on all columns, after a pass over X."""
        problem = self._problem
        sight = Pass(np.ascontiguousarray(place.pull.T))
        yield sight
        units, raw = problem.units, np.ascontiguousarray(sight.raw)
        self._gradient = np.empty_like(raw)
        total = np.array([pull.sum() for pull in place.pull])
        gradient_rows(raw, total, units.center, units.scale, problem.constant, self._gradient)
