"""One strength of a path on the columns in focus: the trend's guess, and Newton's steps until the gap is small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np

from taut.solvers.matrix import Float, Index
from taut.solvers.newton.local_penalty import Mask, Shape, Step
from taut.solvers.newton.outputs import Place
from taut.solvers.newton.parts import Kit
from taut.solvers.newton.quadratic_model import PairModel
from taut.solvers.problem.rows import level_of
from taut.solvers.problem.tolerances import EPS, accepts, rounding

_REBUILD = 0.3
"""A step that leaves more than this share of the gap was taken on a Hessian that is too old."""
_OFTEN = 3
"""Halvings of a step from which its model curves too little."""
_SPARE = 100
"""Pairs beyond twice the working ones that a Hessian may keep."""


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
        """Newton steps until the gap on the columns in focus is ``goal`` or a fresh one does not descend.

        ``most`` bounds the steps, or where the loss is a quadratic the epochs of descent; returns how many were made.
        """
        exact = self._rows.exact
        gap, share, count = self.measure(place), 1.0 if exact else 0.01, 0
        while gap > goal and count < most:
            aim = share * (goal if exact else max(min(gap, 1.0), goal))
            before, (place, epochs, fresh) = place, self._steps(place, ratio, aim, goal, most - count)
            count += epochs if exact else 1
            after = self.measure(place) if place is not before else gap
            if place is before and fresh:
                break
            if after > _REBUILD * gap:
                for model in self._kit.models:
                    model.stale = not exact
                # A model's gap may be far below the gap it leads to.
                share = max(0.1 * share, 1e-6)
            gap = after
        return place, count

    def _steps(
        self, place: Place, ratio: float, aim: float, goal: float, most: int
    ) -> tuple[Place, int, bool]:
        """One step of every model: the place, the epochs of descent, and whether all Hessians were built at ``place``.

        Models of outputs that do not touch each other step together, those of coupled classes one after the other.
        """
        working, total, fresh = self._working(place, ratio), 0, True
        models = self._models_for(working)
        for together in [[model] for model in models] if self._rows.coupled else [models]:
            for model in together:
                own = (
                    working if len(models) == 1 else working[working % self._rows.classes == model.classes[0]]
                )
                fresh &= model.cover(own, place)
            place, epochs = self._step(together, place, aim, goal, most)
            total = max(total, epochs)
        return place, total, fresh

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

    def _step(
        self, models: Sequence[PairModel], place: Place, aim: float, goal: float, most: int
    ) -> tuple[Place, int]:
        """To the models' minimisers, halved until F falls by a share of the promise (Lee et al. 2014, eq. 2.18)."""
        total = 0
        most = min(most, self._max_epochs) if self._rows.exact else self._max_epochs
        steps = [self._proposals(model, place, aim, most) for model in models]
        for proposed in zip(*steps, strict=True):
            total += max(epochs for _, _, epochs in proposed)
            move = np.zeros_like(place.coef)
            for model, (change, _, _) in zip(models, proposed, strict=True):
                model.fill(move, change)
            # A model whose numbers are beyond all bounds has no minimiser to go to.
            if move.any() and np.isfinite(move).all():
                found = self._search(place, move, proposed[0][1], goal)
                if found is not place:
                    return found, total
        return place, total

    def _proposals(self, model: PairModel, place: Place, aim: float, most: int) -> Iterator[Step]:
        k, index = self._rows.classes, model.index
        local = self._local[index // k]
        start, q = place.coef.reshape(-1)[index], place.q.reshape(-1)[local * k + index % k]
        model.rr = model.residual_square(place)
        aim *= float(self._units[model.classes].min())
        return self._shape.steps(model, start, q, local, aim, most)

    def _search(self, place: Place, move: Float, halvings: int, goal: float) -> Place:
        inside = move[self._inside]
        now = self._shape.value(place.coef[self._inside])
        before = place.loss + now
        level = rounding(before, self._rows.problem.unit)
        gain = min(
            self._shape.value(place.coef[self._inside] + inside) - now - float(np.vdot(place.q, inside)), 0.0
        )
        for power in range(halvings):
            step = 0.5**power
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
        excess = self._rows.lead_excess(place)
        if self._rows.problem.splits:
            return float(np.max((self._gaps(coef, place) + excess) / self._units))
        return float(self._gap(coef, place) + excess.sum()) / self._unit

    def _gap(self, coef: Float, place: Place) -> float:
        """F − D, no less than the rounding of F."""
        shape, rows = self._shape, self._rows
        shrink, conjugate = shape.dual(place.q)
        dual = float(rows.conjugates(place, np.full(rows.classes, shrink)).sum()) + conjugate
        gap = place.loss + shape.value(coef) + dual + shape.unheld(coef, place.q)
        return max(gap, EPS * abs(place.loss)) + self._level

    def _gaps(self, coef: Float, place: Place) -> Float:
        """``_gap`` of each output alone (k,): what is relative to its own null loss hides none behind the others."""
        shape, outputs = self._shape, range(self._rows.classes)
        each = [(coef[:, c : c + 1], place.q[:, c : c + 1]) for c in outputs]
        shrink, conjugate = np.array([shape.dual(q) for _, q in each]).T
        held = np.array([shape.value(w) + shape.unheld(w, q) for w, q in each])
        losses = self._rows.losses(place)
        gaps = losses + held + self._rows.conjugates(place, shrink) + conjugate
        return np.asarray(np.maximum(gaps, EPS * np.abs(losses)) + self._level)


def _fine(tol: float) -> float:
    return max(min(1e-10, 1e-4 * tol), 1e-15)
