"""LassoNet: its own path of λ on one fold, with its hierarchical penalty; only its time is comparable."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from lassonet import LassoNetClassifier, LassoNetRegressor

from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import main


def path(problem: Problem, epochs: int) -> Array:
    """The first fold's training rows; no solution is returned."""
    kind = LassoNetRegressor if problem.loss == "squared" else LassoNetClassifier
    model = kind(
        hidden_dims=(problem.hidden,), batch_size=problem.batch, n_iters=(10 * epochs, epochs), random_state=0,
        path_multiplier=(1 / 1e-3) ** (1 / 20), verbose=0,
    )  # fmt: skip
    rows = problem.folds != 0
    model.path(problem.X[rows], problem.y[rows].astype(np.float32 if problem.loss == "squared" else np.int64))
    return np.zeros((0, 0, 0))


if __name__ == "__main__":
    main({"path": path}, version("lassonet"))
