"""Concave penalties that no kernel knows: lassos with the weights of the penalty's tangent, one after the other.

Each lasso lies above F and touches it where the last one ended, so that F falls from one to the next.
Zou and Li, *Ann. Statist.* 36 (2008), §2 (local linear approximation).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np

from taut.penalties import L1, Table
from taut.solvers.base import LinearProblem, Solution
from taut.solvers.newton.solver import ProximalNewton
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.path_solver import GradientRequest, PathEngine
from taut.solvers.problem.scaled import ScaledProblem, State

_SHARE = 0.1
"""Of the tolerance: how exactly a lasso is solved at first, and how much more so where the tangent no longer moves."""


@dataclass(frozen=True)
class Majorization(PathEngine):
    """One output and a penalty with a ``Penalty.majorant``; every lasso is solved by proximal Newton steps."""

    max_rounds: int = 200

    def walk(
        self, problem: ScaledProblem, lambdas: list[float], tol: float
    ) -> Iterator[Solution | GradientRequest]:
        """Solve at each λ from the last; TypeError where there is no majorant, or several outputs."""
        if problem.outputs or problem.penalty.majorant(problem.null.coef) is None:
            raise TypeError(
                f"majorization is for one output and a penalty with a majorant, not {problem.penalty!r}"
            )
        state = problem.first
        for lam in lambdas:
            inner, rounds, value, before = _SHARE * tol, 0, np.inf, np.inf
            while value > tol and rounds < problem.most(self.max_rounds):
                rounds += 1
                state = yield from _lasso(problem, lam, state, inner)
                before, value = value, certify(problem, lam, state, tol).value
                inner *= _SHARE if value > 0.9 * before else 1.0
            yield problem.solution(lam, state, certify(problem, lam, state, tol), rounds)


def _lasso(
    problem: ScaledProblem, lam: float, state: State, tol: float
) -> Generator[GradientRequest, None, State]:
    """Where the lasso of the tangent at ``state`` has its minimum."""
    table = (lam * problem.penalty).majorant(state.coef)
    assert table is not None  # asked before the walk began
    convex = replace(problem, penalty=_as_penalty(table))
    convex.__dict__["first"] = state  # a lasso begins where the last one ended
    for step in ProximalNewton().walk(convex, [1.0], tol):
        if isinstance(step, GradientRequest):
            yield step
        else:
            state = problem.point(step.coef, step.intercept)
    return state


def _as_penalty(table: Table) -> L1:
    return L1(factors=table.l1, lower=table.lower, upper=table.upper)


def takes_majorants(problem: LinearProblem) -> bool:
    """Whether the engine solves ``problem``."""
    single = problem.y.ndim == 1 and not problem.loss.traits.couples_outputs
    return single and problem.penalty.majorant(np.zeros(problem.matrix.shape[1])) is not None
