"""The lasso and the group lasso as networks without hidden layers, each with its certified solution."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import taut

Float = NDArray[np.float64]


class Problem(NamedTuple):
    """Rows X (n, p), centred y of unit variance, λ, and the solution (p,) that is certified."""

    X: Float
    y: Float
    lam: float
    solution: Float


def _true_coefficients(rng: np.random.Generator) -> Float:
    beta = np.zeros(60)
    beta[:15] = rng.uniform(0.5, 2, 15) * rng.choice([-1, 1], 15)
    return beta


def _solved(X: Float, y: Float, penalty: taut.Penalty, lam: float) -> Float:
    path = taut.fit_path(X, y, penalty=penalty, lambdas=[lam], tol=1e-13, standardize=False)
    assert path.certificates[0].met
    return path.coefs[0]


@cache
def lasso(penalty: taut.Penalty | None = None) -> Problem:
    """400 rows, 60 columns, 15 of them true: 45 zeros at λ = 0.1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 60))
    X = (X - X.mean(0)) / X.std(0)
    y = X @ _true_coefficients(rng) + rng.normal(size=400)
    y = (y - y.mean()) / y.std()
    return Problem(X, y, 0.1, _solved(X, y, penalty or taut.L1(), 0.1))


@cache
def group_lasso() -> Problem:
    """12 groups of 5 columns whose sizes differ tenfold: 9 groups are zero at λ = 0.04."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 60)) * rng.uniform(0.3, 3, 60)
    X -= X.mean(0)
    y = X @ _true_coefficients(rng) + rng.normal(size=400)
    y = (y - y.mean()) / y.std()
    return Problem(X, y, 0.04, _solved(X, y, taut.GroupLasso(groups=np.repeat(np.arange(12), 5)), 0.04))
