"""The Hessian of a softmax loss on pairs of a column and a class, kept from step to step, and the steps that it proposes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np

from taut.penalties import Kind, Table
from taut.solvers._kernels.quadratic import descend
from taut.solvers.concave import step_models
from taut.solvers.matrix import Float, Index
from taut.solvers.softmax_rows import Place, SoftmaxRows

_FLOOR = 1e-9
"""Least probability that a model reckons with."""


@final
class PairModel:
    """½ vᵀHv − qᵀv over the pairs of some ``classes``, the leading columns eliminated: they follow the others.

    Built at one point and grown with that point's curvature until a step shows that it is too old.
    """

    def __init__(self, rows: SoftmaxRows, classes: Index) -> None:
        self._rows, self.classes = rows, classes
        self._lead = (np.arange(rows.lead)[:, None] * rows.classes + classes).ravel()
        self.index = np.empty(0, dtype=np.intp)
        self.H = np.zeros((0, 0))
        self.stale = True
        self._cross = np.zeros((0, self._lead.size))
        self._inverse: Float = np.zeros((self._lead.size, self._lead.size))
        self._p = np.zeros((0, 0))
        self._rr = 0.0

    def cover(self, working: Index, place: Place) -> bool:
        """Make H cover the pairs ``working``; returns whether it was built anew at ``place``."""
        new = working if self.stale else np.setdiff1d(working, self.index, assume_unique=True)
        if self.stale:
            self._build(working, place)
            return True
        if new.size:
            self._grow(new)
        return False

    def _build(self, working: Index, place: Place) -> None:
        rows = self._rows
        self._p, self.index = rows.probabilities(place.pull), working
        own = rows.products(self._lead, self._lead, self._p)
        self._inverse = np.asarray(np.linalg.pinv(own, rcond=1e-12, hermitian=True))
        self._cross = rows.products(working, self._lead, self._p)
        self.H = rows.products(working, working, self._p) - self._cross @ self._inverse @ self._cross.T
        self.stale = False

    def _grow(self, new: Index) -> None:
        rows = self._rows
        cross = rows.products(new, self._lead, self._p)
        beside = rows.products(self.index, new, self._p) - self._cross @ self._inverse @ cross.T
        own = rows.products(new, new, self._p) - cross @ self._inverse @ cross.T
        self.H = np.block([[self.H, beside], [beside.T, own]])
        self.index, self._cross = np.concatenate([self.index, new]), np.concatenate([self._cross, cross])

    def targets(self, place: Place, table: Table, tol: float, max_epochs: int) -> Iterator[tuple[Float, int]]:
        """Minimisers of the model with ``table``, a row per column, and how often a step there may be halved."""
        start, q = place.coef.ravel()[self.index], place.q.ravel()[self.index]
        part = table.take(self.index // self._rows.classes)
        if _smooth(part):
            H = self.H + np.diag(2.0 * part.l2)
            yield start + np.linalg.solve(H, q - 2.0 * part.l2 * start), 30
            return
        c = self.H @ start + q
        bb = self._residual_square(place) + float((q + c) @ start)
        for model, halvings in step_models(part, start):
            w, left = start.copy(), q.copy()
            descend(self.H, c, bb, w, left, model.terms(), model.kind, model.gamma, tol, max_epochs)
            yield w, halvings

    def _residual_square(self, place: Place) -> float:
        """rᵀR⁻r of the working residual, R the rows' curvature: Σ pull²/(s p)."""
        curvature = self._rows.weight * np.maximum(self._p[self.classes], _FLOOR)
        pull = place.pull[self.classes]
        return float(np.sum(np.divide(pull**2, curvature, out=np.zeros_like(pull), where=curvature > 0.0)))

    def move(self, place: Place, target: Float) -> Float:
        """The step that takes the pairs to ``target``, shaped as the coefficients; the leading columns follow."""
        move = np.zeros_like(place.coef)
        flat = move.reshape(-1)
        flat[self.index] = target - place.coef.ravel()[self.index]
        flat[self._lead] = -self._inverse @ (self._cross.T @ flat[self.index])
        return move


def _smooth(table: Table) -> bool:
    """L2 alone and no bounds: the minimiser is the solution of a linear system."""
    unbounded = bool(np.isinf(table.lower).all() and np.isinf(table.upper).all())
    return (
        table.kind == Kind.QUADRATIC
        and unbounded
        and bool((table.l1 == 0.0).all() and (table.l2 > 0.0).all())
    )
