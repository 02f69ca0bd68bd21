"""Whether a likelihood has a minimum over columns that nothing penalises: a linear program looks for a way that only gains.

Albert and Anderson, *Biometrika* 71 (1984), §2 (separation of classes); Haberman, *The Analysis of Frequency Data* (1974),
ch. 2 (counts): the minimum exists unless a direction that no bound ends raises no row's loss and lowers that of some row.
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.sparse as sp

from taut.losses import Logistic, Loss, Multinomial, Poisson
from taut.types import Float

_MOST = 40_000
"""Entries of a program's rows beyond which the answer would take longer than the fit that asks."""
_SEPARATES, _ROUNDED = 1e-3, 1e-7
"""A gain above the first is a direction, one below the second is rounding; η of a column of length one is at most one."""

Cone = tuple[Float, Float]


def attained(loss: Loss, design: Float, y: Float, weight: Float, cone: Cone | None = None) -> bool | None:
    """Whether Σ s_i ℓ(base_i + d_iᵀ coef, y_i) has a minimum, whatever the base; None where the program does not say.

    ``design`` (n, m) are the columns, ``cone`` their directions' least and largest entries (m,), each −1, 0 or 1: by
    default −1 and 1. Of a loss that grows both ways, as squares do, it is always attained.
    """
    if not isinstance(loss, Logistic | Multinomial | Poisson) or not design.shape[1]:
        return True
    counted = weight > 0.0
    largest = np.abs(design[counted]).max(axis=0, initial=0.0)
    A = design[counted] / np.where(largest > 0.0, largest, 1.0)
    classes = loss.outputs(y) if isinstance(loss, Multinomial) else 1
    if A.size * classes**2 > _MOST:
        return None
    ends = (-np.ones(A.shape[1]), np.ones(A.shape[1])) if cone is None else cone
    rows, level = _of_classes(A, y[counted], classes) if classes > 1 else _of_output(loss, A, y[counted])
    gain = _largest_gain(rows, level, np.tile(np.stack(ends, axis=1), (classes, 1)))
    return None if gain is None or _ROUNDED < gain < _SEPARATES else gain <= _ROUNDED


def _of_output(loss: Loss, A: Float, y: Float) -> tuple[Float, Float]:
    """Rows r with r·d ≥ 0 where no loss rises along d, and those that d must leave as they are."""
    if isinstance(loss, Poisson):
        return -A[y == 0.0], A[y > 0.0]
    sure = (y == 0.0) | (y == 1.0)
    return np.where(y == 1.0, 1.0, -1.0)[sure, None] * A[sure], A[~sure]


def _of_classes(A: Float, y: Float, classes: int) -> tuple[Float, Float]:
    """The same for d (k·m,), classes outermost: a row's class against all others; classes that share a row stay level."""
    shares = y if y.ndim == 2 else np.equal.outer(y, np.arange(classes)) * 1.0
    rows: list[Float] = []
    level: list[Float] = []
    for a, share in zip(A, shares, strict=True):
        own = int(np.argmax(share))
        for other in np.delete(np.arange(classes), own):
            difference = np.zeros((classes, A.shape[1]))
            difference[own], difference[other] = a, -a
            (level if share[other] > 0.0 else rows).append(difference.ravel())
    return np.array(rows).reshape(-1, classes * A.shape[1]), np.array(level).reshape(-1, classes * A.shape[1])


def _largest_gain(rows: Float, level: Float, ends: Float) -> float | None:
    """max Σ rows·d over rows·d ≥ 0, level·d = 0 and d within ``ends`` (·, 2); None where the program fails."""
    if not len(rows):
        return 0.0
    found = scipy.optimize.linprog(
        -rows.sum(axis=0), A_ub=sp.csr_array(-rows), b_ub=np.zeros(len(rows)),
        A_eq=level if len(level) else None, b_eq=np.zeros(len(level)) if len(level) else None, bounds=ends, method="highs",
    )  # fmt: skip
    return float(-found.fun) if found.status == 0 else None
