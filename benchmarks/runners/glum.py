"""glum: ``GeneralizedLinearRegressor`` with its search along given alphas."""

from __future__ import annotations

import warnings

import glum

from benchmarks.problem import Array, Problem
from benchmarks.runners.protocol import Setting, fold_loop, main, path_task

FAMILY = {"squared": "normal", "logistic": "binomial"}


def _path(problem: Problem, setting: Setting) -> Array:
    model = glum.GeneralizedLinearRegressor(
        l1_ratio=problem.l1_ratio,
        family=FAMILY[problem.loss],
        fit_intercept=False,
        solver=setting["method"],
        gradient_tol=setting["tol"],
        max_iter=1000,
        alpha_search=True,
        alphas=problem.alphas,
    )
    return model.fit(problem.X, problem.y).coef_path_


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main({"path": path_task(_path), "cv": fold_loop(_path)}, glum.__version__)
