"""What all path engines share: one scaled problem per row-weight vector, λ = 0 solved exactly, interruption kept clean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from taut.solvers.base import Float, LinearProblem, MemberPath, Progress, Solution, Solver
from taut.solvers.certificate import certify
from taut.solvers.exact import solve_unpenalised
from taut.solvers.grid import grid_for, lambda_max
from taut.solvers.scaled import ScaledProblem, scale_problem


@dataclass(frozen=True)
class PathEngine(Solver):
    """A solver that walks one member's path after the other."""

    @abstractmethod
    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Yield one solution per λ > 0, strongest first."""

    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
    ) -> tuple[MemberPath, ...]:
        """One member after the other, all on one grid."""
        finished: list[MemberPath] = []
        grid = lambdas
        try:
            for weight in weights:
                scaled = scale_problem(problem, weight)
                grid = grid_for(scaled, grid)
                finished.append(self._member(scaled, grid.tolist(), problem.tol, progress))
                if finished[-1].interrupted:
                    break
        except KeyboardInterrupt:
            if not finished:
                raise
        return tuple(finished)

    def _member(
        self, problem: ScaledProblem, lambdas: list[float], tol: float, progress: Progress | None
    ) -> MemberPath:
        solutions: list[Solution] = []
        interrupted = False
        try:
            for solution in self._all(problem, lambdas, tol):
                solutions.append(solution)
                if progress is not None:
                    progress(1)
        except KeyboardInterrupt:
            interrupted = True
        if not solutions:
            raise KeyboardInterrupt
        return MemberPath.stack(solutions, problem.null_loss, problem.saturated_loss, interrupted)

    def _all(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        top = lambda_max(problem)
        for lam in lambdas:
            if lam >= top and np.isfinite(top) and lam > 0.0:
                # By the definition of λ_max; an iteration could only add rounding to these exact zeros.
                yield problem.solution(lam, problem.null, certify(problem, lam, problem.null, tol), 0)
        yield from self.walk(problem, [lam for lam in lambdas if lam > 0.0 and not lam >= top], tol)
        if lambdas and lambdas[-1] == 0.0:
            yield solve_unpenalised(problem, tol)
