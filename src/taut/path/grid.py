"""What a user may give as the strengths of a path."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def check_lambdas(lambdas: int | Sequence[float] | Float) -> int | Float:
    """A count ≥ 1, or finite strengths ≥ 0, returned strongest first."""
    if isinstance(lambdas, int | np.integer) and not isinstance(lambdas, bool):
        if lambdas < 1:
            raise ValueError(
                f"lambdas = {lambdas}: give the number of strengths (at least 1) or the strengths themselves"
            )
        return int(lambdas)
    values = np.asarray(lambdas, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError("lambdas must be a count or a one-dimensional, non-empty list of strengths")
    if not np.isfinite(values).all() or (values < 0).any():
        bad = values[~np.isfinite(values) | (values < 0)][0]
        raise ValueError(f"lambdas contains {bad:g}: every strength must be finite and at least 0")
    return np.unique(values)[::-1].copy()
