"""The Hessian of a loss on pairs of a column and a class, kept from step to step, and the steps that it proposes."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers.newton.outputs import PairRows, Place
from taut.solvers.problem.curvature import pseudo_inverse
from taut.types import Float, Index


@final
class PairModel:
    """½ vᵀHv − qᵀv over the pairs of some ``classes``, the leading columns eliminated: they follow the others.

    Built at one point and grown with that point's curvature until a step shows that it is too old.
    """

    def __init__(self, rows: PairRows, classes: Index) -> None:
        self._rows, self.classes = rows, classes
        self._lead = (np.arange(rows.lead)[:, None] * rows.classes + classes).ravel()
        self.index = np.empty(0, dtype=np.intp)
        self.H = np.zeros((0, 0))
        self.stale = True
        self._cross = np.zeros((0, self._lead.size))
        self._inverse: Float = np.zeros((self._lead.size, self._lead.size))
        self._curve = np.zeros((0, 0))
        self.rr = 0.0

    def cover(self, working: Index, place: Place) -> bool:
        """Make H cover the pairs ``working``; returns whether it was built anew at ``place``."""
        if self.stale:
            self._build(working, place)
            return True
        inside = np.zeros(self._rows.design.shape[0] * self._rows.classes, dtype=bool)
        inside[self.index] = True
        new = working[~inside[working]]
        if new.size:
            self._grow(new)
        return False

    def _build(self, working: Index, place: Place) -> None:
        rows = self._rows
        self._curve, self.index = rows.curve(place), working
        self.H = rows.products(working, working, self._curve)
        if self._lead.size:
            own = rows.products(self._lead, self._lead, self._curve)
            self._inverse = pseudo_inverse(own)
            self._cross = rows.products(working, self._lead, self._curve)
            self.H -= self._cross @ self._inverse @ self._cross.T
        self.stale = False

    def _grow(self, new: Index) -> None:
        rows = self._rows
        beside, own = rows.products(self.index, new, self._curve), rows.products(new, new, self._curve)
        if self._lead.size:
            cross = rows.products(new, self._lead, self._curve)
            beside -= self._cross @ self._inverse @ cross.T
            own -= cross @ self._inverse @ cross.T
            self._cross = np.concatenate([self._cross, cross])
        self.H = np.block([[self.H, beside], [beside.T, own]])
        self.index = np.concatenate([self.index, new])

    def residual_square(self, place: Place) -> float:
        """rᵀR⁻r of the working residual."""
        return self._rows.residual_square(place.pull, self._curve, self.classes)

    def move(self, place: Place, change: Float) -> Float:
        """The step in which the pairs move by ``change``, shaped as the coefficients; the leading columns follow."""
        move = np.zeros_like(place.coef)
        flat = move.reshape(-1)
        flat[self.index] = change
        if self._lead.size:
            flat[self._lead] = -self._inverse @ (self._cross.T @ change)
        return move
