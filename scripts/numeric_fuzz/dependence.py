"""Columns that differ from a combination of others by the rounding of the data only: no minimum may rest on that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scripts.numeric_fuzz.extended import Long
from scripts.numeric_fuzz.scaled import Task

DEPENDENT = 2e-11
"""Part of its length by which a column may lie outside the others' span and still count as in it: taut's own rank is 1e-11."""


def made_dependent(task: Task) -> Task | None:
    """The task with nearly dependent unpenalised columns put into the span of the others; None where there are none.

    A fit along the difference of two columns that are equal to 1e-11 has coefficients of 1e11 times what is explained:
    another last digit of the data gives another minimum. Golub and Van Loan, *Matrix Computations*, §5.5 (numerical rank).
    """
    open_ended = task.unpenalized & np.isinf(task.lower) & np.isinf(task.upper)
    index = np.flatnonzero(open_ended & (task.s @ task.A**2 > 0))
    Z = np.sqrt(task.s)[:, None] * task.A[:, index]
    Z = Z / np.sqrt(np.sum(Z**2, axis=0))
    basis, left = _basis(Z)
    if not left.any():
        return None
    A = task.A.copy()
    span = basis / np.sqrt(task.s)[:, None]
    for j in index[left]:
        A[:, j] = span @ (basis.T @ (np.sqrt(task.s) * task.A[:, j]))
    return replace(task, A=A)


def _basis(Z: Long) -> tuple[Long, NDArray[np.bool_]]:
    """An orthonormal basis of the columns of length one, by pivots, and which of them are left to the others' span."""
    rest, chosen, left = Z.copy(), [], np.ones(Z.shape[1], dtype=bool)
    while left.any():
        size = np.where(left, np.sqrt(np.sum(rest**2, axis=0)), 0)
        pivot = int(np.argmax(size))
        if size[pivot] <= DEPENDENT:
            break
        left[pivot] = False
        direction = rest[:, pivot] / size[pivot]
        for (
            other
        ) in chosen:  # once more: what the first round has left of them is rounding of a larger vector
            direction = direction - other * (other @ direction)
        direction = direction / np.sqrt(direction @ direction)
        chosen.append(direction)
        rest = rest - np.multiply.outer(direction, direction @ rest)
    return np.array(chosen, dtype=np.longdouble).reshape(len(chosen), len(Z)).T, left
