"""Random problems of every loss, on which engines are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from taut.losses import Logistic, Loss, Multinomial, Poisson
from taut.penalties import ElasticNet, Penalty
from taut.solvers.base import LinearProblem
from taut.solvers.matrix import as_matrix

Float = NDArray[np.float64]
ENET = ElasticNet(1.0, 0.5, 0.25)


def table(seed: int, n: int = 60, p: int = 8) -> tuple[Float, Float, Float]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    return X, X[:, 0] - X[:, 1] + 0.5 * X[:, 2] + rng.normal(size=n), rng.uniform(0.2, 2.0, size=n)


def response(loss: Loss, eta: Float, seed: int = 0) -> Float:
    rng = np.random.default_rng(seed + 1)
    if isinstance(loss, Logistic):
        return (eta + rng.logistic(size=len(eta)) > 0).astype(float)
    if isinstance(loss, Multinomial):
        return np.digitize(eta + rng.logistic(size=len(eta)), [-1.0, 1.0]).astype(float)
    return rng.poisson(np.exp(eta / 3)).astype(float) if isinstance(loss, Poisson) else eta


def problem_of(X: Any, y: Float, s: Float, loss: Loss, penalty: Penalty, **options: Any) -> LinearProblem:
    return LinearProblem(as_matrix(X), y, s, loss, penalty, **({"tol": 1e-13} | options))
