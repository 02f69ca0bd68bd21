"""The penalty in the units of the scaled problem: bounds converted, the intercept's own entry added, free columns found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taut.penalties import Penalty, Table
from taut.types import Float


def penalty_in_scaled_units(
    penalty: Penalty, scale: Float, y_scale: Float | float, bias_column: bool
) -> Penalty:
    """Bounds on coefficients as given become bounds on standardised ones, w̃ = w·scale/y_scale; factors stay."""
    extended = penalty.with_intercept(scale.size - 1) if bias_column else penalty
    if not extended.bounded:
        return extended
    if np.ndim(y_scale) > 0 and np.ptp(y_scale) > 0:
        raise ValueError(
            "bounds on coefficients of several outputs with different scales need standardize=False"
        )
    return extended.rescaled(scale / np.max(y_scale))


def table_of(penalty: Penalty, p: int) -> Table:
    """The penalty on p columns as arrays; TypeError where it is none of separate coordinates that a kernel can read."""
    table = penalty.table(p)
    if table is None:
        raise TypeError(f"this solver needs a separable penalty that has a table, got {penalty!r}")
    return table


def is_ridge(penalty: Penalty, p: int) -> bool:
    """Whether the penalty is L2 alone, on each of p columns and without bounds."""
    table = penalty.table(p)
    return table is not None and table.is_ridge


def has_row_groups(penalty: Penalty, p: int, outputs: int) -> bool:
    """Whether the penalty on coefficients (p, outputs) is a sum over groups of whole rows."""
    blocks = penalty.blocks(p, outputs)
    return blocks is not None and blocks.rows is not None


def unpenalized(penalty: Penalty, p: int) -> NDArray[np.bool_]:
    """Columns without penalty and without bounds: they are fitted exactly, like an intercept."""
    lower, upper = penalty.bounds(p)
    return penalty.free(p) & np.isneginf(lower) & np.isposinf(upper)


def excluded(penalty: Penalty, p: int) -> NDArray[np.bool_]:
    """Columns that a factor of infinity keeps at 0, or, where no table tells them apart, bounds do."""
    table, (lower, upper) = penalty.table(p), penalty.bounds(p)
    return (lower == 0.0) & (upper == 0.0) if table is None else np.isinf(table.l1)
