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
    """A penalty with a ``Penalty.majorant``, and outputs on their own; every lasso is solved by proximal Newton steps."""

    max_rounds: int = 200

    def walk(
        self, problem: ScaledProblem, lambdas: list[float], tol: float
    ) -> Iterator[Solution | GradientRequest]:
        """Solve at each λ from the last; TypeError where there is no majorant, or outputs are coupled."""
        coupled = problem.outputs and not problem.splits
        if coupled or problem.penalty.majorant(np.zeros(problem.matrix.shape[1])) is None:
            raise TypeError(
                f"majorization is for outputs on their own and a penalty with a majorant, not {problem.penalty!r}"
            )
        state = problem.first
        for lam in lambdas:
            inner, rounds, value, before = _SHARE * tol, 0, np.inf, np.inf
            while value > tol and rounds < problem.most(self.max_rounds):
                rounds += 1
                state = yield from _lassos(problem, lam, state, inner)
                before, value = value, certify(problem, lam, state, tol).value
                inner *= _SHARE if value > 0.9 * before else 1.0
            yield problem.solution(lam, state, certify(problem, lam, state, tol), rounds)


def _lassos(
    problem: ScaledProblem, lam: float, state: State, tol: float
) -> Generator[GradientRequest, None, State]:
    """Where the lassos of the tangent at ``state`` have their minima, output by output."""
    penalty = lam * problem.penalty
    if not problem.outputs:
        return (yield from _lasso(problem, penalty.majorant(state.coef), state, tol))
    found, count = [], len(problem.parts)
    for output, part in enumerate(problem.parts):
        table, own = penalty.majorant(state.coef[:, output]), problem.part_state(state, output)
        # The loss is a mean over outputs, the penalty a sum.
        found.append((yield from _lasso(part, table and table.at(count), own, tol)))
    coef, intercept, eta = zip(*((one.coef, one.intercept, one.eta) for one in found), strict=True)
    return State(np.stack(coef, axis=1), np.stack(intercept), np.stack(eta, axis=1))


def _lasso(
    problem: ScaledProblem, table: Table | None, state: State, tol: float
) -> Generator[GradientRequest, None, State]:
    """The minimum for one output with the penalty of ``table``, from ``state``."""
    assert table is not None  # asked before the walk began
    convex = replace(problem, penalty=L1(factors=table.l1, lower=table.lower, upper=table.upper))
    convex.__dict__["first"] = state  # a lasso begins where the last one ended
    for step in ProximalNewton().walk(convex, [1.0], tol):
        if isinstance(step, GradientRequest):
            yield step
        else:
            state = problem.point(step.coef, step.intercept)
    return state


def takes_majorants(problem: LinearProblem) -> bool:
    """Whether the engine solves ``problem``."""
    loss, penalty = problem.loss.traits, problem.penalty
    alone = problem.y.ndim == 1 or (loss.in_units_of_y and penalty.traits.separable)
    return (
        alone and not loss.couples_outputs and penalty.majorant(np.zeros(problem.matrix.shape[1])) is not None
    )
