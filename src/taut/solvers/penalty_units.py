"""The penalty in the units of the scaled problem: bounds converted, the intercept's own entry added, free columns found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Penalty, Separable
from taut.solvers.matrix import Float


def penalty_in_scaled_units(penalty: Penalty, scale: Float, y_scale: Float | float, bias_column: bool) -> Penalty:
    """Bounds on coefficients as given become bounds on standardised ones, w̃ = w·scale/y_scale; factors stay."""
    extended = penalty.extended() if bias_column else penalty
    if not isinstance(extended, Separable) or (extended.lower is None and extended.upper is None):
        return extended
    if np.ndim(y_scale) > 0:
        raise ValueError("bounds on coefficients with several outputs need standardize=False")
    factor = scale / y_scale
    return replace(extended, lower=_bound(extended.lower, factor), upper=_bound(extended.upper, factor))


def _bound(bound: object, factor: Float) -> Float | None:
    if bound is None:
        return None
    return np.asarray(bound, dtype=np.float64) * factor


def unpenalised(penalty: Penalty, p: int) -> NDArray[np.bool_]:
    """Columns with factor 0 and no bounds: they are fitted exactly, like an intercept."""
    table = penalty.table(p)
    if table is None:
        return np.zeros(p, dtype=bool)
    return (table.l1 == 0) & (table.l2 == 0) & np.isneginf(table.lower) & np.isposinf(table.upper)
