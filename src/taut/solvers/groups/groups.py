"""The groups of a group lasso on the columns of a problem."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from taut.penalties import GroupLasso
from taut.solvers.problem.scaled import ScaledProblem
from taut.types import Float, Index


@final
class Groups:
    """Which columns each group has, and factors λ√|g| at strength 1, |g| counting every output's entry."""

    def __init__(self, problem: ScaledProblem, penalty: GroupLasso) -> None:
        labels = penalty.labels(problem.matrix.shape[1])
        inside = labels >= 0
        found, of = np.unique(labels[inside], return_inverse=True)
        self._inside = np.flatnonzero(inside)
        self._of = of
        self.of_column: Index = np.full(labels.size, -1, dtype=np.intp)
        self.of_column[self._inside] = of
        sizes = np.bincount(of, minlength=found.size)
        order = self._inside[np.argsort(of, kind="stable")]
        self.members: list[Index] = np.split(order, np.cumsum(sizes)[:-1]) if found.size else []
        outputs = int(np.prod(problem.outputs, dtype=int))
        self.factors: Float = penalty.lam * np.sqrt(sizes * outputs)

    def lengths(self, vector: Float) -> Float:
        """‖v_g‖ of every group, v (p,) or (p, k)."""
        squares = vector[self._inside] ** 2
        summed = squares.sum(axis=1) if squares.ndim == 2 else squares
        return np.asarray(np.sqrt(np.bincount(self._of, summed, minlength=self.factors.size)))

    def columns(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The columns (p,) of the chosen groups."""
        mask = np.zeros(self.of_column.size, dtype=bool)
        mask[self._inside] = chosen[self._of]
        return mask

    def side_by_side(self, columns: Index) -> Index:
        """``columns`` in an order in which those of a group follow each other."""
        return columns[np.argsort(self.of_column[columns], kind="stable")]
