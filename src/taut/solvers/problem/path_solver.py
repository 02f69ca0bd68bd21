"""What all path engines share: one scaled problem per row-weight vector, λ = 0 solved exactly, interruption kept clean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.solvers.base import CheckpointStore, LinearProblem, MemberPath, Progress, Solution, Solver
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.grid import grid_for, lambda_max
from taut.solvers.problem.lambda_zero import solve_unpenalized
from taut.solvers.problem.resume import StoredCall
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.types import Float


@final
class GradientRequest:
    """A product with X that a fold waits for: negative row gradients (n, k) are given, ``raw`` is Xᵀ times these (p, k)."""

    def __init__(self, neg_gradient: Float) -> None:
        self.neg_gradient, self.raw = neg_gradient, np.empty((0, neg_gradient.shape[1]))


@dataclass(frozen=True)
class PathEngine(Solver):
    """A solver that walks along one member's path; members that wait for a pass over X are served together."""

    @abstractmethod
    def walk(
        self, problem: ScaledProblem, lambdas: list[float], tol: float
    ) -> Iterator[Solution | GradientRequest]:
        """Yield one solution per λ > 0, strongest first, and a ``GradientRequest`` wherever it needs Xᵀ times something."""

    def paths(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None = None,
        store: CheckpointStore | None = None,
    ) -> tuple[MemberPath, ...]:
        """All on one grid; with a store one member after the other, each kept when it is finished."""
        if store is None:
            return self._together(problem, weights, lambdas, progress)
        call = StoredCall(store, len(weights), progress)
        return call.kept(self._one_by_one(problem, weights, lambdas, progress, call.known))

    def _one_by_one(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None,
        known: Sequence[MemberPath | None],
    ) -> Iterator[MemberPath]:
        """Members are nothing to each other; one that is known is not fitted."""
        grid = lambdas
        for weight, fold in zip(weights, known, strict=True):
            found = self._together(problem, weight[None], grid, progress)[0] if fold is None else fold
            grid = found.lambdas
            yield found

    def _together(
        self,
        problem: LinearProblem,
        weights: Float,
        lambdas: int | Sequence[float] | Float,
        progress: Progress | None,
    ) -> tuple[MemberPath, ...]:
        """A member goes on until it ends or waits for a pass over X."""
        folds: list[_FoldPath] = []
        grid = lambdas
        try:
            for weight in weights:
                scaled = scale_problem(problem, weight)
                grid = grid_for(scaled, grid)
                folds.append(_FoldPath(scaled, self._all(scaled, grid.tolist(), problem.tol)))
                folds[-1].go_on(progress)
            while waiting := [fold for fold in folds if fold.waits is not None]:
                _serve([fold.waits for fold in waiting if fold.waits is not None], waiting[0].problem)
                for fold in waiting:
                    fold.go_on(progress)
        except KeyboardInterrupt:
            if not any(fold.solutions for fold in folds):
                raise
        return tuple(fold.path() for fold in folds if fold.solutions)

    def _all(
        self, problem: ScaledProblem, lambdas: list[float], tol: float
    ) -> Iterator[Solution | GradientRequest]:
        top = lambda_max(problem)
        for lam in lambdas:
            if lam >= top and np.isfinite(top) and lam > 0.0:
                # By the definition of λ_max; an iteration could only add rounding to these exact zeros.
                yield problem.solution(lam, problem.null, certify(problem, lam, problem.null, tol), 0)
        yield from self.walk(problem, [lam for lam in lambdas if lam > 0.0 and not lam >= top], tol)
        if lambdas and lambdas[-1] == 0.0:
            yield solve_unpenalized(problem, tol)


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
        store: CheckpointStore | None = None,
    ) -> tuple[MemberPath, ...]:
        """All of them; an interrupt keeps what is finished."""
        call = StoredCall(store, len(weights), progress)
        return call.kept(self.each(problem, weights, lambdas, progress, call.known))


class _FoldPath:
    """One path on its way."""

    def __init__(self, problem: ScaledProblem, walk: Iterator[Solution | GradientRequest]) -> None:
        self.problem, self._walk = problem, walk
        self.solutions: list[Solution] = []
        self.waits: GradientRequest | None = None
        self._ended = False

    def go_on(self, progress: Progress | None) -> None:
        """To the next pass over X, or the end."""
        self.waits = None
        for step in self._walk:
            if isinstance(step, GradientRequest):
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


def _serve(passes: list[GradientRequest], problem: ScaledProblem) -> None:
    """One product with X for all of them."""
    together = (
        passes[0].neg_gradient
        if len(passes) == 1
        else np.concatenate([one.neg_gradient for one in passes], axis=1)
    )
    raw = problem.matrix.transpose_dot(together)
    stops = np.cumsum([one.neg_gradient.shape[1] for one in passes])[:-1]
    for one, part in zip(passes, np.split(raw, stops, axis=1), strict=True):
        one.raw = part
