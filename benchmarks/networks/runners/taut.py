"""taut: the walk of all folds, or one λ from random weights without early stopping and without the finish."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import taut
from benchmarks.networks.problem import Array, Problem
from benchmarks.networks.runners.protocol import RATE, Selection, main, middle
from taut.losses import as_loss
from taut.path import PathSpec, fit_paths
from taut.path.network import NetworkPath
from taut.solvers.networks.settings import Training


def _spec(problem: Problem, training: Training) -> PathSpec:
    return PathSpec(
        as_loss(problem.loss),
        hidden=(problem.hidden,),
        skip=False,
        standardize=False,
        random_state=problem.seed,
        training=training,
    )


def _solutions(path: NetworkPath) -> Array:
    return np.array(
        [
            np.concatenate([a.ravel() for a in (*p.weights, *p.biases)])
            for p in map(path.params_at, range(len(path)))
        ]
    )


def path(problem: Problem, epochs: int, **options: Any) -> Array:
    """The five folds as five members of one call."""
    weights = (problem.folds != np.unique(problem.folds)[:, None]).astype(float)
    spec = _spec(problem, Training(max_epochs=epochs, batch_size=problem.batch, **options))
    return np.array([_solutions(p) for p in fit_paths(spec, problem.X, problem.y, weights, problem.lambdas)])


def single(problem: Problem, epochs: int) -> Array:
    """Mini-batch steps alone."""
    steps = Training(epochs, problem.batch, RATE, first_factor=1, min_decrease=-1e9, finish_iterations=0)
    spec = _spec(problem, replace(steps, linear_wins=10**6))
    fitted = fit_paths(spec, problem.X, problem.y, np.ones((1, len(problem.y))), [middle(problem)])
    return _solutions(fitted[0])[None]


def select(problem: Problem, epochs: int) -> Selection:
    """The group lasso on inputs, the first fold's training rows."""
    rows = problem.folds != 0
    steps = Training(max_epochs=epochs, batch_size=problem.batch)
    spec = replace(_spec(problem, steps), penalty=taut.GroupLasso())
    [path] = fit_paths(spec, problem.X, problem.y, rows[None].astype(float), problem.lambdas)
    every = range(len(path))
    right = [path.decision_at(problem.X[~rows], i).argmax(axis=1) == problem.y[~rows] for i in every]
    return Selection(path.kept_inputs.sum(axis=1).tolist(), [float(each.mean()) for each in right])


if __name__ == "__main__":
    paths = {
        "path": path,
        "path, finish 0": partial(path, finish_iterations=0),
        "path, rate 0.003": partial(path, learning_rate=3e-3),
    }
    main({**paths, "single": single, "select": select}, taut.__version__)
