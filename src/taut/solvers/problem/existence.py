"""Whether a likelihood has a minimum over columns that nothing penalises: a linear program looks for a way that only gains.

Albert and Anderson, *Biometrika* 71 (1984), §2 (separation of classes); Haberman, *The Analysis of Frequency Data* (1974),
ch. 2 (counts): the minimum exists unless a direction that no bound ends raises no row's loss and lowers that of some row.
"""

from __future__ import annotations

import numpy as np
import scipy

from taut.losses import BoundLoss, probabilities
from taut.types import Float

_MOST = 40_000
"""Entries of a program's rows beyond which the answer would take longer than the fit that asks."""
_SEPARATES, _ROUNDED = 1e-3, 1e-7
"""A gain above the first is a direction, one below the second is rounding; η of a column of length one is at most one."""

_NOTHING = 1e-12
"""Largest entry of a row up to which it is rounding."""

Cone = tuple[Float, Float]


def attained(bound: BoundLoss, design: Float, cone: Cone | None = None) -> bool | None:
    """Whether Σ s_i ℓ(base_i + d_iᵀ coef, y_i) has a minimum, whatever the base; None where the program does not say.

    ``design`` (n, m) are the columns, ``cone`` their directions' least and largest entries (m,), each −1, 0 or 1: by
    default −1 and 1. Of a loss that grows both ways, as squares do, it is always attained.
    """
    traits, counted = bound.traits, bound.weight > 0.0
    if np.isinf(traits.rest).all() or not design.shape[1]:
        return True
    largest = np.abs(design[counted]).max(axis=0, initial=0.0)
    A = design[counted] / np.where(largest > 0.0, largest, 1.0)
    classes = bound.loss.outputs(bound.y) if traits.couples_outputs else 1
    if A.size * classes**2 > _MOST:
        return None
    ends = (-np.ones(A.shape[1]), np.ones(A.shape[1])) if cone is None else cone
    if traits.couples_outputs:
        rows, level = _of_classes(A, bound.y[counted], classes)
    else:
        falls = bound.loss.falls_toward(bound.y[counted])
        if falls is None:
            return None
        rows, level = falls[falls != 0.0, None] * A[falls != 0.0], A[falls == 0.0]
    gain = _largest_gain(rows, level, np.tile(np.stack(ends, axis=1), (classes, 1)))
    return None if gain is None or _ROUNDED < gain < _SEPARATES else gain <= _ROUNDED


def _of_classes(A: Float, y: Float, classes: int) -> tuple[Float, Float]:
    """Rows r with r·d ≥ 0 where no loss rises along d (k·m,), classes outermost, and those that d must leave as they are.

    A row's class against all others; classes that share a row stay level.
    """
    shares = np.asarray(probabilities(y, np.empty((len(y), classes))))
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
    rows, level = _brought_to_one(rows), _brought_to_one(level)
    found = scipy.optimize.linprog(
        -rows.sum(axis=0), A_ub=scipy.sparse.csr_array(-rows), b_ub=np.zeros(len(rows)),
        A_eq=level if len(level) else None, b_eq=np.zeros(len(level)) if len(level) else None, bounds=ends, method="highs",
    )  # fmt: skip
    return float(-found.fun) if found.status == 0 else None


def _brought_to_one(rows: Float) -> Float:
    """The rows with a largest entry of one each, which changes no condition; those that are rounding as they are."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    return rows / np.where(largest > _NOTHING, largest, 1.0)[:, None]
