"""The Hessian of a loss on coordinates of a column and a class, kept from step to step, and the steps that it proposes."""

from __future__ import annotations

from typing import final

import numpy as np

from taut.solvers.newton.outputs import Iterate, Outputs
from taut.solvers.problem.curvature import pseudo_inverse
from taut.types import Float, Index


@final
class QuadraticModel:
    """½ vᵀHv − qᵀv over the coordinates of some ``classes``, the unpenalised columns eliminated: they follow the others.

    Built at one point and grown with that point's curvature until a step shows that it is too old.
    """

    def __init__(self, rows: Outputs, classes: Index) -> None:
        self._rows, self.classes = rows, classes
        self._free = (np.arange(rows.n_free)[:, None] * rows.classes + classes).ravel()
        self.index = np.empty(0, dtype=np.intp)
        self.H = np.zeros((0, 0))
        self.stale = True
        self._cross = np.zeros((0, self._free.size))
        self._inverse: Float = np.zeros((self._free.size, self._free.size))
        self._curve = np.zeros((0, 0))
        self.rr = 0.0

    def cover(self, working: Index, iterate: Iterate) -> bool:
        """Make H cover the coordinates ``working``; returns whether it was built anew at ``iterate``."""
        if self.stale:
            self._build(working, iterate)
            return True
        inside = np.zeros(self._rows.design.shape[0] * self._rows.classes, dtype=bool)
        inside[self.index] = True
        new = working[~inside[working]]
        if new.size:
            self._grow(new)
        return False

    def _build(self, working: Index, iterate: Iterate) -> None:
        rows = self._rows
        self._curve, self.index = rows.curve(iterate), working
        self.H = rows.products(working, working, self._curve)
        if self._free.size:
            own = rows.products(self._free, self._free, self._curve)
            self._inverse = pseudo_inverse(own)
            self._cross = rows.products(working, self._free, self._curve)
            self.H -= self._cross @ self._inverse @ self._cross.T
        self.stale = False

    def _grow(self, new: Index) -> None:
        rows = self._rows
        beside, own = rows.products(self.index, new, self._curve), rows.products(new, new, self._curve)
        if self._free.size:
            cross = rows.products(new, self._free, self._curve)
            beside -= self._cross @ self._inverse @ cross.T
            own -= cross @ self._inverse @ cross.T
            self._cross = np.concatenate([self._cross, cross])
        self.H = np.block([[self.H, beside], [beside.T, own]])
        self.index = np.concatenate([self.index, new])

    def residual_square(self, iterate: Iterate) -> float:
        """rᵀR⁻r of the working residual."""
        return self._rows.residual_square(iterate.neg_gradient, self._curve, self.classes)

    def fill(self, move: Float, change: Float) -> None:
        """Let the coordinates of ``move``, shaped as the coefficients, be ``change``; the unpenalised columns follow."""
        flat = move.reshape(-1)
        flat[self.index] = change
        if self._free.size:
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # whoever takes the step sees what is no number
                flat[self._free] = -self._inverse @ (self._cross.T @ change)
