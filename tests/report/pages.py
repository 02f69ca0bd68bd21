"""Pages, and what is needed to read and run them."""

from __future__ import annotations

import numpy as np

import taut


def wide_fit() -> taut.Fit:
    """100 λ × 300 features, ridge: no coefficient is zero."""
    global _WIDE  # fitted once for all tests that ask
    if _WIDE is None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 300))
        columns = {f"feature {j}": X[:, j] for j in range(300)}
        _WIDE = taut.fit(
            {**columns, "y": X[:, :5].sum(axis=1) + rng.normal(size=200)}, "y", penalty="l2", cv=3
        )
    return _WIDE


_WIDE: taut.Fit | None = None
