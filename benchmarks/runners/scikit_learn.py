"""scikit-learn: ``enet_path``, ``LogisticRegression`` along the grid, ``LassoCV``, ``Ridge``, ``RidgeCV``."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LassoCV, LogisticRegression, Ridge, RidgeCV, enet_path

from benchmarks.problem import Array, Problem
from benchmarks.runners.protocol import Answer, Setting, main, path_task

ITERATIONS = 100_000


def _elastic_net(problem: Problem, setting: Setting) -> Array:
    _, coefs, _ = enet_path(
        problem.X,
        problem.y,
        l1_ratio=problem.l1_ratio,
        alphas=problem.alphas,
        precompute=setting["method"] == "gram",
        tol=setting["tol"],
        max_iter=ITERATIONS,
    )
    return coefs.T


def _ridge(problem: Problem, setting: Setting) -> Array:
    n = len(problem.y)
    models = (
        Ridge(alpha=n * lam / 2, fit_intercept=False, solver=setting["method"]) for lam in problem.lambdas
    )
    return np.array([model.fit(problem.X, problem.y).coef_ for model in models])


def _logistic(problem: Problem, setting: Setting) -> Array:
    """One model along the grid; ``saga`` starts from the last solution, ``liblinear`` from zero each time."""
    model = LogisticRegression(
        l1_ratio=1.0,
        solver=setting["method"],
        fit_intercept=False,
        warm_start=True,
        tol=setting["tol"],
        max_iter=ITERATIONS,
    )
    coefs = []
    for lam in problem.lambdas:
        model.set_params(C=1 / (len(problem.y) * lam)).fit(problem.X, problem.y)
        coefs.append(model.coef_.T if problem.outputs > 1 else model.coef_[0])
    return np.array(coefs)


def path(problem: Problem, setting: Setting) -> Array:
    if problem.loss != "squared":
        return _logistic(problem, setting)
    return _elastic_net(problem, setting) if problem.l1_ratio > 0 else _ridge(problem, setting)


def cross_validate(problem: Problem, setting: Setting) -> Answer:
    model = LassoCV(
        alphas=problem.alphas,
        cv=problem.splits(),
        fit_intercept=False,
        precompute=setting["method"] == "gram",
        tol=setting["tol"],
        max_iter=ITERATIONS,
        n_jobs=1,
    ).fit(problem.X, problem.y)

    def certify() -> list[Array]:
        return [_elastic_net(problem.subset(train), setting) for train, _ in problem.splits()]

    return Answer(curve=model.mse_path_.mean(axis=1), certify=certify)


def leave_one_out(problem: Problem, setting: Setting) -> Answer:
    """``RidgeCV`` keeps the penalty of the summed loss: (n − 1)λ/2 is the mean loss's without one row."""
    alphas = (len(problem.y) - 1) * problem.lambdas / 2
    model = RidgeCV(alphas=alphas, fit_intercept=False, gcv_mode=setting["method"], store_cv_results=True)
    return Answer(curve=model.fit(problem.X, problem.y).cv_results_.mean(axis=0))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main({"path": path_task(path), "cv": cross_validate, "loo": leave_one_out}, sklearn.__version__)
