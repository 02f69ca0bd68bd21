"""Limited-memory quasi-Newton directions from the last few (step, change) pairs, as products with two thin matrices.

Byrd, Nocedal and Schnabel, *Mathematical Programming* 63 (1994), theorem 2.2: with S and Y holding steps and changes in
their columns, R the upper triangle of SᵀY, D its diagonal and γ = sᵀy/yᵀy of the newest pair,

    H v = γ v + S R⁻ᵀ[(D + γ YᵀY) R⁻¹Sᵀv − γ Yᵀv] − γ Y R⁻¹Sᵀv
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dtrtrs

from taut.types import Real

PAIRS = 10
"""How many pairs are kept."""
CURVATURE = 1e-10
"""A pair counts only if sᵀy exceeds this share of sᵀs, so that H stays positive definite."""


class LimitedMemory:
    """The last pairs with positive curvature, in place: a new pair takes the slot of the oldest."""

    def __init__(self, like: Real) -> None:
        self._steps = np.zeros((PAIRS, like.size), like.dtype)
        self._changes = np.zeros((PAIRS, like.size), like.dtype)
        self._mixed = np.zeros((PAIRS, PAIRS))  # s_i · y_j
        self._squares = np.zeros((PAIRS, PAIRS))  # y_i · y_j
        self._slots: list[int] = []

    def __len__(self) -> int:
        return len(self._slots)

    def forget(self) -> None:
        """Drop all pairs of steps and changes of the gradient."""
        self._slots = []

    def remember(self, step: Real, change: Real) -> None:
        """Keep the pair if its curvature is positive."""
        if not float(step @ change) > CURVATURE * float(step @ step):
            return
        slot = len(self._slots) if len(self._slots) < PAIRS else self._slots.pop(0)
        self._slots.append(slot)
        self._steps[slot], self._changes[slot] = step, change
        filled = len(self._slots)
        self._mixed[:filled, slot] = self._steps[:filled] @ change
        self._mixed[slot, :filled] = self._changes[:filled] @ step
        self._squares[:filled, slot] = self._squares[slot, :filled] = self._changes[:filled] @ change

    def times(self, vector: Real) -> Real:
        """H·vector; a copy of the vector itself where nothing is known yet."""
        if not self._slots:
            return vector.copy()
        slots = np.array(self._slots)
        order, newest = (slots[:, None], slots), slots[-1]
        # LAPACK itself: the systems are of ten unknowns, and what checks them costs many times more.
        upper, squares = np.asfortranarray(self._mixed[order]), self._squares[order]
        gamma = float(self._mixed[newest, newest] / self._squares[newest, newest])
        filled = len(self._slots)
        along = dtrtrs(upper, (self._steps[:filled] @ vector)[slots])[0]
        across = upper.diagonal() * along + gamma * (
            squares @ along - (self._changes[:filled] @ vector)[slots]
        )
        on_steps, on_changes = np.empty(filled, vector.dtype), np.empty(filled, vector.dtype)
        on_steps[slots] = dtrtrs(upper, across, trans=1)[0]
        on_changes[slots] = -gamma * along
        direction: Real = (
            gamma * vector + on_steps @ self._steps[:filled] + on_changes @ self._changes[:filled]
        )
        return direction
