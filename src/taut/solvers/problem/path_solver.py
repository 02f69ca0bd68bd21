"""What all path engines share: one scaled problem per row-weight vector, λ = 0 solved exactly, interruption kept clean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.solvers.base import LinearProblem, MemberPath, Progress, Solution, Solver
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.grid import grid_for, lambda_max
from taut.solvers.problem.lambda_zero import solve_unpenalised
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.types import Float


@final
class Pass:
    """A pass over X that a walk waits for: ``pull`` (n, k) is given, ``raw`` = Xᵀ pull (p, k) when the walk goes on."""

    def __init__(self, pull: Float) -> None:
        self.pull, self.raw = pull, np.empty((0, pull.shape[1]))


@dataclass(frozen=True)
class PathEngine(Solver):
    """A solver that walks along one member's path; members that wait for a pass over X are served together."""

    @abstractmethod
    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution | Pass]:
        """Yield one solution per λ > 0, strongest first, and a ``Pass`` wherever it needs Xᵀ times something."""

    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
    ) -> tuple[MemberPath, ...]:
        """All on one grid: a member goes on until it ends or waits."""
        members: list[_Member] = []
        grid = lambdas
        try:
            for weight in weights:
                scaled = scale_problem(problem, weight)
                grid = grid_for(scaled, grid)
                members.append(_Member(scaled, self._all(scaled, grid.tolist(), problem.tol)))
                members[-1].go_on(progress)
            while waiting := [member for member in members if member.waits is not None]:
                _serve([member.waits for member in waiting if member.waits is not None], waiting[0].problem)
                for member in waiting:
                    member.go_on(progress)
        except KeyboardInterrupt:
            if not any(member.solutions for member in members):
                raise
        return tuple(member.path() for member in members if member.solutions)

    def _all(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution | Pass]:
        top = lambda_max(problem)
        for lam in lambdas:
            if lam >= top and np.isfinite(top) and lam > 0.0:
                # By the definition of λ_max; an iteration could only add rounding to these exact zeros.
                yield problem.solution(lam, problem.null, certify(problem, lam, problem.null, tol), 0)
        yield from self.walk(problem, [lam for lam in lambdas if lam > 0.0 and not lam >= top], tol)
        if lambdas and lambdas[-1] == 0.0:
            yield solve_unpenalised(problem, tol)


class Successive(Solver):
    """An engine that finishes one member after the other from what it gathers for all of them."""

    @abstractmethod
    def each(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None,
        known: Sequence[MemberPath | None],
    ) -> Iterator[MemberPath]:
        """Yield every member's path; those that are ``known`` as they are, and the others as if none had been."""

    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
    ) -> tuple[MemberPath, ...]:
        """All of them; an interrupt keeps what is finished."""
        return finished(self.each(problem, weights, lambdas, progress, [None] * len(weights)))


def finished(members: Iterable[MemberPath]) -> tuple[MemberPath, ...]:
    """The members up to an interrupt, which goes on where there is none."""
    found: list[MemberPath] = []
    try:
        for member in members:
            found.append(member)
            if member.interrupted:
                break
    except KeyboardInterrupt:
        if not found:
            raise
    return tuple(found)


class _Member:
    """One path on its way."""

    def __init__(self, problem: ScaledProblem, walk: Iterator[Solution | Pass]) -> None:
        self.problem, self._walk = problem, walk
        self.solutions: list[Solution] = []
        self.waits: Pass | None = None
        self._ended = False

    def go_on(self, progress: Progress | None) -> None:
        """To the next pass over X, or the end."""
        self.waits = None
        for step in self._walk:
            if isinstance(step, Pass):
                self.waits = step
                return
            self.solutions.append(step)
            if progress is not None:
                progress(1)
        self._ended = True

    def path(self) -> MemberPath:
        """What was solved."""
        problem = self.problem
        return MemberPath.stack(
            self.solutions, problem.null_loss, problem.saturated_loss, interrupted=not self._ended
        )


def _serve(passes: list[Pass], problem: ScaledProblem) -> None:
    """One product with X for all of them."""
    together = passes[0].pull if len(passes) == 1 else np.concatenate([one.pull for one in passes], axis=1)
    raw = problem.matrix.transpose_dot(together)
    stops = np.cumsum([one.pull.shape[1] for one in passes])[:-1]
    for one, part in zip(passes, np.split(raw, stops, axis=1), strict=True):
        one.raw = part
