"""LassoNet: its own path of λ on one fold, with its hierarchical penalty."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from lassonet import LassoNetClassifier

from benchmarks.networks.problem import Problem
from benchmarks.networks.runners.protocol import Selection, main


def select(problem: Problem, epochs: int) -> Selection:
    """The first fold's training rows, and what each point of the path reads and gets right."""
    model = LassoNetClassifier(
        hidden_dims=(problem.hidden,), batch_size=problem.batch, n_iters=(10 * epochs, epochs), random_state=0,
        path_multiplier=(1 / 1e-3) ** (1 / 20), verbose=0,
    )  # fmt: skip
    y, rows = problem.y.astype(np.int64), problem.folds != 0
    inputs, accuracy = [], []
    for point in model.path(problem.X[rows], y[rows], return_state_dicts=True):
        model.load(point.state_dict)
        inputs.append(int(point.selected.sum()))
        accuracy.append(float(model.score(problem.X[~rows], y[~rows])))
    return Selection(inputs, accuracy)


if __name__ == "__main__":
    main({"select": select}, version("lassonet"))
