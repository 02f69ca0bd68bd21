"""One strength of a path on the columns in focus: the trend's guess, and Newton's steps until the gap is small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from taut.solvers.newton.local_penalty import Shape
from taut.solvers.newton.outputs import PairRows, Place
from taut.solvers.newton.quadratic_model import PairModel
from taut.solvers.problem.rows import level_of
from taut.solvers.problem.scaled import ScaledProblem
from taut.solvers.problem.tolerances import EPS, accepts, rounding
from taut.types import Float, Index, Mask

_REBUILD = 0.3
"""A step that leaves more than this share of the gap was taken on a Hessian that is too old."""
_OFTEN = 3
"""Halvings of a step from which its model curves too little."""
_NEAR, _STAGE = 1e-3, 20
"""How near to its minimum an easier loss leads, and Newton steps for it at most."""
_SPARE = 100
"""Pairs beyond twice the working ones that a Hessian may keep."""


@final
@dataclass(eq=False)
class Kit:
    """What a member brings: rows, the penalty by strength, Hessians, when to part them, and an order of columns."""

    rows: PairRows
    shape: Callable[[float], Shape]
    models: list[PairModel]
    ordered: Callable[[Index], Index] = lambda columns: columns
    joint: float = np.inf


@final
class Strength:
    """The problem at one λ."""

    def __init__(self, kit: Kit, shape: Shape, max_epochs: int) -> None:
        self._kit, self._rows, self._shape = kit, kit.rows, shape
        self._max_epochs = max_epochs
        self.mask: Mask = np.zeros(0, dtype=bool)
        problem = kit.rows.problem
        self._units = problem.output_units if shape.convex else np.full(kit.rows.classes, problem.pull)
        self._unit = problem.unit if shape.convex else problem.pull
        self._level = level_of(problem.loss)

    def focus(self, mask: Mask, place: Place) -> Place:
        """Look at these columns (p,) from now on; those that are new come into use at 0."""
        rows = self._rows
        if not np.array_equal(mask, self.mask):
            self.mask, columns = mask, self._kit.ordered(np.flatnonzero(mask))
            new = columns[rows.slot[columns] < 0]
            if new.size:
                rows.take_in(new)
            self._inside = rows.slot[columns]
            self._design = rows.design[self._inside]
            self._local = np.full(rows.design.shape[0], -1, dtype=np.intp)
            self._local[self._inside] = np.arange(columns.size)
            self._shape.focus(columns)
        return self._seen(place._replace(coef=rows.padded(place.coef)))

    def _seen(self, place: Place) -> Place:
        """With q on the columns in focus."""
        return place._replace(q=self._design @ place.pull.T)

    def ahead(self, place: Place, before: Float, tol: float) -> Place:
        """The last change once more, where that lowers F; a sign that would flip becomes 0."""
        lead = self._rows.lead
        if not before[lead:].any():
            return place
        coef = place.coef + (place.coef - self._rows.padded(before))
        inside = coef[lead:]
        inside[inside * place.coef[lead:] <= 0.0] = 0.0
        coef[self._inside] = self._shape.boxed(coef[self._inside])
        moved = self._rows.moved(place, coef, _fine(tol))
        return self._seen(moved) if self._total(moved) < self._total(place) else place

    def minimise(self, place: Place, goal: float, ratio: float, most: int) -> tuple[Place, int]:
        """Newton steps, ``most`` at most, until the gap on the columns in focus is ``goal`` or a fresh one does not descend."""
        gap, share, count = self.measure(place), 0.01, 0
        for count in range(1, most + 1):
            if gap <= goal:
                return place, count - 1
            working = self._working(place, ratio)
            fresh, start = True, place
            for model in self._models_for(working):
                own = (
                    working
                    if len(self._kit.models) == 1
                    else working[np.isin(working % self._rows.classes, model.classes)]
                )
                fresh &= model.cover(own, place)
                place = self._step(model, place, share * max(min(gap, 1.0), goal), goal)
            after = self.measure(place) if place is not start else gap
            if place is start and fresh:
                return place, count
            if after > _REBUILD * gap:
                for model in self._kit.models:
                    # The squared loss has one Hessian.
                    model.stale = not self._rows.problem.squared
                # A model's gap may be far below the gap it leads to.
                share = max(0.1 * share, 1e-6)
            gap = after
        return place, count

    def narrowed(self, place: Place, ratio: float) -> Place:
        """Where minima lead while a loss comes down from an easier one to its own; ``place`` where that is no better.

        Far from the minimum a Huber loss of a small δ bends nowhere that matters, and Newton's steps see one kink after the
        other. A δ that comes down step by step keeps enough rows within it (Clark and Osborne, *SIAM J. Sci. Stat.
        Comput.* 7 (1986), §3).
        """
        own, moved, pieces = self._rows.problem, place, self._rows.pieces
        if pieces is None:
            return place
        for loss in pieces.wider(place.eta):
            self._bind(replace(own, loss=loss))
            moved, _ = self.minimise(self._seen(self._rows.at(moved.coef)), _NEAR, ratio, _STAGE)
        self._bind(own)
        moved = self._seen(self._rows.at(moved.coef))
        return moved if self._total(moved) < self._total(place) else place

    def _bind(self, problem: ScaledProblem) -> None:
        self._rows.bind(problem)
        for model in self._kit.models:
            model.stale = True

    def _working(self, place: Place, ratio: float) -> Index:
        """Pairs that have a coefficient or come near the threshold."""
        k = self._rows.classes
        local = np.flatnonzero(
            self._shape.working(place.coef[self._inside], place.q, 1.0 - 0.5 * (ratio - 1.0))
        )
        return self._inside[local // k] * k + local % k

    def _models_for(self, working: Index) -> list[PairModel]:
        """One for all classes, or from too many pairs on one for each; one that holds too much is built anew."""
        models, k = self._kit.models, self._rows.classes
        if len(models) == 1 and working.size > self._kit.joint and k > 1:
            models[:] = [PairModel(self._rows, np.array([c])) for c in range(k)]
        if len(models) == 1 and models[0].index.size > 2 * working.size + _SPARE:
            models[0].stale = True
        return models

    def _step(self, model: PairModel, place: Place, tol: float, goal: float) -> Place:
        """To the model's minimiser, halved until F falls by a share of the promise (Lee et al. 2014, eq. 2.18)."""
        k, index = self._rows.classes, model.index
        local = self._local[index // k]
        start, q = place.coef.reshape(-1)[index], place.q.reshape(-1)[local * k + index % k]
        model.rr = model.residual_square(place)
        goal_of_model = tol * float(self._units[model.classes].min())
        for change, halvings in self._shape.steps(model, start, q, local, goal_of_model, self._max_epochs):
            if not np.isfinite(change).all():
                continue  # a model whose numbers are beyond all bounds has no minimiser to go to
            move = model.move(place, change)
            found = self._search(place, move, halvings, goal) if move.any() else place
            if found is not place:
                return found
        return place

    def _search(self, place: Place, move: Float, halvings: int, goal: float) -> Place:
        inside = move[self._inside]
        now = self._shape.value(place.coef[self._inside])
        before = place.loss + now
        level = rounding(before, self._rows.problem.unit)
        charge = self._shape.value(place.coef[self._inside] + inside) - now
        gain = min(charge - float(np.vdot(place.q, inside)), 0.0)
        step = 1.0
        for power in range(halvings):
            if power:
                step = 0.5 * step if power > 1 else self._rows.longest(place, move, charge)
            coef = place.coef + step * move
            coef[self._inside] = self._shape.boxed(coef[self._inside])
            new = self._rows.moved(place, coef, _fine(goal))
            fall = self._total(new) - before
            if accepts(fall, step, gain, level):
                self._learn(power)
                return self._seen(new)
        self._learn(halvings)
        return place

    def _learn(self, halvings: int) -> None:
        """A model that had to be halved often curves too little: the next one is built with more care."""
        if halvings >= _OFTEN and self._rows.more_careful():
            for model in self._kit.models:
                model.stale = True
        elif halvings == 0:
            self._rows.less_careful()

    def terms(self, place: Place) -> tuple[float, float]:
        """L and Ω."""
        return place.loss, self._shape.value(place.coef[self._inside])

    def _total(self, place: Place) -> float:
        return sum(self.terms(place))

    def measure(self, place: Place) -> float:
        """Relative gap on the columns in focus, or the distance to the subdifferential."""
        coef, shape = place.coef[self._inside], self._shape
        distance = shape.distance(coef, place.q)
        if distance is not None:
            own = float(np.linalg.norm(self._rows.lead_gradient(place), axis=0).max(initial=0.0))
            return max(distance, own, self._rows.noise(place)) / self._unit
        if self._rows.problem.splits:
            return self._largest_gap(coef, place)
        excess = float(self._rows.lead_excess(place).sum())
        return self._gap(coef, place.q, place.pull, place.loss) / self._unit + excess / self._unit

    def _gap(self, coef: Float, q: Float, pull: Float, loss: float) -> float:
        """F − D, no less than the rounding of F."""
        shape = self._shape
        shrink, conjugate = shape.dual(q)
        gap = loss + shape.value(coef) + self._rows.conjugate(pull, shrink) + conjugate
        return max(gap + shape.unheld(coef, q), EPS * abs(loss)) + self._level

    def _largest_gap(self, coef: Float, place: Place) -> float:
        """Of all outputs, each relative to its own null loss, with the others' numbers left out."""
        problem, k = self._rows.problem, self._rows.classes
        gaps = self._rows.lead_excess(place)
        for c in range(k):
            rows = np.asarray(problem.loss.pointwise(place.eta[c], problem.y[:, c]))
            mine = np.arange(k) == c
            own = (
                np.where(mine, coef, 0.0),
                np.where(mine, place.q, 0.0),
                np.where(mine[:, None], place.pull, 0.0),
            )
            gaps[c] += self._gap(*own, float(problem.weight @ rows) / k)
        return float(np.max(gaps / self._units))


def _fine(tol: float) -> float:
    return max(min(1e-10, 1e-4 * tol), 1e-15)
