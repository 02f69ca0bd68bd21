"""taut: ``fit_path`` with explicit λ, on the data as given; ``cross_validate`` on the folds as given; ``lam="loo"``."""

from __future__ import annotations

import numpy as np

import taut
from benchmarks.problem import Array, Problem
from benchmarks.runners.protocol import Answer, Setting, main, path_task


def _options(problem: Problem, setting: Setting) -> dict[str, object]:
    """The penalty's shape is ρ|w| + (1 − ρ)/2 w², or √|g| ‖w_g‖; λ multiplies it."""
    ridge, lasso = problem.l1_ratio == 0, problem.l1_ratio == 1
    columns = np.arange(problem.X.shape[1])
    shape = (
        taut.GroupLasso(groups=columns // problem.group)
        if problem.group > 1
        else taut.L2(0.5)
        if ridge
        else taut.L1()
        if lasso
        else taut.ElasticNet(1.0, problem.l1_ratio, (1 - problem.l1_ratio) / 2)
    )
    options = {"loss": problem.loss, "penalty": shape, "lambdas": problem.lambdas, "tol": setting["tol"]}
    return options | {"fit_intercept": False, "standardize": False}


def path(problem: Problem, setting: Setting) -> Array:
    return taut.fit_path(problem.X, problem.y, **_options(problem, setting)).coefs


def cross_validate(problem: Problem, setting: Setting) -> Answer:
    fitted = taut.cross_validate(problem.X, problem.y, cv=problem.splits(), **_options(problem, setting))
    return Answer([path.coefs for path in fitted.paths[1:]], fitted.scores.mean)


def leave_one_out(problem: Problem, setting: Setting) -> Answer:
    model = taut.Regressor(lam="loo", **_options(problem, setting)).fit(problem.X, problem.y)
    return Answer(curve=model.scores_.mean)


if __name__ == "__main__":
    main({"path": path_task(path), "cv": cross_validate, "loo": leave_one_out}, taut.__version__)
