"""One strength of a path on the columns looked at: the trend's guess, and Newton's steps until the gap is small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from taut.solvers.newton.local_penalty import LocalPenalty, Step
from taut.solvers.newton.outputs import Iterate
from taut.solvers.newton.parts import NewtonParts
from taut.solvers.newton.quadratic_model import QuadraticModel
from taut.solvers.problem.line_search import Standstill, backtrack, extrapolated
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.tolerances import EPS, rounding
from taut.types import Float, Index, Mask

_REBUILD = 0.3
"""A step that leaves more than this share of the gap was taken on a Hessian that is too old."""
_LEAST = 1e-6
"""Least share of the goal that a model is solved to: its gap may be far below the gap it leads to."""
_OFTEN = 3
"""Halvings of a step from which its model curves too little."""
_NEAR, _STAGE = 1e-3, 20
"""How near to its minimum an easier loss leads, and Newton steps for it at most."""
_SPARE = 100
"""Coordinates beyond twice the working ones that a Hessian may keep."""


@final
class RestrictedProblem:
    """The problem at one λ on the columns looked at, which are fewer than all of X."""

    def __init__(self, parts: NewtonParts, penalty: LocalPenalty, max_epochs: int) -> None:
        self._parts, self._rows, self._penalty = parts, parts.rows, penalty
        self._max_epochs = max_epochs
        self.mask: Mask = np.zeros(0, dtype=bool)
        problem = parts.rows.problem
        self._units = (
            problem.output_units if penalty.convex else np.full(parts.rows.classes, problem.gradient_unit)
        )
        self._unit = problem.unit if penalty.convex else problem.gradient_unit
        self._level = problem.level

    def restrict(self, mask: Mask, iterate: Iterate) -> Iterate:
        """Restrict the problem to these columns (p,) from now on; those that are new come into use at 0."""
        rows = self._rows
        if not np.array_equal(mask, self.mask):
            self.mask, columns = mask, self._parts.ordered(np.flatnonzero(mask))
            new = columns[rows.slot[columns] < 0]
            if new.size:
                rows.take_in(new)
            self._inside = rows.slot[columns]
            self._design = rows.design[self._inside]
            self._local = np.full(rows.design.shape[0], -1, dtype=np.intp)
            self._local[self._inside] = np.arange(columns.size)
            self._penalty.restrict(columns)
        return self._correlated(iterate._replace(coef=rows.padded(iterate.coef)))

    def _correlated(self, iterate: Iterate) -> Iterate:
        """With q on the columns looked at."""
        return iterate._replace(q=self._design @ iterate.neg_gradient.T)

    def extrapolated(self, iterate: Iterate, before: Float, tol: float) -> Iterate:
        """The last change once more, where that lowers F; a sign that would flip becomes 0."""
        free = self._rows.n_free
        if not before[free:].any():
            return iterate
        before = self._rows.padded(before)
        coef = iterate.coef + (iterate.coef - before)
        coef[free:] = extrapolated(iterate.coef[free:], before[free:])
        coef[self._inside] = self._penalty.boxed(coef[self._inside])
        moved = self._rows.moved(iterate, coef, _fine(tol))
        return self._correlated(moved) if self._total(moved) < self._total(iterate) else iterate

    def minimise(self, iterate: Iterate, goal: float, ratio: float, most: int) -> tuple[Iterate, int]:
        """Newton steps until the gap on the columns looked at is ``goal`` or a fresh one does not descend.

        A quadratic solved to the least share of the goal on coordinates that it had before leaves only rounding: no step helps,
        and none does where F and the gap no longer move: the least gap's point is returned.
        ``most`` bounds the steps, or where the loss is a quadratic the epochs of descent; returns how many were made.
        """
        exact = self._rows.exact
        gap, share, count = self.measure(iterate), 1.0 if exact else 0.01, 0
        rest, best = Standstill(gap), iterate
        while gap > goal and count < most:
            aim = share * (goal if exact else max(min(gap, 1.0), goal))
            covered = self._covered()
            before, (iterate, epochs, fresh) = iterate, self._steps(iterate, ratio, aim, goal, most - count)
            count += epochs if exact else 1
            after = self.measure(iterate) if iterate is not before else gap
            if iterate is before and fresh:
                break
            best = iterate if after < rest.least else best
            if rest.reached(after, self._fell(before, iterate)):
                return best, count
            if after > _REBUILD * gap:
                if exact and share <= _LEAST and covered == self._covered():
                    break
                for model in self._parts.models:
                    model.stale = not exact
                share = max(0.1 * share, _LEAST)
            gap = after
        return iterate, count

    def _fell(self, before: Iterate, after: Iterate) -> bool:
        """Whether F fell by more than its rounding."""
        start = self._total(before)
        return start - self._total(after) > rounding(start, self._rows.problem.unit)

    def _covered(self) -> list[int]:
        """How many coordinates each Hessian has."""
        return [model.index.size for model in self._parts.models]

    def _steps(
        self, iterate: Iterate, ratio: float, aim: float, goal: float, most: int
    ) -> tuple[Iterate, int, bool]:
        """One step of every model: the iterate, the epochs of descent, and whether all Hessians were built at ``iterate``.

        Models of outputs that do not touch each other step together, those of coupled classes one after the other.
        """
        working, total, fresh = self._working(iterate, ratio), 0, True
        models = self._models_for(working)
        for together in [[model] for model in models] if self._rows.coupled else [models]:
            for model in together:
                own = (
                    working if len(models) == 1 else working[working % self._rows.classes == model.classes[0]]
                )
                fresh &= model.cover(own, iterate)
            iterate, epochs = self._step(together, iterate, aim, goal, most)
            total = max(total, epochs)
        return iterate, total, fresh

    def narrowed(self, iterate: Iterate, ratio: float) -> Iterate:
        """Where minima lead while a loss comes down from an easier one to its own; ``iterate`` where that is no better.

        Far from the minimum a Huber loss of a small δ bends nowhere that matters, and Newton's steps see one kink after the
        other. A δ that comes down step by step keeps enough rows within it (Clark and Osborne, *SIAM J. Sci. Stat.
        Comput.* 7 (1986), §3).
        """
        own, moved, pieces = self._rows.problem, iterate, self._rows.pieces
        if pieces is None:
            return iterate
        for loss in pieces.wider(iterate.eta):
            self._bind(replace(own, loss=loss))
            moved, _ = self.minimise(self._correlated(self._rows.at(moved.coef)), _NEAR, ratio, _STAGE)
        self._bind(own)
        moved = self._correlated(self._rows.at(moved.coef))
        return moved if self._total(moved) < self._total(iterate) else iterate

    def _bind(self, problem: ScaledProblem) -> None:
        self._rows.bind(problem)
        for model in self._parts.models:
            model.stale = True

    def _working(self, iterate: Iterate, ratio: float) -> Index:
        """Coordinates that have a coefficient or come near the threshold."""
        k = self._rows.classes
        local = np.flatnonzero(
            self._penalty.working(iterate.coef[self._inside], iterate.q, 1.0 - 0.5 * (ratio - 1.0))
        )
        return self._inside[local // k] * k + local % k

    def _models_for(self, working: Index) -> list[QuadraticModel]:
        """One for all classes, or from too many coordinates on one for each; one that holds too much is built anew."""
        models, k = self._parts.models, self._rows.classes
        if len(models) == 1 and working.size > self._parts.joint and k > 1:
            models[:] = [QuadraticModel(self._rows, np.array([c])) for c in range(k)]
        if len(models) == 1 and models[0].index.size > 2 * working.size + _SPARE:
            models[0].stale = True
        return models

    def _step(
        self, models: Sequence[QuadraticModel], iterate: Iterate, aim: float, goal: float, most: int
    ) -> tuple[Iterate, int]:
        """To the models' minimisers, halved until F falls by a share of the promise (Lee et al. 2014, eq. 2.18)."""
        total = 0
        most = min(most, self._max_epochs) if self._rows.exact else self._max_epochs
        steps = [self._proposals(model, iterate, aim, most) for model in models]
        for proposed in zip(*steps, strict=True):
            total += max(epochs for _, _, epochs in proposed)
            if not all(np.isfinite(change).all() for change, _, _ in proposed):
                continue  # a model whose numbers are beyond all bounds has no minimiser to go to
            move = np.zeros_like(iterate.coef)
            for model, (change, _, _) in zip(models, proposed, strict=True):
                model.fill(move, change)
            usable = move.any() and np.isfinite(move).all()
            found = self._search(iterate, move, proposed[0][1], goal) if usable else iterate
            if found is not iterate:
                return found, total
        return iterate, total

    def _proposals(self, model: QuadraticModel, iterate: Iterate, aim: float, most: int) -> Iterator[Step]:
        k, index = self._rows.classes, model.index
        local = self._local[index // k]
        start, q = iterate.coef.reshape(-1)[index], iterate.q.reshape(-1)[local * k + index % k]
        model.rr = model.residual_square(iterate)
        aim *= float(self._units[model.classes].min())
        return self._penalty.steps(model, start, q, local, aim, most)

    def _search(self, iterate: Iterate, move: Float, halvings: int, goal: float) -> Iterate:
        inside = move[self._inside]
        now = self._penalty.value(iterate.coef[self._inside])
        before = iterate.loss + now
        level = rounding(before, self._rows.problem.unit)
        charge = self._penalty.value(iterate.coef[self._inside] + inside) - now
        gain = min(charge - float(np.vdot(iterate.q, inside)), 0.0)

        def at(step: float) -> Iterate:
            coef = iterate.coef + step * move
            coef[self._inside] = self._penalty.boxed(coef[self._inside])
            return self._rows.moved(iterate, coef, _fine(goal))

        longest = lambda: self._rows.longest(iterate, move, charge)  # noqa: E731 - asked where the whole step fails
        found = backtrack(at, self._total, before, gain, level, halvings, longest)
        self._learn(halvings if found is None else found.tried)
        return iterate if found is None else self._correlated(found.point)

    def _learn(self, halvings: int) -> None:
        """A model that had to be halved often curves too little: the next one is built with more care."""
        if halvings >= _OFTEN and self._rows.more_careful():
            for model in self._parts.models:
                model.stale = True
        elif halvings == 0:
            self._rows.less_careful()

    def terms(self, iterate: Iterate) -> tuple[float, float]:
        """The data loss L and the penalty λΩ at an iterate."""
        return iterate.loss, self._penalty.value(iterate.coef[self._inside])

    def _total(self, iterate: Iterate) -> float:
        return sum(self.terms(iterate))

    def measure(self, iterate: Iterate) -> float:
        """Relative gap on the columns looked at, or the distance to the subdifferential."""
        coef, penalty = iterate.coef[self._inside], self._penalty
        distance = penalty.distance(coef, iterate.q)
        if distance is not None:
            own = float(np.linalg.norm(self._rows.free_gradient(iterate), axis=0).max(initial=0.0))
            return max(distance, own, self._rows.noise(iterate)) / self._unit
        excess = self._rows.free_excess(iterate)
        if self._rows.problem.splits:
            return float(np.max((self._gaps(coef, iterate) + excess) / self._units))
        return float(self._gap(coef, iterate) + excess.sum()) / self._unit

    def _gap(self, coef: Float, iterate: Iterate) -> float:
        """F − D, no less than the rounding of F."""
        penalty, rows = self._penalty, self._rows
        shrink, conjugate = penalty.dual(iterate.q)
        dual = float(rows.conjugates(iterate, np.full(rows.classes, shrink)).sum()) + conjugate
        gap = iterate.loss + penalty.value(coef) + dual + penalty.unheld(coef, iterate.q)
        return max(gap, EPS * abs(iterate.loss)) + self._level

    def _gaps(self, coef: Float, iterate: Iterate) -> Float:
        """``_gap`` of each output alone (k,): what is relative to its own null loss hides none behind the others."""
        penalty, outputs = self._penalty, range(self._rows.classes)
        each = [(coef[:, c : c + 1], iterate.q[:, c : c + 1]) for c in outputs]
        shrink, conjugate = np.array([penalty.dual(q) for _, q in each]).T
        held = np.array([penalty.value(w) + penalty.unheld(w, q) for w, q in each])
        losses = self._rows.losses(iterate)
        gaps = losses + held + self._rows.conjugates(iterate, shrink) + conjugate
        return np.asarray(np.maximum(gaps, EPS * np.abs(losses)) + self._level)


def _fine(tol: float) -> float:
    return max(min(1e-10, 1e-4 * tol), 1e-15)
