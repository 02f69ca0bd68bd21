"""Whether a likelihood has a minimum where nothing is charged: a linear program looks for a direction that only ever gains.

Albert and Anderson 1984, *Biometrika* 71 (separation of classes); Haberman 1974 (counts): the minimum exists unless a
direction within the box's cone lowers no row's likelihood and raises that of some row.
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from scripts.numeric_fuzz.extended import Double, Softmax
from scripts.numeric_fuzz.scaled import Task

SEPARATES, UNCLEAR = 1e-3, 1e-7
"""A gain above the first is a direction, below the second is rounding."""


def attained(task: Task, free: NDArray[np.bool_], name: str) -> bool | None:
    """Whether the minimum over the coordinates ``free`` (m,) exists; None where the numbers do not say."""
    if name in ("squared", "huber") or not free.any():
        return True
    A = task.A[:, free].astype(np.float64)
    norm = np.sqrt((A**2).max(axis=0))
    A = A / np.where(norm > 0, norm, 1.0)
    cone = [
        (0.0 if np.isfinite(low) else -1.0, 0.0 if np.isfinite(high) else 1.0)
        for low, high in zip(task.lower[free], task.upper[free], strict=True)
    ]
    y = task.y.astype(np.float64)
    rows, equal = _softmax_rows(A, y) if isinstance(task.loss, Softmax) else _rows(A, y[:, 0], name)
    gain = _largest(rows, equal, cone * y.shape[1])
    if gain is None or UNCLEAR < gain < SEPARATES:
        return None
    return gain <= UNCLEAR


def _rows(A: Double, y: Double, name: str) -> tuple[Double, Double]:
    """Rows r with r·d ≥ 0 where a likelihood does not fall along d, and rows that must not move."""
    if name == "poisson":
        return -A[y == 0], A[y > 0]
    settled = (y == 0) | (y == 1)
    return np.where(y == 1, 1.0, -1.0)[settled, None] * A[settled], A[~settled]


def _softmax_rows(A: Double, y: Double) -> tuple[Double, Double]:
    """The same for classes: η of a row's class against that of every other; all of its classes stay level."""
    m, k = A.shape[1], y.shape[1]
    rows, equal = [], []
    for a, share in zip(A, y, strict=True):
        has = np.flatnonzero(share > 0)
        for other in range(k):
            if other == has[0]:
                continue
            difference = np.zeros((k, m))
            difference[has[0]], difference[other] = a, -a
            (equal if other in has else rows).append(difference.ravel())
    return np.array(rows).reshape(-1, m * k), np.array(equal).reshape(-1, m * k)


def _largest(rows: Double, equal: Double, cone: list[tuple[float, float]]) -> float | None:
    """max Σ rows·d over rows·d ≥ 0, equal·d = 0, d in the cone's unit box; None where the program fails."""
    if not len(rows):
        return 0.0
    rows, equal = _unit_rows(rows), _unit_rows(equal)
    found = scipy.optimize.linprog(
        -rows.sum(axis=0), A_ub=sp.csr_array(-rows), b_ub=np.zeros(len(rows)),
        A_eq=equal if len(equal) else None, b_eq=np.zeros(len(equal)) if len(equal) else None,
        bounds=cone, method="highs",
    )  # fmt: skip
    return float(-found.fun) if found.status == 0 else None


def _unit_rows(rows: Double) -> Double:
    """Every condition in units of its largest entry: a program overlooks small ones; below 1e-12 they are rounding."""
    size = np.abs(rows).max(axis=1, initial=0.0)
    return rows / np.where(size > 1e-12, size, 1.0)[:, None]
