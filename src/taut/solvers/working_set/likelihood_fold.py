"""Other losses on a working set: proximal Newton in coefficient space with a Hessian that is rebuilt only when it must be.

Between rebuilds the Hessian follows the gradients by BFGS where all columns are in use, and stays frozen where the set grows.
Nocedal and Wright, *Numerical Optimization* (2nd ed.), §6.1 (BFGS); Lee, Sun and Saunders, *SIAM J. Optimization* 24
(2014), §2 (proximal Newton with inexact Hessians).
"""

from __future__ import annotations

from functools import partial
from typing import final

import numpy as np

from taut.solvers._kernels.newton import dual_penalty, penalty_sum
from taut.solvers._kernels.quadratic import largest_distance
from taut.solvers.problem.curvature import eta_noise, row_bends
from taut.solvers.problem.intercept import best_intercept, centre, check_null_loss
from taut.solvers.problem.line_search import backtrack, extrapolated
from taut.solvers.problem.resume import Arrays, give, taken
from taut.solvers.problem.rows import LogisticRows, level_of, rows_of
from taut.solvers.problem.tangent import step_models
from taut.solvers.problem.tolerances import EPS, rounding
from taut.solvers.working_set.fold import FoldInputs, FoldState, Kept, RestrictedSolution
from taut.solvers.working_set.newton_models import EntryModel, NewtonModel, WorkingModel
from taut.types import Float, Index

_REBUILD = 0.3
"""A step that leaves more than this share of the gap was taken on a Hessian that is too old."""

_EPOCHS = 2_000
"""Of descent on one model, at most: the next one is a better place to go on."""

_SHORT = 100
"""Epochs entry by entry from which a Hessian, once it is there, is the cheaper way on: for all strengths that follow."""

_BOUNDLESS = 1e200
"""A promised fall of F that no step can keep."""
_MODEL = ("index", "H", "stale", "_updated", "row")
"""What a ``NewtonModel`` goes on from."""


@final
class LikelihoodFold(FoldState):
    """Logistic, Poisson and Huber losses, one output; the intercept is refitted exactly at every step."""

    def __init__(self, inputs: FoldInputs) -> None:
        super().__init__(inputs)
        problem, weight = self.problem, self.weight
        self._base = np.zeros(weight.size) if self.response.offset is None else self.response.offset
        self._rows = rows_of(problem.loss, self.response.target, weight)
        self._iterate = self._null_iterate()
        self._model = NewtonModel(self.columns, self.standardization, problem.fit_intercept)
        self._by_entry = True
        null_loss = check_null_loss(self._iterate.loss)
        self.start(self._iterate.neg_gradient, null_loss, self._rows.saturated())
        self._unit = self.unit

    def saved_of_loss(self) -> Arrays:
        """The iterate and the Hessian, which nothing but its whole history would lead to again."""
        iterate = {name: np.array(value) for name, value in self._iterate._asdict().items()}
        return iterate | taken(self._model, _MODEL) | {"by entry": np.array([self._by_entry], dtype=np.int64)}

    def resume_of_loss(self, arrays: Arrays) -> None:
        """The iterate and the Hessian as they were when they were saved."""
        give(self._model, _MODEL, arrays)
        self._by_entry = bool(arrays["by entry"][0])
        coef, intercept, eta, neg_gradient, loss, q, *_ = (
            arrays[name].copy() for name in RestrictedSolution._fields
        )
        self._iterate = RestrictedSolution(coef, float(intercept), eta, neg_gradient, float(loss), q)

    def _null_iterate(self) -> RestrictedSolution:
        intercept = 0.0
        if self.problem.fit_intercept:
            intercept = float(best_intercept(self._rows, self._base))
        return self._at(np.zeros(0), intercept, self._base + intercept)

    def _at(self, coef: Float, intercept: float, eta: Float) -> RestrictedSolution:
        """The point with its loss, negative row gradients and q; the intercept moves to its own optimum first."""
        if self.problem.fit_intercept:
            shift, eta, loss, neg_gradient = centre(self._rows, eta)
            intercept += shift
        else:
            loss, neg_gradient = self._rows.at(eta)
        q = self.correlate(neg_gradient) if coef.size else coef
        return RestrictedSolution(coef, intercept, eta, neg_gradient, loss, q)

    def grow(self, fresh: int) -> None:
        """Let the columns that came into use start at 0, and bring q to their number."""
        iterate = self._iterate
        coef = np.zeros(self.columns.used.size)
        coef[: iterate.coef.size] = iterate.coef
        self._iterate = iterate._replace(coef=coef, q=self.correlate(iterate.neg_gradient))

    def solve(self, lambdas: Float, tol: float, max_epochs: int) -> list[RestrictedSolution]:
        """One strength after the other, each from the last and its trend."""
        iterate, points = self._iterate, []
        before, reached = iterate.coef, self.reached
        for lam in lambdas.tolist():
            if lam >= self.top:
                points.append(iterate._replace(lam=lam))
                continue
            coef = self._trend(iterate.coef, before)
            before, moved = iterate.coef, iterate
            if coef is not None:
                eta = self._base + iterate.intercept + self.predictor(coef)
                moved = self._at(coef, iterate.intercept, eta)
                if self._total(moved, lam) > self._total(iterate, lam):
                    moved = iterate
            iterate, steps = self._newton(moved, lam, min(reached / lam, 2.0), tol, max_epochs)
            points.append(iterate._replace(lam=lam, epochs=steps))
            reached = lam
        return points

    def _trend(self, coef: Float, before: Float) -> Float | None:
        """Coefficients to begin at, within their bounds; None where those of the last strength are the better ones."""
        if before.size != coef.size or not before.any() or self._whole:
            # With all columns in the model, the next strength's own quadratic is the better predictor.
            return None
        used = self.columns.used
        return np.clip(extrapolated(coef, before), self.table.lower[used], self.table.upper[used])

    def _newton(
        self, iterate: RestrictedSolution, lam: float, ratio: float, tol: float, max_epochs: int
    ) -> tuple[RestrictedSolution, int]:
        gap, goal, share = self._measure(iterate, lam), 0.9 * tol, 0.1
        most = self.problem.most(100)
        for count in range(1, most + 1):
            working = self._working(iterate, lam, ratio)
            model, fresh = self._model_at(iterate, working)
            new = self._step(model, iterate, lam, share * max(min(gap, 1.0), goal), max_epochs)
            after = self._measure(new, lam) if new is not iterate else gap
            if after <= goal:
                return new, count
            if new is iterate and fresh:
                return iterate, count
            if after > _REBUILD * gap:
                self._model.stale = True
                # A model's gap may be far below the gap it leads to.
                share = max(0.1 * share, 1e-6)
            iterate, gap = new, after
        return iterate, most

    def _model_at(self, iterate: RestrictedSolution, working: Index) -> tuple[WorkingModel, bool]:
        """The quadratic that proposes the next step, and whether it has the curvature of ``iterate``."""
        parts = self.columns.entries if self._by_entry else None
        if parts is not None and working.size:
            row, centred = self._curvature(iterate), self.problem.fit_intercept
            return EntryModel(self.columns, parts, self.standardization, centred, working, row), True
        return self._model, self._model.cover(working, partial(self._curvature, iterate))

    def _curvature(self, iterate: RestrictedSolution) -> Float:
        """s ℓ'' (n,), bounded away from zero where a row's slope is not as small."""
        return row_bends(self._rows, iterate.eta, iterate.neg_gradient)

    def _working(self, iterate: RestrictedSolution, lam: float, ratio: float) -> Index:
        """Columns in use that have a coefficient or come near the threshold."""
        if self._whole:
            return np.flatnonzero(self._open[self.columns.used])
        l1, _, lower, upper = self.rho(lam)
        near = np.abs(iterate.q) >= (1.0 - 0.5 * (ratio - 1.0)) * l1
        held = (lower == 0.0) & (upper == 0.0)
        return np.flatnonzero((near & ~held) | (iterate.coef != 0.0))

    def _step(
        self, model: WorkingModel, iterate: RestrictedSolution, lam: float, tol: float, max_epochs: int
    ) -> RestrictedSolution:
        """Minimise the quadratic model on the working columns, then halve the step until F falls by a share of the promise."""
        index = model.index
        part, start = iterate.coef[index], iterate.q[index]
        with np.errstate(over="ignore", invalid="ignore"):
            c = model.curved(part) + start
            residual = iterate.neg_gradient / np.maximum(model.row, 1e-300)
            bb = float(iterate.neg_gradient @ residual) + float((start + c) @ part)
        for terms, knee, flat, halvings in self._models(index, part, lam):
            most, aim = min(max_epochs, _EPOCHS), tol * self._unit
            w, epochs = model.minimise(part, start, c, bb, terms, knee, flat, aim, most)
            self._by_entry &= model is self._model or epochs < _SHORT
            move = np.zeros_like(iterate.coef)
            move[index] = w - part
            # A model whose numbers are beyond all bounds has no minimiser to go to.
            usable = move.any() and np.isfinite(move).all()
            found = self._search(iterate, move, lam, halvings) if usable else iterate
            if found is not iterate:
                return found
        return iterate

    def _models(self, index: Index, part: Float, lam: float) -> list[tuple[Float, float, float, int]]:
        """The penalties that a step may minimise, as the kernel reads them, and how often each step may be halved."""
        if self.table.convex:
            # A slice by numbers would be column-major, and the kernel compiled once more for it.
            return [(np.take(self.rho(lam), index, axis=1), 0.0, np.inf, 30)]
        models = step_models(self.table.take(self.columns.used[index]).at(lam), part)
        return [(model.terms(), model.knee, model.flat, halvings) for model, halvings in models]

    def _search(
        self, iterate: RestrictedSolution, move: Float, lam: float, halvings: int
    ) -> RestrictedSolution:
        now = self._penalty(iterate.coef, lam)
        before = iterate.loss + now
        with np.errstate(over="ignore", invalid="ignore"):
            gain = min(self._penalty(iterate.coef + move, lam) - now - float(iterate.q @ move), 0.0)
        if not gain > -_BOUNDLESS:
            return iterate  # beyond such a promise F itself, where counts are held to numbers, would seem to fall
        level = rounding(before, self.reference)
        with np.errstate(over="ignore", invalid="ignore"):  # far beyond the minimum; F says so
            found = backtrack(
                lambda step: self._moved(iterate, step * move),
                lambda point: self._total(point, lam),
                before, gain, level, halvings,
            )  # fmt: skip
        if found is None:
            return iterate
        self._model.follow(found.step * move, iterate.q - found.point.q)
        return found.point

    def _moved(self, iterate: RestrictedSolution, move: Float) -> RestrictedSolution:
        """``iterate`` after a step; one sweep over X where all its columns move and no intercept follows."""
        kept, rows = self.columns.kept, self._rows
        used = self.columns.used
        coef = np.clip(iterate.coef + move, self.table.lower[used], self.table.upper[used])
        if kept is None or not isinstance(rows, LogisticRows) or not self._sweeps:
            return self._at(coef, iterate.intercept, iterate.eta + self.predictor(move))
        slopes, shift = self.slopes(move)
        eta = iterate.eta - shift
        loss, neg_gradient, raw = rows.step(kept, slopes, eta)
        q = self.in_units(raw, neg_gradient.sum())
        return RestrictedSolution(coef, iterate.intercept, eta, neg_gradient, loss, q)

    @property
    def _whole(self) -> bool:
        """All columns are in use, and dense: a product with all of them is as fast as with some."""
        return self.columns.used.size == self.columns.p and self.columns.kept is not None

    @property
    def _sweeps(self) -> bool:
        return not self.problem.fit_intercept and self._whole

    def _penalty(self, coef: Float, lam: float) -> float:
        return penalty_sum(coef, self.rho(lam), self.table.knee, self.table.flat)

    def _total(self, iterate: RestrictedSolution, lam: float) -> float:
        return iterate.loss + self._penalty(iterate.coef, lam)

    def _measure(self, iterate: RestrictedSolution, lam: float) -> float:
        """Relative gap on the columns in use, or the distance to the subdifferential; the intercept's own slope is in it."""
        rho = self.rho(lam)
        slope = abs(float(iterate.neg_gradient.sum())) if self.problem.fit_intercept else 0.0
        if not self.table.convex:
            distance = float(largest_distance(iterate.coef, iterate.q, rho, self.table.knee, self.table.flat))
            noise = eta_noise(self._rows, iterate.eta)
            return max(distance, slope, noise) / self._unit
        shrink, conjugate = dual_penalty(iterate.q, rho)
        dual = (
            self._rows.conjugate(iterate.neg_gradient, -shrink)
            + shrink * float(iterate.neg_gradient @ self._base)
            + conjugate
        )
        gap = self._total(iterate, lam) + dual + slope * (self._rows.reach + abs(iterate.intercept))
        return (max(gap, EPS * abs(iterate.loss)) + level_of(self.problem.loss)) / self._unit

    def certified(self, point: RestrictedSolution, q: Float) -> Kept:
        """The gap at the point, from exact correlations."""
        return Kept(point, self._measure(point._replace(q=q), point.lam), self.held_out(point.eta))

    def go_on_from(self, point: RestrictedSolution, q: Float) -> None:
        """Let the next step start at ``point``, with its exact q."""
        self._iterate = point._replace(coef=point.coef.copy(), q=q.copy())
