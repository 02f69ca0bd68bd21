"""The path of a ridge whose decomposition is there already, as it is where rows are left out in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from taut.solvers.base import Solution
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.path_solver import PathEngine
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.ridge.closed_form import ClosedRidge

_NUMBERS = 1 << 23
"""Entries of η that are held at once."""


@dataclass(frozen=True, eq=False)
class ClosedPath(PathEngine):
    """Every strength from ``closed``; the certificates come from the data, not from the decomposition."""

    closed: ClosedRidge

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Some strengths at a time, so that X is read twice for each of those."""
        step = max(1, _NUMBERS // problem.y.size)
        for start in range(0, len(lambdas), step):
            stretch = lambdas[start : start + step]
            states = problem.states(*self.closed.standardized(np.array(stretch)))
            for lam, state in zip(stretch, states, strict=True):
                yield problem.solution(lam, state, certify(problem, lam, state, tol), 1)
