"""Checks of y that the losses share: each returns float64 or says which value is wrong and what to do."""

from __future__ import annotations

import numpy as np

from taut.arrays import is_array, to_numpy
from taut.types import Float, Mask


def numbers(y: object, loss: str) -> Float:
    """``y`` as a non-empty float64 array of finite numbers."""
    values = to_numpy(y) if is_array(y) else np.asarray(y)
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"{loss} needs a numeric y, and it is {values.dtype}, from {values.ravel()[:1].tolist()} on: "
            "code classes as 0, 1, … (numpy.unique(y, return_inverse=True)) or use taut.Classifier"
        )
    if values.size == 0:
        raise ValueError(f"{loss} needs at least one row, and y has the shape {values.shape}")
    values = values.astype(np.float64)
    refuse(~np.isfinite(values), values, loss, "finite numbers", "drop or impute those rows first")
    return values


def refuse(bad: Mask, y: Float, loss: str, wanted: str, remedy: str) -> None:
    """Raise a ValueError naming the first of the ``bad`` entries of y, what the loss wants and what to do."""
    if not bad.any():
        return
    where = np.argwhere(bad)[0].tolist()
    at = where[0] if len(where) == 1 else tuple(where)
    raise ValueError(f"{loss} needs {wanted}, and y[{at}] is {float(y[tuple(where)])!r}: {remedy}")


def vector(y: Float, loss: str) -> Float:
    """``y`` if it is (n,)."""
    if y.ndim != 1:
        raise ValueError(
            f"{loss} needs y of shape (n,), and this one is {y.shape}: pass one column, for example y[:, 0]"
        )
    return y


def vector_or_matrix(y: Float, loss: str) -> Float:
    """``y`` if it is (n,) or (n, q)."""
    if y.ndim not in (1, 2):
        raise ValueError(
            f"{loss} needs y of shape (n,) or (n, outputs), and this one is {y.shape}: reshape it"
        )
    return y
