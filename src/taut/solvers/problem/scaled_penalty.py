"""The penalty in the units of the scaled problem: bounds converted, the intercept's own entry added, free columns found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.penalties import GroupLasso, Penalty, Table
from taut.penalties.group import FREE
from taut.penalties.separable import Separable
from taut.types import Float


def penalty_in_scaled_units(
    penalty: Penalty, scale: Float, y_scale: Float | float, bias_column: bool
) -> Penalty:
    """Bounds on coefficients as given become bounds on standardised ones, w̃ = w·scale/y_scale; factors stay."""
    p = scale.size - int(bias_column)
    extended = _with_bias(penalty, p) if bias_column else penalty
    if not isinstance(extended, Separable) or (extended.lower is None and extended.upper is None):
        return extended
    if np.ndim(y_scale) > 0 and np.ptp(y_scale) > 0:
        raise ValueError(
            "bounds on coefficients of several outputs with different scales need standardize=False"
        )
    factor = scale / np.max(y_scale)
    return replace(extended, lower=_bound(extended.lower, factor), upper=_bound(extended.upper, factor))


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


def _with_bias(penalty: Penalty, p: int) -> Penalty:
    """The penalty on p + 1 coordinates whose last is the intercept: factor 1, the box only where it holds for all."""
    if isinstance(penalty, GroupLasso):
        labels = penalty.labels(p)
        return replace(penalty, groups=np.append(labels, labels.max(initial=-1) + 1))
    if isinstance(penalty, Separable):
        return replace(
            penalty,
            factors=_appended(penalty.factors, 1.0),
            lower=_appended(penalty.lower, -np.inf),
            upper=_appended(penalty.upper, np.inf),
        )
    raise TypeError(
        f"penalize_biases is not supported for {type(penalty).__name__}: fit with penalize_biases=False"
    )


def _appended(values: Any, last: float) -> Any:
    return np.append(values, last) if isinstance(values, np.ndarray) else values


def _bound(bound: object, factor: Float) -> Float | None:
    if bound is None:
        return None
    return np.asarray(np.asarray(bound, dtype=np.float64) * factor)


def unpenalised(penalty: Penalty, p: int) -> NDArray[np.bool_]:
    """Columns without penalty and without bounds: they are fitted exactly, like an intercept."""
    table, free = penalty.table(p), without_penalty(penalty, p)
    return free if table is None else free & np.isneginf(table.lower) & np.isposinf(table.upper)


def without_penalty(penalty: Penalty, p: int) -> NDArray[np.bool_]:
    """Columns that the penalty charges nothing for, with bounds or without."""
    if isinstance(penalty, GroupLasso):
        return np.asarray(penalty.labels(p) == FREE)
    table = penalty.table(p)
    return np.zeros(p, dtype=bool) if table is None else (table.l1 == 0) & (table.l2 == 0)


def excluded(penalty: Penalty, p: int) -> NDArray[np.bool_]:
    """Columns that a factor of infinity keeps at 0."""
    table = penalty.table(p)
    return np.zeros(p, dtype=bool) if table is None else np.isinf(table.l1)
