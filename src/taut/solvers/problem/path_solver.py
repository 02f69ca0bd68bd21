"""What all path engines share: one scaled problem per row-weight vector, λ = 0 solved exactly, interruption kept clean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from taut.solvers.base import (
    CheckpointStore,
    EarlyStop,
    LinearProblem,
    MemberPath,
    Progress,
    Solution,
    Solver,
    StoppingSolver,
)
from taut.solvers.problem.certificate import certify
from taut.solvers.problem.grid import grid_for, lambda_max
from taut.solvers.problem.lambda_zero import solve_unpenalized
from taut.solvers.problem.resume import StoredCall
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.scaling import scale_problem
from taut.types import Float

_LEAD = 3
"""Strengths that a member may be ahead of the slowest one where all may be stopped: they share passes over X."""


@final
class GradientRequest:
    """A product with X that a fold waits for: negative row gradients (n, k) are given, ``raw`` is Xᵀ times these (p, k)."""

    def __init__(self, neg_gradient: Float) -> None:
        self.neg_gradient, self.raw = neg_gradient, np.empty((0, neg_gradient.shape[1]))


@dataclass(frozen=True)
class PathEngine(StoppingSolver):
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
        stop: EarlyStop | None = None,
    ) -> tuple[MemberPath, ...]:
        """All on one grid; with a store one member after the other, each kept when it is finished.

        Where all may be stopped, they walk side by side, and are kept when all are finished.
        """
        if store is None:
            return self._together(problem, weights, lambdas, progress, stop)
        call = StoredCall(store, len(weights), progress)
        if stop is None:
            return call.kept(self._one_by_one(problem, weights, lambdas, progress, call.known))
        known = [member for member in call.known if member is not None]
        return call.kept(
            known if len(known) == len(weights) else self._together(problem, weights, lambdas, progress, stop)
        )

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
        stop: EarlyStop | None = None,
    ) -> tuple[MemberPath, ...]:
        """A member goes on until it ends or waits for a pass over X, or for the others where all may be stopped."""
        folds: list[_FoldPath] = []
        grid = lambdas
        try:
            for weight in weights:
                scaled = scale_problem(problem, weight)
                grid = grid_for(scaled, grid)
                folds.append(_FoldPath(scaled, self._all(scaled, grid.tolist(), problem.tol)))
                if stop is None:
                    folds[-1].go_on(progress)
            _walk_all(folds, progress, stop)
        except KeyboardInterrupt:
            if not any(fold.solutions for fold in folds):
                raise
        end = None if stop is None else stop.end
        return tuple(fold.path(end) for fold in folds if fold.solutions)

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
        self.ended = False
        self._seen = 0

    def go_on(self, progress: Progress | None, most: float = np.inf) -> None:
        """To the next pass over X, or the end, but no further than ``most`` strengths."""
        self.waits = None
        while len(self.solutions) < most:
            step = next(self._walk, None)
            if step is None:
                self.ended = True
                return
            if isinstance(step, GradientRequest):
                self.waits = step
                return
            self.solutions.append(step)
            if progress is not None:
                progress(1)

    def path(self, end: int | None = None) -> MemberPath:
        """What was solved, up to where all members were stopped."""
        cut = end is not None and len(self.solutions) >= end
        return self._stacked(self.solutions[:end], interrupted=not (self.ended or cut))

    def fresh(self) -> MemberPath | None:
        """What was solved since it was last asked."""
        found, self._seen = self.solutions[self._seen :], len(self.solutions)
        return self._stacked(found, interrupted=True) if found else None

    def _stacked(self, solutions: Sequence[Solution], interrupted: bool) -> MemberPath:
        problem = self.problem
        return MemberPath.stack(solutions, problem.null_loss, problem.saturated_loss, interrupted)


def _walk_all(folds: Sequence[_FoldPath], progress: Progress | None, stop: EarlyStop | None) -> None:
    """Every fold to its end, or where ``stop`` ends them all."""
    while going := [fold for fold in folds if not fold.ended]:
        waiting = [fold for fold in going if fold.waits is not None]
        if waiting:
            _serve([fold.waits for fold in waiting if fold.waits is not None], waiting[0].problem)
        most = np.inf if stop is None else min(len(fold.solutions) for fold in going) + _LEAD
        for fold in going:
            fold.go_on(progress, most)
        if stop is not None:
            for member, fold in enumerate(folds):
                found = fold.fresh()
                if found is not None:
                    stop.see(member, found)
            if stop.end is not None:
                return


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
