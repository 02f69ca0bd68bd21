"""What "agrees with the reference" means, and the small table that the references are fitted to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


def assert_agrees(ours: ArrayLike, reference: ArrayLike, tol: float = 1e-6) -> None:
    """The largest difference is at most ``tol`` of the largest entry of the reference."""
    got, wanted = np.asarray(ours, dtype=float), np.asarray(reference, dtype=float)
    assert got.shape == wanted.shape
    assert np.isfinite(got).all()
    difference, scale = np.abs(got - wanted).max(), np.abs(wanted).max()
    assert difference <= tol * scale, f"differs by {difference:.2e} where the largest entry is {scale:.2e}"


def standardized(X: Float, weight: Float | None = None) -> Float:
    """Columns centred and divided by their (weighted) standard deviation, 1/n form."""
    centred = X - np.average(X, axis=0, weights=weight)
    return centred / np.sqrt(np.average(centred**2, axis=0, weights=weight))


class Table(NamedTuple):
    """Standardised predictors, one response of each kind, and positive row weights."""

    X: Float
    y: Float
    outputs: Float
    binary: NDArray[np.int64]
    classes: NDArray[np.int64]
    counts: NDArray[np.int64]
    weight: Float


def table(n: int = 120, p: int = 7, seed: int = 3) -> Table:
    """Correlated columns, of which the first three matter."""
    rng = np.random.default_rng(seed)
    X = standardized(rng.normal(size=(n, p)) @ (np.eye(p) + 0.4 * rng.normal(size=(p, p))))
    eta = X[:, :3] @ np.array([[1.0, -0.5, 0.2], [-0.7, 0.9, 0.3], [0.5, 0.4, -1.0]])
    noisy = eta + rng.normal(size=eta.shape)
    return Table(
        X=X,
        y=3.0 * noisy[:, 0] + 5.0,
        outputs=noisy * [1.0, 2.0, 0.5] + [0.0, 4.0, -1.0],
        binary=(eta[:, 0] + rng.logistic(size=n) > 0).astype(np.int64),
        classes=(eta + rng.gumbel(size=eta.shape)).argmax(axis=1),
        counts=rng.poisson(np.exp(0.4 * eta[:, 0] + 0.5)),
        weight=rng.uniform(0.2, 3.0, size=n),
    )
