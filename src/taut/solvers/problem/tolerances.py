"""What counts as rounding, said once for all engines: constant columns, dependent columns, exact null models, changes of F."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.types import Float

EXACT = 1e-14
"""A null model whose loss exceeds the saturated one by less than this fraction is exact up to rounding."""
RANK = 1e-11
"""Pivots of a factorisation of columns of length one below this fraction of the largest count as zero."""
SQUARED_RANK = 1e-13
"""The same for eigenvalues of a Gram matrix."""
FLOOR = 1e-9
"""Least curvature of a row, of the largest: keeps a quadratic bounded where a fitted probability saturates."""
FLAT = 1e-12
"""Share of the mean square of a column, centred by all rows, below which its variance on some of them is rounding."""
CANCELLED = 1e-10
"""Share of a shifted second moment below which a variance has too few digits: X itself says whether it is one."""
EPS = float(np.finfo(np.float64).eps)
CONSTANT = 4.0 * EPS
"""A column whose deviation is at most this fraction of its mean is constant up to rounding.

The mean must be exact to the last digit, by a second pass over the deviations: then a constant has deviations of zero, one
that was computed has a few units in the last place, and what varies by more than that is data, however large its mean.
"""


def is_constant(center: Float, deviation: Float) -> NDArray[np.bool_]:
    """Which columns are constant up to rounding, from their means and the deviations from these, two passes over X."""
    return np.asarray(~(deviation > CONSTANT * np.maximum(np.abs(center), deviation)))


def rounding(value: float, unit: float) -> float:
    """How much of a change of F near ``value`` may be rounding.

    η's own rounding is in the loss, however small that has become beside the null model's, whose size is ``unit``.
    """
    return max(1e-14 * abs(value), 1e-15 * unit)


def gap_unit(reference: float, size: float, start: float = 0.0) -> float:
    """What a gap is relative to: the null loss minus the saturated one, or where that is rounding the loss's own size.

    ``size`` is |null loss| + |saturated loss|, ``start`` the loss at η = offset.
    """
    return reference if reference > EXACT * size + EXACT**2 * start else size + start or 1.0


def gradient_unit(gradient: Float) -> float:
    """What a distance to the subdifferential is relative to: the largest |∇L| at the null model; 1 where it is 0."""
    return float(np.abs(gradient).max(initial=0.0)) or 1.0
