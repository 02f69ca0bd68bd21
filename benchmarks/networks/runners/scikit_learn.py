"""scikit-learn's MLP: its penalty is L2 alone, so only its speed and its held-out loss can be compared."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import RATE, main, middle


def _cold(problem: Problem, rows: Array, lam: float, epochs: int) -> Array:
    kind: Any = MLPRegressor if problem.loss == "squared" else MLPClassifier
    model = kind(
        hidden_layer_sizes=(problem.hidden,), alpha=lam * problem.batch, batch_size=problem.batch, learning_rate_init=RATE,
        max_iter=epochs, tol=0.0, n_iter_no_change=10**6, random_state=problem.seed,
    )  # fmt: skip
    model.fit(problem.X[rows], problem.y[rows].astype(np.float32 if problem.loss == "squared" else int))
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def single(problem: Problem, epochs: int) -> Array:
    """One alpha, all rows."""
    return _cold(problem, np.arange(len(problem.y)), middle(problem), epochs)[None, None]


def loop(problem: Problem, epochs: int) -> Array:
    """Every fold and alpha on its own."""
    folds = [np.flatnonzero(problem.folds != k) for k in np.unique(problem.folds)]
    return np.array([[_cold(problem, rows, float(lam), epochs) for lam in problem.lambdas] for rows in folds])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main({"single": single, "loop": loop}, sklearn.__version__)
