"""The eigenbases of the groups' own blocks of a Hessian, in which a step of a group is one equation."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from taut.solvers._kernels.group import turn_rows, unturned
from taut.types import Float, Index

_BEYOND = 1e30
"""Entries of a Hessian that single precision may not hold."""


@final
class GroupBases:
    """``turned`` is H in these bases; ``starts`` says where in it each group begins, and ends with its size."""

    def __init__(self) -> None:
        self.turned: Any = np.zeros((0, 0), np.float32)
        self.starts: Index = np.zeros(1, dtype=np.intp)
        self._of: Float | None = None
        self._turns, self._at = np.empty(0), np.zeros(1, dtype=np.intp)

    def rotate(self, H: Float, group: Index) -> None:
        """Turn H, unless it is the last one; ``group`` says to which group each of its rows belongs, runs of one each."""
        if self._of is H:
            return
        self._of, cuts = H, np.flatnonzero(np.diff(group)) + 1
        self.starts = np.concatenate([[0], cuts, [group.size]] if group.size else [[0]])
        sizes = np.diff(self.starts)
        self._at = np.concatenate([[0], np.cumsum(sizes**2)])
        self._turns, mixed = np.empty(self._at[-1]), False
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            inside = self.starts[which][:, None] + np.arange(size)
            blocks = H[inside[:, :, None], inside[:, None, :]]
            mixed |= bool(np.any(blocks[:, ~np.eye(size, dtype=bool)]))
            places = self._at[which][:, None] + np.arange(size * size)
            self._turns[places] = np.linalg.eigh(blocks)[1].reshape(which.size, -1)
        if not mixed:
            # Outputs of one column, say: they are where they should be.
            self._turns = np.concatenate([np.empty(0), *(np.eye(size).ravel() for size in sizes)])
            self.turned = _single(H)
            return
        half = turn_rows(H, self.starts, self._turns, self._at)
        self.turned = _single(turn_rows(np.ascontiguousarray(half.T), self.starts, self._turns, self._at))

    def turn(self, vector: Float) -> Float:
        """``vector`` (m,) in these bases."""
        return turn_rows(vector[:, None], self.starts, self._turns, self._at)[:, 0].copy()

    def turn_back(self, vector: Float) -> Float:
        """Coordinates in the eigenbases, turned back to the columns."""
        return np.asarray(unturned(vector, self.starts, self._turns, self._at))


def _single(H: Float) -> Any:
    """H in single precision, which will do for a step from an exact gradient, where its numbers are within it."""
    return H.astype(np.float32) if np.abs(H).max(initial=0.0) < _BEYOND else H
