"""Multinomial paths: proximal Newton on pairs of a column and a class, with a Hessian that is rebuilt only when it must be.

All classes of the symmetric softmax move together while their Hessian has at most ``joint`` rows, else class after class.
Friedman, Hastie and Tibshirani, *J. Statistical Software* 33 (2010), §4 (the symmetric multinomial); Lee, Sun and Saunders,
*SIAM J. Optimization* 24 (2014), §2 (proximal Newton with inexact Hessians).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taut.losses import Multinomial
from taut.penalties import Table
from taut.solvers._kernels.newton import dual_penalty, penalty_sum
from taut.solvers._kernels.quadratic import largest_distance
from taut.solvers.base import Solution
from taut.solvers.certificate import certify
from taut.solvers.coordinate import strength_table, strong_set, violators
from taut.solvers.engine import PathEngine
from taut.solvers.matrix import Float, Index
from taut.solvers.scaled import ScaledProblem, State
from taut.solvers.softmax_model import PairModel
from taut.solvers.softmax_rows import Place, SoftmaxRows

Mask = NDArray[np.bool_]

_REBUILD = 0.3
"""A step that leaves more than this share of the gap was taken on a Hessian that is too old."""


@dataclass(frozen=True)
class SoftmaxNewton(PathEngine):
    """Softmax losses with separable penalties; at most ``joint`` pairs share one Hessian."""

    max_newton: int = 200
    max_epochs: int = 1_000
    max_rounds: int = 50
    joint: int = 2_500

    def walk(self, problem: ScaledProblem, lambdas: list[float], tol: float) -> Iterator[Solution]:
        """Solve at each λ on the columns in use, then look at every column."""
        if not isinstance(problem.loss, Multinomial):
            raise TypeError(
                f"the softmax engine is for Multinomial, not {problem.loss!r}: use ProximalNewton"
            )
        table = strength_table(problem, 1.0)
        walker = _Walker(problem, table, self)
        for lam in lambdas:
            yield walker.solve(lam, tol)


class _Walker:
    """One member: where it is on its path, and the model that it keeps."""

    def __init__(self, problem: ScaledProblem, table: Table, options: SoftmaxNewton) -> None:
        self._problem, self._options = problem, options
        self._rows = SoftmaxRows(problem)
        held = (table.lower == 0.0) & (table.upper == 0.0)
        self._open = ~held & ~problem.free & ~problem.constant
        self._gradient = problem.slopes(problem.null)[1]
        self._models = [PairModel(self._rows, np.arange(self._rows.classes))]
        self._place = _padded(self._rows, self._rows.start())
        self._before = self._place.coef
        self._reached = np.inf

    def solve(self, lam: float, tol: float) -> Solution:
        """The next λ, from the last and its trend."""
        problem, options = self._problem, self._options
        table = strength_table(problem, lam)
        ratio = min(max(self._reached / lam, 1.0), 2.0)
        self._take_in(strong_set(self._gradient, table, 2.0 - ratio))
        inner, steps, start = 0.9 * tol, 0, self._place
        point = _Strength(self._rows, lam, table, self._models, options)
        place = point.ahead(start, self._before, tol)
        for _ in range(options.max_rounds):
            place, used = point.minimise(place, inner, ratio)
            steps += used
            place, state = self._settled(place)
            self._gradient = problem.slopes(state)[1]
            certificate = certify(problem, lam, state, tol)
            wrong = violators(self._gradient, table) & self._open & (self._rows.slot < 0)
            if certificate.met or (not wrong.any() and inner < 1e-3 * tol):
                break
            if not wrong.any():
                inner *= 0.1
            self._rows.take_in(np.flatnonzero(wrong))
            place = _padded(self._rows, place)
        self._before, self._place, self._reached = start.coef, place, lam
        return problem.solution(lam, state, certificate, steps)

    def _take_in(self, near: Mask) -> None:
        new = np.flatnonzero(near & self._open & (self._rows.slot < 0))
        if new.size:
            self._rows.take_in(new)
            self._place = _padded(self._rows, self._place)

    def _settled(self, place: Place) -> tuple[Place, State]:
        """η from scratch, and what nothing penalises at its optimum."""
        place = self._rows.at(place.coef)
        state = self._rows.state(place)
        if (self._problem.unpenalised & ~self._problem.free).any():
            state = self._problem.polish(state)
        return place, state


class _Strength:
    """The problem at one λ on the columns in use."""

    def __init__(
        self, rows: SoftmaxRows, lam: float, table: Table, models: list[PairModel], options: SoftmaxNewton
    ) -> None:
        self._rows, self._lam, self._models, self._options = rows, lam, models, options
        self._problem, self._all, self._width = rows.problem, table, -1

    def _refresh(self) -> None:
        """Read the penalty on the columns in use; the leading ones have none."""
        rows = self._rows
        if self._width == rows.features.size:
            return
        self._width = rows.features.size
        own, lead = self._all.take(rows.features), np.zeros(rows.lead)
        endless = np.full(rows.lead, np.inf)
        self._table = own._replace(
            l1=np.concatenate([lead, own.l1]), l2=np.concatenate([lead, own.l2]),
            lower=np.concatenate([-endless, own.lower]), upper=np.concatenate([endless, own.upper]),
        )  # fmt: skip
        self._rho = np.repeat(own.terms(), rows.classes, axis=1)

    def ahead(self, place: Place, before: Float, tol: float) -> Place:
        """The last change once more, where that lowers F; a sign that would flip becomes 0."""
        self._refresh()
        old = np.zeros_like(place.coef)
        old[: before.shape[0]] = before
        if not old[self._rows.lead :].any():
            return place
        coef = place.coef + (place.coef - old)
        inside = coef[self._rows.lead :]
        inside[inside * place.coef[self._rows.lead :] <= 0.0] = 0.0
        table = self._table
        coef = np.clip(coef, table.lower[:, None], table.upper[:, None])
        moved = self._rows.moved(place, coef - place.coef, self._fine(tol))
        return moved if self._total(moved) < self._total(place) else place

    def minimise(self, place: Place, goal: float, ratio: float) -> tuple[Place, int]:
        """Newton's steps until the gap on the columns in use is at most ``goal``, or a fresh step does not descend."""
        self._refresh()
        gap, share, count = self._measure(place), 0.01, 0
        for count in range(1, self._options.max_newton + 1):
            if gap <= goal:
                return place, count - 1
            working = self._working(place, ratio)
            fresh, start = True, place
            for model in self._models_for(working):
                fresh &= model.cover(working[np.isin(working % self._rows.classes, model.classes)], place)
                place = self._step(model, place, share * max(min(gap, 1.0), goal), goal)
            after = self._measure(place) if place is not start else gap
            if place is start and fresh:
                return place, count
            if after > _REBUILD * gap:
                for model in self._models:
                    model.stale = True
                # A model's gap may be far below the gap it leads to.
                share = max(0.1 * share, 1e-6)
            gap = after
        return place, count

    def _working(self, place: Place, ratio: float) -> Index:
        """Pairs that have a coefficient or come near the threshold."""
        lead = self._rows.lead
        coef, q = place.coef[lead:].ravel(), place.q[lead:].ravel()
        near = np.abs(q) >= (1.0 - 0.5 * (ratio - 1.0)) * self._rho[0]
        pairs = np.flatnonzero(near | (coef != 0.0))
        return np.asarray(pairs + lead * self._rows.classes)

    def _models_for(self, working: Index) -> list[PairModel]:
        """One for all classes, or from too many pairs on one for each."""
        if len(self._models) == 1 and working.size > self._options.joint and self._rows.classes > 1:
            self._models[:] = [PairModel(self._rows, np.array([c])) for c in range(self._rows.classes)]
        return self._models

    def _step(self, model: PairModel, place: Place, tol: float, goal: float) -> Place:
        """To the model's minimiser, halved until F falls by a share of the promise (Lee et al. 2014, eq. 2.18)."""
        for target, halvings in model.targets(place, self._table, tol * self._unit, self._options.max_epochs):
            move = model.move(place, target)
            found = self._search(place, move, halvings, goal) if move.any() else place
            if found is not place:
                return found
        return place

    def _search(self, place: Place, move: Float, halvings: int, goal: float) -> Place:
        before = self._total(place)
        promise = self._penalty(place.coef + move) - self._penalty(place.coef) - float(np.vdot(place.q, move))
        gain = min(promise, 0.0)
        for power in range(halvings):
            step = 0.5**power
            new = self._rows.moved(place, step * move, self._fine(goal))
            fall = self._total(new) - before
            if fall <= 1e-3 * step * gain or (power == 0 and abs(fall) <= 1e-14 * abs(before)):
                return new
        return place

    @staticmethod
    def _fine(tol: float) -> float:
        return max(min(1e-8, 1e-3 * tol), 1e-15)

    @property
    def _unit(self) -> float:
        return self._problem.unit if self._all.kind == 0 else self._problem.pull

    def _penalty(self, coef: Float) -> float:
        return float(penalty_sum(coef[self._rows.lead :].ravel(), self._rho, self._all.kind, self._all.gamma))

    def _total(self, place: Place) -> float:
        return place.loss + self._penalty(place.coef)

    def _measure(self, place: Place) -> float:
        """Relative gap on the columns in use, or the distance to the subdifferential."""
        lead, table = self._rows.lead, self._all
        coef, q = place.coef[lead:].ravel(), place.q[lead:].ravel()
        if table.kind != 0:
            return float(largest_distance(coef, q, self._rho, table.kind, table.gamma)) / self._unit
        shrink, conjugate = dual_penalty(q, self._rho)
        gap = self._total(place) + self._rows.conjugate(place.pull, shrink) + conjugate
        return max(gap + self._unheld(coef, q), float(np.finfo(float).eps) * abs(place.loss)) / self._unit

    def _unheld(self, coef: Float, q: Float) -> float:
        """What columns that neither penalty nor bound holds back still pull: a gap has no room for it."""
        rho = self._rho
        endless = (rho[0] == 0.0) & (rho[1] == 0.0) & np.isinf(np.where(q > 0.0, rho[3], rho[2]))
        return float(np.abs(q[endless]) @ (1.0 + np.abs(coef[endless]))) if endless.any() else 0.0


def _padded(rows: SoftmaxRows, place: Place) -> Place:
    """``place`` with the columns that came in since, at 0."""
    coef = np.zeros((rows.design.shape[0], rows.classes))
    coef[: place.coef.shape[0]] = place.coef
    return place._replace(coef=coef, q=rows.correlate(place.pull))
