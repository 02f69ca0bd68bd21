"""Proximal Newton for smooth convex losses: each step a quadratic over the working set, descended coordinate by coordinate.

Lee, Sun and Saunders, *SIAM J. Optimization* 24 (2014), §2 (proximal Newton and its line search); Friedman, Hastie and
Tibshirani, *J. Statistical Software* 33 (2010), §3 (logistic paths).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from taut.losses import Multinomial
from taut.penalties import Kind, Table
from taut.solvers._kernels.descent import descend
from taut.solvers.base import Solution
from taut.solvers.certificate import accepts, certify, dual_value, rounding
from taut.solvers.concave import step_models
from taut.solvers.coordinate import strength_table, strong_set, support, violators
from taut.solvers.engine import PathEngine
from taut.solvers.hessian import row_curvature, weighted_gram
from taut.solvers.matrix import Float, Index
from taut.solvers.scaled import ScaledProblem, State

_STALLED = 5
"""Steps that are tried after F has stopped to fall."""
_FLOOR = 1e-9
"""Least curvature of a row, of the largest: keeps the quadratic bounded where a fitted probability saturates."""


@dataclass(frozen=True)
class ProximalNewton(PathEngine):
    """Newton steps on a working set, output after output."""

    max_newton: int = 100
    max_epochs: int = 1_000
    max_rounds: int = 50

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Solve at each λ on the strong set, then verify every column."""
        if isinstance(problem.loss, Multinomial):
            raise TypeError(
                "Newton steps for one output after the other miss how classes are coupled: use SoftmaxNewton"
            )
        state = problem.first
        gradient = problem.slopes(state)[1]
        previous = lambdas[0] if lambdas else 0.0
        for lam in lambdas:
            state, gradient, steps = self._solve(problem, lam, previous, state, gradient, tol)
            previous = lam
            yield problem.solution(lam, state, certify(problem, lam, state, tol), steps)

    def _solve(
        self, problem: ScaledProblem, lam: float, previous: float, state: State, gradient: Float, tol: float
    ) -> tuple[State, Float, int]:
        table = strength_table(problem, lam)
        working = (support(state.coef) | strong_set(gradient, table, 2.0 - previous / lam)) & ~problem.free
        inner, steps, most = 0.3 * tol, 0, problem.most(self.max_newton * self.max_rounds)
        for _ in range(self.max_rounds):
            fit = _Restricted(problem, lam, table, np.flatnonzero(working), self.max_epochs)
            state, used = fit.minimise(state, inner, min(self.max_newton, most - steps))
            steps += used
            gradient = problem.slopes(state)[1]
            if steps >= most or certify(problem, lam, state, tol).met:
                break
            wrong = violators(gradient, table) & ~working
            if not wrong.any():
                inner *= 0.1
            if inner < 1e-3 * tol:
                break
            working |= wrong
        return state, gradient, steps


class _Restricted:
    """The problem on one working set: its standardised columns, and Newton steps for one output after the other."""

    def __init__(
        self, problem: ScaledProblem, lam: float, table: Table, index: Index, max_epochs: int
    ) -> None:
        self.problem, self.lam, self.index, self.max_epochs = problem, lam, index, max_epochs
        self.free = np.flatnonzero(problem.free)
        lead = problem.free_design(self.free)
        self.lead = lead.shape[1]
        self.columns = np.asfortranarray(np.concatenate([lead, problem.columns(index)], axis=1))
        self.part = table.take(index)
        k = problem.outputs[0] if problem.outputs else 1
        self.outputs = list(range(k))

    def minimise(self, state: State, tol: float, limit: int) -> tuple[State, int]:
        """Newton until the gap restricted to the working set is at most ``tol`` (relative), or a step no longer descends."""
        state = self.problem.polish(state)
        gap, share, stalled = np.inf, 0.05, 0
        for count in range(limit):
            before, gap = gap, self._gap(state)
            if gap <= tol and count > 0:
                return state, count
            # A step that gains little was solved too loosely: a model's gap may be far below the gap it leads to.
            share = 0.1 * share if gap > 0.25 * before else share
            old, descended = state, False
            for output in self.outputs:
                state, fell = self._step(state, output, max(share, 1e-6) * min(before, max(gap, tol)))
                descended |= fell
            # Where F has met rounding the gap may still shrink, for some steps more.
            stalled = 0 if descended else stalled + 1
            if state is old or stalled > _STALLED:
                return state, count + 1
        return state, limit

    def _gap(self, state: State) -> float:
        """The certificate's number, were the working set all there is."""
        problem = self.problem
        residual = problem.residual(state.eta)
        gradient = np.zeros_like(state.coef)
        gradient[self.index] = self.columns[:, self.lead :].T @ residual
        if not problem.penalty.traits.convex:
            distance = np.asarray((self.lam * problem.penalty).distance(state.coef, gradient))
            return float(distance.max(initial=0.0)) / problem.pull
        return (self._objective(state) - dual_value(problem, self.lam, residual, gradient)) / problem.unit

    def _objective(self, state: State) -> float:
        value = float((self.lam * self.problem.penalty).value(state.coef))
        return self.problem.data_loss(state.eta) + value

    def _step(self, state: State, output: int, tol: float) -> tuple[State, bool]:
        H, gradient, follow, rr = self._quadratic(state, output)
        w = state.coef.reshape(state.coef.shape[0], -1)[self.index, output]
        c = H @ w - gradient
        q = -gradient
        bb = rr + float(q @ w + c @ w)
        table = self.part
        goal = tol * (self.problem.unit if table.kind == Kind.QUADRATIC else self.problem.pull)
        found, descended = state, False
        for part, halvings in step_models(table, w):
            new = w.copy()
            descend(H, c, bb, new, q.copy(), part.terms(), part.knee, part.flat, goal, self.max_epochs)
            found, descended = self._search(state, output, new - w, follow, gradient, halvings)
            if descended:
                break
        return found, descended

    def _quadratic(self, state: State, output: int) -> tuple[Float, Float, Float, float]:
        """Hessian and gradient with intercept and free columns eliminated, rᵀr of the working residual, how those follow."""
        problem, D = self.problem, self.columns
        residual = problem.residual(state.eta).reshape(D.shape[0], -1)[:, output]
        row = _curvature(problem, state, output)
        rr = float(np.sum(residual**2 / np.maximum(row, 1e-300)))
        return *self._eliminate(weighted_gram(D, row), D.T @ residual), rr

    def _eliminate(self, H: Float, gradient: Float) -> tuple[Float, Float, Float]:
        """Schur complement of the leading columns."""
        led = np.arange(self.columns.shape[1]) < self.lead
        cross, own = H[np.ix_(~led, led)], H[np.ix_(led, led)]
        follow = -np.linalg.pinv(own, rcond=1e-12, hermitian=True) @ cross.T
        return H[np.ix_(~led, ~led)] + cross @ follow, gradient[~led] + follow.T @ gradient[led], follow

    def _search(
        self, state: State, output: int, move: Float, follow: Float, gradient: Float, halvings: int
    ) -> tuple[State, bool]:
        """Halve the step until F falls by a share of what the model promised (Lee et al. 2014, eq. 2.18)."""
        problem = self.problem
        if not move.any():
            return state, False
        toward = self._direction(state, output, move, follow)
        before = self._objective(state)
        full = State(state.coef + toward.coef, state.intercept, state.eta)
        promised = min(float(gradient @ move) + self._objective(full) - before, 0.0)
        level = rounding(before, problem.unit)
        for power in range(halvings):
            step = 0.5**power
            new = State(
                state.coef + step * toward.coef,
                state.intercept + step * toward.intercept,
                state.eta + step * toward.eta,
            )
            fall = self._objective(new) - before
            if accepts(fall, step, promised, level):
                return problem.polish(new), fall < 0.0
        return state, False

    def _direction(self, state: State, output: int, move: Float, follow: Float) -> State:
        """The step in coefficients, intercept and η: leading columns follow the working ones."""
        outputs = state.eta.reshape(state.eta.shape[0], -1).shape[1]
        steps = np.zeros((self.columns.shape[1], outputs))
        steps[: self.lead, output] = follow @ move
        steps[self.lead :, output] = move
        coef = np.zeros((state.coef.shape[0], outputs))
        coef[self.index] = steps[self.lead :]
        first = int(self.problem.fit_intercept)
        coef[self.free] = steps[first : self.lead]
        intercept = steps[0] if first else np.zeros(outputs)
        eta = self.columns @ steps
        return State(
            coef.reshape(state.coef.shape),
            intercept.reshape(state.intercept.shape),
            eta.reshape(state.eta.shape),
        )


def _curvature(problem: ScaledProblem, state: State, output: int) -> Float:
    """Row weights of the Newton quadratic for one output, bounded away from zero."""
    curvature = np.asarray(row_curvature(problem.loss, state.eta, problem.y))
    one = curvature if curvature.ndim == 1 else curvature[:, output]
    return problem.weight * np.maximum(one, _FLOOR * float(one.max()))
