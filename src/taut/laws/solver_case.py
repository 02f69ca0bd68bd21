"""A solver with one linear problem, what its answers are compared with, and the ways to say that a law is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from taut.laws.definition import Definition, Linear, LinearPoint
from taut.laws.requirement import require
from taut.penalties import GroupLasso, Separable
from taut.solvers import MemberPath, Solver
from taut.types import Float

TINY = 1e-9
"""Rounding, relative: sums of a few hundred terms lose far less, a wrong formula far more."""
TOL = 1e-8
"""The tolerance that solvers are asked for."""


@dataclass(frozen=True, eq=False)
class SolverCase:
    """A solver, a problem for it, a source of randomness, and strengths where they are not to be the problem's own."""

    solver: Solver
    data: Linear
    rng: np.random.Generator
    strengths: tuple[float, ...] = ()

    @cached_property
    def judge(self) -> Definition:
        """F of the problem."""
        return Definition(self.data)

    @cached_property
    def factors(self) -> Float:
        """The factor of every column; a column in no group has factor 0."""
        p, penalty = self.data.X.shape[1], self.data.penalty
        if isinstance(penalty, GroupLasso):
            return np.where(penalty.labels(p) < 0, 0.0, 1.0)
        given = penalty.factors if isinstance(penalty, Separable) else None
        return np.broadcast_to(np.asarray(1.0 if given is None else given, dtype=np.float64), p)

    @cached_property
    def free(self) -> NDArray[np.bool_]:
        """Which columns the penalty leaves alone."""
        return np.asarray(self.factors == 0.0)

    @cached_property
    def null(self) -> LinearPoint:
        """The model of the intercept and the free columns alone, by a quasi-Newton method."""
        judge, (p, outputs) = self.judge, (self.data.X.shape[1], self.judge.outputs)
        lead = int(self.data.fit_intercept and not self.data.penalize_intercept)

        def point(theta: Float) -> LinearPoint:
            rows = theta.reshape(-1, *outputs)
            coef = np.zeros((p, *outputs))
            coef[self.free] = rows[lead:]
            return LinearPoint(coef, rows[0] if lead else np.zeros(outputs))

        def slope(theta: Float) -> Float:
            gradient = judge.gradient(point(theta))
            return np.concatenate([gradient.intercept[None][:lead], gradient.coef[self.free]]).ravel()

        start = np.zeros((lead + int(self.free.sum()), *outputs)).ravel()
        if start.size:
            options = {"gtol": 1e-11}
            loss = scipy.optimize.minimize(
                lambda t: judge.data_loss(point(t)), start, jac=slope, options=options
            )
            start = loss.x
        return point(start)

    @cached_property
    def pull(self) -> LinearPoint:
        """∇L at the null model; 0 on the free columns and on excluded ones."""
        coef, intercept = self.judge.gradient(self.null)
        charged = (self.factors > 0.0) & np.isfinite(self.factors)
        return LinearPoint(np.where(charged.reshape(-1, *(1,) * (coef.ndim - 1)), coef, 0.0), intercept)

    @property
    def pull_size(self) -> float:
        """What a distance to the subdifferential is relative to."""
        own = np.abs(self.pull.intercept).max() if self.data.penalize_intercept else 0.0
        return float(max(np.abs(self.pull.coef).max(), own))

    @cached_property
    def unit(self) -> float:
        """Null loss minus saturated loss: what a gap is relative to."""
        saturated = float(self.judge.s @ np.asarray(self.data.loss.saturated(self.judge.y)))
        return self.judge.data_loss(self.null) - saturated

    @cached_property
    def lambda_max(self) -> float:
        """The strength from which on all is zero; inf where there is none."""
        top = float(self.judge.penalty.lambda_max(self.pull.coef))
        if not self.data.penalize_intercept:
            return top
        return max(top, float(self.judge.of_intercept.lambda_max(self.pull.intercept[None])))

    @cached_property
    def lambdas(self) -> list[float]:
        """A short path from λ_max down, or from a strength that leaves little."""
        top = self.lambda_max if np.isfinite(self.lambda_max) else 10.0 * float(np.abs(self.pull.coef).max())
        return list(self.strengths) or [top * share for share in (0.7, 0.3, 0.05)]

    @cached_property
    def path(self) -> MemberPath:
        """The solver's answer along it."""
        return self.solve(self.data)

    @property
    def convex(self) -> bool:
        """Whether the penalty is."""
        return self.data.penalty.traits.convex

    def on(self, data: Linear) -> SolverCase:
        """The same solver with another problem, at this case's strengths."""
        return replace(self, data=data, strengths=tuple(self.lambdas))

    def solve(
        self, data: Linear, lambdas: Sequence[float] | None = None, X: object = None, tol: float = TOL
    ) -> MemberPath:
        """The solver's path of ``data``, at this case's strengths."""
        chosen = self.lambdas if lambdas is None else lambdas
        return self.solver.paths(data.problem(tol, X), data.weight[None], chosen)[0]

    def points(self, path: MemberPath) -> list[LinearPoint]:
        """A path's coefficients, in the units of this problem, on the scale of F."""
        return [self.judge.point(c, b) for c, b in zip(path.coefs, path.intercepts, strict=True)]

    def require(self, law: str, excess: Any, tol: float = 0.0) -> None:
        """Raise AssertionError, naming the law, unless every entry of ``excess`` is ≤ ``tol``; NaN fails."""
        require(repr(self.solver), law, excess, tol, f" on {self.data.loss!r} with {self.data.penalty!r}")

    def equal(self, law: str, actual: Any, expected: Any, tol: float = TINY) -> None:
        """``require`` that two results are the same, relative to the size of the expected one."""
        a, b = np.asarray(actual, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        self.require(f"{law}: shapes {a.shape} and {b.shape} agree", a.shape != b.shape)
        self.require(law, np.abs(a - b), tol * float(np.max(np.abs(b), initial=1e-300)))

    def same_solution(self, law: str, other: MemberPath) -> None:
        """``require`` that another path, its coefficients in this problem's units, solves this problem as well as its own.

        Two solutions of a convex problem have the same F, up to their gaps; one of another problem has not. Without
        convexity they may differ, but each must be stationary.
        """
        own = dict(
            zip(self.lambdas, zip(self.points(self.path), self.path.certificates, strict=True), strict=True)
        )
        for lam, at, certificate in zip(
            other.lambdas.tolist(), self.points(other), other.certificates, strict=True
        ):
            if self.convex:
                best = self.judge.objective(lam, own[lam][0])
                allowed = (certificate.value + own[lam][1].value + TINY) * self.unit + TINY * abs(best)
                self.require(law, abs(self.judge.objective(lam, at) - best), allowed)
            else:
                self.require(law, self.judge.residual(lam, at) / self.pull_size, certificate.value + 1e-7)
