"""celer: ``celer_path``, working sets with dual extrapolation; logistic: a sum, labels ±1."""

from __future__ import annotations

import warnings

import celer
import numpy as np
from celer import celer_path

from benchmarks.problem import Array, Problem
from benchmarks.runners.protocol import Setting, fold_loop, main, path_task


def _groups(problem: Problem, setting: Setting) -> Array:
    size, p = problem.group, problem.X.shape[1]
    weights = np.full(p // size, np.sqrt(size))
    _, coefs, _ = celer_path(
        problem.X,
        problem.y,
        pb="grouplasso",
        groups=size,
        weights=weights,
        alphas=problem.alphas,
        tol=setting["tol"],
        prune=1,
        max_iter=100,
    )
    return coefs.T


def _path(problem: Problem, setting: Setting) -> Array:
    if problem.group > 1:
        return _groups(problem, setting)
    logistic = problem.loss == "logistic"
    _, coefs, _ = celer_path(
        problem.X,
        2 * problem.y - 1 if logistic else problem.y,
        pb="logreg" if logistic else "lasso",
        alphas=problem.alphas * (len(problem.y) if logistic else 1),
        l1_ratio=problem.l1_ratio,
        tol=setting["tol"],
        prune=1,
        use_PN=setting["method"] == "newton",
        max_iter=100,
    )
    return coefs.T


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main({"path": path_task(_path), "cv": fold_loop(_path)}, celer.__version__)
