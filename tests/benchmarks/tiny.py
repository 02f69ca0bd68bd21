"""Problems so small that brute force solves them."""

from __future__ import annotations

import numpy as np

from benchmarks import workloads
from benchmarks.problem import Problem


def tiny(loss: str, l1_ratio: float, n: int = 25, p: int = 3, seed: int = 0, group: int = 1) -> Problem:
    rng = np.random.default_rng(seed)
    X = workloads.standardized(rng.standard_normal((n, p)))
    eta = X @ rng.standard_normal(p) + 0.5 * rng.standard_normal(n)
    numbers = eta / np.sqrt(np.mean(eta**2))  # as in the workloads: glmnet's ridge part depends on y's scale
    kinds = {"squared": numbers, "logistic": (eta > 0) * 1.0, "poisson": np.floor(np.exp(numbers))}
    y = np.digitize(eta, [-0.5, 0.5]) * 1.0 if loss == "multinomial" else kinds[loss]
    return workloads.with_grid(Problem(X, y, np.empty(0), loss, l1_ratio, group=group), 0.05, 4)


CASES = [
    ("squared", 1.0),
    ("squared", 0.5),
    ("squared", 0.0),
    ("logistic", 1.0),
    ("logistic", 0.5),
    ("multinomial", 1.0),
    ("poisson", 1.0),
]
