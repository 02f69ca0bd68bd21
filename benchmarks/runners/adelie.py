"""adelie: ``grpnet`` (naive) or ``gaussian_cov`` on the Gram matrix; groups of one column unless the problem has some."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from typing import Any

import adelie
import numpy as np

from benchmarks.problem import Array, Problem
from benchmarks.runners.protocol import Answer, Setting, fold_loop, main, path_task

FAMILIES = {
    "squared": adelie.glm.gaussian,
    "logistic": adelie.glm.binomial,
    "poisson": adelie.glm.poisson,
}


def _options(problem: Problem, setting: Setting) -> dict[str, Any]:
    options = {"alpha": problem.l1_ratio, "lmda_path": problem.alphas, "tol": setting["tol"], "n_threads": 1}
    if problem.group > 1:
        options["groups"] = np.arange(0, problem.X.shape[1], problem.group)
    return options | {"early_exit": False, "progress_bar": False}


def _matrix(problem: Problem) -> Any:
    return adelie.matrix.sparse(problem.X, method="naive", n_threads=1) if problem.is_sparse else problem.X


def _naive(problem: Problem, setting: Setting, weights: Array | None = None) -> Array:
    options = _options(problem, setting)
    if problem.loss != "squared":
        options["irls_tol"] = setting["tol"]
    glm = FAMILIES[problem.loss](problem.y, weights=weights)
    return adelie.grpnet(_matrix(problem), glm, intercept=False, **options).betas.toarray()


def _covariance(problem: Problem, setting: Setting) -> Array:
    n, X = len(problem.y), problem.X
    gram = np.asfortranarray(X.T @ X) / n
    state = adelie.gaussian_cov(gram, X.T @ problem.y / n, rdev_tol=0, **_options(problem, setting))
    return state.betas.toarray()


def _path(problem: Problem, setting: Setting) -> Array:
    return (_covariance if setting["method"] == "covariance" else _naive)(problem, setting)


def _weighted_folds(problem: Problem, setting: Setting) -> Answer:
    """Folds as row weights on one X, as ``cv_grpnet`` does it, with the folds and the grid given."""
    fits, errors = [], []
    for train, held in problem.splits():
        weights = np.zeros(len(problem.y))
        weights[train] = 1 / len(train)
        fits.append(_naive(problem, setting, weights))
        errors.append(np.mean((problem.y[held, None] - problem.X[held] @ fits[-1].T) ** 2, axis=0))
    _naive(problem, setting)
    return Answer(fits, np.mean(errors, axis=0))


def _cross_validate(problem: Problem, setting: Setting) -> Answer:
    return (fold_loop(_path) if setting["method"] == "covariance" else _weighted_folds)(problem, setting)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main({"path": path_task(_path), "cv": _cross_validate}, version("adelie"))
