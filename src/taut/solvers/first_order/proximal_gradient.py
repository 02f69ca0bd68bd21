"""Accelerated proximal gradient: any loss with any penalty that has a prox; slow, simple, and the reference for the engines.

Beck and Teboulle, *SIAM J. Imaging Sciences* 2 (2009), §4 (FISTA, backtracking); O'Donoghue and Candès, *Found. Comput.
Math.* 15 (2015), §3.2 (gradient restart).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.penalties import Penalty
from taut.solvers.base import Solution
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.path_solver import PathEngine
from taut.solvers.problem.scaled import ScaledProblem, State
from taut.types import Float

_HALVINGS = 100
"""A step this often halved is zero: rounding has the last word, and the certificate says so."""
_ADOPTED, _LATER = 10, 20
"""Looks from one refit of the unpenalised part that is gone on from to the next; part of the steps after which the next look
is, where that is later than ``check_every`` steps: a look costs a refit."""
_REFIT = 20
"""Newton steps of a refit; what they leave is in the certificate."""
_WINDOW, _FASTER = 0.125, 2.0
"""Share of all steps between two looks at how fast the certificate's number falls, and how much faster it may fall with the
steps that are left: the last ones are often the fastest."""


@dataclass(frozen=True)
class ProximalGradient(PathEngine):
    """Forward step on L, backward step on Ω; momentum with restarts, and now and then the unpenalised part refitted."""

    max_iter: int = 10_000
    check_every: int = 25

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Solve at each λ, warm-started from the one before."""
        state, step = problem.null, 1.0
        for lam in lambdas:
            state, step, iterations = self._descend(problem, lam, state, step, tol)
            yield problem.solution(lam, state, certify(problem, lam, state, tol), iterations)

    def _descend(
        self, problem: ScaledProblem, lam: float, state: State, step: float, tol: float
    ) -> tuple[State, float, int]:
        point, t, iteration, look, adopted = state, 1.0, 0, 1, 0
        best, least, pace = state, np.inf, _Pace(tol, self.max_iter)
        penalty = lam * problem.penalty
        for iteration in range(1, self.max_iter + 1):
            new, step = _forward_backward(problem, penalty, point, step)
            if iteration >= look:
                polished = problem.polish(new, _REFIT)
                value = certify(problem, lam, polished, tol).value
                best, least = (polished, value) if value < least else (best, least)
                if least <= tol or pace.too_slow(iteration, least) or new is point:
                    break
                look = iteration + max(self.check_every, iteration // _LATER)
                if iteration - adopted >= _ADOPTED * self.check_every:
                    # Seldom: momentum, which would carry the jump of a refit on, begins anew.
                    point, state, t, adopted = polished, polished, 1.0, iteration
                    continue
            restart = _vdot(point, new, state) > 0.0
            t_next = 1.0 if restart else (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
            blend = 0.0 if restart else (t - 1.0) / t_next
            point, state, t = _blend(new, state, blend), new, t_next
            step *= 1.02  # lets the step recover where backtracking met a locally steep stretch
        return best, step, iteration


@final
class _Pace:
    """Whether a certificate's number falls so slowly that the steps that are left cannot bring it to the tolerance."""

    def __init__(self, tol: float, most: int) -> None:
        self._tol, self._most = tol, most
        self._since, self._value = 0, np.inf

    def too_slow(self, count: int, value: float) -> bool:
        """Take note of the least number after ``count`` steps; the answer is false but at the end of a window."""
        if not np.isfinite(self._value):
            self._since, self._value = count, value
        taken, left = count - self._since, self._most - count
        if taken < _WINDOW * self._most:
            return False
        reached = value * (value / self._value) ** (_FASTER * left / taken)
        slow = bool(reached > self._tol)
        self._since, self._value = count, value
        return slow


def _forward_backward(
    problem: ScaledProblem, penalty: Penalty, point: State, step: float
) -> tuple[State, float]:
    """One proximal step from ``point``, halved until the quadratic model majorises L; ``point`` itself where none does."""
    value, pull = problem.bound.at(point.eta)
    gradient = -problem.correlate(pull)
    slope = -pull.sum(axis=0) if problem.fit_intercept else np.zeros_like(point.intercept)
    # A weakly convex penalty has a prox only for steps below 1/weak convexity.
    step = min(step, 0.9 / penalty.traits.weak_convexity) if penalty.traits.weak_convexity > 0 else step
    for power in range(_HALVINGS):
        length = step * 0.5**power
        coef = np.asarray(penalty.prox(point.coef - length * gradient, length))
        new = problem.state(coef, point.intercept - length * slope)
        model = _model(value, gradient, slope, point, new, length)
        if problem.data_loss(new.eta) <= model + 1e-14 * max(problem.unit, abs(value)):
            return new, length
    return point, step


def _model(value: float, gradient: Float, slope: Float, point: State, new: State, step: float) -> float:
    move, shift = new.coef - point.coef, new.intercept - point.intercept
    linear = float(np.vdot(gradient, move) + np.vdot(slope, shift))
    quadratic = float(np.vdot(move, move) + np.vdot(shift, shift)) / (2.0 * step)
    return value + linear + quadratic


def _vdot(point: State, new: State, old: State) -> float:
    move, shift = new.coef - old.coef, new.intercept - old.intercept
    return float(np.vdot(point.coef - new.coef, move) + np.vdot(point.intercept - new.intercept, shift))


def _blend(new: State, old: State, blend: float) -> State:
    if blend == 0.0:
        return new
    return State(
        new.coef + blend * (new.coef - old.coef),
        new.intercept + blend * (new.intercept - old.intercept),
        new.eta + blend * (new.eta - old.eta),
    )
