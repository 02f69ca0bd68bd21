"""What a user may give beside X and a loss: each check returns plain numbers, or says what is wrong and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Loss
from taut.messages import written
from taut.penalties import Penalty
from taut.solvers import HUGE, along, scales_y
from taut.types import Float

MODERATE = 1024.0
"""Row weights of which the largest is between the inverse of this and this are of moderate size."""
EXACT_COUNTS = 2.0**53
"""Whole numbers up to this are exact in double precision."""


def numbers(name: str, values: Any) -> Float:
    """``values`` as a float64 array."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiubO":
        raise ValueError(f"{name} must be numbers, and it is {written(values)}")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, and it is {written(values)}") from None


def check_lambdas(lambdas: int | Sequence[float] | Float) -> int | Float:
    """A count ≥ 1, or finite strengths ≥ 0, returned strongest first and each once."""
    if isinstance(lambdas, int | np.integer) and not isinstance(lambdas, bool):
        if lambdas < 1:
            raise ValueError(
                f"lambdas = {lambdas}: give the number of strengths (at least 1) or the strengths themselves"
            )
        return int(lambdas)
    values = numbers("lambdas", lambdas)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(
            f"lambdas must be a count or a one-dimensional, non-empty list of strengths, and it is {written(lambdas)}"
        )
    if not np.isfinite(values).all() or (values < 0).any():
        bad = values[~np.isfinite(values) | (values < 0)][0]
        raise ValueError(f"lambdas contains {bad:g}: every strength must be finite and at least 0")
    return np.unique(values)[::-1].copy()


def check_strength(lam: Any) -> float:
    """A finite number ≥ 0."""
    value = numbers("lam", lam)
    if value.ndim or not (np.isfinite(value) and value >= 0):
        raise ValueError(f"lam = {lam}: a strength must be a finite number of at least 0")
    return float(value)


def check_tol(tol: Any) -> float:
    """A finite number > 0."""
    value = numbers("tol", tol)
    if value.ndim or not (np.isfinite(value) and value > 0):
        raise ValueError(f"tol = {tol}: the relative gap to reach must be a positive number, such as 1e-6")
    return float(value)


def check_penalty(penalty: Any) -> Penalty:
    """An instance of a penalty."""
    if not isinstance(penalty, Penalty):
        raise TypeError(
            f"penalty must be a taut penalty such as taut.L1() or taut.ElasticNet(), not {written(penalty)}"
        )
    return penalty


def as_weight(sample_weight: Any, n: int) -> Float:
    """Row weights (n,): ones by default; finite, ≥ 0, not all zero; of moderate size, for they are relative."""
    return moderate(_given_weight(sample_weight, n))[0]


def moderate(weights: Float) -> tuple[Float, float]:
    """Row weights of moderate size, and the power of two by which they are what was given.

    Their sums are then finite and their products with squares do not vanish; a power of two changes no digit.
    """
    largest = float(weights.max(initial=0.0))
    if largest == 0.0 or 1.0 / MODERATE <= largest <= MODERATE:
        return weights, 1.0
    unit = math.ldexp(1.0, math.frexp(largest)[1] - 1)
    return weights / unit, unit


def _given_weight(sample_weight: Any, n: int) -> Float:
    if sample_weight is None:
        return np.ones(n)
    weight = numbers("sample_weight", sample_weight)
    if weight.ndim == 0:
        weight = np.full(n, float(weight))
    check_weights(weight[None], n)
    return weight


def check_weights(weights: Float, n: int) -> None:
    """Row weights (M, n): finite, ≥ 0, in no row of them all zero."""
    if weights.ndim != 2 or weights.shape[1] != n:
        raise ValueError(
            f"sample_weight has shape {weights.shape[1:]}, X has {n} rows: give one weight per row"
        )
    if not np.isfinite(weights).all() or (weights < 0).any():
        bad = weights[~np.isfinite(weights) | (weights < 0)][0]
        raise ValueError(f"sample_weight contains {bad:g}: weights must be finite and at least 0")
    if n and not weights.any(axis=1).all():
        raise ValueError("sample_weight is zero on every row: at least one row needs a positive weight")


def check_present(classes: Any, totals: Any) -> None:
    """ValueError where one of the ``classes`` (k,) has no weight in ``totals`` (k,)."""
    gone = np.flatnonzero(np.asarray(totals) == 0.0)
    if gone.size:
        raise ValueError(
            f"class {written(classes[gone[0]])} has no row of positive weight: leave its rows out, or give one a weight"
        )


def check_class_weight(class_weight: Any) -> None:
    """ValueError where a dict from class to weight has one that is no finite number of at least 0."""
    for label, weight in class_weight.items() if isinstance(class_weight, Mapping) else ():
        number = isinstance(weight, Real)
        if not number or not np.isfinite(float(weight)) or float(weight) < 0.0:
            raise ValueError(
                f"class_weight of class {written(label)} is {written(weight)}: weights must be finite and at least 0"
            )


def check_numbers(name: str, values: Any) -> None:
    """ValueError where texts or objects are no numbers; other arrays pass, for whoever validates them next."""
    cells = np.asarray(values)
    if cells.dtype.kind not in "OUS" or cells.ndim == 0:
        return
    for row, cell in enumerate(cells.ravel().tolist()):
        try:
            missing = is_missing(cell) or np.isnan(float(cell))
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be numbers, and row {row} has {written(cell)}") from None
        if missing:
            raise ValueError(
                f"{name} contains missing values, NaN or {written(cell)} in row {row}: leave those rows out"
            )


def check_labels(y: Any) -> None:
    """ValueError where labels are missing, or of kinds that have no order among them; anything but objects passes."""
    cells = np.asarray(y)
    if cells.dtype != object or cells.ndim != 1:
        return
    gaps = [row for row, cell in enumerate(cells) if is_missing(cell)]
    if gaps:
        more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        raise ValueError(
            f"y contains missing values, {written(cells[gaps[0]])} in row {gaps[0]}{more}: leave those rows out"
        )
    texts = [isinstance(cell, str) for cell in cells]
    if any(texts) and not all(texts):
        other = cells[texts.index(False)]
        raise ValueError(
            f"y mixes texts such as {written(cells[texts.index(True)])} with other labels such as {written(other)}:"
            " give labels of one kind"
        )


def is_missing(cell: Any) -> bool:
    """Whether a cell stands for no value: None, NaN, and what pandas has for them."""
    if cell is None:
        return True
    try:
        return bool(cell != cell)
    except TypeError:  # pandas.NA has no truth value
        return True
    except ValueError:  # an array in a cell
        return False


def check_groups(groups: Any, n: int) -> Any:
    """(n,) labels of groups as an array of one kind, None where there are none."""
    if groups is None:
        return None
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ValueError(f"groups has shape {labels.shape}, X has {n} rows: give one group per row")
    gaps = [is_missing(cell) for cell in labels] if labels.dtype == object else labels != labels
    if np.any(gaps):
        raise ValueError(f"groups has no value in row {int(np.argmax(gaps))}: every row needs a group")
    return labels if labels.dtype != object else labels.astype(str)


def check_hidden(hidden: Any) -> tuple[int, ...]:
    """The sizes of the hidden layers: none, one number, or a sequence of numbers."""
    sizes = tuple(hidden) if isinstance(hidden, Iterable) else (hidden,)
    whole = all(isinstance(size, Integral) and not isinstance(size, bool) and int(size) > 0 for size in sizes)
    if not whole:
        raise ValueError(
            f"hidden must be the sizes of the hidden layers, such as (64,), got {written(hidden)}"
        )
    return tuple(int(size) for size in sizes)


def as_counts(sample_weight: Any, n: int) -> Float:
    """Row weights (n,) that count repetitions: whole numbers."""
    weight = _given_weight(sample_weight, n)
    bad = no_counts(weight)
    if bad.size:
        raise ValueError(
            f"frequency_weights: weights count repetitions, and row {bad[0] + 1} has {weight[bad[0]]:g}:"
            " give whole numbers, or leave frequency_weights out"
        )
    return weight


def no_counts(weight: Float) -> NDArray[np.intp]:
    """Rows whose weight is no number of repetitions: no whole number, or one too large to be exact."""
    return np.flatnonzero((weight != np.floor(weight)) | (weight > EXACT_COUNTS))


def check_rows(name: str, rows: int, n: int) -> None:
    """As many rows as X."""
    if rows != n:
        raise ValueError(f"{name} has {rows} rows, X has {n}: they must describe the same rows")


def check_offset(offset: Any, n: int) -> Float:
    """(n,) finite numbers."""
    values = numbers("offset", offset)
    if values.shape != (n,):
        raise ValueError(f"offset has shape {values.shape}, X has {n} rows: give one number per row")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"offset is {values[bad[0]]:g} in row {bad[0]}: every row needs a finite number")
    return values


def check_response(y: Float, weight: Float, loss: Loss, offset: Float | None, free_intercept: bool) -> None:
    """Numbers of a size that can be squared and, where a free intercept would explain them, more than one value."""
    _check_size("y", y)
    if offset is not None and scales_y(loss):
        _check_size("y − offset", y - along(offset, y))
    if not free_intercept or not tells_nothing(y, weight, loss, offset):
        return
    used = y[weight > 0.0]
    if len(used) == 1:
        raise ValueError("n_samples = 1 (of positive weight), which an intercept alone fits: give more rows")
    if loss.traits.classes and not loss.traits.couples_outputs and used[0] in (0.0, 1.0):
        raise ValueError(f"y has one class only (every value is {used[0]:g}): there is nothing to tell apart")
    value = np.array2string(used[0], separator=", ", formatter={"float_kind": "{:g}".format})
    raise ValueError(f"y is constant (every value is {value}): there is nothing to explain")


def _check_size(name: str, values: Float) -> None:
    largest = float(np.abs(values).max(initial=0.0))
    if largest > HUGE or 0.0 < largest < 1.0 / HUGE:
        raise ValueError(
            f"the largest number in {name} is {largest:g}, which can not be squared: give y in another unit"
        )


def tells_nothing(y: Float, weight: Float, loss: Loss, offset: Float | None) -> bool:
    """Whether an intercept alone says all of y: it has one value, and no offset that differs from row to row beside it.

    An offset makes no infinite intercept finite (one class alone, counts that are all 0), nor does it move the classes of
    a multinomial loss, which it is added to alike.
    """
    if not is_constant(y, weight):
        return False
    shifts = offset is not None and not is_constant(offset, weight) and not loss.traits.couples_outputs
    return not shifts or bool(loss.lacking(y, weight))


def is_constant(y: Float, weight: Float) -> bool:
    """Whether all rows of positive weight have one y, which an intercept explains."""
    used = y[weight > 0.0]
    return not np.any(used != used[0])


def check_members(y: Float, weights: Float, loss: Loss) -> None:
    """Every fit but the first, which ``check_response`` looks at: an intercept that is best for its rows."""
    for number, weight in enumerate(weights[1:], start=2):
        gone = loss.lacking(y, weight)
        if gone:
            raise ValueError(
                f"of {len(weights)} fits, fit {number} gets {gone}, so that no intercept is best: weigh such rows in every fit"
            )
